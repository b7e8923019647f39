"""Digest for HTTP, both ends in memory: which status each leg has, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sspid.packages import questions
from sspid.packages.digest import package
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import PASSWORD, USER, digest, enrol, parameter, unquoted
from sspid_testing.digest_legs import ALGORITHMS, GET, established, handshake, raises

pytestmark = [pytest.mark.digest, pytest.mark.legs]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_challenge_response_ok(algorithm):
    side = digest(algorithms=(algorithm,))
    acceptor, state, responded = handshake(side)
    assert (responded.status, responded.established) == (SecurityStatus.SEC_E_OK, True)
    assert unquoted(responded.output[0].data, "algorithm") == algorithm
    accepted = side.accept(state, acceptor, responded.output[0].data, GET)
    assert (accepted.status, accepted.established, accepted.output) == (SecurityStatus.SEC_E_OK, True, ())
    assert accepted.expiry is None
    identity = side.world.run(side.package.query_security_context_token(accepted.state))
    assert (identity.name, identity.domain, identity.mapped_by) == ("alice", "EXAMPLE", "account")


def test_initiator_without_challenge_waits_for_one():
    side = digest()
    credential = side.initiator()
    waiting = side.initialize(None, credential, b"")
    assert waiting.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert [buffer.data for buffer in waiting.output] == [b""]
    challenge = side.accept(None, side.acceptor()).output[0].data
    assert side.initialize(waiting.state, credential, challenge, GET, target="/").status is SecurityStatus.SEC_E_OK


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("mallory", PASSWORD)])
def test_wrong_password_and_unknown_user_are_one_and_the_same(user, password):
    side = digest()
    acceptor, state, responded = handshake(side, user, password)
    side.world.asked.clear()
    failure = raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, state, acceptor, responded.output[0].data, GET)
    assert failure.message == "The user name or the password is not right; ask the user for both again."
    assert failure.detail is None
    asked = [type(question).__name__ for question in side.world.asked]
    assert asked == ["SealingKey", "ReadClock", "LookUpDigestSecret", "RecordLogon"]


@pytest.mark.parametrize(
    ("account", "ntstatus"),
    [({"disabled": True}, 0xC0000072), ({"expired": True}, 0xC0000193), ({"locked_out": True}, 0xC0000234)],
)
def test_unusable_account_is_denied_and_says_why_only_to_who_knows_the_password(account, ntstatus):
    side = digest()
    enrol(side.world, **account)
    acceptor, state, responded = handshake(side)
    failure = raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, state, acceptor, responded.output[0].data, GET)
    assert failure.detail is not None
    assert failure.detail.ntstatus == ntstatus
    acceptor, state, responded = handshake(side, password="wrong")
    failure = raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, state, acceptor, responded.output[0].data, GET)
    assert failure.detail is None


def test_every_logon_is_recorded():
    side = digest()
    established(side)
    acceptor, state, responded = handshake(side, password="wrong")
    raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, state, acceptor, responded.output[0].data, GET)
    acceptor, state, responded = handshake(side, user="mallory")
    raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, state, acceptor, responded.output[0].data, GET)
    recorded = [question for question in side.world.asked if isinstance(question, questions.RecordLogon)]
    assert [(one.package, one.name, one.ntstatus) for one in recorded] == [
        ("Digest", "alice", 0),
        ("Digest", "alice", 0xC000006A),
        ("Digest", "mallory", 0xC0000064),
    ]


def test_neither_a_replay_nor_a_stale_response_is_recorded_as_a_logon():
    side = digest()
    acceptor, state, responded = handshake(side)
    assert side.accept(state, acceptor, responded.output[0].data, GET).established
    side.world.asked.clear()
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.accept, state, acceptor, responded.output[0].data, GET)
    side.world.now += timedelta(minutes=6)
    assert b"stale=true" in side.accept(state, acceptor, responded.output[0].data, GET).output[0].data
    assert not any(isinstance(question, questions.RecordLogon) for question in side.world.asked)


def test_stale_nonce_with_the_right_password_is_challenged_anew():
    side = digest()
    acceptor, state, responded = handshake(side)
    side.world.now += timedelta(minutes=6)
    again = side.accept(state, acceptor, responded.output[0].data, GET)
    assert again.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert not again.established
    assert b"stale=true" in again.output[0].data
    retried = side.initialize(responded.state, side.initiator(), again.output[0].data, GET, target="/dir/index.html")
    assert retried.status is SecurityStatus.SEC_E_OK
    assert side.accept(again.state, acceptor, retried.output[0].data, GET).status is SecurityStatus.SEC_E_OK


def test_stale_nonce_with_a_wrong_password_is_denied():
    side = digest()
    acceptor, state, responded = handshake(side, password="wrong")
    side.world.now += timedelta(minutes=6)
    raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, state, acceptor, responded.output[0].data, GET)


def test_nonce_from_the_future_is_stale():
    side = digest()
    acceptor, state, responded = handshake(side)
    side.world.now -= timedelta(minutes=2)
    again = side.accept(state, acceptor, responded.output[0].data, GET)
    assert b"stale=true" in again.output[0].data


def test_second_challenge_without_stale_means_the_password_was_wrong():
    side = digest()
    _, _, responded = handshake(side)
    challenge = side.accept(None, side.acceptor()).output[0].data
    arguments = (responded.state, side.initiator(), challenge, GET)
    raises(SecurityStatus.SEC_E_LOGON_DENIED, side.initialize, *arguments, target="/")


def test_replayed_response_is_out_of_sequence():
    side = digest()
    acceptor, state, responded = handshake(side)
    assert side.accept(state, acceptor, responded.output[0].data, GET).established
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.accept, state, acceptor, responded.output[0].data, GET)


def test_wrong_response_spends_nobodys_nonce_count():
    side = digest()
    acceptor, state, responded = handshake(side)
    header = responded.output[0].data
    forged = header.replace(unquoted(header, "response").encode(), b"0" * 64)
    raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, state, acceptor, forged, GET)
    assert side.world.nonce_uses == {}
    assert side.accept(state, acceptor, header, GET).established


def test_nonce_of_another_caller_is_worth_nothing():
    side = digest()
    acceptor, state, responded = handshake(side)
    step = side.accept(None, acceptor, responded.output[0].data, GET, caller="somebody else")
    assert b"stale=true" in side.complete(step.state, GET).output[0].data
    assert side.accept(state, acceptor, responded.output[0].data, GET).established


def test_nonce_of_another_realm_is_worth_nothing():
    side = digest()
    enrol(side.world, realm="other.test")
    acceptor, _, responded = handshake(side)
    nonce = unquoted(responded.output[0].data, "nonce")
    challenged = side.accept(None, side.acceptor("other.test"))
    swapped = challenged.output[0].data.replace(unquoted(challenged.output[0].data, "nonce").encode(), nonce.encode())
    answer = side.initialize(None, side.initiator(), swapped, GET, target="/").output[0].data
    assert b"stale=true" in side.accept(challenged.state, acceptor, answer, GET).output[0].data


def test_nonce_after_a_change_of_the_sealing_key_is_stale():
    side = digest()
    acceptor, state, responded = handshake(side)
    side.world.sealing_key = bytes(32)
    assert b"stale=true" in side.accept(state, acceptor, responded.output[0].data, GET).output[0].data


def test_nonce_of_a_crashed_worker_is_judged_by_another():
    """Nothing but the response, the sealing key and the shared count survives; both verdicts are still right."""
    side = digest()
    _, _, responded = handshake(side)
    side.package = package()
    acceptor = side.acceptor()
    step = side.accept(None, acceptor, responded.output[0].data, GET)
    assert step.status is SecurityStatus.SEC_I_COMPLETE_NEEDED
    assert side.complete(step.state, GET).status is SecurityStatus.SEC_E_OK
    step = side.accept(None, acceptor, responded.output[0].data, GET)
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.complete, step.state, GET)


def test_accept_on_an_established_context_is_a_logon_failure():
    side = digest()
    initiator, acceptor = established(side)
    header = side.sign(initiator, "GET", "/")
    raises(SecurityStatus.STATUS_LOGON_FAILURE, side.accept, acceptor, side.acceptor(), header, GET)


def test_response_without_a_context_is_judged_by_complete_auth_token():
    side = digest()
    initiator, _ = established(side)
    header = side.sign(initiator, "GET", "/next")
    step = side.accept(None, side.acceptor(), header, GET)
    assert (step.status, step.established, step.output) == (SecurityStatus.SEC_I_COMPLETE_NEEDED, False, ())
    done = side.complete(step.state, GET)
    assert (done.status, done.established) == (SecurityStatus.SEC_E_OK, True)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signatures_authenticate_later_requests(algorithm):
    side = digest(algorithms=(algorithm,))
    initiator, acceptor = established(side)
    for number in range(2, 5):
        header = side.sign(initiator, "POST", f"/{number}")
        assert unquoted(header, "nc") == f"{number:08x}"
        side.verify(acceptor, header, "POST", f"/{number}")


def test_verify_signature_takes_only_the_next_count():
    side = digest()
    initiator, acceptor = established(side)
    second, third = (side.sign(initiator, "GET", "/") for _ in range(2))
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.verify, acceptor, third, "GET", "/")
    side.verify(acceptor, second, "GET", "/")
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.verify, acceptor, second, "GET", "/")
    side.verify(acceptor, third, "GET", "/")


def test_verify_signature_of_a_count_used_elsewhere_is_out_of_sequence():
    side = digest()
    initiator, acceptor = established(side)
    header = side.sign(initiator, "GET", "/")
    step = side.accept(None, side.acceptor(), header, GET)
    assert side.complete(step.state, GET).established
    raises(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, side.verify, acceptor, header, "GET", "/")


@pytest.mark.parametrize(("method", "uri"), [("POST", "/next"), ("GET", "/other")], ids=["another method", "another URI"])
def test_verify_signature_of_an_altered_request(method, uri):
    side = digest()
    initiator, acceptor = established(side)
    header = side.sign(initiator, "GET", "/next")
    raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, side.verify, acceptor, header, method, uri)
    side.verify(acceptor, header, "GET", "/next")


@pytest.mark.parametrize(
    ("directive", "other"),
    [("username", "mallory"), ("realm", "other"), ("opaque", "other"), ("algorithm", "MD5")],
)
def test_verify_signature_of_another_session(directive, other):
    side = digest()
    initiator, acceptor = established(side)
    header = side.sign(initiator, "GET", "/")
    value = unquoted(header, directive)
    changed = header.replace(f'{directive}="{value}"'.encode(), f'{directive}="{other}"'.encode())
    if directive == "algorithm":
        changed = header.replace(b"SHA-256", b"MD5").replace(unquoted(header, "response").encode(), b"0" * 32)
    raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, side.verify, acceptor, changed, "GET", "/")


def test_verify_signature_under_an_expired_nonce_asks_for_a_new_challenge():
    side = digest()
    initiator, acceptor = established(side)
    side.world.now += timedelta(minutes=6)
    header = side.sign(initiator, "GET", "/")
    raises(SecurityStatus.SEC_E_CONTEXT_EXPIRED, side.verify, acceptor, header, "GET", "/")
    step = side.accept(None, side.acceptor(), header, GET)
    assert b"stale=true" in side.complete(step.state, GET).output[0].data


def test_make_signature_when_all_counts_are_used():
    side = digest()
    initiator, _ = established(side)
    initiator.count = 0xFFFFFFFF
    raises(SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, side.sign, initiator, "GET", "/")


def test_make_signature_into_too_little_room_moves_nothing():
    side = digest()
    initiator, acceptor = established(side)
    padding = SecurityBuffer(BufferType.PADDING, size=20)
    buffers = (GET, parameter("/"), parameter(), padding)
    raises(SecurityStatus.SEC_E_BUFFER_TOO_SMALL, side.message, "make_signature", initiator, buffers)
    side.verify(acceptor, side.sign(initiator, "GET", "/"), "GET", "/")


def test_signatures_take_no_quality_of_protection_and_no_sequence_number():
    side = digest()
    initiator, acceptor = established(side)
    buffers = (GET, parameter("/"), parameter(), SecurityBuffer(BufferType.PADDING))
    for state, function in ((initiator, "make_signature"), (acceptor, "verify_signature")):
        raises(SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, side.message, function, state, buffers, qop=1)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.message, function, state, buffers, sequence_number=1)


def test_signatures_need_their_buffers():
    side = digest()
    initiator, acceptor = established(side)
    raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.message, "make_signature", initiator, (GET, parameter("/")))
    raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.message, "verify_signature", acceptor, (GET, parameter("/")))


@pytest.mark.parametrize("function", ["encrypt_message", "decrypt_message"])
def test_http_encrypts_nothing(function):
    side = digest()
    for state in established(side):
        raises(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, side.message, function, state, ())


def test_message_functions_before_the_end_have_no_context():
    side = digest()
    state = side.accept(None, side.acceptor()).state
    for function in ("encrypt_message", "decrypt_message", "make_signature", "verify_signature"):
        raises(SecurityStatus.SEC_E_INVALID_HANDLE, side.message, function, state, ())


def test_later_cnonces_of_clients_that_compute_the_session_key_anew():
    """Some clients hash each request's cnonce into -sess, others the first one's (RFC 7616 3.4.2); both are taken."""
    side = digest(algorithms=("MD5-sess",))
    initiator, acceptor = established(side)
    challenge = side.accept(None, side.acceptor()).output[0].data
    nonce = unquoted(challenge, "nonce").encode()
    mine = unquoted(side.sign(initiator, "GET", "/"), "nonce").encode()
    opaques = unquoted(challenge, "opaque").encode(), acceptor.offer.audience.opaque.encode()
    challenge = challenge.replace(nonce, mine).replace(*opaques)
    anew = side.initialize(None, side.initiator(), challenge, GET, target="/").state
    header = side.sign(anew, "GET", "/")
    assert unquoted(header, "nc") == "00000002"
    side.verify(acceptor, header, "GET", "/")
