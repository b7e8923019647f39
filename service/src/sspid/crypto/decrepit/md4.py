"""MD4 (RFC 1320), unrolled because NTLM pays for it once per password; broken since 1995 and no hash for anything else."""

from __future__ import annotations

import struct

_M = 0xFFFFFFFF
_BLOCK = struct.Struct("<16I")
_STATE = struct.Struct("<4I")


def md4(data: bytes) -> bytes:
    """Return the 16-byte MD4 digest of `data`."""
    padded = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", len(data) * 8 & 0xFFFFFFFFFFFFFFFF)
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    for offset in range(0, len(padded), 64):
        state = _compress(state, _BLOCK.unpack_from(padded, offset))
    return _STATE.pack(*state)


# A loop over tables of shifts and word orders is half the lines and twice the time.
def _compress(state: tuple[int, int, int, int], block: tuple[int, ...]) -> tuple[int, int, int, int]:  # noqa: PLR0915 - as above
    a, b, c, d = state
    x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15 = block
    # Round 1: F(b, c, d), RFC 1320 3.4.
    a = (a + (d ^ (b & (c ^ d))) + x0) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (c ^ (a & (b ^ c))) + x1) & _M
    d = ((d << 7) & _M) | (d >> 25)
    c = (c + (b ^ (d & (a ^ b))) + x2) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (a ^ (c & (d ^ a))) + x3) & _M
    b = ((b << 19) & _M) | (b >> 13)
    a = (a + (d ^ (b & (c ^ d))) + x4) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (c ^ (a & (b ^ c))) + x5) & _M
    d = ((d << 7) & _M) | (d >> 25)
    c = (c + (b ^ (d & (a ^ b))) + x6) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (a ^ (c & (d ^ a))) + x7) & _M
    b = ((b << 19) & _M) | (b >> 13)
    a = (a + (d ^ (b & (c ^ d))) + x8) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (c ^ (a & (b ^ c))) + x9) & _M
    d = ((d << 7) & _M) | (d >> 25)
    c = (c + (b ^ (d & (a ^ b))) + x10) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (a ^ (c & (d ^ a))) + x11) & _M
    b = ((b << 19) & _M) | (b >> 13)
    a = (a + (d ^ (b & (c ^ d))) + x12) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (c ^ (a & (b ^ c))) + x13) & _M
    d = ((d << 7) & _M) | (d >> 25)
    c = (c + (b ^ (d & (a ^ b))) + x14) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (a ^ (c & (d ^ a))) + x15) & _M
    b = ((b << 19) & _M) | (b >> 13)
    # Round 2: G(b, c, d) + 5A827999.
    a = (a + ((b & c) | (d & (b | c))) + x0 + 0x5A827999) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + ((a & b) | (c & (a | b))) + x4 + 0x5A827999) & _M
    d = ((d << 5) & _M) | (d >> 27)
    c = (c + ((d & a) | (b & (d | a))) + x8 + 0x5A827999) & _M
    c = ((c << 9) & _M) | (c >> 23)
    b = (b + ((c & d) | (a & (c | d))) + x12 + 0x5A827999) & _M
    b = ((b << 13) & _M) | (b >> 19)
    a = (a + ((b & c) | (d & (b | c))) + x1 + 0x5A827999) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + ((a & b) | (c & (a | b))) + x5 + 0x5A827999) & _M
    d = ((d << 5) & _M) | (d >> 27)
    c = (c + ((d & a) | (b & (d | a))) + x9 + 0x5A827999) & _M
    c = ((c << 9) & _M) | (c >> 23)
    b = (b + ((c & d) | (a & (c | d))) + x13 + 0x5A827999) & _M
    b = ((b << 13) & _M) | (b >> 19)
    a = (a + ((b & c) | (d & (b | c))) + x2 + 0x5A827999) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + ((a & b) | (c & (a | b))) + x6 + 0x5A827999) & _M
    d = ((d << 5) & _M) | (d >> 27)
    c = (c + ((d & a) | (b & (d | a))) + x10 + 0x5A827999) & _M
    c = ((c << 9) & _M) | (c >> 23)
    b = (b + ((c & d) | (a & (c | d))) + x14 + 0x5A827999) & _M
    b = ((b << 13) & _M) | (b >> 19)
    a = (a + ((b & c) | (d & (b | c))) + x3 + 0x5A827999) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + ((a & b) | (c & (a | b))) + x7 + 0x5A827999) & _M
    d = ((d << 5) & _M) | (d >> 27)
    c = (c + ((d & a) | (b & (d | a))) + x11 + 0x5A827999) & _M
    c = ((c << 9) & _M) | (c >> 23)
    b = (b + ((c & d) | (a & (c | d))) + x15 + 0x5A827999) & _M
    b = ((b << 13) & _M) | (b >> 19)
    # Round 3: H(b, c, d) + 6ED9EBA1.
    a = (a + (b ^ c ^ d) + x0 + 0x6ED9EBA1) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (a ^ b ^ c) + x8 + 0x6ED9EBA1) & _M
    d = ((d << 9) & _M) | (d >> 23)
    c = (c + (d ^ a ^ b) + x4 + 0x6ED9EBA1) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (c ^ d ^ a) + x12 + 0x6ED9EBA1) & _M
    b = ((b << 15) & _M) | (b >> 17)
    a = (a + (b ^ c ^ d) + x2 + 0x6ED9EBA1) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (a ^ b ^ c) + x10 + 0x6ED9EBA1) & _M
    d = ((d << 9) & _M) | (d >> 23)
    c = (c + (d ^ a ^ b) + x6 + 0x6ED9EBA1) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (c ^ d ^ a) + x14 + 0x6ED9EBA1) & _M
    b = ((b << 15) & _M) | (b >> 17)
    a = (a + (b ^ c ^ d) + x1 + 0x6ED9EBA1) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (a ^ b ^ c) + x9 + 0x6ED9EBA1) & _M
    d = ((d << 9) & _M) | (d >> 23)
    c = (c + (d ^ a ^ b) + x5 + 0x6ED9EBA1) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (c ^ d ^ a) + x13 + 0x6ED9EBA1) & _M
    b = ((b << 15) & _M) | (b >> 17)
    a = (a + (b ^ c ^ d) + x3 + 0x6ED9EBA1) & _M
    a = ((a << 3) & _M) | (a >> 29)
    d = (d + (a ^ b ^ c) + x11 + 0x6ED9EBA1) & _M
    d = ((d << 9) & _M) | (d >> 23)
    c = (c + (d ^ a ^ b) + x7 + 0x6ED9EBA1) & _M
    c = ((c << 11) & _M) | (c >> 21)
    b = (b + (c ^ d ^ a) + x15 + 0x6ED9EBA1) & _M
    b = ((b << 15) & _M) | (b >> 17)
    return (state[0] + a) & _M, (state[1] + b) & _M, (state[2] + c) & _M, (state[3] + d) & _M
