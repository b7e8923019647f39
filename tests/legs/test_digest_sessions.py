"""Later requests of an accepted HTTP session that come without its context: each is judged for itself, many at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sspid.packages import questions
from sspid.packages.contract import Leg
from sspid.vocabulary.buffers import token
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, Digest, digest, enrol, parameter, unquoted
from sspid_testing.digest_legs import GET, INTEGRITY, MUTUAL, established, handshake, raises

pytestmark = [pytest.mark.digest, pytest.mark.legs]
OK, COMPLETE = SecurityStatus.SEC_E_OK, SecurityStatus.SEC_I_COMPLETE_NEEDED


def resumed(side: Digest, acceptor, header, method=GET, *more, flags=HTTP, credential=None):
    leg = Leg(credential or side.acceptor(), (token(header), method, *more), flags, caller="tests")
    return side.world.run(side.package.resume_security_context(acceptor, leg))


def test_later_requests_without_their_context():
    side = digest()
    initiator, acceptor = established(side)
    side.world.asked.clear()
    for uri in ("/next", "/after"):
        header = side.sign(initiator, "GET", uri)
        assert side.package.session_reference(header) == side.package.context_reference(acceptor) != ""
        step = resumed(side, acceptor, header)
        assert (step.status, step.established) == (COMPLETE, False)
        raises(SecurityStatus.SEC_E_INVALID_HANDLE, side.world.run, side.package.query_security_context_token(step.state))
        done = side.complete(step.state, GET)
        assert (done.status, done.established) == (OK, True)
        assert side.world.run(side.package.query_security_context_token(done.state)).name == "alice"
    assert not any(isinstance(each, questions.LookUpDigestSecret) for each in side.world.asked)


def test_two_requests_at_once_are_each_judged_and_each_proved():
    """Both legs come before either is completed: neither hash nor proof of one is the other's."""
    side = digest()
    acceptor, state, responded = handshake(side, flags=MUTUAL)
    owed = side.accept(state, acceptor, responded.output[0].data, GET, flags=MUTUAL)
    first = side.complete(owed.state, GET)
    sent = side.initialize(responded.state, side.initiator(), first.output[0].data, GET, target="/dir/index.html").state
    one, two = side.sign(sent, "GET", "/one"), side.sign(sent, "POST", "/two")
    legs = [resumed(side, first.state, one), resumed(side, first.state, two, parameter("POST"))]
    owing = [side.complete(step.state, parameter()) for step in legs]
    assert [step.status for step in owing] == [COMPLETE, COMPLETE]
    infos = [side.complete(step.state).output[0].data for step in owing]
    assert [unquoted(info, "nc") for info in infos] == ["00000002", "00000003"]
    raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, side.verify, sent, infos[0], "POST", "/two")
    side.verify(sent, infos[1], "POST", "/two")


def test_the_lower_count_may_not_come_last():
    side = digest()
    initiator, acceptor = established(side)
    legs = [resumed(side, acceptor, side.sign(initiator, "GET", "/")) for _ in range(2)]
    assert side.complete(legs[1].state, GET).established
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.complete, legs[0].state, GET)


def test_verify_signature_goes_on_where_they_have_counted_to():
    side = digest()
    initiator, acceptor = established(side)
    assert side.complete(resumed(side, acceptor, side.sign(initiator, "GET", "/")).state, GET).established
    side.verify(acceptor, side.sign(initiator, "GET", "/"), "GET", "/")


def test_old_count_is_out_of_sequence():
    side = digest()
    initiator, acceptor = established(side)
    header = side.sign(initiator, "GET", "/next")
    assert side.complete(resumed(side, acceptor, header).state, GET).established
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.complete, resumed(side, acceptor, header).state, GET)


def test_wrong_response_is_altered_and_ends_nothing():
    side = digest()
    initiator, acceptor = established(side)
    header = side.sign(initiator, "GET", "/next")
    step = resumed(side, acceptor, header, parameter("POST"))
    raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, side.complete, step.state, parameter("POST"))
    assert side.complete(resumed(side, acceptor, header).state, GET).established


def test_aged_nonce_is_challenged_anew_and_the_answer_begins_a_session():
    side = digest()
    initiator, acceptor = established(side)
    side.world.now += timedelta(minutes=6)
    again = side.complete(resumed(side, acceptor, side.sign(initiator, "GET", "/")).state, GET)
    assert (again.status, again.established) == (SecurityStatus.SEC_I_CONTINUE_NEEDED, False)
    assert b"stale=true" in again.output[0].data
    answered = side.initialize(initiator, side.initiator(), again.output[0].data, GET, target="/")
    assert side.accept(again.state, side.acceptor(), answered.output[0].data, GET).established


def test_body_of_a_later_request_is_judged():
    side = digest()
    acceptor, state, responded = handshake(side, flags=INTEGRITY)
    hashed = "0" * 64
    made = side.complete(responded.state, parameter("GET"), parameter(hashed))
    accepted = side.accept(state, acceptor, made.output[0].data, GET, parameter(), parameter(hashed), flags=INTEGRITY)
    header = side.sign(made.state, "GET", "/", "1" * 64)
    other = resumed(side, accepted.state, header)
    raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, side.complete, other.state, GET, parameter(), parameter("2" * 64))
    same = resumed(side, accepted.state, header)
    assert side.complete(same.state, GET, parameter(), parameter("1" * 64)).established


def test_what_the_leg_gives_is_compared():
    side = digest()
    enrol(side.world, realm="other.test")
    initiator, acceptor = established(side)
    header = side.sign(initiator, "GET", "/next")
    raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, resumed, side, acceptor, header, GET, parameter("/other"))
    elsewhere = side.acceptor("other.test")
    raises(SecurityStatus.SEC_E_INVALID_TOKEN, resumed, side, acceptor, header, credential=elsewhere)
    sealed = HTTP | {ContextFlag.CONFIDENTIALITY}
    raises(SecurityStatus.SEC_E_SECURITY_QOS_FAILED, resumed, side, acceptor, header, flags=sealed)


def test_only_an_established_acceptor_is_resumed():
    side = digest()
    initiator, _ = established(side)
    assert side.package.context_reference(initiator) == ""
    raises(SecurityStatus.SEC_E_INVALID_HANDLE, resumed, side, initiator, b"")


def test_a_challenge_alone_goes_on_elsewhere():
    side = digest()
    challenged = side.accept(None, side.acceptor())
    assert side.package.goes_on_elsewhere(challenged.state)
    _, acceptor = established(side)
    unjudged = side.accept(None, side.acceptor(), handshake(side)[2].output[0].data, GET)
    sasl = side.accept(None, side.acceptor(), flags=frozenset())
    assert not any(side.package.goes_on_elsewhere(state) for state in (acceptor, unjudged.state, sasl.state, None))


@pytest.mark.parametrize("form", ['opaque="{}"', 'Opaque="{}"', "opaque={}", 'opaque = "{}"'])
def test_the_opaque_is_found_however_it_is_written(form):
    side = digest()
    initiator, acceptor = established(side)
    opaque = acceptor.offer.audience.opaque
    header = side.sign(initiator, "GET", "/").replace(f'opaque="{opaque}"'.encode(), form.format(opaque).encode())
    assert side.package.session_reference(header) == opaque
    assert side.complete(resumed(side, acceptor, header).state, GET).established


def test_an_opaque_inside_another_value_is_none():
    side = digest()
    enrol(side.world, f'a, opaque="{"x" * 22}", b')
    _, state, responded = handshake(side, f'a, opaque="{"x" * 22}", b')
    assert side.package.session_reference(responded.output[0].data) == state.offer.audience.opaque
