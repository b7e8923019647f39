"""Both ends of a CredSSP handshake for tests: the packages as the catalog builds them, one account, and what a peer may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sspid.packages import questions
from sspid.packages.credssp import package
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.kerberos import package as kerberos_package
from sspid.packages.negotiate import package as negotiate_package
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.questions import Account
from sspid.packages.schannel import package as schannel_package
from sspid.vocabulary.buffers import find
from sspid.vocabulary.credentials import CredentialUse, CredSspPair, Password, Schannel
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid_testing import tls

if TYPE_CHECKING:
    from sspid.vocabulary.buffers import Buffers, BufferType
    from sspid_testing.world import FixedWorld

TARGET = f"TERMSRV/{tls.HOST}"
USER, DOMAIN, PASSWORD = "alice", "DOMAIN", "Passw0rd"
ALICE = Password(USER, DOMAIN, PASSWORD)
DELEGATE = frozenset({ContextFlag.DELEGATE, ContextFlag.EXTENDED_ERROR})
MUTUAL = DELEGATE | {ContextFlag.MUTUAL_AUTH}
EXTENDED = frozenset({ContextFlag.EXTENDED_ERROR})
ANY_VERSION = CredSspPolicy(minimum_version=2)
TLS12: Any = {"protocols": ("TLSv1.2",)}
TLS13: Any = {"protocols": ("TLSv1.3",)}


def a_package(*, kerberos: bool = False) -> Any:
    """CredSSP with its inner packages; NTLM alone inside Negotiate unless Kerberos is wanted."""
    ntlm = ntlm_package()
    inner = {"kerberos": kerberos_package()} if kerberos else {}
    return package(schannel=schannel_package(), negotiate=negotiate_package(ntlm=ntlm, **inner), ntlm=ntlm)


def a_world(policy: Any = None, **named: Any) -> FixedWorld:
    """A world whose operator trusts the main authority, knows alice, and configured the `named` credentials."""
    world = tls.a_world()
    world.accounts[USER] = Account(USER, DOMAIN, crypto.nt_hash(PASSWORD))
    world.answers[questions.FindNamedCredential] = lambda asked: named[asked.name]
    if policy is not None:
        world.policies["CredSSP"] = policy
    return world


def client(secret: Any = ALICE, flags: Flags = DELEGATE, target: str = TARGET, policy: Any = None, **more: Any) -> tls.End:
    """An initiator. `schannel` is its Schannel part, `world` and `of` its world and package; the rest is settings."""
    world = more.pop("world", None) or a_world(policy)
    part = more.pop("schannel", None) or Schannel(settings=tls.settings(**more.pop("settings", {})))
    of = more.pop("of", None) or a_package()
    held = acquire(world, of, CredSspPair(part, secret), CredentialUse.OUTBOUND)
    return tls.End(world, of, held, server=False, flags=flags, target=target, **more)


def server(secret: Any = None, flags: Flags = EXTENDED, policy: Any = None, **more: Any) -> tls.End:
    """An acceptor with a certificate of the main authority for HOST, unless `certificate` is another."""
    world = more.pop("world", None) or a_world(policy)
    certificate = more.pop("certificate", None) or tls.issued()
    part = Schannel((certificate,), tls.settings(**more.pop("settings", {})))
    of = more.pop("of", None) or a_package()
    held = acquire(world, of, CredSspPair(part, secret), CredentialUse.INBOUND)
    return tls.End(world, of, held, server=True, flags=flags, **more)


def acquire(world: FixedWorld, of: Any, secret: Any, use: CredentialUse) -> Any:
    """AcquireCredentialsHandle."""
    from sspid.packages.contract import CredentialRequest

    return world.run(of.acquire_credentials_handle(CredentialRequest(use, secret)))


def shaken(initiator: tls.End | None = None, acceptor: tls.End | None = None) -> tuple[tls.End, tls.End]:
    """Both ends, by default the usual ones, when they have shaken hands."""
    ends = initiator or client(), acceptor or server()
    tls.shake(*ends)
    return ends


def found(buffers: Buffers, kind: BufferType) -> Any:
    """The buffer of that kind, or None."""
    return find(buffers, kind)


def fails(action: Any, *arguments: Any, **named: Any) -> SspiError:
    """The error that the action ends in."""
    with pytest.raises(SspiError) as caught:
        action(*arguments, **named)
    return caught.value
