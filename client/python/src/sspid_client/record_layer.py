"""TLS records sealed and opened with secrets the service handed out: AEAD suites of TLS 1.2 and 1.3; no stream, no handshake.

Wants the package `cryptography` (sspid-client[local]).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

if TYPE_CHECKING:
    from sspid_client.attributes import TrafficSecrets

HEADER = 5
MOST = 16384
"""Bytes of data a record carries at most (RFC 8446 5.1)."""
ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
KEY_UPDATE = 24
UNEXPECTED_MESSAGE, BAD_RECORD_MAC, RECORD_OVERFLOW, DECODE_ERROR = 10, 20, 22, 50
UPDATE_AFTER = 1 << 24
"""Records under one key before a KeyUpdate; RFC 8446 5.5 allows 2^24.5 with AES-GCM."""
_LONGEST = MOST + 256 + HEADER


class RecordError(Exception):
    """A record that does not belong here; `alert` is what the peer is told."""

    def __init__(self, alert: int) -> None:
        super().__init__(f"alert {alert}")
        self.alert = alert


class _Suite(NamedTuple):
    key: int
    iv: int
    digest: type[hashes.SHA256 | hashes.SHA384]
    aead: type[AESGCM | ChaCha20Poly1305]


_AES128, _AES256 = _Suite(16, 12, hashes.SHA256, AESGCM), _Suite(32, 12, hashes.SHA384, AESGCM)
_CHACHA = _Suite(32, 12, hashes.SHA256, ChaCha20Poly1305)
_SUITES = {
    ("TLSv1.3", 0x1301): _AES128,
    ("TLSv1.3", 0x1302): _AES256,
    ("TLSv1.3", 0x1303): _CHACHA,
    **{("TLSv1.2", number): _AES128._replace(iv=4) for number in (0xC02B, 0xC02F, 0x009E, 0x009C)},
    **{("TLSv1.2", number): _AES256._replace(iv=4) for number in (0xC02C, 0xC030, 0x009F, 0x009D)},
    **{("TLSv1.2", number): _CHACHA for number in (0xCCA8, 0xCCA9, 0xCCAA)},
}
"""By protocol and IANA number."""


class _Direction:
    """One direction's AEAD, IV and next record number; `secret` is a traffic secret, in TLS 1.2 key and IV joined."""

    def __init__(self, suite: _Suite, secret: bytes, sequence: int, *, derive: bool) -> None:
        self._suite = suite
        self._derive = derive
        self._begin(secret, sequence)

    def _begin(self, secret: bytes, sequence: int) -> None:
        suite = self._suite
        self._secret = secret
        self.sequence = sequence
        key = self._expand(b"key", suite.key) if self._derive else secret[: suite.key]
        iv = self._expand(b"iv", suite.iv) if self._derive else secret[suite.key :]
        self.aead = suite.aead(key)
        self.iv = int.from_bytes(iv, "big")

    def _expand(self, label: bytes, length: int) -> bytes:
        # HKDF-Expand-Label with an empty context, RFC 8446 7.1.
        label = b"tls13 " + label
        info = length.to_bytes(2, "big") + bytes((len(label),)) + label + b"\x00"
        return HKDFExpand(self._suite.digest(), length, info).derive(self._secret)

    def update(self) -> None:
        """Go on under the next key (RFC 8446 7.2)."""
        self._begin(self._expand(b"traffic upd", len(self._secret)), 0)


