"""The ciphers of auth-conf (RFC 2831 2.4), one direction each; a failed check leaves it as it was. All are weak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from sspid.crypto.decrepit.des import spread
from sspid.crypto.decrepit.rc4 import Rc4Stream, xor

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCK = 8
KEY_BYTES = {"rc4": 16, "3des": 16, "des": 16, "rc4-56": 7, "rc4-40": 5}
"""Cipher -> how much of H(A1) goes into its key."""
STRENGTH = {"rc4": 128, "3des": 112, "des": 56, "rc4-56": 56, "rc4-40": 40}
"""Cipher -> key length in bits."""
_WEDGE = 7


def allowed(names: Iterable[str]) -> tuple[str, ...]:
    """Those of an operator's names that are ciphers, in their order."""
    return tuple(name for name in names if name in KEY_BYTES)


class Direction(Protocol):
    """One direction of a sealed channel. `block` is what messages are padded to, 1 for none."""

    block: int

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt the next message, whole blocks."""
        ...

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt the next message, whole blocks; `undo` forgets it."""
        ...

    def undo(self) -> None:
        """Be as before the last decrypt."""
        ...


class Rc4Direction:
    """RC4: one key stream over all messages."""

    block = 1

    def __init__(self, key: bytes) -> None:
        self._stream = Rc4Stream(key)
        self._used = b""

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt the next message."""
        return self._stream.update(data)

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt the next message and remember the key stream it took."""
        plain = self._stream.update(data)
        self._used = xor(plain, data)
        return plain

    def undo(self) -> None:
        """Give the key stream of the last decrypt back."""
        self._stream.unread(self._used)
        self._used = b""


class CbcDirection:
    """DES or two-key triple DES in CBC mode, chained from message to message; the first IV is the key's second half."""

    block = BLOCK

    def __init__(self, key: bytes, keys: int) -> None:
        parts = [spread(key[start : start + _WEDGE]) for start in range(0, keys * _WEDGE, _WEDGE)]
        self._key = b"".join((parts[0], parts[-1], parts[0]))
        self._iv = self._before = key[BLOCK:]

    def encrypt(self, data: bytes) -> bytes:
        """Encrypt the next message."""
        sealed = Cipher(TripleDES(self._key), modes.CBC(self._iv)).encryptor().update(data)
        self._iv = sealed[-BLOCK:]
        return sealed

    def decrypt(self, data: bytes) -> bytes:
        """Decrypt the next message."""
        self._before = self._iv
        plain = Cipher(TripleDES(self._key), modes.CBC(self._iv)).decryptor().update(data)
        self._iv = data[-BLOCK:]
        return plain

    def undo(self) -> None:
        """Chain from the message before again."""
        self._iv = self._before


def direction(name: str, key: bytes) -> Direction:
    """Return one direction of cipher `name` under its 16-byte key Kcc or Kcs."""
    if name == "3des":
        return CbcDirection(key, 2)
    return CbcDirection(key, 1) if name == "des" else Rc4Direction(key)
