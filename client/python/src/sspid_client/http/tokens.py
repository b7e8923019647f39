"""Logons by NTLM and Negotiate (RFC 4559): tokens in base64, all of one logon on one connection; Digest is elsewhere."""

from __future__ import annotations

import base64
import contextlib
import secrets
from typing import TYPE_CHECKING

from sspid_client.attributes import FLAGS
from sspid_client.errors import SspiError
from sspid_client.flags import ContextFlag
from sspid_client.http import challenges
from sspid_client.http.exchange import UNAUTHORIZED
from sspid_client.legs import DEFAULT_FLAGS, Legs, Role
from sspid_client.status import SecurityStatus

if TYPE_CHECKING:
    from sspid_client.buffers import Buffers
    from sspid_client.http.exchange import Answer, Asked, Wanted

_BEGINNINGS = 4
"""How often a logon is begun anew on another connection before it is given up."""

# HTTP signs nothing, but gss-ntlmssp 1.2.0 ends with a segmentation fault where NTLM was agreed on without a session key.
_FLAGS = DEFAULT_FLAGS | ContextFlag.INTEGRITY

_REFUSED = frozenset({SecurityStatus.SEC_E_LOGON_DENIED})


class TokenLogon:
    """One request's logon; it ends when the answer is no challenge, and may then begin anew for a redirected request."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._scheme = wanted.package
        self._legs: Legs | None = None
        self._connection: object | None = None
        self._done = False
        self._begun = 0

    async def authorization(self, asked: Asked) -> str:  # noqa: ARG002  # as `Logon` has it
        """Nothing: a connection that is logged on already needs no token, and another one is challenged."""
        return ""

    async def answered(self, asked: Asked, answer: Answer) -> str:
        """Answer the challenge, or check the server's last token."""
        token = challenges.token(answer.challenges, self._scheme)
        if answer.status != UNAUTHORIZED:
            await self._finish(token)
            return ""
        if token is None:
            await self.abandon()
            return ""
        if self._legs is None or self._moved(answer):
            return await self._begin(asked, answer)
        self._connection = answer.connection
        return await self._go_on(token, answer.bindings)

    def _moved(self, answer: Answer) -> bool:
        """Whether the HTTP library took another connection in the middle of the logon."""
        return None not in {self._connection, answer.connection} and answer.connection is not self._connection

    async def _begin(self, asked: Asked, answer: Answer) -> str:
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
            first_input=answer.bindings,
            connection_id=secrets.token_hex(8),
        )
        return await self._leg(b"", ())

    async def _go_on(self, token: bytes, bindings: Buffers) -> str:
        if not token or self._done:
            # The server has the last token and asks from the beginning: it did not like it.
            await self.abandon()
            return ""
        try:
            # A first answer that closes its connection shows no certificate; NTLM takes bindings with its later leg too.
            return await self._leg(token, bindings)
        except SspiError as failure:
            await self.abandon()
            if failure.status in _REFUSED:
                return ""
            raise

    async def _leg(self, token: bytes, bindings: Buffers) -> str:
        assert self._legs is not None  # noqa: S101  # both callers made it
        try:
            step = await self._legs.step(token, extra_input=bindings)
        except SspiError:
            await self._delete()
            raise
        self._done = step.done
        return f"{self._scheme} {base64.b64encode(step.token).decode()}" if step.token else ""

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
        if legs is not None:
            with contextlib.suppress(SspiError):
                await legs.delete()
