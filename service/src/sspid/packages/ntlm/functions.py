"""The NTLM package: SSPI's functions, each handed to the module that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sspid.packages.contract import Leg, Message, Protected, SecurityPackage, State, Step
from sspid.packages.ntlm import acceptor, credential, established, initiator, packing, policy, protection
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.acceptor import AuthenticateExpected
from sspid.packages.ntlm.established import MAX_TOKEN, SERVER, Established
from sspid.packages.ntlm.initiator import ChallengeExpected
from sspid.packages.questions import ChangePassword
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute, LastClientToken, Names
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import CredentialRequest
    from sspid.packages.ntlm.credential import NtlmCredential
    from sspid.vocabulary.attributes import AttributeValue, Identity


class Ntlm(SecurityPackage):
    """Windows' NTLM: [MS-NLMP], both roles."""

    info = PackageInfo(
        name="NTLM",
        comment="NTLM Security Package",
        capabilities=(
            Capability.INTEGRITY | Capability.PRIVACY | Capability.TOKEN_ONLY | Capability.DATAGRAM | Capability.CONNECTION
            | Capability.MULTI_REQUIRED | Capability.IMPERSONATION | Capability.ACCEPT_WIN32_NAME | Capability.NEGOTIABLE
            | Capability.LOGON | Capability.READONLY_WITH_CHECKSUM
        ),
        version=1,
        rpc_id=10,
        max_token=MAX_TOKEN,
    )  # fmt: skip

    def may_wait(self, credential: Any, state: State | None) -> bool:
        """Where another machine judges the responses, every leg but the first may wait for it."""
        del credential
        return self.authority_is_remote and state is not None

    def never_waits(self, credential: Any) -> bool:
        """Where this service judges them itself."""
        del credential
        return not self.authority_is_remote

    async def acquire_credentials_handle(self, request: CredentialRequest) -> NtlmCredential:
        return await credential.acquire(request)

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        if state is None:
            return await initiator.first_leg(leg)
        if isinstance(state, ChallengeExpected):
            return await initiator.second_leg(state, leg)
        raise _finished()

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        if state is None:
            return await acceptor.first_leg(leg)
        if isinstance(state, AuthenticateExpected):
            return await acceptor.second_leg(state, leg)
        raise _finished()

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        if attribute is ContextAttribute.PACKAGE_INFO:
            return self.info
        if attribute is ContextAttribute.LAST_CLIENT_TOKEN_STATUS and not isinstance(state, Established):
            return LastClientToken(1)
        value = established.attribute(_established(state), attribute)
        if value is None:
            self._unsupported(f"QueryContextAttributes({attribute.name})")
        return value

    async def query_credentials_attributes(self, credential: Any, attribute: CredentialAttribute) -> AttributeValue:
        if attribute is not CredentialAttribute.NAMES:
            self._unsupported(f"QueryCredentialsAttributes({attribute.name})")
        held: NtlmCredential = credential
        return Names(f"{held.domain}\\{held.user}" if held.domain else held.user)

    async def query_security_context_token(self, state: State) -> Identity:
        context = _established(state)
        if context.role != SERVER:
            message = "Only an acceptor's context proves an identity; this one is the initiator's."
            raise SspiError(SecurityStatus.SEC_E_NO_IMPERSONATION, message)
        return context.identity

    async def export_security_context(self, state: State) -> bytes:
        return packing.pack(_established(state))

    async def import_security_context(self, packed: bytes) -> Established:
        return packing.unpack(packed)

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        return protection.encrypt(_established(state), message)

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        return protection.decrypt(_established(state), message)

    async def make_signature(self, state: State, message: Message) -> Protected:
        return protection.sign(_established(state), message)

    async def verify_signature(self, state: State, message: Message) -> Protected:
        return protection.verify(_established(state), message)

    async def change_account_password(self, account: str, domain: str, old: str, new: str) -> None:
        await (await policy.read()).admit()
        await ChangePassword(self.info.name, account, domain, old, new)

    def mechlist_mic_required(self, state: State) -> bool:
        """Say yes where AUTHENTICATE carried a MIC ([MS-SPNG] <8>) and there is a key to sign with."""
        context = _established(state)
        return context.mic and bool(context.flags & nf.PROTECTION)

    async def make_mechlist_mic(self, state: State, mech_list: bytes) -> bytes:
        return _established(state).sending.sign_aside(mech_list)

    async def verify_mechlist_mic(self, state: State, mech_list: bytes, mic: bytes) -> None:
        _established(state).receiving.verify_aside(mech_list, mic)


def _established(state: State) -> Established:
    if isinstance(state, Established):
        return state
    message = "This NTLM context is not established yet: pass the peer's tokens until SEC_E_OK first."
    raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)


def _finished() -> SspiError:
    message = "This NTLM context is established already and NTLM has no further legs: begin a new context."
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
