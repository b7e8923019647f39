"""The states of a Schannel context, one type each with what it has earned; they do nothing by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sspid.vocabulary.flags import NO_FLAGS, Flags

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.schannel.credentials import SchannelCredential
    from sspid.packages.schannel.facts import Facts
    from sspid.packages.schannel.openssl import Connection
    from sspid.packages.schannel.records import Records


class Control(NamedTuple):
    """An alert that ApplyControlToken ordered for the next leg: level and number of RFC 8446 6."""

    level: int
    number: int


@dataclass(frozen=True, slots=True)
class Handshaking:
    """Between the first leg and the last."""

    connection: Connection = field(repr=False)
    credential: SchannelCredential = field(repr=False)
    server: bool
    flags: Flags = NO_FLAGS
    target: str = ""
    caller: str = ""
    control: Control | None = None
    post_handshake_auth: bool = False
    """The client says it would prove itself after the handshake too (RFC 8446 4.2.6)."""
    reconnects: bool = True


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


@dataclass(slots=True)
class Established:
    """An established context. It counts its own messages, so it changes; one call at a time uses it.

    `live` is OpenSSL's connection while something still needs it: TLS 1.2 (renegotiation), a suite that `records` does not
    know, a client that still waits for tickets (`awaits_tickets`), authentication after the handshake. Then OpenSSL seals and
    opens, and `records` or the two counters keep step, so that OpenSSL can be let go of at any record.
    """

    facts: Facts
    records: Records | None
    live: Connection | None
    server: bool
    granted: Flags
    target: str = ""
    caller: str = ""
    credential: SchannelCredential | None = field(default=None, repr=False)
    expiry: datetime | None = None
    mutual: bool = False
    awaits_tickets: bool = False
    reconnects: bool = True
    written: int = 0
    read: int = 0
    control: Control | None = None
    pending: PostHandshake | None = None
    served: bytes = field(default=b"", repr=False)
    partial: bytes = field(default=b"", repr=False)
    """Handshake bytes of a message whose end is in a later record."""
    write_closed: bool = False
    read_closed: bool = False


@dataclass(frozen=True, slots=True)
class Renegotiating:
    """A TLS 1.2 handshake on an established connection, past its first message."""

    established: Established
