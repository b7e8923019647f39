"""The states of a Schannel context, one type each with what it has earned; they do nothing by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sspid.packages.schannel.facts import Facts, gather, logged_secrets, tls13_records
from sspid.packages.schannel.openssl import TLS1_3
from sspid.packages.schannel.settings import VERSION_NAMES
from sspid.vocabulary.flags import NO_FLAGS, Flags

if TYPE_CHECKING:
    from sspid.packages.schannel.credentials import SchannelCredential
    from sspid.packages.schannel.openssl import Connection
    from sspid.packages.schannel.records import Records
    from sspid.vocabulary.attributes import KeyingMaterialInfo


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
    mtu: int = 0
    """Of a DTLS handshake; 0 for a stream."""
    queued: bytes = field(default=b"", repr=False)
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


class Established:
    """An established context. It counts its own messages, so it changes; one call at a time uses it.

    `live` is OpenSSL's connection while something still needs it: TLS 1.2 (renegotiation), a suite that `records` does not
    know, a client that still waits for tickets (`awaits_tickets`), authentication after the handshake. Then OpenSSL seals and
    opens, `written` and `read` count the records of the keys in use, and what attributes ask for is asked of OpenSSL when the
    first of them is wanted; so OpenSSL can be let go of at any record. `secret` exports keying material: TLS 1.3's exporter
    secret, or TLS 1.2's master secret and randoms once OpenSSL is gone; `finished` is TLS 1.2's binding from then on.
    """

    __slots__ = (
        "_facts",
        "_records",
        "awaits_tickets",
        "caller",
        "control",
        "credential",
        "finished",
        "granted",
        "live",
        "material",
        "mutual",
        "partial",
        "pending",
        "read",
        "read_closed",
        "reconnects",
        "secret",
        "served",
        "server",
        "target",
        "version",
        "write_closed",
        "written",
    )

    def __init__(self, live: Connection | None, version: int, granted: Flags, *, server: bool, mutual: bool) -> None:
        self.live = live
        self.version = version
        self.granted = granted
        self.server = server
        self.mutual = mutual
        self.target = self.caller = ""
        self.credential: SchannelCredential | None = None
        self.awaits_tickets = False
        self.reconnects = True
        self.written = self.read = 0
        self.control: Control | None = None
        self.pending: PostHandshake | None = None
        self.material: KeyingMaterialInfo | None = None
        self.served = self.partial = self.secret = self.finished = b""
        self.write_closed = self.read_closed = False
        self._facts: Facts | None = None
        self._records: Records | None = None

    def __repr__(self) -> str:
        return f"Established({VERSION_NAMES.get(self.version)}, server={self.server}, live={self.live is not None})"

    @property
    def facts(self) -> Facts:
        """What the handshake established."""
        facts = self._facts
        if facts is None:
            self.learn()
            facts = self._facts
        return facts  # type: ignore[return-value]  # learn() sets it

    @facts.setter
    def facts(self, facts: Facts) -> None:
        self._facts = facts

    @property
    def records(self) -> Records | None:
        """Our record layer; None while TLS 1.2 is OpenSSL's and for suites that it does not know."""
        if self._facts is None:
            self.learn()
        return self._records

    @records.setter
    def records(self, records: Records) -> None:
        self._records = records

    def learn(self) -> None:
        """Take the facts and, for TLS 1.3, the secrets from OpenSSL."""
        live = self.live
        if live is None:
            return
        secrets = logged_secrets(live.key_log) if self.version == TLS1_3 else {}
        live.key_log.clear()
        local = self.credential.only_certificate if self.credential is not None else b""
        facts = self._facts = gather(live, self.version, local)
        if secrets:
            self.secret = secrets.get(b"EXPORTER_SECRET", b"")
            self._records = tls13_records(facts, secrets, server=self.server, written=self.written, read=self.read)

    def count_read(self) -> None:
        """OpenSSL has read a record."""
        self.read += 1
        if self._records is not None:
            self._records.read.sequence += 1

    def count_written(self, records: int) -> None:
        """OpenSSL has written records."""
        self.written += records
        if self._records is not None:
            self._records.write.sequence += records


@dataclass(frozen=True, slots=True)
class Renegotiating:
    """A TLS 1.2 handshake on an established connection, past its first message."""

    established: Established
