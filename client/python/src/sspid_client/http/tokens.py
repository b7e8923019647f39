"""Logons by NTLM, Negotiate (RFC 4559) and CredSSP: tokens in base64, all of a logon on one connection; Digest is elsewhere."""

from __future__ import annotations

import base64
import contextlib
import secrets
from typing import TYPE_CHECKING, NoReturn

from sspid_client.attributes import FLAGS
from sspid_client.errors import SspiError
from sspid_client.flags import ContextFlag
from sspid_client.http import challenges
from sspid_client.http.exchange import CREDSSP, UNAUTHORIZED, Turn
from sspid_client.legs import DEFAULT_FLAGS, Legs, Role
from sspid_client.status import SecurityStatus

if TYPE_CHECKING:
    from sspid_client.buffers import Buffers
    from sspid_client.http.connections import Connections
    from sspid_client.http.exchange import Answer, Asked, Entity, Wanted

_BEGINNINGS = 4
"""How often a logon is begun anew on another connection before it is given up."""

# HTTP signs nothing, but gss-ntlmssp 1.2.0 ends with a segmentation fault where NTLM was agreed on without a session key.
_FLAGS = DEFAULT_FLAGS | ContextFlag.INTEGRITY

_HANDSHAKE = (b"\x14", b"\x16")
"""The records that a client's part of a TLS handshake begins with: change_cipher_spec and handshake (RFC 8446 5.1, D.4)."""

_REFUSED = frozenset({SecurityStatus.SEC_E_LOGON_DENIED})


class TokenLogon:
    """One request's logon; it ends when the answer is no challenge, and may then begin anew for a redirected request."""

    def __init__(self, wanted: Wanted, connections: Connections) -> None:
        self._wanted = wanted
        self._connections = connections
        self._scheme = wanted.package
        self._legs: Legs | None = None
        self._connection: object | None = None
        self._done = False
        self._begun = 0
        self._shaking_hands = False
        self._failure: SspiError | None = None

    async def start(self, asked: Asked) -> Turn:  # noqa: ARG002  # as `Logon` has it
        """Nothing: a connection that is logged on already needs no token, and another one is challenged."""
        return Turn()

    async def answered(self, asked: Asked, answer: Answer) -> Turn | Entity | None:
        """Answer the challenge, or check the server's last token."""
        if self._failure is not None:
            await self._give_up(self._failure)
        token = challenges.token(answer.challenges, self._scheme)
        lost = self._lost(answer, token)
        if answer.status != UNAUTHORIZED:
            await self._finish(token)
            return None
        if token is None:
            await self.abandon()
            return None
        if self._legs is None or lost:
            return await self._begin(asked, answer)
        self._connection = answer.connection
        return await self._go_on(token, answer)

    def _lost(self, answer: Answer, token: bytes | None) -> bool:
        """Whether another connection was taken in the middle of the logon, or other threads' tokens came over this one."""
        if self._legs is None:
            return False
        first = self._connection is None
        lost = self._connections.lost(
            answer.connection, self, first=first, challenged=bool(token) and answer.status == UNAUTHORIZED
        )
        return lost or self._moved(answer)

    def _moved(self, answer: Answer) -> bool:
        return None not in {self._connection, answer.connection} and answer.connection is not self._connection

    async def _begin(self, asked: Asked, answer: Answer) -> Turn | None:
        await self._delete()
        self._begun += 1
        if self._begun > _BEGINNINGS:
            self._begun = 0
            raise SspiError(
                f"The {self._scheme} logon to {asked.host} could not be made on one connection: the server closes it, or too "
                "many threads share the pool; give each thread a session of its own."
            )
        self._legs = Legs(
            Role.INITIATOR,
            self._wanted.package,
            self._wanted.credential(),
            target_name=self._wanted.target(asked),
            flags=_FLAGS | self._wanted.flags,
            first_input=self._bindings(answer),
            connection_id=secrets.token_hex(8),
        )
        return await self._leg(self._legs, b"", ())

    def _bindings(self, answer: Answer) -> Buffers:
        # CredSSP binds to the TLS of its own; a key handed in would tell it to do without that.
        return () if self._scheme == CREDSSP else answer.bindings

    async def _go_on(self, token: bytes, answer: Answer) -> Turn | None:
        if self._legs is None or self._done or not (token or self._shaking_hands):
            # The server has the last token and asks from the beginning: it did not like it.
            await self.abandon()
            return None
        try:
            # A first answer that closes its connection shows no certificate; NTLM takes bindings with its later leg too.
            return await self._leg(self._legs, token, self._bindings(answer))
        except SspiError as failure:
            if failure.status in _REFUSED:
                await self.abandon()
                return None
            if failure.token and self._scheme == CREDSSP:
                # The server learns it by an alert, which sets the connection free for another logon.
                self._failure = failure
                return self._turn(failure.token)
            await self.abandon()
            raise

    async def _leg(self, legs: Legs, token: bytes, bindings: Buffers) -> Turn | None:
        said = b""
        while True:
            step = await legs.advance(token, extra_input=bindings)
            said += step.token
            if step.status is not SecurityStatus.SEC_I_CONTINUE_NEEDED or not step.extra:
                break
            token = step.extra
        if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE and token:
            raise SspiError(f"The server's {self._scheme} token ends in the middle of a record.")
        self._done = step.done
        # CredSSP's server may have nothing to say to the end of TLS 1.3's handshake, and wants the next request all the same.
        self._shaking_hands = self._scheme == CREDSSP and said[:1] in _HANDSHAKE
        return self._turn(said) if said or self._scheme == CREDSSP else None

    def _turn(self, token: bytes) -> Turn:
        return Turn(f"{self._scheme} {base64.b64encode(token).decode()}".rstrip())

    async def _give_up(self, failure: SspiError) -> NoReturn:
        await self.abandon()
        raise failure

    def _established(self) -> Legs | None:
        """Hand the context over where it is established; it is the caller's from then on."""
        legs = self._legs if self._done else None
        if legs is not None:
            self._legs, self._connection, self._done = None, None, False
        return legs

    async def _finish(self, token: bytes | None) -> None:
        """The server let the request in: its own token, where there is one, has to be right."""
        legs, self._begun = self._legs, 0
        if legs is None:
            return
        try:
            if token and not self._done:
                self._done = (await legs.step(token)).done
            await self._require_proof(legs)
        finally:
            await self.abandon()

    async def _require_proof(self, legs: Legs) -> None:
        if not self._wanted.mutual:
            return
        granted = (await legs.query(FLAGS)).flags if self._done else ContextFlag(0)
        if ContextFlag.MUTUAL_AUTH not in granted:
            raise SspiError("The server let the request in and did not prove who it is, which mutual authentication demands.")

    async def abandon(self) -> None:
        """Free the context."""
        await self._delete()
        self._begun = 0

    async def _delete(self) -> None:
        legs, self._legs, self._connection, self._done = self._legs, None, None, False
        self._failure = None
        if legs is not None:
            with contextlib.suppress(SspiError):
                await legs.delete()
