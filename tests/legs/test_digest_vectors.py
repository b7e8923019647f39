"""The published Digest examples, through both roles with handed-in nonces."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sspid.packages.digest import algorithms, challenge, http_session, sasl_initiator, sasl_response
from sspid.packages.digest.bindings import Outer
from sspid.packages.digest.challenge import SaslChallenge
from sspid.packages.digest.http_response import read as read_response
from sspid.packages.digest.http_session import Request
from sspid.packages.digest.policy import DigestPolicy
from sspid.packages.digest.sasl_acceptor import SaslChallenged
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, Digest, digest, enrol, entity_hash, parameter, unquoted

pytestmark = [pytest.mark.digest, pytest.mark.legs]
VECTORS = Path(__file__).parent.parent / "vectors/digest"


def _load(name: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in json.loads((VECTORS / name).read_text("utf-8"))]


def _challenge(case: dict[str, Any]) -> bytes:
    parts = [f'realm="{case["realm"]}"', f'nonce="{case["nonce"]}"', f"algorithm={case['algorithm']}"]
    parts += [f'qop="{case["qop"]}"'] * bool(case["qop"]) + [f'opaque="{case["opaque"]}"', "charset=UTF-8"]
    parts += ["userhash=true"] * ("userhash" in case)
    return ", ".join(parts).encode()


def _entity(case: dict[str, Any]) -> str:
    return entity_hash(case["body"].encode(), case["algorithm"]) if "body" in case else ""


def _authorization(case: dict[str, Any]) -> tuple[Any, bytes]:
    side = Digest()
    credential = side.initiator(case["user"], case["password"])
    session = http_session.begin(credential, challenge.read(_challenge(case)), case["qop"], case["cnonce"], None)
    return session, session.authorization(Request(case["method"], case["uri"], _entity(case)), case["nc"])


@pytest.mark.parametrize("case", _load("http.json"))
def test_initiator_makes_the_published_response(case):
    _, header = _authorization(case)
    assert unquoted(header, "response") == case["response"]
    if "userhash" in case:
        assert unquoted(header, "username") == case["userhash"]
    assert case["response"] not in case.get("not", [])


@pytest.mark.parametrize("case", [case for case in _load("http.json") if "ha1" in case.values[0]])
def test_session_hash_is_the_published_one(case):
    session, _ = _authorization(case)
    assert session.session_hash == case["ha1"]


@pytest.mark.parametrize("case", [case for case in _load("http.json") if "rspauth" in case.values[0]])
def test_initiator_believes_the_published_rspauth_and_no_other(case):
    session, _ = _authorization(case)
    asked = session.asked(Request(case["method"], case["uri"]), case["nc"])
    session.proven(http_session.read_info(f'rspauth="{case["rspauth"]}"'.encode()), asked, "")
    with pytest.raises(SspiError) as caught:
        session.proven(http_session.read_info(f'rspauth="{case["response"]}"'.encode()), asked, "")
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


@pytest.mark.parametrize("case", _load("http.json"))
def test_acceptor_knows_the_published_response_for_right(case):
    """Its nonce is somebody else's, so a right response is answered with stale=true and a wrong one is denied."""
    side = digest(algorithms=(case["algorithm"],), without_qop=True)
    enrol(side.world, case["user"], case["realm"], case["password"])
    flags = HTTP | {ContextFlag.INTEGRITY}
    _, header = _authorization(case)
    buffers = parameter(case["method"]), parameter(case["uri"]), parameter(_entity(case))
    step = side.accept(None, side.acceptor(case["realm"]), header, *buffers, flags=flags)
    judged = side.complete(step.state, *buffers)
    assert judged.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert b"stale=true" in judged.output[0].data
    for value in [case["response"][::-1], *case.get("not", [])]:
        wrong = header.replace(case["response"].encode(), value.encode())
        step = side.accept(None, side.acceptor(case["realm"]), wrong, *buffers, flags=flags)
        with pytest.raises(SspiError) as caught:
            side.complete(step.state, *buffers)
        assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


@pytest.mark.parametrize("case", [case for case in _load("http.json") if "userhash" in case.values[0]])
def test_userhash_is_the_published_one(case):
    response = read_response(_authorization(case)[1])
    assert response.user == ((case["userhash"],), True)


def _sasl_response(case: dict[str, Any]) -> tuple[Any, Any]:
    side = Digest()
    credential = side.initiator(case["user"], case["password"])
    offered = SaslChallenge(case["realm"], case["nonce"], (case["qop"],))
    response = sasl_initiator.respond(credential, offered, case["uri"], NO_FLAGS, case["cnonce"])
    return response, response.session_hash(sasl_initiator.account_hash(credential, response))


@pytest.mark.parametrize("case", _load("sasl.json"))
def test_sasl_initiator_makes_the_published_response(case):
    response, session_hash = _sasl_response(case)
    assert session_hash.hex() == case["ha1"]
    assert unquoted(response.written(session_hash), "response") == case["response"]
    sasl_response.check_proof(f"rspauth={case['rspauth']}".encode(), response, session_hash)


@pytest.mark.parametrize("case", _load("sasl.json"))
def test_sasl_acceptor_answers_the_published_response_with_the_published_rspauth(case):
    side = digest()
    enrol(side.world, case["user"], case["realm"], case["password"])
    response, session_hash = _sasl_response(case)
    state = SaslChallenged(SaslChallenge(case["realm"], case["nonce"], ("auth",)), DigestPolicy(), NO_FLAGS)
    step = side.accept(state, side.acceptor(case["realm"]), response.written(session_hash), flags=NO_FLAGS)
    assert step.status is SecurityStatus.SEC_E_OK
    assert step.output[0].data == f"rspauth={case['rspauth']}".encode()


@pytest.mark.parametrize("case", _load("channel_binding.json"))
def test_client_nonce_binds_service_and_channel_as_published(case):
    outer = Outer(case["service"], case["binding"])
    assert outer.cnonce("00") == f"+Upgraded+v1{case['proof']}00"


def test_sha512_256_is_not_sha512_cut_short():
    algorithm = algorithms.find("SHA-512-256")
    assert algorithm is not None
    assert algorithm.hex("abc") == hashlib.new("sha512_256", b"abc").hexdigest() != hashlib.sha512(b"abc").hexdigest()[:64]


def test_handed_in_clock_and_dice_make_the_same_challenge_twice():
    first, second = (_fixed_challenge() for _ in range(2))
    assert first == second
    assert first.startswith(b'realm="example.test", nonce="')


def _fixed_challenge() -> bytes:
    side = digest()
    side.world = replace(side.world, randoms=[bytes(range(32))])
    return bytes(side.accept(None, side.acceptor()).output[0].data)
