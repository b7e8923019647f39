"""Digest for HTTP, both ends in memory: auth-int, names, realms, old peers, and what malformed or hostile input gets."""

from __future__ import annotations

import pytest

from sspid.packages import questions
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, REALM, digest, enrol, entity_hash, parameter, unquoted
from sspid_testing.digest_legs import BODY, GET, INTEGRITY, established, handshake, raises

pytestmark = [pytest.mark.digest, pytest.mark.legs]


class TestAuthInt:
    def test_covers_the_body(self):
        side = digest(algorithms=("SHA-256",))
        hashed = parameter(entity_hash(BODY, "SHA-256"))
        acceptor = side.acceptor()
        challenged = side.accept(None, acceptor, flags=INTEGRITY)
        assert b'qop="auth,auth-int"' in challenged.output[0].data
        header = self._responded(side, challenged, hashed)
        accepted = side.accept(challenged.state, acceptor, header, parameter("POST"), parameter(), hashed)
        assert accepted.status is SecurityStatus.SEC_E_OK
        assert ContextFlag.INTEGRITY in accepted.granted

    def test_altered_body_is_denied(self):
        side = digest(algorithms=("SHA-256",))
        acceptor = side.acceptor()
        challenged = side.accept(None, acceptor, flags=INTEGRITY)
        header = self._responded(side, challenged, parameter(entity_hash(BODY, "SHA-256")))
        other = parameter(entity_hash(b"altered", "SHA-256"))
        buffers = (parameter("POST"), parameter(), other)
        raises(SecurityStatus.SEC_E_LOGON_DENIED, side.accept, challenged.state, acceptor, header, *buffers)

    def test_altered_body_of_a_later_request_is_altered(self):
        side = digest(algorithms=("SHA-256",))
        acceptor = side.acceptor()
        challenged = side.accept(None, acceptor, flags=INTEGRITY)
        hashed = entity_hash(BODY, "SHA-256")
        step = side.initialize(
            None, side.initiator(), challenged.output[0].data, parameter("POST"), parameter(hashed), target="/", flags=INTEGRITY
        )
        accepted = side.accept(
            challenged.state, acceptor, step.output[0].data, parameter("POST"), parameter(), parameter(hashed)
        )
        header = side.sign(step.state, "POST", "/", hashed)
        altered = entity_hash(b"altered", "SHA-256")
        raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, side.verify, accepted.state, header, "POST", "/", altered)
        side.verify(accepted.state, header, "POST", "/", hashed)

    def test_is_chosen_only_where_asked_for(self):
        side = digest()
        challenge = side.accept(None, side.acceptor(), flags=INTEGRITY).output[0].data
        step = side.initialize(None, side.initiator(), challenge, GET, target="/")
        assert unquoted(step.output[0].data, "qop") == "auth"
        assert ContextFlag.INTEGRITY not in step.granted

    def test_is_not_granted_where_the_server_does_not_offer_it(self):
        side = digest()
        _, _, step = handshake(side)
        assert ContextFlag.INTEGRITY not in step.granted

    def test_only_offer_without_the_flag_is_refused(self):
        side = digest()
        arguments = (None, side.initiator(), b'realm="r", nonce="n", qop="auth-int"', GET)
        raises(SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, side.initialize, *arguments, target="/")

    def test_unoffered_is_refused(self):
        side = digest()
        acceptor = side.acceptor()
        challenged = side.accept(None, acceptor)
        offered = challenged.output[0].data.replace(b'qop="auth"', b'qop="auth-int"')
        hashed = parameter(entity_hash(BODY, "SHA-256"))
        step = side.initialize(None, side.initiator(), offered, GET, hashed, target="/", flags=INTEGRITY)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, challenged.state, acceptor, step.output[0].data, GET)

    @staticmethod
    def _responded(side, challenged, hashed):
        step = side.initialize(
            None, side.initiator(), challenged.output[0].data, parameter("POST"), hashed, target="/", flags=INTEGRITY
        )
        assert ContextFlag.INTEGRITY in step.granted
        return step.output[0].data


