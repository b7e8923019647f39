"""What is counted: calls by function and status, time waiting and working apart, handshakes, handles; not with what."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from sspid.broker.held import HeldContext
    from sspid.rpc.counters import Counters
    from sspid.vocabulary.status import SecurityStatus

TOGETHER = 128
"""So many calls are counted in one go: in the midst of a call the library's counters cost three times as much."""


class Metrics:
    """Collects what happened, and counts it when there is enough of it or somebody looks.

    The library that counts is imported at the first of these, after the service is ready: it takes 25 ms.
    """

    def __init__(self) -> None:
        self._watched: list[tuple[str, Callable[[], int]]] = []
        self._uncounted: list[tuple[str, tuple[Any, ...]]] = []
        self._counting = threading.Lock()

    @cached_property
    def _counters(self) -> Counters:
        from sspid.rpc.counters import Counters  # noqa: PLC0415  # see above

        return Counters(before=self.look)

    @property
    def registry(self) -> CollectorRegistry:
        """Where Prometheus finds them all, up to date."""
        return self._counters.registry

    def recorder(self, function: str) -> Callable[[int | str, float, float], None]:
        """A function that counts one call: its status (wire number, or gRPC status name), its seconds, of which waited."""

        def record(status: int | str, seconds: float, waited: float) -> None:
            self._later("call", function, status, seconds, waited)

        return record

    def refused(self, function: str, kind: str) -> None:
        """Count a call that was refused before it came to its function: nobody's, late, half-sent or too many."""
        self._later("refused", function, kind)

    def handshake_ended(self, caller: str, held: HeldContext, status: SecurityStatus, message: str) -> None:
        """Count a handshake that was established, failed, or was given up."""
        del caller, message
        self._later("handshake", held.package.info.name, held.role, status)

    def watch_handles(self, kind: str, count: Callable[[], int]) -> None:
        """Show how many handles of a kind there are."""
        self._watched.append((kind, count))

    def look(self) -> None:
        """Bring everything up to date; a function behind a gauge would not be seen across processes."""
        self._count()
        for kind, count in self._watched:
            self._counters.handles(kind, count())

    def _later(self, kind: str, *what: Any) -> None:
        self._uncounted.append((kind, what))
        if len(self._uncounted) >= TOGETHER:
            self._count()

    def _count(self) -> None:
        with self._counting:
            uncounted = self._uncounted.copy()
            del self._uncounted[: len(uncounted)]
        counters = self._counters
        for kind, what in uncounted:
            getattr(counters, kind)(*what)
