"""Prometheus metrics: calls by function and status, time waiting and working apart, handshakes, handles; not the audit log."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from sspid.rpc.convert import STATUS_FROM_WIRE

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import Metric

    from sspid.broker.held import HeldContext
    from sspid.vocabulary.status import SecurityStatus

BUCKETS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Seconds; a leg takes a tenth of a millisecond, a Kerberos leg may wait for seconds."""

TOGETHER = 128
"""So many calls are counted in one go: in the midst of a call the library's counters cost three times as much."""


class _BeforeTheOthers(Collector):
    """Has no metrics of its own: it is asked before those that are registered later, when somebody looks."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look

    def collect(self) -> tuple[Metric, ...]:
        """Nothing."""
        self._look()
        return ()


class Metrics:
    """The service's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._watched: list[tuple[Gauge, Callable[[], int]]] = []
        self._uncounted: list[Callable[[], None]] = []
        self._counting = threading.Lock()
        self.registry.register(_BeforeTheOthers(self.look))
        self._calls = Counter(
            "sspid_calls",
            "Calls by function and SECURITY_STATUS or gRPC status.",
            ["function", "status"],
            registry=self.registry,
        )
        self._working = Histogram(
            "sspid_working_seconds", "Time a call worked.", ["function"], buckets=BUCKETS, registry=self.registry
        )
        self._waiting = Histogram(
            "sspid_waiting_seconds",
            "Time a call waited for a busy context or another machine; calls that did not wait are not in it.",
            ["function"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._handshakes = Counter(
            "sspid_handshakes",
            "Handshakes by package, role and last status.",
            ["package", "role", "status"],
            registry=self.registry,
        )
        self._ended: dict[tuple[object, ...], Counter] = {}

    def recorder(self, function: str) -> Callable[[int | str, float, float], None]:
        """A function that counts one call: its status (wire number, or gRPC status name), its seconds, of which waited."""
        children: dict[int | str, Counter] = {}
        working = self._working.labels(function)
        waiting = self._waiting.labels(function)

        def count(status: int | str, seconds: float, waited: float) -> None:
            child = children.get(status)
            if child is None:
                name = status if isinstance(status, str) else STATUS_FROM_WIRE[status].name
                child = children[status] = self._calls.labels(function, name)
            child.inc()
            working.observe(seconds - waited)
            if waited:
                waiting.observe(waited)

        def record(status: int | str, seconds: float, waited: float) -> None:
            self._later(partial(count, status, seconds, waited))

        return record

    def _later(self, count: Callable[[], None]) -> None:
        self._uncounted.append(count)
        if len(self._uncounted) >= TOGETHER:
            self._count()

    def _count(self) -> None:
        with self._counting:
            counts = self._uncounted.copy()
            del self._uncounted[: len(counts)]
        for count in counts:
            count()

    def refused(self, function: str, kind: str) -> None:
        """Count a call that was refused before it came to its function: nobody's, late, half-sent or too many."""
        self._calls.labels(function, kind).inc()

    def handshake_ended(self, caller: str, held: HeldContext, status: SecurityStatus, message: str) -> None:
        """Count a handshake that was established, failed, or was given up."""
        del caller, message
        kind = held.package.info.name, held.role, status
        child = self._ended.get(kind)
        if child is None:
            child = self._ended[kind] = self._handshakes.labels(held.package.info.name, held.role.value, status.name)
        self._later(child.inc)

    def watch_handles(self, kind: str, count: Callable[[], int]) -> None:
        """Show how many handles of a kind there are."""
        gauge = Gauge(f"sspid_{kind}", f"Number of {kind} held now.", registry=self.registry, multiprocess_mode="livesum")
        self._watched.append((gauge, count))

    def look(self) -> None:
        """Bring everything up to date; a function behind a gauge would not be seen across processes."""
        self._count()
        for gauge, count in self._watched:
            gauge.set(count())
