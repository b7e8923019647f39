"""Waiting: how long the call on this thread has waited so far, and how many calls may wait at once; not what they wait for."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    StandAside = Callable[[], AbstractContextManager[None]]


class ThisThread(threading.local):
    """What this thread's call has waited so far, in seconds; whoever begins a call sets it to zero."""

    waited: float = 0.0
    waiting: bool = False
    stand_aside: StandAside = nullcontext


this_thread = ThisThread()


def stand_aside_by(stand_aside: StandAside) -> None:
    """What this thread enters while it waits, so that another may take its place."""
    this_thread.stand_aside = stand_aside


@contextmanager
def waiting() -> Iterator[None]:
    """Do nothing but wait: another thread takes this one's place meanwhile, and the time counts as waiting."""
    if this_thread.waiting:
        yield
        return
    this_thread.waiting = True
    began = time.monotonic()
    try:
        with this_thread.stand_aside():
            yield
    finally:
        this_thread.waiting = False
        this_thread.waited += time.monotonic() - began


class WaitingRoom:
    """Bounds the calls that wait for a busy context or for another machine."""

    def __init__(self, *, per_caller: int, total: int) -> None:
        self._per_caller = per_caller
        self._total = total
        self._waiting: dict[str, int] = {}
        self._all = 0
        self._lock = threading.Lock()

    @contextmanager
    def wait(self, caller: str) -> Iterator[None]:
        """Be counted while waiting. RESOURCE_EXHAUSTED where this caller, or all of them, wait enough already."""
        if this_thread.waiting:
            yield
            return
        self._enter(caller)
        try:
            with waiting():
                yield
        finally:
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
