"""The states of a Schannel context, one type each with what it has earned; they do nothing by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sspid.packages.silent import Silent
from sspid.vocabulary.flags import NO_FLAGS, Flags

if TYPE_CHECKING:
    from sspid.packages.schannel.credentials import SchannelCredential
    from sspid.packages.schannel.established_state import Established
    from sspid.packages.schannel.openssl import Connection


class Control(NamedTuple):
    """An alert that ApplyControlToken ordered for the next leg: level and number of RFC 8446 6."""

    level: int
    number: int


class Handshaking(Silent, frozen=True):
    """Between the first leg and the last."""

    connection: Connection
    credential: SchannelCredential
    server: bool
    flags: Flags = NO_FLAGS
    target: str = ""
    caller: str = ""
    control: Control | None = None
    post_handshake_auth: bool = False
    """The client says it would prove itself after the handshake too (RFC 8446 4.2.6)."""
    reconnects: bool = True
    mtu: int = 0
    """Of a DTLS handshake; 0 for a stream."""
    queued: bytes = b""
    """Datagrams of a flight that wait for their own leg."""


@dataclass(frozen=True, slots=True)
class AwaitingCredentials:
    """The server asked for a certificate and the credential has none it accepts; `fed` is the input that told so."""

    handshake: Handshaking
    fed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """The last alert is out: nothing more to say."""


@dataclass(frozen=True, slots=True)
class PostHandshake:
    """A handshake record that DecryptMessage met: its kind, and what it made us answer; served by the next leg.

    `unfinished`: it began a renegotiation, which goes on leg by leg.
    """

    kind: str
    record: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Renegotiating:
    """A TLS 1.2 handshake on an established connection, past its first message."""

    established: Established
