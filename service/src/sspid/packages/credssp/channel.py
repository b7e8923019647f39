"""How TSRequests travel: as TLS records of the Schannel package, or bare for a caller that owns its TLS; reads none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import structs

from sspid.packages.contract import Leg, Message, Step
from sspid.packages.credssp import der
from sspid.packages.credssp.flags import tls_flags
from sspid.packages.credssp.messages import MAX_REQUEST
from sspid.packages.silent import Silent
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, find, missing, token, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import SecurityPackage

_HEADER: Final = 5
_ALERT: Final = 2
_FATAL: Final = 2
_DATA: Final = BufferType.DATA
_OK, _INCOMPLETE = SecurityStatus.SEC_E_OK, SecurityStatus.SEC_E_INCOMPLETE_MESSAGE


class Received(NamedTuple):
    """What a leg's input came to.

    `request` None: more input is needed. `wanted` then says how much, and nothing was consumed; 0 where a part was.
    `left` bytes at the end of the input were not consumed. `owed` goes out before our next message.
    """

    channel: Channel
    request: bytes | None = None
    left: int = 0
    wanted: int = 0
    owed: bytes = b""


class Bare(Silent, frozen=True):
    """The caller owns the TLS connection: tokens are TSRequests as they are."""

    async def receive(self, data: bytes) -> Received:
        """Take one TSRequest off the start of the input."""
        length = _length(data)
        if not length or length > len(data):
            return Received(self, wanted=(length or 2) - len(data) if len(data) < (length or 2) else 1)
        return Received(self, data[:length], len(data) - length)

    async def send(self, request: bytes) -> bytes:
        """One TSRequest."""
        return request

    async def alert(self, number: int) -> bytes:
        """Nothing: the caller's TLS has the alerts."""
        del number
        return b""

    def delete(self) -> None:
        """Nothing to let go of."""


class Tls(Silent, frozen=True):
    """Schannel's established context `state`; `partial` is what earlier records held of a TSRequest."""

    package: SecurityPackage
    credential: Any
    state: Any
    server: bool
    partial: bytes = b""

    async def receive(self, data: bytes) -> Received:
        """Open records until a TSRequest is whole; what follows it stays sealed, since it may be the application's."""
        channel, plain, at, owed = self, self.partial, 0, b""
        while True:
            if plain and _length(plain) == len(plain):
                after = structs.replace(channel, partial=b"") if channel.partial else channel
                return Received(after, plain, len(data) - at, owed=owed)
            if plain:
                _refuse_overlong(plain)
            end = at + _record(data, at)
            if at == len(data) and at:
                return Received(structs.replace(channel, partial=plain), owed=owed)
            opened = await self.package.decrypt_message(channel.state, Message((SecurityBuffer(_DATA, data[at:end]),)))
            if opened.status is _INCOMPLETE:
                if not at:
                    return Received(self, wanted=opened.buffers[0].size)
                return Received(structs.replace(channel, partial=plain), left=len(data) - at, owed=owed)
            if opened.status is not _OK:
                channel, answer = await channel.met(opened.status, data[at:end])
                owed += answer
            found = find(opened.buffers, _DATA)
            plain += b"" if found is None else found.data
            at = end

    async def met(self, status: SecurityStatus, record: bytes) -> tuple[Tls, bytes]:
        """Hand a ticket or key update to Schannel; a whole new handshake has no place here, nor has the end."""
        if status is SecurityStatus.SEC_I_CONTEXT_EXPIRED:
            raise _closed(server=self.server)
        step = await self.leg(record, NO_FLAGS)
        if step.status is not SecurityStatus.SEC_E_OK:
            message = "The peer began another TLS handshake in the middle of CredSSP's; have it begin the connection anew."
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
        return structs.replace(self, state=step.state), token_in(step.output)

    async def leg(self, data: bytes, flags: Flags) -> Step:
        """One leg of Schannel's own."""
        buffers: Buffers = (token(data),) if data else ()
        call = Leg(self.credential, buffers, tls_flags(flags, server=self.server))
        function = self.package.accept_security_context if self.server else self.package.initialize_security_context
        return await function(self.state, call)

    async def send(self, request: bytes) -> bytes:
        """One TSRequest in one record, where it fits ([MS-CSSP] <8>)."""
        sealed = await self.package.encrypt_message(self.state, Message((SecurityBuffer(_DATA, request),)))
        return sealed.buffers[0].data

    async def alert(self, number: int) -> bytes:
        """A fatal alert, after which the connection is over."""
        order = b"".join(word.to_bytes(4, "little") for word in (_ALERT, _FATAL, number))
        state = await self.package.apply_control_token(self.state, (token(order),))
        return token_in((await structs.replace(self, state=state).leg(b"", NO_FLAGS)).output)

    def delete(self) -> None:
        """Let go of Schannel's context."""
        self.package.delete_security_context(self.state)


Channel = Bare | Tls


def incomplete(state: object, received: Received) -> Step:
    """SEC_E_INCOMPLETE_MESSAGE: the caller sends the same input again with more after it."""
    return Step(SecurityStatus.SEC_E_INCOMPLETE_MESSAGE, state, input=(missing(received.wanted),))


def _record(data: bytes, at: int) -> int:
    """Length of the record at `at`, as far as its header is there; Schannel judges what it is."""
    have = len(data) - at
    return min(have, _HEADER + int.from_bytes(data[at + 3 : at + _HEADER], "big")) if have >= _HEADER else have


def _length(plain: bytes) -> int:
    length = der.whole_length(plain)
    if length > MAX_REQUEST:
        raise der.malformed(f"it announces {length} bytes and a TSRequest has at most {MAX_REQUEST}")
    return length


def _refuse_overlong(plain: bytes) -> None:
    length = _length(plain)
    if length and len(plain) > length:
        raise der.malformed(f"{len(plain) - length} bytes follow the TSRequest")


def _closed(*, server: bool) -> SspiError:
    peer = "client" if server else "server"
    message = f"The {peer} closed the connection in the middle of the CredSSP exchange; its own log says why it refused."
    return SspiError(SecurityStatus.SEC_E_LOGON_DENIED, message)
