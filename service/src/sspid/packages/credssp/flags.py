"""What CredSSP makes of the context flags: what it refuses, what it grants, what its inner packages are asked."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

_REFUSED: Final[Flags] = frozenset(
    {
        ContextFlag.PROMPT_FOR_CREDS, ContextFlag.USE_SESSION_KEY, ContextFlag.USE_DCE_STYLE, ContextFlag.DATAGRAM,
        ContextFlag.IDENTIFY, ContextFlag.NULL_SESSION, ContextFlag.FORWARD_CREDENTIALS, ContextFlag.NO_INTEGRITY,
        ContextFlag.MESSAGES, ContextFlag.EXPLICIT_SESSION, ContextFlag.CONFIDENTIALITY_ONLY, ContextFlag.USE_HTTP_STYLE,
    }
)  # fmt: skip
"""None is on CredSSP's pages, and ignoring one would change what its caller relies on (``flags.md`` 1.3)."""

_ANY_TIME: Final[Flags] = frozenset(
    {ContextFlag.CONNECTION, ContextFlag.EXTENDED_ERROR, ContextFlag.STREAM, ContextFlag.USE_SUPPLIED_CREDS}
)
_SECURITY: Final[Flags] = frozenset(
    {ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT, ContextFlag.CONFIDENTIALITY, ContextFlag.INTEGRITY}
)
"""Every TLS connection has them; true at the last leg only."""

INNER: Final[Flags] = _SECURITY | {ContextFlag.MUTUAL_AUTH}
"""What the mechanism inside is asked for: it must seal, and prove the server where it can."""
INNER_ACCEPTED: Final[Flags] = _SECURITY
FORWARDING: Final[Flags] = INNER | {ContextFlag.DELEGATE}

_TLS: Final[Flags] = frozenset({ContextFlag.STREAM, ContextFlag.NO_POST_HANDSHAKE_AUTH})
_TLS_CLIENT: Final[Flags] = _TLS | {ContextFlag.MANUAL_CRED_VALIDATION, ContextFlag.MUTUAL_AUTH}
_PASSED_ON: Final[Flags] = frozenset({ContextFlag.EXTENDED_ERROR, ContextFlag.USE_SUPPLIED_CREDS})


def refuse_impossible(flags: Flags, *, server: bool) -> None:
    """SEC_E_UNSUPPORTED_FUNCTION for a flag that CredSSP cannot honour."""
    refused = flags & _REFUSED
    if server:
        # [MS-CSSP] 3.1.5: the server never asks for a client certificate.
        refused |= flags & {ContextFlag.MUTUAL_AUTH}
    if refused:
        message = f"CredSSP does not offer {min(refused).name}; leave the flag out."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)


@lru_cache(maxsize=256)
def tls_flags(asked: Flags, *, server: bool) -> Flags:
    """What Schannel is asked for: whatever certificate a server has, its chain decides only whether it is trusted."""
    return (asked & _PASSED_ON) | (_TLS if server else _TLS_CLIENT)


@lru_cache(maxsize=256)
def granted(asked: Flags, *, server: bool, last: bool = False, mutual: bool = False, delegated: bool = False) -> Flags:
    """The flags a leg returns. `mutual`: the server proved itself by Kerberos or a trusted certificate."""
    answer = (asked & _ANY_TIME) | {ContextFlag.ALLOCATE_MEMORY}
    if not server:
        answer |= {ContextFlag.MANUAL_CRED_VALIDATION}
    if last:
        answer |= _SECURITY | {ContextFlag.STREAM}
        answer |= {ContextFlag.MUTUAL_AUTH} if mutual else NO_FLAGS
        answer |= {ContextFlag.DELEGATE} if delegated else NO_FLAGS
    return answer
