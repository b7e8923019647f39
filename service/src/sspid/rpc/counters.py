"""Prometheus' counters in one registry; when something is counted is `metrics`'."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from sspid.rpc.convert import STATUS_FROM_WIRE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prometheus_client import Metric

    from sspid.broker.legs import Role
    from sspid.vocabulary.status import SecurityStatus

BUCKETS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Seconds; a leg takes a tenth of a millisecond, a Kerberos leg may wait for seconds."""


class _BeforeTheOthers(Collector):
    """Has no metrics of its own: it is asked before those that are registered later, when somebody looks."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look

    def collect(self) -> tuple[Metric, ...]:
        """Nothing."""
        self._look()
        return ()


class Times(Histogram):
    """Takes many observations in one go, which costs a third for each."""

    def observe_all(self, seconds: Sequence[float]) -> None:
        """What `observe` does, for each of them."""
        self._sum.inc(sum(seconds))
        for bucket, number in Tally([bisect_left(self._upper_bounds, each) for each in seconds]).items():
            self._buckets[bucket].inc(number)


class Counters:
    """The service's metrics. `before` is called before anybody reads them."""

    def __init__(self, before: Callable[[], None]) -> None:
        self.registry = registry = CollectorRegistry()
        registry.register(_BeforeTheOthers(before))
        self._calls = Counter(
            "sspid_calls", "Calls by function and SECURITY_STATUS or gRPC status.", ["function", "status"], registry=registry
        )
        self._working = Times("sspid_working_seconds", "Time a call worked.", ["function"], buckets=BUCKETS, registry=registry)
        self._waiting = Times(
            "sspid_waiting_seconds",
            "Time a call waited for a busy context or another machine; calls that did not wait are not in it.",
            ["function"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._handshakes = Counter(
            "sspid_handshakes", "Handshakes by package, role and last status.", ["package", "role", "status"], registry=registry
        )
        self._handles: dict[str, Gauge] = {}
        # Looking a child up by its labels costs more than counting.
        self._known: dict[tuple[object, ...], Counter] = {}
        self._work_of: dict[str, Times] = {}

    def calls(self, function: str, status: int | str, number: int) -> None:
        """Count calls that came to the same status (wire number, or gRPC status name)."""
        child = self._known.get((function, status))
        if child is None:
            name = status if isinstance(status, str) else STATUS_FROM_WIRE[status].name
            child = self._known[function, status] = self._calls.labels(function, name)
        child.inc(number)

    def seconds(self, function: str, worked: Sequence[float], waited: Sequence[float]) -> None:
        """Take down how long calls worked, and how long those waited that did."""
        work = self._work_of.get(function)
        if work is None:
            work = self._work_of[function] = self._working.labels(function)
        work.observe_all(worked)
        if waited:
            self._waiting.labels(function).observe_all(waited)

    def handshakes(self, package: str, role: Role, status: SecurityStatus, number: int) -> None:
        """Count handshakes that ended alike."""
        child = self._known.get((package, role, status))
        if child is None:
            child = self._known[package, role, status] = self._handshakes.labels(package, role.value, status.name)
        child.inc(number)

    def handles(self, kind: str, number: int) -> None:
        """Set how many handles of a kind there are."""
        gauge = self._handles.get(kind)
        if gauge is None:
            text = f"Number of {kind} held now."
            gauge = Gauge(f"sspid_{kind}", text, registry=self.registry, multiprocess_mode="livesum")
            self._handles[kind] = gauge
        gauge.set(number)
