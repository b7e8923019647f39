"""InitializeSecurityContext (CredSSP): the client's legs ([MS-CSSP] 3.1.5); no credential before the server proved its key."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from msgspec import structs

from sspid.packages.contract import CredentialRequest, Leg, Step
from sspid.packages.credssp import binding, credentials, delegation, failures, inputs, messages, policy
from sspid.packages.credssp.channel import Bare, Channel, Tls, incomplete
from sspid.packages.credssp.credential import default_tls
from sspid.packages.credssp.credentials import EMPTY, Creds, PasswordCreds, RemoteGuardCreds
from sspid.packages.credssp.delegation import Kind
from sspid.packages.credssp.established import BY_CERTIFICATE, BY_KERBEROS, Established, Proven
from sspid.packages.credssp.exchange import Versions, going_on, told, waiting
from sspid.packages.credssp.flags import FORWARDING, INNER, granted, refuse_impossible, tls_flags
from sspid.packages.credssp.inner import Inner
from sspid.packages.credssp.messages import NONCE_SIZE, TsRequest
from sspid.packages.questions import DrawRandom
from sspid.packages.silent import Silent
from sspid.vocabulary.attributes import CertificateContext, ContextAttribute, Names
from sspid.vocabulary.buffers import token, token_in
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.credssp.channel import Received
    from sspid.packages.credssp.credential import CredSspCredential
    from sspid.packages.credssp.functions import Parts
    from sspid.packages.credssp.policy import CredSspPolicy


class Plan(Silent, frozen=True):
    """What the first leg settled. `creds` None: nothing that TSCredentials can carry.

    `tls` is the Schannel part of a credential that has none of its own, one that a peer delegated.
    """

    policy: CredSspPolicy
    flags: Flags
    target: str
    kind: Kind
    inner: Inner
    creds: Creds | None
    forwards: bool = False
    tls: Any = None

    @property
    def delegates(self) -> bool:
        """Whether the caller wants its credentials delegated; otherwise empty ones are."""
        return ContextFlag.DELEGATE in self.flags


class Securing(Silent, frozen=True):
    """The TLS handshake is under way; `tls` is Schannel's state."""

    plan: Plan
    tls: Any


class Negotiating(Silent, frozen=True):
    """A negoToken is out. `key` is the server's; `trusted` whether its chain and name were good, None where nobody looked."""

    plan: Plan
    channel: Channel
    inner: Inner
    versions: Versions
    key: bytes
    trusted: bool | None = None


class ProofExpected(Silent, frozen=True):
    """Our pubKeyAuth is out, with `nonce` from version 5 on."""

    plan: Plan
    channel: Channel
    inner: Inner
    versions: Versions
    key: bytes
    trusted: bool | None
    nonce: bytes


async def begin(parts: Parts, leg: Leg) -> Step:
    """First leg: no input token; a ClientHello out, or a TSRequest where the caller owns its TLS."""
    refuse_impossible(leg.flags, server=False)
    if leg.token:
        message = (
            "The first call of a CredSSP initiator takes no token; pass the server's answer with the context of that call."
        )
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    key = inputs.owned_key(leg.input)
    plan = await _plan(parts, leg)
    if key is not None:
        return await _request(Negotiating(plan, Bare(), plan.inner, Versions.of(plan.policy), key), leg, b"", 0)
    if leg.credential.creds is not None:
        plan = structs.replace(plan, tls=await default_tls(parts.schannel))
    return await secure(parts, Securing(plan, None), leg)


