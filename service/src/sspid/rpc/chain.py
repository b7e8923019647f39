"""What every call passes on its way to its function, one link each, in the order of `CHAIN`; unary calls and streams alike."""

from __future__ import annotations

import threading
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sspid.broker import waits
from sspid.rpc import convert
from sspid.vocabulary.errors import RefusedError, SspiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from structlog.typing import FilteringBoundLogger

    from sspid.rpc.metrics import Metrics

    Act = Callable[[str, Any, Any], Any]
    """Caller, request message and what was read of it; to an answer, which may be a message."""
    Link = Callable[["Method", Act, "Surroundings"], Act]


def _itself(request: Any) -> Any:
    return request


def _merge(answer: Any, response: Any) -> None:
    response.MergeFrom(answer)


class Method(NamedTuple):
    """One RPC: its full gRPC name, its messages, and the function behind it.

    `read` makes the function's parameter of a request message, `write` fills the response message with what it returned.
    """

    service: str
    name: str
    function: Callable[[str, Any], Any]
    request_type: type[Any]
    response_type: type[Any]
    read: Callable[[Any], Any] = _itself
    write: Callable[[Any, Any], None] = _merge


class Surroundings(NamedTuple):
    """What links need besides the call itself. No `metrics` where another worker counts; `calls_per_second` 0 is no limit."""

    metrics: Metrics | None
    log: "FilteringBoundLogger"  # noqa: UP037  # the compiler would want the class itself
    calls_per_second: float = 0.0
    forward: Callable[[Method, str, Any], Any] | None = None


class Unreadable(NamedTuple):
    """What came of reading a request that cannot be read."""

    failure: "Exception"  # noqa: UP037  # as above


class Function:
    """A method with the whole chain around it, in three steps.

    Calls that come together take each step together: a processor that does one thing again and again does it three times as
    fast as one that does it between others (`docs/decisions/0002`).
    """

    def __init__(self, method: Method, around: Surroundings) -> None:
        self._method = method
        self._around = around
        self._read = method.read
        act: Act = perform(method, around)
        for link in reversed(CHAIN):
            act = link(method, act, around)
        self.act = act
        """The chain: caller, request, what `read` made of it. `RefusedError` is a gRPC status; SspiError is an answer."""

    def read(self, request: Any) -> Any:
        """What the function is called with; it fails in `act`, where failures are counted."""
        try:
            return self._read(request)
        except Exception as failure:  # noqa: BLE001  # raised again there
            return Unreadable(failure)

    def write(self, answer: Any, response: Any) -> None:
        """Fill the response message."""
        method = self._method
        try:
            if isinstance(answer, SspiError):
                response.MergeFrom(convert.failure(method.response_type, answer))
            elif isinstance(answer, method.response_type):
                response.MergeFrom(answer)
            else:
                method.write(answer, response)
        except Exception:  # noqa: BLE001  # logged, with its traceback
            raise _bug(method, self._around) from None

    def __call__(self, caller: str, request: Any) -> Any:
        """All three for one call: its response message."""
        answer = self.act(caller, request, self.read(request))
        if isinstance(answer, self._method.response_type):
            return answer
        response = self._method.response_type()
        self.write(answer, response)
        return response


def _bug(method: Method, around: Surroundings, caller: str = "") -> RefusedError:
    bug = uuid.uuid4().hex
    around.log.exception("bug", bug=bug, function=method.name, caller=caller)  # noqa: LOG004  # its callers handle one
    return RefusedError("INTERNAL", f"A bug in sspid; its operator finds it in the log under {bug}.")


def count_and_time(method: Method, inner: Act, around: Surroundings) -> Act:
    """Count by status; time spent waiting and time spent working apart."""
    if around.metrics is None:
        return inner
    record = around.metrics.recorder(method.name)

    this_thread = waits.this_thread

    def call(caller: str, request: Any, given: Any) -> Any:
        this_thread.waited = 0.0
        began = time.perf_counter()
        try:
            answer = inner(caller, request, given)
        except RefusedError as refused:
            record(refused.kind, time.perf_counter() - began, this_thread.waited)
            raise
        record(convert.status_of(answer), time.perf_counter() - began, this_thread.waited)
        return answer

    return call


def limit_rate(method: Method, inner: Act, around: Surroundings) -> Act:
    """A bucket of calls for each caller, refilled every second."""
    if not around.calls_per_second:
        return inner
    buckets = Buckets(around.calls_per_second)
    del method

    def call(caller: str, request: Any, given: Any) -> Any:
        if not buckets.take(caller):
            message = f"This caller makes more than {around.calls_per_second:g} calls a second; slow down and try again."
            raise RefusedError("RESOURCE_EXHAUSTED", message)
        return inner(caller, request, given)

    return call


def forward_to_owner(method: Method, inner: Act, around: Surroundings) -> Act:
    """A call on a handle of another worker process goes there."""
    if around.forward is None:
        return inner
    forward = partial(around.forward, method)

    def call(caller: str, request: Any, given: Any) -> Any:
        elsewhere = forward(caller, request)
        return inner(caller, request, given) if elsewhere is None else elsewhere

    return call


def perform(method: Method, around: Surroundings) -> Act:
    """The function itself, and what its failures become.

    A failing status is an answer like any other: one response shape, output bytes included. A bug becomes INTERNAL with an id,
    and the id finds the traceback in the log.
    """
    function = method.function

    def call(caller: str, _request: Any, given: Any) -> Any:
        try:
            if isinstance(given, Unreadable):
                raise given.failure
            return function(caller, given)
        except SspiError as error:
            return error
        except RefusedError:
            raise
        except Exception:  # noqa: BLE001  # logged, with its traceback
            raise _bug(method, around, caller) from None

    return call


CHAIN: Sequence[Link] = (count_and_time, limit_rate, forward_to_owner)
"""Outermost first, around `perform`. Before it, gRPC has bounded the size, and `rpc.unary` or `rpc.streams` found
caller and deadline."""


class Buckets:
    """Token buckets, one a caller; a bucket holds one second's calls."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._level: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, caller: str) -> bool:
        """Take one call out of the caller's bucket; False where it is empty."""
        now = self._clock()
        with self._lock:
            level, since = self._level.get(caller, (self._per_second, now))
            level = min(self._per_second, level + (now - since) * self._per_second)
            taken = level >= 1
            self._level[caller] = (level - 1 if taken else level, now)
        return taken
