"""Signing and sealing after SASL (RFC 2831 2.3, 2.4) in pieces: body, padding and trailer; SecBuffers are another module's."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.digest import sasl_ciphers
from sspid.packages.digest.refusals import altered, malformed, out_of_sequence, too_small

if TYPE_CHECKING:
    from sspid.packages.digest.sasl_ciphers import Direction
    from sspid.packages.digest.sasl_response import SaslResponse
    from sspid.packages.questions import Account
    from sspid.vocabulary.flags import Flags

INITIATOR, ACCEPTOR = 0, 1
"""Which end this is."""
_SIGNING = (
    b"Digest session key to client-to-server signing key magic constant",
    b"Digest session key to server-to-client signing key magic constant",
)
_SEALING = (
    b"Digest H(A1) to client-to-server sealing key magic constant",
    b"Digest H(A1) to server-to-client sealing key magic constant",
)
MAC = 10
_VERSION = b"\0\1"
TRAILER = MAC + len(_VERSION) + 4
"""Bytes of MAC, version and sequence number: SSPI's signature and security trailer."""
_LAST = 0xFFFFFFFF


@dataclass(slots=True)
class Half:
    """One direction: its keys and the number of its next message. `cipher` is None where messages are only signed."""

    signing_key: bytes = field(repr=False)
    cipher: Direction | None = field(repr=False)
    sequence: int = 0

    def mac(self, data: bytes) -> bytes:
        """HMAC-MD5 over the sequence number and the message, its first ten bytes."""
        return hmac.digest(self.signing_key, self.sequence.to_bytes(4, "big") + data, "md5")[:MAC]

    def trailer(self) -> bytes:
        """What ends a message in clear: the version and the sequence number."""
        return _VERSION + self.sequence.to_bytes(4, "big")

    def require_next(self, trailer: bytes) -> None:
        """Check version and sequence number of a received message. SEC_E_INVALID_TOKEN, SEC_E_OUT_OF_SEQUENCE."""
        if trailer[:2] != _VERSION:
            raise malformed("The message does not end as Digest messages do: bytes 0001 and a sequence number.")
        if trailer != self.trailer():
            number = int.from_bytes(trailer[2:], "big")
            raise out_of_sequence(f"The message has sequence number {number} where {self.sequence} comes next.")

    def step(self) -> None:
        """Go on to the next message."""
        self.sequence += 1


@dataclass(slots=True)
class Layer:
    """Both directions. `maximum`: the longest message the peer takes in, before anything is added; `incoming`: our maxbuf.

    Both in bytes.
    """

    sending: Half
    receiving: Half
    maximum: int
    incoming: int

    @property
    def block(self) -> int:
        """What messages are padded to: 8 for DES, 1 otherwise."""
        return 1 if self.sending.cipher is None else self.sending.cipher.block

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `data`, `TRAILER` bytes. SEC_E_BUFFER_TOO_SMALL where it exceeds the peer's maxbuf."""
        self._require_room(data)
        half = self.sending
        signature = half.mac(data) + half.trailer()
        half.step()
        return signature

    def verify(self, data: bytes, signature: bytes) -> None:
        """Check a signature. SEC_E_OUT_OF_SEQUENCE, SEC_E_MESSAGE_ALTERED; nothing has moved then."""
        half = self.receiving
        if len(signature) != TRAILER:
            raise malformed(f"The signature has {len(signature)} bytes and Digest's have {TRAILER}.")
        half.require_next(signature[MAC:])
        if not hmac.compare_digest(half.mac(data), signature[:MAC]):
            raise altered("The message or its signature was changed on the way.")
        half.step()

    def seal(self, data: bytes) -> tuple[bytes, bytes, bytes]:
        """Return body, padding and trailer; joined in that order they are the message on the wire (RFC 2831 2.4)."""
        if self.sending.cipher is None:
            return data, b"", self.sign(data)
        self._require_room(data)
        half, block = self.sending, self.block
        count = block - (len(data) + MAC) % block if block > 1 else 0
        sealed = self.sending.cipher.encrypt(data + bytes([count]) * count + half.mac(data))
        trailer = half.trailer()
        half.step()
        return sealed[: len(data)], sealed[len(data) : -MAC], sealed[-MAC:] + trailer

    def unseal(self, wire: bytes) -> bytes:
        """Return the message. SEC_E_INVALID_TOKEN, SEC_E_OUT_OF_SEQUENCE, SEC_E_MESSAGE_ALTERED; nothing has moved then."""
        half = self.receiving
        if not TRAILER <= len(wire) <= self.incoming:
            raise malformed(
                f"The sealed message has {len(wire)} bytes where {TRAILER} to {self.incoming} (maxbuf) are taken in."
            )
        if half.cipher is None:
            self.verify(wire[:-TRAILER], wire[-TRAILER:])
            return wire[:-TRAILER]
        sealed, trailer = wire[: MAC - TRAILER], wire[MAC - TRAILER :]
        half.require_next(trailer)
        if len(sealed) % half.cipher.block:
            raise malformed("The sealed message is no whole number of cipher blocks.")
        opened = half.cipher.decrypt(sealed)
        data, padded = _unpadded(opened[:-MAC], half.cipher.block)
        # The MAC is computed whatever the padding said, so that neither can be probed apart from the other.
        intact = hmac.compare_digest(half.mac(data), opened[-MAC:])
        if not (intact and padded):
            half.cipher.undo()
            raise altered("The sealed message was changed on the way.")
        half.step()
        return data

    def _require_room(self, data: bytes) -> None:
        if len(data) > self.maximum:
            raise too_small(f"The message has {len(data)} bytes and the peer's maxbuf leaves room for {self.maximum}.")
        if self.sending.sequence > _LAST:
            raise out_of_sequence("All sequence numbers of this context are used; begin a new one.")


def _unpadded(opened: bytes, block: int) -> tuple[bytes, bool]:
    if block == 1:
        return opened, True
    count = opened[-1] if opened else 0
    good = 1 <= count <= min(block, len(opened)) and opened.endswith(bytes([count]) * count)
    return (opened[:-count], True) if good else (opened, False)


@dataclass(slots=True)
class SaslContext:
    """An established SASL context. `layer` is None for qop auth, `account` None on the initiator's side."""

    response: SaslResponse
    flags: Flags
    layer: Layer | None
    account: Account | None = None


def layer(end: int, response: SaslResponse, session_hash: bytes, maxbufs: tuple[int, int]) -> Layer | None:
    """Return the protection the handshake agreed on; None for qop auth. `maxbufs`: the peer's and our own, bytes."""
    if response.qop == "auth":
        return None
    halves = [_half(way, response.cipher, session_hash) for way in (0, 1)]
    padding = halves[0].cipher.block if halves[0].cipher is not None and halves[0].cipher.block > 1 else 0
    return Layer(halves[end], halves[1 - end], max(0, maxbufs[0] - TRAILER - padding), maxbufs[1])


def _half(way: int, cipher: str, session_hash: bytes) -> Half:
    signing_key = hashlib.md5(session_hash + _SIGNING[way], usedforsecurity=False).digest()
    if not cipher:
        return Half(signing_key, None)
    part = session_hash[: sasl_ciphers.KEY_BYTES[cipher]]
    sealing_key = hashlib.md5(part + _SEALING[way], usedforsecurity=False).digest()
    return Half(signing_key, sasl_ciphers.direction(cipher, sealing_key))
