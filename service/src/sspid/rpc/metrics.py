"""What is counted: calls by function and status, time waiting and working apart, handshakes, handles; not with what."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from sspid.broker.held import HeldContext
    from sspid.broker.legs import Role
    from sspid.rpc.counters import Counters
    from sspid.vocabulary.status import SecurityStatus

Item = TypeVar("Item")

TOGETHER = 128
"""So many calls are counted in one go: in the midst of a call the library's counters cost three times as much."""


class Metrics:
    """Collects what happened, and counts it when there is enough of it or somebody looks.

    The library that counts is imported at the first of these, after the service is ready: it takes 25 ms.
    """

    def __init__(self) -> None:
        self._watched: list[tuple[str, Callable[[], int]]] = []
        self._calls: list[tuple[str, int | str, float, float]] = []
        self._refused: list[tuple[str, str]] = []
        self._handshakes: list[tuple[str, Role, SecurityStatus]] = []
        self._counting = threading.Lock()
        self._found: Counters | None = None

    @property
    def _counters(self) -> Counters:
        with self._counting:
            if self._found is None:
                from sspid.rpc.counters import Counters  # noqa: PLC0415  # see above

                self._found = Counters(before=self.look)
            return self._found

    @property
    def registry(self) -> CollectorRegistry:
        """Where Prometheus finds them all, up to date."""
        return self._counters.registry

    def recorder(self, function: str) -> Callable[[int | str, float, float], None]:
        """A function that counts one call: its status (wire number, or gRPC status name), its seconds, of which waited."""

        def record(status: int | str, seconds: float, waited: float) -> None:
            self._calls.append((function, status, seconds, waited))
            if len(self._calls) >= TOGETHER:
                self._count()

        return record

    def refused(self, function: str, kind: str) -> None:
        """Count a call that was refused before it came to its function: nobody's, late, half-sent or too many."""
        self._refused.append((function, kind))
        if len(self._refused) >= TOGETHER:
            self._count()

    def handshake_ended(self, caller: str, held: HeldContext, status: SecurityStatus, message: str) -> None:
        """Count a handshake that was established, failed, or was given up."""
        del caller, message
        self._handshakes.append((held.package.info.name, held.role, status))
        if len(self._handshakes) >= TOGETHER:
            self._count()

    def watch_handles(self, kind: str, count: Callable[[], int]) -> None:
        """Show how many handles of a kind there are."""
        self._watched.append((kind, count))

    def look(self) -> None:
        """Bring everything up to date; a function behind a gauge would not be seen across processes."""
        self._count()
        for kind, count in self._watched:
            self._counters.handles(kind, count())

    def _count(self) -> None:
        with self._counting:
            calls, refused, handshakes = (_taken(each) for each in (self._calls, self._refused, self._handshakes))
        counters = self._counters
        for (function, status), number in Counter([each[:2] for each in calls]).items():
            counters.calls(function, status, number)
        times = defaultdict[str, tuple[list[float], list[float]]](lambda: ([], []))
        for function, _, seconds, waited in calls:
            worked, all_waited = times[function]
            worked.append(seconds - waited)
            if waited:
                all_waited.append(waited)
        for function, each_time in times.items():
            counters.seconds(function, *each_time)
        for (function, kind), number in Counter(refused).items():
            counters.calls(function, kind, number)
        for (package, role, status), number in Counter(handshakes).items():
            counters.handshakes(package, role, status, number)


def _taken(uncounted: list[Item]) -> list[Item]:
    """What is in the list, taken out of it, whoever adds to it meanwhile."""
    taken = uncounted.copy()
    del uncounted[: len(taken)]
    return taken
