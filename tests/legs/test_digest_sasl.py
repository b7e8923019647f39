"""Digest for SASL, both ends in memory: legs, qualities of protection, ciphers and messages."""

from __future__ import annotations

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferAccess, BufferType, SecurityBuffer, token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import PASSWORD, USER, digest, enrol, unquoted

pytestmark = [pytest.mark.digest, pytest.mark.legs]
INTEGRITY = frozenset({ContextFlag.INTEGRITY})
SEALED = frozenset({ContextFlag.CONFIDENTIALITY})
CIPHERS = ("rc4", "3des", "des", "rc4-56", "rc4-40")
TARGET = "imap/mail.example.test"
STATUS = SecurityStatus


def raises(status, function, *arguments, **settings):
    with pytest.raises(SspiError) as caught:
        function(*arguments, **settings)
    assert caught.value.status is status, caught.value
    return caught.value


def responded(side, user=USER, password=PASSWORD, flags=NO_FLAGS, acceptor_flags=None):
    acceptor = side.acceptor()
    challenge = side.accept(None, acceptor, flags=flags if acceptor_flags is None else acceptor_flags)
    assert challenge.status is STATUS.SEC_I_CONTINUE_NEEDED
    credential = side.initiator(user, password)
    step = side.initialize(None, credential, challenge.output[0].data, target=TARGET, flags=flags)
    assert (step.status, step.established) == (STATUS.SEC_I_CONTINUE_NEEDED, False)
    return acceptor, challenge.state, credential, step


def established(side, flags=NO_FLAGS, **settings):
    """Both contexts."""
    acceptor, state, credential, step = responded(side, flags=flags, **settings)
    accepted = side.accept(state, acceptor, step.output[0].data, flags=flags)
    assert (accepted.status, accepted.established) == (STATUS.SEC_E_OK, True)
    proven = side.initialize(step.state, credential, accepted.output[0].data, flags=flags)
    assert (proven.status, proven.established, proven.output) == (STATUS.SEC_E_OK, True, ())
    assert proven.granted == accepted.granted
    return proven.state, accepted.state


def seal(side, state, data, **settings):
    buffers = (SecurityBuffer(BufferType.TOKEN), SecurityBuffer(BufferType.DATA, data), SecurityBuffer(BufferType.PADDING))
    trailer, body, padding = side.message("encrypt_message", state, buffers, **settings).buffers
    return body.data + padding.data + trailer.data


def unseal(side, state, wire):
    protected = side.message("decrypt_message", state, (SecurityBuffer(BufferType.DATA, wire),))
    return protected.buffers[0].data, protected.qop


def sign(side, state, *data):
    buffers = (token(b""), *(SecurityBuffer(BufferType.DATA, part) for part in data))
    return side.message("make_signature", state, buffers).buffers[0].data


def verify(side, state, signature, *data):
    buffers = (token(signature), *(SecurityBuffer(BufferType.DATA, part) for part in data))
    return side.message("verify_signature", state, buffers)


