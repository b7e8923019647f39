"""Failures across the wire: errorCode (an NTSTATUS) to and from SSPI's statuses, and the alerts; touches no state."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import RETURNED, SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = SecurityStatus
ACCESS_DENIED: Final = 49
"""The TLS alert for a peer that is refused without an errorCode (RFC 8446 6.2)."""
_ILLEGAL: Final = 47
_INTERNAL: Final = 80

_STATUS_OF: Final[Mapping[int, Status]] = MappingProxyType(
    {
        0xC000000D: Status.SEC_E_INVALID_TOKEN,  # INVALID_PARAMETER
        0xC0000022: Status.SEC_E_LOGON_DENIED,  # ACCESS_DENIED
        0xC000005E: Status.SEC_E_NO_AUTHENTICATING_AUTHORITY,  # NO_LOGON_SERVERS
        0xC000005F: Status.SEC_E_NO_CREDENTIALS,  # NO_SUCH_LOGON_SESSION
        0xC000009A: Status.SEC_E_INSUFFICIENT_MEMORY,  # INSUFFICIENT_RESOURCES
        0xC00000BB: Status.SEC_E_UNSUPPORTED_FUNCTION,  # NOT_SUPPORTED: the protocol version
        0xC00000DF: Status.SEC_E_NO_AUTHENTICATING_AUTHORITY,  # NO_SUCH_DOMAIN
        0xC00000E5: Status.SEC_E_INTERNAL_ERROR,  # INTERNAL_ERROR
        0xC0000133: Status.SEC_E_TIME_SKEW,  # TIME_DIFFERENCE_AT_DC
        0xC000018B: Status.SEC_E_TARGET_UNKNOWN,  # NO_TRUST_SAM_ACCOUNT
        0xC0000388: Status.SEC_E_DOWNGRADE_DETECTED,  # DOWNGRADE_DETECTED
    }
)
"""NTSTATUS ([MS-ERREF] 2.3.1) -> what it means to an initiator; every other one is SEC_E_LOGON_DENIED."""

_CODE_OF: Final[Mapping[Status, int]] = MappingProxyType(
    {
        Status.SEC_E_LOGON_DENIED: 0xC000006D,
        Status.SEC_E_MESSAGE_ALTERED: 0xC000006D,
        Status.SEC_E_OUT_OF_SEQUENCE: 0xC000006D,
        Status.SEC_E_INVALID_TOKEN: 0xC000000D,
        Status.SEC_E_NO_AUTHENTICATING_AUTHORITY: 0xC000005E,
        Status.SEC_E_NO_CREDENTIALS: 0xC000005F,
        Status.SEC_E_UNSUPPORTED_FUNCTION: 0xC00000BB,
        Status.STATUS_NOT_SUPPORTED: 0xC00000BB,
        Status.SEC_E_TIME_SKEW: 0xC0000133,
        Status.SEC_E_INTERNAL_ERROR: 0xC00000E5,
    }
)
_LOGON_FAILURE: Final = 0xC000006D
_SUCCESS_BITS: Final = 0x80000000


def carries_error_code(version: int) -> bool:
    """Whether a peer of this version understands errorCode ([MS-CSSP] 2.2.1): 3, 4, and 6 on."""
    return version in (3, 4) or version >= 6


def error_code(failure: SspiError) -> int:
    """The NTSTATUS that tells the initiator of this failure.

    A logon that failed is STATUS_LOGON_FAILURE whatever the reason beneath: the peer is not told which names exist.
    """
    return _CODE_OF.get(failure.status, _LOGON_FAILURE)


def received(code: int) -> SspiError:
    """The error for an errorCode from the server."""
    status = _STATUS_OF.get(code) or _own_status(code)
    name = f"{code:#010x}" if status is None or status.value != code else status.name
    detail = FailureDetail(ntstatus=code, state="errorCode")
    message = f"The server refused the CredSSP exchange with errorCode {name}; its own log says why."
    return SspiError(status or Status.SEC_E_LOGON_DENIED, message, detail=detail)


def _own_status(code: int) -> Status | None:
    """Some servers send the SECURITY_STATUS itself; never one that would read as success."""
    try:
        status = Status(code)
    except ValueError:
        return None
    return status if code & _SUCCESS_BITS and status not in RETURNED and code >> 16 == 0x8009 else None


def alert_for(failure: SspiError) -> int:
    """The TLS alert for a peer that cannot be told by errorCode."""
    if failure.status is Status.SEC_E_INVALID_TOKEN:
        return _ILLEGAL
    return _INTERNAL if failure.status is Status.SEC_E_INTERNAL_ERROR else ACCESS_DENIED


def without_output(failure: SspiError) -> SspiError:
    """The same failure without a token that has no place in a TSRequest, such as SPNEGO's reject."""
    return SspiError(failure.status, failure.message, detail=failure.detail)
