"""Calls straight from gRPC's core: one thread that never waits takes what begins; grpcio's own server keeps the ports.

A call of grpcio's Python server is handed from thread to thread and costs twice as much (`docs/decisions/0008`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from grpc._cython import cygrpc  # type: ignore[attr-defined]  # its stubs are grpcio's own affair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import grpc
    from structlog.typing import FilteringBoundLogger

    from sspid.rpc.stream import Stream

POLL_SECONDS = 0.2
"""How soon at most the thread sees that it is to end."""
LOOK_SECONDS = 0.05
"""Between two looks at the streams that have ended and whose last messages are on their way."""
NO_FLAGS = 0


class Origin:
    """Who makes a call."""

    __slots__ = ("_core", "_metadata")

    def __init__(self, event: Any) -> None:
        self._core = event.call
        self._metadata = event.invocation_metadata

    def peer(self) -> str:
        """Where it comes from: "ipv4:...", "ipv6:..." or "unix:..."."""
        return self._core.peer().decode()  # type: ignore[no-any-return]  # the core is untyped

    def auth_context(self) -> Mapping[str, Sequence[bytes]]:
        """What the transport proved of the peer."""
        proved: Mapping[bytes, Sequence[bytes]] = cygrpc.auth_context(self._core) or {}
        return {name.decode(): values for name, values in proved.items()}

    def invocation_metadata(self) -> Sequence[tuple[str, str | bytes]]:
        """The headers; those whose name ends in "-bin" are bytes."""
        return self._metadata  # type: ignore[no-any-return]


class Call(Origin):
    """One unary call under way: its message, its answer. Made and read on the core's thread, ended on any."""

    __slots__ = ("_deadline", "_ended")

    def __init__(self, event: Any, ended: Callable[[Call], None]) -> None:
        super().__init__(event)
        self._deadline: float = event.call_details.deadline
        self._ended = ended

    def time_remaining(self) -> float:
        """Seconds to the deadline; many where there is none."""
        return max(self._deadline - time.time(), 0.0)

    def read(self, then: Callable[[Call, bytes | None], None]) -> None:
        """Have `then` called on the core's thread with the message; None where the call ended without one."""
        self._core.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(NO_FLAGS),), nothing)
        self._core.start_server_batch(
            (cygrpc.ReceiveMessageOperation(NO_FLAGS),), lambda event: then(self, event.batch_operations[0].message())
        )

    def answer(self, message: bytes) -> None:
        """End the call well."""
        self._end(cygrpc.SendMessageOperation(message, NO_FLAGS), cygrpc.StatusCode.ok, "")

    def refuse(self, code: grpc.StatusCode, text: str) -> None:
        """End the call badly."""
        self._end(None, code.value[0], text)

    def _end(self, message: Any, code: int, text: str) -> None:
        headers = cygrpc.SendInitialMetadataOperation(None, NO_FLAGS)
        status = cygrpc.SendStatusFromServerOperation(None, code, text.encode(), NO_FLAGS)
        operations = (headers, status) if message is None else (headers, message, status)
        self._core.start_server_batch(operations, self._sent)

    def _sent(self, _event: Any) -> None:
        self._ended(self)


def nothing(_event: Any) -> None:
    """Whoever works for a caller that is gone finds out when it answers."""


class Method(NamedTuple):
    """One method: where its calls report, and who begins them."""

    path: str
    queue: Callable[[], Any]
    begun: Callable[[Any, Any], None]


class Core:
    """The methods of one gRPC server. Serve them first, then start both. What it calls, it calls on its own thread."""

    def __init__(self, server: grpc.Server, log: FilteringBoundLogger) -> None:
        # There is no public way to these two; the version of grpcio is fixed, and every test of a call would notice.
        self._server = server._state.server  # type: ignore[attr-defined]  # noqa: SLF001
        self._queue = cygrpc.CompletionQueue()
        self._server.register_completion_queue(self._queue)
        self._log = log
        self._methods: list[Method] = []
        self._under_way: set[Call] = set()
        self._ended: deque[Stream] = deque()
        self._stopped = False

    def serve(self, path: str, begun: Callable[[Call], None]) -> None:
        """Have `begun` called with each call of a unary method ("/package.Service/Method")."""

        def begin(event: Any, _queue: Any) -> None:
            call = Call(event, self._under_way.discard)
            self._under_way.add(call)
            begun(call)

        self._add(Method(path, lambda: self._queue, begin))

    def serve_stream(self, path: str, begun: Callable[[Any, Any], None]) -> None:
        """Have `begun` called with each call of a streaming method: gRPC's event, and a completion queue for it alone."""
        self._add(Method(path, cygrpc.CompletionQueue, begun))

    def see_out(self, stream: Stream) -> None:
        """Keep an ended stream until its last messages are out. From any thread."""
        if not stream.settled():
            self._ended.append(stream)

    def _add(self, method: Method) -> None:
        self._server.register_method(method.path)
        self._methods.append(method)

    def start(self) -> None:
        """Take calls. The gRPC server has been started before."""
        for method in self._methods:
            self._wait_for_call(method)
        threading.Thread(target=self._deal, name="calls", daemon=True).start()

    def finish(self, seconds: float) -> None:
        """Wait until every call is answered, or for `seconds`."""
        until = time.monotonic() + seconds
        while self._under_way and time.monotonic() < until:
            time.sleep(POLL_SECONDS / 10)

    def stop(self) -> None:
        """Take no more; the gRPC server has been stopped before."""
        self._stopped = True

    def _wait_for_call(self, method: Method) -> None:
        queue = method.queue()
        self._server.request_registered_call(queue, self._queue, method.path, partial(self._begin, method, queue))

    def _begin(self, method: Method, queue: Any, event: Any) -> None:
        if not event.success:
            # The server stops.
            return
        # A ValueError where the server stops right now; this call came before.
        with suppress(ValueError):
            self._wait_for_call(method)
        method.begun(event, queue)

    def _deal(self) -> None:
        look = 0.0
        while not self._stopped:
            now = time.time()
            if self._ended and now >= look:
                look = now + LOOK_SECONDS
                self._look_at_ended()
            event = self._queue.poll(now + (LOOK_SECONDS if self._ended else POLL_SECONDS))
            if event.completion_type == cygrpc.CompletionType.queue_timeout:
                continue
            try:
                event.tag(event)
            except Exception:  # noqa: BLE001  # logged, with its traceback
                # One call is lost to a bug, the others are not.
                self._log.exception("bug", bug="calls")
            # An event keeps its call alive.
            del event

    def _look_at_ended(self) -> None:
        for _ in range(len(self._ended)):
            self.see_out(self._ended.popleft())
