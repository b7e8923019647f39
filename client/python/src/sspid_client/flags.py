"""Context flags: what is asked for and granted, and each role's Windows bits; what a package does with them is its own."""

from __future__ import annotations

from enum import Flag, IntEnum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@unique
class FlagWord(IntEnum):
    """The four words in which Windows writes flags; the same bit may mean different things in them."""

    ISC_REQ = 0
    ISC_RET = 1
    ASC_REQ = 2
    ASC_RET = 3


class ContextFlag(Flag):
    """What a context is asked for or was granted, joined with ``|``.

    The values are this library's own: `to_bits` and `from_bits` speak Windows.
    """

    DELEGATE = 1 << 1
    MUTUAL_AUTH = 1 << 2
    REPLAY_DETECT = 1 << 3
    SEQUENCE_DETECT = 1 << 4
    CONFIDENTIALITY = 1 << 5
    USE_SESSION_KEY = 1 << 6
    PROMPT_FOR_CREDS = 1 << 7
    USE_SUPPLIED_CREDS = 1 << 8
    ALLOCATE_MEMORY = 1 << 9
    USE_DCE_STYLE = 1 << 10
    DATAGRAM = 1 << 11
    CONNECTION = 1 << 12
    CALL_LEVEL = 1 << 13
    INTERMEDIATE_RETURN = 1 << 14
    FRAGMENT_SUPPLIED = 1 << 15
    EXTENDED_ERROR = 1 << 16
    STREAM = 1 << 17
    INTEGRITY = 1 << 18
    IDENTIFY = 1 << 19
    NULL_SESSION = 1 << 20
    MANUAL_CRED_VALIDATION = 1 << 21
    FRAGMENT_TO_FIT = 1 << 22
    FORWARD_CREDENTIALS = 1 << 23
    NO_INTEGRITY = 1 << 24
    USE_HTTP_STYLE = 1 << 25
    NO_ADDITIONAL_TOKEN = 1 << 26
    REAUTHENTICATION = 1 << 27
    UNVERIFIED_TARGET_NAME = 1 << 28
    CONFIDENTIALITY_ONLY = 1 << 29
    MESSAGES = 1 << 30
    DEFERRED_CRED_VALIDATION = 1 << 31
    NO_POST_HANDSHAKE_AUTH = 1 << 32
    REUSE_SESSION_TICKETS = 1 << 33
    EXPLICIT_SESSION = 1 << 34
    SESSION_TICKET = 1 << 35
    THIRD_LEG_FAILED = 1 << 36
    LICENSING = 1 << 37
    ALLOW_NON_USER_LOGONS = 1 << 38
    ALLOW_CONTEXT_REPLAY = 1 << 39
    NO_TOKEN = 1 << 40
    PROXY_BINDINGS = 1 << 41
    ALLOW_MISSING_BINDINGS = 1 << 42

    def to_bits(self, word: FlagWord) -> int:
        """The Windows bits of these flags in `word`; a flag that the word has no bit for is left out."""
        return sum(_BITS[flag][word] for flag in self)

    @classmethod
    def from_bits(cls, bits: int, word: FlagWord) -> ContextFlag:
        """Return the flags that `bits` means in `word`; a bit without a name is left out."""
        return cls(sum(flag.value for flag, row in _BITS.items() if bits & row[word]))

    @classmethod
    def from_wire(cls, numbers: Iterable[int]) -> ContextFlag:
        """Return the flags under their numbers in sspi.v1; one that a newer service added is left out."""
        return cls(sum(1 << number for number in _KNOWN.intersection(numbers)))

    def to_wire(self) -> list[int]:
        """Their numbers in sspi.v1."""
        return [flag.value.bit_length() - 1 for flag in self]


_KNOWN = frozenset(flag.value.bit_length() - 1 for flag in ContextFlag)

