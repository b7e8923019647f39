"""What Schannel makes of the context flags: which requests it refuses and which flags it grants; it reads no credential."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

_REFUSED: Final[Flags] = frozenset(
    {
        ContextFlag.DELEGATE,
        ContextFlag.PROMPT_FOR_CREDS,
        ContextFlag.FORWARD_CREDENTIALS,
        ContextFlag.NULL_SESSION,
        ContextFlag.MESSAGES,
        ContextFlag.EXPLICIT_SESSION,
    }
)
"""Asked for, these change what a caller would rely on, so ignoring them would be a lie (``flags.md`` 1.3)."""

_ANY_TIME: Final[Flags] = frozenset(
    {
        ContextFlag.CONNECTION,
        ContextFlag.DATAGRAM,
        ContextFlag.EXTENDED_ERROR,
        ContextFlag.STREAM,
        ContextFlag.MANUAL_CRED_VALIDATION,
        ContextFlag.USE_SUPPLIED_CREDS,
        ContextFlag.DEFERRED_CRED_VALIDATION,
        ContextFlag.NO_POST_HANDSHAKE_AUTH,
        ContextFlag.REUSE_SESSION_TICKETS,
        ContextFlag.SESSION_TICKET,
    }
)
"""Granted when asked, on every leg."""

_SECURITY: Final[Flags] = frozenset(
    {
        ContextFlag.REPLAY_DETECT,
        ContextFlag.SEQUENCE_DETECT,
        ContextFlag.CONFIDENTIALITY,
        ContextFlag.INTEGRITY,
    }
)
"""Every TLS connection has them; true at the last leg only."""


def refuse_impossible(flags: Flags) -> None:
    """SEC_E_UNSUPPORTED_FUNCTION for a flag that Schannel cannot honour."""
    if flags and not flags.isdisjoint(_REFUSED):
        refused = min(flags & _REFUSED)
        raise SspiError(
            SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION,
            f"Schannel does not offer {refused.name}; leave the flag out.",
        )


@lru_cache(maxsize=256)
def granted(asked: Flags, *, last: bool, mutual: bool = False, datagram: bool = False) -> Flags:
    """The flags a leg returns. `mutual`: the peer's certificate was asked for and judged good."""
    answer = (asked & _ANY_TIME) | {ContextFlag.ALLOCATE_MEMORY}
    if last:
        answer |= _SECURITY | ({ContextFlag.MUTUAL_AUTH} if mutual and ContextFlag.MUTUAL_AUTH in asked else NO_FLAGS)
        answer |= {ContextFlag.DATAGRAM} if datagram else {ContextFlag.STREAM}
    return answer
