"""What a security package is: its functions under SSPI's names, what goes in and out of each; no package is built here.

A package is one object without mutable state of its own. Contexts are states: a function takes one and returns the next.
Functions are coroutines that *await questions* (`sspid.packages.questions`) instead of doing I/O. Statuses that a caller
loops on are returned in a `Step`; all others are raised as `SspiError`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from msgspec import Struct

from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, token_in
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.flags import NO_FLAGS, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.vocabulary.attributes import AttributeValue, ContextAttribute, CredentialAttribute, Identity
    from sspid.vocabulary.credentials import CredentialUse, Secret
    from sspid.vocabulary.names import PackageInfo


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """AcquireCredentialsHandle's parameters. `secret` None means the package's default credential."""

    use: CredentialUse
    secret: Secret | None = field(default=None, repr=False)
    principal: str = ""


class Credential(Protocol):
    """What a package makes of a `CredentialRequest`: any object with these two, shared by many contexts at once."""

    @property
    def use(self) -> CredentialUse:
        """The roles it may be used in; the broker refuses the others with SEC_E_NO_CREDENTIALS."""
        ...

    @property
    def expiry(self) -> datetime | None:
        """When it ends; None for never."""
        ...


State = Any
"""One type per state, each package's own: what the handshake has earned so far and nothing else."""


class Leg(Struct, frozen=True):
    """One call of InitializeSecurityContext or AcceptSecurityContext. `target_name` is empty for an acceptor.

    `credential` is what this package's own acquire_credentials_handle returned. It may differ from the first leg's.
    `caller` names who calls, for policy and for caches that must not be shared between callers.
    """

    credential: Any
    input: Buffers = ()
    flags: Flags = NO_FLAGS
    target_name: str = ""
    caller: str = ""
    network_data_rep: bool = False

    @property
    def token(self) -> bytes:
        """The input token; empty on a first leg without one. Looked for at each use."""
        return token_in(self.input)


class Step(Struct, frozen=True):
    """What a leg came to. `status` is one of `sspid.vocabulary.status.RETURNED`.

    `state` is the next state; with SEC_E_INCOMPLETE_MESSAGE it must be the state that was given, untouched. None after a first
    leg begins no context: the next leg is a first one again.
    `output` is sent to the peer whatever the status says. `input` holds the input buffers whose type or size changed
    (MISSING, EXTRA). `granted` counts on every return, its security flags on the last one only.
    `established` turns true with the leg after which messages may be protected.
    """

    status: SecurityStatus
    state: State
    output: Buffers = ()
    input: Buffers = ()
    granted: Flags = NO_FLAGS
    expiry: datetime | None = None
    message: str = ""
    detail: FailureDetail | None = None
    established: bool = False


class Message(Struct, frozen=True):
    """One call of EncryptMessage, DecryptMessage, MakeSignature or VerifySignature."""

    buffers: Buffers
    qop: int = 0
    sequence_number: int = 0


class Protected(Struct, frozen=True):
    """What a message function came to: all buffers as they are now, in Windows' order, and the quality of protection found."""

    buffers: Buffers
    status: SecurityStatus = SecurityStatus.SEC_E_OK
    qop: int = 0
    message: str = ""
    detail: FailureDetail | None = None


