"""An accepted HTTP session: judges later requests with its own key and proves the server with Authentication-Info; no legs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.digest import directives, inputs, nonces
from sspid.packages.digest.refusals import altered, malformed, out_of_sequence
from sspid.packages.questions import CountNonceUse, DrawRandom, ReadClock
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.digest.bindings import Expectation
    from sspid.packages.digest.http_response import HttpResponse
    from sspid.packages.digest.nonces import Audience, SealedNonce
    from sspid.packages.digest.policy import DigestPolicy
    from sspid.packages.questions import DigestSecret
    from sspid.vocabulary.flags import Flags


@dataclass(slots=True)
class Offer:
    """What an acceptor has put on the table. The audience's opaque is empty until a challenge or a response fixes it."""

    policy: DigestPolicy
    audience: Audience
    flags: Flags
    expected: Expectation | None


@dataclass(slots=True)
class Counted:
    """The highest nonce count taken in a session, and the reference of its nonce: one for all contexts of the session."""

    reference: bytes
    count: int


@dataclass(slots=True)
class HttpAcceptor:
    """A session whose requests are counted. `response` is the latest one that this context took.

    `target` is the service name it bound. `mutual`: whether the caller asked that the server prove itself.
    """

    offer: Offer
    proven: DigestSecret
    session_hash: str = field(repr=False)
    response: HttpResponse
    nonce: SealedNonce
    target: str
    flags: Flags
    mutual: bool
    counted: Counted


async def authentication_info(made: HttpAcceptor, entity: str) -> bytes:
    """Return the Authentication-Info that proves the server to the sender of the latest request (RFC 7616 3.5)."""
    asked, algorithm = made.response.asked, made.response.algorithm
    covered = inputs.entity_hash(entity, algorithm) if made.response.covers_entity else ""
    parts = []
    if asked.qop:
        proof = algorithm.response(made.session_hash, "", asked._replace(entity=covered))
        parts = [f'rspauth="{proof}"', f"cnonce={directives.quoted(asked.cnonce)}", f"nc={asked.nc}", f"qop={asked.qop}"]
    following = await _next_nonce(made)
    if following:
        parts.append(f'nextnonce="{following}"')
    if not parts:
        raise malformed("A client without qop (RFC 2069) expects no proof of the server; send no Authentication-Info.")
    return directives.write(parts)


async def _next_nonce(made: HttpAcceptor) -> str:
    """A fresh nonce once half the old one's time has passed; not for -sess, whose key a new nonce would make ambiguous."""
    if not made.offer.policy.next_nonce or made.response.algorithm.session:
        return ""
    now = await ReadClock()
    if now - made.nonce.issued < made.offer.policy.nonce_lifetime / 2:
        return ""
    key = await nonces.KEY
    random = await DrawRandom(nonces.RANDOM_BYTES)
    return nonces.issue(key, made.offer.audience, now, random, upgraded=made.offer.expected is not None)


async def take(made: HttpAcceptor, response: HttpResponse, method: str, entity: str, *, strict: bool) -> None:
    """Take a later request on this session. `strict`: its nc must be the very next one, otherwise any higher one.

    SEC_E_MESSAGE_ALTERED for a wrong response, SEC_E_OUT_OF_SEQUENCE for a wrong nc, SEC_E_CONTEXT_EXPIRED for a nonce
    whose time has passed. Nothing moves unless all is well.
    """
    _require_same_session(made, response)
    covered = inputs.entity_hash(entity, response.algorithm) if response.covers_entity else ""
    now = await ReadClock()
    session_hash = _fitting_key(made, response, method, covered)
    sealed = await _usable_nonce(made, response, now)
    counted = made.counted
    following = counted.count + 1 if sealed.reference == counted.reference else 1
    if response.count != following if strict else response.count < following:
        raise out_of_sequence(f"The request's nc is {response.count:08x} where {following:08x} comes next.")
    if not await CountNonceUse(sealed.reference, response.count, sealed.issued + made.offer.policy.nonce_lifetime):
        raise out_of_sequence("The request's nc was used before under this nonce: the request is a replay, or came late.")
    made.response, made.nonce, made.session_hash = response, sealed, session_hash
    counted.reference, counted.count = sealed.reference, response.count


def _require_same_session(made: HttpAcceptor, response: HttpResponse) -> None:
    before = made.response
    if (response.realm, response.opaque, response.algorithm) != (before.realm, before.opaque, before.algorithm):
        raise altered("The request gives another realm, opaque or algorithm than the session it should belong to.")
    if response.user != before.user:
        raise altered("The request names another user than the session it should belong to.")
    if response.asked.qop != before.asked.qop:
        raise altered("The request has another qop than the session it should belong to.")


def _fitting_key(made: HttpAcceptor, response: HttpResponse, method: str, entity: str) -> str:
    # The key of the session is the first request's (RFC 7616 3.4.2); some clients compute it anew for every request.
    for key in dict.fromkeys((made.session_hash, response.session_hash(made.proven.ha1))):
        if response.matches(key, method, entity):
            return key
    raise altered("The request's response is wrong: the request was changed on the way, or someone else made it.")


async def _usable_nonce(made: HttpAcceptor, response: HttpResponse, now: datetime) -> SealedNonce:
    sealed = nonces.unseal(await nonces.KEY, made.offer.audience, response.asked.nonce)
    if sealed is None or not sealed.usable(now, made.offer.policy.nonce_lifetime):
        message = "The request's nonce has expired; accept it without this context, and a challenge with stale=true follows."
        raise SspiError(SecurityStatus.SEC_E_CONTEXT_EXPIRED, message)
    if made.offer.expected is not None:
        made.offer.expected.judge(response.directives, response.asked.cnonce)
    return sealed
