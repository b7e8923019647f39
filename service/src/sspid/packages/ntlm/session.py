"""Session security ([MS-NLMP] 3.4): signatures and key streams of each direction and their sequence numbers; no buffers."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from typing import TYPE_CHECKING, Final

from sspid.crypto.decrepit.rc4 import Rc4Stream, xor
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.hmac import HMAC

SIGNATURE_SIZE: Final = 16
_VERSION: Final = b"\x01\0\0\0"
_DUMMY: Final = _VERSION + bytes(12)
_NUMBER = struct.Struct("<I")


class Direction:
    """One direction's signing key, key stream and next sequence number; keys are derived when the first message needs them.

    Without extended session security one object serves both directions, as its key stream and its count do on the wire.
    `number` is a datagram's own sequence number; connections count for themselves. No failure changes anything.
    """

    __slots__ = (
        "_drawn_per_signature",
        "_flags",
        "_mac",
        "_seal_key",
        "_sender",
        "_session_key",
        "_stream",
        "position",
        "sequence",
    )

    def __init__(self, flags: int, session_key: bytes, sender: int, sequence: int = 0, position: int = 0) -> None:
        self._flags = flags
        self._session_key = session_key
        self._sender = sender
        self.sequence = sequence
        self.position = position
        self._seal_key = b""
        self._stream: Rc4Stream | None = None
        self._mac: HMAC | None = None
        if flags & nf.EXTENDED_SESSION_SECURITY:
            self._drawn_per_signature = 8 if flags & nf.KEY_EXCH else 0
        else:
            self._drawn_per_signature = 12

    def __repr__(self) -> str:
        return f"Direction(sender={self._sender}, sequence={self.sequence})"

    def seal(self, data: bytes, message: bytes, number: int = 0) -> tuple[bytes, bytes]:
        """Encrypt `data`, then sign the whole plain `message`: ciphertext and 16-byte signature ([MS-NLMP] 3.4.3)."""
        if not self._flags & nf.PROTECTION:
            return data, _DUMMY
        stream = self._open(number)
        sealed = stream.update(data) if data else b""
        signature = self._signature(message, self._draw(stream), number)
        self._count(stream)
        return sealed, signature

    def unseal(self, data: bytes, signature: bytes, number: int = 0, whole: Callable[[bytes], bytes] | None = None) -> bytes:
        """Decrypt `data` and check the signature over it, or over what `whole` makes of the plain data.

        SEC_E_OUT_OF_SEQUENCE, SEC_E_MESSAGE_ALTERED, and SEC_E_INVALID_TOKEN for what is no signature.
        """
        if not self._flags & nf.PROTECTION:
            return self._accept_dummy(data, signature)
        self._check_shape(signature, number)
        stream = self._open(number)
        plain = stream.update(data) if data else b""
        drawn = self._draw(stream)
        expected = self._signature(plain if whole is None else whole(plain), drawn, number)
        if not self._same(expected, signature):
            stream.unread(xor(data, plain) + drawn)
            raise self._mismatch(expected, signature)
        self._count(stream)
        return plain

    def verify(self, message: bytes, signature: bytes, number: int = 0) -> None:
        """Check the signature over `message`; errors as `unseal`."""
        self.unseal(b"", signature, number, lambda _: message)

    def sign_aside(self, message: bytes) -> bytes:
        """Sign and count `message`, the key stream left as it was ([MS-SPNG] 3.2.5.1, 3.3.5.1)."""
        if not self._flags & nf.PROTECTION:
            return _DUMMY
        stream = self._open(0)
        drawn = self._draw(stream)
        signature = self._signature(message, drawn, 0)
        stream.unread(drawn)
        self._count(stream)
        return signature

    def verify_aside(self, message: bytes, signature: bytes) -> None:
        """Check and count `message`, the key stream left as it was."""
        if not self._flags & nf.PROTECTION:
            self._accept_dummy(b"", signature)
            return
        self._check_shape(signature, 0)
        stream = self._open(0)
        drawn = self._draw(stream)
        expected = self._signature(message, drawn, 0)
        stream.unread(drawn)
        if not self._same(expected, signature):
            raise self._mismatch(expected, signature)
        self._count(stream)

    def _open(self, number: int) -> Rc4Stream:
        if not self._seal_key:
            self._seal_key = crypto.seal_key(self._flags, self._session_key, self._sender)
        if self._flags & nf.DATAGRAM:
            # [MS-NLMP] 3.4: a datagram may be lost, so each has a key of its own.
            key = hashlib.md5(self._seal_key + _NUMBER.pack(number & 0xFFFFFFFF), usedforsecurity=False).digest()
            return Rc4Stream(key)
        if self._stream is None:
            self._stream = Rc4Stream(self._seal_key, self.position)
        return self._stream

    def _draw(self, stream: Rc4Stream) -> bytes:
        return stream.update(bytes(self._drawn_per_signature)) if self._drawn_per_signature else b""

    def _signature(self, message: bytes, drawn: bytes, number: int) -> bytes:
        sequence = _NUMBER.pack(self._expected(number))
        if self._flags & nf.EXTENDED_SESSION_SECURITY:
            checksum = self._keyed(sequence + message)[:8]
            return _VERSION + (xor(checksum, drawn) if drawn else checksum) + sequence
        return _VERSION + xor(bytes(4) + _NUMBER.pack(zlib.crc32(message)) + sequence, drawn)

    def _keyed(self, data: bytes) -> bytes:
        if self._mac is None:
            self._mac = crypto.keyed_md5(crypto.sign_key(self._flags, self._session_key, self._sender))
        mac = self._mac.copy()
        mac.update(data)
        return mac.finalize()

    def _expected(self, number: int) -> int:
        return (number if self._flags & nf.DATAGRAM else self.sequence) & 0xFFFFFFFF

    def _same(self, expected: bytes, signature: bytes) -> bool:
        # [MS-NLMP] 3.4.4.1: without extended session security the first four bytes are a pad that receivers ignore.
        start = 0 if self._flags & nf.EXTENDED_SESSION_SECURITY else 8
        return hmac.compare_digest(expected[start:], signature[start:])

    def _mismatch(self, expected: bytes, signature: bytes) -> SspiError:
        if not self._flags & nf.EXTENDED_SESSION_SECURITY and hmac.compare_digest(expected[8:12], signature[8:12]):
            return _out_of_sequence(self.sequence, "another")
        message = "The message does not match its signature: it was altered on the way, or the peer holds another session key."
        return SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, message)

    def _check_shape(self, signature: bytes, number: int) -> None:
        if len(signature) != SIGNATURE_SIZE:
            message = f"An NTLM signature has 16 bytes and not {len(signature)}."
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
        if signature[:4] != _VERSION:
            raise SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, "The message's signature is of no known version.")
        if self._flags & nf.EXTENDED_SESSION_SECURITY:
            received = int.from_bytes(signature[12:], "little")
            if received != self._expected(number):
                raise _out_of_sequence(self._expected(number), f"number {received}")

    @staticmethod
    def _accept_dummy(data: bytes, signature: bytes) -> bytes:
        # [MS-NLMP] 3.4.4.3: only ALWAYS_SIGN was negotiated, so there is no key and any such signature verifies.
        if signature != _DUMMY:
            raise SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, "The message's signature is not the empty one negotiated.")
        return data

    def _count(self, stream: Rc4Stream) -> None:
        if not self._flags & nf.DATAGRAM:
            self.sequence += 1
            self.position = stream.position


def _out_of_sequence(expected: int, received: str) -> SspiError:
    message = f"Message number {expected} was due and {received} came: it was replayed, reordered or lost."
    return SspiError(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, message)