class SecurityPackage:
    """The functions of one package. What a package does not override answers SEC_E_UNSUPPORTED_FUNCTION.

    `state` is None on a first leg. Message functions work on an established state that counts its own messages; they
    raise without having advanced it. ``initialize_security_context`` on an established state re-authenticates.
    """

    info: PackageInfo
    may_block = False
    """True where some leg may wait for another machine: the broker then keeps it off the threads that others need."""

    authority_is_remote = False
    """Set by the catalog where this service's accounts are judged by another machine (a domain, a database server)."""

    def may_wait(self, credential: Any, state: State | None) -> bool:
        """Whether a call with this credential on this state (None: a first leg) may wait for another machine."""
        del credential, state
        return self.may_block

    def never_waits(self, credential: Any) -> bool:
        """Whether `may_wait` is False with this credential whatever the state; asked once, when it is acquired."""
        del credential
        return False

    keeps_sessions = False
    """True where a peer's later token finds an established context again without its handle, and where a failing call on
    an established context leaves it as it was (Digest over HTTP)."""

    def goes_on_elsewhere(self, state: State) -> bool:
        """Whether this unfinished context may be deleted with nothing given up: another one judges what its peer answers."""
        del state
        return False

    def readiness(self) -> str:
        """Empty where the package can work; otherwise one sentence that says what is missing and how to get it."""
        return ""

    async def acquire_credentials_handle(self, request: CredentialRequest) -> Credential:
        """Turn a request into this package's credential. SEC_E_UNKNOWN_CREDENTIALS for a kind or content it cannot use."""
        del request
        self._unsupported("AcquireCredentialsHandle")

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        """One leg of the initiator; `functions.md` 3 and 4 have the legs of each package."""
        del state, leg
        self._unsupported("InitializeSecurityContext")

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        """One leg of the acceptor."""
        del state, leg
        self._unsupported("AcceptSecurityContext")

    def session_reference(self, token: bytes) -> str:
        """What an acceptor's token says which established context it belongs to; empty for none."""
        del token
        return ""

    def context_reference(self, state: State) -> str:
        """What later tokens will call this established context; empty for none."""
        del state
        return ""

    async def resume_security_context(self, state: State, leg: Leg) -> Step:
        """AcceptSecurityContext without a context whose token belongs to the established `state`, which stays as it is."""
        del state, leg
        self._unsupported("AcceptSecurityContext on an established context")

    async def complete_auth_token(self, state: State, token: Buffers) -> Step:
        """Finish what SEC_I_COMPLETE_NEEDED or SEC_I_COMPLETE_AND_CONTINUE left open. Digest only."""
        del state, token
        self._unsupported("CompleteAuthToken")

    async def apply_control_token(self, state: State, token: Buffers) -> State:
        """Take a control token (Schannel: shutdown, alert, session) and return the next state."""
        del state, token
        self._unsupported("ApplyControlToken")

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        """One attribute's value. SEC_E_INVALID_HANDLE where the context is not far enough for it."""
        del state
        self._unsupported(f"QueryContextAttributes({attribute.name})")

    async def set_context_attributes(self, state: State, attribute: ContextAttribute, value: AttributeValue) -> None:
        """Set one attribute that can be set."""
        del state, value
        self._unsupported(f"SetContextAttributes({attribute.name})")

    async def query_credentials_attributes(self, credential: Any, attribute: CredentialAttribute) -> AttributeValue:
        """One attribute of a credential."""
        del credential
        self._unsupported(f"QueryCredentialsAttributes({attribute.name})")

    async def query_security_context_token(self, state: State) -> Identity:
        """The identity that an acceptor's context proved. SEC_E_NO_IMPERSONATION where it maps to no account."""
        del state
        self._unsupported("QuerySecurityContextToken")

    async def export_security_context(self, state: State) -> bytes:
        """The established context as bytes; the broker seals them. `state` is not used afterwards if the export moves it."""
        del state
        self._unsupported("ExportSecurityContext")

    async def import_security_context(self, packed: bytes) -> State:
        """The state that export_security_context packed."""
        del packed
        self._unsupported("ImportSecurityContext")

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        """Seal the DATA buffers."""
        del state, message
        self._unsupported("EncryptMessage")

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        """Unseal the DATA or STREAM buffer."""
        del state, message
        self._unsupported("DecryptMessage")

    async def make_signature(self, state: State, message: Message) -> Protected:
        """Sign the DATA buffers into the TOKEN buffer."""
        del state, message
        self._unsupported("MakeSignature")

    async def verify_signature(self, state: State, message: Message) -> Protected:
        """Check the TOKEN buffer against the DATA buffers. SEC_E_MESSAGE_ALTERED or SEC_E_OUT_OF_SEQUENCE where it fails."""
        del state, message
        self._unsupported("VerifySignature")

    def protects_early(self, state: State) -> bool:
        """Tell whether messages may be protected though the handshake goes on: SPNEGO, once its mechanism is done."""
        del state
        return False

    def mechlist_mic_required(self, state: State) -> bool:
        """Tell whether this established mechanism makes SPNEGO's mechListMIC mandatory ([MS-SPNG] 3.3.5.1)."""
        del state
        return False

    async def make_mechlist_mic(self, state: State, mech_list: bytes) -> bytes:
        """Sign the DER of SPNEGO's mechanism list; message numbers as this package counts them."""
        data = SecurityBuffer(BufferType.DATA, mech_list)
        signed = await self.make_signature(state, Message((SecurityBuffer(BufferType.TOKEN), data)))
        return token_in(signed.buffers)

    async def verify_mechlist_mic(self, state: State, mech_list: bytes, mic: bytes) -> None:
        """Check the peer's mechListMIC. SEC_E_MESSAGE_ALTERED or SEC_E_OUT_OF_SEQUENCE where it fails."""
        data = SecurityBuffer(BufferType.DATA, mech_list)
        await self.verify_signature(state, Message((SecurityBuffer(BufferType.TOKEN, mic), data)))

    async def change_account_password(self, account: str, domain: str, old: str, new: str) -> None:
        """Change a password with the account's authority."""
        del account, domain, old, new
        self._unsupported("ChangeAccountPassword")

    def compact(self, state: State) -> State:
        """The established `state` without what an idle context can spare; the broker asks once it has been idle a while."""
        return state

    def delete_security_context(self, state: State) -> None:
        """Release what `state` holds beyond memory. Must not fail and sends nothing to the peer."""
        del state

    def free_credentials_handle(self, credential: Any) -> None:
        """Release what `credential` holds beyond memory; contexts made from it go on."""
        del credential

    def _unsupported(self, function: str) -> NoReturn:
        message = f"The {self.info.name} package does not offer {function}."
        raise SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, message)
