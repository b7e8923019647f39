"""What all streams have in common: how many may be open, who begins them, how they end; not what is said on them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

import grpc

from sspid.rpc.reading import SHUTTING_DOWN
from sspid.rpc.stream import Stream
from sspid.rpc.unary import CODES
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from structlog.typing import FilteringBoundLogger


DRAIN_LOOKS = 0.02
"""Seconds between two looks at what a draining service still has to finish."""


class Conversation(Protocol):
    """What is said on one stream."""

    def busy(self) -> bool:
        """Whether a call is under way or an answer not sent yet."""
        ...

    def hold(self) -> None:
        """Hold it to its end, on a thread of its own. RefusedError ends the stream with its reason."""
        ...


class OpenStreams:
    """Bounds the streams, each of which holds a thread, and ends them when the service drains.

    `busy` of an open stream says whether it has calls under way.
    """

    def __init__(self, *, per_caller: int, total: int) -> None:
        self._per_caller = per_caller
        self._total = total
        self._open: dict[Stream, tuple[str, Callable[[], bool]]] = {}
        self._lock = threading.Lock()
        self.draining = False
        """Whether calls are to be refused by now."""

    def enter(self, caller: str, stream: Stream, busy: Callable[[], bool]) -> None:
        """Count a stream in. RESOURCE_EXHAUSTED where there are enough, UNAVAILABLE while draining."""
        with self._lock:
            if self.draining:
                raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
            own = sum(1 for each, _ in self._open.values() if each == caller)
            if own >= self._per_caller or len(self._open) >= self._total:
                message = (
                    f"{own} streams of this caller, {len(self._open)} in all, are open; share one stream among your calls."
                )
                raise RefusedError("RESOURCE_EXHAUSTED", message)
            self._open[stream] = caller, busy

    def leave(self, stream: Stream) -> None:
        """Count a stream out."""
        with self._lock:
            self._open.pop(stream, None)

    def drain(self, seconds: float) -> None:
        """Let nothing in any more; cancel each open stream as soon as its calls are answered, all of them after `seconds`."""
        until = time.monotonic() + seconds
        self.draining = True
        while self._cancel(all_of_them=time.monotonic() >= until):
            time.sleep(DRAIN_LOOKS)

    def _cancel(self, *, all_of_them: bool) -> bool:
        """Cancel what may be; whether some goes on."""
        with self._lock:
            going_on = 0
            for stream, (_, busy) in self._open.items():
                if all_of_them or not busy():
                    stream.cancel()
                else:
                    going_on += 1
        return going_on > 0


class StreamMethod:
    """One streaming method. `converse` makes the conversation of a caller's stream, which then holds a thread of `pool`.

    `identify` names a stream's caller. `count` is told why a stream was refused; `see_out` takes the streams that have ended.
    """

    def __init__(
        self,
        converse: Callable[[str, Stream], Conversation],
        *,
        identify: Callable[[Stream], str],
        streams: OpenStreams,
        pool: ThreadPoolExecutor,
        see_out: Callable[[Stream], None],
        log: FilteringBoundLogger,
        count: Callable[[str], None],
    ) -> None:
        self._converse = converse
        self._identify = identify
        self._streams = streams
        self._pool = pool
        self._see_out = see_out
        self._log = log
        self._count = count

    def begin(self, event: Any, queue: Any) -> None:
        """Give a stream its thread, or refuse it; on the core's thread, which waits for nothing."""
        stream = Stream(event, queue)
        try:
            caller = self._identify(stream)
            conversation = self._converse(caller, stream)
            self._streams.enter(caller, stream, conversation.busy)
        except RefusedError as refused:
            self._refuse(stream, refused)
        else:
            self._pool.submit(self._hold, stream, conversation)

    def _hold(self, stream: Stream, conversation: Conversation) -> None:
        try:
            conversation.hold()
        except RefusedError as refused:
            self._streams.leave(stream)
            self._refuse(stream, refused)
        except Exception:  # noqa: BLE001  # logged, with its traceback
            self._streams.leave(stream)
            self._log.exception("bug", bug="streams")
            self._end(stream, grpc.StatusCode.INTERNAL, "A bug in sspid; its operator finds it in the log.")
        else:
            # Whoever sees the end may begin another.
            self._streams.leave(stream)
            self._end(stream)

    def _refuse(self, stream: Stream, refused: RefusedError) -> None:
        self._count(refused.kind)
        self._end(stream, CODES[refused.kind], refused.message)

    def _end(self, stream: Stream, code: grpc.StatusCode | None = None, text: str = "") -> None:
        stream.end(code, text)
        self._see_out(stream)
