"""A logon by CredSSP whose request and answer travel sealed under it, as WinRM has it over http; the format is elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sspid_client.errors import SspiError
from sspid_client.http import encrypted
from sspid_client.http.exchange import BAD_REQUEST, UNAUTHORIZED, Entity, Turn
from sspid_client.http.tokens import TokenLogon

if TYPE_CHECKING:
    from sspid_client.http.connections import Connections
    from sspid_client.http.exchange import Answer, Asked, Wanted
    from sspid_client.http.kept import Kept
    from sspid_client.legs import Legs

_EMPTY = Entity("", b"")
"""What a request carries until there is something to seal its own body under."""


class Channel:
    """An established context, and the connection that its messages belong to."""

    def __init__(self, legs: Legs, connection: object | None) -> None:
        self.legs = legs
        self._connection = connection

    def moved(self, answer: Answer) -> bool:
        """Whether an answer came over another connection."""
        return None not in {self._connection, answer.connection} and answer.connection is not self._connection

    async def delete(self) -> None:
        """Free the context."""
        await self.legs.delete()


class SealedLogon(TokenLogon):
    """One request's logon, where its connection has none, and the request itself."""

    def __init__(self, wanted: Wanted, channels: Kept[Channel], connections: Connections) -> None:
        super().__init__(wanted, connections)
        self._channels = channels
        self._channel: Channel | None = None
        self._own = False
        self._plain = _EMPTY

    async def start(self, asked: Asked) -> Turn:
        """Seal the request under an earlier logon to the same origin; without one ask for a challenge."""
        body = asked.body()
        if body is None:
            raise SspiError("Message encryption covers the request's body, which can be read only once: give it as bytes.")
        self._plain = Entity(asked.content_type, body)
        self._channel = self._channels.take(asked.origin)
        if self._channel is None:
            return Turn(entity=_EMPTY)
        try:
            return await self._seal(self._channel)
        except SspiError as failure:
            await self.abandon()
            if failure.status is None:
                raise
            # A context that cannot seal any more, or is gone with its worker.
            return Turn(entity=_EMPTY)

    async def answered(self, asked: Asked, answer: Answer) -> Turn | Entity | None:
        """Go on with the logon, seal the request once it is made, open the answer."""
        channel = self._channel
        if channel is None:
            return await self._log_on(asked, answer)
        if answer.status == UNAUTHORIZED and (channel.moved(answer) or not self._own):
            # The library took another connection, or the server has forgotten this one.
            await self._drop()
            return await self._log_on(asked, answer)
        try:
            opened = await _open(channel, asked, answer)
        except BaseException:
            await self._drop()
            raise
        if opened is None:
            await self._drop()
            return None
        self._channel = None
        self._channels.give_back(asked.origin, channel)
        return opened

    async def _log_on(self, asked: Asked, answer: Answer) -> Turn | None:
        if self._failure is None and answer.status != UNAUTHORIZED:
            return await self._let_in(asked, answer)
        turn = await super().answered(asked, answer)
        return Turn(turn.authorization, _EMPTY) if isinstance(turn, Turn) else None

    async def _let_in(self, asked: Asked, answer: Answer) -> Turn | None:
        if answer.status >= BAD_REQUEST:
            await self.abandon()
            return None
        legs = self._established()
        if legs is None:
            await self.abandon()
            raise SspiError(f"{asked.host} let the request in before the logon was made, so there is nothing to seal it under.")
        self._channel, self._own = Channel(legs, answer.connection), True
        try:
            return await self._seal(self._channel)
        except BaseException:
            await self._drop()
            raise

    async def _seal(self, channel: Channel) -> Turn:
        return Turn(entity=await encrypted.seal(channel.legs, self._plain) if self._plain.data else None)

    async def abandon(self) -> None:
        """Free the contexts."""
        await super().abandon()
        await self._drop()

    async def _drop(self) -> None:
        channel, self._channel, self._own = self._channel, None, False
        if channel is not None:
            with contextlib.suppress(SspiError):
                await channel.delete()


async def _open(channel: Channel, asked: Asked, answer: Answer) -> Entity | None:
    """Open what the application is told; None for an error that the server told in clear."""
    if channel.moved(answer):
        raise SspiError(
            f"The sealed request to {asked.host} went over another connection than its logon: give each thread a session of "
            "its own."
        )
    if encrypted.is_sealed(answer.content_type):
        return await encrypted.unseal(channel.legs, answer.body())
    if answer.status >= BAD_REQUEST:
        return None
    raise SspiError(f"{asked.host} answered a sealed request in clear, which may be anybody's answer; it is not passed on.")
