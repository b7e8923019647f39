"""The numbered calls under way on one Session stream, whichever kind of future waits; the stream itself is elsewhere."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import grpc

from sspid_client import replies

if TYPE_CHECKING:
    from sspid_protos.sspi.v1.context_service_pb2 import SessionResponse


class Future(Protocol):
    """What concurrent.futures' and asyncio's futures have in common here."""

    def done(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, exception: BaseException, /) -> None: ...


Waiting = TypeVar("Waiting", bound=Future)


class StreamBrokenError(Exception):
    """The Session stream ended with this call unanswered: it may or may not have been made."""


class Outstanding(Generic[Waiting]):
    """Futures by number. Every one that was entered is answered or broken, whichever thread comes first."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[str, Waiting]] = {}
        self._lock = threading.Lock()
        self._broken = False

    def enter(self, field: str, future: Waiting) -> int:
        """Note that `future` waits for the answer `field`; returns its number. StreamBrokenError after `break_off`."""
        with self._lock:
            if self._broken:
                raise StreamBrokenError
            number = next(self._numbers)
            self._waiting[number] = field, future
            return number

    def forget(self, number: int) -> None:
        """Nobody waits for that answer any more."""
        with self._lock:
            self._waiting.pop(number, None)

    def answer(self, message: SessionResponse) -> None:
        """Hand each answer of a message to who waits for it; one that nobody waits for is dropped."""
        for response in (message, *message.also):
            self._answer(response)

    def _answer(self, response: SessionResponse) -> None:
        with self._lock:
            field, future = self._waiting.pop(response.number, ("", None))
        if future is None or future.done():
            return
        kind = response.WhichOneof("answer")
        if kind == field:
            future.set_result(getattr(response, field))
        elif kind == "refusal":
            future.set_exception(_refused(response.refusal.code, response.refusal.message))
        else:
            message = f"The service answered {field} with {kind or 'nothing'} on the Session stream."
            future.set_exception(replies.service_error(grpc.StatusCode.INTERNAL.value[0], message))

    def break_off(self) -> None:
        """The stream is over: whoever still waits learns it."""
        with self._lock:
            self._broken = True
            waiting, self._waiting = self._waiting, {}
        for _, future in waiting.values():
            if not future.done():
                future.set_exception(StreamBrokenError())


def _refused(code: int, message: str) -> Exception:
    # A service that drains refuses here; the call made alone finds another one, or the same answer.
    if code == grpc.StatusCode.UNAVAILABLE.value[0]:
        return StreamBrokenError()
    return replies.service_error(code, message)
