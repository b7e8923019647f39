"""A package for the broker's own tests: its token says what each leg shall come to, so that every road can be walked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.contract import CredentialRequest, Leg, Message, Protected, SecurityPackage, Step
from sspid.vocabulary.attributes import ContextAttribute, DelegatedCredential, Names
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, missing, token, token_in
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.vocabulary.attributes import AttributeValue
    from sspid.vocabulary.buffers import Buffers


@dataclass(frozen=True)
class EchoCredential:
    use: CredentialUse
    expiry: datetime | None = None


@dataclass(frozen=True)
class EchoState:
    seen: tuple[bytes, ...] = ()


@dataclass
class Echo(SecurityPackage):
    """Tokens: "go" continues, "ok" ends well, "more" is incomplete, "bad" fails, "bug" is a bug; all else continues.

    "who" is answered without a context.
    """

    name: str = "Echo"
    may_block: bool = False
    keeps_sessions: bool = False
    elsewhere: EchoState | None = None
    deleted: list[EchoState] = field(default_factory=list)
    legs: int = 0

    def __post_init__(self) -> None:
        self.info = PackageInfo(self.name, "for tests", Capability.CONNECTION, 1, 0, 100)

    async def acquire_credentials_handle(self, request: CredentialRequest) -> EchoCredential:
        return EchoCredential(request.use)

    async def initialize_security_context(self, state: EchoState | None, leg: Leg) -> Step:
        return self._step(state or EchoState(), leg)

    async def accept_security_context(self, state: EchoState | None, leg: Leg) -> Step:
        return self._step(state or EchoState(), leg)

    def _step(self, state: EchoState, leg: Leg) -> Step:
        self.legs += 1
        if leg.token == b"more":
            return Step(SecurityStatus.SEC_E_INCOMPLETE_MESSAGE, state, input=(missing(3),))
        if leg.token == b"bad":
            raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, "the token says bad", output=(token(b"alert"),))
        if leg.token == b"bug":
            raise ZeroDivisionError
        following = EchoState((*state.seen, leg.token))
        answer = (token(b"answer to " + leg.token + b" for " + leg.target_name.encode()),)
        if leg.token == b"who":
            return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, None, answer)
        if leg.token == b"ok":
            return Step(SecurityStatus.SEC_E_OK, following, answer, established=True)
        return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, following, answer)

    def session_reference(self, token: bytes) -> str:
        return "session" if token == b"again" else ""

    def context_reference(self, state: EchoState) -> str:
        return "session" if b"ok" in state.seen else ""

    def goes_on_elsewhere(self, state: EchoState) -> bool:
        return state == self.elsewhere

    async def resume_security_context(self, state: EchoState, leg: Leg) -> Step:
        return Step(SecurityStatus.SEC_I_COMPLETE_NEEDED, EchoState((*state.seen, leg.token)))

    async def complete_auth_token(self, state: EchoState, given: Buffers) -> Step:
        if not self.keeps_sessions:
            return await super().complete_auth_token(state, given)
        if token_in(given) == b"bad":
            raise SspiError(SecurityStatus.SEC_E_MESSAGE_ALTERED, "the token says bad")
        return Step(SecurityStatus.SEC_E_OK, state, established=True)

    async def query_context_attributes(self, state: EchoState, attribute: ContextAttribute) -> AttributeValue:
        if attribute is ContextAttribute.CREDS_2:
            return DelegatedCredential("u", "d", "echo", EchoCredential(CredentialUse.OUTBOUND))
        return Names(",".join(each.decode() for each in state.seen))

    async def encrypt_message(self, state: EchoState, message: Message) -> Protected:
        del state
        return Protected((SecurityBuffer(BufferType.DATA, message.buffers[0].data[::-1]),))

    async def export_security_context(self, state: EchoState) -> bytes:
        return b",".join(state.seen)

    async def import_security_context(self, packed: bytes) -> EchoState:
        return EchoState(tuple(packed.split(b",")))

    def delete_security_context(self, state: EchoState) -> None:
        self.deleted.append(state)
