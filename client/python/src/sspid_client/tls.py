"""A TLS stream over an established Schannel context, as bytes in and bytes out; no socket is touched here."""

from __future__ import annotations

import importlib.util
from collections import deque
from typing import TYPE_CHECKING

from sspid_client import messages
from sspid_client.errors import PeerClosedError, SspiError
from sspid_client.status import SecurityStatus

if TYPE_CHECKING:
    from sspid_client.attributes import TrafficSecrets
    from sspid_client.legs import Legs

_CLOSED = frozenset({SecurityStatus.SEC_I_CONTEXT_EXPIRED, SecurityStatus.SEC_E_CONTEXT_EXPIRED})


def records_of(context: Legs, received: bytes, secrets: TrafficSecrets | None) -> TlsRecords:
    """The records of an established context: made by the service, or here where it handed out the `secrets`."""
    if secrets is None:
        return TlsRecords(context, received)
    from sspid_client.local import LocalRecords  # noqa: PLC0415  # wants a package that not everybody has

    return LocalRecords(context, secrets, received)


def require_local() -> None:
    """Refuse local records before the secrets are asked for where the package that seals them is not there."""
    if importlib.util.find_spec("cryptography") is None:
        raise SspiError("local_records needs the package cryptography; install sspid-client[local].")


class TlsRecords:
    """What was received and not yet opened, what was opened and not yet read, what is to be sent.

    One operation at a time: whoever drives it holds a lock. `outgoing` is sent in its order, whoever put it there.
    """

    def __init__(self, context: Legs, received: bytes = b"") -> None:
        self.outgoing: deque[bytes] = deque()
        self.ended = False
        """The peer's close_notify came: nothing more will be read."""
        self._context = context
        self._received = received
        self._plain = bytearray()
        self._renegotiating = False
        self._failure: SspiError | None = None
        self._shut = False

    def feed(self, data: bytes) -> None:
        """Take what the peer sent; empty means it sends no more, which is a failure unless its close_notify came before."""
        if data:
            self._received += data
        elif not self.ended:
            self._failure = PeerClosedError("The peer closed the connection without close_notify: what came may be cut off.")

    def take(self, size: int) -> bytes:
        """At most `size` bytes of what was opened."""
        taken = bytes(self._plain[:size])
        del self._plain[:size]
        return taken

    async def open(self) -> bool:
        """Open records until there is something to `take` or the stream ended; False where more must be fed first."""
        while not self._plain and not self.ended:
            if self._failure is not None:
                raise self._failure
            if not self._received or not await self._next():
                return False
        return True

    async def _next(self) -> bool:
        try:
            return await (self._leg() if self._renegotiating else self._record())
        except SspiError as failure:
            self._fail(failure)
            raise

    def _fail(self, failure: SspiError) -> None:
        self._failure = failure
        if failure.token:
            self.outgoing.append(failure.token)

    async def _record(self) -> bool:
        opened = await messages.decrypt(self._context, self._received)
        if opened.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            return False
        self._plain += opened.data
        self._received = opened.extra
        if opened.status in _CLOSED:
            self.ended = True
        if opened.status is SecurityStatus.SEC_I_RENEGOTIATE:
            self._renegotiating = True
            return await self._leg()
        return True

    async def _leg(self) -> bool:
        # A ticket or a KeyUpdate of TLS 1.3 is done in one leg; a renegotiation of TLS 1.2 takes several.
        step = await self._context.advance(self._received)
        if step.token:
            self.outgoing.append(step.token)
        if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            return False
        self._received = step.extra
        self._renegotiating = not step.done
        return True

    async def seal(self, data: bytes) -> None:
        """Put `data` on the way, sealed."""
        self.outgoing.append(await messages.encrypt(self._context, data))

    async def shut(self) -> None:
        """Put close_notify on the way, once."""
        if not self._shut and self._failure is None:
            self._shut = True
            self.outgoing.append(await self._context.shutdown())