def test_confidentiality_over_http_is_refused_in_both_roles():
    side = digest()
    flags = HTTP | {ContextFlag.CONFIDENTIALITY}
    raises(SecurityStatus.SEC_E_SECURITY_QOS_FAILED, side.accept, None, side.acceptor(), flags=flags)
    challenge = side.accept(None, side.acceptor()).output[0].data
    arguments = (None, side.initiator(), challenge, GET)
    raises(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, side.initialize, *arguments, target="/", flags=flags)


def test_allocate_memory_is_granted_on_every_leg():
    side = digest()
    flags = HTTP | {ContextFlag.ALLOCATE_MEMORY}
    acceptor = side.acceptor()
    challenged = side.accept(None, acceptor, flags=flags)
    responded = side.initialize(None, side.initiator(), challenged.output[0].data, GET, target="/", flags=flags)
    accepted = side.accept(challenged.state, acceptor, responded.output[0].data, GET, flags=flags)
    assert all(ContextFlag.ALLOCATE_MEMORY in step.granted for step in (challenged, responded, accepted))


def test_one_challenge_an_algorithm_each_in_its_own_token():
    side = digest(algorithms=("SHA-512-256", "SHA-256", "MD5"))
    output = side.accept(None, side.acceptor()).output
    assert [unquoted(buffer.data, "algorithm") for buffer in output] == ["SHA-512-256", "SHA-256", "MD5"]
    assert len({unquoted(buffer.data, "nonce") for buffer in output}) == 1
    assert all(len(buffer.data) < 2048 for buffer in output)


def test_policy_names_algorithms_in_any_case():
    side = digest(algorithms=("sha-256", "md5-SESS"))
    acceptor, state, responded = handshake(side)
    assert side.accept(state, acceptor, responded.output[0].data, GET).established


def test_initiator_takes_the_first_challenge_it_knows():
    side = digest()
    value = (
        b'Basic realm="x", Negotiate, NTLM TlRMTVNTUAAC==, Digest realm="r", nonce="1", qop="auth", algorithm=SHA3-256, '
        b'Digest realm="r", nonce="2", qop="auth", algorithm=SHA-256, Digest realm="r", nonce="3", qop="auth"'
    )
    header = side.initialize(None, side.initiator(), value, GET, target="/").output[0].data
    assert (unquoted(header, "nonce"), unquoted(header, "algorithm")) == ("2", "SHA-256")


def test_response_with_an_algorithm_that_was_not_offered_is_refused():
    side = digest(algorithms=("SHA-256",))
    acceptor = side.acceptor()
    challenged = side.accept(None, acceptor)
    offered = challenged.output[0].data.replace(b"algorithm=SHA-256", b"algorithm=MD5")
    header = side.initialize(None, side.initiator(), offered, GET, target="/").output[0].data
    raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, challenged.state, acceptor, header, GET)


def test_unoffered_algorithm_is_refused_without_a_context_too():
    side = digest(algorithms=("SHA-256",))
    offered = side.accept(None, side.acceptor()).output[0].data.replace(b"algorithm=SHA-256", b"algorithm=MD5")
    header = side.initialize(None, side.initiator(), offered, GET, target="/").output[0].data
    raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, None, side.acceptor(), header, GET)


