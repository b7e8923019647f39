"""Whatever a caller gives as target name, setting or certificate: a clear status, never another exception."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from sspid.packages.contract import CredentialRequest, Leg
from sspid.vocabulary.attributes import CredentialAttribute
from sspid.vocabulary.credentials import CertificateAndKey, CredentialUse, Schannel
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls

pytestmark = pytest.mark.schannel

WORLD, PACKAGE = tls.a_world(), tls.package()
CLIENT = tls.credential(WORLD, PACKAGE, use=CredentialUse.OUTBOUND)
LEAF = issuing.Authority("mutated").issue("a.example.test")
texts = st.text(st.characters(codec=None), max_size=300) | st.text(".ax-_1:[]", max_size=70)


def first_leg(name):
    return WORLD.run(PACKAGE.initialize_security_context(None, Leg(CLIENT, target_name=name)))


def acquired(*certificates, **changes):
    """Acquire for both uses, ask for every attribute and begin; the status of what fails."""
    try:
        secret = Schannel(certificates or (tls.issued(),), tls.settings(**changes))
        made = WORLD.run(PACKAGE.acquire_credentials_handle(CredentialRequest(CredentialUse.BOTH, secret)))
        for attribute in (CredentialAttribute.NAMES, CredentialAttribute.CERT, CredentialAttribute.SUPPORTED_ALGS):
            WORLD.run(PACKAGE.query_credentials_attributes(made, attribute))
        WORLD.run(PACKAGE.initialize_security_context(None, Leg(made, target_name=tls.HOST)))
    except SspiError as refusal:
        return refusal.status
    return Status.SEC_E_OK


@pytest.mark.parametrize(
    "name",
    ["x", "1", "..", "a..b", ":", "[", "[]", "host/x", "HTTP/host", "a:443", "-a", "*.a", "a" * 64, "a\x7fb", "\t", "x" * 300],
)
def test_a_name_no_certificate_can_be_for_is_target_unknown(name):
    with pytest.raises(SspiError) as caught:
        first_leg(name)
    assert caught.value.status is Status.SEC_E_TARGET_UNKNOWN
    assert "target name" in caught.value.message


@pytest.mark.parametrize(
    "name", ["1.2.3.4", "[::1]", "::ffff:1.2.3.4", "fe80::1%1", "localhost", "a_b", "bücher.test", "x.test"]
)
def test_names_and_addresses_begin_a_handshake(name):
    assert first_leg(name).status is Status.SEC_I_CONTINUE_NEEDED


@settings(max_examples=300, deadline=None)
@given(name=texts)
def test_any_target_name_has_a_clear_answer(name):
    try:
        status = first_leg(name).status
    except SspiError as refusal:
        status = refusal.status
    assert status in (Status.SEC_I_CONTINUE_NEEDED, Status.SEC_E_TARGET_UNKNOWN)


@settings(max_examples=150, deadline=None)
@given(what=st.sampled_from(["cipher_list", "cipher_suites", "groups"]), text=texts)
def test_any_setting_has_a_clear_answer(what, text):
    assert acquired(**{what: text}) in (Status.SEC_E_OK, Status.SEC_E_UNKNOWN_CREDENTIALS, Status.SEC_E_ALGORITHM_MISMATCH)


@pytest.mark.parametrize("what", ["cipher_list", "cipher_suites", "groups"])
@pytest.mark.parametrize("text", ["\ud800", "ALL\0", "é"])
def test_settings_are_printable_ascii(what, text):
    assert acquired(**{what: text}) is Status.SEC_E_UNKNOWN_CREDENTIALS


@pytest.mark.parametrize("seconds", [-1, 1 << 32, 1 << 63, 10**30])
def test_a_lifespan_is_a_dword(seconds):
    assert acquired(session_lifespan_seconds=seconds) is Status.SEC_E_UNKNOWN_CREDENTIALS


@settings(max_examples=300, deadline=None)
@given(
    at=st.integers(0, 4000),
    value=st.integers(0, 255),
    where=st.sampled_from(["certificate_pem", "key_pem", "trust_anchors_pem"]),
)
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_any_certificate_or_key_has_a_clear_answer(at, value, where):
    pair = LEAF.pem()
    given = pair.key_pem if where == "key_pem" else pair.certificate_pem
    changed = mutated(given, at, value)
    if where == "trust_anchors_pem":
        status = acquired(trust_anchors_pem=changed)
    else:
        status = acquired(
            CertificateAndKey(**{"certificate_pem": pair.certificate_pem, "key_pem": pair.key_pem, where: changed})
        )
    assert status in (Status.SEC_E_OK, Status.SEC_E_UNKNOWN_CREDENTIALS)


def mutated(pem, at, value):
    """One byte of the DER inside changed, the PEM around it whole."""
    lines = pem.splitlines(keepends=True)
    der = bytearray(base64.b64decode(b"".join(lines[1:-1])))
    der[at % len(der)] = value
    return lines[0] + base64.encodebytes(bytes(der)) + lines[-1]


@pytest.mark.parametrize("version", [25, 102])
def test_a_certificate_of_no_known_version_is_unknown_credentials(version):
    der = LEAF.certificate.public_bytes(Encoding.DER)
    at = der.index(b"\xa0\x03\x02\x01\x02") + 4
    changed = mutated(LEAF.pem().certificate_pem, at, version)
    assert acquired(trust_anchors_pem=changed) is Status.SEC_E_UNKNOWN_CREDENTIALS
    assert acquired(CertificateAndKey(changed, LEAF.pem().key_pem)) is Status.SEC_E_UNKNOWN_CREDENTIALS
