"""The initiator of HTTP Digest, leg by leg: challenge in, Authorization out, Authentication-Info in; SASL is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid.packages.contract import Step
from sspid.packages.digest import bindings, challenge, grants, http_session, inputs
from sspid.packages.digest.http_session import HttpSession, Request
from sspid.packages.digest.refusals import altered, denied, malformed
from sspid.packages.questions import DrawRandom
from sspid.vocabulary.buffers import Buffers, token
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Leg
    from sspid.packages.digest.algorithms import Asked
    from sspid.packages.digest.directives import Directives

LAST_COUNT = 0xFFFFFFFF
_CNONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class AwaitingChallenge:
    """A first call without a token was made: nothing is known yet."""


@dataclass(frozen=True, slots=True)
class AwaitingEntity:
    """auth-int was chosen before the caller knew the body: CompleteAuthToken brings its hash and gets the response."""

    session: HttpSession
    request: Request
    asked: Flags


@dataclass(slots=True)
class HttpInitiator:
    """A session whose responses are counted. `last` is what the latest response was computed over."""

    session: HttpSession
    count: int
    last: Asked
    flags: Flags


@dataclass(frozen=True, slots=True)
class AwaitingProof:
    """The response is out and the caller asked for MUTUAL_AUTH: the server's Authentication-Info comes next."""

    made: HttpInitiator


@dataclass(frozen=True, slots=True)
class UncheckedProof:
    """Authentication-Info with auth-int is here, but not the hash of the body it covers: CompleteAuthToken brings it."""

    made: HttpInitiator
    info: Directives


async def first(leg: Leg) -> Step:
    """The leg that answers a challenge, or the first call without one."""
    grants.require_no_confidentiality(leg.flags, SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION)
    if not leg.token:
        return Step(
            SecurityStatus.SEC_I_CONTINUE_NEEDED, AwaitingChallenge(), (token(b""),), granted=grants.meanwhile(leg.flags)
        )
    return await _answer(leg, challenge.read(leg.token))


async def _answer(leg: Leg, offered: challenge.Challenge) -> Step:
    method, entity = inputs.parameters(leg.input, 2)
    request = Request(inputs.method(method), inputs.uri(leg.target_name))
    qop = grants.choose(offered.qops, leg.flags, without_qop=leg.credential.policy.without_qop)
    random = (await DrawRandom(_CNONCE_BYTES)).hex()
    session = http_session.begin(leg.credential, offered, qop, random, bindings.outer(leg.input, offered.nonce))
    waiting = AwaitingEntity(session, request, leg.flags)
    if qop != "auth-int":
        return _respond(waiting, "")
    if entity:
        return _respond(waiting, entity)
    mutual = ContextFlag.MUTUAL_AUTH in leg.flags
    status = SecurityStatus.SEC_I_COMPLETE_AND_CONTINUE if mutual else SecurityStatus.SEC_I_COMPLETE_NEEDED
    return Step(status, waiting, granted=grants.meanwhile(leg.flags), message="CompleteAuthToken takes H(entity).")


def _respond(waiting: AwaitingEntity, entity: str) -> Step:
    """Make the first response under a nonce. A server asked for MUTUAL_AUTH proves itself in a leg to come."""
    session, asked = waiting.session, waiting.asked
    covered = inputs.entity_hash(entity, session.challenge.algorithm) if session.qop == "auth-int" else ""
    request = Request(waiting.request.method, waiting.request.uri, covered)
    output = (token(session.authorization(request, 1)),)
    if ContextFlag.MUTUAL_AUTH in asked:
        made = HttpInitiator(session, 1, session.asked(request, 1), grants.granted(asked, session.qop, mutual=True))
        return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, AwaitingProof(made), output, granted=grants.meanwhile(asked))
    flags = grants.granted(asked, session.qop, mutual=False)
    made = HttpInitiator(session, 1, session.asked(request, 1), flags)
    return Step(SecurityStatus.SEC_E_OK, made, output, granted=flags, established=True)


async def later(state: AwaitingProof | HttpInitiator, leg: Leg) -> Step:
    """A leg after the response: the server's proof, or another challenge."""
    if isinstance(state, AwaitingProof) and _is_info(leg.token):
        info = http_session.read_info(leg.token)
        _, entity = inputs.parameters(leg.input, 2)
        if state.made.session.qop == "auth-int" and not entity:
            return Step(SecurityStatus.SEC_I_COMPLETE_NEEDED, UncheckedProof(state.made, info), granted=state.made.flags)
        return _proven(state.made, info, entity)
    if not leg.token:
        raise altered("The server sent nothing that proves it knows the password, although MUTUAL_AUTH was asked for.")
    return await _again(state.made if isinstance(state, AwaitingProof) else state, leg)


def _is_info(value: bytes) -> bool:
    return b"rspauth" in value or b"nextnonce" in value


async def _again(made: HttpInitiator, leg: Leg) -> Step:
    """Answer a second challenge where it says stale, under its new nonce (RFC 7616 3.3, stale)."""
    offered = challenge.read(leg.token)
    if not offered.stale:
        raise denied()
    if offered.realm != made.session.challenge.realm:
        raise malformed("The second challenge is for another realm; begin a new context for it.")
    return await _answer(leg, offered)


def _proven(made: HttpInitiator, info: Directives, entity: str) -> Step:
    take_info(made, info, entity)
    return Step(SecurityStatus.SEC_E_OK, made, granted=made.flags, established=True)


def take_info(made: HttpInitiator, info: Directives, entity: str) -> None:
    """Check rspauth of the latest response; with nextnonce the count begins anew under that nonce."""
    proven = made.session.proven(info, made.last, entity)
    if proven.nonce != made.session.nonce:
        made.session, made.count = proven, 0


def complete(state: AwaitingEntity | UncheckedProof, buffers: Buffers) -> Step:
    """Finish the response, or the check of the server's proof, with the hash of a body (PKG_PARAMS: method, H(entity))."""
    _, entity = inputs.parameters(buffers, 2)
    if isinstance(state, UncheckedProof):
        return _proven(state.made, state.info, entity)
    step = _respond(state, entity)
    if step.established:
        return step
    # COMPLETE_AND_CONTINUE told the caller already that a leg follows; this function itself has succeeded.
    return Step(SecurityStatus.SEC_E_OK, step.state, step.output, granted=step.granted)
