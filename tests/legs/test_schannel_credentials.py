import base64
from dataclasses import replace

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Anonymous, CredentialUse, NtHash, Schannel, SchannelSettings
from sspid.vocabulary.credentials import CertificateAndKey as Pair
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.tls_verdicts import accepted, root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


PAIRS = [root().issue(name, key=key) for name in ("a.example.test", "*.b.example.test") for key in ("RSA", "EC")]
DERS = [one.certificate.public_bytes(issuing.Encoding.DER) for one in PAIRS]
NAMES = pytest.mark.parametrize(("target", "first"), [("a.example.test", 0), ("www.b.example.test", 2)])


@NAMES
@pytest.mark.parametrize("at", [0, 1], ids=["RSA", "ECDSA"])
def test_the_certificate_is_chosen_by_server_name_and_key_type(target, first, at):
    ciphers = f"ECDHE-{('RSA', 'ECDSA')[at]}-AES128-GCM-SHA256"
    client = tls.client(target=target, trust_anchors_pem=root().pem, protocols=("TLSv1.2",), cipher_list=ciphers)
    server = tls.server(None, *(one.pem() for one in PAIRS), protocols=("TLSv1.2",))
    tls.shake(client, server)
    assert client.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == DERS[first + at]
    assert server.query(ContextAttribute.LOCAL_CERT_CONTEXT).der == DERS[first + at]
    assert client.query(ContextAttribute.ENDPOINT_BINDINGS) == server.query(ContextAttribute.ENDPOINT_BINDINGS)


@NAMES
def test_the_certificate_is_chosen_by_server_name_in_tls13(target, first):
    client = tls.client(target=target, trust_anchors_pem=root().pem, protocols=("TLSv1.3",))
    server = tls.server(None, *(one.pem() for one in PAIRS), protocols=("TLSv1.3",))
    tls.shake(client, server)
    assert client.query(ContextAttribute.REMOTE_CERT_CONTEXT).der in DERS[first : first + 2]


@pytest.mark.parametrize("form", ["pem", "pkcs12"])
@pytest.mark.parametrize("passphrase", ["", "opens it"])
def test_keys_come_as_pem_or_pkcs12_clear_or_encrypted(form, passphrase):
    middle = issuing.Authority("middle authority", parent=root())
    client, _ = accepted(getattr(middle.issue(tls.HOST), form)(passphrase))
    assert len(client.query(ContextAttribute.REMOTE_CERTIFICATES).certificates) == 2


@pytest.mark.parametrize(
    "pair",
    [
        Pair(b"no certificate", b"no key"),
        Pair(pkcs12=b"no file"),
        Pair(root().issue(tls.HOST).pem().certificate_pem, root().issue(tls.HOST).pem().key_pem),
        Pair(root().issue(tls.HOST).pem().certificate_pem, b""),
        Pair(
            root().issue(tls.HOST).pem("right").certificate_pem, root().issue(tls.HOST).pem("right").key_pem, passphrase="wrong"
        ),
    ],
)
def test_what_cannot_be_used_is_unknown_credentials(pair):
    with pytest.raises(SspiError) as caught:
        tls.server(None, pair)
    assert caught.value.status is Status.SEC_E_UNKNOWN_CREDENTIALS


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"protocols": ("TLSv1.3", "DTLSv1.2")}, Status.SEC_E_ALGORITHM_MISMATCH),
        ({"protocols": ("SSLv3",)}, Status.SEC_E_UNKNOWN_CREDENTIALS),
        ({"cipher_list": "NO-SUCH-CIPHER"}, Status.SEC_E_UNKNOWN_CREDENTIALS),
        ({"cipher_suites": "NO-SUCH-SUITE"}, Status.SEC_E_UNKNOWN_CREDENTIALS),
        ({"groups": "no-such-group"}, Status.SEC_E_UNKNOWN_CREDENTIALS),
        (
            {"trust_anchors_pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
            Status.SEC_E_UNKNOWN_CREDENTIALS,
        ),
        ({"session_lifespan_seconds": -1}, Status.SEC_E_UNKNOWN_CREDENTIALS),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes, status):
    with pytest.raises(SspiError) as caught:
        tls.client(**changes)
    assert caught.value.status is status


def acquire(secret, use=CredentialUse.OUTBOUND):
    world, of = tls.a_world(), tls.package()
    return world.run(of.acquire_credentials_handle(tls.CredentialRequest(use, secret)))


def test_kinds_of_credential():
    assert acquire(None).expiry is None
    assert acquire(Anonymous()).certificates == ()
    for secret, use, status in (
        (NtHash("alice"), CredentialUse.OUTBOUND, Status.SEC_E_UNKNOWN_CREDENTIALS),
        (None, CredentialUse.INBOUND, Status.SEC_E_NO_CREDENTIALS),
        (
            Schannel((), SchannelSettings(flags=frozenset({"NO_SUCH_FLAG"}))),
            CredentialUse.OUTBOUND,
            Status.SEC_E_UNKNOWN_CREDENTIALS,
        ),
    ):
        with pytest.raises(SspiError) as caught:
            acquire(secret, use)
        assert caught.value.status is status


RSA = root().issue(tls.HOST, key="RSA")


def with_another(*names):
    """The certificate with its RSA key, some of whose numbers are others."""
    der = RSA.key.private_bytes(issuing.Encoding.DER, issuing.PrivateFormat.TraditionalOpenSSL, issuing.NoEncryption())
    for name in names:
        number = getattr(RSA.key.private_numbers(), name)
        length = (number.bit_length() + 7) // 8
        assert der.count(number.to_bytes(length)) == 1
        der = der.replace(number.to_bytes(length), (number ^ 2).to_bytes(length))
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END RSA PRIVATE KEY-----\n"
    return replace(RSA.pem(), key_pem=pem)


def test_an_rsa_key_is_taken_whose_numbers_fit():
    assert not tls.server(None, with_another()).credential.slow


@pytest.mark.parametrize("number", ["p", "q", "d", "dmp1", "dmq1", "iqmp"])
def test_an_rsa_key_whose_numbers_do_not_fit_is_unknown_credentials(number):
    with pytest.raises(SspiError) as caught:
        tls.server(None, with_another(number))
    assert caught.value.status is Status.SEC_E_UNKNOWN_CREDENTIALS
    assert "do not fit" in caught.value.message
