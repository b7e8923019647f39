"""NTLM handshakes under rules: anonymous and guest, policy, a domain that judges, datagrams, and what a peer may not do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from sspid.packages.ntlm import av_pairs, crypto, messages
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.policy import NtlmPolicy
from sspid.packages.questions import (
    JudgeNtlmResponse,
    LookUpAccount,
    NtlmVerdict,
    RecordPolicyBreach,
)
from sspid.packages.rules import Bindings
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Anonymous
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.ends import shake
from sspid_testing.ntlm_legs import ALICE, HASH, PROTECTED, SPN, F, ends, established, recorded, refused

pytestmark = [pytest.mark.ntlm, pytest.mark.legs]


# Anonymous and guest


def test_anonymous_needs_the_acceptors_leave():
    client, server = ends()
    client.secret = Anonymous()
    assert refused(client, server).status is SecurityStatus.SEC_E_LOGON_DENIED
    client, server = ends()
    client.secret, server.flags = Anonymous(), frozenset({F.NULL_SESSION})
    shake(client, server)
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.name, identity.mapped_by) == ("ANONYMOUS LOGON", "anonymous")
    assert F.NULL_SESSION in client.steps[-1].granted & server.steps[-1].granted
    assert F.INTEGRITY not in server.steps[-1].granted
    assert not [question for question in server.world.asked if isinstance(question, LookUpAccount)]


def test_guest_only_by_policy_and_without_protection():
    assert refused(*ends(user="nobody")).status is SecurityStatus.SEC_E_LOGON_DENIED
    client, server = ends(user="nobody", server_policy=NtlmPolicy(allow_guest=True))
    shake(client, server)
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.name, identity.mapped_by) == ("Guest", "guest")
    assert server.steps[-1].granted == {F.CONNECTION}


# Policy


def test_ntlm_off_on_either_side_and_excepted_targets():
    off = NtlmPolicy(enabled=False)
    assert refused(*ends(policy=off)).status is SecurityStatus.STATUS_NOT_SUPPORTED
    assert refused(*ends(server_policy=off)).status is SecurityStatus.STATUS_NOT_SUPPORTED
    client, server = ends(policy=NtlmPolicy(enabled=False, allowed_targets=frozenset({SPN.casefold()})))
    shake(client, server)
    assert server.done


def test_ntlmv1_only_by_policy():
    client, server = ends(policy=NtlmPolicy(send_v1=True))
    assert refused(client, server).status is SecurityStatus.SEC_E_LOGON_DENIED
    client, server = ends(policy=NtlmPolicy(send_v1=True), server_policy=NtlmPolicy(accept_v1=True))
    shake(client, server)
    assert server.decrypt(*client.encrypt(b"old")) == b"old"
    client, server = ends(password="x", policy=NtlmPolicy(send_v1=True), server_policy=NtlmPolicy(accept_v1=True))
    assert refused(client, server).status is SecurityStatus.SEC_E_LOGON_DENIED


def without_extended_session_security(server):
    """Let the acceptor's challenge not take up extended session security, as an NT 4 server would."""
    real = server.package.accept_security_context

    async def older(state, leg):
        step = await real(state, leg)
        if step.established:
            return step
        flags = step.state.flags & ~nf.EXTENDED_SESSION_SECURITY
        challenge = step.state.challenge[:20] + flags.to_bytes(4, "little") + step.state.challenge[24:]
        output = (structs.replace(step.output[0], data=challenge),)
        return structs.replace(step, state=step.state._replace(flags=flags, challenge=challenge), output=output)

    server.package.accept_security_context = older


@pytest.mark.parametrize("policy", [NtlmPolicy(), NtlmPolicy(send_v1=True)])
def test_without_extended_session_security_one_stream_serves_both_directions(policy):
    client, server = ends(policy=policy, server_policy=NtlmPolicy(accept_v1=True))
    without_extended_session_security(server)
    shake(client, server)
    assert server.decrypt(*client.encrypt(b"one")) == b"one"
    assert client.decrypt(*server.encrypt(b"two")) == b"two"
    data, signature = client.encrypt(b"three")
    with pytest.raises(SspiError) as caught:
        server.decrypt(b"\0" + data[1:], signature)
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
    assert server.decrypt(data, signature) == b"three"
    assert client.query(ContextAttribute.KEY_INFO).signature_algorithm_name == "RSADSI RC4-CRC32"