class TestLegs:
    def test_challenge_response_rspauth_ok(self):
        side = digest()
        _, acceptor = established(side)
        assert side.world.run(side.package.query_security_context_token(acceptor)).name == "alice"

    def test_initiator_may_be_called_first(self):
        side = digest()
        waiting = side.initialize(None, side.initiator(), b"", flags=NO_FLAGS)
        assert waiting.status is STATUS.SEC_I_CONTINUE_NEEDED
        challenge = side.accept(None, side.acceptor(), flags=NO_FLAGS).output[0].data
        step = side.initialize(waiting.state, side.initiator(), challenge, target=TARGET, flags=NO_FLAGS)
        assert step.output[0].data

    @pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("mallory", PASSWORD)])
    def test_wrong_password_and_unknown_user_are_denied(self, user, password):
        side = digest()
        acceptor, state, _, step = responded(side, user, password)
        failure = raises(STATUS.SEC_E_LOGON_DENIED, side.accept, state, acceptor, step.output[0].data)
        assert failure.detail is None

    def test_disabled_account_is_denied(self):
        side = digest()
        enrol(side.world, disabled=True)
        acceptor, state, _, step = responded(side)
        failure = raises(STATUS.SEC_E_LOGON_DENIED, side.accept, state, acceptor, step.output[0].data)
        assert failure.detail is not None

    @pytest.mark.parametrize("proof", [b"", b"rspauth=00", b'rspauth="' + b"0" * 32 + b'"', b"other=1"])
    def test_server_that_does_not_know_the_password_is_found_out(self, proof):
        side = digest()
        _, _, credential, step = responded(side)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, side.initialize, step.state, credential, proof)

    def test_accept_on_an_established_context_is_a_logon_failure(self):
        side = digest()
        _, acceptor = established(side)
        raises(STATUS.STATUS_LOGON_FAILURE, side.accept, acceptor, side.acceptor(), b"", flags=NO_FLAGS)

    def test_token_before_the_challenge_is_invalid(self):
        side = digest()
        raises(STATUS.SEC_E_INVALID_TOKEN, side.accept, None, side.acceptor(), b"x", flags=NO_FLAGS)

    def test_no_response_is_invalid(self):
        side = digest()
        state = side.accept(None, side.acceptor(), flags=NO_FLAGS).state
        raises(STATUS.SEC_E_INVALID_TOKEN, side.accept, state, side.acceptor(), b"", flags=NO_FLAGS)

    def test_response_is_good_for_its_own_challenge_only(self):
        side = digest()
        acceptor, _, _, step = responded(side)
        other = side.accept(None, acceptor, flags=NO_FLAGS).state
        raises(STATUS.SEC_E_INVALID_TOKEN, side.accept, other, acceptor, step.output[0].data)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"nc=00000001", b"nc=00000002"),
            (b"qop=auth", b"qop=auth-int"),
            (b"qop=auth", b"qop=auth,cipher=rc4"),
            (b"charset=utf-8", b"charset=latin-1"),
            (b"charset=utf-8", b"charset=utf-8,charset=utf-8"),
            (b'username="alice"', b'username="\xff"'),
            (b'username="alice",', b""),
            (b'realm="example.test"', b'realm="other.test"'),
            (b"response=", b"response=00"),
            (b"digest-uri=", b"other="),
            (b"qop=auth", b"qop=auth,maxbuf=16"),
            (b"qop=auth", b"qop=auth,maxbuf=x"),
            (b"qop=auth", b"qop=auth,x=" + b"y" * 4096),
        ],
    )
    def test_malformed_response_is_invalid(self, old, new):
        side = digest()
        acceptor, state, _, step = responded(side)
        response = step.output[0].data
        assert old in response
        raises(STATUS.SEC_E_INVALID_TOKEN, side.accept, state, acceptor, response.replace(old, new))

    @pytest.mark.parametrize(
        "challenge",
        [
            b'realm="r",nonce="n",qop="auth"',
            b'realm="r",nonce="n",algorithm=md5',
            b'realm="r",algorithm=md5-sess',
            b'nonce="n",nonce="m",algorithm=md5-sess',
            b'nonce="n",algorithm=md5-sess,maxbuf=99999999',
            b'nonce="n",algorithm=md5-sess,maxbuf=' + b"1" * 5000,
            b'nonce="n",algorithm=md5-sess,x="' + b"y" * 2048 + b'"',
            b'realm="\xff",nonce="n",algorithm=md5-sess,charset=utf-8',
        ],
    )
    def test_malformed_challenge_is_invalid(self, challenge):
        side = digest()
        arguments = (None, side.initiator(), challenge)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target=TARGET, flags=NO_FLAGS)

    def test_first_of_several_realms_is_taken(self):
        side = digest()
        challenge = b'realm="one",realm="two",nonce="n",algorithm=md5-sess'
        step = side.initialize(None, side.initiator(), challenge, target=TARGET, flags=NO_FLAGS)
        assert unquoted(step.output[0].data, "realm") == "one"

    @pytest.mark.parametrize("target", ["", 'imap/"', "imap/a\r\nb"])
    def test_service_name_that_would_break_out_is_refused(self, target):
        side = digest()
        challenge = side.accept(None, side.acceptor(), flags=NO_FLAGS).output[0].data
        arguments = (None, side.initiator(), challenge)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target=target, flags=NO_FLAGS)

    @pytest.mark.parametrize("user", ["Jäsøn", "Кирилл", 'quote"back\\slash'])
    def test_any_name_and_password_is_understood(self, user):
        side = digest()
        enrol(side.world, user, password="pässwörd")
        acceptor, state, _, step = responded(side, user, "pässwörd")
        assert side.accept(state, acceptor, step.output[0].data).established

    def test_name_that_the_charset_lacks_is_refused(self):
        side = digest()
        challenge = b'realm="r",nonce="n",algorithm=md5-sess'
        arguments = (None, side.initiator("Кирилл"), challenge)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.initialize, *arguments, target=TARGET, flags=NO_FLAGS)

    @pytest.mark.parametrize(("authzid", "status"), [("alice", None), ("root", STATUS.SEC_E_LOGON_DENIED)])
    def test_nobody_acts_as_another(self, authzid, status):
        from dataclasses import replace

        side = digest()
        acceptor, state, credential, step = responded(side)
        from sspid.packages.digest.sasl_initiator import account_hash

        response = replace(step.state.response, authzid=authzid)
        written = response.written(response.session_hash(account_hash(credential, response)))
        if status is None:
            assert side.accept(state, acceptor, written).established
        else:
            failure = raises(status, side.accept, state, acceptor, written)
            assert failure.detail is not None
            assert failure.detail.ntstatus == 0xC000006E


