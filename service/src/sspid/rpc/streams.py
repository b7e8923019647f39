"""Session and Handshake: streams whose messages take the same road as unary calls."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from sspid_protos.sspi.v1 import context_service_pb2 as wire
from sspid_protos.sspi.v1 import vocabulary_pb2

from sspid.logs import lines_together
from sspid.rpc.reading import SHUTTING_DOWN
from sspid.rpc.unary import CODES
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    from sspid.rpc.callers import Identifies
    from sspid.rpc.chain import Function

GOES_ON = (
    vocabulary_pb2.SEC_I_CONTINUE_NEEDED,
    vocabulary_pb2.SEC_E_INCOMPLETE_MESSAGE,
    vocabulary_pb2.SEC_I_INCOMPLETE_CREDENTIALS,
    vocabulary_pb2.SEC_I_MESSAGE_FRAGMENT,
)

UNSENT = 64
"""How many answers wait for a caller that does not read, before its calls are not read either."""

DRAIN_LOOKS = 0.02
"""Seconds between two looks at what a draining service still has to finish."""

TOGETHER = 32
"""How many answers go into one message at most, so that the first of many calls need not wait for the last."""


class OpenStreams:
    """Bounds the streams, each of which holds a thread, and ends them when the service drains.

    `busy` of an open stream says whether it has calls under way.
    """

    def __init__(self, *, per_caller: int, total: int) -> None:
        self._per_caller = per_caller
        self._total = total
        self._open: dict[grpc.ServicerContext, tuple[str, Callable[[], bool]]] = {}
        self._lock = threading.Lock()
        self._draining = False

    def enter(self, caller: str, context: grpc.ServicerContext, busy: Callable[[], bool]) -> None:
        """Count a stream in. RESOURCE_EXHAUSTED where there are enough, UNAVAILABLE while draining."""
        with self._lock:
            if self._draining:
                raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
            own = sum(1 for each, _ in self._open.values() if each == caller)
            if own >= self._per_caller or len(self._open) >= self._total:
                message = (
                    f"{own} streams of this caller, {len(self._open)} in all, are open; share one stream among your calls."
                )
                raise RefusedError("RESOURCE_EXHAUSTED", message)
            self._open[context] = caller, busy

    def leave(self, context: grpc.ServicerContext) -> None:
        """Count a stream out."""
        with self._lock:
            self._open.pop(context, None)

    @property
    def draining(self) -> bool:
        """Whether calls are to be refused by now."""
        return self._draining

    def drain(self, seconds: float) -> None:
        """Let nothing in any more; cancel each open stream as soon as its calls are answered, all of them after `seconds`."""
        until = time.monotonic() + seconds
        self._draining = True
        while self._cancel(all_of_them=time.monotonic() >= until):
            time.sleep(DRAIN_LOOKS)

    def _cancel(self, *, all_of_them: bool) -> bool:
        """Cancel what may be; whether some goes on."""
        with self._lock:
            going_on = 0
            for context, (_, busy) in self._open.items():
                if all_of_them or not busy():
                    context.cancel()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
                else:
                    going_on += 1
        return going_on > 0


class SessionStream:
    """One long-lived stream: numbered calls in, answers out in any order. `count` is told which stream was refused, and why.

    Calls that cannot wait are answered on the stream's own thread; calls that may wait for another machine, or for a
    context that another call holds, go to `waiting_pool`, so that none holds up the others.
    """

    experimental_non_blocking = True
    """gRPC hands `__call__` a function to send with, instead of iterating over its result."""
    experimental_thread_pool: ThreadPoolExecutor
    """gRPC runs each stream on a thread of this pool."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        callers: Identifies,
        streams: OpenStreams,
        waiting_pool: ThreadPoolExecutor,
        may_wait: Callable[[str, bytes, bytes], bool],
        count: Callable[[str, str], None],
    ) -> None:
        self._functions = functions
        self._callers = callers
        self._streams = streams
        self._count = count
        self._waiting_pool = waiting_pool
        self._may_wait = may_wait

    def __call__(
        self, requests: Iterator[wire.SessionRequest], context: grpc.ServicerContext, send: Callable[[Any], None]
    ) -> None:
        try:
            caller = self._callers.identify(context)
            conversation = Conversation(self, caller, context, send)
            self._streams.enter(caller, context, conversation.busy)
        except RefusedError as refused:
            self._count("Session", refused.kind)
            context.abort(CODES[refused.kind], refused.message)
        try:
            conversation.hold(requests)
        finally:
            self._streams.leave(context)
        send(None)

    def read(self, request: wire.SessionRequest, which: str | None) -> Any:
        """The first of a call's three steps (`rpc.chain.Function`)."""
        return None if which is None else self._functions[which].read(getattr(request, which))

    def act(self, caller: str, request: wire.SessionRequest, which: str | None, given: Any) -> Any:
        """The second: what the call comes to, which may be a refusal."""
        try:
            if which is None:
                raise RefusedError("INVALID_ARGUMENT", "The request holds no call.")
            if self._streams.draining:
                raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
            return self._functions[which].act(caller, getattr(request, which), given)
        except RefusedError as refused:
            return refused

    def write(self, outcome: Any, request: wire.SessionRequest, which: str | None, answer: wire.SessionResponse) -> None:
        """The third: fill in the numbered answer."""
        answer.number = request.number
        try:
            if isinstance(outcome, RefusedError) or which is None:
                raise outcome
            self._functions[which].write(outcome, getattr(answer, which))
        except RefusedError as refused:
            answer.ClearField("answer")
            answer.refusal.code = CODES[refused.kind].value[0]
            answer.refusal.message = refused.message

    def may_wait(self, caller: str, which: str | None, request: wire.SessionRequest) -> bool:
        """Whether the call may wait for another machine or another call."""
        return which is not None and self._may_wait(caller, *handles(getattr(request, which)))

    def in_waiting_pool(self, work: Callable[[], None]) -> None:
        """Have `work` done off the stream's thread."""
        self._waiting_pool.submit(work)


