"""The lock-out policy as data; the store counts by it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lockout:
    """`failures` wrong passwords within `window` seconds lock an account for `duration` seconds; 0 failures: never."""

    failures: int = 10
    window: float = 600.0
    duration: float = 600.0