async def _plan(parts: Parts, leg: Leg) -> Plan:
    credential: CredSspCredential = leg.credential
    rules = await policy.read()
    supplied = inputs.supplied(leg.input, leg.flags)
    kind = Kind.FRESH if supplied is not None else credential.kind
    automatic = ContextFlag.USE_SUPPLIED_CREDS not in leg.flags or kind is Kind.FRESH
    part = await _inner_credential(parts, rules, credential, supplied) if automatic else None
    if part is None:
        raise _cannot_log_on(credential)
    # What a peer delegated goes on as it is; what the call supplies then only logs on.
    creds = supplied if supplied is not None and credential.creds is None else credential.delegable
    forwards = supplied is None and credential.forwards
    package = parts.ntlm if rules.bare_ntlm and parts.ntlm is not None else parts.negotiate
    plan = Plan(rules, leg.flags, leg.target_name, kind, Inner(package, part), creds, forwards)
    if plan.delegates:
        await _foresee(plan)
    return plan


def _cannot_log_on(credential: CredSspCredential) -> SspiError:
    lacks = "CredSSP has no credential to log on with: give the credential a Negotiate part, or this call TSCredentials"
    if credential.creds is not None:
        what = "guarded logon" if isinstance(credential.creds, RemoteGuardCreds) else "smart card's PIN"
        lacks = f"A {what} that was delegated cannot log on from here, only be delegated on: give this call TSPasswordCreds"
    return SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, f"{lacks} in a PKG_PARAMS buffer with USE_SUPPLIED_CREDS.")


async def _inner_credential(parts: Parts, rules: CredSspPolicy, credential: CredSspCredential, supplied: Creds | None) -> Any:
    bare = rules.bare_ntlm and parts.ntlm is not None
    secret = credential.secret
    if isinstance(supplied, PasswordCreds) and not supplied.empty:
        secret = Password(supplied.user, supplied.domain, supplied.password)
    elif not bare:
        return credential.negotiate
    if secret is None:
        return None
    package = parts.ntlm if bare and parts.ntlm is not None else parts.negotiate
    return await package.acquire_credentials_handle(CredentialRequest(CredentialUse.OUTBOUND, secret))


async def _foresee(plan: Plan) -> None:
    """Refuse now what the last leg would refuse however the server proved itself; a ticket is forwarded in the first one."""
    if not plan.target:
        message = "No target name was given, so no policy can allow the delegation; name the server's SPN (TERMSRV/host)."
        raise SspiError(SecurityStatus.SEC_E_TARGET_UNKNOWN, message)
    if plan.creds is None:
        message = "An NT hash cannot be delegated; log on with a password or tickets, or leave DELEGATE out."
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    if plan.forwards:
        delegation.refuse_restricted(plan.policy, plan.target)
        await delegation.judge(plan.policy, plan.kind, plan.target, authenticated=True)


async def secure(parts: Parts, state: Securing, leg: Leg) -> Step:
    """A leg of the TLS handshake; with the last one goes the first TSRequest."""
    credential: CredSspCredential = leg.credential
    tls = credential.tls if credential.tls is not None else state.plan.tls
    if tls is None:
        message = "The credential has no Schannel part; acquire one with it, or hand in the key of your own TLS connection."
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, message)
    buffers = (token(leg.token),) if leg.token else ()
    flags = tls_flags(leg.flags, server=False)
    call = Leg(tls, buffers, flags, host_of(state.plan.target), leg.caller)
    step = await parts.schannel.initialize_security_context(state.tls, call)
    if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
        return structs.replace(step, state=state)
    if not step.established:
        return structs.replace(
            step, state=Securing(state.plan, step.state), granted=granted(leg.flags, server=False), established=False
        )
    channel = Tls(parts.schannel, tls, step.state, server=False)
    found = await parts.schannel.query_context_attributes(step.state, ContextAttribute.REMOTE_CERT_CONTEXT)
    key = binding.public_key(found.der) if isinstance(found, CertificateContext) else b""
    trusted = ContextFlag.MUTUAL_AUTH in step.granted and bool(host_of(state.plan.target))
    begun = Negotiating(state.plan, channel, state.plan.inner, Versions.of(state.plan.policy), key, trusted)
    left = step.input[0].size if step.input else 0
    try:
        return await _request(begun, leg, token_in(step.output), left)
    except SspiError as failure:
        raise await _with_output(failure, begun, leg, token_in(step.output)) from None


