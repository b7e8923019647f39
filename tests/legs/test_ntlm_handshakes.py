"""Whole NTLM handshakes: legs, statuses, flags, policy, and messages protected afterwards."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest

from sspid.packages.ntlm import crypto, messages, package
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.packages.rules import Bindings
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import NtHash, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.ends import End, shake
from sspid_testing.ntlm_legs import ALICE, HASH, PROTECTED, SPN, TLS, F, ends, established, recorded, refused

pytestmark = [pytest.mark.ntlm, pytest.mark.legs]


def test_legs_and_statuses():
    client, server = ends()
    sent = shake(client, server)
    assert [step.status.name for step in client.steps] == ["SEC_I_CONTINUE_NEEDED", "SEC_E_OK"]
    assert [step.status.name for step in server.steps] == ["SEC_I_CONTINUE_NEEDED", "SEC_E_OK"]
    assert [messages.message_type(token) for token in sent[:3]] == [1, 2, 3]
    assert sent[3] == b""
    assert client.query(ContextAttribute.SESSION_KEY) == server.query(ContextAttribute.SESSION_KEY)


def test_identity_and_audit():
    client, server = ends()
    shake(client, server)
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.name, identity.domain, identity.groups, identity.sids) == ("alice", "DOMAIN", ALICE.groups, ALICE.sids)
    assert identity.mapped_by == "account"
    assert [(record.ntstatus, record.name) for record in recorded(server)] == [(0, "alice")]
    with pytest.raises(SspiError) as caught:
        client.world.run(client.package.query_security_context_token(client.state))
    assert caught.value.status is SecurityStatus.SEC_E_NO_IMPERSONATION


def test_nt_hash_is_as_good_as_the_password():
    client, server = ends()
    client.secret = NtHash("alice", "DOMAIN", HASH)
    shake(client, server)
    assert server.done


def test_user_names_are_compared_without_case_and_a_missing_domain_is_tried():
    client, server = ends(user="ALICE", domain="")
    shake(client, server)
    assert server.done


def test_client_that_computes_without_the_domain_it_sends():
    client, server = ends()
    first = client.step()
    challenge = server.step(first)
    # What such a client sends: the response made with an empty domain, the name "DOMAIN" beside it.
    other = End(package(), Password("alice", "", "Passw0rd"), client.world, PROTECTED, SPN)
    other.step()
    message = other.step(challenge)
    parsed = messages.read_authenticate(message, 0)
    names = ("DOMAIN".encode("utf-16-le"), "alice".encode("utf-16-le"), "SERVER".encode("utf-16-le"))
    again = messages.write_authenticate(
        parsed.flags, names, parsed.lm_response, parsed.nt_response, parsed.encrypted_session_key
    )
    key = other.query(ContextAttribute.SESSION_KEY).key
    mic = hmac.digest(key, first + challenge + again, "md5")
    server.step(messages.with_mic(again, mic))
    assert server.done


@pytest.mark.parametrize(
    ("change", "ntstatus"),
    [
        ({"password": "wrong"}, 0xC000006A),
        ({"account": None}, 0xC0000064),
        ({"account": replace(ALICE, disabled=True)}, 0xC0000072),
        ({"account": replace(ALICE, locked_out=True)}, 0xC0000234),
        ({"account": replace(ALICE, expired=True)}, 0xC0000193),
    ],
)
def test_every_refused_logon_looks_the_same_and_only_the_audit_knows(change, ntstatus):
    client, server = ends(**change)
    error = refused(client, server)
    reference = refused(*ends(password="another"))
    assert error.status is SecurityStatus.SEC_E_LOGON_DENIED
    assert (error.message, error.detail, error.output) == (reference.message, None, ())
    assert [record.ntstatus for record in recorded(server)] == [ntstatus]


def _counted(name, function, calls):
    def counted(*given):
        calls.append(name)
        return function(*given)

    return counted


@pytest.mark.parametrize("account", [None, replace(ALICE, disabled=True), ALICE])
def test_every_refused_logon_costs_the_same_work(account, monkeypatch):
    calls: list[str] = []
    for name in ("ntlmv2_hash", "proof"):
        monkeypatch.setattr(crypto, name, _counted(name, getattr(crypto, name), calls))
    client, server = ends(password="wrong" if account is ALICE else "Passw0rd", account=account)
    challenge = server.step(client.step())
    answer = client.step(challenge)
    calls.clear()
    with pytest.raises(SspiError):
        server.step(answer)
    assert calls == ["ntlmv2_hash", "proof"] * 2


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ((), {F.CONNECTION}),
        ((F.INTEGRITY,), {F.CONNECTION, F.INTEGRITY, F.REPLAY_DETECT, F.SEQUENCE_DETECT}),
        ((F.REPLAY_DETECT,), {F.CONNECTION, F.INTEGRITY, F.REPLAY_DETECT, F.SEQUENCE_DETECT}),
        ((F.CONFIDENTIALITY,), {F.CONNECTION, F.INTEGRITY, F.REPLAY_DETECT, F.SEQUENCE_DETECT, F.CONFIDENTIALITY}),
        ((F.IDENTIFY,), {F.CONNECTION, F.IDENTIFY}),
        ((F.MUTUAL_AUTH, F.DELEGATE), {F.CONNECTION}),
        ((F.USE_DCE_STYLE,), {F.CONNECTION, F.USE_DCE_STYLE}),
    ],
)
def test_granted_flags(asked, granted):
    client, server = ends(asked)
    shake(client, server)
    assert client.steps[-1].granted == granted
    assert server.steps[-1].granted == granted - {F.USE_DCE_STYLE}
    assert client.query(ContextAttribute.FLAGS).flags == granted


@pytest.mark.parametrize(
    ("flag", "bit"),
    [(F.INTEGRITY, nf.SIGN), (F.REPLAY_DETECT, nf.SIGN), (F.SEQUENCE_DETECT, nf.SIGN), (F.CONFIDENTIALITY, nf.SEAL)],
)
def test_requested_flags_on_the_wire(flag, bit):
    client, _ = ends({flag})
    assert messages.read_negotiate(client.step()).flags == nf.INITIATOR | bit


def test_prompting_is_refused():
    client, _ = ends({F.PROMPT_FOR_CREDS})
    with pytest.raises(SspiError) as caught:
        client.step()
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


# Messages


def test_messages_both_ways_and_sequence_numbers():
    client, server = established()
    for number in range(3):
        for sender, receiver in ((client, server), (server, client)):
            data, signature = sender.encrypt(b"secret %d" % number)
            assert signature[12:] == number.to_bytes(4, "little")
            assert receiver.decrypt(data, signature) == b"secret %d" % number


def test_signing_and_sealing_share_the_count():
    client, server = established()
    server.verify(b"one", client.sign(b"one"))
    assert server.decrypt(*client.encrypt(b"two")) == b"two"
    server.verify(b"three", client.sign(b"three"))


def test_altered_message_changes_nothing():
    client, server = established()
    data, signature = client.encrypt(b"pay 10")
    for wrong_data, wrong_signature in ((b"\0" + data[1:], signature), (data, signature[:4] + bytes(8) + signature[12:])):
        with pytest.raises(SspiError) as caught:
            server.decrypt(wrong_data, wrong_signature)
        assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
    assert server.decrypt(data, signature) == b"pay 10"
    with pytest.raises(SspiError):
        server.verify(b"x", bytes(16))
    assert server.decrypt(*client.encrypt(b"pay 20")) == b"pay 20"


def test_replayed_and_reordered_messages_change_nothing():
    client, server = established()
    first, second = client.encrypt(b"1"), client.encrypt(b"2")
    with pytest.raises(SspiError) as caught:
        server.decrypt(*second)
    assert caught.value.status is SecurityStatus.SEC_E_OUT_OF_SEQUENCE
    assert server.decrypt(*first) == b"1"
    with pytest.raises(SspiError) as caught:
        server.decrypt(*first)
    assert caught.value.status is SecurityStatus.SEC_E_OUT_OF_SEQUENCE
    assert server.decrypt(*second) == b"2"


def test_own_message_reflected_is_refused():
    client, _ = established()
    with pytest.raises(SspiError) as caught:
        client.decrypt(*client.encrypt(b"hello"))
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


@pytest.mark.parametrize("signature", [b"", bytes(15), bytes(17)])
def test_what_is_no_signature_is_an_invalid_token(signature):
    _, server = established()
    with pytest.raises(SspiError) as caught:
        server.verify(b"x", signature)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_only_always_sign_gives_the_empty_signature():
    client, server = established(())
    dummy = b"\x01" + bytes(15)
    assert client.sign(b"x") == dummy
    server.verify(b"anything", dummy)
    client.verify(b"x", dummy)
    with pytest.raises(SspiError) as caught:
        server.verify(b"x", b"\x01" + bytes(14) + b"\x01")
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


def test_encrypting_without_confidentiality_is_refused_and_signing_only_works():
    client, server = established({F.INTEGRITY})
    with pytest.raises(SspiError) as caught:
        client.encrypt(b"x")
    assert caught.value.status is SecurityStatus.SEC_E_QOP_NOT_SUPPORTED
    data, signature = client.encrypt(b"clear", qop=0x80000001)
    assert data == b"clear"
    assert server.decrypt(data, signature) == b"clear"


def test_unknown_quality_of_protection():
    client, _ = established()
    with pytest.raises(SspiError) as caught:
        client.encrypt(b"x", qop=7)
    assert caught.value.status is SecurityStatus.SEC_E_QOP_NOT_SUPPORTED


def test_export_and_import_go_on_where_they_were():
    client, server = established()
    assert server.decrypt(*client.encrypt(b"before" * 1000)) == b"before" * 1000
    for end in (client, server):
        end.state = end.world.run(
            end.package.import_security_context(end.world.run(end.package.export_security_context(end.state)))
        )
    assert server.decrypt(*client.encrypt(b"after")) == b"after"
    assert client.decrypt(*server.encrypt(b"back")) == b"back"
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.name, identity.groups) == ("alice", ("staff",))
    assert server.query(ContextAttribute.CLIENT_SPECIFIED_TARGET).name == SPN


# Channel bindings


@pytest.mark.parametrize(
    ("rule", "flags", "client_bindings", "server_bindings", "accepted"),
    [
        (Bindings.AS_REQUESTED, (), TLS, TLS, True),
        (Bindings.AS_REQUESTED, (), TLS, b"", True),
        (Bindings.AS_REQUESTED, (), b"", b"", True),
        (Bindings.AS_REQUESTED, (), b"", TLS, False),
        (Bindings.AS_REQUESTED, (), b"other", TLS, False),
        # Zeros say that the client knows bindings: only a pair that is not there at all is excused.
        (Bindings.AS_REQUESTED, (F.ALLOW_MISSING_BINDINGS,), b"", TLS, False),
        (Bindings.AS_REQUESTED, (F.PROXY_BINDINGS,), b"other", TLS, True),
        (Bindings.AS_REQUESTED, (F.PROXY_BINDINGS,), b"", b"", False),
        (Bindings.NEVER, (), b"other", TLS, True),
        (Bindings.WHEN_SENT, (), b"", TLS, True),
        (Bindings.WHEN_SENT, (), b"other", TLS, False),
        (Bindings.WHEN_SENT, (), TLS, b"", True),
        (Bindings.ALWAYS, (), TLS, TLS, True),
        (Bindings.ALWAYS, (), TLS, b"", True),
        (Bindings.ALWAYS, (), b"", b"", False),
        (Bindings.ALWAYS, (F.ALLOW_MISSING_BINDINGS,), b"", TLS, False),
    ],
)
def test_channel_bindings(rule, flags, client_bindings, server_bindings, accepted):
    client, server = ends(server_policy=NtlmPolicy(bindings=rule))
    client.bindings, server.bindings, server.flags = client_bindings, server_bindings, frozenset(flags)
    if accepted:
        shake(client, server)
        assert server.done
    else:
        assert refused(client, server).status is SecurityStatus.SEC_E_BAD_BINDINGS
        assert [record.ntstatus for record in recorded(server)] == [0xC000035B]


def test_missing_bindings_pair_is_excused_where_the_application_says_so():
    client, server = ends(server_policy=NtlmPolicy(accept_v1=True), policy=NtlmPolicy(send_v1=True))
    server.bindings, server.flags = TLS, frozenset({F.ALLOW_MISSING_BINDINGS})
    shake(client, server)
    assert server.done


@pytest.mark.parametrize("blob", [b"", b"short", bytes(32)])
def test_malformed_bindings_buffer(blob):
    from sspid.packages.contract import Leg
    from sspid.vocabulary.buffers import BufferType, SecurityBuffer

    client, _ = ends()
    buffers = (SecurityBuffer(BufferType.CHANNEL_BINDINGS, blob),)
    leg = Leg(client.credential, buffers, PROTECTED, SPN)
    if len(blob) in {0, 32}:
        assert client.world.run(client.package.initialize_security_context(None, leg)).status.name == "SEC_I_CONTINUE_NEEDED"
    else:
        with pytest.raises(SspiError) as caught:
            client.world.run(client.package.initialize_security_context(None, leg))
        assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


# MIC, target, identity of the message


def tampered(client, server, change):
    challenge = server.step(client.step())
    answer = change(client.step(challenge))
    with pytest.raises(SspiError) as caught:
        server.step(answer)
    return caught.value


@pytest.mark.parametrize("offset", [60, 64, 72, 87])
def test_tampered_authenticate_is_a_refused_logon(offset):
    client, server = ends()
    error = tampered(client, server, lambda token: token[:offset] + bytes([token[offset] ^ 0x40]) + token[offset + 1 :])
    assert error.status is SecurityStatus.SEC_E_LOGON_DENIED
    assert [record.reason for record in recorded(server)] == ["the message integrity code does not match"]


def test_tampered_negotiate_is_found_by_the_mic():
    client, server = ends()
    first = client.step()
    weaker = first[:12] + (int.from_bytes(first[12:16], "little") & ~nf.SEAL).to_bytes(4, "little") + first[16:]
    with pytest.raises(SspiError) as caught:
        server.step(client.step(server.step(weaker)))
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED
    assert [record.reason for record in recorded(server)] == ["the message integrity code does not match"]


def test_target_name_reaches_the_acceptor_unless_it_is_unverified():
    client, server = ends()
    shake(client, server)
    assert server.query(ContextAttribute.CLIENT_SPECIFIED_TARGET).name == SPN
    client, server = ends(PROTECTED | {F.UNVERIFIED_TARGET_NAME})
    shake(client, server)
    assert server.query(ContextAttribute.CLIENT_SPECIFIED_TARGET).name == ""
