"""SEC_I_COMPLETE_NEEDED, SEC_I_COMPLETE_AND_CONTINUE and what CompleteAuthToken makes of them, on both sides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, digest, entity_hash, parameter, unquoted

pytestmark = [pytest.mark.digest, pytest.mark.legs]
GET, POST, EMPTY = parameter("GET"), parameter("POST"), parameter()
MUTUAL = HTTP | {ContextFlag.MUTUAL_AUTH}
INTEGRITY = HTTP | {ContextFlag.INTEGRITY}
BOTH = MUTUAL | INTEGRITY
SASL: Flags = frozenset()
HASHED = parameter(entity_hash(b"request", "SHA-256"))
ANSWER = parameter(entity_hash(b"answer", "SHA-256"))
OTHER = parameter(entity_hash(b"altered", "SHA-256"))
STATUS = SecurityStatus


def raises(status, function, *arguments, **settings):
    with pytest.raises(SspiError) as caught:
        function(*arguments, **settings)
    assert caught.value.status is status, caught.value


def challenged(side, flags):
    acceptor = side.acceptor()
    return acceptor, side.accept(None, acceptor, flags=flags)


class TestHttpAcceptor:
    def test_mutual_auth_completes_with_authentication_info(self):
        side = digest()
        acceptor, challenge = challenged(side, MUTUAL)
        responded = side.initialize(None, side.initiator(), challenge.output[0].data, GET, target="/", flags=MUTUAL)
        assert (responded.status, responded.established) == (STATUS.SEC_I_CONTINUE_NEEDED, False)
        judged = side.accept(challenge.state, acceptor, responded.output[0].data, GET, flags=MUTUAL)
        assert (judged.status, judged.established, judged.output) == (STATUS.SEC_I_COMPLETE_NEEDED, False, ())
        done = side.complete(judged.state, GET)
        assert (done.status, done.established) == (STATUS.SEC_E_OK, True)
        info = done.output[0].data
        assert unquoted(info, "nc") == "00000001"
        assert ContextFlag.MUTUAL_AUTH in done.granted
        proven = side.initialize(responded.state, side.initiator(), info, GET, target="/", flags=MUTUAL)
        assert (proven.status, proven.established) == (STATUS.SEC_E_OK, True)
        assert ContextFlag.MUTUAL_AUTH in proven.granted
        side.verify(done.state, side.sign(proven.state, "GET", "/next"), "GET", "/next")

    def test_authentication_info_covers_the_answer_under_auth_int(self):
        side = digest()
        acceptor, challenge = challenged(side, BOTH)
        credential = side.initiator()
        responded = side.initialize(None, credential, challenge.output[0].data, POST, HASHED, target="/", flags=BOTH)
        judged = side.accept(challenge.state, acceptor, responded.output[0].data, POST, EMPTY, HASHED, flags=BOTH)
        info = side.complete(judged.state, POST, EMPTY, ANSWER).output[0].data
        arguments = (responded.state, credential, info, POST)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.initialize, *arguments, OTHER, target="/", flags=BOTH)
        proven = side.initialize(*arguments, ANSWER, target="/", flags=BOTH)
        assert proven.status is STATUS.SEC_E_OK

    def test_authentication_info_under_auth_int_needs_the_hash(self):
        side = digest()
        acceptor, challenge = challenged(side, BOTH)
        responded = side.initialize(None, side.initiator(), challenge.output[0].data, POST, HASHED, target="/", flags=BOTH)
        judged = side.accept(challenge.state, acceptor, responded.output[0].data, POST, EMPTY, HASHED, flags=BOTH)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.complete, judged.state, POST)

    def test_body_that_comes_later_is_judged_then(self):
        side = digest()
        acceptor, challenge = challenged(side, INTEGRITY)
        responded = side.initialize(None, side.initiator(), challenge.output[0].data, POST, HASHED, target="/", flags=INTEGRITY)
        waiting = side.accept(challenge.state, acceptor, responded.output[0].data, POST)
        assert (waiting.status, waiting.established) == (STATUS.SEC_I_COMPLETE_NEEDED, False)
        wanted = side.world.run(side.package.query_context_attributes(waiting.state, ContextAttribute.KEY_INFO))
        assert (wanted.signature_algorithm_name, wanted.key_size) == ("SHA-256", 256)
        raises(STATUS.SEC_E_LOGON_DENIED, side.complete, waiting.state, POST, EMPTY, OTHER)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.complete, waiting.state, POST)
        done = side.complete(waiting.state, POST, EMPTY, HASHED)
        assert (done.status, done.established) == (STATUS.SEC_E_OK, True)

    def test_body_that_comes_later_and_mutual_auth_complete_twice(self):
        side = digest()
        acceptor, challenge = challenged(side, BOTH)
        responded = side.initialize(None, side.initiator(), challenge.output[0].data, POST, HASHED, target="/", flags=BOTH)
        waiting = side.accept(challenge.state, acceptor, responded.output[0].data, POST, flags=BOTH)
        judged = side.complete(waiting.state, POST, EMPTY, HASHED)
        assert (judged.status, judged.established) == (STATUS.SEC_I_COMPLETE_NEEDED, False)
        done = side.complete(judged.state, POST, EMPTY, ANSWER)
        assert (done.status, done.established) == (STATUS.SEC_E_OK, True)
        assert unquoted(done.output[0].data, "qop") == "auth-int"

    def test_uri_of_the_completing_call_is_compared(self):
        side = digest()
        _, challenge = challenged(side, HTTP)
        header = side.initialize(None, side.initiator(), challenge.output[0].data, GET, target="/").output[0].data
        step = side.accept(None, side.acceptor(), header, GET)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.complete, step.state, GET, parameter("/admin"))

    def test_replay_without_a_context_is_out_of_sequence(self):
        side = digest()
        acceptor, challenge = challenged(side, HTTP)
        header = side.initialize(None, side.initiator(), challenge.output[0].data, GET, target="/").output[0].data
        assert side.accept(challenge.state, acceptor, header, GET).established
        step = side.accept(None, acceptor, header, GET)
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, side.complete, step.state, GET)

    def test_wrong_password_without_a_context_is_denied(self):
        side = digest()
        _, challenge = challenged(side, HTTP)
        credential = side.initiator(password="wrong")
        header = side.initialize(None, credential, challenge.output[0].data, GET, target="/").output[0].data
        step = side.accept(None, side.acceptor(), header, GET)
        raises(STATUS.SEC_E_LOGON_DENIED, side.complete, step.state, GET)

    def test_later_answers_are_proven_by_signatures(self):
        side = digest()
        initiator, acceptor = _both_established(side)
        side.verify(acceptor, side.sign(initiator, "GET", "/next"), "GET", "/next")
        info = side.sign(acceptor, "GET", "/next")
        assert unquoted(info, "nc") == "00000002"
        wrong = info.replace(unquoted(info, "rspauth").encode(), b"0" * 64)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.verify, initiator, wrong, "GET", "/next")
        side.verify(initiator, info, "GET", "/next")

    def test_client_without_qop_is_sent_a_nonce_at_most(self):
        """RFC 2069 has no proof of the server: MUTUAL_AUTH is not granted, and only a fresh nonce can be handed out."""
        side = digest(without_qop=True)
        acceptor, challenge = challenged(side, MUTUAL)
        offered = challenge.output[0].data.replace(b'qop="auth", ', b"")
        header = side.initialize(None, side.initiator(), offered, GET, target="/").output[0].data
        accepted = side.accept(challenge.state, acceptor, header, GET, flags=MUTUAL)
        assert (accepted.status, ContextFlag.MUTUAL_AUTH in accepted.granted) == (STATUS.SEC_E_OK, False)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.sign, accepted.state, "GET", "/")
        side.world.now += timedelta(minutes=3)
        info = side.sign(accepted.state, "GET", "/")
        assert info.startswith(b"nextnonce=")

    def test_later_request_with_another_qop_is_altered(self):
        side = digest()
        _, acceptor = _both_established(side)
        nonce, opaque = acceptor.response.asked.nonce, acceptor.offer.audience.opaque
        challenge = f'realm="example.test", nonce="{nonce}", opaque="{opaque}", qop="auth-int", algorithm=SHA-256'
        step = side.initialize(None, side.initiator(), challenge.encode(), GET, HASHED, target="/", flags=INTEGRITY)
        header = side.sign(step.state, "GET", "/", HASHED.data.decode())
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.verify, acceptor, header, "GET", "/", HASHED.data.decode())


class TestNextNonce:
    def test_is_handed_out_when_half_the_time_has_passed(self):
        side = digest()
        initiator, acceptor = _both_established(side)
        assert b"nextnonce" not in side.sign(acceptor, "GET", "/")
        side.world.now += timedelta(minutes=3)
        info = side.sign(acceptor, "GET", "/")
        following = unquoted(info, "nextnonce")
        side.verify(initiator, info, "GET", "/")
        header = side.sign(initiator, "GET", "/")
        assert (unquoted(header, "nonce"), unquoted(header, "nc")) == (following, "00000001")
        side.world.now += timedelta(minutes=3)
        side.verify(acceptor, header, "GET", "/")
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, side.verify, acceptor, header, "GET", "/")

    def test_is_not_handed_out_where_policy_says_so(self):
        side = digest(next_nonce=False)
        _, acceptor = _both_established(side)
        side.world.now += timedelta(minutes=3)
        assert b"nextnonce" not in side.sign(acceptor, "GET", "/")

    def test_is_not_handed_out_to_a_session_key(self):
        side = digest(algorithms=("SHA-256-sess",))
        _, acceptor = _both_established(side)
        side.world.now += timedelta(minutes=3)
        assert b"nextnonce" not in side.sign(acceptor, "GET", "/")

    def test_old_nonce_still_counts_after_it(self):
        side = digest()
        initiator, acceptor = _both_established(side)
        side.world.now += timedelta(minutes=3)
        assert b"nextnonce" in side.sign(acceptor, "GET", "/")
        side.verify(acceptor, side.sign(initiator, "GET", "/"), "GET", "/")


class TestHttpInitiator:
    def test_body_that_comes_later_completes_the_response(self):
        side = digest()
        acceptor, challenge = challenged(side, INTEGRITY)
        step = side.initialize(None, side.initiator(), challenge.output[0].data, POST, target="/", flags=INTEGRITY)
        assert (step.status, step.established, step.output) == (STATUS.SEC_I_COMPLETE_NEEDED, False, ())
        wanted = side.world.run(side.package.query_context_attributes(step.state, ContextAttribute.KEY_INFO))
        assert wanted.signature_algorithm_name == "SHA-256"
        done = side.complete(step.state, POST, HASHED)
        assert (done.status, done.established) == (STATUS.SEC_E_OK, True)
        accepted = side.accept(challenge.state, acceptor, done.output[0].data, POST, EMPTY, HASHED)
        assert accepted.status is STATUS.SEC_E_OK

    def test_body_that_comes_later_with_mutual_auth_completes_and_continues(self):
        side = digest()
        acceptor, challenge = challenged(side, BOTH)
        credential = side.initiator()
        step = side.initialize(None, credential, challenge.output[0].data, POST, target="/", flags=BOTH)
        assert (step.status, step.output) == (STATUS.SEC_I_COMPLETE_AND_CONTINUE, ())
        done = side.complete(step.state, POST, HASHED)
        assert (done.status, done.established) == (STATUS.SEC_E_OK, False)
        judged = side.accept(challenge.state, acceptor, done.output[0].data, POST, EMPTY, HASHED, flags=BOTH)
        info = side.complete(judged.state, POST, EMPTY, ANSWER).output[0].data
        proven = side.initialize(done.state, credential, info, POST, ANSWER, target="/", flags=BOTH)
        assert (proven.status, proven.established) == (STATUS.SEC_E_OK, True)

    def test_answer_that_comes_later_completes_the_proof(self):
        side = digest()
        acceptor, challenge = challenged(side, BOTH)
        credential = side.initiator()
        responded = side.initialize(None, credential, challenge.output[0].data, POST, HASHED, target="/", flags=BOTH)
        judged = side.accept(challenge.state, acceptor, responded.output[0].data, POST, EMPTY, HASHED, flags=BOTH)
        info = side.complete(judged.state, POST, EMPTY, ANSWER).output[0].data
        waiting = side.initialize(responded.state, credential, info, POST, target="/", flags=BOTH)
        assert (waiting.status, waiting.established) == (STATUS.SEC_I_COMPLETE_NEEDED, False)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.complete, waiting.state, POST, OTHER)
        done = side.complete(waiting.state, POST, ANSWER)
        assert (done.status, done.established) == (STATUS.SEC_E_OK, True)

    def test_proof_that_does_not_cover_the_answer_is_no_proof_under_auth_int(self):
        side = digest()
        acceptor, challenge = challenged(side, BOTH)
        credential = side.initiator()
        responded = side.initialize(None, credential, challenge.output[0].data, POST, HASHED, target="/", flags=BOTH)
        judged = side.accept(challenge.state, acceptor, responded.output[0].data, POST, EMPTY, HASHED, flags=BOTH)
        info = side.complete(judged.state, POST, EMPTY, ANSWER).output[0].data.replace(b"qop=auth-int", b"qop=auth")
        arguments = (responded.state, credential, info, POST, ANSWER)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.initialize, *arguments, target="/", flags=BOTH)

    def test_missing_hash_is_invalid(self):
        side = digest()
        _, challenge = challenged(side, INTEGRITY)
        step = side.initialize(None, side.initiator(), challenge.output[0].data, POST, target="/", flags=INTEGRITY)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.complete, step.state, POST)

    @pytest.mark.parametrize(
        "info", [b"", b'nextnonce="x"', b'rspauth="00"', b'rspauth="00", nc=00000002', b'rspauth="", qop=x']
    )
    def test_server_that_does_not_prove_itself(self, info):
        side = digest()
        _, challenge = challenged(side, MUTUAL)
        credential = side.initiator()
        step = side.initialize(None, credential, challenge.output[0].data, GET, target="/", flags=MUTUAL)
        arguments = (step.state, credential, info, GET)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.initialize, *arguments, target="/", flags=MUTUAL)

    @pytest.mark.parametrize(("old", "new"), [(b"nc=00000001", b"nc=00000002"), (b'cnonce="', b'cnonce="x')])
    def test_proof_that_says_it_answers_another_request(self, old, new):
        side = digest()
        acceptor, challenge = challenged(side, MUTUAL)
        credential = side.initiator()
        step = side.initialize(None, credential, challenge.output[0].data, GET, target="/", flags=MUTUAL)
        judged = side.accept(challenge.state, acceptor, step.output[0].data, GET, flags=MUTUAL)
        info = side.complete(judged.state, GET).output[0].data
        assert old in info
        arguments = (step.state, credential, info.replace(old, new), GET)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.initialize, *arguments, target="/", flags=MUTUAL)

    def test_stale_challenge_in_place_of_the_proof_is_answered(self):
        side = digest()
        acceptor, challenge = challenged(side, MUTUAL)
        credential = side.initiator()
        step = side.initialize(None, credential, challenge.output[0].data, GET, target="/", flags=MUTUAL)
        side.world.now += timedelta(minutes=6)
        again = side.accept(challenge.state, acceptor, step.output[0].data, GET, flags=MUTUAL)
        retried = side.initialize(step.state, credential, again.output[0].data, GET, target="/", flags=MUTUAL)
        assert retried.status is STATUS.SEC_I_CONTINUE_NEEDED
        assert side.accept(again.state, acceptor, retried.output[0].data, GET).status is STATUS.SEC_I_COMPLETE_NEEDED


class TestSasl:
    def test_mutual_auth_completes_and_continues_until_the_client_assents(self):
        side = digest()
        flags = frozenset({ContextFlag.MUTUAL_AUTH})
        acceptor, challenge = challenged(side, flags)
        credential = side.initiator()
        responded = side.initialize(None, credential, challenge.output[0].data, target="imap/host", flags=flags)
        judged = side.accept(challenge.state, acceptor, responded.output[0].data, flags=flags)
        assert (judged.status, judged.established, judged.output) == (STATUS.SEC_I_COMPLETE_AND_CONTINUE, False, ())
        done = side.complete(judged.state)
        assert (done.status, done.established) == (STATUS.SEC_E_OK, False)
        assert done.output[0].data.startswith(b"rspauth=")
        proven = side.initialize(responded.state, credential, done.output[0].data, flags=flags)
        assert (proven.status, proven.established, proven.output) == (STATUS.SEC_E_OK, True, ())
        raises(STATUS.SEC_E_INVALID_TOKEN, side.accept, done.state, acceptor, b"x", flags=flags)
        final = side.accept(done.state, acceptor, b"", flags=flags)
        assert (final.status, final.established) == (STATUS.SEC_E_OK, True)
        assert ContextFlag.MUTUAL_AUTH in final.granted


class TestWrongState:
    def test_nothing_is_open(self):
        side = digest()
        initiator, acceptor = _both_established(side)
        waiting = side.accept(None, side.acceptor()).state
        first = side.initialize(None, side.initiator(), b"").state
        sasl = side.accept(None, side.acceptor(), flags=SASL).state
        for state in (initiator, acceptor, waiting, first, sasl, None):
            raises(STATUS.SEC_E_OUT_OF_SEQUENCE, side.complete, state, GET)

    def test_completing_comes_before_any_other_leg(self):
        side = digest()
        acceptor, challenge = challenged(side, BOTH)
        credential = side.initiator()
        open_initiator = side.initialize(None, credential, challenge.output[0].data, POST, target="/", flags=BOTH).state
        done = side.complete(open_initiator, POST, HASHED)
        open_acceptor = side.accept(challenge.state, acceptor, done.output[0].data, POST, EMPTY, HASHED, flags=BOTH).state
        arguments = (challenge.output[0].data, POST)
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, side.initialize, open_initiator, credential, *arguments, target="/")
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, side.accept, open_acceptor, acceptor, *arguments)
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, side.message, "make_signature", open_acceptor, (token(b""),))

    def test_initiator_and_acceptor_do_not_swap(self):
        side = digest()
        initiator, acceptor = _both_established(side)
        raises(STATUS.SEC_E_INVALID_HANDLE, side.initialize, acceptor, side.initiator(), b"x")
        raises(STATUS.SEC_E_INVALID_HANDLE, side.accept, initiator, side.acceptor(), b"x")

    def test_identity_is_told_only_by_an_established_acceptor(self):
        side = digest()
        initiator, acceptor = _both_established(side)
        waiting = side.accept(None, side.acceptor()).state
        query = side.package.query_security_context_token
        raises(STATUS.SEC_E_INVALID_HANDLE, side.world.run, query(waiting))
        raises(STATUS.SEC_E_NO_IMPERSONATION, side.world.run, query(initiator))
        assert side.world.run(query(acceptor)).name == "alice"


def _both_established(side):
    acceptor, challenge = challenged(side, HTTP)
    responded = side.initialize(None, side.initiator(), challenge.output[0].data, GET, target="/")
    accepted = side.accept(challenge.state, acceptor, responded.output[0].data, GET)
    return responded.state, accepted.state
