"""A TLS stream over a socket whose handshake and records the service makes; how records are read stands in `tls`."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

from sspid_client import attributes, buffers, credentials, legs
from sspid_client.errors import SspiError
from sspid_client.tls import records_of, require_local

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from sspid_client.attributes import TrafficSecrets
    from sspid_client.client import Client, Context, Credential
    from sspid_client.flags import ContextFlag


class Socket(Protocol):
    """What a stream needs of a connected socket."""

    def send(self, data: bytes, /) -> int: ...
    def sendall(self, data: bytes, /) -> None: ...
    def recv(self, size: int, /) -> bytes: ...
    def gettimeout(self) -> float | None: ...
    def settimeout(self, value: float | None, /) -> None: ...


class TlsStream:
    """Bytes to and from the peer, sealed and opened by the service. One thread may send while another receives.

    The socket stays the caller's: `close` says goodbye and frees what the service holds, and leaves the socket open.
    """

    def __init__(
        self, client: Client, sock: Socket, context: Context, received: bytes = b"", secrets: TrafficSecrets | None = None
    ) -> None:
        """Go on with an established context; `received` is what the peer sent beyond the handshake.

        With its `secrets` (attributes.TRAFFIC_SECRETS) records are sealed and opened here, without a call each.
        """
        self.context = context
        self._client = client
        self._socket = sock
        self._records = records_of(context.legs, received, secrets)
        self._state = threading.Lock()
        self._sending = threading.Lock()
        self._receiving = threading.Lock()

    @classmethod
    def connect(
        cls,
        client: Client,
        sock: Socket,
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
            return cls._begin(client, sock, credential.initialize(host, flags=flags, first_input=offered), local_records)
        with client.acquire_credentials_handle("Schannel", credentials.OUTBOUND, credentials.anonymous()) as own:
            return cls._begin(client, sock, own.initialize(host, flags=flags, first_input=offered), local_records)

    @classmethod
    def accept(
        cls,
        client: Client,
        sock: Socket,
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
        return cls._begin(client, sock, credential.accept(flags=flags, first_input=known), local_records)

    @classmethod
    def _begin(cls, client: Client, sock: Socket, context: Context, local: bool) -> Self:
        if local:
            require_local()
        extra = context.handshake(sock).extra
        if not local:
            return cls(client, sock, context, extra)
        try:
            return cls(client, sock, context, extra, context.query(attributes.TRAFFIC_SECRETS))
        except BaseException:
            with contextlib.suppress(SspiError):
                context.delete()
            raise

    def recv(self, size: int) -> bytes:
        """At most `size` bytes; none once the peer said goodbye. PeerClosedError where it went without."""
        with self._receiving:
            while not self._open():
                self._feed(self._socket.recv(legs.RECEIVE_SIZE))
            with self._state:
                return self._records.take(size)

    def _open(self) -> bool:
        try:
            with self._state:
                return self._client.run(self._records.open())
        finally:
            self._flush(wait=False)

    def _feed(self, data: bytes) -> None:
        with self._state:
            self._records.feed(data)

    def sendall(self, data: bytes) -> None:
        """Send `data`."""
        with self._state:
            self._client.run(self._records.seal(data))
        self._flush(wait=True)

    def _flush(self, *, wait: bool) -> None:
        # Whoever holds the lock sends everything, in order. A reader does not wait for it: a peer that reads nothing
        # before it has sent everything would otherwise wait for us for ever.
        while self._records.outgoing and self._sending.acquire(blocking=wait):
            try:
                while self._records.outgoing:
                    self._socket.sendall(self._records.outgoing.popleft())
            finally:
                self._sending.release()

    def close(self, timeout: float = 5.0) -> None:
        """Say goodbye (close_notify), wait up to `timeout` seconds for the peer's and delete the context; once is enough."""
        if not self.context.handle:
            return
        try:
            self._goodbye(timeout)
        finally:
            with contextlib.suppress(SspiError):
                self.context.delete()

    def _goodbye(self, timeout: float) -> None:
        # Neither a peer that is gone already nor one that answers nothing keeps a stream from being closed.
        with self._state:
            self._client.run(self._records.shut())
        patience = self._socket.gettimeout()
        with contextlib.suppress(OSError, SspiError):
            self._flush(wait=True)
            deadline = time.monotonic() + timeout
            while (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self.recv(legs.RECEIVE_SIZE):
                    break
        with contextlib.suppress(OSError):
            self._socket.settimeout(patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.close()
        except SspiError:
            if value is None:
                raise
