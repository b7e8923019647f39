import pytest

from sspid.packages import questions
from sspid.packages.schannel import alerts
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import RETURNED
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
# `status-codes.md` 4, alert by alert.
TABLE = {
    10: "SEC_E_ILLEGAL_MESSAGE", 20: "SEC_E_MESSAGE_ALTERED", 21: "SEC_E_DECRYPT_FAILURE", 22: "SEC_E_ILLEGAL_MESSAGE",
    30: "SEC_E_MESSAGE_ALTERED", 40: "SEC_E_ILLEGAL_MESSAGE", 42: "SEC_E_CERT_UNKNOWN", 43: "SEC_E_CERT_UNKNOWN",
    44: "CRYPT_E_REVOKED", 45: "SEC_E_CERT_EXPIRED", 46: "SEC_E_CERT_UNKNOWN", 47: "SEC_E_ILLEGAL_MESSAGE",
    48: "SEC_E_UNTRUSTED_ROOT", 49: "SEC_E_LOGON_DENIED", 50: "SEC_E_ILLEGAL_MESSAGE", 51: "SEC_E_DECRYPT_FAILURE",
    60: "SEC_E_ILLEGAL_MESSAGE", 70: "SEC_E_UNSUPPORTED_FUNCTION", 71: "SEC_E_ALGORITHM_MISMATCH", 80: "SEC_E_INTERNAL_ERROR",
    90: "SEC_E_UNFINISHED_CONTEXT_DELETED", 100: "SEC_E_ILLEGAL_MESSAGE", 110: "SEC_E_ILLEGAL_MESSAGE",
    115: "SEC_E_ILLEGAL_MESSAGE", 116: "SEC_E_ILLEGAL_MESSAGE", 120: "SEC_E_APPLICATION_PROTOCOL_MISMATCH",
}  # fmt: skip


def connected(version="TLSv1.3", **changes):
    client, server = tls.client(protocols=(version,), **changes), tls.server(protocols=(version,))
    tls.shake(client, server)
    return client, server


@pytest.mark.parametrize("alert", sorted(TABLE))
def test_each_alert_of_the_peer_is_its_status_with_its_number(alert):
    client = tls.client()
    client.leg()
    with pytest.raises(SspiError) as caught:
        client.leg(bytes((21, 3, 3, 0, 2, 2, alert)))
    assert caught.value.status.name == TABLE[alert]
    assert caught.value.detail.alert == alert
    assert not caught.value.detail.alert_sent
    assert alerts.alert_name(alert) in caught.value.message


@pytest.mark.parametrize("alert", sorted(set(TABLE) - {90}))
def test_each_alert_after_the_handshake_is_the_same_status(alert):
    client, server = connected()
    server.control(2, 2, alert)
    tls.serve_tickets(client)
    with pytest.raises(SspiError) as caught:
        client.open(token_in(server.leg(b"").output))
    assert caught.value.status.name == TABLE[alert]


def test_user_canceled_is_a_warning_that_close_notify_follows():
    client, server = connected()
    tls.serve_tickets(client)
    server.control(2, 1, 90)
    assert client.open(token_in(server.leg(b"").output)).buffers[0].data == b""


@both
def test_no_leg_ever_asks_for_complete_auth_token(version):
    client, server = connected(version)
    met = set(client.statuses + server.statuses)
    assert met == {"SEC_I_CONTINUE_NEEDED", "SEC_E_OK"}
    with pytest.raises(SspiError) as caught:
        client.world.run(client.package.complete_auth_token(client.state, ()))
    assert caught.value.status is Status.SEC_E_UNSUPPORTED_FUNCTION


@both
def test_make_and_verify_signature_are_not_offered(version):
    client, _ = connected(version)
    for function in (client.package.make_signature, client.package.verify_signature):
        with pytest.raises(SspiError) as caught:
            client.world.run(function(client.state, None))
        assert caught.value.status is Status.SEC_E_UNSUPPORTED_FUNCTION


def test_a_context_of_the_other_role_is_an_invalid_handle():
    client, server = connected()
    client.server = True
    with pytest.raises(SspiError) as caught:
        client.leg(b"")
    assert caught.value.status is Status.SEC_E_INVALID_HANDLE
    server.server = False
    with pytest.raises(SspiError) as caught:
        server.leg(b"")
    assert caught.value.status is Status.SEC_E_INVALID_HANDLE


