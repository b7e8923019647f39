"""Key tables and credential caches of MIT's file formats, changed as tests need them; neither is read in full.

Formats: MIT's "The key table file format" (0x0502) and "Credential cache file format" (0x0504).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def with_other_keys(keytab: bytes) -> bytes:
    """The same principals and versions with keys nobody has."""
    changed = bytearray(keytab)
    for begin, end in _keys(keytab):
        changed[begin:end] = bytes(byte ^ 0xFF for byte in keytab[begin:end])
    return bytes(changed)


def _keys(keytab: bytes) -> Iterator[tuple[int, int]]:
    at = 2
    while at < len(keytab):
        (size,) = struct.unpack_from(">i", keytab, at)
        entry, at = at + 4, at + 4 + abs(size)
        if size > 0:
            yield _key(keytab, entry)


def _key(keytab: bytes, at: int) -> tuple[int, int]:
    (components,) = struct.unpack_from(">H", keytab, at)
    at += 2
    for _ in range(components + 1):  # the realm before them
        (length,) = struct.unpack_from(">H", keytab, at)
        at += 2 + length
    at += 4 + 4 + 1 + 2  # name type, time, version, encryption type
    (length,) = struct.unpack_from(">H", keytab, at)
    return at + 2, at + 2 + length


def with_clock(cache: bytes, seconds: int) -> bytes:
    """The cache of a client that believes its KDC's clock to be `seconds` ahead of its own (tag 1, DeltaTime)."""
    (length,) = struct.unpack_from(">H", cache, 2)
    header = struct.pack(">HHii", 1, 8, seconds, 0)
    return cache[:2] + struct.pack(">H", len(header)) + header + cache[4 + length :]


def with_end(cache: bytes, old: int, new: int) -> bytes:
    """The cache of a client that believes its tickets end at `new` (epoch) and not at `old`; the tickets say what they said."""
    return cache.replace(struct.pack(">I", old), struct.pack(">I", new))
