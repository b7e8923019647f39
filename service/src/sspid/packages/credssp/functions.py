"""The CredSSP package: SSPI's functions, the handshake's here and the messages' Schannel's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import structs

from sspid.packages.contract import Leg, Message, Protected, SecurityPackage, State, Step
from sspid.packages.credssp import acceptor, credential, established, initiator
from sspid.packages.credssp.established import OF_TLS, Established
from sspid.packages.credssp.flags import refuse_impossible, tls_flags
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import CredentialRequest
    from sspid.packages.credssp.credential import CredSspCredential
    from sspid.vocabulary.attributes import AttributeValue, Identity
    from sspid.vocabulary.buffers import Buffers


@dataclass(frozen=True, slots=True)
class Parts:
    """The packages CredSSP is made of. `ntlm` is for initiators that must speak it without SPNEGO."""

    schannel: SecurityPackage
    negotiate: SecurityPackage
    ntlm: SecurityPackage | None = None


class CredSsp(SecurityPackage):
    """Windows' CredSSP: [MS-CSSP] versions 2 to 6, over the packages it is given by folder name."""

    info = PackageInfo(
        name="CredSSP",
        comment="Microsoft CredSSP Security Provider",
        capabilities=(
            Capability.INTEGRITY | Capability.PRIVACY | Capability.CONNECTION | Capability.MULTI_REQUIRED
            | Capability.EXTENDED_ERROR | Capability.IMPERSONATION | Capability.ACCEPT_WIN32_NAME | Capability.STREAM
            | Capability.MUTUAL_AUTH | Capability.DELEGATION
        ),
        version=1,
        rpc_id=0xFFFF,
        max_token=90567,
        aliases=("TSSSP",),
    )  # fmt: skip

    def __init__(self, schannel: SecurityPackage, negotiate: SecurityPackage, ntlm: SecurityPackage | None = None) -> None:
        self._parts = Parts(schannel, negotiate, ntlm)
        self.may_block = negotiate.may_block

    def may_wait(self, credential: Any, state: State | None) -> bool:
        """Only the mechanism inside asks other machines, and only until the context is established."""
        if isinstance(state, Established):
            return False
        held: CredSspCredential | None = credential
        return self._parts.negotiate.may_wait(None if held is None else held.negotiate, None)

    def readiness(self) -> str:
        """Say what is missing where one of the inner packages cannot work."""
        return self._parts.schannel.readiness() or self._parts.negotiate.readiness()

    async def acquire_credentials_handle(self, request: CredentialRequest) -> CredSspCredential:
        return await credential.acquire(self._parts.schannel, self._parts.negotiate, request)

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        match state:
            case None:
                return await initiator.begin(self._parts, leg)
            case initiator.Securing():
                return await initiator.secure(self._parts, state, leg)
            case initiator.Negotiating() | initiator.ProofExpected():
                return await initiator.proceed(state, leg)
            case Established() if not state.proven.server:
                return await self._later(state, leg)
        raise _other_role("InitializeSecurityContext")

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        match state:
            case None:
                return await acceptor.begin(self._parts, leg)
            case acceptor.Securing():
                return await acceptor.secure(self._parts, state, leg)
            case acceptor.Negotiating() | acceptor.CredentialsExpected():
                return await acceptor.proceed(state, leg)
            case Established() if state.proven.server:
                return await self._later(state, leg)
        raise _other_role("AcceptSecurityContext")

    async def _later(self, state: Established, leg: Leg) -> Step:
        """A leg after success: what a control token ordered, what DecryptMessage met, or fresh keys; all of it is TLS'."""
        server = state.proven.server
        refuse_impossible(leg.flags, server=server)
        tls = _tls(state, "another leg")
        call = Leg(state.tls_credential, leg.input, tls_flags(leg.flags, server=server), caller=leg.caller)
        schannel = self._parts.schannel
        function = schannel.accept_security_context if server else schannel.initialize_security_context
        step = await function(tls, call)
        return structs.replace(
            step, state=structs.replace(state, tls=step.state), granted=state.proven.granted, expiry=state.proven.expiry
        )

    async def apply_control_token(self, state: State, token: Buffers) -> State:
        if isinstance(state, initiator.Securing | acceptor.Securing | Established):
            return structs.replace(state, tls=await self._parts.schannel.apply_control_token(state.tls, token))
        message = "This context takes no control token in the middle of the CredSSP exchange; finish it, or delete it."
        raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        if attribute is ContextAttribute.PACKAGE_INFO:
            return self.info
        asks_certificate = attribute in (ContextAttribute.ISSUER_LIST_EX, ContextAttribute.ISSUER_LIST)
        if isinstance(state, initiator.Securing) and asks_certificate:
            return await self._parts.schannel.query_context_attributes(state.tls, attribute)
        ready = _established(state)
        if attribute in OF_TLS:
            return await self._parts.schannel.query_context_attributes(_tls(ready, attribute.name), attribute)
        value = established.attribute(ready, attribute)
        if value is None:
            self._unsupported(f"QueryContextAttributes({attribute.name})")
        return value

    async def query_credentials_attributes(self, credential: Any, attribute: CredentialAttribute) -> AttributeValue:
        held: CredSspCredential = credential
        if attribute is CredentialAttribute.NAMES and held.negotiate is not None:
            return await self._parts.negotiate.query_credentials_attributes(held.negotiate, attribute)
        if held.tls is None:
            self._unsupported(f"QueryCredentialsAttributes({attribute.name})")
        return await self._parts.schannel.query_credentials_attributes(held.tls, attribute)

    async def query_security_context_token(self, state: State) -> Identity:
        identity = _established(state).proven.identity
        if identity is None:
            message = "Only an acceptor's context proves an identity; this one is the initiator's."
            raise SspiError(SecurityStatus.SEC_E_NO_IMPERSONATION, message)
        return identity

    async def export_security_context(self, state: State) -> bytes:
        ready = _established(state)
        tls = await self._parts.schannel.export_security_context(_tls(ready, "ExportSecurityContext"))
        return established.pack(ready.proven, tls)

    async def import_security_context(self, packed: bytes) -> Established:
        proven, tls = established.unpack(packed)
        return Established(proven, await self._parts.schannel.import_security_context(tls), receives=True)

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        return await self._parts.schannel.encrypt_message(_tls(_established(state), "EncryptMessage"), message)

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        return await self._parts.schannel.decrypt_message(_tls(_established(state), "DecryptMessage"), message)

    def delete_security_context(self, state: State) -> None:
        match state:
            case initiator.Negotiating() | initiator.ProofExpected() | acceptor.Negotiating() | acceptor.CredentialsExpected():
                state.inner.delete()
                state.channel.delete()
            case initiator.Securing() | acceptor.Securing() | Established() if state.tls is not None:
                self._parts.schannel.delete_security_context(state.tls)

    def free_credentials_handle(self, credential: Any) -> None:
        held: CredSspCredential = credential
        if held.tls is not None:
            self._parts.schannel.free_credentials_handle(held.tls)
        if held.negotiate is not None:
            self._parts.negotiate.free_credentials_handle(held.negotiate)


def _established(state: State) -> Established:
    if isinstance(state, Established):
        return state
    message = "This CredSSP context is not established yet: pass the peer's tokens until SEC_E_OK first."
    raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)


def _tls(state: Established, what: str) -> Any:
    if state.tls is not None:
        return state.tls
    message = f"The TLS connection of this context is the caller's own, so {what} is its business and not CredSSP's."
    raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)


def _other_role(function: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, f"{function} was called on a context of the other role.")
