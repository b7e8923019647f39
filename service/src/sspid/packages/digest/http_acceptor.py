"""The acceptor of HTTP Digest, leg by leg: challenges out, Authorization judged, Authentication-Info on demand; no SASL."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sspid.packages.contract import Step
from sspid.packages.digest import algorithms, bindings, directives, grants, http_response, inputs, nonces, users
from sspid.packages.digest.challenge import Challenge
from sspid.packages.digest.http_accepted import Counted, HttpAcceptor, Offer, authentication_info, take
from sspid.packages.digest.judging import judge_http, record_logon
from sspid.packages.digest.nonces import Audience
from sspid.packages.digest.refusals import altered, malformed, out_of_sequence
from sspid.packages.questions import CountNonceUse, DrawRandom, ReadClock
from sspid.vocabulary.buffers import Buffers, token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Leg
    from sspid.packages.digest.http_response import HttpResponse

_OPAQUE_BYTES = 16
_OPAQUE = re.compile(rb'[ ,]opaque="([A-Za-z0-9_\-]{22})"')


@dataclass(frozen=True, slots=True)
class Challenged:
    """A challenge went out; the response comes next."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A response is here and CompleteAuthToken judges it: it came without a context, or before its body was known."""

    offer: Offer
    response: HttpResponse
    method: str


@dataclass(frozen=True, slots=True)
class ProofOwed:
    """The client is who it says; the caller asked for MUTUAL_AUTH, so CompleteAuthToken makes the Authentication-Info."""

    made: HttpAcceptor


@dataclass(frozen=True, slots=True)
class Resumed:
    """A later request of an accepted session came without naming its context; CompleteAuthToken judges it with its key."""

    made: HttpAcceptor
    response: HttpResponse
    method: str


async def first(leg: Leg) -> Step:
    """A leg without a context: a challenge, or a response to a challenge that any worker sent (digest.md 3, step 5)."""
    grants.require_no_confidentiality(leg.flags, SecurityStatus.SEC_E_SECURITY_QOS_FAILED)
    method, uri, _, realm = inputs.parameters(leg.input, 4)
    offer = _offer(leg, inputs.realm(realm or leg.credential.realm or leg.credential.policy.realm))
    if not leg.token:
        return await _challenge(offer, stale=False)
    response = http_response.read(leg.token)
    _require_realm(realm or leg.credential.realm, response)
    offer = replace(offer, audience=Audience(leg.caller, response.realm, response.opaque))
    _require_offered(offer, response)
    _require_uri(uri, response)
    return _ask_to_complete(Unjudged(offer, response, inputs.method(method)))


def _offer(leg: Leg, realm: str) -> Offer:
    expected = bindings.expectation(leg.input, leg.flags)
    return Offer(leg.credential.policy, Audience(leg.caller, realm, ""), leg.flags, expected)


async def _challenge(offer: Offer, *, stale: bool) -> Step:
    """Challenge once for each algorithm, best first, every one in a TOKEN of its own: one WWW-Authenticate line each."""
    random = await DrawRandom(_OPAQUE_BYTES + nonces.RANDOM_BYTES)
    caller, realm, opaque = offer.audience
    if not opaque:
        opaque = urlsafe_b64encode(random[:_OPAQUE_BYTES]).decode("ascii").rstrip("=")
        offer = Offer(offer.policy, Audience(caller, realm, opaque), offer.flags, offer.expected)
    key = await nonces.KEY
    now = await ReadClock()
    nonce = nonces.issue(key, offer.audience, now, random[_OPAQUE_BYTES:], upgraded=offer.expected is not None)
    qops = grants.offered(offer.flags)
    output = tuple(
        token(
            Challenge(realm, nonce, algorithm, qops, opaque, stale=stale, utf8=True, userhash=offer.policy.userhash).written()
        )
        for name in offer.policy.algorithms
        if (algorithm := algorithms.find(name)) is not None
    )
    if not output:
        raise malformed("The policy's algorithms name none that Digest has; set MD5, SHA-256 or SHA-512-256.")
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, Challenged(offer), output, granted=grants.meanwhile(offer.flags))


async def later(state: Challenged, leg: Leg) -> Step:
    """The leg that brings the response; one without input is challenged anew ([W32:acceptsecuritycontext--digest])."""
    grants.require_no_confidentiality(leg.flags, SecurityStatus.SEC_E_SECURITY_QOS_FAILED)
    offer = _renewed(state.offer, leg)
    received = leg.token
    if not received:
        return await _challenge(offer, stale=False)
    response = http_response.read(received)
    if (response.realm, response.opaque) != offer.audience[1:]:
        raise malformed("The response does not give back the realm and the opaque of this context's challenge.")
    method, uri, entity = inputs.parameters(leg.input, 3)
    _require_offered(offer, response)
    _require_uri(uri, response)
    method = inputs.method(method)
    if response.covers_entity and not entity:
        return _ask_to_complete(Unjudged(offer, response, method))
    return await _judge(offer, response, method, entity)


def _renewed(offer: Offer, leg: Leg) -> Offer:
    """What this leg adds: flags not asked for before, bindings given only now."""
    expected = bindings.expectation(leg.input, leg.flags)
    if expected is None and leg.flags == offer.flags:
        return offer
    return replace(offer, flags=offer.flags | leg.flags, expected=expected or offer.expected)


