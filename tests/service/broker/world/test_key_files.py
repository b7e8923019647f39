import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import Integer

from sspid.broker.world import key_files
from sspid.packages.questions import OpenKeyFile
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import issuing

PASSPHRASE = "opens it"


def opened(content, passphrase=PASSPHRASE, *, pkcs12=False):
    return key_files.open_key_file(OpenKeyFile(content, passphrase, pkcs12), "alice")


def refused(content, passphrase=PASSPHRASE, *, pkcs12=False):
    with pytest.raises(SspiError) as caught:
        opened(content, passphrase, pkcs12=pkcs12)
    assert caught.value.status is SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS
    return caught.value.message


def locked(kind=Encoding.PEM):
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.private_bytes(kind, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode()))


def test_a_locked_key_is_opened():
    key, pem = locked()
    assert load_pem_private_key(opened(pem), None).private_numbers() == key.private_numbers()


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_pkcs12_gives_its_key_and_its_chain(passphrase):
    one = issuing.Authority("middle", parent=issuing.Authority("root")).issue("server.example.test")
    pem = opened(one.pkcs12(passphrase).pkcs12, passphrase, pkcs12=True)
    assert load_pem_private_key(pem, None).private_numbers() == one.key.private_numbers()
    assert x509.load_pem_x509_certificates(pem) == one.chain()


def test_what_cannot_be_opened_is_unknown_credentials():
    for content, pkcs12 in ((locked()[1], False), (issuing.Authority("x").issue("x").pkcs12("right").pkcs12, True)):
        assert refused(content, "wrong", pkcs12=pkcs12) == "check its form and its passphrase."
        assert refused(content[:-40], PASSPHRASE, pkcs12=pkcs12) == "check its form and its passphrase."
    assert refused(b"", pkcs12=True) == "check its form and its passphrase."


def endless():
    """A key locked with as many iterations as OpenSSL takes: minutes of work."""
    found, _ = decoder.decode(locked(Encoding.DER)[1])
    found[0][1][0][1][1] = Integer(2**31 - 1)
    der = encoder.encode(found)
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END ENCRYPTED PRIVATE KEY-----\n"


def test_a_key_that_takes_minutes_to_open_is_given_up(monkeypatch):
    monkeypatch.setattr(key_files, "CPU_SECONDS", 1)
    assert "more than 1 s of CPU" in refused(endless())


def test_a_process_that_does_not_end_is_given_up(monkeypatch):
    monkeypatch.setattr(key_files, "DEADLINE_SECONDS", 0.01)
    assert "within 0.01 s" in refused(endless())
