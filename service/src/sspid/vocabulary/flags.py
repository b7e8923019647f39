"""Context flags: one vocabulary for ISC_REQ, ISC_RET, ASC_REQ and ASC_RET, and each role's Windows bits; not their effect.

The raw bits mean different things in the two roles (``flags.md`` 1), so nothing outside this module handles them.
"""

from __future__ import annotations

from enum import IntEnum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@unique
class ContextFlag(IntEnum):
    """What a context is asked for or was granted. The numbers are the wire contract's, not Windows'."""

    DELEGATE = 1
    MUTUAL_AUTH = 2
    REPLAY_DETECT = 3
    SEQUENCE_DETECT = 4
    CONFIDENTIALITY = 5
    USE_SESSION_KEY = 6
    PROMPT_FOR_CREDS = 7
    USE_SUPPLIED_CREDS = 8
    ALLOCATE_MEMORY = 9
    USE_DCE_STYLE = 10
    DATAGRAM = 11
    CONNECTION = 12
    CALL_LEVEL = 13
    INTERMEDIATE_RETURN = 14
    FRAGMENT_SUPPLIED = 15
    EXTENDED_ERROR = 16
    STREAM = 17
    INTEGRITY = 18
    IDENTIFY = 19
    NULL_SESSION = 20
    MANUAL_CRED_VALIDATION = 21
    FRAGMENT_TO_FIT = 22
    FORWARD_CREDENTIALS = 23
    NO_INTEGRITY = 24
    USE_HTTP_STYLE = 25
    NO_ADDITIONAL_TOKEN = 26
    REAUTHENTICATION = 27
    UNVERIFIED_TARGET_NAME = 28
    CONFIDENTIALITY_ONLY = 29
    MESSAGES = 30
    DEFERRED_CRED_VALIDATION = 31
    NO_POST_HANDSHAKE_AUTH = 32
    REUSE_SESSION_TICKETS = 33
    EXPLICIT_SESSION = 34
    SESSION_TICKET = 35
    THIRD_LEG_FAILED = 36
    LICENSING = 37
    ALLOW_NON_USER_LOGONS = 38
    ALLOW_CONTEXT_REPLAY = 39
    NO_TOKEN = 40
    PROXY_BINDINGS = 41
    ALLOW_MISSING_BINDINGS = 42


Flags = frozenset[ContextFlag]
NO_FLAGS: Flags = frozenset()

ISC_REQ: Mapping[int, ContextFlag] = MappingProxyType(
    {
        0x1: ContextFlag.DELEGATE,
        0x2: ContextFlag.MUTUAL_AUTH,
        0x4: ContextFlag.REPLAY_DETECT,
        0x8: ContextFlag.SEQUENCE_DETECT,
        0x10: ContextFlag.CONFIDENTIALITY,
        0x20: ContextFlag.USE_SESSION_KEY,
        0x40: ContextFlag.PROMPT_FOR_CREDS,
        0x80: ContextFlag.USE_SUPPLIED_CREDS,
        0x100: ContextFlag.ALLOCATE_MEMORY,
        0x200: ContextFlag.USE_DCE_STYLE,
        0x400: ContextFlag.DATAGRAM,
        0x800: ContextFlag.CONNECTION,
        0x1000: ContextFlag.CALL_LEVEL,
        0x2000: ContextFlag.FRAGMENT_SUPPLIED,
        0x4000: ContextFlag.EXTENDED_ERROR,
        0x8000: ContextFlag.STREAM,
        0x10000: ContextFlag.INTEGRITY,
        0x20000: ContextFlag.IDENTIFY,
        0x40000: ContextFlag.NULL_SESSION,
        0x80000: ContextFlag.MANUAL_CRED_VALIDATION,
        0x200000: ContextFlag.FRAGMENT_TO_FIT,
        0x400000: ContextFlag.FORWARD_CREDENTIALS,
        0x800000: ContextFlag.NO_INTEGRITY,
        0x1000000: ContextFlag.USE_HTTP_STYLE,
        0x20000000: ContextFlag.UNVERIFIED_TARGET_NAME,
        0x40000000: ContextFlag.CONFIDENTIALITY_ONLY,
        0x100000000: ContextFlag.MESSAGES,
        0x200000000: ContextFlag.DEFERRED_CRED_VALIDATION,
        0x400000000: ContextFlag.NO_POST_HANDSHAKE_AUTH,
        0x800000000: ContextFlag.REUSE_SESSION_TICKETS,
        0x1000000000: ContextFlag.EXPLICIT_SESSION,
    }
)
"""Windows bit of ISC_REQ_* -> flag. Source: sspi.h."""

