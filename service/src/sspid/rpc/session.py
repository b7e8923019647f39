"""Session: numbered calls in, answers out in any order, by the same road as unary calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sspid_protos.sspi.v1 import context_service_pb2 as wire

from sspid.log_lines import lines_together
from sspid.rpc.convert import handles
from sspid.rpc.reading import SHUTTING_DOWN
from sspid.rpc.unary import CODES, parsed
from sspid.vocabulary.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import ThreadPoolExecutor

    from sspid.rpc.chain import Function
    from sspid.rpc.stream import Stream
    from sspid.rpc.streams import OpenStreams

    Ready = tuple[int, str | None, Function | None, Any, Any]
    """A call's number, its field in request and answer, its function, its message and what was read of that."""

TOGETHER = 32
"""How many answers go into one message at most, so that the first of many calls need not wait for the last."""


class Shared(NamedTuple):
    """What all Session streams share: the functions behind numbered calls, and where those go that may wait.

    `may_wait` says whether a call of a caller's with these handles may wait for another machine or another call.
    """

    functions: "Mapping[str, Function]"  # noqa: UP037  # the compiler would want the class itself
    streams: "OpenStreams"  # noqa: UP037  # as above
    waiting_pool: "ThreadPoolExecutor"  # noqa: UP037  # as above
    may_wait: Callable[[str, bytes, bytes], bool]


class Session:
    """What is said on one Session stream.

    Calls that cannot wait are answered on the stream's own thread, the others elsewhere, so that none holds up another.
    """

    def __init__(self, shared: Shared, caller: str, stream: Stream) -> None:
        self._shared = shared
        self._caller = caller
        self._stream = stream
        self._answering = False
        self._owed = 0
        """How many messages the caller is sent for what it has sent so far."""

    def busy(self) -> bool:
        """Whether a call is under way or an answer not sent yet."""
        return self._answering or self._stream.sent < self._owed

    def hold(self) -> None:
        """Answer until the caller sends no more, and what it still waits for has been sent."""
        stream = self._stream
        while (message := stream.receive()) is not None:
            self._answering = True
            request = parsed(wire.SessionRequest.FromString, message)
            requests = [request, *request.also[:]]
            for at in range(0, len(requests), TOGETHER):
                self._answer(requests[at : at + TOGETHER])
            self._answering = False
        while stream.sent < self._owed and not stream.gone:
            stream.wait()

    def _answer(self, requests: list[wire.SessionRequest]) -> None:
        """Answer the calls that cannot wait, in one message; begin the others."""
        with lines_together():
            ready = self._read(requests)
            answer = self._perform(ready) if ready else None
        if answer is not None:
            self._owed += 1
            self._stream.send(answer.SerializeToString())

    def _read(self, requests: list[wire.SessionRequest]) -> list[Ready]:
        """The calls that cannot wait, read."""
        shared, caller = self._shared, self._caller
        ready: list[Ready] = []
        for request in requests:
            which = request.WhichOneof("call")
            if which is None:
                ready.append((request.number, None, None, None, None))
                continue
            function, call = shared.functions[which], getattr(request, which)
            if shared.may_wait(caller, *handles(call)):
                self._answer_later(request.number, which, function, call)
            else:
                ready.append((request.number, which, function, call, function.read(call)))
        return ready

    def _perform(self, ready: list[Ready]) -> wire.SessionResponse:
        """Take each step for all of the calls before the next one (`docs/decisions/0002`), and put their answers together."""
        caller, streams = self._caller, self._shared.streams
        done: list[Any] = []
        for _, _, function, call, given in ready:
            try:
                if function is None:
                    raise RefusedError("INVALID_ARGUMENT", "The request holds no call.")
                if streams.draining:
                    raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
                done.append(function.act(caller, call, given))
            except RefusedError as refused:
                done.append(refused)
        together = answer = wire.SessionResponse()
        for at, outcome in enumerate(done):
            number, which, function, _, _ = ready[at]
            if at:
                answer = together.also.add()
            answer.number = number
            if isinstance(outcome, RefusedError) or function is None or which is None:
                _refuse(answer, outcome)
                continue
            try:
                function.write(outcome, getattr(answer, which))
            except RefusedError as refused:
                _refuse(answer, refused)
        return together

    def _answer_later(self, number: int, which: str, function: Function, call: Any) -> None:
        def work() -> None:
            try:
                answer = self._perform([(number, which, function, call, function.read(call))])
                self._stream.send(answer.SerializeToString())
            except BaseException:
                # Nobody shall wait for the answer that is missing now.
                self._stream.cancel()
                raise

        self._owed += 1
        self._shared.waiting_pool.submit(work)


def _refuse(answer: wire.SessionResponse, refused: RefusedError) -> None:
    answer.ClearField("answer")
    answer.refusal.code = CODES[refused.kind].value[0]
    answer.refusal.message = refused.message
