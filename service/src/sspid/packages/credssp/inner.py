"""The mechanism inside CredSSP and where its context stands: its legs, and sealing with its keys; it decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from sspid.packages.contract import Leg, Message
from sspid.packages.credssp.failures import without_output
from sspid.packages.silent import Silent
from sspid.vocabulary.attributes import ContextAttribute, NegotiationInfo
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, find, token, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.contract import SecurityPackage, Step

_EMPTY: Final = SecurityBuffer(BufferType.DATA)


class Inner(Silent, frozen=True):
    """`state` None: its first leg is still to come. `complete`: its handshake is over."""

    package: SecurityPackage
    credential: Any
    state: Any = None
    complete: bool = False
    granted: Flags = NO_FLAGS
    expiry: datetime | None = None

    @property
    def ready(self) -> bool:
        """Whether messages can be sealed: SPNEGO can once its mechanism is done, before the peer's mechListMIC came."""
        return self.complete or self.package.protects_early(self.state)

    async def initialize(self, leg: Leg, received: bytes, flags: Flags) -> tuple[Inner, bytes]:
        """Run one leg of the initiator: how it stands afterwards and what it sends."""
        return await self._run(self.package.initialize_security_context, leg, received, flags)

    async def accept(self, leg: Leg, received: bytes, flags: Flags) -> tuple[Inner, bytes]:
        """Run one leg of the acceptor."""
        return await self._run(self.package.accept_security_context, leg, received, flags)

    async def _run(self, function: Any, leg: Leg, received: bytes, flags: Flags) -> tuple[Inner, bytes]:
        if self.complete:
            message = "A negoToken came though the mechanism inside CredSSP has finished."
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
        buffers: Buffers = (token(received),) if received else ()
        call = Leg(self.credential, buffers, flags, leg.target_name, leg.caller, leg.network_data_rep)
        try:
            step: Step = await function(self.state, call)
        except SspiError as failure:
            raise without_output(failure) from None
        stands = structs.replace(self, state=step.state, complete=step.established, granted=step.granted, expiry=step.expiry)
        return stands, token_in(step.output)

    def require_confidentiality(self) -> None:
        """SEC_E_LOGON_DENIED for a context that does not seal: its proofs would prove nothing."""
        if ContextFlag.CONFIDENTIALITY not in self.granted:
            message = "The mechanism inside CredSSP was agreed on without encryption; the peer must offer it (NTLM: SEAL)."
            raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, message)

    async def wrap(self, plain: bytes) -> bytes:
        """GSS_WrapEx: the signature and then the ciphertext ([MS-CSSP] 2.2.1)."""
        buffers = (SecurityBuffer(BufferType.TOKEN), SecurityBuffer(BufferType.DATA, plain), SecurityBuffer(BufferType.PADDING))
        sealed = await self.package.encrypt_message(self.state, Message(buffers))
        return b"".join(buffer.data for buffer in sealed.buffers)

    async def unwrap(self, sealed: bytes) -> bytes:
        """Undo the peer's GSS_WrapEx; SEC_E_MESSAGE_ALTERED, SEC_E_OUT_OF_SEQUENCE, SEC_E_INVALID_TOKEN."""
        buffers = (SecurityBuffer(BufferType.STREAM, sealed), _EMPTY)
        opened = await self.package.decrypt_message(self.state, Message(buffers))
        plain = find(opened.buffers, BufferType.DATA)
        if opened.qop or plain is None:
            raise SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, "The peer signed where it should have encrypted.")
        return plain.data

    async def mechanism(self) -> str:
        """The name of the package that speaks in the end: "NTLM" or "Kerberos"."""
        found = await self.package.query_context_attributes(self.state, ContextAttribute.NEGOTIATION_INFO)
        return found.package_name if isinstance(found, NegotiationInfo) else self.package.info.name

    def delete(self) -> None:
        """Let go of its context."""
        if self.state is not None:
            self.package.delete_security_context(self.state)
