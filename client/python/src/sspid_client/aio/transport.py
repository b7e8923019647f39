"""How a call reaches the service from asyncio: on one Session stream, alone where that breaks; it knows no SSPI."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio
from sspid_protos.sspi.v1 import context_service_pb2

from sspid_client import calls, replies
from sspid_client.outstanding import Outstanding, StreamBrokenError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from google.protobuf.message import Message

    from sspid_client.calls import Call
    from sspid_client.channels import Endpoint

Reply = TypeVar("Reply", bound="Message")


class SessionStream:
    """One Session stream: any task submits, one task of its own reads the answers."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._outstanding: Outstanding[asyncio.Future[Any]] = Outstanding()
        self._requests: asyncio.Queue[context_service_pb2.SessionRequest | None] = asyncio.Queue()
        self.over = False
        self.offered = True
        """False once the service said that it has no Session stream."""
        open_stream = channel.stream_stream(
            calls.SESSION_PATH,
            request_serializer=context_service_pb2.SessionRequest.SerializeToString,
            response_deserializer=context_service_pb2.SessionResponse.FromString,
        )
        self._stream = open_stream(self._written())
        self._reader = asyncio.create_task(self._read())

    async def _written(self) -> AsyncIterator[context_service_pb2.SessionRequest]:
        while (request := await self._requests.get()) is not None:
            yield calls.together(request, self._ready())

    def _ready(self) -> Iterator[context_service_pb2.SessionRequest]:
        with suppress(asyncio.QueueEmpty):
            while (request := self._requests.get_nowait()) is not None:
                yield request
            self._requests.put_nowait(None)

    async def call(self, call: Call[Reply], timeout: float) -> Reply:  # noqa: ASYNC109  # the client's own, for every call
        """Make `call` and await its answer. StreamBrokenError where it must be made again elsewhere."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        number = self._outstanding.enter(call.function.field, future)
        self._requests.put_nowait(calls.session_request(call, number))
        try:
            async with asyncio.timeout(timeout):
                reply: Reply = await future
        except TimeoutError:
            raise replies.late(timeout) from None
        finally:
            self._outstanding.forget(number)
        return reply

    async def close(self) -> None:
        """End the stream; calls under way are broken off."""
        self._stream.cancel()
        await asyncio.wait([self._reader])

    async def _read(self) -> None:
        try:
            async for response in self._stream:
                self._outstanding.answer(response)
        except grpc.aio.AioRpcError as error:
            self.offered = error.code() is not grpc.StatusCode.UNIMPLEMENTED
        except asyncio.CancelledError:
            pass  # `close` cancelled the stream
        finally:
            self.over = True
            self._requests.put_nowait(None)
            self._outstanding.break_off()


class Transport:
    """Every call of one client, within one event loop."""

    def __init__(self, endpoint: Endpoint, *, timeout: float, session: bool) -> None:
        self._timeout = timeout
        self._session_wanted = session
        self._session: SessionStream | None = None
        self._reopen_at = 0.0
        self._closed = False
        credentials = endpoint.credentials
        self._channel = (
            grpc.aio.insecure_channel(endpoint.target, endpoint.options)
            if credentials is None
            else grpc.aio.secure_channel(endpoint.target, credentials, endpoint.options)
        )
        self._alone: dict[str, grpc.aio.UnaryUnaryMultiCallable[Any, Any]] = {}

    async def call(self, call: Call[Reply]) -> Reply:
        """Make `call`; ServiceError where it does not reach its function."""
        stream = self._stream() if call.function.field and call.repeatable else None
        if stream is not None:
            try:
                return await stream.call(call, self._timeout)
            except StreamBrokenError:
                self._reopen_at = asyncio.get_running_loop().time() + calls.REOPEN_AFTER
        return await self._call_alone(call)

    def _stream(self) -> SessionStream | None:
        if self._session is not None and self._session.over:
            self._session_wanted &= self._session.offered
            self._session = None
        if self._session is None and self._session_wanted and asyncio.get_running_loop().time() >= self._reopen_at:
            self._session = SessionStream(self._channel)
        return self._session

    async def _call_alone(self, call: Call[Reply]) -> Reply:
        if self._closed:
            raise replies.closed()
        method = self._method(call)
        delays = [*(calls.RETRY_DELAYS if call.repeatable else ())]
        while True:
            try:
                reply: Reply = await method(call.request, timeout=self._timeout)
            except grpc.aio.AioRpcError as error:
                if not delays or error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise replies.service_error(error.code().value[0], error.details() or "") from error
                await asyncio.sleep(delays.pop(0))
            else:
                return reply

    def _method(self, call: Call[Any]) -> grpc.aio.UnaryUnaryMultiCallable[Any, Any]:
        function = call.function
        method = self._alone.get(function.path)
        if method is None:
            method = self._alone[function.path] = self._channel.unary_unary(
                function.path,
                request_serializer=type(call.request).SerializeToString,
                response_deserializer=function.reply.FromString,
            )
        return method

    async def close(self) -> None:
        """Close the stream and the channel."""
        self._closed = True
        self._session_wanted = False
        if self._session is not None:
            await self._session.close()
        await self._channel.close(grace=None)
