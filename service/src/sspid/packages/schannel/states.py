"""The states of a Schannel context, one type each with what it has earned; they do nothing by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.vocabulary.flags import NO_FLAGS, Flags

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.schannel.credentials import SchannelCredential
    from sspid.packages.schannel.openssl import Connection


@dataclass(frozen=True, slots=True)
class Control:
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
    """A handshake record that DecryptMessage met: its kind, and what it made us answer; served by the next leg."""

    kind: str
    record: bytes = field(repr=False)
    answer: bytes = field(repr=False)


@dataclass(slots=True)
class Established:
    """An established context. It counts its own messages, so it changes; one call at a time uses it."""

    connection: Connection = field(repr=False)
    credential: SchannelCredential = field(repr=False)
    server: bool
    flags: Flags
    target: str
    caller: str
    mutual: bool
    expiry: datetime | None = None
    control: Control | None = None
    pending: PostHandshake | None = None
    served: bytes = field(default=b"", repr=False)
    write_closed: bool = False
    read_closed: bool = False
