"""The threads of unary calls: few that work, one more for each that waits, a queue that ends; not the threads of streams."""

from __future__ import annotations

import threading
import traceback
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from sspid.broker import waits
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class CallThreads:
    """`working` threads take calls. While one of them waits another takes its place, up to `most` threads in all.

    A thread too many, once the wait is over, is kept aside for the next wait. Of the calls that none takes yet, `queued`
    are kept.
    """

    def __init__(self, working: int, most: int, queued: int = 1024) -> None:
        self._wanted = working
        self._most = most
        self._queued = queued
        self._calls: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._lock = threading.Lock()
        self._working = 0
        self._aside = 0
        self._all = 0
        self._needed = threading.Semaphore(0)

    def put(self, call: Callable[[], object]) -> None:
        """Have `call` made on one of the threads. RESOURCE_EXHAUSTED where too many wait for one."""
        if self._calls.qsize() >= self._queued:
            message = f"{self._queued} unary calls wait for a thread already; call more slowly, or on one Session stream."
            raise RefusedError("RESOURCE_EXHAUSTED", message)
        self._calls.put(call)
        if self._working < self._wanted:
            self._fill()

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
        while True:
            call = self._calls.get()
            try:
                call()
            except Exception:  # noqa: BLE001  # a bug outside of what `rpc.chain` hides; the thread stays
                traceback.print_exc()
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
        """What a thread does its waiting in: another takes its place."""
        with self._lock:
            self._working -= 1
        self._fill()
        try:
            yield
        finally:
            with self._lock:
                self._working += 1
