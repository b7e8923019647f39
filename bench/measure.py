"""How costs are measured: one core, CPU that a process or thread used, alternated, the least of some rounds; not what costs."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CORE = 0
ROUNDS = 5
_SCHEDULER_CLOCK = 2
"""CPUCLOCK_SCHED of linux/posix-timers.h: what clock_getcpuclockid(3) makes of a process id."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of `build/bench.json`; `floor` is what it is compared to and `peer` says what that is."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    peer: str = ""

    @property
    def ratio(self) -> float | None:
        """Value over floor."""
        return None if self.floor is None else self.value / self.floor

    def as_json(self) -> dict[str, object]:
        """The six keys of a result."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "floor": None if self.floor is None else round(self.floor, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "peer": self.peer,
        }


def pin() -> None:
    """Keep this process, and all it starts from now on, on one core: CPU time repeats there."""
    os.sched_setaffinity(0, {CORE})


@contextmanager
def every_core() -> Iterator[None]:
    """Let what is started meanwhile run on any core, and this process too."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        pin()


def process_cpu(pid: int) -> float:
    """CPU that a process has used so far, user and system, in microseconds."""
    return time.clock_gettime_ns((~pid << 3) | _SCHEDULER_CLOCK) / 1000


def least(costs: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """Measure each cost once a round, one after the other, and keep the least of each."""
    found: dict[str, float] = {}
    for _ in range(rounds):
        for name, cost in costs.items():
            found[name] = min(cost(), found.get(name, float("inf")))
    return found
