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

    Function = Callable[[str, Any], Any]
    Link = Callable[["Method", Function, "Surroundings"], Function]


class Method(NamedTuple):
    """One RPC: its full gRPC name, the broker function behind it and its messages."""

    service: str
    name: str
    function: Function
    request_type: type[Any]
    response_type: type[Any]


class Surroundings(NamedTuple):
    """What links need besides the call itself. No `metrics` where another worker counts; `calls_per_second` 0 is no limit."""

    metrics: Metrics | None
    log: FilteringBoundLogger
    calls_per_second: float = 0.0
    forward: Callable[[Method, str, Any], Any] | None = None


def hide_bugs(method: Method, inner: Function, around: Surroundings) -> Function:
    """A bug becomes INTERNAL with an id, and the id finds the traceback in the log."""

    def call(caller: str, request: Any) -> Any:
        try:
            return inner(caller, request)
        except RefusedError:
            raise
        except Exception:
            bug = uuid.uuid4().hex
            around.log.exception("bug", bug=bug, function=method.name, caller=caller)
            raise RefusedError("INTERNAL", f"A bug in sspid; its operator finds it in the log under {bug}.") from None

    return call


def count_and_time(method: Method, inner: Function, around: Surroundings) -> Function:
    """Count by status; time spent waiting and time spent working apart."""
    if around.metrics is None:
        return inner
    record = around.metrics.recorder(method.name)

    def call(caller: str, request: Any) -> Any:
        waits.begin_call()
        began = time.perf_counter()
        try:
            response = inner(caller, request)
        except RefusedError as refused:
            record(refused.kind, time.perf_counter() - began, waits.waited_seconds())
            raise
        record(response.result.status, time.perf_counter() - began, waits.waited_seconds())
        return response

    return call


def limit_rate(method: Method, inner: Function, around: Surroundings) -> Function:
    """A bucket of calls for each caller, refilled every second."""
    if not around.calls_per_second:
        return inner
    buckets = Buckets(around.calls_per_second)
    del method

    def call(caller: str, request: Any) -> Any:
        if not buckets.take(caller):
            message = f"This caller makes more than {around.calls_per_second:g} calls a second; slow down and try again."
            raise RefusedError("RESOURCE_EXHAUSTED", message)
        return inner(caller, request)

    return call


def forward_to_owner(method: Method, inner: Function, around: Surroundings) -> Function:
    """A call on a handle of another worker process goes there."""
    if around.forward is None:
        return inner
    forward = partial(around.forward, method)

    def call(caller: str, request: Any) -> Any:
        elsewhere = forward(caller, request)
        return inner(caller, request) if elsewhere is None else elsewhere

    return call


def answer_failures(method: Method, inner: Function, around: Surroundings) -> Function:
    """A failing status is an answer like any other: one response shape, output bytes included either way."""
    del around

    def call(caller: str, request: Any) -> Any:
        try:
            return inner(caller, request)
        except SspiError as error:
            return convert.failure(method.response_type, error)

    return call


CHAIN: Sequence[Link] = (hide_bugs, count_and_time, limit_rate, forward_to_owner, answer_failures)
"""Outermost first. Before it, gRPC has bounded the size, and `rpc.unary` or `rpc.streams` found caller and deadline."""


def through(method: Method, around: Surroundings) -> Function:
    """The method's function with the whole chain around it, put together once."""
    function = method.function
    for link in reversed(CHAIN):
        function = link(method, function, around)
    return function


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
