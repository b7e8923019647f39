"""The acceptor of SASL DIGEST-MD5, leg by leg: challenge out, response judged, rspauth out; HTTP is elsewhere."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sspid.packages.contract import Step
from sspid.packages.digest import grants, inputs, sasl_ciphers, sasl_response
from sspid.packages.digest.challenge import SaslChallenge
from sspid.packages.digest.judging import judge_sasl, record_logon
from sspid.packages.digest.refusals import malformed
from sspid.packages.digest.sasl_layer import ACCEPTOR, SaslContext, layer
from sspid.packages.questions import DrawRandom
from sspid.vocabulary.buffers import token
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Leg
    from sspid.packages.digest.policy import DigestPolicy
    from sspid.packages.digest.sasl_response import SaslResponse
    from sspid.packages.questions import DigestSecret
    from sspid.vocabulary.flags import Flags

_NONCE_BYTES = 18


@dataclass(frozen=True, slots=True)
class SaslChallenged:
    """The challenge is out; the response comes next."""

    challenge: SaslChallenge
    policy: DigestPolicy
    asked: Flags


@dataclass(frozen=True, slots=True)
class SaslProofOwed:
    """The client is who it says; CompleteAuthToken makes the rspauth that goes out."""

    made: SaslContext
    proof: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SaslAwaitingAssent:
    """The rspauth is out; the client's empty answer says that it believes it."""

    made: SaslContext


async def first(leg: Leg) -> Step:
    """The leg that challenges."""
    if leg.token:
        raise malformed("SASL begins with the server's challenge: call AcceptSecurityContext without a token first.")
    policy = leg.credential.policy
    realm = inputs.realm(leg.credential.realm or policy.realm)
    nonce = b64encode(await DrawRandom(_NONCE_BYTES)).decode("ascii")
    ciphers = sasl_ciphers.allowed(policy.ciphers)
    qops = tuple(qop for qop in grants.offered(leg.flags) if qop != "auth-conf" or ciphers)
    ciphers = ciphers if "auth-conf" in qops else ()
    challenge = SaslChallenge(realm, nonce, qops, ciphers, policy.maxbuf)
    output = (token(challenge.written()),)
    state = SaslChallenged(challenge, policy, leg.flags)
    return Step(SecurityStatus.SEC_I_CONTINUE_NEEDED, state, output, granted=grants.meanwhile(leg.flags))


async def later(state: SaslChallenged, leg: Leg) -> Step:
    """The leg that brings the response."""
    state = replace(state, asked=state.asked | leg.flags)
    if not leg.token:
        raise malformed("The client sent no response to the challenge.")
    response = sasl_response.read(leg.token)
    _require_offered(state.challenge, response)
    secret = await judge_sasl(response)
    await record_logon(response.user, response.realm)
    return _proved(state, response, secret)


def _require_offered(challenge: SaslChallenge, response: SaslResponse) -> None:
    if response.nonce != challenge.nonce:
        raise malformed("The response's nonce is not the challenge's.")
    if response.realm != challenge.realm:
        raise malformed("The response's realm is not the challenge's.")
    if response.qop not in challenge.qops:
        raise malformed("The response's qop was not offered.")
    if (response.qop == "auth-conf") != bool(response.cipher) or (response.cipher and response.cipher not in challenge.ciphers):
        raise malformed("The response's cipher was not offered, or does not go with its qop.")


def _proved(state: SaslChallenged, response: SaslResponse, secret: DigestSecret) -> Step:
    """Finish at once, or with MUTUAL_AUTH go on until the client has said that it believes the rspauth."""
    session_hash = response.session_hash(secret.ha1)
    proof = sasl_response.written_proof(response, session_hash)
    flags = grants.granted(state.asked, response.qop, mutual=True)
    made = SaslContext(
        response, flags, layer(ACCEPTOR, response, session_hash, (response.maxbuf, state.policy.maxbuf)), secret.account
    )
    if ContextFlag.MUTUAL_AUTH in state.asked:
        granted = grants.meanwhile(state.asked)
        return Step(SecurityStatus.SEC_I_COMPLETE_AND_CONTINUE, SaslProofOwed(made, proof), granted=granted)
    return Step(SecurityStatus.SEC_E_OK, made, (token(proof),), granted=flags, established=True)


def complete(state: SaslProofOwed) -> Step:
    """Hand out the rspauth. The context is established when the client has answered it."""
    granted = grants.meanwhile(state.made.flags)
    return Step(SecurityStatus.SEC_E_OK, SaslAwaitingAssent(state.made), (token(state.proof),), granted=granted)


def assent(state: SaslAwaitingAssent, leg: Leg) -> Step:
    """The leg that brings the client's empty answer."""
    if leg.token:
        raise malformed("The client's answer to rspauth must be empty (RFC 2831 2.1.3).")
    return Step(SecurityStatus.SEC_E_OK, state.made, granted=state.made.flags, established=True)
