import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import CertificateAndKey as Pair
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.issuing import DAY, NOW
from sspid_testing.tls_verdicts import accepted, refused, root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@both
@pytest.mark.parametrize(
    ("wishes", "status", "error"),
    [
        ({"end": NOW - DAY / 2}, Status.SEC_E_CERT_EXPIRED, 10),
        ({"start": NOW + DAY}, Status.SEC_E_CERT_EXPIRED, 9),
        ({"usage": issuing.CLIENT}, Status.SEC_E_CERT_WRONG_USAGE, 26),
    ],
)
def test_each_fault_of_a_certificate_has_its_status(version, wishes, status, error):
    made = refused(root().issue(tls.HOST, **wishes).pem(), version)
    assert (made.status, made.detail.verify_error, made.detail.verify_depth) == (status, error, 0)
    assert made.detail.verify_reason


def test_a_weak_key_is_an_algorithm_mismatch():
    weak = root().issue(tls.HOST, key="RSA1024").pem()
    server = tls.server(None, weak, protocols=("TLSv1.3",), cipher_list="DEFAULT:@SECLEVEL=0")
    client = tls.client(protocols=("TLSv1.3",), trust_anchors_pem=root().pem)
    with pytest.raises(SspiError) as caught:
        tls.shake(client, server)
    assert (caught.value.status, caught.value.detail.verify_error) == (Status.SEC_E_ALGORITHM_MISMATCH, 66)


def test_a_weak_digest_below_the_root_is_an_algorithm_mismatch():
    middle = issuing.Authority("sha1 authority", parent=root())
    weak = middle.issue(tls.HOST, digest=hashes.SHA224()).pem()
    server = tls.server(None, weak, protocols=("TLSv1.3",), cipher_list="DEFAULT:@SECLEVEL=0")
    client = tls.client(protocols=("TLSv1.3",), trust_anchors_pem=root().pem, cipher_list="DEFAULT:@SECLEVEL=3")
    with pytest.raises(SspiError) as caught:
        tls.shake(client, server)
    assert caught.value.status is Status.SEC_E_ALGORITHM_MISMATCH


@both
def test_intermediates_are_sent_and_built_on(version):
    middle = issuing.Authority("middle authority", parent=root())
    client, _ = accepted(middle.issue(tls.HOST).pem(), version)
    assert len(client.query(ContextAttribute.REMOTE_CERTIFICATES).certificates) == 2


def test_a_missing_intermediate_is_an_untrusted_root():
    middle = issuing.Authority("absent authority", parent=root())
    pair = middle.issue(tls.HOST).pem()
    alone = Pair(pair.certificate_pem.split(b"-----END CERTIFICATE-----")[0] + b"-----END CERTIFICATE-----\n", pair.key_pem)
    assert refused(alone).status is Status.SEC_E_UNTRUSTED_ROOT


@pytest.mark.parametrize("fault", [{"path_length": 0}, {"is_authority": False}])
def test_a_chain_that_may_not_be_so_is_a_chaining_error(fault):
    short = issuing.Authority("bounded authority", parent=root(), **fault)
    below = issuing.Authority("one too many", parent=short) if fault == {"path_length": 0} else short
    made = refused(below.issue(tls.HOST).pem())
    assert made.status is Status.CERT_E_CHAINING
    assert made.detail.verify_depth >= 1


def test_a_forged_signature_is_a_signature_error():
    """The last byte of a genuine certificate's signature changed: issuer, names and key ids all fit."""
    genuine = root().issue(tls.HOST)
    der = bytearray(genuine.certificate.public_bytes(issuing.Encoding.DER))
    der[-1] ^= 1
    forged = issuing.Issued(root(), x509.load_der_x509_certificate(bytes(der)), genuine.key)
    made = refused(forged.pem())
    assert (made.status, made.detail.verify_error, made.detail.alert) == (Status.TRUST_E_CERT_SIGNATURE, 7, 51)


def test_a_twin_of_the_authority_is_an_untrusted_root():
    made = refused(issuing.Authority("test root").issue(tls.HOST).pem())
    assert (made.status, made.detail.alert) == (Status.SEC_E_UNTRUSTED_ROOT, 48)


@pytest.mark.parametrize("key", ["EC", "RSA", "Ed25519"])
@both
def test_every_key_type_serves(version, key):
    accepted(root().issue(tls.HOST, key=key).pem(), version)
