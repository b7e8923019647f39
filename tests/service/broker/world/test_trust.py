import pytest

from sspid.broker.world.trust import NamedCredentials, OnDisk
from sspid.packages.questions import FindNamedCredential
from sspid.vocabulary.credentials import CertificateAndKey
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

QUESTION = FindNamedCredential("web")


def named(tmp_path, *callers):
    return NamedCredentials(
        {
            "web": OnDisk(
                callers,
                certificate=tmp_path / "web.pem",
                key=tmp_path / "web.key",
                ocsp_response=tmp_path / "web.ocsp",
                trust_anchors=tmp_path / "ca.pem",
            )
        }
    )


@pytest.fixture
def files(tmp_path):
    for name in ("web.pem", "web.key", "web.ocsp", "ca.pem"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_a_certificate_comes_with_its_key_its_ocsp_response_and_roots(files):
    found = named(files, "*").find(QUESTION, "alice")
    assert found.certificates == (CertificateAndKey(b"web.pem", b"web.key", ocsp_response=b"web.ocsp"),)
    assert found.settings.trust_anchors_pem == b"ca.pem"


def test_a_renewed_file_is_read_at_the_next_use(files):
    credentials = named(files, "*")
    credentials.find(QUESTION, "alice")
    (files / "web.ocsp").write_bytes(b"newer")
    assert credentials.find(QUESTION, "alice").certificates[0].ocsp_response == b"newer"


@pytest.mark.parametrize(("caller", "missing"), [("bob", ""), ("alice", "web.key"), ("alice", "web.ocsp")])
def test_what_may_not_be_used_or_cannot_be_read_is_unknown(files, caller, missing):
    if missing:
        (files / missing).unlink()
    with pytest.raises(SspiError) as caught:
        named(files, "alice").find(QUESTION, caller)
    assert caught.value.status is SecurityStatus.SEC_E_UNKNOWN_CREDENTIALS
