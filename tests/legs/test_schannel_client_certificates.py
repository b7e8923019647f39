import pytest
from cryptography import x509

from sspid.packages import questions
from sspid.packages.schannel import failures
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.tls_verdicts import root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
USE_SUPPLIED = tls.REQUESTED | {ContextFlag.USE_SUPPLIED_CREDS}
INCOMPLETE = "SEC_I_INCOMPLETE_CREDENTIALS"


def hand_over(client, server):
    """Pass tokens until the client stops at the certificate request; the input that told it."""
    data = token_in(server.leg(token_in(client.leg().output)).output)
    step = client.leg(data)
    return data, step


@both
def test_without_a_certificate_the_client_stops_and_names_the_issuers(version):
    client = tls.client(protocols=(version,))
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    data, step = hand_over(client, server)
    assert step.status.name == INCOMPLETE
    assert token_in(step.output) == b""
    issuers = client.query(ContextAttribute.ISSUER_LIST_EX).issuers
    authority = x509.load_pem_x509_certificate(tls.roots())
    assert issuers == (authority.subject.public_bytes(),)
    again = client.leg(data)
    assert again.status.name == INCOMPLETE


@both
def test_the_same_input_with_another_credential_goes_on(version):
    client = tls.client(protocols=(version,))
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    data, _ = hand_over(client, server)
    mine = tls.credential(
        client.world, client.package, tls.issued("alice@example.test"), use=CredentialUse.OUTBOUND, protocols=(version,)
    )
    step = client.leg(data, credential=mine)
    assert step.status.name == ("SEC_E_OK" if version == "TLSv1.3" else "SEC_I_CONTINUE_NEEDED")
    assert server.leg(token_in(step.output)).status.name == "SEC_E_OK"
    assert server.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == mine.certificates[0].chain.leaf
    assert ContextFlag.MUTUAL_AUTH in server.steps[-1].granted


@both
def test_the_same_input_with_use_supplied_creds_goes_on_without(version):
    client = tls.client(protocols=(version,))
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    data, _ = hand_over(client, server)
    step = client.leg(data, flags=USE_SUPPLIED)
    assert ContextFlag.USE_SUPPLIED_CREDS in step.granted
    with pytest.raises(SspiError) as caught:
        server.leg(token_in(step.output))
    assert caught.value.status is Status.SEC_E_NO_CREDENTIALS
    with pytest.raises(SspiError) as theirs:
        client.leg(token_in(caught.value.output)) if version == "TLSv1.2" else client.open(token_in(caught.value.output))
    assert theirs.value.detail.alert == (116 if version == "TLSv1.3" else 40)


@both
def test_another_input_after_incomplete_credentials_is_an_invalid_token(version):
    client = tls.client(protocols=(version,))
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    data, _ = hand_over(client, server)
    with pytest.raises(SspiError) as caught:
        client.leg(b"\x16" + data[1:-1] + b"!")
    assert caught.value.status is Status.SEC_E_INVALID_TOKEN


@both
def test_a_certificate_of_an_issuer_the_server_does_not_name_is_not_sent(version):
    client = tls.client(None, tls.issued("alice@example.test", by="stranger"), protocols=(version,))
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    assert hand_over(client, server)[1].status.name == INCOMPLETE


@both
def test_a_client_certificate_nobody_vouches_for_is_refused_with_its_alert(version):
    world = tls.a_world()
    client = tls.client(world, tls.issued("alice@example.test", by="stranger"), protocols=(version,), flags=USE_SUPPLIED)
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    _data, step = hand_over(client, server)
    with pytest.raises(SspiError) as caught:
        server.leg(token_in(step.output))
    assert caught.value.status is Status.SEC_E_UNTRUSTED_ROOT
    with pytest.raises(SspiError) as theirs:
        client.leg(token_in(caught.value.output)) if version == "TLSv1.2" else client.open(token_in(caught.value.output))
    assert theirs.value.status is Status.SEC_E_UNTRUSTED_ROOT


def mapped(upn="alice@EXAMPLE.TEST", *, table=None, **account):
    world = tls.a_world()
    world.answers[questions.MapCertificate] = lambda _: table
    world.accounts["alice"] = questions.Account("alice", "EXAMPLE", **account)
    client = tls.client(None, root().issue("alice", upn=upn, usage=issuing.CLIENT).pem(), trust_anchors_pem=tls.roots())
    server = tls.server(world, trust_anchors_pem=root().pem, flags=tls.REQUESTED)
    tls.shake(client, server)
    return server.world.run(server.package.query_security_context_token(server.state))


def test_a_client_certificate_maps_to_an_account_by_upn_or_table():
    found = mapped(groups=("staff",))
    assert (found.name, found.domain, found.groups, found.mapped_by) == ("alice", "EXAMPLE", ("staff",), "certificate-upn")
    found = mapped(table=questions.Account("bob", "ELSEWHERE"))
    assert (found.name, found.mapped_by) == ("bob", "certificate-table")


@pytest.mark.parametrize("upn", ["", "nobody@EXAMPLE.TEST", "no-at-sign", "@EXAMPLE.TEST"])
def test_an_unmapped_certificate_is_no_impersonation(upn):
    with pytest.raises(SspiError) as caught:
        mapped(upn)
    assert caught.value.status is Status.SEC_E_NO_IMPERSONATION


def test_no_certificate_is_no_impersonation():
    client, server = tls.client(), tls.server()
    tls.shake(client, server)
    with pytest.raises(SspiError) as caught:
        server.world.run(server.package.query_security_context_token(server.state))
    assert caught.value.status is Status.SEC_E_NO_IMPERSONATION


@pytest.mark.parametrize(("stop", "ntstatus"), [("disabled", 0xC0000072), ("expired", 0xC0000193), ("locked_out", 0xC0000234)])
def test_an_account_that_may_not_log_on_is_logon_denied(stop, ntstatus):
    with pytest.raises(SspiError) as caught:
        mapped(**{stop: True})
    assert caught.value.status is Status.SEC_E_LOGON_DENIED
    assert caught.value.detail.ntstatus == ntstatus


@both
def test_the_alert_in_the_detail_is_the_one_openssl_sent(version):
    """Before the keys it is read off the record; a TLS 1.3 server has keys by then, so the record is opened."""
    client = tls.client(None, tls.issued("alice@example.test", by="stranger"), protocols=(version,), flags=USE_SUPPLIED)
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    _, step = hand_over(client, server)
    with pytest.raises(SspiError) as caught:
        server.leg(token_in(step.output))
    sealed = failures._sealed_alert(server.steps[0].state.connection, token_in(caught.value.output))
    assert sealed == (48 if version == "TLSv1.3" else None)
    assert caught.value.detail.alert == 48