# Columns: ISC_REQ, ISC_RET, ASC_REQ, ASC_RET; 0 where the word has no such bit. Source: sspi.h.
_BITS: dict[ContextFlag, tuple[int, int, int, int]] = {
    ContextFlag.DELEGATE: (0x1, 0x1, 0x1, 0x1),
    ContextFlag.MUTUAL_AUTH: (0x2, 0x2, 0x2, 0x2),
    ContextFlag.REPLAY_DETECT: (0x4, 0x4, 0x4, 0x4),
    ContextFlag.SEQUENCE_DETECT: (0x8, 0x8, 0x8, 0x8),
    ContextFlag.CONFIDENTIALITY: (0x10, 0x10, 0x10, 0x10),
    ContextFlag.USE_SESSION_KEY: (0x20, 0x20, 0x20, 0x20),
    ContextFlag.PROMPT_FOR_CREDS: (0x40, 0x40, 0, 0),
    ContextFlag.USE_SUPPLIED_CREDS: (0x80, 0x80, 0, 0),
    ContextFlag.ALLOCATE_MEMORY: (0x100, 0x100, 0x100, 0x100),
    ContextFlag.USE_DCE_STYLE: (0x200, 0x200, 0x200, 0x200),
    ContextFlag.DATAGRAM: (0x400, 0x400, 0x400, 0x400),
    ContextFlag.CONNECTION: (0x800, 0x800, 0x800, 0x800),
    ContextFlag.CALL_LEVEL: (0x1000, 0x2000, 0x1000, 0x2000),
    ContextFlag.INTERMEDIATE_RETURN: (0, 0x1000, 0, 0),
    ContextFlag.FRAGMENT_SUPPLIED: (0x2000, 0, 0x2000, 0),
    ContextFlag.EXTENDED_ERROR: (0x4000, 0x4000, 0x8000, 0x8000),
    ContextFlag.STREAM: (0x8000, 0x8000, 0x10000, 0x10000),
    ContextFlag.INTEGRITY: (0x10000, 0x10000, 0x20000, 0x20000),
    ContextFlag.IDENTIFY: (0x20000, 0x20000, 0x80000, 0x80000),
    ContextFlag.NULL_SESSION: (0x40000, 0x40000, 0x100000, 0x100000),
    ContextFlag.MANUAL_CRED_VALIDATION: (0x80000, 0x80000, 0, 0),
    ContextFlag.FRAGMENT_TO_FIT: (0x200000, 0x200000, 0x800000, 0x800000),
    ContextFlag.FORWARD_CREDENTIALS: (0x400000, 0x400000, 0, 0),
    ContextFlag.NO_INTEGRITY: (0x800000, 0, 0, 0),
    ContextFlag.USE_HTTP_STYLE: (0x1000000, 0x1000000, 0, 0),
    ContextFlag.NO_ADDITIONAL_TOKEN: (0, 0x2000000, 0, 0x2000000),
    ContextFlag.REAUTHENTICATION: (0, 0x8000000, 0, 0),
    ContextFlag.UNVERIFIED_TARGET_NAME: (0x20000000, 0, 0, 0),
    ContextFlag.CONFIDENTIALITY_ONLY: (0x40000000, 0x40000000, 0, 0),
    ContextFlag.MESSAGES: (0x100000000, 0x100000000, 0x100000000, 0x100000000),
    ContextFlag.DEFERRED_CRED_VALIDATION: (0x200000000, 0x200000000, 0, 0),
    ContextFlag.NO_POST_HANDSHAKE_AUTH: (0x400000000, 0x400000000, 0, 0),
    ContextFlag.REUSE_SESSION_TICKETS: (0x800000000, 0x800000000, 0, 0x800000000),
    ContextFlag.EXPLICIT_SESSION: (0x1000000000, 0x1000000000, 0x1000000000, 0x1000000000),
    ContextFlag.SESSION_TICKET: (0, 0, 0x40, 0x40),
    ContextFlag.THIRD_LEG_FAILED: (0, 0, 0, 0x4000),
    ContextFlag.LICENSING: (0, 0, 0x40000, 0x40000),
    ContextFlag.ALLOW_NON_USER_LOGONS: (0, 0, 0x200000, 0x200000),
    ContextFlag.ALLOW_CONTEXT_REPLAY: (0, 0, 0x400000, 0x400000),
    ContextFlag.NO_TOKEN: (0, 0, 0x1000000, 0x1000000),
    ContextFlag.PROXY_BINDINGS: (0, 0, 0x4000000, 0),
    ContextFlag.ALLOW_MISSING_BINDINGS: (0, 0, 0x10000000, 0),
}