class Conversation:
    """One Session stream's life."""

    def __init__(self, session: SessionStream, caller: str, context: grpc.ServicerContext, send: Callable[[Any], None]) -> None:
        self._session = session
        self._caller = caller
        self._context = context
        self._send = send
        self._sending = threading.Lock()
        self._unsent: deque[wire.SessionResponse] = deque()
        self._answering = False
        self._under_way = 0
        self._changed = threading.Condition()

    def busy(self) -> bool:
        """Whether a call is under way or an answer not sent yet."""
        return self._answering or self._under_way > 0 or bool(self._unsent)

    def hold(self, requests: Iterator[wire.SessionRequest]) -> None:
        """Answer until the caller sends no more, and what it still waits for has been answered."""
        for request in requests:
            self._answering = True
            calls = (request, *request.also) if request.also else (request,)
            for at in range(0, len(calls), TOGETHER):
                self._answer(calls[at : at + TOGETHER])
            self._answering = False
        self._context.add_callback(self._wake)
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0 or not self._context.is_active())

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _answer(self, calls: tuple[wire.SessionRequest, ...]) -> None:
        with lines_together():
            ready = self._answer_ready(calls)
        if ready is not None:
            self._unsent.append(ready)
        if ready is not None or len(self._unsent) > UNSENT:
            # Here the caller itself is waited for: who does not read is not read from either.
            with self._sending:
                self._send_all()

    def _answer_ready(self, calls: tuple[wire.SessionRequest, ...]) -> wire.SessionResponse | None:
        """What the calls that cannot wait come to, in one message; the others are begun. None where all of them may wait."""
        session, caller = self._session, self._caller
        ready = []
        for call in calls:
            which = call.WhichOneof("call")
            if session.may_wait(caller, which, call):
                self._answer_later(call, which)
            else:
                ready.append((call, which, session.read(call, which)))
        if not ready:
            return None
        done = [(session.act(caller, call, which, given), call, which) for call, which, given in ready]
        together = wire.SessionResponse()
        answer = together
        for at, outcome in enumerate(done):
            if at:
                answer = together.also.add()
            session.write(*outcome, answer)
        return together

    def _answer_later(self, request: wire.SessionRequest, which: str | None) -> None:
        def work() -> None:
            try:
                session, answer = self._session, wire.SessionResponse()
                outcome = session.act(self._caller, request, which, session.read(request, which))
                session.write(outcome, request, which, answer)
                self._unsent.append(answer)
                self._send_unless_another_does()
            finally:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

        with self._changed:
            self._under_way += 1
        self._session.in_waiting_pool(work)

    def _send_unless_another_does(self) -> None:
        """However many calls wait for it, a caller that does not read holds up one of their threads."""
        while self._unsent and self._sending.acquire(blocking=False):
            try:
                self._send_all()
            finally:
                self._sending.release()

    def _send_all(self) -> None:
        while self._unsent:
            self._send(self._unsent.popleft())


