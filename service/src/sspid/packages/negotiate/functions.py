"""The Negotiate package: SSPI's functions, the handshake's here and all later ones the chosen package's."""

from __future__ import annotations

import struct
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sspid.packages.contract import Leg, Message, Protected, SecurityPackage, State, Step
from sspid.packages.negotiate import acceptor, credential, initiator, passwords
from sspid.packages.negotiate.credential import NegotiateCredential
from sspid.packages.negotiate.mechanisms import PREFERENCE
from sspid.packages.negotiate.speaking import Established
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute, DelegatedCredential, NegotiationInfo
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sspid.packages.contract import CredentialRequest
    from sspid.vocabulary.attributes import AttributeValue, Identity

COMPLETE: Final = 0
OPTIMISTIC: Final = 1
IN_PROGRESS: Final = 2
DIRECT: Final = 3
_MAGIC: Final = b"sspid Negotiate 1"
_LENGTH = struct.Struct("<B")


class Negotiate(SecurityPackage):
    """Windows' Negotiate: SPNEGO over the packages it is given by folder name, such as ``ntlm=`` and ``kerberos=``."""

    info = PackageInfo(
        name="Negotiate",
        comment="Microsoft Package Negotiator",
        capabilities=(
            Capability.INTEGRITY | Capability.PRIVACY | Capability.CONNECTION | Capability.MULTI_REQUIRED
            | Capability.EXTENDED_ERROR | Capability.IMPERSONATION | Capability.ACCEPT_WIN32_NAME | Capability.NEGOTIABLE
            | Capability.GSS_COMPATIBLE | Capability.LOGON
        ),
        version=1,
        rpc_id=9,
        max_token=65791,
        aliases=("SPNEGO",),
    )  # fmt: skip

    def __init__(self, **inner: SecurityPackage | None) -> None:
        given = {name: package for name in PREFERENCE if (package := inner.get(name)) is not None}
        self._inner = MappingProxyType(given)
        self.may_block = any(package.may_block for package in given.values())

    def may_wait(self, credential: Any, state: State | None) -> bool:
        """As the mechanism that was chosen says; before there is one, as all that could be."""
        if isinstance(state, Established):
            return state.package.may_wait(None, state.state)
        if self.authority_is_remote and state is not None:
            return True
        parts: Mapping[str, Any] = {} if credential is None else credential.parts
        return any(self._inner[name].may_wait(part, None) for name, part in parts.items())

    def readiness(self) -> str:
        """Say what is missing where no inner package can work."""
        lacking = [package.readiness() for package in self._inner.values()]
        return "" if "" in lacking else " ".join(lacking) or "It was given no mechanism."

    async def acquire_credentials_handle(self, request: CredentialRequest) -> NegotiateCredential:
        return await credential.acquire(self._inner, request)

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        if state is None:
            return await initiator.first_leg(self._inner, leg)
        if isinstance(state, initiator.Underway):
            return await initiator.later_leg(self._inner, state, leg)
        raise _finished()

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        if state is None or isinstance(state, acceptor.HintSent):
            return await acceptor.first_leg(self._inner, state, leg)
        if isinstance(state, acceptor.Underway):
            return await acceptor.later_leg(state, leg)
        if isinstance(state, acceptor.Bare):
            return await acceptor.bare_leg(state, leg)
        raise _finished()

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        if attribute is ContextAttribute.NEGOTIATION_INFO:
            return self._negotiation_info(state)
        if attribute is ContextAttribute.PACKAGE_INFO:
            return self.info
        context = _established(state)
        value = await context.package.query_context_attributes(context.state, attribute)
        if not isinstance(value, DelegatedCredential):
            return value
        # What the mechanism was given is used through Negotiate, as the context that it came by.
        given: Any = value.secret
        return replace(value, secret=NegotiateCredential(CredentialUse.OUTBOUND, {context.name: given}, given.expiry))

    async def set_context_attributes(self, state: State, attribute: ContextAttribute, value: AttributeValue) -> None:
        context = _established(state)
        await context.package.set_context_attributes(context.state, attribute, value)

    async def query_credentials_attributes(self, credential: Any, attribute: CredentialAttribute) -> AttributeValue:
        held: NegotiateCredential = credential
        name, part = next(iter(held.parts.items()))
        return await self._inner[name].query_credentials_attributes(part, attribute)

    async def query_security_context_token(self, state: State) -> Identity:
        context = _established(state)
        return await context.package.query_security_context_token(context.state)

    async def export_security_context(self, state: State) -> bytes:
        context = _established(state)
        name = context.name.encode()
        packed = await context.package.export_security_context(context.state)
        return _MAGIC + _LENGTH.pack(len(name)) + name + packed

    async def import_security_context(self, packed: bytes) -> Established:
        start = len(_MAGIC) + _LENGTH.size
        if packed.startswith(_MAGIC) and len(packed) > start:
            stop = start + packed[start - 1]
            name = packed[start:stop].decode("ascii", "replace")
            if name in self._inner:
                package = self._inner[name]
                return Established(name, package, await package.import_security_context(packed[stop:]))
        message = "This is no exported Negotiate context of this version and of a mechanism that is spoken here."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        package, context = _protecting(state)
        return await package.encrypt_message(context, message)

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        package, context = _protecting(state)
        return await package.decrypt_message(context, message)

    async def make_signature(self, state: State, message: Message) -> Protected:
        context = _established(state)
        return await context.package.make_signature(context.state, message)

    async def verify_signature(self, state: State, message: Message) -> Protected:
        context = _established(state)
        return await context.package.verify_signature(context.state, message)

    def protects_early(self, state: State) -> bool:
        """Say yes once the initiator's mechanism is done: CredSSP seals before the acceptor's mechListMIC ([MS-CSSP] 3.1.5)."""
        return isinstance(state, initiator.Underway) and state.speaking.done

    async def change_account_password(self, account: str, domain: str, old: str, new: str) -> None:
        if not await passwords.change(self._inner, account, domain, old, new):
            self._unsupported("ChangeAccountPassword")

    def delete_security_context(self, state: State) -> None:
        match state:
            case Established():
                state.package.delete_security_context(state.state)
            case initiator.Underway() | acceptor.Underway() | acceptor.Bare():
                if state.speaking.state is not None:
                    state.speaking.package.delete_security_context(state.speaking.state)

    def free_credentials_handle(self, credential: Any) -> None:
        held: NegotiateCredential = credential
        for name, part in held.parts.items():
            self._inner[name].free_credentials_handle(part)

    def _negotiation_info(self, state: State) -> NegotiationInfo:
        match state:
            case Established():
                return NegotiationInfo(state.package.info.name, COMPLETE)
            case initiator.Underway(answered=False):
                return NegotiationInfo(state.speaking.package.info.name, OPTIMISTIC)
            case initiator.Underway() | acceptor.Underway():
                return NegotiationInfo(state.speaking.package.info.name, IN_PROGRESS)
            case acceptor.Bare():
                return NegotiationInfo(state.speaking.package.info.name, DIRECT)
        return NegotiationInfo(self.info.name, IN_PROGRESS)


def _established(state: State) -> Established:
    if isinstance(state, Established):
        return state
    message = "This Negotiate context is not established yet: pass the peer's tokens until SEC_E_OK first."
    raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)


def _protecting(state: State) -> tuple[SecurityPackage, Any]:
    """Return the package that seals and its context, as soon as it can."""
    if isinstance(state, initiator.Underway) and state.speaking.done:
        return state.speaking.package, state.speaking.state
    context = _established(state)
    return context.package, context.state


def _finished() -> SspiError:
    message = "This Negotiate context is established already and has no further legs: begin a new context."
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
