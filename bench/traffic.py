"""Drives exchanges against a server with so many calls in flight, unary or over one Session stream; measures nothing."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import grpc
from sspid_protos.sspi.v1.context_service_pb2 import (
    AcceptSecurityContextRequest,
    InitializeSecurityContextRequest,
    SessionRequest,
)
from sspid_protos.sspi.v1.context_service_pb2_grpc import ContextServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = {"accept": "AcceptSecurityContext", "initiate": "InitializeSecurityContext"}
FIELDS = {"accept": "accept_security_context", "initiate": "initialize_security_context"}
_FIELD_OF = {AcceptSecurityContextRequest: FIELDS["accept"], InitializeSecurityContextRequest: FIELDS["initiate"]}


class Exchange(Protocol):
    """One handshake as its caller sees it: request messages out, response messages in."""

    def begin(self) -> Any:
        """The first request."""
        ...

    def go_on(self, response: Any) -> Any | None:
        """The next request, None after the last response."""
        ...


def run_unary(channel: grpc.Channel, role: str, exchanges: Iterable[Exchange], in_flight: int) -> None:
    """Take every exchange to its end by unary calls."""
    call = getattr(ContextServiceStub(channel), FUNCTIONS[role]).future
    waiting = iter(exchanges)
    flying = deque((each, call(each.begin())) for each in _some(waiting, in_flight))
    while flying:
        exchange, future = flying.popleft()
        following = exchange.go_on(future.result())
        if following is not None:
            flying.append((exchange, call(following)))
        else:
            flying += ((each, call(each.begin())) for each in _some(waiting, 1))


def run_session(
    channel: grpc.Channel, role: str, exchanges: Iterable[Exchange], in_flight: int, *, together: bool = True
) -> None:
    """Take every exchange to its end over one Session stream; `together`: what is ready at once travels in one message.

    The role is each request's own there: an exchange may take both.
    """
    del role
    requests: queue.SimpleQueue[SessionRequest | None] = queue.SimpleQueue()
    answers: Any = ContextServiceStub(channel).Session(iter(requests.get, None))
    waiting = iter(exchanges)
    flying = dict(enumerate(_some(waiting, in_flight)))
    send = partial(_send, requests, together)
    send([_numbered(number, each.begin()) for number, each in flying.items()])
    while flying:
        answer = next(answers)
        following = []
        for each in (answer, *answer.also):
            field = each.WhichOneof("answer")
            assert field in FIELDS.values(), each
            request = flying[each.number].go_on(getattr(each, field)) or _replace(flying, each.number, waiting)
            if request is not None:
                following.append(_numbered(each.number, request))
        send(following)
    requests.put(None)
    assert not list(answers)


def _numbered(number: int, request: Any) -> SessionRequest:
    return SessionRequest(number=number, **{_FIELD_OF[type(request)]: request})


def _send(sink: queue.SimpleQueue[SessionRequest | None], together: bool, requests: list[SessionRequest]) -> None:
    if together and requests:
        first, *others = requests
        first.also.extend(others)
        requests = [first]
    for each in requests:
        sink.put(each)


def _some(exchanges: Iterator[Exchange], count: int) -> list[Exchange]:
    return [each for _, each in zip(range(count), exchanges, strict=False)]


def _replace(flying: dict[int, Exchange], number: int, waiting: Iterator[Exchange]) -> Any | None:
    del flying[number]
    for exchange in _some(waiting, 1):
        flying[number] = exchange
        return exchange.begin()
    return None


Way = Callable[[grpc.Channel, str, Iterable[Exchange], int], None]
WAYS: dict[str, Way] = {"": run_unary, "_session": run_session}
"""Suffix of a row's name: the way its calls travel."""
FLOORS: dict[str, Way] = {
    "": run_unary, "_session": partial(run_session, together=False), "_session_together": run_session,
}  # fmt: skip
"""Suffix of a row: how the empty RPCs of its floor travel. An RPC is a message each; putting them together is sspid's own."""


def served(floor: str) -> str:
    """The way the service's calls travel in a row with that floor."""
    return floor.removesuffix("_together")


class Replayed:
    """An exchange of the same messages again and again, for a server that does nothing with them.

    `work` is what its caller has to do with each answer; it is called for the first message too.
    """

    def __init__(self, requests: list[Any], work: Callable[[], None] = lambda: None) -> None:
        self._requests = requests
        self._work = work
        self._at = 0

    def begin(self) -> Any:
        """The first request."""
        self._work()
        return self._requests[0]

    def go_on(self, response: Any) -> Any | None:
        """The next one."""
        assert response.result.status
        self._work()
        self._at += 1
        return self._requests[self._at] if self._at < len(self._requests) else None


class Recording:
    """Passes an exchange on and keeps its messages."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.requests: list[Any] = []
        self.responses: list[Any] = []

    def begin(self) -> Any:
        """The first request."""
        self.requests.append(self._exchange.begin())
        return self.requests[-1]

    def go_on(self, response: Any) -> Any | None:
        """The next one."""
        self.responses.append(response)
        following = self._exchange.go_on(response)
        if following is not None:
            self.requests.append(following)
        return following