def test_mic_required():
    client, server = ends(server_policy=NtlmPolicy(require_mic=True))
    shake(client, server)
    client, server = ends(policy=NtlmPolicy(send_v1=True), server_policy=NtlmPolicy(accept_v1=True, require_mic=True))
    assert refused(client, server).status is SecurityStatus.SEC_E_LOGON_DENIED
    assert [breach.rule for breach in recorded(server, RecordPolicyBreach)] == ["mic"]


def test_signing_required():
    client, server = ends((), server_policy=NtlmPolicy(require_signing=True))
    assert refused(client, server).status is SecurityStatus.SEC_E_SECURITY_QOS_FAILED
    client, server = ends((), policy=NtlmPolicy(require_signing=True))
    shake(client, server)
    assert F.INTEGRITY in server.steps[-1].granted


@pytest.mark.parametrize("allowed", [True, False])
def test_128_bit_required(allowed):
    client, server = ends(server_policy=NtlmPolicy(require_128_bit=not allowed))
    first = client.step()
    weaker = first[:12] + (int.from_bytes(first[12:16], "little") & ~nf.KEY_128).to_bytes(4, "little") + first[16:]
    if allowed:
        assert messages.message_type(server.step(weaker)) == 2
    else:
        with pytest.raises(SspiError) as caught:
            server.step(weaker)
        assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


def test_lifetime():
    client, server = ends(server_policy=NtlmPolicy(max_lifetime_seconds=60))
    challenge = server.step(client.step())
    server.world.now += timedelta(seconds=61)
    with pytest.raises(SspiError) as caught:
        server.step(client.step(challenge))
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


@pytest.mark.parametrize(
    "rules",
    [
        NtlmPolicy(enabled=False, audit_only=True),
        NtlmPolicy(require_signing=True, audit_only=True),
        NtlmPolicy(bindings=Bindings.ALWAYS, audit_only=True),
    ],
)
def test_audit_only_records_and_goes_on(rules):
    client, server = ends((), server_policy=rules)
    shake(client, server)
    assert server.done
    assert [breach.enforced for breach in recorded(server, RecordPolicyBreach)] == [False]


# A domain authority


def test_domain_authority_judges():
    account = replace(ALICE, nt_hash=None)
    client, server = ends(account=account)
    asked = []

    def verdict(question):
        asked.append(question)
        key = crypto.ntlmv2_hash(HASH, question.name, question.domain)
        assert crypto.proof(key, question.server_challenge, question.nt_response[16:]) == question.nt_response[:16]
        return NtlmVerdict(crypto.session_base_key_v2(key, question.nt_response[:16]), replace(account, groups=("domain",)))

    server.world.answers[JudgeNtlmResponse] = verdict
    shake(client, server)
    assert len(asked) == 1
    assert server.decrypt(*client.encrypt(b"x")) == b"x"
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert identity.groups == ("domain",)


@pytest.mark.parametrize(
    ("status", "ntstatus", "seen", "records"),
    [
        ("SEC_E_LOGON_DENIED", 0xC0000234, "SEC_E_LOGON_DENIED", [0xC0000234]),
        ("SEC_E_LOGON_DENIED", None, "SEC_E_LOGON_DENIED", [0xC000006D]),
        ("SEC_E_NO_AUTHENTICATING_AUTHORITY", None, "SEC_E_NO_AUTHENTICATING_AUTHORITY", []),
    ],
)
def test_domain_authority_refuses_or_is_away(status, ntstatus, seen, records):
    client, server = ends(account=replace(ALICE, nt_hash=None))

    def verdict(_):
        raise SspiError(SecurityStatus[status], "As the domain says.", detail=FailureDetail(ntstatus=ntstatus))

    server.world.answers[JudgeNtlmResponse] = verdict
    error = refused(client, server)
    assert error.status.name == seen
    assert [record.ntstatus for record in recorded(server)] == records
    if seen == "SEC_E_LOGON_DENIED":
        assert error.detail is None


# Datagrams


