"""AcceptSecurityContext (CredSSP): the server's legs ([MS-CSSP] 3.1.5); no credentials before both keys are proven."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from sspid.packages.contract import Leg, Step
from sspid.packages.credssp import binding, credentials, failures, inputs, messages, policy
from sspid.packages.credssp.channel import Bare, Channel, Tls, incomplete
from sspid.packages.credssp.credentials import Creds, PasswordCreds
from sspid.packages.credssp.established import Established, Proven
from sspid.packages.credssp.exchange import Versions, going_on, told, waiting
from sspid.packages.credssp.flags import INNER_ACCEPTED, granted, refuse_impossible, tls_flags
from sspid.packages.credssp.inner import Inner
from sspid.packages.credssp.messages import NONCE_SIZE, TsRequest
from sspid.packages.silent import Silent
from sspid.vocabulary.attributes import CertificateContext, ContextAttribute, DelegatedCredential, Names
from sspid.vocabulary.buffers import extra, token, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.credssp.channel import Received
    from sspid.packages.credssp.credential import CredSspCredential
    from sspid.packages.credssp.functions import Parts
    from sspid.packages.credssp.policy import CredSspPolicy


class Securing(Silent, frozen=True):
    """The TLS handshake is under way; `tls` is Schannel's state."""

    policy: CredSspPolicy
    tls: Any


class Negotiating(Silent, frozen=True):
    """TSRequests with negoTokens come. `nonce` is the last one the client sent."""

    policy: CredSspPolicy
    channel: Channel
    inner: Inner
    versions: Versions
    key: bytes
    nonce: bytes = b""


class CredentialsExpected(Silent, frozen=True):
    """Both keys are proven; the client's credentials are due."""

    policy: CredSspPolicy
    channel: Channel
    inner: Inner
    versions: Versions


async def begin(parts: Parts, leg: Leg) -> Step:
    """First leg: the ClientHello in, or a TSRequest where the caller owns its TLS."""
    refuse_impossible(leg.flags, server=True)
    credential: CredSspCredential = leg.credential
    key = inputs.owned_key(leg.input)
    rules = await policy.read()
    if key is not None:
        state = Negotiating(rules, Bare(), Inner(parts.negotiate, credential.negotiate), Versions.of(rules), key)
        step = await proceed(state, leg)
        # No context is made of a first message that is not whole.
        return structs.replace(step, state=None) if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE else step
    return await secure(parts, Securing(rules, None), leg)


async def secure(parts: Parts, state: Securing, leg: Leg) -> Step:
    """A leg of the TLS handshake; the client's first TSRequest may stand behind its Finished."""
    credential: CredSspCredential = leg.credential
    if credential.tls is None:
        message = (
            "The credential has no Schannel part with a certificate; acquire one with it, or hand in the key of your own TLS."
        )
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    call = Leg(credential.tls, (token(leg.token),), tls_flags(leg.flags, server=True), caller=leg.caller)
    step = await parts.schannel.accept_security_context(state.tls, call)
    if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
        return structs.replace(step, state=None if state.tls is None else state)
    if not step.established:
        return structs.replace(step, state=Securing(state.policy, step.state), granted=granted(leg.flags, server=True))
    found = await parts.schannel.query_context_attributes(step.state, ContextAttribute.LOCAL_CERT_CONTEXT)
    key = binding.public_key(found.der) if isinstance(found, CertificateContext) else b""
    channel = Tls(parts.schannel, credential.tls, step.state, server=True)
    inner = Inner(parts.negotiate, credential.negotiate)
    begun = Negotiating(state.policy, channel, inner, Versions.of(state.policy), key)
    left = step.input[0].size if step.input else 0
    return await _first_request(begun, leg, token_in(step.output), left)


async def _first_request(state: Negotiating, leg: Leg, before: bytes, left: int) -> Step:
    if not left:
        return going_on(state, leg, before, 0, server=True)
    try:
        step = await proceed(state, structs.replace(leg, input=(token(leg.token[-left:]),)))
    except SspiError as failure:
        if failure.output and before:
            failure.output = (token(before + token_in(failure.output)),)
        raise
    if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
        return structs.replace(going_on(state, leg, before, 0, server=True), input=(extra(left),))
    return structs.replace(step, output=(token(before + token_in(step.output)),))


async def proceed(state: Negotiating | CredentialsExpected, leg: Leg) -> Step:
    """A leg with the client's TSRequest."""
    refuse_impossible(leg.flags, server=True)
    told_by = state
    try:
        received = await state.channel.receive(leg.token)
        if received.wanted:
            return incomplete(state, received)
        if received.request is None:
            return waiting(structs.replace(state, channel=received.channel), leg, received, server=True)
        request = messages.read(received.request)
        current = structs.replace(state, channel=received.channel, versions=state.versions.met(request.version))
        told_by = current
        if request.error_code:
            raise failures.received(request.error_code)
        current.versions.require_lowest()
        if isinstance(current, CredentialsExpected):
            return await _conclude(current, leg, request, received)
        return await _negotiate(current, leg, request, received)
    except SspiError as failure:
        raise await told(failure, told_by.channel, told_by.versions, leg, server=True) from None