class TestWithoutQop:
    CHALLENGE = b'realm="r", nonce="n"'

    def test_is_refused_by_default_in_both_roles(self):
        side = digest()
        arguments = (None, side.initiator(), self.CHALLENGE, GET)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target="/")
        acceptor = side.acceptor()
        challenged = side.accept(None, acceptor)
        header = self._answer(digest(without_qop=True), challenged)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, challenged.state, acceptor, header, GET)

    def test_is_taken_by_policy_once_a_nonce(self):
        side = digest(without_qop=True)
        acceptor = side.acceptor()
        challenged = side.accept(None, acceptor)
        header = self._answer(side, challenged)
        assert b"nc=" not in header
        assert side.accept(challenged.state, acceptor, header, GET).established
        again = side.accept(challenged.state, acceptor, header, GET)
        assert again.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        assert b"stale=true" in again.output[0].data

    @staticmethod
    def _answer(side, challenged):
        offered = challenged.output[0].data.replace(b'qop="auth", ', b"")
        return side.initialize(None, side.initiator(), offered, GET, target="/").output[0].data


class TestNames:
    @pytest.mark.parametrize("user", ["alice", "Jäsøn Doe", "Кирилл", "o'neil", 'quote"back\\slash', "EXAMPLE\\alice"])
    @pytest.mark.parametrize("userhash", [False, True])
    def test_any_name_is_understood(self, user, userhash):
        side = digest(userhash=userhash)
        enrol(side.world, user)
        acceptor, state, responded = handshake(side, user)
        header = responded.output[0].data
        assert header.isascii()
        assert (b"userhash=true" in header) is userhash
        assert (b"username*=" in header) is (not userhash and not user.isascii())
        assert side.accept(state, acceptor, header, GET).established

    @pytest.mark.parametrize(
        ("user", "charset"), [("Jäsøn Doe", "utf-8"), ("Jäsøn Doe", "latin-1"), ("EXAMPLE\\alice", "ascii")]
    )
    def test_names_as_older_clients_write_them(self, user, charset):
        """UTF-8 or ISO 8859-1 in quotes, and a backslash that is not escaped."""
        side = digest()
        enrol(side.world, user)
        acceptor, state, responded = handshake(side, user)
        header = responded.output[0].data
        named, rest = header.split(b", realm=", 1)
        assert named.startswith(b"username")
        written = b'username="' + user.encode(charset) + b'", realm=' + rest
        assert side.accept(state, acceptor, written, GET).established
        recorded = next(one for one in side.world.asked[::-1] if isinstance(one, questions.RecordLogon))
        assert (recorded.name, recorded.domain, recorded.ntstatus) == (user, REALM, 0)

    def test_either_reading_of_a_backslash_may_be_the_account(self):
        """Whichever reading the password fits counts, wherever the other one is somebody else's account."""
        for right, wrong in (("DOMuser", "DOM\\user"), ("DOM\\user", "DOMuser")):
            side = digest()
            enrol(side.world, right)
            enrol(side.world, wrong, password="another")
            acceptor, state, responded = handshake(side, right)
            rest = responded.output[0].data.split(b", realm=", 1)[1]
            accepted = side.accept(state, acceptor, rb'username="DOM\user", realm=' + rest, GET)
            identity = side.world.run(side.package.query_security_context_token(accepted.state))
            assert identity.name == right

    def test_composed_and_decomposed_names_are_one(self):
        side = digest()
        enrol(side.world, "J\u00e4son")
        acceptor, state, responded = handshake(side, "Ja\u0308son")
        assert side.accept(state, acceptor, responded.output[0].data, GET).established

    def test_name_that_the_charset_lacks_is_refused(self):
        side = digest()
        arguments = (None, side.initiator("Кирилл"), b'realm="r", nonce="n", qop="auth"', GET)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target="/")

    def test_realm_of_the_identity_overrides_the_challenges(self):
        side = digest()
        credential = side.initiator(realm="chosen.test")
        challenge = side.accept(None, side.acceptor()).output[0].data
        header = side.initialize(None, credential, challenge, GET, target="/").output[0].data
        assert unquoted(header, "realm") == "chosen.test"