ISC_RET: Mapping[int, ContextFlag] = MappingProxyType(
    {
        0x1: ContextFlag.DELEGATE,
        0x2: ContextFlag.MUTUAL_AUTH,
        0x4: ContextFlag.REPLAY_DETECT,
        0x8: ContextFlag.SEQUENCE_DETECT,
        0x10: ContextFlag.CONFIDENTIALITY,
        0x20: ContextFlag.USE_SESSION_KEY,
        0x40: ContextFlag.PROMPT_FOR_CREDS,
        0x80: ContextFlag.USE_SUPPLIED_CREDS,
        0x100: ContextFlag.ALLOCATE_MEMORY,
        0x200: ContextFlag.USE_DCE_STYLE,
        0x400: ContextFlag.DATAGRAM,
        0x800: ContextFlag.CONNECTION,
        0x1000: ContextFlag.INTERMEDIATE_RETURN,
        0x2000: ContextFlag.CALL_LEVEL,
        0x4000: ContextFlag.EXTENDED_ERROR,
        0x8000: ContextFlag.STREAM,
        0x10000: ContextFlag.INTEGRITY,
        0x20000: ContextFlag.IDENTIFY,
        0x40000: ContextFlag.NULL_SESSION,
        0x80000: ContextFlag.MANUAL_CRED_VALIDATION,
        0x200000: ContextFlag.FRAGMENT_TO_FIT,
        0x400000: ContextFlag.FORWARD_CREDENTIALS,
        0x1000000: ContextFlag.USE_HTTP_STYLE,
        0x2000000: ContextFlag.NO_ADDITIONAL_TOKEN,
        0x8000000: ContextFlag.REAUTHENTICATION,
        0x40000000: ContextFlag.CONFIDENTIALITY_ONLY,
        0x100000000: ContextFlag.MESSAGES,
        0x200000000: ContextFlag.DEFERRED_CRED_VALIDATION,
        0x400000000: ContextFlag.NO_POST_HANDSHAKE_AUTH,
        0x800000000: ContextFlag.REUSE_SESSION_TICKETS,
        0x1000000000: ContextFlag.EXPLICIT_SESSION,
    }
)
"""Windows bit of ISC_RET_* -> flag. Source: sspi.h."""

ASC_REQ: Mapping[int, ContextFlag] = MappingProxyType(
    {
        0x1: ContextFlag.DELEGATE,
        0x2: ContextFlag.MUTUAL_AUTH,
        0x4: ContextFlag.REPLAY_DETECT,
        0x8: ContextFlag.SEQUENCE_DETECT,
        0x10: ContextFlag.CONFIDENTIALITY,
        0x20: ContextFlag.USE_SESSION_KEY,
        0x40: ContextFlag.SESSION_TICKET,
        0x100: ContextFlag.ALLOCATE_MEMORY,
        0x200: ContextFlag.USE_DCE_STYLE,
        0x400: ContextFlag.DATAGRAM,
        0x800: ContextFlag.CONNECTION,
        0x1000: ContextFlag.CALL_LEVEL,
        0x2000: ContextFlag.FRAGMENT_SUPPLIED,
        0x8000: ContextFlag.EXTENDED_ERROR,
        0x10000: ContextFlag.STREAM,
        0x20000: ContextFlag.INTEGRITY,
        0x40000: ContextFlag.LICENSING,
        0x80000: ContextFlag.IDENTIFY,
        0x100000: ContextFlag.NULL_SESSION,
        0x200000: ContextFlag.ALLOW_NON_USER_LOGONS,
        0x400000: ContextFlag.ALLOW_CONTEXT_REPLAY,
        0x800000: ContextFlag.FRAGMENT_TO_FIT,
        0x1000000: ContextFlag.NO_TOKEN,
        0x4000000: ContextFlag.PROXY_BINDINGS,
        0x10000000: ContextFlag.ALLOW_MISSING_BINDINGS,
        0x100000000: ContextFlag.MESSAGES,
        0x1000000000: ContextFlag.EXPLICIT_SESSION,
    }
)
"""Windows bit of ASC_REQ_* -> flag. Source: sspi.h."""

ASC_RET: Mapping[int, ContextFlag] = MappingProxyType(
    {
        0x1: ContextFlag.DELEGATE,
        0x2: ContextFlag.MUTUAL_AUTH,
        0x4: ContextFlag.REPLAY_DETECT,
        0x8: ContextFlag.SEQUENCE_DETECT,
        0x10: ContextFlag.CONFIDENTIALITY,
        0x20: ContextFlag.USE_SESSION_KEY,
        0x40: ContextFlag.SESSION_TICKET,
        0x100: ContextFlag.ALLOCATE_MEMORY,
        0x200: ContextFlag.USE_DCE_STYLE,
        0x400: ContextFlag.DATAGRAM,
        0x800: ContextFlag.CONNECTION,
        0x2000: ContextFlag.CALL_LEVEL,
        0x4000: ContextFlag.THIRD_LEG_FAILED,
        0x8000: ContextFlag.EXTENDED_ERROR,
        0x10000: ContextFlag.STREAM,
        0x20000: ContextFlag.INTEGRITY,
        0x40000: ContextFlag.LICENSING,
        0x80000: ContextFlag.IDENTIFY,
        0x100000: ContextFlag.NULL_SESSION,
        0x200000: ContextFlag.ALLOW_NON_USER_LOGONS,
        0x400000: ContextFlag.ALLOW_CONTEXT_REPLAY,
        0x800000: ContextFlag.FRAGMENT_TO_FIT,
        0x1000000: ContextFlag.NO_TOKEN,
        0x2000000: ContextFlag.NO_ADDITIONAL_TOKEN,
        0x100000000: ContextFlag.MESSAGES,
        0x800000000: ContextFlag.REUSE_SESSION_TICKETS,
        0x1000000000: ContextFlag.EXPLICIT_SESSION,
    }
)
"""Windows bit of ASC_RET_* -> flag. Source: sspi.h."""


def from_bits(bits: int, table: Mapping[int, ContextFlag]) -> Flags:
    """Turn Windows bits of one role (``ISC_REQ`` ... ``ASC_RET``) into flags; bits without a name are dropped."""
    return frozenset(flag for bit, flag in table.items() if bits & bit)


def to_bits(flags: Iterable[ContextFlag], table: Mapping[int, ContextFlag]) -> int:
    """Turn flags into the Windows bits of one role; flags that the role does not know are dropped."""
    wanted = set(flags)
    return sum(bit for bit, flag in table.items() if flag in wanted)
