"""FILETIME: 100 ns since 1601 in eight little-endian bytes, from and to the clock's datetimes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_PER_SECOND: Final = 10_000_000
_PER_DAY: Final = 86_400 * _PER_SECOND


def ticks(now: datetime) -> int:
    """Return `now` in units of 100 ns since 1601."""
    since = now - _EPOCH
    return since.days * _PER_DAY + since.seconds * _PER_SECOND + since.microseconds * 10


def pack(now: datetime) -> bytes:
    """Return `now` as a FILETIME."""
    return ticks(now).to_bytes(8, "little")


def seconds_apart(stamp: bytes, now: datetime) -> float:
    """Return how far a FILETIME is from `now`, never negative."""
    return abs(int.from_bytes(stamp, "little") - ticks(now)) / _PER_SECOND
