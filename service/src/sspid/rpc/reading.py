"""A unary call's one message: read on the call's thread, which another replaces while the caller is slow to send it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc

    from sspid.rpc.call_threads import CallThreads

    Reading = tuple[str, grpc.ServicerContext]
    """Who sends, and on which call."""

LOOK_SECONDS = 0.05
"""A message that two looks find missing is slow."""
LAST_LOOKS = 2
"""So many find what was read when the service began to stop."""
READ_SECONDS = 30.0
"""A slow message has to be there by then."""


class Slow(NamedTuple):
    """A reading whose thread stands aside, until when at most."""

    caller: str
    context: grpc.ServicerContext
    until: float


class Readers:
    """gRPC begins a unary call when its headers have come. Who sends no more than those must not keep the threads.

    A message that is there at once, as nearly all are, costs a place in a dictionary and no lock.
    """

    def __init__(self, threads: CallThreads, *, per_caller: int, total: int) -> None:
        self._threads = threads
        self._per_caller = per_caller
        self._total = total
        self._reading: dict[int, Reading] = {}
        self._slow: dict[int, Slow] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        threading.Thread(target=self._look, name="slow readers", daemon=True).start()

    def read(self, messages: Iterator[bytes], caller: str, context: grpc.ServicerContext) -> bytes:
        """The call's message. RESOURCE_EXHAUSTED where calls wait for threads, or the caller's for messages, enough already."""
        if self._threads.overflowing():
            raise RefusedError("RESOURCE_EXHAUSTED", self._threads.overflow_message)
        if self._slow:
            self._require_room(caller)
        thread = threading.get_ident()
        self._reading[thread] = caller, context
        try:
            return next(messages)
        except StopIteration:
            message = "A unary call has exactly one request message, and this one ended before it."
            raise RefusedError("INVALID_ARGUMENT", message) from None
        finally:
            if self._reading.pop(thread, None) is None:
                self._caught_up(thread)

    def stop(self) -> None:
        """Give up the messages that are slow, now or soon; no more calls may come to be read."""
        self._stopping.set()

    def _require_room(self, caller: str) -> None:
        own = self._slow_of(caller)
        if own >= self._per_caller:
            message = f"{own} calls of this caller lack their request message still; send it with the call."
            raise RefusedError("RESOURCE_EXHAUSTED", message)

    def _slow_of(self, caller: str) -> int:
        with self._lock:
            return sum(1 for each in self._slow.values() if each.caller == caller)

    def _look(self) -> None:
        seen: dict[int, Reading] = {}
        while not self._stopping.wait(LOOK_SECONDS):
            seen = self._look_once(seen)
            self._give_up(time.monotonic())
        for _ in range(LAST_LOOKS):
            self._give_up(float("inf"))
            time.sleep(LOOK_SECONDS)
            seen = self._look_once(seen)
        self._give_up(float("inf"))

    def _look_once(self, before: dict[int, Reading]) -> dict[int, Reading]:
        now = self._reading.copy()
        for thread, reading in now.items():
            if before.get(thread) is reading:
                self._set_aside(thread)
        return now

    def _set_aside(self, thread: int) -> None:
        with self._lock:
            reading = self._reading.pop(thread, None)
            if reading is None:
                return
            self._slow[thread] = Slow(*reading, time.monotonic() + READ_SECONDS)
            self._threads.begin_waiting()
            too_many = len(self._slow) > self._total
        if too_many or self._slow_of(reading[0]) > self._per_caller:
            _cancel(reading[1])

    def _caught_up(self, thread: int) -> None:
        with self._lock:
            del self._slow[thread]
            self._threads.end_waiting()

    def _give_up(self, now: float) -> None:
        with self._lock:
            late = [each.context for each in self._slow.values() if each.until < now]
        for context in late:
            _cancel(context)


def _cancel(context: Any) -> None:
    # The thread hears of it at once: gRPC ends its reading.
    context.cancel()
