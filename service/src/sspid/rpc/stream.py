"""One bidirectional stream of gRPC's core, dealt with by the thread that serves it: messages in and out, not what they say."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from grpc._cython import cygrpc  # type: ignore[attr-defined]  # its stubs are grpcio's own affair

from sspid.rpc.core import NO_FLAGS, Origin, nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

UNSENT = 64
"""How many answers wait for a caller that does not read, before its calls are not read either."""
_AT_ONCE = 0.0


class Stream(Origin):
    """A stream under way. One thread receives and waits; any thread sends, and none of those waits for a slow reader.

    `queue` is the stream's own completion queue. `sent` counts the messages that gRPC has taken; `gone` says that the caller
    has given up, or cannot be reached.
    """

    def __init__(self, event: Any, queue: Any) -> None:
        super().__init__(event)
        self._queue = queue
        self._lock = threading.Lock()
        self._unsent: deque[bytes] = deque()
        self._sending = False
        self._greeted = False
        self._over = False
        self._pending = 0
        self._message: bytes | None = None
        self._reading = False
        self.sent = 0
        self.gone = False
        with self._lock:
            self._start(self._closed, cygrpc.ReceiveCloseOnServerOperation(NO_FLAGS))

    def receive(self) -> bytes | None:
        """The next message; None where the caller sends no more. Not before the caller has read most of what was sent."""
        while len(self._unsent) > UNSENT and not self.gone:
            self.wait()
        self._reading = True
        with self._lock:
            self._start(self._received, cygrpc.ReceiveMessageOperation(NO_FLAGS))
        while self._reading:
            self.wait()
        message, self._message = self._message, None
        return message

    def wait(self) -> None:
        """Deal with the next thing that gRPC reports: a message, one that was sent, the caller's end."""
        self._deal_with(self._queue.poll())

    def send(self, message: bytes) -> None:
        """Send after what was sent before; nothing once the stream has ended."""
        with self._lock:
            self._unsent.append(message)
            if not self._sending:
                self._send_next()

    def end(self, code: grpc.StatusCode | None = None, text: str = "") -> None:
        """End the stream, well without a code. Of what waits to be sent nothing is."""
        with self._lock:
            if self._over:
                return
            self._over = True
            self._unsent.clear()
            number = cygrpc.StatusCode.ok if code is None else code.value[0]
            self._start(nothing, *self._greeting(), cygrpc.SendStatusFromServerOperation(None, number, text.encode(), NO_FLAGS))

    def cancel(self) -> None:
        """Break the stream off, whatever is under way on it."""
        self._core.cancel()

    def settled(self) -> bool:
        """Whether gRPC has nothing more to report of an ended stream; without waiting for it."""
        while self._pending:
            event = self._queue.poll(_AT_ONCE)
            if event.completion_type == cygrpc.CompletionType.queue_timeout:
                return False
            self._deal_with(event)
        return True

    def _start(self, reported: Callable[[Any], None], *operations: Any) -> None:
        """Have gRPC do these and report once all are done. The lock is held."""
        self._core.start_server_batch(operations, reported)
        self._pending += 1

    def _deal_with(self, event: Any) -> None:
        with self._lock:
            self._pending -= 1
        event.tag(event)

    def _greeting(self) -> tuple[Any, ...]:
        """The headers, with whatever is sent first."""
        if self._greeted:
            return ()
        self._greeted = True
        return (cygrpc.SendInitialMetadataOperation(None, NO_FLAGS),)

    def _send_next(self) -> None:
        self._sending = not self._over and bool(self._unsent)
        if self._sending:
            self._start(self._taken, *self._greeting(), cygrpc.SendMessageOperation(self._unsent.popleft(), NO_FLAGS))

    def _taken(self, _event: Any) -> None:
        with self._lock:
            self.sent += 1
            self._send_next()

    def _received(self, event: Any) -> None:
        self._message = event.batch_operations[0].message()
        self._reading = False

    def _closed(self, event: Any) -> None:
        self.gone = event.batch_operations[0].cancelled()
