"""The flags of a Schannel credential (SCHANNEL_CRED's dwFlags), by what they do."""

import pytest

from sspid.packages import questions
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.tls_verdicts import root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
SO_ANYWAY = {
    "AUTO_CRED_VALIDATION",
    "NO_DEFAULT_CREDS",
    "RESTRICTED_ROOTS",
    "REVOCATION_CHECK_CACHE_ONLY",
    "CACHE_ONLY_URL_RETRIEVAL",
    "CACHE_ONLY_URL_RETRIEVAL_ON_CREATE",
    "MEMORY_STORE_CERT",
    "SNI_CREDENTIAL",
    "SNI_ENABLE_OCSP",
    "SEND_AUX_RECORD",
    "USE_STRONG_CRYPTO",
}


def flagged(end, *flags, certificates=(), **changes):
    """The same end with a credential that has these flags."""
    use = CredentialUse.INBOUND if end.server else CredentialUse.OUTBOUND
    end.credential = tls.credential(end.world, end.package, *certificates, use=use, flags=frozenset(flags), **changes)
    return end


@both
@pytest.mark.parametrize("moved", [False, True])
def test_no_system_mapper_maps_nobody(version, moved):
    client = tls.client(None, tls.issued("alice@example.test"), protocols=(version,))
    server = tls.server(flags=tls.REQUESTED)
    server.world.answers[questions.MapCertificate] = lambda _: questions.Account("alice", "EXAMPLE")
    flagged(server, "NO_SYSTEM_MAPPER", certificates=[tls.issued()], protocols=(version,))
    tls.shake(client, server)
    if moved:
        packed = server.world.run(server.package.export_security_context(server.state))
        server.state = server.world.run(server.package.import_security_context(packed))
    assert server.query(ContextAttribute.REMOTE_CERT_CONTEXT).der
    with pytest.raises(SspiError) as caught:
        server.world.run(server.package.query_security_context_token(server.state))
    assert caught.value.status is Status.SEC_E_NO_IMPERSONATION
    assert "NO_SYSTEM_MAPPER" in caught.value.message


@both
@pytest.mark.parametrize("flag", ["MANUAL_CRED_VALIDATION", "DEFERRED_CRED_VALIDATION"])
def test_validation_can_be_left_to_the_caller(version, flag):
    client = flagged(tls.client(), flag, protocols=(version,), trust_anchors_pem=tls.roots("stranger"))
    tls.shake(client, tls.server(protocols=(version,)))
    assert ContextFlag.MUTUAL_AUTH not in client.steps[-1].granted


@both
def test_an_acceptor_too_can_leave_validation_to_the_caller(version):
    stranger = tls.issued("alice@example.test", by="stranger")
    # Without names of authorities in its request, so that the client sends what it has.
    server = flagged(
        tls.server(flags=tls.REQUESTED), "MANUAL_CRED_VALIDATION", certificates=[tls.issued()], trust_anchors_pem=b""
    )
    client = tls.client(None, stranger, protocols=(version,))
    tls.shake(client, server)
    assert server.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == client.query(ContextAttribute.LOCAL_CERT_CONTEXT).der
    assert ContextFlag.MUTUAL_AUTH not in server.steps[-1].granted


@both
@pytest.mark.parametrize("between", [False, True])
def test_the_root_is_sent_where_it_is_wanted(version, between):
    issuer = issuing.Authority("middle", parent=root()) if between else root()
    own = issuer.issue(tls.HOST).pem()
    for flags, more in (((), 0), (("SEND_ROOT_CERT",), 1)):
        client = tls.client(protocols=(version,), trust_anchors_pem=root().pem)
        server = flagged(tls.server(), *flags, certificates=[own], protocols=(version,), trust_anchors_pem=root().pem)
        tls.shake(client, server)
        sent = client.query(ContextAttribute.REMOTE_CERTIFICATES).certificates
        assert len(sent) == 1 + between + more
        assert (root().certificate.public_bytes(issuing.Encoding.DER) in sent) is bool(more)


def test_a_root_nobody_has_is_not_sent():
    own = issuing.Authority("unknown").issue(tls.HOST).pem()
    server = flagged(tls.server(), "SEND_ROOT_CERT", certificates=[own])
    client = tls.client(flags=tls.REQUESTED | {ContextFlag.MANUAL_CRED_VALIDATION})
    tls.shake(client, server)
    assert len(client.query(ContextAttribute.REMOTE_CERTIFICATES).certificates) == 1


def test_use_dtls_only_stands_for_dtls():
    client = flagged(tls.client(), "USE_DTLS_ONLY")
    asked = client.package.query_credentials_attributes(client.credential, CredentialAttribute.SUPPORTED_PROTOCOLS)
    assert client.world.run(asked).protocols == ("DTLSv1.2",)


@both
@pytest.mark.parametrize("prefix", ["", "SCH_CRED_", "SCH_"])
def test_flags_for_what_is_so_anyway_are_taken(version, prefix):
    flags = [prefix + flag for flag in SO_ANYWAY]
    client = flagged(tls.client(), *flags, protocols=(version,))
    tls.shake(client, flagged(tls.server(), *flags, certificates=[tls.issued()], protocols=(version,)))
    assert ContextFlag.MUTUAL_AUTH in client.steps[-1].granted


@pytest.mark.parametrize(
    "flags", [("MANUAL_CRED_VALIDATION", "AUTO_CRED_VALIDATION"), ("USE_DEFAULT_CREDS", "NO_DEFAULT_CREDS"), ("NO_SUCH_FLAG",)]
)
def test_flags_that_exclude_each_other_are_refused(flags):
    with pytest.raises(SspiError) as caught:
        flagged(tls.client(), *flags)
    assert caught.value.status is Status.SEC_E_UNKNOWN_CREDENTIALS
