"""The Kerberos package: SSPI's functions, each handed to the module that does it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sspid.packages.contract import Leg, Message, Protected, SecurityPackage, State, Step
from sspid.packages.gss import ChangeGssPassword
from sspid.packages.kerberos import acceptor, credential, established, identity, initiator, packing, protection
from sspid.packages.kerberos.acceptor import ThirdLegExpected
from sspid.packages.kerberos.established import Established
from sspid.packages.kerberos.framing import MAX_TOKEN
from sspid.packages.kerberos.initiator import ReplyExpected
from sspid.packages.kerberos.statuses import Doing, ask
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute, LastClientToken, Names
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import CredentialRequest
    from sspid.packages.kerberos.credential import KerberosCredential
    from sspid.vocabulary.attributes import AttributeValue, Identity

_LIBRARIES = ("gssapi", "krb5")


class Kerberos(SecurityPackage):
    """Windows' Kerberos: [MS-KILE] and [MS-SFU] as far as MIT's library goes, both roles."""

    info = PackageInfo(
        name="Kerberos",
        comment="Microsoft Kerberos V1.0",
        capabilities=(
            Capability.INTEGRITY | Capability.PRIVACY | Capability.TOKEN_ONLY | Capability.CONNECTION
            | Capability.MULTI_REQUIRED | Capability.EXTENDED_ERROR | Capability.IMPERSONATION | Capability.ACCEPT_WIN32_NAME
            | Capability.NEGOTIABLE | Capability.GSS_COMPATIBLE | Capability.LOGON | Capability.MUTUAL_AUTH
            | Capability.DELEGATION | Capability.READONLY_WITH_CHECKSUM
        ),
        version=1,
        rpc_id=16,
        max_token=MAX_TOKEN,
    )  # fmt: skip
    may_block = True

    def may_wait(self, credential: Any, state: State | None) -> bool:
        """Only a first leg asks a KDC: the initiator's, and the acceptor's whose service may go on as its client."""
        return state is None and (credential is None or credential.use is not CredentialUse.INBOUND)

    def readiness(self) -> str:
        """Say how to get MIT's library where Python cannot load it."""
        try:
            for name in _LIBRARIES:
                import_module(name)
        except ImportError as missing:
            return (
                f"MIT's Kerberos library cannot be loaded ({missing}): "
                "apt-get install libkrb5-dev gcc python3-dev, then pip install 'sspid[kerberos]'."
            )
        return ""

    async def acquire_credentials_handle(self, request: CredentialRequest) -> KerberosCredential:
        lacking = self.readiness()
        if lacking:
            raise SspiError(SecurityStatus.SEC_E_SECPKG_NOT_FOUND, lacking)
        return await credential.acquire(request)

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        if state is None:
            return await initiator.first_leg(leg)
        if isinstance(state, ReplyExpected):
            return await initiator.later_leg(state, leg)
        raise _finished()

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        if state is None:
            return await acceptor.first_leg(leg)
        if isinstance(state, ThirdLegExpected):
            return await acceptor.third_leg(state, leg)
        raise _finished()

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        if attribute is ContextAttribute.PACKAGE_INFO:
            return self.info
        if attribute is ContextAttribute.LAST_CLIENT_TOKEN_STATUS and not isinstance(state, Established):
            return LastClientToken(1)
        value = await established.attribute(_established(state), attribute)
        if value is None:
            self._unsupported(f"QueryContextAttributes({attribute.name})")
        return value

    async def query_credentials_attributes(self, credential: Any, attribute: CredentialAttribute) -> AttributeValue:
        if attribute is not CredentialAttribute.NAMES:
            self._unsupported(f"QueryCredentialsAttributes({attribute.name})")
        held: KerberosCredential = credential
        name, realm = identity.parts(held.principal)
        return Names(f"{realm}\\{name}" if realm else name)

    async def query_security_context_token(self, state: State) -> Identity:
        context = _established(state)
        if not context.accepts:
            message = "Only an acceptor's context proves an identity; this one is the initiator's."
            raise SspiError(SecurityStatus.SEC_E_NO_IMPERSONATION, message)
        return identity.identity_of(await established.facts_of(context))

    async def export_security_context(self, state: State) -> bytes:
        return await packing.pack(_established(state))

    async def import_security_context(self, packed: bytes) -> Established:
        return await packing.unpack(packed)

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        return await protection.encrypt(_established(state), message)

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        return await protection.decrypt(_established(state), message)

    async def make_signature(self, state: State, message: Message) -> Protected:
        return await protection.sign(_established(state), message)

    async def verify_signature(self, state: State, message: Message) -> Protected:
        return await protection.verify(_established(state), message)

    async def change_account_password(self, account: str, domain: str, old: str, new: str) -> None:
        lacking = self.readiness()
        if lacking:
            # Negotiate then passes on to its next package.
            raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, lacking)
        await ask(ChangeGssPassword(credential.principal_of(account, domain), old, new), Doing.INITIATING)

    def free_credentials_handle(self, credential: Any) -> None:
        held: KerberosCredential = credential
        held.held.close()


def _established(state: State) -> Established:
    if isinstance(state, Established):
        return state
    message = "This Kerberos context is not established yet: pass the peer's tokens until SEC_E_OK first."
    raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)


def _finished() -> SspiError:
    message = "This Kerberos context is established already and Kerberos has no further legs: begin a new context."
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
