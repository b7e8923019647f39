"""Flags and qualities of protection: what is offered, chosen and granted in either role (digest.md 1); no tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.digest.refusals import malformed, qop_not_supported
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags

if TYPE_CHECKING:
    from sspid.packages.contract import Message
    from sspid.vocabulary.status import SecurityStatus

_INTEGRITY: Flags = frozenset({ContextFlag.INTEGRITY, ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT})
_ALWAYS: Flags = frozenset({ContextFlag.ALLOCATE_MEMORY, ContextFlag.USE_HTTP_STYLE})
"""Granted whenever asked: the reply owns its bytes, and the style is the caller's to choose."""


def require_no_confidentiality(flags: Flags, status: SecurityStatus) -> None:
    """Raise `status` where HTTP is asked together with CONFIDENTIALITY, which Digest has for SASL alone."""
    if ContextFlag.CONFIDENTIALITY in flags:
        message = "Digest cannot encrypt HTTP; leave CONFIDENTIALITY out and use TLS, or SASL with auth-conf."
        raise SspiError(status, message)


def offered(flags: Flags) -> tuple[str, ...]:
    """The qops of an acceptor's challenge."""
    qops = ["auth"]
    if flags & _INTEGRITY or ContextFlag.CONFIDENTIALITY in flags:
        qops.append("auth-int")
    if ContextFlag.CONFIDENTIALITY in flags:
        qops.append("auth-conf")
    return tuple(qops)


def wanted(flags: Flags) -> list[str]:
    """The qops an initiator with these flags would take, best first: more than was asked is never chosen."""
    return list(reversed(offered(flags)))


def choose(qops: tuple[str, ...], flags: Flags, *, without_qop: bool) -> str:
    """Choose a response's qop, empty for RFC 2069. SEC_E_QOP_NOT_SUPPORTED where the challenge needs more than was asked."""
    if not qops:
        if without_qop:
            return ""
        raise malformed("The challenge has no qop (RFC 2069), and this service's policy does not answer such servers.")
    for qop in wanted(flags):
        if qop in qops:
            return qop
    raise qop_not_supported(
        f"The server offers only qop {', '.join(qops)[:64]}; ask for INTEGRITY or CONFIDENTIALITY, whichever it needs."
    )


def granted(asked: Flags, qop: str, *, mutual: bool) -> Flags:
    """What the context ended with. `mutual`: whether the server has proved itself, or does so with this message."""
    flags = asked & _ALWAYS
    if qop in {"auth-int", "auth-conf"}:
        flags |= _INTEGRITY
    if qop == "auth-conf":
        flags |= {ContextFlag.CONFIDENTIALITY}
    if mutual:
        flags |= {ContextFlag.MUTUAL_AUTH}
    return flags


def require_plain(message: Message) -> None:
    """Refuse any fQOP but 0 and any MessageSeqNo but 0 (digest.md 5). SEC_E_QOP_NOT_SUPPORTED, SEC_E_INVALID_TOKEN."""
    if message.qop:
        raise qop_not_supported("Digest's signatures know no quality of protection but 0.")
    if message.sequence_number:
        raise malformed("Digest counts its messages itself: the sequence number of the call must be 0.")


def meanwhile(asked: Flags) -> Flags:
    """What is granted on a leg that is not the last one."""
    return asked & _ALWAYS
