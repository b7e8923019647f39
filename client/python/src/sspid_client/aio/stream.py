"""A TLS stream over asyncio's streams whose handshake and records the service makes; how records are read stands in `tls`."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sspid_client import attributes, buffers, credentials, legs
from sspid_client.errors import SspiError
from sspid_client.tls import records_of, require_local

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from types import TracebackType

    from sspid_client.aio.client import Client, Context, Credential
    from sspid_client.attributes import TrafficSecrets
    from sspid_client.flags import ContextFlag
    from sspid_client.questions import Question

Result = TypeVar("Result")


class StreamPeer:
    """asyncio's reader and writer as the other end of a handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes, /) -> None:
        """Send all of `data`."""
        self._writer.write(data)
        await self._writer.drain()

    async def recv(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        return await self._reader.read(size)


class TlsStream:
    """Bytes to and from the peer, sealed and opened by the service. One task may send while another receives.

    The reader and the writer stay the caller's: `close` says goodbye and frees what the service holds, and leaves them open.
    """

    def __init__(
        self,
        client: Client,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: Context,
        received: bytes = b"",
        secrets: TrafficSecrets | None = None,
    ) -> None:
        """Go on with an established context; `received` is what the peer sent beyond the handshake.

        With its `secrets` (attributes.TRAFFIC_SECRETS) records are sealed and opened here, without a call each.
        """
        self.context = context
        self._client = client
        self._reader = reader
        self._writer = writer
        self._records = records_of(context.legs, received, secrets)
        self._state = asyncio.Lock()
        self._receiving = asyncio.Lock()

    @classmethod
    async def connect(
        cls,
        client: Client,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        host: str,
        *,
        credential: Credential | None = None,
        flags: ContextFlag = legs.STREAM_FLAGS,
        application_protocols: Sequence[bytes] = (),
        local_records: bool = False,
    ) -> Self:
        """Make the handshake as the client of `host`, whose certificate must bear that name.

        Without `credential` the client shows no certificate and trusts the roots of the service's operator.
        `application_protocols` are ALPN names, best first.
        `local_records` asks the service for the connection's keys once and seals and opens here from then on, where the
        service's policy lets it (`hand_out_secrets`): no call a record. It needs sspid-client[local].
        """
        offered = [buffers.application_protocols(application_protocols)] if application_protocols else []
        if credential is not None:
            return await cls._begin(
                client, reader, writer, credential.initialize(host, flags=flags, first_input=offered), local_records
            )
        async with await client.acquire_credentials_handle("Schannel", credentials.OUTBOUND, credentials.anonymous()) as own:
            return await cls._begin(
                client, reader, writer, own.initialize(host, flags=flags, first_input=offered), local_records
            )

    @classmethod
    async def accept(
        cls,
        client: Client,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        credential: Credential,
        *,
        flags: ContextFlag = legs.STREAM_FLAGS,
        application_protocols: Sequence[bytes] = (),
        local_records: bool = False,
    ) -> Self:
        """Make the handshake as a server; ContextFlag.MUTUAL_AUTH in `flags` demands a client certificate.

        `local_records` as for `connect`.
        """
        known = [buffers.application_protocols(application_protocols)] if application_protocols else []
        return await cls._begin(client, reader, writer, credential.accept(flags=flags, first_input=known), local_records)

    @classmethod
    async def _begin(
        cls, client: Client, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: Context, local: bool, /
    ) -> Self:
        if local:
            require_local()
        extra = (await context.handshake(StreamPeer(reader, writer))).extra
        if not local:
            return cls(client, reader, writer, context, extra)
        try:
            secrets = await context.query(attributes.TRAFFIC_SECRETS)
            return cls(client, reader, writer, context, extra, secrets)
        except BaseException:
            with contextlib.suppress(SspiError):
                await context.delete()
            raise

    async def recv(self, size: int) -> bytes:
        """At most `size` bytes; none once the peer said goodbye. PeerClosedError where it went without."""
        async with self._receiving:
            while not await self._whole(self._records.open):
                self._records.feed(await self._reader.read(legs.RECEIVE_SIZE))
            return self._records.take(size)

    async def sendall(self, data: bytes) -> None:
        """Send `data`."""
        await self._whole(partial(self._records.seal, data))
        await self._writer.drain()

    async def _whole(self, work: Callable[[], Coroutine[Question[Any], Any, Result]]) -> Result:
        # A record that the service opened or sealed must not be lost where its caller is cancelled meanwhile.
        return await asyncio.shield(asyncio.ensure_future(self._alone(work)))

    async def _alone(self, work: Callable[[], Coroutine[Question[Any], Any, Result]]) -> Result:
        async with self._state:
            try:
                return await self._client.run(work())
            finally:
                while self._records.outgoing:
                    self._writer.write(self._records.outgoing.popleft())

    async def close(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109  # as the blocking stream has it
        """Say goodbye (close_notify), wait up to `timeout` seconds for the peer's and delete the context; once is enough."""
        if not self.context.handle:
            return
        try:
            await self._whole(self._records.shut)
            await self._goodbye(timeout)
        finally:
            with contextlib.suppress(SspiError):
                await self.context.delete()

    async def _goodbye(self, patience: float) -> None:
        # Neither a peer that is gone already nor one that answers nothing keeps a stream from being closed.
        with contextlib.suppress(OSError, SspiError):
            async with asyncio.timeout(patience):
                await self._writer.drain()
                while await self.recv(legs.RECEIVE_SIZE):
                    pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except SspiError:
            if value is None:
                raise
