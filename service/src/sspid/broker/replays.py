"""Answers given before: a repeated request id gets the first answer again (AIP-155); not what a call does."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sspid.broker.waits import WaitingRoom

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class RequestId:
    """A request id with the digest of the request that carried it, its function's name included."""

    value: str
    digest: bytes


@dataclass(slots=True)
class Answer:
    """What a call came to: an outcome, or the exception it ended in."""

    request: RequestId
    outcome: Future[Any] = field(default_factory=Future, repr=False)
    given: float = 0.0


def settle(answer: Answer, act: Callable[[], Outcome]) -> Outcome:
    """Perform the call and remember how it ended. After a `RefusedError` it may be tried again: nothing was done."""
    try:
        outcome = act()
    except BaseException as failure:
        answer.outcome.set_exception(failure)
        raise
    answer.outcome.set_result(outcome)
    return outcome


def same(answer: Answer | None, request: RequestId | None) -> Answer | None:
    """`answer` if it was given to `request`; INVALID_ARGUMENT where the id is the same and the content is not."""
    if answer is None or request is None or answer.request.value != request.value:
        return None
    if answer.request.digest != request.digest:
        message = f"Request id {request.value!r} was used before with another content; give every new call a new id."
        raise RefusedError("INVALID_ARGUMENT", message)
    return None if refused(answer) else answer


def refused(answer: Answer) -> bool:
    """Whether the call never reached its function."""
    return answer.outcome.done() and isinstance(answer.outcome.exception(), RefusedError)


class CreatingCalls:
    """Remembers the answers of calls that make a handle, for `seconds`, the latest `per_caller` of each caller."""

    def __init__(
        self,
        waiting: WaitingRoom,
        *,
        seconds: float = 120.0,
        per_caller: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waiting = waiting
        self._seconds = seconds
        self._per_caller = per_caller
        self._clock = clock
        self._callers: dict[str, OrderedDict[str, Answer]] = {}
        self._lock = threading.Lock()

    def once(self, caller: str, request: RequestId | None, act: Callable[[], Outcome]) -> Outcome:
        """Perform `act`, or wait for and return what the same request came to before."""
        if request is None:
            return act()
        answer, first = self._claim(caller, request)
        if first:
            return settle(answer, act)
        if not answer.outcome.done():
            with self._waiting.wait(caller):
                answer.outcome.exception()
        return answer.outcome.result()  # type: ignore[no-any-return]  # the same call, so the same type

    def sweep(self) -> None:
        """Forget answers that are too old, and callers that have none."""
        with self._lock:
            for caller in list(self._callers):
                self._drop_old(self._callers[caller])
                if not self._callers[caller]:
                    del self._callers[caller]

    def _claim(self, caller: str, request: RequestId) -> tuple[Answer, bool]:
        with self._lock:
            own = self._callers.setdefault(caller, OrderedDict())
            self._drop_old(own)
            known = same(own.get(request.value), request)
            if known is not None:
                return known, False
            answer = own[request.value] = Answer(request, given=self._clock())
            own.move_to_end(request.value)
            if len(own) > self._per_caller:
                own.popitem(last=False)
            return answer, True

    def _drop_old(self, own: OrderedDict[str, Answer]) -> None:
        oldest = self._clock() - self._seconds
        while own and next(iter(own.values())).given < oldest:
            own.popitem(last=False)
