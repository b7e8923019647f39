"""Unary calls straight from gRPC's core, on one thread that never waits; grpcio's own server keeps the streams and the ports.

A call of grpcio's Python server is handed from thread to thread and costs twice as much (`docs/decisions/0008`).
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from grpc._cython import cygrpc  # type: ignore[attr-defined]  # its stubs are grpcio's own affair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import grpc
    from structlog.typing import FilteringBoundLogger

    Begun = Callable[["Call"], None]

POLL_SECONDS = 0.2
"""How soon at most the thread sees that it is to end."""
_NO_FLAGS = 0


class Call:
    """One unary call under way: who makes it, its message, its answer. Made and read on the core's thread, ended on any."""

    __slots__ = ("_core", "_deadline", "_ended", "_metadata")

    def __init__(self, event: Any, ended: Callable[[Call], None]) -> None:
        self._core = event.call
        self._deadline: float = event.call_details.deadline
        self._metadata = event.invocation_metadata
        self._ended = ended

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

    def time_remaining(self) -> float:
        """Seconds to the deadline; many where there is none."""
        return max(self._deadline - time.time(), 0.0)

    def read(self, then: Callable[[Call, bytes | None], None]) -> None:
        """Have `then` called on the core's thread with the message; None where the call ended without one."""
        self._core.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), _nothing)
        self._core.start_server_batch(
            (cygrpc.ReceiveMessageOperation(_NO_FLAGS),), lambda event: then(self, event.batch_operations[0].message())
        )

    def answer(self, message: bytes) -> None:
        """End the call well."""
        self._end(cygrpc.SendMessageOperation(message, _NO_FLAGS), cygrpc.StatusCode.ok, "")

    def refuse(self, code: grpc.StatusCode, text: str) -> None:
        """End the call badly."""
        self._end(None, code.value[0], text)

    def _end(self, message: Any, code: int, text: str) -> None:
        headers = cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS)
        status = cygrpc.SendStatusFromServerOperation(None, code, text.encode(), _NO_FLAGS)
        operations = (headers, status) if message is None else (headers, message, status)
        self._core.start_server_batch(operations, self._sent)

    def _sent(self, _event: Any) -> None:
        self._ended(self)


def _nothing(_event: Any) -> None:
    """Whoever works for a caller that is gone finds out when it answers."""


class Core:
    """The unary methods of one gRPC server. Serve them first, then start both."""

    def __init__(self, server: grpc.Server, log: FilteringBoundLogger) -> None:
        # There is no public way to these two; the version of grpcio is fixed, and every test of a call would notice.
        self._server = server._state.server  # type: ignore[attr-defined]  # noqa: SLF001
        self._queue = cygrpc.CompletionQueue()
        self._server.register_completion_queue(self._queue)
        self._log = log
        self._methods: list[tuple[str, Begun]] = []
        self._under_way: set[Call] = set()
        self._stopped = False

    def serve(self, path: str, begun: Begun) -> None:
        """Have `begun` called, on the core's thread, with each call of a method ("/package.Service/Method")."""
        self._server.register_method(path)
        self._methods.append((path, begun))

    def start(self) -> None:
        """Take calls. The gRPC server has been started before."""
        for path, begun in self._methods:
            self._wait_for_call(path, begun)
        threading.Thread(target=self._deal, name="calls", daemon=True).start()

    def finish(self, seconds: float) -> None:
        """Wait until every call is answered, or for `seconds`."""
        until = time.monotonic() + seconds
        while self._under_way and time.monotonic() < until:
            time.sleep(POLL_SECONDS / 10)

    def stop(self) -> None:
        """Take no more; the gRPC server has been stopped before."""
        self._stopped = True

    def _wait_for_call(self, path: str, begun: Begun) -> None:
        self._server.request_registered_call(self._queue, self._queue, path, partial(self._begin, path, begun))

    def _begin(self, path: str, begun: Begun, event: Any) -> None:
        if not event.success:
            # The server stops.
            return
        call = Call(event, self._under_way.discard)
        self._under_way.add(call)
        # A ValueError where the server stops right now; this call came before.
        with suppress(ValueError):
            self._wait_for_call(path, begun)
        begun(call)

    def _deal(self) -> None:
        while not self._stopped:
            event = self._queue.poll(time.time() + POLL_SECONDS)
            if event.completion_type == cygrpc.CompletionType.queue_timeout:
                continue
            try:
                event.tag(event)
            except Exception:  # noqa: BLE001  # logged, with its traceback
                # One call is lost to a bug, the others are not.
                self._log.exception("bug", bug="calls")
            # An event keeps its call alive.
            del event
