"""Waiting: how long the call on this thread has waited so far, and how many calls may wait at once; not what they wait for."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Waited(threading.local):
    seconds: float = 0.0


_waited = _Waited()


def begin_call() -> None:
    """Set this thread's waiting time to zero, at the start of a call."""
    _waited.seconds = 0.0


def waited_seconds() -> float:
    """How long the call on this thread has waited for locks and for the world."""
    return _waited.seconds


class WaitingRoom:
    """Bounds the calls that wait for a busy context or for another machine, so that waiting never takes every thread."""

    def __init__(self, *, per_caller: int, total: int) -> None:
        self._per_caller = per_caller
        self._total = total
        self._waiting: dict[str, int] = {}
        self._all = 0
        self._lock = threading.Lock()

    @contextmanager
    def wait(self, caller: str) -> Iterator[None]:
        """Be counted while waiting. RESOURCE_EXHAUSTED where this caller, or all of them, wait enough already."""
        self._enter(caller)
        began = time.monotonic()
        try:
            yield
        finally:
            _waited.seconds += time.monotonic() - began
            self._leave(caller)

    def _enter(self, caller: str) -> None:
        with self._lock:
            own = self._waiting.get(caller, 0)
            if own >= self._per_caller or self._all >= self._total:
                message = f"{own} calls of this caller, {self._all} in all, already wait for others; let some finish first."
                raise RefusedError("RESOURCE_EXHAUSTED", message)
            self._waiting[caller] = own + 1
            self._all += 1

    def _leave(self, caller: str) -> None:
        with self._lock:
            self._all -= 1
            own = self._waiting[caller] - 1
            if own:
                self._waiting[caller] = own
            else:
                del self._waiting[caller]
