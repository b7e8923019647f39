"""The errors this package raises, one maker a status, so that each kind of failure reads the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.vocabulary.flags import Flags

DENIED_MESSAGE = "The user name or the password is not right; ask the user for both again."
"""One sentence for every refused logon: whoever reads it must not learn which half was wrong."""


def malformed(what: str) -> SspiError:
    """SEC_E_INVALID_TOKEN: `what` is a whole sentence that says what is wrong and where."""
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, what)


def denied(ntstatus: int | None = None) -> SspiError:
    """SEC_E_LOGON_DENIED; `ntstatus` only where the peer proved that it knows the password."""
    detail = None if ntstatus is None else FailureDetail(ntstatus=ntstatus)
    return SspiError(SecurityStatus.SEC_E_LOGON_DENIED, DENIED_MESSAGE, detail=detail)


def altered(what: str) -> SspiError:
    """SEC_E_MESSAGE_ALTERED."""
    return SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, what)


def out_of_sequence(what: str) -> SspiError:
    """SEC_E_OUT_OF_SEQUENCE: a nonce count, a sequence number or a call that is not the next one."""
    return SspiError(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, what)


def bad_bindings(what: str, granted: Flags = frozenset()) -> SspiError:
    """SEC_E_BAD_BINDINGS."""
    return SspiError(SecurityStatus.SEC_E_BAD_BINDINGS, what, granted=granted)


def qop_not_supported(what: str) -> SspiError:
    """SEC_E_QOP_NOT_SUPPORTED."""
    return SspiError(SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, what)


def too_small(what: str) -> SspiError:
    """SEC_E_BUFFER_TOO_SMALL."""
    return SspiError(SecurityStatus.SEC_E_BUFFER_TOO_SMALL, what)
