"""Session: numbered calls in, answers out in any order, by the same road as unary calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sspid_protos.sspi.v1 import context_service_pb2 as wire

from sspid.logs import lines_together
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

TOGETHER = 32
"""How many answers go into one message at most, so that the first of many calls need not wait for the last."""


class NumberedCalls:
    """What all Session streams share: the functions behind a numbered call, in their three steps (`rpc.chain.Function`).

    Calls that `may_wait` (with these handles) for another machine, or for a context that another call holds, go to
    `waiting_pool`.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        streams: OpenStreams,
        waiting_pool: ThreadPoolExecutor,
        may_wait: Callable[[str, bytes, bytes], bool],
    ) -> None:
        self.functions = functions
        self.may_wait = may_wait
        self._streams = streams
        self._waiting_pool = waiting_pool

    def in_waiting_pool(self, work: Callable[[], None]) -> None:
        """Have `work` done off the stream's thread."""
        self._waiting_pool.submit(work)

    def act(self, caller: str, which: str | None, call: Any, given: Any) -> Any:
        """The second of a call's three steps: what it comes to, which may be a refusal."""
        try:
            if which is None:
                raise RefusedError("INVALID_ARGUMENT", "The request holds no call.")
            if self._streams.draining:
                raise RefusedError("UNAVAILABLE", SHUTTING_DOWN)
            return self.functions[which].act(caller, call, given)
        except RefusedError as refused:
            return refused

    def write(self, outcome: Any, which: str | None, number: int, answer: wire.SessionResponse) -> None:
        """The third: fill in the numbered answer."""
        answer.number = number
        try:
            if isinstance(outcome, RefusedError) or which is None:
                raise outcome
            self.functions[which].write(outcome, getattr(answer, which))
        except RefusedError as refused:
            answer.ClearField("answer")
            answer.refusal.code = CODES[refused.kind].value[0]
            answer.refusal.message = refused.message


class Session:
    """What is said on one Session stream.

    Calls that cannot wait are answered on the stream's own thread, the others elsewhere, so that none holds up another.
    """

    def __init__(self, calls: NumberedCalls, caller: str, stream: Stream) -> None:
        self._calls = calls
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
        with lines_together():
            ready = self._answer_ready(requests)
        if ready is not None:
            self._owed += 1
            self._stream.send(ready.SerializeToString())

    def _answer_ready(self, requests: list[wire.SessionRequest]) -> wire.SessionResponse | None:
        """What the calls that cannot wait come to, in one message; the others are begun. None where all of them may wait.

        Each step is taken for all of them before the next one (`docs/decisions/0002`).
        """
        numbered, caller = self._calls, self._caller
        ready: list[tuple[int, str | None, Any, Any]] = []
        for request in requests:
            which = request.WhichOneof("call")
            if which is None:
                ready.append((request.number, None, None, None))
                continue
            call = getattr(request, which)
            if numbered.may_wait(caller, *handles(call)):
                self._answer_later(request.number, which, call)
            else:
                ready.append((request.number, which, call, numbered.functions[which].read(call)))
        if not ready:
            return None
        done = [(numbered.act(caller, which, call, given), which, number) for number, which, call, given in ready]
        together = wire.SessionResponse()
        answer = together
        for at, outcome in enumerate(done):
            if at:
                answer = together.also.add()
            numbered.write(*outcome, answer)
        return together

    def _answer_later(self, number: int, which: str, call: Any) -> None:
        def work() -> None:
            try:
                calls, answer = self._calls, wire.SessionResponse()
                outcome = calls.act(self._caller, which, call, calls.functions[which].read(call))
                calls.write(outcome, which, number, answer)
                self._stream.send(answer.SerializeToString())
            except BaseException:
                # Nobody shall wait for the answer that is missing now.
                self._stream.cancel()
                raise

        self._owed += 1
        self._calls.in_waiting_pool(work)