async def _with_output(failure: SspiError, state: Negotiating, leg: Leg, before: bytes) -> SspiError:
    """What ends the TLS handshake goes before the alert, or the server could not read it."""
    said = await told(failure, state.channel, state.versions, leg, server=False)
    if said.output:
        said.output = (token(before + token_in(said.output)),)
    return said


async def _request(state: Negotiating, leg: Leg, before: bytes, left: int) -> Step:
    """Send the mechanism's first token."""
    inner, sent = await state.inner.initialize(_inner_leg(state.plan, leg), b"", _inner_flags(state.plan))
    output = before + await state.channel.send(messages.write(TsRequest(state.versions.own, sent)))
    return going_on(structs.replace(state, inner=inner), leg, output, left, server=False)


def _inner_leg(plan: Plan, leg: Leg) -> Leg:
    return leg if leg.target_name == plan.target else structs.replace(leg, target_name=plan.target)


def _inner_flags(plan: Plan) -> Flags:
    return FORWARDING if plan.forwards and plan.delegates else INNER


async def proceed(state: Negotiating | ProofExpected, leg: Leg) -> Step:
    """A leg with the server's TSRequest."""
    refuse_impossible(leg.flags, server=False)
    try:
        received = await state.channel.receive(leg.token)
        if received.wanted:
            return incomplete(state, received)
        if received.request is None:
            return waiting(structs.replace(state, channel=received.channel), leg, received, server=False)
        request, versions = _read(received.request, state.versions)
        same = received.channel is state.channel and versions is state.versions
        current = state if same else structs.replace(state, channel=received.channel, versions=versions)
        if isinstance(current, ProofExpected):
            return await _conclude(current, leg, request, received)
        return await _negotiate(current, leg, request, received)
    except SspiError as failure:
        raise await told(failure, state.channel, state.versions, leg, server=False) from None


def _read(data: bytes, versions: Versions) -> tuple[TsRequest, Versions]:
    request = messages.read(data)
    if request.error_code:
        raise failures.received(request.error_code)
    if request.auth_info is not None:
        message = "The server sent authInfo, which only a client sends."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    met = versions.met(request.version)
    met.require_lowest()
    return request, met


async def _negotiate(state: Negotiating, leg: Leg, request: TsRequest, received: Received) -> Step:
    if request.nego_token is None or request.pub_key_auth is not None:
        message = "The server's TSRequest should carry a negoToken and no pubKeyAuth yet."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    plan = state.plan
    inner, sent = await state.inner.initialize(_inner_leg(plan, leg), request.nego_token, _inner_flags(plan))
    if not inner.ready:
        answer = messages.write(TsRequest(state.versions.own, sent))
        output = received.owed + await state.channel.send(answer)
        return going_on(structs.replace(state, inner=inner), leg, output, received.left, server=False)
    inner.require_confidentiality()
    return await _prove(structs.replace(state, inner=inner), leg, sent, received)


async def _prove(state: Negotiating, leg: Leg, sent: bytes, received: Received) -> Step:
    """Send what we hold for the server's key, with the mechanism's last token where it has one."""
    versions, inner = state.versions, state.inner
    nonce = await DrawRandom(NONCE_SIZE) if versions.agreed >= binding.HASHED_SINCE else b""
    proof = await inner.wrap(binding.from_client(versions.agreed, nonce, state.key))
    request = TsRequest(versions.own, sent or None, pub_key_auth=proof, client_nonce=nonce or None)
    output = received.owed + await state.channel.send(messages.write(request))
    waits = ProofExpected(state.plan, state.channel, inner, versions, state.key, state.trusted, nonce)
    return going_on(waits, leg, output, received.left, server=False)