class TestQuality:
    def test_offered_and_granted_by_flags(self):
        side = digest()
        for flags, offer, granted in (
            (NO_FLAGS, b'qop="auth"', NO_FLAGS),
            (INTEGRITY, b'qop="auth,auth-int"', INTEGRITY),
            (SEALED, b'qop="auth,auth-int,auth-conf"', INTEGRITY | SEALED),
        ):
            assert offer in side.accept(None, side.acceptor(), flags=flags).output[0].data
            initiator, acceptor = established(side, flags)
            assert initiator.flags == acceptor.flags
            assert granted <= acceptor.flags
            assert (ContextFlag.CONFIDENTIALITY in acceptor.flags) is (flags == SEALED)

    def test_weaker_offer_is_taken_and_told(self):
        side = digest()
        acceptor, state, _, step = responded(side, flags=SEALED, acceptor_flags=INTEGRITY)
        accepted = side.accept(state, acceptor, step.output[0].data, flags=INTEGRITY)
        proven = side.initialize(step.state, side.initiator(), accepted.output[0].data, flags=SEALED)
        assert ContextFlag.CONFIDENTIALITY not in proven.granted
        assert proven.granted >= INTEGRITY

    def test_only_offer_stronger_than_asked_is_refused(self):
        side = digest()
        for qop in ("auth-int", "auth-conf"):
            challenge = f'realm="r",nonce="n",qop="{qop}",cipher="rc4",algorithm=md5-sess'.encode()
            arguments = (None, side.initiator(), challenge)
            raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, side.initialize, *arguments, target=TARGET, flags=NO_FLAGS)

    def test_auth_conf_without_a_common_cipher_is_refused(self):
        side = digest()
        challenge = b'realm="r",nonce="n",qop="auth-conf",cipher="des",algorithm=md5-sess'
        arguments = (None, side.initiator(), challenge)
        raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, side.initialize, *arguments, target=TARGET, flags=SEALED)

    def test_policy_without_ciphers_offers_no_auth_conf(self):
        side = digest(ciphers=())
        assert b"auth-conf" not in side.accept(None, side.acceptor(), flags=SEALED).output[0].data

    def test_policy_names_a_cipher_that_is_none(self):
        side = digest(ciphers=("aes", "rc4"))
        challenge = side.accept(None, side.acceptor(), flags=SEALED).output[0].data
        assert b'cipher="rc4"' in challenge
        offered = challenge.replace(b'cipher="rc4"', b'cipher="aes"')
        step = side.initialize(None, side.initiator(), offered, target=TARGET, flags=SEALED)
        assert unquoted(step.output[0].data, "qop") == "auth-int"

    def test_qop_auth_protects_nothing(self):
        side = digest()
        initiator, _ = established(side)
        raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, seal, side, initiator, b"x")
        raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, unseal, side, initiator, b"x" * 20)
        raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, sign, side, initiator, b"x")
        raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, verify, side, initiator, bytes(16), b"x")


