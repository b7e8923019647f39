"""An acceptor's certificate that carries an OCSP answer, met by an initiator that wants one."""

from dataclasses import replace

import pytest

from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.issuing import DAY, NOW
from sspid_testing.tls_verdicts import root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


def asking(version="TLSv1.3", *, target=tls.HOST):
    """A client that wants the certificate's revocation checked and has no CRL."""
    client = tls.client(target=target)
    client.world.now = NOW
    client.credential = tls.credential(
        client.world,
        client.package,
        use=CredentialUse.OUTBOUND,
        trust_anchors_pem=root().pem,
        protocols=(version,),
        flags=frozenset({"REVOCATION_CHECK_END_CERT"}),
    )
    return client


def stapling(*certificates, version="TLSv1.3", now=NOW):
    """A server whose certificates carry these answers."""
    server = tls.server(None, *(replace(one.pem(), ocsp_response=answer) for one, answer in certificates), protocols=(version,))
    server.world.now = now
    return server


@both
def test_a_good_answer_is_stapled_for_a_client_that_asks(version):
    one = root().issue(tls.HOST)
    tls.shake(asking(version), stapling((one, root().ocsp(one)), version=version))


@both
def test_a_client_that_does_not_ask_gets_none(version):
    one = root().issue(tls.HOST)
    server = stapling((one, root().ocsp(one)), version=version)
    client = tls.client(protocols=(version,), trust_anchors_pem=root().pem)
    tls.shake(client, server)
    size = sum(len(buffer.data) for buffer in server.steps[0].output)
    asked = stapling((one, root().ocsp(one)), version=version)
    tls.shake(asking(version), asked)
    assert sum(len(buffer.data) for buffer in asked.steps[0].output) > size + len(root().ocsp(one)) // 2


@both
def test_an_answer_that_says_revoked_is_stapled_too(version):
    one = root().issue(tls.HOST)
    with pytest.raises(SspiError) as caught:
        tls.shake(asking(version), stapling((one, root().ocsp(one, revoked=True)), version=version))
    assert caught.value.status is Status.CRYPT_E_REVOKED


@both
def test_an_answer_that_has_run_out_is_stapled_no_more(version):
    one = root().issue(tls.HOST)
    answer = root().ocsp(one, end=NOW + DAY)
    tls.shake(asking(version), stapling((one, answer), version=version, now=NOW + DAY))
    with pytest.raises(SspiError) as caught:
        tls.shake(asking(version), stapling((one, answer), version=version, now=NOW + 2 * DAY))
    assert caught.value.status is Status.CRYPT_E_NO_REVOCATION_CHECK
    assert caught.value.detail.verify_error == 3  # there was none; one out of time would be 12


@both
def test_each_certificate_carries_its_own_answer(version):
    good, bad, bare = (root().issue(f"{name}.example.test") for name in ("good", "bad", "bare"))
    answers = ((bare, b""), (good, root().ocsp(good)), (bad, root().ocsp(bad, revoked=True)))
    expected = {"good": None, "bad": Status.CRYPT_E_REVOKED, "bare": Status.CRYPT_E_NO_REVOCATION_CHECK}
    for name, status in expected.items():
        client, server = asking(version, target=f"{name}.example.test"), stapling(*answers, version=version)
        if status is None:
            tls.shake(client, server)
            continue
        with pytest.raises(SspiError) as caught:
            tls.shake(client, server)
        assert caught.value.status is status


def about_another():
    return root().ocsp(root().issue(tls.HOST))


def by_another_authority():
    stranger = issuing.Authority("stranger")
    return stranger.ocsp(stranger.issue(tls.HOST))


@pytest.mark.parametrize("answer", [b"junk", b"\x30\x03\x0a\x01\x01", about_another(), by_another_authority()])
def test_an_answer_that_cannot_be_stapled_is_unknown_credentials(answer):
    with pytest.raises(SspiError) as caught:
        stapling((root().issue(tls.HOST), answer))
    assert caught.value.status is Status.SEC_E_UNKNOWN_CREDENTIALS
    assert "OCSP response of certificate 1" in caught.value.message