class TestRealm:
    def test_realm_of_the_call_comes_first_in_ascii_or_utf16(self):
        side = digest()
        for data in (b"call.test", "call.test".encode("utf-16-le")):
            realm = SecurityBuffer(BufferType.PKG_PARAMS, data)
            output = side.accept(None, side.acceptor(), b"", GET, parameter(), parameter(), realm).output
            assert unquoted(output[0].data, "realm") == "call.test"

    def test_realm_of_the_policy_comes_last(self):
        side = digest(realm="policy.test")
        assert unquoted(side.accept(None, side.acceptor("")).output[0].data, "realm") == "policy.test"
        assert unquoted(side.accept(None, side.acceptor()).output[0].data, "realm") == REALM

    @pytest.mark.parametrize("realm", ["a\r\nSet-Cookie: x", "naïve", "x" * 256])
    def test_realm_that_no_header_can_carry_is_refused(self, realm):
        side = digest()
        buffer = SecurityBuffer(BufferType.PKG_PARAMS, realm.encode("utf-16-le"))
        buffers = (GET, parameter(), parameter(), buffer)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, None, side.acceptor(), b"", *buffers)

    def test_response_for_another_realm_is_refused(self):
        side = digest()
        _, _, responded = handshake(side)
        header = responded.output[0].data
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, None, side.acceptor("other.test"), header, GET)


class TestInjection:
    @pytest.mark.parametrize("user", ["a\r\nX: y", "a\nb", "a\0b", "a\x7f"])
    def test_user_name_with_control_characters_is_refused(self, user):
        side = digest()
        raises(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, side.initiator, user)
        raises(SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS, side.initiator, realm=user)

    @pytest.mark.parametrize("uri", ["/\r\nX: y", '/"', "/ x", "/\x7f", "/ä", "", "/" * 8193])
    def test_uri_that_would_break_out_is_refused(self, uri):
        side = digest()
        challenge = side.accept(None, side.acceptor()).output[0].data
        arguments = (None, side.initiator(), challenge, GET)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target=uri)
        initiator, _ = established(side)
        if uri.isascii():
            raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.sign, initiator, "GET", uri)

    @pytest.mark.parametrize("method", ["", "GET /", "G\r\nET", 'G"', "X" * 65])
    def test_method_that_is_no_token_is_refused(self, method):
        side = digest()
        challenge = side.accept(None, side.acceptor()).output[0].data
        arguments = (None, side.initiator(), challenge, parameter(method))
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target="/")

    @pytest.mark.parametrize("name", ["nonce", "opaque", "realm"])
    def test_challenge_cannot_smuggle_a_directive_into_the_response(self, name):
        side = digest()
        values = {"realm": "r", "nonce": "n", "opaque": "o"} | {name: r"x\", username=\"mallory"}
        challenge = ", ".join(f'{key}="{value}"' for key, value in values.items()) + ', qop="auth"'
        header = side.initialize(None, side.initiator(), challenge.encode(), GET, target="/").output[0].data
        assert rf'{name}="x\", username=\"mallory"'.encode() in header


