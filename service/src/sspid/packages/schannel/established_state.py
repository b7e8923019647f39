"""The state of an established context: what it counts, and what it carries on from OpenSSL; no other state."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from sspid.packages.schannel.facts import Facts, first_finished, gather, logged_secrets, tls12_records, traffic_secrets
from sspid.packages.schannel.keys import TLS13_SUITES
from sspid.packages.schannel.openssl import TLS1_3
from sspid.packages.schannel.records import Direction, Records, Tls13Records
from sspid.packages.schannel.settings import VERSION_NAMES

if TYPE_CHECKING:
    from sspid.packages.schannel.credentials import SchannelCredential
    from sspid.packages.schannel.openssl import Connection
    from sspid.packages.schannel.states import Control, PostHandshake
    from sspid.vocabulary.attributes import KeyingMaterialInfo
    from sspid.vocabulary.flags import Flags


_RESTING: Final = struct.Struct(">HQQB")
"""Suite, next record written, next record read, length of each of the two secrets that follow."""
_SESSION: Final = 112
"""Length of master secret and randoms in `Established.secret` of TLS 1.2."""
_FINISHED: Final = 12
"""Length of the Finished after them (RFC 5246 7.4.9)."""


class Established:
    """An established context. It counts its own messages, so it changes; one call at a time uses it.

    `live` is OpenSSL's connection while something still needs it: TLS 1.2 (renegotiation), a suite that `records` does not
    know, a client that still waits for tickets (`awaits_tickets`), authentication after the handshake. Then OpenSSL seals and
    opens, `written` and `read` count the records of the keys in use, and what attributes ask for is asked of OpenSSL when the
    first of them is wanted; so OpenSSL can be let go of at any record. `secret` exports keying material: TLS 1.3's exporter
    secret, or TLS 1.2's once OpenSSL is gone, joined: master secret, randoms, first Finished (its binding) and session id.
    `renegotiates`: we began what OpenSSL has to finish.
    """

    __slots__ = (
        "_facts",
        "_records",
        "_secret",
        "awaits_tickets",
        "caller",
        "control",
        "credential",
        "granted",
        "live",
        "maps",
        "material",
        "mutual",
        "partial",
        "pending",
        "read",
        "read_closed",
        "reconnects",
        "renegotiates",
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
        self.awaits_tickets = self.renegotiates = False
        self.reconnects = self.maps = True
        self.written = self.read = 0
        self.control: Control | None = None
        self.pending: PostHandshake | None = None
        self.material: KeyingMaterialInfo | None = None
        self.served = self.partial = self._secret = b""
        self.write_closed = self.read_closed = False
        self._facts: Facts | None = None
        self._records: Records | bytes | None = None

    def __repr__(self) -> str:
        return f"Established({VERSION_NAMES.get(self.version)}, server={self.server}, live={self.live is not None})"

    @property
    def unique(self) -> bytes:
        """TLS 1.2's first Finished message."""
        return first_finished(self.live) if self.live is not None else self.secret[_SESSION : _SESSION + _FINISHED]

    @property
    def session_id(self) -> bytes:
        """TLS 1.2's; TLS 1.3 has none that means anything (RFC 8446 4.1.3)."""
        if self.version == TLS1_3:
            return b""
        return self.live.session_id() if self.live is not None else self.secret[_SESSION + _FINISHED :]

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
        records = self._records
        if records is None and self._facts is None:
            self.learn()
            records = self._records
        return self._wake(records) if isinstance(records, bytes) else records

    @records.setter
    def records(self, records: Records) -> None:
        self._records = records

    @property
    def can_let_go(self) -> bool:
        """Whether our record layer knows the suite, so that it can go on without OpenSSL."""
        if self._records is None and self._facts is None:
            self.learn()
        return self._records is not None

    @property
    def secret(self) -> bytes:
        """What keying material is exported from; see above."""
        if isinstance(self._records, bytes):
            self._wake(self._records)
        return self._secret

    @secret.setter
    def secret(self, secret: bytes) -> None:
        self._secret = secret

    def rest(self) -> None:
        """Keep the record layer as bytes until it is wanted: one object instead of six. TLS 1.2's keys follow from `secret`."""
        records = self._records
        if self.live is not None or records is None or isinstance(records, bytes) or not records.write.secret:
            return
        write, read = records.write, records.read
        head = _RESTING.pack(records.number, write.sequence, read.sequence, len(write.secret))
        keys = write.secret + read.secret if self.version == TLS1_3 else b""
        self._records, self._secret = head + keys + self._secret, b""

    def _wake(self, resting: bytes) -> Records | None:
        number, written, read, length = _RESTING.unpack_from(resting)
        rest = resting[_RESTING.size :]
        records: Records | None
        if self.version == TLS1_3:
            ours, theirs, rest = rest[:length], rest[length : 2 * length], rest[2 * length :]
            records = Tls13Records(number, TLS13_SUITES[number], Direction(ours, written), Direction(theirs, read))
        else:
            records = tls12_records(self.facts, rest[:_SESSION], server=self.server, written=written, read=read)
        self._records, self._secret = records, rest
        return records

    def learn(self) -> None:
        """Take the facts and, for TLS 1.3, the secrets from OpenSSL."""
        live = self.live
        if live is None:
            return
        secrets = logged_secrets(live.key_log) if self.version == TLS1_3 else {}
        live.key_log.clear()
        local = self.credential.only_certificate if self.credential is not None else b""
        facts = self._facts = gather(live, self.version, local)
        if not secrets:
            return
        self._secret = secrets.get(b"EXPORTER_SECRET", b"")
        known = traffic_secrets(facts, secrets, server=self.server)
        if known is not None:
            number, ours, theirs = known
            self._records = _RESTING.pack(number, self.written, self.read, len(ours)) + ours + theirs + self._secret
            self._secret = b""

    def count_read(self) -> None:
        """OpenSSL has read a record."""
        self.read += 1
        if self._records is not None:
            self.records.read.sequence += 1  # type: ignore[union-attr]  # there is one

    def count_written(self, records: int) -> None:
        """OpenSSL has written records."""
        self.written += records
        if self._records is not None:
            self.records.write.sequence += records  # type: ignore[union-attr]  # as above