def _ask_to_complete(unjudged: Unjudged) -> Step:
    flags = grants.meanwhile(unjudged.offer.flags)
    needs = "CompleteAuthToken judges the response with the same buffers."
    return Step(SecurityStatus.SEC_I_COMPLETE_NEEDED, unjudged, granted=flags, message=needs)


def _require_offered(offer: Offer, response: HttpResponse) -> None:
    if response.algorithm.name not in offer.policy.algorithms and response.algorithm not in map(
        algorithms.find, offer.policy.algorithms
    ):
        raise malformed(f"The response uses {response.algorithm.name}, which this server does not offer.")
    if not response.asked.qop and not offer.policy.without_qop:
        raise malformed("The response has no qop (RFC 2069), and this service's policy does not take such responses.")
    if response.covers_entity and "auth-int" not in grants.offered(offer.flags):
        raise malformed("The response uses auth-int, which this server did not offer; ask for INTEGRITY to offer it.")


def _require_realm(own: str, response: HttpResponse) -> None:
    if own and response.realm != own:
        raise malformed("The response is for another realm than this acceptor's.")


def _require_uri(wanted: str, response: HttpResponse) -> None:
    """Compare the URI where the caller gave the request's. By default that is the application's task (digest.md 4)."""
    if wanted and wanted != response.asked.uri:
        raise altered("The response is for another URI than the request's; the request was changed on the way.")


async def _judge(offer: Offer, response: HttpResponse, method: str, entity: str) -> Step:
    """Judge a response whose every part is known. Its use is counted only once it is right, so nobody can spend another's."""
    policy = offer.policy
    covered = inputs.entity_hash(entity, response.algorithm) if response.covers_entity else ""
    sealed = nonces.unseal(await nonces.KEY, offer.audience, response.asked.nonce)
    now = await ReadClock()
    secret, name = await judge_http(response, method, covered)
    if sealed is None or not sealed.usable(now, policy.nonce_lifetime):
        return await _challenge(offer, stale=True)
    target = "" if offer.expected is None else offer.expected.judge(response.directives, response.asked.cnonce)
    if not await CountNonceUse(sealed.reference, response.count, sealed.issued + policy.nonce_lifetime):
        if not response.asked.qop:
            return await _challenge(offer, stale=True)
        raise out_of_sequence("The response's nc was used before under this nonce: the request is a replay, or came late.")
    await record_logon(name, users.decoded(response.realm))
    mutual = bool(response.asked.qop) and ContextFlag.MUTUAL_AUTH in offer.flags
    flags = grants.granted(offer.flags, response.asked.qop, mutual=mutual)
    session_hash = response.session_hash(secret.ha1)
    counted = Counted(sealed.reference, response.count)
    made = HttpAcceptor(offer, secret, session_hash, response, sealed, target, flags, mutual, counted)
    return _finished(made)


def reference(value: bytes) -> str:
    """Return the opaque of a response, by which a broker finds the context it belongs to; empty where there is none."""
    # Ours is found without reading the rest, which whoever judges will read; a quotation mark within a value is escaped.
    ours = _OPAQUE.search(value, 0, directives.LONGEST)
    return ours[1].decode("ascii") if ours else http_response.read(value).opaque


def resume(made: HttpAcceptor, leg: Leg) -> Step:
    """Take up an accepted session again for a later request whose opaque is the session's (digest.md 3, step 5)."""
    grants.require_no_confidentiality(leg.flags, SecurityStatus.SEC_E_SECURITY_QOS_FAILED)
    response = http_response.read(leg.token)
    method, uri, _, realm = inputs.parameters(leg.input, 4)
    _require_realm(realm or leg.credential.realm, response)
    _require_uri(uri, response)
    # What one leg asks, takes and proves is its own; only what was counted is the session's.
    own = replace(made, offer=_renewed(made.offer, leg))
    return Step(
        SecurityStatus.SEC_I_COMPLETE_NEEDED,
        Resumed(own, response, inputs.method(method)),
        granted=grants.meanwhile(own.offer.flags),
    )


async def complete(state: Unjudged | ProofOwed | Resumed, buffers: Buffers) -> Step:
    """Judge what is unjudged, or make the answer's Authentication-Info (PKG_PARAMS: method, URI, H(entity) of its body)."""
    _, uri, entity = inputs.parameters(buffers, 3)
    if isinstance(state, Unjudged):
        _require_uri(uri, state.response)
        return await _judge(state.offer, state.response, state.method, entity)
    if isinstance(state, Resumed):
        return await _judge_resumed(state, entity)
    output = (token(await authentication_info(state.made, entity)),)
    return Step(SecurityStatus.SEC_E_OK, state.made, output, granted=state.made.flags, established=True)


async def _judge_resumed(state: Resumed, entity: str) -> Step:
    """Judge a later request with the session's key; once its nonce has aged, with the account, for a stale=true to follow."""
    try:
        await take(state.made, state.response, state.method, entity, strict=False)
    except SspiError as failure:
        if failure.status is not SecurityStatus.SEC_E_CONTEXT_EXPIRED:
            raise
        return await _judge(state.made.offer, state.response, state.method, entity)
    return _finished(state.made)


def _finished(made: HttpAcceptor) -> Step:
    """The client is who it says: done, unless the server is to prove itself as well."""
    if made.mutual:
        granted = grants.meanwhile(made.flags)
        return Step(SecurityStatus.SEC_I_COMPLETE_NEEDED, ProofOwed(made), granted=granted)
    return Step(SecurityStatus.SEC_E_OK, made, granted=made.flags, established=True)
