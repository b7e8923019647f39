"""RC4 as a key stream that can be peeked at and carried to another process; its bytes are biased and nothing new may use it."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher

_SKIP: Final = 1 << 16


def rc4(key: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt `data` with the start of the key stream of `key`."""
    return Cipher(ARC4(key), mode=None).encryptor().update(data)


class Rc4Stream:
    """One direction's key stream. `unread` gives key stream back, so a failed check leaves the stream where it was.

    `key` and `position` are all there is to carry elsewhere: rebuilding costs one pass over `position` bytes.
    """

    __slots__ = ("_ahead", "_encryptor", "key", "position")

    def __init__(self, key: bytes, position: int = 0) -> None:
        self.key = key
        self.position = position
        self._ahead = b""
        self._encryptor = Cipher(ARC4(key), mode=None).encryptor()
        skipped = 0
        while skipped < position:
            skipped += len(self._encryptor.update(bytes(min(_SKIP, position - skipped))))

    def __repr__(self) -> str:
        return f"Rc4Stream(position={self.position})"

    def update(self, data: bytes) -> bytes:
        """Encrypt or decrypt the next `data`."""
        self.position += len(data)
        if not self._ahead:
            return self._encryptor.update(data)
        count = min(len(self._ahead), len(data))
        ahead, self._ahead = self._ahead[:count], self._ahead[count:]
        return xor(ahead, data[:count]) + self._encryptor.update(data[count:])

    def unread(self, key_stream: bytes) -> None:
        """Give back the last key stream drawn: ``xor(input, output)`` of the last updates."""
        self._ahead = key_stream + self._ahead
        self.position -= len(key_stream)


def xor(left: bytes, right: bytes) -> bytes:
    """Exclusive or of two byte strings of one length."""
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
