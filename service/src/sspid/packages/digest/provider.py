"""The Digest package: which state a call meets and who takes it from there; every decision is another module's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sspid.packages.contract import Message, Protected, SecurityPackage, State, Step
from sspid.packages.digest import (
    attributes,
    credentials,
    grants,
    http_acceptor,
    http_initiator,
    http_messages,
    sasl_acceptor,
    sasl_initiator,
    sasl_messages,
)
from sspid.packages.digest.http_accepted import HttpAcceptor
from sspid.packages.digest.http_acceptor import Challenged, ProofOwed, Resumed, Unjudged
from sspid.packages.digest.http_initiator import AwaitingChallenge, AwaitingEntity, AwaitingProof, HttpInitiator, UncheckedProof
from sspid.packages.digest.refusals import out_of_sequence
from sspid.packages.digest.sasl_acceptor import SaslAwaitingAssent, SaslChallenged, SaslProofOwed
from sspid.packages.digest.sasl_initiator import SaslAwaitingChallenge, SaslResponded
from sspid.packages.digest.sasl_layer import SaslContext
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import CredentialRequest, Leg
    from sspid.packages.digest.credentials import DigestCredential
    from sspid.vocabulary.attributes import AttributeValue, ContextAttribute, Identity
    from sspid.vocabulary.buffers import Buffers


class DigestPackage(SecurityPackage):
    """Digest for HTTP (RFC 7616, 2617) and SASL (RFC 2831). The first leg's USE_HTTP_STYLE chooses which."""

    info = PackageInfo(
        name="Digest",
        comment="Digest Authentication for Windows",
        capabilities=Capability.TOKEN_ONLY
        | Capability.IMPERSONATION
        | Capability.ACCEPT_WIN32_NAME
        | Capability.APPCONTAINER_CHECKS,
        version=1,
        rpc_id=21,
        max_token=attributes.MAX_TOKEN,
        aliases=("WDigest",),
    )

    def may_wait(self, credential: Any, state: State | None) -> bool:
        """Any leg may look up an account, wherever accounts are."""
        del credential, state
        return self.authority_is_remote

    def never_waits(self, credential: Any) -> bool:
        """Where accounts are here."""
        del credential
        return not self.authority_is_remote

    async def acquire_credentials_handle(self, request: CredentialRequest) -> DigestCredential:
        """A user with a password (OUTBOUND), or an acceptor with or without a realm of its own (INBOUND)."""
        return await credentials.acquire(request)

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        """One leg of the initiator; docs/digest.md has them all."""
        if state is None:
            http = ContextFlag.USE_HTTP_STYLE in leg.flags
            return await (http_initiator.first(leg) if http else sasl_initiator.first(leg))
        match state:
            case AwaitingChallenge():
                return await http_initiator.first(leg)
            case SaslAwaitingChallenge():
                return await sasl_initiator.first(leg)
            case AwaitingProof() | HttpInitiator():
                return await http_initiator.later(state, leg)
            case SaslResponded():
                return sasl_initiator.proven(state, leg)
        raise _wrong_state(state, "InitializeSecurityContext")

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        """One leg of the acceptor. STATUS_LOGON_FAILURE on an established context, as the seed says of Digest."""
        if state is None:
            http = ContextFlag.USE_HTTP_STYLE in leg.flags
            return await (http_acceptor.first(leg) if http else sasl_acceptor.first(leg))
        match state:
            case Challenged():
                return await http_acceptor.later(state, leg)
            case SaslChallenged():
                return await sasl_acceptor.later(state, leg)
            case SaslAwaitingAssent():
                return sasl_acceptor.assent(state, leg)
            case HttpAcceptor() | SaslContext():
                message = "The context is established; accept a later request without it, or check it with VerifySignature."
                raise SspiError(SecurityStatus.STATUS_LOGON_FAILURE, message)
        raise _wrong_state(state, "AcceptSecurityContext")

    keeps_sessions = True

    def session_reference(self, token: bytes) -> str:
        """The opaque by which a broker finds the context of a later request; empty for none. SEC_E_INVALID_TOKEN."""
        return http_acceptor.reference(token)

    def context_reference(self, state: State) -> str:
        """The opaque under which an established acceptor's context is found again; empty for all others."""
        return state.offer.audience.opaque if isinstance(state, HttpAcceptor) else ""

    async def resume_security_context(self, state: State, leg: Leg) -> Step:
        """AcceptSecurityContext without a context whose token belongs to `state`: SEC_I_COMPLETE_NEEDED, a state of its own."""
        if not isinstance(state, HttpAcceptor):
            raise _wrong_state(state, "AcceptSecurityContext")
        return http_acceptor.resume(state, leg)

    def goes_on_elsewhere(self, state: State) -> bool:
        """A challenge over HTTP: its nonce is sealed, so whichever context the response reaches judges it."""
        return isinstance(state, Challenged)

    async def complete_auth_token(self, state: State, token: Buffers) -> Step:
        """Finish what COMPLETE_NEEDED or COMPLETE_AND_CONTINUE left open. SEC_E_OUT_OF_SEQUENCE where nothing is open."""
        match state:
            case Unjudged() | ProofOwed() | Resumed():
                return await http_acceptor.complete(state, token)
            case AwaitingEntity() | UncheckedProof():
                return http_initiator.complete(state, token)
            case SaslProofOwed():
                return sasl_acceptor.complete(state)
        raise out_of_sequence("Nothing is left to complete here: CompleteAuthToken follows SEC_I_COMPLETE_* and nothing else.")

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        """SIZES, STREAM_SIZES, NAMES, KEY_INFO, TARGET, CLIENT_SPECIFIED_TARGET, AUTHORITY, LIFESPAN, FLAGS."""
        return attributes.query(state, attribute)

    async def query_security_context_token(self, state: State) -> Identity:
        """The account whose password the client showed."""
        return attributes.identity(state)

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        """Seal, in SASL only."""
        return sasl_messages.encrypt(self._sasl(state, "EncryptMessage"), message)

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        """Unseal, in SASL only."""
        return sasl_messages.decrypt(self._sasl(state, "DecryptMessage"), message)

    async def make_signature(self, state: State, message: Message) -> Protected:
        """Sign DATA in SASL; in HTTP make the next header value."""
        if isinstance(state, HttpInitiator | HttpAcceptor):
            grants.require_plain(message)
            return await http_messages.make(state, message)
        return sasl_messages.make(self._sasl(state, "MakeSignature"), message)

    async def verify_signature(self, state: State, message: Message) -> Protected:
        """Check DATA in SASL; in HTTP check the peer's next header value."""
        if isinstance(state, HttpInitiator | HttpAcceptor):
            grants.require_plain(message)
            return await http_messages.verify(state, message)
        return sasl_messages.verify(self._sasl(state, "VerifySignature"), message)

    async def export_security_context(self, state: State) -> bytes:
        """Refuse: another process needs no HTTP context, for its nonce is sealed, and SASL's connection stays where it is."""
        del state
        message = (
            "The Digest package does not export contexts; keep this one here. "
            "Any process of this service accepts the next HTTP request without it."
        )
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)

    async def import_security_context(self, packed: bytes) -> State:
        """Refuse: nothing was exported by this package."""
        del packed
        message = "The Digest package does not export contexts, so there is none to import; begin a new one."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)

    def _sasl(self, state: State, function: str) -> SaslContext:
        if isinstance(state, HttpInitiator | HttpAcceptor):
            self._unsupported(f"{function} for HTTP")
        if not isinstance(state, SaslContext):
            raise _wrong_state(state, function)
        return state


def _wrong_state(state: State, function: str) -> SspiError:
    if isinstance(state, AwaitingEntity | UncheckedProof | Unjudged | ProofOwed | Resumed | SaslProofOwed):
        return out_of_sequence("The leg before answered SEC_I_COMPLETE_*: call CompleteAuthToken first.")
    message = f"{function} does not belong on a context in this state."
    return SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)