async def _negotiate(state: Negotiating, leg: Leg, request: TsRequest, received: Received) -> Step:
    if request.auth_info is not None:
        message = "The client sent authInfo before the keys were proven."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    inner, sent = state.inner, b""
    if request.nego_token is not None:
        inner, sent = await inner.accept(leg, request.nego_token, INNER_ACCEPTED)
    elif request.pub_key_auth is None:
        message = "The client's TSRequest carries neither a negoToken nor pubKeyAuth."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    current = structs.replace(state, inner=inner, nonce=request.client_nonce or state.nonce)
    if request.pub_key_auth is not None:
        return await _prove(current, leg, request.pub_key_auth, sent, received)
    output = received.owed
    if sent or not inner.complete:
        output += await state.channel.send(messages.write(TsRequest(state.versions.own, sent)))
    return going_on(current, leg, output, received.left, server=True)


async def _prove(state: Negotiating, leg: Leg, proof: bytes, sent: bytes, received: Received) -> Step:
    """Check what the client holds for our key, and prove that we hold it."""
    inner, versions = state.inner, state.versions
    if not inner.complete:
        message = "The client's pubKeyAuth came before the mechanism inside CredSSP had finished."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    inner.require_confidentiality()
    if versions.agreed >= binding.HASHED_SINCE and len(state.nonce) != NONCE_SIZE:
        message = f"The client's clientNonce has {len(state.nonce)} bytes and version {versions.agreed} wants {NONCE_SIZE}."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    await _check(state, proof)
    answer = await inner.wrap(binding.from_server(versions.agreed, state.nonce, state.key))
    request = TsRequest(versions.own, sent or None, pub_key_auth=answer)
    output = received.owed + await state.channel.send(messages.write(request))
    waits = CredentialsExpected(state.policy, state.channel, inner, versions)
    return going_on(waits, leg, output, received.left, server=True)


async def _check(state: Negotiating, proof: bytes) -> None:
    expected = binding.from_client(state.versions.agreed, state.nonce, state.key)
    try:
        held = await state.inner.unwrap(proof)
    except SspiError:
        held = b""
    if not hmac.compare_digest(expected, held):
        message = (
            "The client's proof does not fit the public key of this TLS connection: it was replayed, or altered by a third."
        )
        raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, message)


async def _conclude(state: CredentialsExpected, leg: Leg, request: TsRequest, received: Received) -> Step:
    """Take the client's credentials."""
    if request.auth_info is None or request.pub_key_auth is not None:
        message = "The client's TSRequest should carry authInfo, and no second pubKeyAuth."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    try:
        plain = await state.inner.unwrap(request.auth_info)
    except SspiError as failure:
        message = f"The client's authInfo cannot be opened: {failure.message}"
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message) from None
    creds = credentials.read(plain)
    mechanism = await state.inner.mechanism()
    forwarded = await _forwarded(state.inner) if mechanism == "Kerberos" else None
    empty = isinstance(creds, PasswordCreds) and creds.empty and forwarded is None
    if empty and not state.policy.accept_restricted_admin:
        message = (
            "The client delegated nothing and policy wants credentials; it is accept_restricted_admin of [policy.credssp]."
        )
        raise SspiError(SecurityStatus.SEC_E_LOGON_DENIED, message)
    return await _established(state, leg, mechanism, creds, forwarded, received, delegated=not empty)


async def _forwarded(inner: Inner) -> DelegatedCredential | None:
    """A ticket that Kerberos forwarded beside what TSCredentials carry."""
    try:
        found = await inner.package.query_context_attributes(inner.state, ContextAttribute.CREDS_2)
    except SspiError:
        return None
    return replace(found, package=inner.package.info.name) if isinstance(found, DelegatedCredential) else None


async def _established(
    state: CredentialsExpected,
    leg: Leg,
    mechanism: str,
    creds: Creds,
    forwarded: DelegatedCredential | None,
    received: Received,
    *,
    delegated: bool,
) -> Step:
    inner, channel = state.inner, state.channel
    names = await inner.package.query_context_attributes(inner.state, ContextAttribute.NAMES)
    flags = granted(leg.flags, server=True, last=True, delegated=delegated)
    proven = Proven(
        server=True,
        version=state.versions.agreed,
        mechanism=mechanism,
        granted=flags,
        identity=await inner.package.query_security_context_token(inner.state),
        names=names.user_name if isinstance(names, Names) else "",
        expiry=inner.expiry,
    )
    inner.delete()
    tls, credential = (channel.state, channel.credential) if isinstance(channel, Tls) else (None, None)
    rules = state.policy
    made = Established(
        proven, tls, credential, creds, forwarded, receives=rules.receive_credentials, in_clear=rules.password_in_clear
    )
    return structs.replace(
        going_on(made, leg, received.owed, received.left, server=True),
        status=SecurityStatus.SEC_E_OK,
        granted=flags,
        expiry=inner.expiry,
        established=True,
    )
