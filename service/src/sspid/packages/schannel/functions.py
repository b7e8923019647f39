"""The package object: SSPI's functions, each handed to the module that does it; it decides nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sspid.packages.contract import CredentialRequest, Leg, Message, Protected, SecurityPackage, State, Step
from sspid.packages.schannel import acceptor, attributes, established, initiator, messages
from sspid.packages.schannel.credentials import SchannelCredential, Stores, acquire
from sspid.packages.schannel.openssl import TlsError
from sspid.packages.schannel.states import AwaitingCredentials, Closed, Established, Handshaking
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.vocabulary.attributes import AttributeValue, ContextAttribute
    from sspid.vocabulary.buffers import Buffers

_MAX_TOKEN = 24576
_CAPABILITIES = (
    Capability.INTEGRITY
    | Capability.PRIVACY
    | Capability.CONNECTION
    | Capability.MULTI_REQUIRED
    | Capability.EXTENDED_ERROR
    | Capability.IMPERSONATION
    | Capability.ACCEPT_WIN32_NAME
    | Capability.STREAM
    | Capability.MUTUAL_AUTH
    | Capability.APPCONTAINER_PASSTHROUGH
)


class SchannelPackage(SecurityPackage):
    """TLS 1.2 and 1.3, and DTLS where asked (``functions.md`` 3)."""

    info = PackageInfo(
        "Schannel",
        "Schannel Security Package",
        _CAPABILITIES,
        version=1,
        rpc_id=14,
        max_token=_MAX_TOKEN,
        aliases=("Microsoft Unified Security Protocol Provider", "Default TLS SSP"),
    )

    def __init__(self) -> None:
        self._stores = Stores()

    async def acquire_credentials_handle(self, request: CredentialRequest) -> SchannelCredential:
        return await acquire(request, self._stores)

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        match state:
            case None:
                return initiator.begin(leg)
            case Handshaking(server=False):
                return initiator.proceed(state, leg)
            case AwaitingCredentials():
                return initiator.supply(state, leg)
            case Established(server=False):
                return established.proceed(state, leg)
        raise _misplaced(state, "InitializeSecurityContext")

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        match state:
            case None:
                return acceptor.begin(leg)
            case Handshaking(server=True):
                return acceptor.proceed(state, leg)
            case Established(server=True):
                return established.proceed(state, leg)
        raise _misplaced(state, "AcceptSecurityContext")

    async def apply_control_token(self, state: State, token: Buffers) -> State:
        return established.apply_control_token(state, token)

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        try:
            return attributes.query(state, attribute)
        except TlsError as failure:
            raise SspiError(SecurityStatus.SEC_E_INTERNAL_ERROR, f"OpenSSL gave no {attribute.name}: {failure.text}.") from None

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        return messages.encrypt(_ready(state), message)

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        return messages.decrypt(_ready(state), message)


def _ready(state: Any) -> Established:
    if isinstance(state, Established):
        return state
    raise SspiError(
        SecurityStatus.SEC_E_INVALID_HANDLE,
        "The context is not established, so no message can be protected; finish the handshake.",
    )


def _misplaced(state: Any, function: str) -> SspiError:
    if isinstance(state, Closed):
        return SspiError(SecurityStatus.SEC_E_CONTEXT_EXPIRED, "The context was shut down; delete it and begin another.")
    return SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, f"{function} was called on a context of the other role.")
