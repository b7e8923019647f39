"""How a call reaches the service from blocking code: on one Session stream, alone where that breaks; it knows no SSPI."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from sspid_protos.sspi.v1 import context_service_pb2

from sspid_client import calls, replies
from sspid_client.outstanding import Outstanding, StreamBrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from sspid_client.calls import Call
    from sspid_client.channels import Endpoint

Reply = TypeVar("Reply", bound="Message")


class SessionStream:
    """One Session stream: any thread submits, one thread of its own reads the answers."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._outstanding: Outstanding[Future[Any]] = Outstanding()
        self._requests: queue.SimpleQueue[context_service_pb2.SessionRequest | None] = queue.SimpleQueue()
        self.over = False
        self.offered = True
        """False once the service said that it has no Session stream."""
        open_stream = channel.stream_stream(
            calls.SESSION_PATH,
            request_serializer=context_service_pb2.SessionRequest.SerializeToString,
            response_deserializer=context_service_pb2.SessionResponse.FromString,
        )
        self._stream = open_stream(self._written())
        threading.Thread(target=self._read, name="sspid-session", daemon=True).start()

    def _written(self) -> Iterator[context_service_pb2.SessionRequest]:
        while (request := self._requests.get()) is not None:
            yield calls.together(request, self._ready())

    def _ready(self) -> Iterator[context_service_pb2.SessionRequest]:
        with suppress(queue.Empty):
            while (request := self._requests.get_nowait()) is not None:
                yield request
            self._requests.put(None)

    def call(self, call: Call[Reply], timeout: float) -> Reply:
        """Make `call` and wait for its answer. StreamBrokenError where it must be made again elsewhere."""
        future: Future[Any] = Future()
        number = self._outstanding.enter(call.function.field, future)
        self._requests.put(calls.session_request(call, number))
        try:
            reply: Reply = future.result(timeout)
        except TimeoutError:
            raise replies.late(timeout) from None
        finally:
            self._outstanding.forget(number)
        return reply

    def close(self) -> None:
        """End the stream; calls under way are broken off."""
        self._requests.put(None)
        self._stream.cancel()  # type: ignore[no-untyped-call]  # grpc-stubs leaves it so

    def _read(self) -> None:
        try:
            for response in self._stream:
                self._outstanding.answer(response)
        except grpc.RpcError as error:
            self.offered = replies.code_of(error) is not grpc.StatusCode.UNIMPLEMENTED
        finally:
            self.over = True
            self._requests.put(None)
            self._outstanding.break_off()


class Transport:
    """Every call of one client. Safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, *, timeout: float, session: bool) -> None:
        self._timeout = timeout
        self._session_wanted = session
        self._session: SessionStream | None = None
        self._reopen_at = 0.0
        self._closed = False
        self._lock = threading.Lock()
        credentials = endpoint.credentials
        self._channel = (
            grpc.insecure_channel(endpoint.target, endpoint.options)
            if credentials is None
            else grpc.secure_channel(endpoint.target, credentials, endpoint.options)
        )
        self._alone: dict[str, grpc.UnaryUnaryMultiCallable[Any, Any]] = {}

    def call(self, call: Call[Reply]) -> Reply:
        """Make `call`; ServiceError where it does not reach its function."""
        stream = self._stream() if call.function.field and call.repeatable else None
        if stream is not None:
            try:
                return stream.call(call, self._timeout)
            except StreamBrokenError:
                self._reopen_at = time.monotonic() + calls.REOPEN_AFTER
        return self._call_alone(call)

    def _stream(self) -> SessionStream | None:
        stream = self._session
        if stream is not None and not stream.over:
            return stream
        with self._lock:
            if self._session is not None and self._session.over:
                self._session_wanted &= self._session.offered
                self._session = None
            if self._session is None and self._session_wanted and time.monotonic() >= self._reopen_at:
                self._session = SessionStream(self._channel)
            return self._session

    def _call_alone(self, call: Call[Reply]) -> Reply:
        if self._closed:
            raise replies.closed()
        method = self._method(call)
        delays = [*(calls.RETRY_DELAYS if call.repeatable else ())]
        while True:
            try:
                reply: Reply = method(call.request, timeout=self._timeout)
            except grpc.RpcError as error:
                if not delays or replies.code_of(error) is not grpc.StatusCode.UNAVAILABLE:
                    raise replies.failure_of(error) from error
                time.sleep(delays.pop(0))
            else:
                return reply

    def _method(self, call: Call[Any]) -> grpc.UnaryUnaryMultiCallable[Any, Any]:
        function = call.function
        method = self._alone.get(function.path)
        if method is None:
            method = self._alone[function.path] = self._channel.unary_unary(
                function.path,
                request_serializer=type(call.request).SerializeToString,
                response_deserializer=function.reply.FromString,
            )
        return method

    def close(self) -> None:
        """Close the stream and the channel."""
        with self._lock:
            self._closed = True
            self._session_wanted = False
            if self._session is not None:
                self._session.close()
        self._channel.close()