class HandshakeStream:
    """One context for one stream's life, driven through the functions of the unary calls."""

    experimental_thread_pool: ThreadPoolExecutor

    def __init__(
        self,
        functions: Mapping[str, Function],
        callers: Identifies,
        streams: OpenStreams,
        count: Callable[[str, str], None],
    ) -> None:
        self._functions = functions
        self._callers = callers
        self._streams = streams
        self._count = count

    def __call__(
        self, requests: Iterator[wire.HandshakeRequest], context: grpc.ServicerContext
    ) -> Iterator[wire.HandshakeResponse]:
        try:
            caller = self._callers.identify(context)
            under_way = threading.Event()
            self._streams.enter(caller, context, under_way.is_set)
        except RefusedError as refused:
            self._count("Handshake", refused.kind)
            context.abort(CODES[refused.kind], refused.message)
        try:
            yield from self._drive(caller, requests, under_way)
        except RefusedError as refused:
            context.abort(CODES[refused.kind], refused.message)
        finally:
            self._streams.leave(context)

    def _drive(
        self, caller: str, requests: Iterator[wire.HandshakeRequest], under_way: threading.Event
    ) -> Iterator[wire.HandshakeResponse]:
        first = next(requests, None)
        if first is None or first.WhichOneof("message") not in {"initialize", "accept"}:
            raise RefusedError("INVALID_ARGUMENT", "The first message of a Handshake stream is `initialize` or `accept`.")
        role = "initialize" if first.HasField("initialize") else "accept"
        function = self._functions[f"{role}_security_context"]
        call = getattr(first, role)
        response = None
        kept = False
        try:
            while True:
                under_way.set()
                response = function(caller, call)
                if response.HasField("context"):
                    call.context.CopyFrom(response.context)
                yield wire.HandshakeResponse(step=_initiator_shape(response))
                if response.result.status not in GOES_ON:
                    kept = first.keep and response.result.status == vocabulary_pb2.SEC_E_OK
                    return
                under_way.clear()
                following = next(requests, None)
                if following is None:
                    return
                _next_leg(call, following)
        finally:
            if call.HasField("context") and not kept:
                self._functions["delete_security_context"](caller, wire.DeleteSecurityContextRequest(context=call.context))


def _next_leg(call: Any, following: wire.HandshakeRequest) -> None:
    if following.WhichOneof("message") != "input":
        raise RefusedError("INVALID_ARGUMENT", "Every message after the first of a Handshake stream is `input`.")
    del call.input[:]
    call.input.extend(following.input.input)
    if following.input.HasField("credential"):
        call.credential.CopyFrom(following.input.credential)
    if following.input.flags:
        del call.flags[:]
        call.flags.extend(following.input.flags)
    # Each leg of the stream is a new call; a request id stands for one leg only.
    call.request_id = ""


def _initiator_shape(response: Any) -> wire.InitializeSecurityContextResponse:
    if isinstance(response, wire.InitializeSecurityContextResponse):
        return response
    # The two responses have the same fields under the same numbers.
    return wire.InitializeSecurityContextResponse.FromString(response.SerializeToString())


_known: dict[Any, tuple[bool, bool]] = {}
"""Whether messages of a type have a context and a credential; protobuf is slow to tell."""


def handles(call: Any) -> tuple[bytes, bytes]:
    """Context handle of a request, or where it has none its credential's; each empty where it is not given."""
    known = _known.get(type(call))
    if known is None:
        fields = call.DESCRIPTOR.fields_by_name
        known = _known[type(call)] = "context" in fields, "credential" in fields
    context = call.context.value if known[0] else b""
    return context, call.credential.value if known[1] and not context else b""