async def _conclude(state: ProofExpected, leg: Leg, request: TsRequest, received: Received) -> Step:
    """Check the server's proof, then delegate."""
    inner, sent = state.inner, b""
    if request.nego_token:
        inner, sent = await inner.initialize(_inner_leg(state.plan, leg), request.nego_token, _inner_flags(state.plan))
    if request.pub_key_auth is None or not inner.complete:
        lacks = "pubKeyAuth" if request.pub_key_auth is None else "the mechanism's last token"
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The server's TSRequest should carry {lacks} and does not.")
    await _check(state, inner, request.pub_key_auth)
    mechanism = await inner.mechanism()
    server_auth = await _server_auth(state, inner, mechanism)
    creds = await _creds(state.plan, authenticated=bool(server_auth))
    sealed = await inner.wrap(credentials.write(creds))
    answer = TsRequest(state.versions.own, sent or None, auth_info=sealed)
    output = received.owed + await state.channel.send(messages.write(answer))
    return await _established(structs.replace(state, inner=inner), leg, output, received.left, mechanism, server_auth)


async def _check(state: ProofExpected, inner: Inner, proof: bytes) -> None:
    expected = binding.from_server(state.versions.agreed, state.nonce, state.key)
    try:
        answered = await inner.unwrap(proof)
    except SspiError:
        answered = b""
    if not hmac.compare_digest(expected, answered):
        raise _unauthenticated(
            state.plan, "its proof does not fit the public key of this TLS connection: somebody may stand between"
        )


def _unauthenticated(plan: Plan, why: str) -> SspiError:
    asked = ContextFlag.MUTUAL_AUTH in plan.flags
    status = SecurityStatus.SEC_E_MUTUAL_AUTH_FAILED if asked else SecurityStatus.SEC_E_WRONG_PRINCIPAL
    return SspiError(status, f"The server did not prove that it is {plan.target!r}: {why}. No credential was sent.")


async def _server_auth(state: ProofExpected, inner: Inner, mechanism: str) -> int:
    kerberos = mechanism == "Kerberos" and ContextFlag.MUTUAL_AUTH in inner.granted
    found = (BY_KERBEROS if kerberos else 0) | (BY_CERTIFICATE if state.trusted else 0)
    if not found and ContextFlag.MUTUAL_AUTH in state.plan.flags:
        raise _unauthenticated(state.plan, "NTLM alone proves no server, and its certificate is not trusted for this name")
    return found


async def _creds(plan: Plan, *, authenticated: bool) -> Creds:
    if not plan.delegates or plan.creds is None:
        return EMPTY
    if plan.forwards:
        # The ticket went with the mechanism's first token, which only the server's key opens.
        return EMPTY
    if not isinstance(plan.creds, RemoteGuardCreds):
        delegation.refuse_restricted(plan.policy, plan.target)
    await delegation.judge(plan.policy, plan.kind, plan.target, authenticated=authenticated)
    return plan.creds


async def _established(state: ProofExpected, leg: Leg, output: bytes, left: int, mechanism: str, server_auth: int) -> Step:
    plan, inner, channel = state.plan, state.inner, state.channel
    names = await inner.package.query_context_attributes(inner.state, ContextAttribute.NAMES)
    flags = granted(leg.flags, server=False, last=True, mutual=bool(server_auth), delegated=plan.delegates)
    proven = Proven(
        server=False,
        version=state.versions.agreed,
        mechanism=mechanism,
        granted=flags,
        names=names.user_name if isinstance(names, Names) else "",
        target=plan.target,
        server_auth=server_auth,
        trusted=state.trusted,
        expiry=inner.expiry,
    )
    inner.delete()
    tls, credential = (channel.state, channel.credential) if isinstance(channel, Tls) else (None, None)
    return structs.replace(
        going_on(Established(proven, tls, credential), leg, output, left, server=False),
        status=SecurityStatus.SEC_E_OK,
        granted=flags,
        expiry=inner.expiry,
        established=True,
    )


def host_of(target: str) -> str:
    """The host of an SPN (class/host:port/service) or of a plain name, for SNI and the certificate's check."""
    host = target.split("/")[1] if "/" in target else target
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0] if host.count(":") == 1 else host