def test_messages_before_the_end_are_an_invalid_handle():
    client = tls.client()
    client.leg()
    for call in (lambda: client.seal(b"x"), lambda: client.open(b"x")):
        with pytest.raises(SspiError) as caught:
            call()
        assert caught.value.status is Status.SEC_E_INVALID_HANDLE


def test_credentials_of_the_other_use_are_no_credentials():
    client, server = tls.client(), tls.server()
    client.credential, server.credential = server.credential, client.credential
    for call in (client.leg, lambda: server.leg(b"\x16\x03\x01\x00\x00")):
        with pytest.raises(SspiError) as caught:
            call()
        assert caught.value.status is Status.SEC_E_NO_CREDENTIALS


def test_an_authority_out_of_reach_is_its_own_status():
    world = tls.a_world()

    def nobody(_):
        raise SspiError(Status.SEC_E_NO_AUTHENTICATING_AUTHORITY, "No domain controller answers.")

    world.answers[questions.MapCertificate] = nobody
    root = issuing.Authority("root")
    client = tls.client(None, root.issue("alice", upn="alice@EXAMPLE.TEST").pem())
    server = tls.server(world, trust_anchors_pem=root.pem, flags=tls.REQUESTED)
    tls.shake(client, server)
    with pytest.raises(SspiError) as caught:
        world.run(server.package.query_security_context_token(server.state))
    assert caught.value.status is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY


@pytest.mark.parametrize("flag", [ContextFlag.DELEGATE, ContextFlag.NULL_SESSION, ContextFlag.EXPLICIT_SESSION])
def test_a_server_refuses_flags_it_cannot_honour(flag):
    with pytest.raises(SspiError) as caught:
        tls.server(flags=frozenset({flag})).leg(b"\x16\x03\x01\x00\x00")
    assert caught.value.status is Status.SEC_E_UNSUPPORTED_FUNCTION


@pytest.mark.parametrize(
    ("buffers", "status"),
    [
        ((), Status.SEC_E_INVALID_TOKEN),
        ((token(b"\x01\0\0\0"), token(b"\x01\0\0\0")), Status.SEC_E_INVALID_TOKEN),
        ((SecurityBuffer(BufferType.DATA, b"\x01\0\0\0"),), Status.SEC_E_INVALID_TOKEN),
        ((token(b"\x01\0"),), Status.SEC_E_UNSUPPORTED_FUNCTION),
        ((token(bytes(4)),), Status.SEC_E_UNSUPPORTED_FUNCTION),
        ((token(b"\x02\0\0\0\x02\0\0\0"),), Status.SEC_E_UNSUPPORTED_FUNCTION),
        ((token(b"\x02\0\0\0\x07\0\0\0\x28\0\0\0"),), Status.SEC_E_UNSUPPORTED_FUNCTION),
    ],
)
def test_control_tokens_that_are_none(buffers, status):
    client, _ = connected()
    with pytest.raises(SspiError) as caught:
        client.world.run(client.package.apply_control_token(client.state, buffers))
    assert caught.value.status is status


@pytest.mark.parametrize(
    "data",
    [
        b"\1\0\0",
        b"\xff\xff\xff\xff",
        b"\x09\0\0\0\2\0\0\0\x09\0\2h2",
        b"\x09\0\0\0\2\0\0\0\3\0\0h2",
        b"\x09\0\0\0\2\0\0\0\3\0\x09h2",
    ],
)
def test_a_malformed_protocol_list_is_an_invalid_token(data):
    client = tls.client(buffers=(SecurityBuffer(BufferType.APPLICATION_PROTOCOLS, data),))
    with pytest.raises(SspiError) as caught:
        client.leg()
    assert caught.value.status is Status.SEC_E_INVALID_TOKEN


def message_buffers(*kinds):
    return tuple(SecurityBuffer(kind, b"x" if kind is BufferType.DATA else b"") for kind in kinds)


@pytest.mark.parametrize(
    "kinds",
    [
        (),
        (BufferType.EMPTY,) * 4,
        (BufferType.DATA, BufferType.DATA, BufferType.EMPTY, BufferType.EMPTY),
        (BufferType.DATA, BufferType.EMPTY),
    ],
)
def test_decrypt_message_wants_its_buffers(kinds):
    client, _ = connected()
    with pytest.raises(SspiError) as caught:
        client.world.run(client.package.decrypt_message(client.state, tls.Message(message_buffers(*kinds))))
    assert caught.value.status is Status.SEC_E_INVALID_TOKEN