@pytest.mark.parametrize("cipher", CIPHERS)
class TestSealing:
    def test_both_ways_any_length(self, cipher):
        side = digest(ciphers=(cipher,))
        initiator, acceptor = established(side, SEALED)
        for length in [*range(20), 1000, 60000]:
            data = bytes(length % 251 for length in range(length))
            wire = seal(side, initiator, data)
            assert length < 16 or data not in wire
            assert unseal(side, acceptor, wire) == (data, 0)
            assert unseal(side, initiator, seal(side, acceptor, data)) == (data, 0)

    def test_changed_message_is_altered_and_nothing_moves(self, cipher):
        side = digest(ciphers=(cipher,))
        initiator, acceptor = established(side, SEALED)
        for data in (b"first", b"second message"):
            wire = seal(side, initiator, data)
            for position in range(len(wire) - 6):
                changed = wire[:position] + bytes([wire[position] ^ 1]) + wire[position + 1 :]
                raises(STATUS.SEC_E_MESSAGE_ALTERED, unseal, side, acceptor, changed)
            assert unseal(side, acceptor, wire) == (data, 0)

    def test_message_out_of_turn(self, cipher):
        side = digest(ciphers=(cipher,))
        initiator, acceptor = established(side, SEALED)
        first, second = (seal(side, initiator, data) for data in (b"first", b"second"))
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, unseal, side, acceptor, second)
        assert unseal(side, acceptor, first)[0] == b"first"
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, unseal, side, acceptor, first)
        assert unseal(side, acceptor, second)[0] == b"second"

    def test_mixes_with_signatures(self, cipher):
        side = digest(ciphers=(cipher,))
        initiator, acceptor = established(side, SEALED)
        assert unseal(side, acceptor, seal(side, initiator, b"sealed"))[0] == b"sealed"
        verify(side, acceptor, sign(side, initiator, b"signed"), b"signed")
        assert unseal(side, acceptor, seal(side, initiator, b"sealed"))[0] == b"sealed"

    def test_sizes(self, cipher):
        side = digest(ciphers=(cipher,), maxbuf=4096)
        initiator, _ = established(side, SEALED)
        sizes = side.world.run(side.package.query_context_attributes(initiator, ContextAttribute.SIZES))
        stream = side.world.run(side.package.query_context_attributes(initiator, ContextAttribute.STREAM_SIZES))
        block = 8 if cipher.endswith("des") else 1
        assert (sizes.max_signature, sizes.security_trailer, sizes.block_size) == (16, 16, block)
        assert stream.maximum_message + stream.trailer == 4096
        assert len(seal(side, initiator, bytes(stream.maximum_message))) <= 4096
        raises(STATUS.SEC_E_BUFFER_TOO_SMALL, seal, side, initiator, bytes(stream.maximum_message + 1))


def test_sealed_message_without_padding_is_altered():
    """The peer's own MAC does not make up for padding that a block cipher must have."""
    side = digest(ciphers=("3des",))
    initiator, acceptor = established(side, SEALED)
    half = initiator.layer.sending
    data = b"six \0\0"
    wire = half.cipher.encrypt(data + half.mac(data)) + half.trailer()
    raises(STATUS.SEC_E_MESSAGE_ALTERED, unseal, side, acceptor, wire)


