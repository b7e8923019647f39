"""MD4 (RFC 1320): OpenSSL's where its legacy provider is there, else in Python; broken, and no hash for anything but NTLM."""

from __future__ import annotations

import struct
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

_M = 0xFFFFFFFF
_BLOCK = struct.Struct("<16I")
_STATE = struct.Struct("<4I")


class _Md4(hashes.HashAlgorithm):
    """MD4 by OpenSSL's name: cryptography finds algorithms by it, and loads the legacy provider that has this one."""

    name = "md4"
    digest_size = 16
    block_size = 64


_ALGORITHM: Final = _Md4()


def _in_openssl() -> bool:
    try:
        hashes.Hash(_ALGORITHM)
    except UnsupportedAlgorithm:
        return False
    return True


_IN_OPENSSL: Final = _in_openssl()


def md4(data: bytes) -> bytes:
    """Return the 16-byte MD4 digest of `data`."""
    if not _IN_OPENSSL:
        return md4_in_python(data)
    digest = hashes.Hash(_ALGORITHM)
    digest.update(data)
    return digest.finalize()


def md4_in_python(data: bytes) -> bytes:
    """Return the same without OpenSSL, which may be built or configured without MD4; eight times the time."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", len(data) * 8)
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    for offset in range(0, len(padded), 64):
        state = _compress(state, _BLOCK.unpack_from(padded, offset))
    return _STATE.pack(*state)


# A loop over tables of shifts and word orders is half the lines and twice the time. A product with 2**32 + 1 rotates: what it
# leaves above bit 31 is harmless until the next mask, since neither sums nor bitwise operations carry downwards.
def _compress(state: tuple[int, int, int, int], block: tuple[int, ...]) -> tuple[int, int, int, int]:  # noqa: PLR0915 - as above
    a, b, c, d = state
    x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15 = block
    # Round 1: F(b, c, d), RFC 1320 3.4.
    a = (a + (d ^ (b & (c ^ d))) + x0) & _M
    a = a * 0x100000001 >> 29
    d = (d + (c ^ (a & (b ^ c))) + x1) & _M
    d = d * 0x100000001 >> 25
    c = (c + (b ^ (d & (a ^ b))) + x2) & _M
    c = c * 0x100000001 >> 21
    b = (b + (a ^ (c & (d ^ a))) + x3) & _M
    b = b * 0x100000001 >> 13
    a = (a + (d ^ (b & (c ^ d))) + x4) & _M
    a = a * 0x100000001 >> 29
    d = (d + (c ^ (a & (b ^ c))) + x5) & _M
    d = d * 0x100000001 >> 25
    c = (c + (b ^ (d & (a ^ b))) + x6) & _M
    c = c * 0x100000001 >> 21
    b = (b + (a ^ (c & (d ^ a))) + x7) & _M
    b = b * 0x100000001 >> 13
    a = (a + (d ^ (b & (c ^ d))) + x8) & _M
    a = a * 0x100000001 >> 29
    d = (d + (c ^ (a & (b ^ c))) + x9) & _M
    d = d * 0x100000001 >> 25
    c = (c + (b ^ (d & (a ^ b))) + x10) & _M
    c = c * 0x100000001 >> 21
    b = (b + (a ^ (c & (d ^ a))) + x11) & _M
    b = b * 0x100000001 >> 13
    a = (a + (d ^ (b & (c ^ d))) + x12) & _M
    a = a * 0x100000001 >> 29
    d = (d + (c ^ (a & (b ^ c))) + x13) & _M
    d = d * 0x100000001 >> 25
    c = (c + (b ^ (d & (a ^ b))) + x14) & _M
    c = c * 0x100000001 >> 21
    b = (b + (a ^ (c & (d ^ a))) + x15) & _M
    b = b * 0x100000001 >> 13
    # Round 2: G(b, c, d) + 5A827999.
    a = (a + ((b & c) | (d & (b | c))) + x0 + 0x5A827999) & _M
    a = a * 0x100000001 >> 29
    d = (d + ((a & b) | (c & (a | b))) + x4 + 0x5A827999) & _M
    d = d * 0x100000001 >> 27
    c = (c + ((d & a) | (b & (d | a))) + x8 + 0x5A827999) & _M
    c = c * 0x100000001 >> 23
    b = (b + ((c & d) | (a & (c | d))) + x12 + 0x5A827999) & _M
    b = b * 0x100000001 >> 19
    a = (a + ((b & c) | (d & (b | c))) + x1 + 0x5A827999) & _M
    a = a * 0x100000001 >> 29
    d = (d + ((a & b) | (c & (a | b))) + x5 + 0x5A827999) & _M
    d = d * 0x100000001 >> 27
    c = (c + ((d & a) | (b & (d | a))) + x9 + 0x5A827999) & _M
    c = c * 0x100000001 >> 23
    b = (b + ((c & d) | (a & (c | d))) + x13 + 0x5A827999) & _M
    b = b * 0x100000001 >> 19
    a = (a + ((b & c) | (d & (b | c))) + x2 + 0x5A827999) & _M
    a = a * 0x100000001 >> 29
    d = (d + ((a & b) | (c & (a | b))) + x6 + 0x5A827999) & _M
    d = d * 0x100000001 >> 27
    c = (c + ((d & a) | (b & (d | a))) + x10 + 0x5A827999) & _M
    c = c * 0x100000001 >> 23
    b = (b + ((c & d) | (a & (c | d))) + x14 + 0x5A827999) & _M
    b = b * 0x100000001 >> 19
    a = (a + ((b & c) | (d & (b | c))) + x3 + 0x5A827999) & _M
    a = a * 0x100000001 >> 29
    d = (d + ((a & b) | (c & (a | b))) + x7 + 0x5A827999) & _M
    d = d * 0x100000001 >> 27
    c = (c + ((d & a) | (b & (d | a))) + x11 + 0x5A827999) & _M
    c = c * 0x100000001 >> 23
    b = (b + ((c & d) | (a & (c | d))) + x15 + 0x5A827999) & _M
    b = b * 0x100000001 >> 19
    # Round 3: H(b, c, d) + 6ED9EBA1.
    a = (a + (b ^ c ^ d) + x0 + 0x6ED9EBA1) & _M
    a = a * 0x100000001 >> 29
    d = (d + (a ^ b ^ c) + x8 + 0x6ED9EBA1) & _M
    d = d * 0x100000001 >> 23
    c = (c + (d ^ a ^ b) + x4 + 0x6ED9EBA1) & _M
    c = c * 0x100000001 >> 21
    b = (b + (c ^ d ^ a) + x12 + 0x6ED9EBA1) & _M
    b = b * 0x100000001 >> 17
    a = (a + (b ^ c ^ d) + x2 + 0x6ED9EBA1) & _M
    a = a * 0x100000001 >> 29
    d = (d + (a ^ b ^ c) + x10 + 0x6ED9EBA1) & _M
    d = d * 0x100000001 >> 23
    c = (c + (d ^ a ^ b) + x6 + 0x6ED9EBA1) & _M
    c = c * 0x100000001 >> 21
    b = (b + (c ^ d ^ a) + x14 + 0x6ED9EBA1) & _M
    b = b * 0x100000001 >> 17
    a = (a + (b ^ c ^ d) + x1 + 0x6ED9EBA1) & _M
    a = a * 0x100000001 >> 29
    d = (d + (a ^ b ^ c) + x9 + 0x6ED9EBA1) & _M
    d = d * 0x100000001 >> 23
    c = (c + (d ^ a ^ b) + x5 + 0x6ED9EBA1) & _M
    c = c * 0x100000001 >> 21
    b = (b + (c ^ d ^ a) + x13 + 0x6ED9EBA1) & _M
    b = b * 0x100000001 >> 17
    a = (a + (b ^ c ^ d) + x3 + 0x6ED9EBA1) & _M
    a = a * 0x100000001 >> 29
    d = (d + (a ^ b ^ c) + x11 + 0x6ED9EBA1) & _M
    d = d * 0x100000001 >> 23
    c = (c + (d ^ a ^ b) + x7 + 0x6ED9EBA1) & _M
    c = c * 0x100000001 >> 21
    b = (b + (c ^ d ^ a) + x15 + 0x6ED9EBA1) & _M
    b = b * 0x100000001 >> 17
    return (state[0] + a) & _M, (state[1] + b) & _M, (state[2] + c) & _M, (state[3] + d) & _M