class TestMalformed:
    @pytest.mark.parametrize("directive", ["username", "realm", "nonce", "uri", "response", "nc", "cnonce", "opaque"])
    def test_response_without_a_directive_is_invalid(self, directive):
        side = digest()
        acceptor, state, responded = handshake(side)
        parts = responded.output[0].data.split(b", ")
        header = b", ".join(part for part in parts if not part.startswith(directive.encode() + b"="))
        assert len(header) < len(responded.output[0].data)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, state, acceptor, header, GET)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"nc=00000001", b"nc=1"),
            (b"nc=00000001", b"nc=0000000g"),
            (b"nc=00000001", b"nc=00000000"),
            (b"qop=auth", b"qop=auth-conf"),
            (b"algorithm=SHA-256", b"algorithm=SHA-1"),
            (b"algorithm=SHA-256", b"algorithm=MD5"),
            (b"qop=auth", b"qop=auth, qop=auth"),
            (b"qop=auth", b"qop"),
            (b'username="alice"', b'username="alice'),
            (b'username="alice"', b'username=""'),
            (b'username="alice"', b"username*=UTF-8''%ff"),
            (b'username="alice"', b"username*=UTF-8''alice, userhash=true"),
            (b'username="alice"', b"username=\"alice\", username*=UTF-8''alice"),
            (b'username="alice"', b"username*=latin-1''alice"),
            (b'response="', b'response="00'),
        ],
    )
    def test_malformed_response_is_invalid(self, old, new):
        side = digest()
        acceptor, state, responded = handshake(side)
        header = responded.output[0].data
        assert old in header
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, state, acceptor, header.replace(old, new), GET)

    @pytest.mark.parametrize(
        "challenge",
        [
            b"Basic realm=x",
            b'realm="r"',
            b'realm="r", nonce=""',
            b'realm="r", nonce="n", algorithm=SHA-1',
            b'realm="r", nonce="n", nonce="m"',
            b'realm="r\r\n", nonce="n"',
            b"\xff\xfe\x00",
            b"a=1," * 70,
            b"x" * 20000,
            b"@",
        ],
    )
    def test_malformed_challenge_is_invalid(self, challenge):
        side = digest()
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.initialize, None, side.initiator(), challenge, GET, target="/")

    @pytest.mark.parametrize("entity", ["00", "g" * 64, "0" * 32])
    def test_hash_of_another_form_is_invalid(self, entity):
        side = digest()
        challenge = side.accept(None, side.acceptor(), flags=INTEGRITY).output[0].data
        arguments = (None, side.initiator(), challenge, GET, parameter(entity))
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target="/", flags=INTEGRITY)

    def test_parameters_that_are_no_ascii_are_invalid(self):
        side = digest()
        for data in (b"\xff", b"G\xd8\0\xd8", "É\0".encode("utf-16-le")):
            buffer = SecurityBuffer(BufferType.PKG_PARAMS, data)
            raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, None, side.acceptor(), b"", buffer)

    def test_too_many_buffers_are_invalid(self):
        side = digest()
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, None, side.acceptor(), b"", *[GET] * 20)

    def test_policy_without_a_known_algorithm_cannot_challenge(self):
        side = digest(algorithms=("SHA-1",))
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.accept, None, side.acceptor())

    def test_challenge_for_another_realm_in_the_middle_is_invalid(self):
        side = digest()
        _, _, responded = handshake(side)
        other = b'realm="other", nonce="n", qop="auth", stale=true'
        arguments = (responded.state, side.initiator(), other, GET)
        raises(SecurityStatus.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target="/")


def test_second_call_without_input_is_challenged_again():
    side = digest()
    acceptor = side.acceptor()
    first = side.accept(None, acceptor)
    second = side.accept(first.state, acceptor)
    assert second.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert unquoted(first.output[0].data, "nonce") != unquoted(second.output[0].data, "nonce")


def test_uri_is_compared_where_the_caller_gives_the_requests():
    side = digest()
    acceptor, state, responded = handshake(side)
    header = responded.output[0].data
    raises(SecurityStatus.SEC_E_MESSAGE_ALTERED, side.accept, state, acceptor, header, GET, parameter("/admin"))
    assert side.accept(state, acceptor, header, GET, parameter("/dir/index.html")).established


def test_target_attribute_is_the_uri_to_compare():
    side = digest()
    _, acceptor = established(side)
    target = side.world.run(side.package.query_context_attributes(acceptor, ContextAttribute.TARGET))
    assert target.name == "/dir/index.html"


def test_response_in_a_whole_header_value_is_read():
    side = digest()
    acceptor, state, responded = handshake(side)
    assert side.accept(state, acceptor, b"Digest " + responded.output[0].data, GET).established


def test_nothing_is_granted_that_was_not_earned():
    side = digest()
    _, _, responded = handshake(side, flags=HTTP | {ContextFlag.DELEGATE})
    assert responded.granted == HTTP
