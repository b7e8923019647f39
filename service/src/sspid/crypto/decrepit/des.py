"""Single DES on one block, and the key forms of LAN Manager around it; 56 bits protect nothing."""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes


def des_block(key: bytes, block: bytes) -> bytes:
    """Encrypt one 8-byte block under an 8-byte key. Triple DES under three equal keys is single DES."""
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 - one block has no mode
    return encryptor.update(block)


def spread(key: bytes) -> bytes:
    """Spread 7 key bytes over 8, the low bit of each (DES's parity) left clear."""
    bits = int.from_bytes(key, "big")
    return bytes((bits >> shift & 0x7F) << 1 for shift in range(49, -1, -7))


def des_long(key: bytes, block: bytes) -> bytes:
    """DESL of [MS-NLMP] 6: 24 bytes, the block under each third of a 16-byte key that zeros lengthen to 21."""
    padded = key + bytes(5)
    return b"".join(des_block(spread(padded[start : start + 7]), block) for start in (0, 7, 14))