def test_datagram_style_begins_with_the_challenge():
    client, server = ends(PROTECTED | {F.DATAGRAM})
    server.flags = frozenset({F.DATAGRAM, F.INTEGRITY, F.CONFIDENTIALITY})
    assert client.step() == b""
    server.step(client.step(server.step()))
    assert server.done
    assert F.DATAGRAM in server.steps[-1].granted
    later, earlier = client.encrypt(b"seven", number=7), client.encrypt(b"three", number=3)
    assert server.decrypt(*later, number=7) == b"seven"
    assert server.decrypt(*earlier, number=3) == b"three"
    with pytest.raises(SspiError) as caught:
        server.decrypt(*earlier, number=4)
    assert caught.value.status is SecurityStatus.SEC_E_OUT_OF_SEQUENCE


# What the peer may not do


@pytest.mark.parametrize("keep", [av_pairs.NB_COMPUTER_NAME, av_pairs.NB_DOMAIN_NAME])
def test_a_challenge_without_the_mandatory_names(keep):
    client, _ = ends()
    first = client.step()
    info = av_pairs.pair(keep, "X".encode("utf-16-le")) + av_pairs.END
    challenge = messages.write_challenge(messages.read_negotiate(first).flags | nf.TARGET_INFO, bytes(8), b"", info)
    with pytest.raises(SspiError) as caught:
        client.step(challenge)
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


def test_server_that_sends_the_initiators_pairs_is_not_believed():
    client, _ = ends()
    flags = messages.read_negotiate(client.step()).flags | nf.TARGET_INFO
    pairs = ((1, "S"), (2, "D"), (9, "HTTP/attacker"))
    info = b"".join(av_pairs.pair(kind, text.encode("utf-16-le")) for kind, text in pairs)
    info += av_pairs.pair(av_pairs.CHANNEL_BINDINGS, b"b" * 16) + av_pairs.pair(av_pairs.FLAGS, b"\x06\0\0\0") + av_pairs.END
    answer = client.step(messages.write_challenge(flags, bytes(8), b"", info))
    sent = messages.read_authenticate(answer, flags)
    found, _ = av_pairs.read(sent.nt_response, 44)
    assert av_pairs.text(found[av_pairs.TARGET_NAME]) == SPN
    assert found[av_pairs.CHANNEL_BINDINGS] == bytes(16)
    assert av_pairs.flags_of(found) == 0


def test_established_contexts_have_no_further_legs():
    client, server = established()
    for end in (client, server):
        with pytest.raises(SspiError) as caught:
            end.step(b"x")
        assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_acceptor_without_token():
    _, server = ends()
    with pytest.raises(SspiError) as caught:
        server.step()
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_messages_and_attributes_before_the_end():
    client, _ = ends()
    client.step()
    for call in (lambda: client.encrypt(b"x"), lambda: client.query(ContextAttribute.SIZES)):
        with pytest.raises(SspiError) as caught:
            call()
        assert caught.value.status is SecurityStatus.SEC_E_INVALID_HANDLE
    assert client.query(ContextAttribute.LAST_CLIENT_TOKEN_STATUS).status == 1
    assert client.query(ContextAttribute.PACKAGE_INFO).name == "NTLM"


def test_attributes():
    client, server = established()
    sizes = client.query(ContextAttribute.SIZES)
    assert (sizes.max_token, sizes.max_signature, sizes.block_size, sizes.security_trailer) == (2888, 16, 0, 16)
    assert client.query(ContextAttribute.NAMES).user_name == "DOMAIN\\alice"
    assert server.query(ContextAttribute.NAMES).user_name == "DOMAIN\\alice"
    key = client.query(ContextAttribute.KEY_INFO)
    assert (key.signature_algorithm_name, key.encrypt_algorithm_name, key.key_size) == ("HMAC-MD5", "RSADSI RC4", 128)
    assert client.query(ContextAttribute.LIFESPAN).expiry is None
    assert client.query(ContextAttribute.LAST_CLIENT_TOKEN_STATUS).status == 0
    assert av_pairs.read(client.query(ContextAttribute.TARGET_INFORMATION).data)[0][1] == "SERVER".encode("utf-16-le")
    assert client.query(ContextAttribute.TARGET).name == SPN
    for end, attribute in ((client, ContextAttribute.STREAM_SIZES), (client, ContextAttribute.CLIENT_SPECIFIED_TARGET)):
        with pytest.raises(SspiError) as caught:
            end.query(attribute)
        assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