class TestMessages:
    def test_signatures(self):
        side = digest()
        initiator, acceptor = established(side, INTEGRITY)
        signature = sign(side, initiator, b"one", b"two")
        assert signature[10:] == bytes.fromhex("000100000000")
        raises(STATUS.SEC_E_MESSAGE_ALTERED, verify, side, acceptor, signature, b"one", b"three")
        raises(STATUS.SEC_E_MESSAGE_ALTERED, verify, side, acceptor, bytes(10) + signature[10:], b"onetwo")
        raises(STATUS.SEC_E_INVALID_TOKEN, verify, side, acceptor, signature[:-1], b"onetwo")
        raises(STATUS.SEC_E_INVALID_TOKEN, verify, side, acceptor, signature[:10] + bytes(6), b"onetwo")
        verify(side, acceptor, signature, b"onetwo")
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, verify, side, acceptor, signature, b"onetwo")

    def test_directions_have_their_own_keys(self):
        side = digest()
        initiator, acceptor = established(side, INTEGRITY)
        raises(STATUS.SEC_E_MESSAGE_ALTERED, verify, side, initiator, sign(side, initiator, b"x"), b"x")
        raises(STATUS.SEC_E_MESSAGE_ALTERED, verify, side, acceptor, sign(side, acceptor, b"x"), b"x")

    def test_read_only_buffers_are_signed_only_with_checksum(self):
        side = digest()
        initiator, acceptor = established(side, INTEGRITY)
        buffers = (
            token(b""),
            SecurityBuffer(BufferType.DATA, b"kept out", access=BufferAccess.READONLY),
            SecurityBuffer(BufferType.DATA, b"taken in", access=BufferAccess.READONLY_WITH_CHECKSUM),
        )
        signature = side.message("make_signature", initiator, buffers).buffers[0].data
        verify(side, acceptor, signature, b"taken in")

    def test_auth_int_seals_by_signing_alone(self):
        side = digest()
        initiator, acceptor = established(side, INTEGRITY)
        wire = seal(side, initiator, b"plain")
        assert wire.startswith(b"plain")
        assert unseal(side, acceptor, wire) == (b"plain", 0x80000001)
        wire = seal(side, initiator, b"plain", qop=0x80000001)
        assert unseal(side, acceptor, wire)[0] == b"plain"

    def test_stream_and_split_buffers(self):
        side = digest()
        initiator, acceptor = established(side, SEALED)
        stream = (SecurityBuffer(BufferType.STREAM, seal(side, initiator, b"one")), SecurityBuffer(BufferType.DATA))
        assert side.message("decrypt_message", acceptor, stream).buffers[1].data == b"one"
        wire = seal(side, initiator, b"two")
        split = (token(wire[-16:]), SecurityBuffer(BufferType.DATA, wire[:-16]))
        assert side.message("decrypt_message", acceptor, split).buffers[1].data == b"two"
        both = (SecurityBuffer(BufferType.STREAM, wire), SecurityBuffer(BufferType.DATA, wire))
        raises(STATUS.SEC_E_INVALID_TOKEN, side.message, "decrypt_message", acceptor, both)

    def test_buffers_that_are_missing_or_too_many(self):
        side = digest(ciphers=("3des",))
        initiator, acceptor = established(side, SEALED)
        data = SecurityBuffer(BufferType.DATA, b"x")
        padding = SecurityBuffer(BufferType.PADDING)
        for buffers in ((data, padding), (token(b""), padding), (token(b""), data), (token(b""), data, data, padding)):
            raises(STATUS.SEC_E_INVALID_TOKEN, side.message, "encrypt_message", initiator, buffers)
        raises(STATUS.SEC_E_INVALID_TOKEN, side.message, "decrypt_message", acceptor, (token(b""),))
        raises(STATUS.SEC_E_INVALID_TOKEN, side.message, "make_signature", initiator, (data,))
        raises(STATUS.SEC_E_INVALID_TOKEN, side.message, "verify_signature", acceptor, (data,))
        small = (SecurityBuffer(BufferType.TOKEN, size=8), data, padding)
        raises(STATUS.SEC_E_BUFFER_TOO_SMALL, side.message, "encrypt_message", initiator, small)

    @pytest.mark.parametrize("length", [0, 5, 15, 17, 70000])
    def test_message_of_an_impossible_length_is_invalid(self, length):
        side = digest(ciphers=("3des",))
        _, acceptor = established(side, SEALED)
        wire = (bytes(length) + bytes.fromhex("000100000000"))[-length:] if length else b""
        raises(STATUS.SEC_E_INVALID_TOKEN, unseal, side, acceptor, wire)

    def test_quality_and_sequence_number_are_zero(self):
        side = digest()
        initiator, _ = established(side, SEALED)
        for qop in (1, 0x80000001):
            raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, seal, side, initiator, b"x", qop=qop)
        raises(STATUS.SEC_E_INVALID_TOKEN, seal, side, initiator, b"x", sequence_number=1)
        data = (token(b""), SecurityBuffer(BufferType.DATA, b"x"))
        raises(STATUS.SEC_E_QOP_NOT_SUPPORTED, side.message, "make_signature", initiator, data, qop=1)

    def test_last_sequence_number_ends_the_context(self):
        side = digest()
        initiator, _ = established(side, INTEGRITY)
        initiator.layer.sending.sequence = 1 << 32
        raises(STATUS.SEC_E_OUT_OF_SEQUENCE, sign, side, initiator, b"x")

    def test_peers_maxbuf_bounds_what_is_sent(self):
        side = digest(maxbuf=100)
        initiator, acceptor = established(side, INTEGRITY)
        raises(STATUS.SEC_E_BUFFER_TOO_SMALL, sign, side, initiator, bytes(85))
        verify(side, acceptor, sign(side, initiator, bytes(84)), bytes(84))
