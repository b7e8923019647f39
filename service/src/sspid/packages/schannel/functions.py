"""The package object: SSPI's functions, each handed to the module that does it; it decides nothing itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sspid.packages.contract import CredentialRequest, Leg, Message, Protected, SecurityPackage, State, Step
from sspid.packages.questions import ReadClock
from sspid.packages.schannel import (
    acceptor,
    attributes,
    control,
    cookies,
    established,
    handout,
    identity,
    initiator,
    messages,
    packing,
    protection,
)
from sspid.packages.schannel.credentials import SchannelCredential, Stores, acquire, query_credential
from sspid.packages.schannel.established_state import Established
from sspid.packages.schannel.openssl import TLS1_3, Session, TlsError
from sspid.packages.schannel.states import AwaitingCredentials, Closed, Handshaking, Renegotiating
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.names import Capability, PackageInfo
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.vocabulary.attributes import AttributeValue, CredentialAttribute, Identity
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

    def may_wait(self, credential: SchannelCredential | None, state: State | None) -> bool:
        """Whether a handshake is to be made with a key that takes long."""
        return credential is not None and credential.slow and not isinstance(state, Established)

    def never_waits(self, credential: SchannelCredential) -> bool:
        """With every other key."""
        return not credential.slow

    async def acquire_credentials_handle(self, request: CredentialRequest) -> SchannelCredential:
        return await acquire(request, self._stores)

    async def initialize_security_context(self, state: State | None, leg: Leg) -> Step:
        if len(leg.input) > 1:
            _refuse_garbage(leg.input)
        try:
            match state:
                case None:
                    now = await ReadClock() if leg.credential.policy.stapling else None
                    return initiator.begin(leg, await _session_for(leg), now)
                case Handshaking(server=False):
                    return await _remembered(initiator.proceed(state, leg))
                case AwaitingCredentials():
                    return await _remembered(initiator.supply(state, leg))
                case Established(server=False):
                    return established.proceed(state, leg)
                case Renegotiating(Established(server=False)):
                    return established.renegotiate(state, leg)
        except TlsError as failure:
            raise _unforeseen(failure) from None
        raise _misplaced(state, "InitializeSecurityContext")

    async def accept_security_context(self, state: State | None, leg: Leg) -> Step:
        if len(leg.input) > 1:
            _refuse_garbage(leg.input)
        try:
            match state:
                case None:
                    now = await ReadClock() if leg.credential.staples else None
                    if leg.credential.policy.datagram:
                        return acceptor.begin_datagrams(leg, await cookies.cookies_for(leg), now)
                    return acceptor.begin(leg, now)
                case Handshaking(server=True):
                    return acceptor.proceed(state, leg)
                case Established(server=True):
                    return established.proceed(state, leg)
                case Renegotiating(Established(server=True)):
                    return established.renegotiate(state, leg)
        except TlsError as failure:
            raise _unforeseen(failure) from None
        raise _misplaced(state, "AcceptSecurityContext")

    async def apply_control_token(self, state: State, token: Buffers) -> State:
        return control.apply(state, token)

    async def query_context_attributes(self, state: State, attribute: ContextAttribute) -> AttributeValue:
        if attribute is ContextAttribute.PACKAGE_INFO:
            return self.info
        if attribute is ContextAttribute.TRAFFIC_SECRETS:
            return await handout.traffic_secrets(_ready(state))
        try:
            return attributes.query(state, attribute)
        except TlsError as failure:
            raise SspiError(SecurityStatus.SEC_E_INTERNAL_ERROR, f"OpenSSL gave no {attribute.name}: {failure.text}.") from None

    async def encrypt_message(self, state: State, message: Message) -> Protected:
        return messages.encrypt(_ready(state), message)

    async def decrypt_message(self, state: State, message: Message) -> Protected:
        ready = _ready(state)
        try:
            answer = messages.decrypt(ready, message)
        except TlsError as failure:
            raise _unforeseen(failure) from None
        if ready.pending is not None and ready.pending.kind in ("NewSessionTicket", "handshake message"):
            await _remember(ready)
        return answer

    async def set_context_attributes(self, state: State, attribute: ContextAttribute, value: AttributeValue) -> None:
        attributes.set_value(state, attribute, value)

    async def query_credentials_attributes(
        self, credential: SchannelCredential, attribute: CredentialAttribute
    ) -> AttributeValue:
        return query_credential(credential, attribute)

    async def query_security_context_token(self, state: State) -> Identity:
        return await identity.query(_ready(state))

    async def export_security_context(self, state: State) -> bytes:
        return packing.pack(_ready(state))

    async def import_security_context(self, packed: bytes) -> Established:
        return packing.unpack(packed)

    def compact(self, state: State) -> State:
        if isinstance(state, Established):
            protection.compact(state)
        return state

    def free_credentials_handle(self, credential: SchannelCredential) -> None:
        credential.sessions.clear()


def _refuse_garbage(buffers: Buffers) -> None:
    """SEC_E_INVALID_TOKEN for an EMPTY buffer that is not (``functions.md`` 3.1)."""
    empty = find(buffers, BufferType.EMPTY)
    if empty is not None and empty.data:
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            f"The EMPTY buffer holds {len(empty.data)} bytes; leave it empty, it is the place for EXTRA and MISSING.",
        )


async def _session_for(leg: Leg) -> Session | None:
    credential: SchannelCredential = leg.credential
    if not (credential.sessions and credential.policy.reconnects):
        return None
    again = ContextFlag.REUSE_SESSION_TICKETS in leg.flags
    return credential.sessions.take(leg.caller, leg.target_name, await ReadClock(), again=again)


async def _remembered(step: Step) -> Step:
    if step.established and step.state.version != TLS1_3:
        await _remember(step.state)
    return step


async def _remember(state: Established) -> None:
    """Keep the session of a client for the next connection to the same target, once OpenSSL has it."""
    live, credential = state.live, state.credential
    # A session whose certificate nobody judged must not come back as a judged one.
    if state.server or live is None or credential is None or not (state.reconnects and state.mutual):
        return
    if (session := live.session()) is not None:
        expiry = await ReadClock() + timedelta(seconds=credential.policy.lifespan)
        once = state.version == TLS1_3
        credential.sessions.keep(state.caller, state.target, session, expiry, once=once)


def _unforeseen(failure: TlsError) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INTERNAL_ERROR, f"OpenSSL failed where it should not: {failure.text}; begin anew.")


def _ready(state: Any) -> Established:
    if isinstance(state, Established):
        return state
    if isinstance(state, Renegotiating):
        raise SspiError(
            SecurityStatus.SEC_E_CONTEXT_EXPIRED, "The context renegotiates; go on with its legs until SEC_E_OK, then send."
        )
    raise SspiError(
        SecurityStatus.SEC_E_INVALID_HANDLE,
        "The context is not established, so no message can be protected; finish the handshake.",
    )


def _misplaced(state: Any, function: str) -> SspiError:
    if isinstance(state, Closed):
        return SspiError(SecurityStatus.SEC_E_CONTEXT_EXPIRED, "The context was shut down; delete it and begin another.")
    return SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, f"{function} was called on a context of the other role.")
