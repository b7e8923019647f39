"""Logons by Digest (RFC 7616): a challenge answered, later requests signed under the same nonce, the server's proof checked."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from sspid_client import buffers, messages
from sspid_client.attributes import KEY_INFO
from sspid_client.buffers import BufferType, SecurityBuffer
from sspid_client.errors import SspiError
from sspid_client.flags import ContextFlag
from sspid_client.http import challenges
from sspid_client.http.exchange import UNAUTHORIZED, Turn
from sspid_client.legs import DEFAULT_FLAGS, Legs, Role
from sspid_client.status import SecurityStatus

if TYPE_CHECKING:
    from sspid_client.http.exchange import Answer, Asked, Wanted
    from sspid_client.http.kept import Kept
    from sspid_client.legs import Step

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_MOST_ANSWERS = 3
"""How many challenges of one request are answered: a signed one's, and stale nonces."""

_COMPLETE = frozenset({SecurityStatus.SEC_I_COMPLETE_NEEDED, SecurityStatus.SEC_I_COMPLETE_AND_CONTINUE})


class DigestLogon:
    """One request's logon."""

    def __init__(self, wanted: Wanted, sessions: Kept[Legs]) -> None:
        self._wanted = wanted
        self._sessions = sessions
        self._legs: Legs | None = None
        self._answers = 0
        self._proof_owed = False
        self._hash = ""

    async def start(self, asked: Asked) -> Turn:
        """Sign the request where an earlier one was let in by the same origin."""
        legs = self._legs = self._sessions.take(asked.origin)
        self._answers = 0
        if legs is None:
            return Turn()
        try:
            return Turn(await self._sign(legs, asked))
        except SspiError as failure:
            await self.abandon()
            if failure.status is None:
                raise
            # A context that cannot sign any more, or is gone with its worker: the server's next challenge begins another.
            return Turn()

    async def answered(self, asked: Asked, answer: Answer) -> Turn | None:
        """Answer the challenge, or check what the server proves."""
        if answer.status != UNAUTHORIZED:
            await self._finish(asked, answer)
            return None
        offered = challenges.digest(answer.challenges)
        if not offered or self._answers == _MOST_ANSWERS:
            await self.abandon()
            return None
        self._answers += 1
        if self._answers == 1:
            await self.abandon()
        return await self._try(asked, answer, offered.encode("latin-1", "replace"))

    async def _try(self, asked: Asked, answer: Answer, offered: bytes) -> Turn | None:
        try:
            return Turn(await self._answer(asked, answer, offered))
        except SspiError as failure:
            await self.abandon()
            if failure.status is SecurityStatus.SEC_E_LOGON_DENIED:
                return None
            raise

    async def _answer(self, asked: Asked, answer: Answer, offered: bytes) -> str:
        if self._legs is None:
            host = SecurityBuffer(BufferType.TARGET_HOST, self._wanted.target(asked).encode("utf-8"))
            self._legs = Legs(
                Role.INITIATOR,
                self._wanted.package,
                self._wanted.credential(),
                target_name=asked.uri,
                flags=DEFAULT_FLAGS | ContextFlag.USE_HTTP_STYLE | self._wanted.flags,
                first_input=(host, *answer.bindings),
            )
        step = await self._legs.step(offered, extra_input=(_parameter(asked.method), _parameter("")))
        return await self._completed(self._legs, asked, step)

    async def _completed(self, legs: Legs, asked: Asked, step: Step) -> str:
        self._proof_owed = step.status in {
            SecurityStatus.SEC_I_CONTINUE_NEEDED,
            SecurityStatus.SEC_I_COMPLETE_AND_CONTINUE,
        }
        token = step.token
        if step.status in _COMPLETE:
            self._hash = await _hash(legs)
            given = (_parameter(asked.method), _parameter(_entity(self._hash, _read(asked))))
            token = (await legs.complete(given)).token
        return "Digest " + token.decode("latin-1")

    async def _sign(self, legs: Legs, asked: Asked) -> str:
        entity = _entity(await _hash(legs), _read(asked)) if self._covers_bodies else ""
        signed = await messages.make_signature(legs, _request(asked, entity, b""))
        return "Digest " + buffers.first(signed.buffers, BufferType.PADDING).data.decode("latin-1")

    @property
    def _covers_bodies(self) -> bool:
        return ContextFlag.INTEGRITY in self._wanted.flags

    async def _finish(self, asked: Asked, answer: Answer) -> None:
        """The server let the request in: what it says of itself has to be right."""
        legs = self._legs
        if legs is None:
            return
        info = next((each for each in answer.info if "rspauth" in each), "").encode("latin-1", "replace")
        try:
            if info or self._wanted.mutual:
                await self._check(legs, asked, answer, info)
        except BaseException:
            await self.abandon()
            raise
        self._legs = None
        self._sessions.give_back(asked.origin, legs)

    async def _check(self, legs: Legs, asked: Asked, answer: Answer, info: bytes) -> None:
        if not info:
            raise SspiError("The server let the request in without the Authentication-Info that mutual authentication demands.")
        if not self._proof_owed:
            entity = _entity(await _hash(legs), answer.body()) if self._covers_bodies else ""
            await messages.verify_signature(legs, _request(asked, entity, info))
            return
        step = await legs.step(info, extra_input=(_parameter(asked.method), _parameter("")))
        if step.status in _COMPLETE:
            await legs.complete((_parameter(asked.method), _parameter(_entity(self._hash, answer.body()))))
        self._proof_owed = False

    async def abandon(self) -> None:
        """Free the context."""
        legs, self._legs, self._proof_owed = self._legs, None, False
        if legs is not None:
            with contextlib.suppress(SspiError):
                await legs.delete()


def _parameter(text: str) -> SecurityBuffer:
    return SecurityBuffer(BufferType.PKG_PARAMS, text.encode("ascii", "replace"))


def _request(asked: Asked, entity: str, check: bytes) -> tuple[SecurityBuffer, ...]:
    """Lay MakeSignature's or VerifySignature's buffers out."""
    parameters = map(_parameter, (asked.method, asked.uri, entity))
    return (buffers.token(check), *parameters, SecurityBuffer(BufferType.PADDING))


def _read(asked: Asked) -> bytes:
    body = asked.body()
    if body is None:
        raise SspiError("Digest with auth-int covers the request's body, which can be read only once: give it as bytes.")
    return body


async def _hash(legs: Legs) -> str:
    """Return the algorithm whose hash of a body the context wants."""
    return (await legs.query(KEY_INFO)).signature_algorithm_name


def _entity(name: str, body: bytes) -> str:
    """H(entity-body) in hex by the algorithm `name`, with or without -sess."""
    known = _HASHES.get(name.removesuffix("-sess"))
    if known is None:
        raise SspiError(f"The challenge wants the body's {name} hash, which this library does not know.")
    return hashlib.new(known, body, usedforsecurity=False).hexdigest()
