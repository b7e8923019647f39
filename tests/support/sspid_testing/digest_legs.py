"""Handshakes of Digest for HTTP, both ends in memory, for the tests of its legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, PASSWORD, USER, Digest, parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.packages.contract import Step
    from sspid.vocabulary.flags import Flags

ALGORITHMS = [name + suffix for name in ("MD5", "SHA-256", "SHA-512-256") for suffix in ("", "-sess")]
GET = parameter("GET")
INTEGRITY = HTTP | {ContextFlag.INTEGRITY}
MUTUAL = HTTP | {ContextFlag.MUTUAL_AUTH}
BODY = b"name=value"


def raises(status: SecurityStatus, function: Callable[..., Any], *arguments: Any, **settings: Any) -> SspiError:
    """The failure of a call that has to end in `status`."""
    with pytest.raises(SspiError) as caught:
        function(*arguments, **settings)
    assert caught.value.status is status, caught.value
    return caught.value


def handshake(side: Digest, user: str = USER, password: str = PASSWORD, flags: Flags = HTTP) -> tuple[Any, Any, Step]:
    """The acceptor's credential, its state after the challenge and the initiator's step."""
    acceptor = side.acceptor()
    challenged = side.accept(None, acceptor, flags=flags)
    assert challenged.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    responded = side.initialize(
        None, side.initiator(user, password), challenged.output[0].data, GET, target="/dir/index.html", flags=flags
    )
    return acceptor, challenged.state, responded


def established(side: Digest) -> tuple[Any, Any]:
    """The initiator's and the acceptor's state after a good logon."""
    acceptor, state, responded = handshake(side)
    accepted = side.accept(state, acceptor, responded.output[0].data, GET)
    assert accepted.established
    return responded.state, accepted.state
