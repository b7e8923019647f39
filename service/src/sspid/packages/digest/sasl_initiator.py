"""The initiator of SASL DIGEST-MD5, leg by leg: challenge in, response out, rspauth in; HTTP is elsewhere."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.contract import Step
from sspid.packages.digest import algorithms, challenge, grants, inputs, sasl_ciphers, sasl_names, sasl_response
from sspid.packages.digest.refusals import altered, qop_not_supported
from sspid.packages.digest.sasl_layer import INITIATOR, SaslContext, layer
from sspid.packages.digest.sasl_response import SaslResponse
from sspid.packages.questions import DrawRandom
from sspid.vocabulary.buffers import token
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Leg
    from sspid.packages.digest.credentials import DigestCredential
    from sspid.vocabulary.flags import Flags

_CNONCE_BYTES = 18


@dataclass(frozen=True, slots=True)
class SaslAwaitingChallenge:
    """A first call without a token was made: nothing is known yet."""


@dataclass(frozen=True, slots=True)
class SaslResponded:
    """The response is out; the server's rspauth comes next. `maxbuf` is how much the server takes in, bytes."""

    response: SaslResponse
    maxbuf: int
    asked: Flags
    session_hash: bytes = field(repr=False)


async def first(leg: Leg) -> Step:
    """The leg that answers the challenge, or the first call without one."""
    granted = grants.meanwhile(leg.flags)
    if not leg.token:
        return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, SaslAwaitingChallenge(), (token(b""),), granted=granted)
    offered = challenge.read_sasl(leg.token)
    cnonce = b64encode(await DrawRandom(_CNONCE_BYTES)).decode("ascii")
    response = respond(leg.credential, offered, inputs.uri(leg.target_name), leg.flags, cnonce)
    ha1 = account_hash(leg.credential, response)
    state = SaslResponded(response, offered.maxbuf, leg.flags, response.session_hash(ha1))
    output = (token(response.written(state.session_hash)),)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output, granted=granted)


def respond(
    credential: DigestCredential, offered: challenge.SaslChallenge, uri: str, flags: Flags, cnonce: str
) -> SaslResponse:
    """Choose realm, qop and cipher for `offered`. SEC_E_QOP_NOT_SUPPORTED where nothing offered fits what was asked."""
    ciphers = [name for name in sasl_ciphers.allowed(credential.policy.ciphers) if name in offered.ciphers]
    qops = tuple(qop for qop in offered.qops if qop != "auth-conf" or ciphers)
    if not qops:
        raise qop_not_supported("The server offers auth-conf only, with no cipher that this service's policy allows.")
    qop = grants.choose(qops, flags, without_qop=False)
    realm = credential.realm or sasl_names.received(offered.realm or "", "The challenge's realm", utf8=offered.utf8)
    return SaslResponse(
        user=credential.user,
        realm=realm,
        nonce=offered.nonce,
        cnonce=cnonce,
        uri=uri,
        qop=qop,
        cipher=ciphers[0] if qop == "auth-conf" else "",
        maxbuf=credential.policy.maxbuf,
        utf8=offered.utf8,
    )


def account_hash(credential: DigestCredential, response: SaslResponse) -> bytes:
    """H(user ":" realm ":" password), raw, each part encoded as SASL hashes it."""
    parts = (sasl_names.hashed(part) for part in (response.user, response.realm, credential.password))
    return algorithms.account_hash(algorithms.MD5, *parts)


def proven(state: SaslResponded, leg: Leg) -> Step:
    """The leg that brings the server's rspauth."""
    if not leg.token:
        raise altered("The server finished without rspauth, so it has not shown that it knows the password.")
    sasl_response.check_proof(leg.token, state.response, state.session_hash)
    flags = grants.granted(state.asked, state.response.qop, mutual=True)
    maxbufs = (state.maxbuf, state.response.maxbuf)
    made = SaslContext(state.response, flags, layer(INITIATOR, state.response, state.session_hash, maxbufs))
    return Step(SecurityStatus.SEC_E_OK, made, granted=flags, established=True)