class Tls13:
    """RFC 8446 5.2."""

    def __init__(self, suite: _Suite, given: TrafficSecrets) -> None:
        self.write = _Direction(suite, given.write_secret, given.write_sequence, derive=True)
        self.read = _Direction(suite, given.read_secret, given.read_sequence, derive=True)

    def seal(self, content_type: int, data: bytes) -> bytes:
        """One record; before it a KeyUpdate where the key has sealed enough."""
        before = self.update(answer_wanted=False) if self.write.sequence >= UPDATE_AFTER else b""
        return before + self._seal(content_type, data)

    def _seal(self, content_type: int, data: bytes) -> bytes:
        write = self.write
        header = b"\x17\x03\x03" + (len(data) + 17).to_bytes(2, "big")
        nonce = (write.iv ^ write.sequence).to_bytes(12, "big")
        write.sequence += 1
        return header + write.aead.encrypt(nonce, data + bytes((content_type,)), header)

    def update(self, *, answer_wanted: bool) -> bytes:
        """Our KeyUpdate (RFC 8446 4.6.3); what is sealed afterwards is under the next key."""
        sealed = self._seal(HANDSHAKE, bytes((KEY_UPDATE, 0, 0, 1, answer_wanted)))
        self.write.update()
        return sealed

    def open(self, record: bytes) -> tuple[int, bytes]:
        """Content type and content of one whole record."""
        read = self.read
        if record[0] != APPLICATION_DATA:
            raise RecordError(UNEXPECTED_MESSAGE)
        nonce = (read.iv ^ read.sequence).to_bytes(12, "big")
        try:
            inner = read.aead.decrypt(nonce, memoryview(record)[HEADER:], record[:HEADER])
        except (InvalidTag, ValueError):
            raise RecordError(BAD_RECORD_MAC) from None
        read.sequence += 1
        if inner[-1:] != b"\x17":
            inner = inner.rstrip(b"\x00")
            if not inner:
                raise RecordError(UNEXPECTED_MESSAGE)
        if len(inner) > MOST + 1:
            raise RecordError(RECORD_OVERFLOW)
        return inner[-1], inner[:-1]


class Tls12:
    """RFC 5246 6.2.3.3 with the nonces of RFC 5288 and RFC 7905."""

    def __init__(self, suite: _Suite, given: TrafficSecrets) -> None:
        self._explicit = 8 if suite.iv == 4 else 0  # RFC 5288 3: a salt of four bytes, the rest is sent
        self.write = _Direction(suite, given.write_secret, given.write_sequence, derive=False)
        self.read = _Direction(suite, given.read_secret, given.read_sequence, derive=False)

    def seal(self, content_type: int, data: bytes) -> bytes:
        """One record."""
        write = self.write
        sequence = write.sequence.to_bytes(8, "big")
        start = bytes((content_type, 3, 3))
        explicit = sequence[: self._explicit]
        sealed = write.aead.encrypt(self._nonce(write, explicit), data, sequence + start + len(data).to_bytes(2, "big"))
        write.sequence += 1
        return start + (len(explicit) + len(sealed)).to_bytes(2, "big") + explicit + sealed

    def open(self, record: bytes) -> tuple[int, bytes]:
        """Content type and content of one whole record."""
        read = self.read
        body = HEADER + self._explicit
        length = len(record) - body - 16
        if length < 0:
            raise RecordError(BAD_RECORD_MAC)
        if length > MOST:
            raise RecordError(RECORD_OVERFLOW)
        associated = read.sequence.to_bytes(8, "big") + record[:3] + length.to_bytes(2, "big")
        try:
            content = read.aead.decrypt(self._nonce(read, record[HEADER:body]), memoryview(record)[body:], associated)
        except (InvalidTag, ValueError):
            raise RecordError(BAD_RECORD_MAC) from None
        read.sequence += 1
        return record[0], content

    def _nonce(self, direction: _Direction, explicit: bytes) -> bytes:
        if self._explicit:
            return direction.iv.to_bytes(4, "big") + explicit
        return (direction.iv ^ direction.sequence).to_bytes(12, "big")


def layer_of(given: TrafficSecrets) -> Tls12 | Tls13 | None:
    """The record layer of these secrets; None for a suite that is not sealed here."""
    suite = _SUITES.get((given.protocol, given.cipher_suite))
    if suite is None:
        return None
    return (Tls13 if given.protocol == "TLSv1.3" else Tls12)(suite, given)


def record_length(data: bytes) -> int:
    """How long the record is that `data` begins with, 0 where its header is not whole; RecordError for none of TLS."""
    if len(data) < HEADER:
        return 0
    length = HEADER + int.from_bytes(data[3:HEADER], "big")
    if data[1] != 3:  # the major version that every TLS has
        raise RecordError(DECODE_ERROR)
    if length > _LONGEST:
        raise RecordError(RECORD_OVERFLOW)
    return length
