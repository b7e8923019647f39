"""A TLS record layer that carries on from the secrets after OpenSSL's handshake: AEAD suites, TLS 1.2 and 1.3; no handshake."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from sspid.packages.schannel.framing import APPLICATION_DATA, HEADER, MAX_FRAGMENT
from sspid.packages.schannel.keys import Suite, next_secret, tls13_key_and_iv

if TYPE_CHECKING:
    from collections.abc import Callable

_READY = 1024
"""How many directions keep their AEAD object; the others are rebuilt from their secret in about 12 us."""
_ready: deque[weakref.ref[Direction]] = deque()

UPDATE_AFTER = 1 << 24
"""Records under one AES-GCM key before a KeyUpdate; RFC 8446 5.5 allows 2^24.5."""

_KEY_UPDATE = b"\x18\x00\x00\x01"


class RecordError(Exception):
    """A record that does not belong to this place of this connection; `alert` is what the peer is told."""

    def __init__(self, alert: int) -> None:
        super().__init__(f"alert {alert}")
        self.alert = alert


class Direction:
    """One direction: its secret (a traffic secret in TLS 1.3, key and IV in TLS 1.2) and the number of its next record."""

    __slots__ = ("__weakref__", "_aead", "secret", "sequence")

    def __init__(self, secret: bytes, sequence: int = 0) -> None:
        self.secret = secret
        self.sequence = sequence
        self._aead: tuple[AESGCM | ChaCha20Poly1305, int] | None = None

    def replace(self, secret: bytes, sequence: int = 0) -> None:
        """Go on with other keys."""
        self.secret, self.sequence, self._aead = secret, sequence, None

    def aead(self, suite: Suite, derive: Callable[[bytes, Suite], bytes] | None) -> tuple[AESGCM | ChaCha20Poly1305, int]:
        """The AEAD object and the IV as a number; built on first use."""
        ready = self._aead
        if ready is None:
            both = derive(self.secret, suite) if derive else self.secret
            aead = (AESGCM if suite.aead == "aes" else ChaCha20Poly1305)(both[: suite.key])
            ready = self._aead = aead, int.from_bytes(both[suite.key :], "big")
            _ready.append(weakref.ref(self))
            while len(_ready) > _READY:
                self._make_room()
        return ready

    @staticmethod
    def _make_room() -> None:
        oldest = _ready.popleft()()
        if oldest is not None:
            oldest._aead = None  # noqa: SLF001  # its own class

    def __repr__(self) -> str:
        return f"Direction(sequence={self.sequence})"


class _Records:
    """Both directions under one suite; `number` is its own in the registry of TLS."""

    __slots__ = ("number", "read", "suite", "write")

    def __init__(self, number: int, suite: Suite, write: Direction, read: Direction) -> None:
        self.number = number
        self.suite = suite
        self.write = write
        self.read = read


class Tls13Records(_Records):
    """TLS 1.3 records (RFC 8446 5.2)."""

    __slots__ = ()

    def seal(self, content_type: int, data: bytes) -> bytes:
        """One record; before it a KeyUpdate where the key has sealed enough."""
        before = self.update_key(answer_wanted=False) if self.write.sequence >= UPDATE_AFTER else b""
        return before + self._seal(content_type, data)

    def _seal(self, content_type: int, data: bytes) -> bytes:
        write = self.write
        aead, iv = write.aead(self.suite, tls13_key_and_iv)
        header = b"\x17\x03\x03" + (len(data) + 17).to_bytes(2, "big")
        nonce = (iv ^ write.sequence).to_bytes(12, "big")
        sealed = header + aead.encrypt(nonce, data + bytes((content_type,)), header)
        write.sequence += 1
        return sealed

    def open(self, record: bytes) -> tuple[int, bytes]:
        """Content type and content of one whole record; nothing advances where it raises."""
        content = self.peek(record)
        self.read.sequence += 1
        return content

    def peek(self, record: bytes) -> tuple[int, bytes]:
        """As `open`, without counting the record."""
        if record[0] != APPLICATION_DATA:
            raise RecordError(10)
        read = self.read
        aead, iv = read.aead(self.suite, tls13_key_and_iv)
        try:
            inner = aead.decrypt((iv ^ read.sequence).to_bytes(12, "big"), memoryview(record)[HEADER:], record[:HEADER])
        except (InvalidTag, ValueError):
            raise RecordError(20) from None
        if inner and inner[-1] == APPLICATION_DATA:
            content_type, content = APPLICATION_DATA, inner[:-1]
        else:
            padded = inner.rstrip(b"\x00")
            if not padded:
                raise RecordError(10)
            content_type, content = padded[-1], padded[:-1]
        if len(content) > MAX_FRAGMENT:
            raise RecordError(22)
        return content_type, content

    def update_key(self, *, answer_wanted: bool) -> bytes:
        """Our KeyUpdate (RFC 8446 4.6.3); what is sealed afterwards is under the next key."""
        sealed = self._seal(22, _KEY_UPDATE + bytes((answer_wanted,)))
        self.write.replace(next_secret(self.write.secret, self.suite))
        return sealed

    def follow_update(self) -> None:
        """The peer's KeyUpdate was read: its next record is under the next key."""
        self.read.replace(next_secret(self.read.secret, self.suite))


class Tls12Records(_Records):
    """TLS 1.2 records with an AEAD (RFC 5246 6.2.3.3, RFC 5288, RFC 7905)."""

    __slots__ = ()

    def seal(self, content_type: int, data: bytes) -> bytes:
        """One record."""
        write = self.write
        aead, iv = write.aead(self.suite, None)
        sequence = write.sequence.to_bytes(8, "big")
        start = bytes((content_type, 3, 3))
        associated = sequence + start + len(data).to_bytes(2, "big")
        explicit, nonce = self._nonce(iv, write.sequence, sequence)
        sealed = explicit + aead.encrypt(nonce, data, associated)
        write.sequence += 1
        return start + len(sealed).to_bytes(2, "big") + sealed

    def open(self, record: bytes) -> tuple[int, bytes]:
        """Content type and content of one whole record; nothing advances where it raises."""
        read = self.read
        aead, iv = read.aead(self.suite, None)
        overhead = 24 if self.suite.iv == 4 else 16
        length = len(record) - HEADER - overhead
        if length < 0:
            raise RecordError(20)
        if length > MAX_FRAGMENT:
            raise RecordError(22)
        sequence = read.sequence.to_bytes(8, "big")
        explicit = HEADER + overhead - 16
        _, nonce = self._nonce(iv, read.sequence, record[HEADER:explicit] or sequence)
        try:
            content = aead.decrypt(nonce, memoryview(record)[explicit:], sequence + record[:3] + length.to_bytes(2, "big"))
        except InvalidTag:
            raise RecordError(20) from None
        read.sequence += 1
        return record[0], content

    def _nonce(self, iv: int, number: int, explicit: bytes) -> tuple[bytes, bytes]:
        if self.suite.iv == 4:
            return explicit, iv.to_bytes(4, "big") + explicit
        return b"", (iv ^ number).to_bytes(12, "big")


Records = Tls12Records | Tls13Records
