"""Context flags as GSS-API writes them into the authenticator's checksum (RFC 4121 4.1.1.1), and back; nothing else."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

DELEGATE: Final = 0x1
MUTUAL: Final = 0x2
INTEGRITY: Final = 0x20
CHANNEL_BOUND: Final = 0x800
DCE_STYLE: Final = 0x1000
DELEGATE_WHERE_TRUSTED: Final = 0x8000

_BITS: Final = {
    ContextFlag.MUTUAL_AUTH: MUTUAL,
    ContextFlag.REPLAY_DETECT: 0x4,
    ContextFlag.SEQUENCE_DETECT: 0x8,
    ContextFlag.CONFIDENTIALITY: 0x10,
    ContextFlag.INTEGRITY: INTEGRITY,
    ContextFlag.USE_DCE_STYLE: DCE_STYLE,
    ContextFlag.IDENTIFY: 0x2000,
    ContextFlag.EXTENDED_ERROR: 0x4000,
}
_NEED_INTEGRITY: Final = frozenset({ContextFlag.CONFIDENTIALITY, ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT})
_GRANTED_AS_ASKED: Final = frozenset(
    {
        ContextFlag.ALLOCATE_MEMORY,
        ContextFlag.CONNECTION,
        ContextFlag.STREAM,
        ContextFlag.CALL_LEVEL,
        ContextFlag.EXTENDED_ERROR,
    }
)


def require_service_key(asked: Flags) -> None:
    """Refuse USE_SESSION_KEY, which asks for user-to-user (RFC 4120 3.7): MIT's GSS-API has no such tokens."""
    if ContextFlag.USE_SESSION_KEY in asked:
        message = "USE_SESSION_KEY asks for user-to-user Kerberos, which is not offered: ask without it, for a service's SPN."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)


def requested(flags: Flags) -> int:
    """What an initiator asks of MIT's library. It delegates only where the KDC trusts the target ([MS-KILE] 3.2.5.1)."""
    bits = sum(bit for flag, bit in _BITS.items() if flag in flags)
    if flags & _NEED_INTEGRITY and not flags & {ContextFlag.NO_INTEGRITY, ContextFlag.CONFIDENTIALITY_ONLY}:
        bits |= INTEGRITY
    if flags & {ContextFlag.NO_INTEGRITY, ContextFlag.CONFIDENTIALITY_ONLY}:
        bits &= ~INTEGRITY
    if ContextFlag.USE_DCE_STYLE in flags:
        # The third leg exists to end mutual authentication; without it there is no DCE style.
        bits |= MUTUAL
    if ContextFlag.DELEGATE in flags and bits & MUTUAL:
        bits |= DELEGATE_WHERE_TRUSTED
    return bits


@lru_cache(maxsize=256)
def granted(bits: int, asked: Flags) -> Flags:
    """What a context has, from the library's flags and from what the caller asked of SSPI alone."""
    found = {flag for flag, bit in _BITS.items() if bits & bit}
    if bits & DELEGATE:
        found.add(ContextFlag.DELEGATE)
    return frozenset(found) | asked & _GRANTED_AS_ASKED
