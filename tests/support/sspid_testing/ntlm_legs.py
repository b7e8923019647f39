"""Handshakes of NTLM, both ends in memory, for the tests of its legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sspid.packages.ntlm import crypto, package
from sspid.packages.questions import (
    Account,
    RecordLogon,
)
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing.ends import End, shake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sspid.packages.ntlm.policy import NtlmPolicy

F = ContextFlag
PROTECTED = frozenset({F.INTEGRITY, F.CONFIDENTIALITY})
HASH = crypto.nt_hash("Passw0rd")
ALICE = Account("alice", "DOMAIN", HASH, groups=("staff",), sids=("S-1-5-21-1-2-3-1105",))
SPN = "HTTP/server.domain.test"
TLS = b"tls-server-end-point:" + bytes(32)


def ends(
    flags: Iterable[ContextFlag] = PROTECTED,
    *,
    password: str = "Passw0rd",
    user: str = "alice",
    domain: str = "DOMAIN",
    account: Account | None = ALICE,
    policy: NtlmPolicy | None = None,
    server_policy: NtlmPolicy | None = None,
) -> tuple[End, End]:
    """A client and a server that knows its account, before their first leg."""
    client = End(package(), Password(user, domain, password), flags=frozenset(flags), target=SPN)
    server = End(package(), accepts=True)
    if account is not None:
        server.world.accounts[account.name] = account
    client.world.policies["NTLM"] = policy
    server.world.policies["NTLM"] = server_policy
    return client, server


def refused(client: End, server: End) -> SspiError:
    """The failure a handshake ends in."""
    with pytest.raises(SspiError) as caught:
        shake(client, server)
    return caught.value


def recorded(end: End, kind: type[Any] = RecordLogon) -> list[Any]:
    """What a side told the audit."""
    return [question for question in end.world.asked if isinstance(question, kind)]


def established(flags: Iterable[ContextFlag] = PROTECTED) -> tuple[End, End]:
    """A client and a server after a good logon."""
    client, server = ends(flags)
    shake(client, server)
    return client, server