def test_encrypt_message_names_what_is_wrong():
    client, _ = connected()
    header, trailer = SecurityBuffer(BufferType.STREAM_HEADER, size=5), SecurityBuffer(BufferType.STREAM_TRAILER, size=17)
    data = SecurityBuffer(BufferType.DATA, b"x")
    cases = [
        (tls.Message((header, trailer)), Status.SEC_E_INVALID_TOKEN),
        (tls.Message((header, data, SecurityBuffer(BufferType.STREAM_TRAILER, size=3))), Status.SEC_E_BUFFER_TOO_SMALL),
        (tls.Message((header, SecurityBuffer(BufferType.DATA, bytes(16385)), trailer)), Status.SEC_E_ENCRYPT_FAILURE),
        (tls.Message((data,), qop=0x80000001), Status.SEC_E_QOP_NOT_SUPPORTED),
    ]
    for message, status in cases:
        with pytest.raises(SspiError) as caught:
            client.world.run(client.package.encrypt_message(client.state, message))
        assert caught.value.status is status


def test_an_out_of_band_alert_can_be_sealed():
    client, server = connected()
    tls.serve_tickets(client)
    alert = tls.Message((SecurityBuffer(BufferType.DATA, bytes((2, 49))),), qop=0x40000000)
    sealed = client.world.run(client.package.encrypt_message(client.state, alert)).buffers[0].data
    with pytest.raises(SspiError) as caught:
        server.open(sealed)
    assert caught.value.status is Status.SEC_E_LOGON_DENIED


def test_credential_attributes():
    client, server = tls.client(), tls.server()
    ask = client.package.query_credentials_attributes

    def of(end, attribute):
        return end.world.run(ask(end.credential, attribute))

    assert of(client, CredentialAttribute.SUPPORTED_PROTOCOLS).protocols == ("TLSv1.2", "TLSv1.3")
    assert "TLS_AES_128_GCM_SHA256" in of(client, CredentialAttribute.SUPPORTED_ALGS).algorithms
    assert of(client, CredentialAttribute.CIPHER_STRENGTHS).minimum == 128
    assert of(server, CredentialAttribute.CERT).der == server.credential.certificates[0].chain.leaf
    with pytest.raises(SspiError) as caught:
        of(client, CredentialAttribute.NAMES)
    assert caught.value.status is Status.SEC_E_NO_CREDENTIALS
    with pytest.raises(SspiError) as caught:
        of(client, CredentialAttribute.PAC_BYPASS)
    assert caught.value.status is Status.SEC_E_UNSUPPORTED_FUNCTION


@both
def test_every_attribute_answers_or_says_why_not(version):
    client, server = connected(version)
    for end in (client, server):
        for attribute in ContextAttribute:
            refusal: object
            try:
                end.query(attribute)
            except SspiError as error:
                refusal = error.status
            else:
                refusal = None
            assert refusal not in RETURNED


@pytest.mark.parametrize("flag", [ContextFlag.CONNECTION, ContextFlag.EXTENDED_ERROR, ContextFlag.STREAM])
@both
def test_flags_are_granted_where_they_are_asked(version, flag):
    client, server = tls.client(protocols=(version,), flags=frozenset({flag})), tls.server(protocols=(version,))
    tls.shake(client, server)
    assert flag in client.steps[-1].granted
    assert ContextFlag.ALLOCATE_MEMORY in client.steps[0].granted
    assert ContextFlag.MUTUAL_AUTH not in client.steps[-1].granted


@both
def test_what_tls_always_gives_is_granted_unasked(version):
    client, server = tls.client(protocols=(version,), flags=tls.PLAIN), tls.server(protocols=(version,), flags=tls.PLAIN)
    tls.shake(client, server)
    always = {ContextFlag.REPLAY_DETECT, ContextFlag.SEQUENCE_DETECT, ContextFlag.CONFIDENTIALITY, ContextFlag.INTEGRITY}
    for end in (client, server):
        assert always <= end.steps[-1].granted
        assert not always & end.steps[0].granted
