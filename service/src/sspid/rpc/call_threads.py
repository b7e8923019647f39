"""The threads of unary calls: few that work, one more for each that waits, a queue that ends; not the threads of streams."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from sspid.broker import waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]

LOOK_SECONDS = 0.01
QUIET_LOOKS = 2
"""A call that has just been taken is not busy for an instant, so one look is not enough."""


class CallThreads(Executor):
    """`working` threads take calls. While one of them waits another takes its place, up to `most` threads in all.

    A thread too many, once the wait is over, is kept aside for the next wait. Of the calls that none takes yet, `queued`
    are kept; more are called on a thread that finds `overflowing` true, which has to do no more than to refuse.
    """

    def __init__(self, working: int, most: int, queued: int = 1024) -> None:
        self._wanted = working
        self._most = most
        self._queued = queued
        self._refusing = ThreadPoolExecutor(1, "refusing", initializer=self._is_refusing)
        self._refuser = 0
        self._calls: SimpleQueue[Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._working = 0
        self._aside = 0
        self._all = 0
        self._needed = threading.Semaphore(0)
        self._busy: set[int] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have `fn` called on one of the threads."""
        if self._calls.qsize() >= self._queued:
            return self._refusing.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        self._calls.put((future, fn, args, kwargs))
        if self._working < self._wanted:
            self._fill()
        return future

    def _is_refusing(self) -> None:
        self._refuser = threading.get_ident()

    def overflowing(self) -> bool:
        """Whether the call on this thread is one too many."""
        return threading.get_ident() == self._refuser

    @property
    def overflow_message(self) -> str:
        """What its caller is told."""
        return f"{self._queued} unary calls wait for a thread already; call more slowly, or on one Session stream."

    def finish(self, seconds: float) -> None:
        """Wait until every call is done, or for `seconds`."""
        until = time.monotonic() + seconds
        quiet = 0
        while quiet < QUIET_LOOKS and time.monotonic() < until:
            quiet = 0 if self._busy or self._calls.qsize() else quiet + 1
            time.sleep(LOOK_SECONDS)

    def _fill(self) -> None:
        """Let one more thread take calls, if there are too few."""
        with self._lock:
            if self._working >= self._wanted:
                return
            if self._aside:
                self._aside -= 1
                self._working += 1
                self._needed.release()
            elif self._all < self._most:
                self._all += 1
                self._working += 1
                threading.Thread(target=self._take_calls, name=f"unary_{self._all}", daemon=True).start()

    def _take_calls(self) -> None:
        waits.stand_aside_by(self._standing_aside)
        me = threading.get_ident()
        while True:
            work = self._calls.get()
            self._busy.add(me)
            _perform(*work)
            self._busy.discard(me)
            if self._working > self._wanted:
                self._go_aside()

    def _go_aside(self) -> None:
        with self._lock:
            if self._working <= self._wanted:
                return
            self._working -= 1
            self._aside += 1
        self._needed.acquire()

    @contextmanager
    def _standing_aside(self) -> Iterator[None]:
        """What a thread does its waiting in."""
        self.begin_waiting()
        try:
            yield
        finally:
            self.end_waiting()

    def begin_waiting(self) -> None:
        """One of the threads waits from now on: another takes its place."""
        with self._lock:
            self._working -= 1
        self._fill()

    def end_waiting(self) -> None:
        """It works again."""
        with self._lock:
            self._working += 1


def _perform(future: Future[Any], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        outcome = function(*args, **kwargs)
    except BaseException as failure:  # noqa: BLE001  # it is whoever asks the future that minds
        future.set_exception(failure)
    else:
        future.set_result(outcome)
