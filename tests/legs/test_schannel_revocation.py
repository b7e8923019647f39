import pytest

from sspid.packages.schannel import stapling
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.issuing import DAY, NOW
from sspid_testing.tls_verdicts import refused, root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


def checking(*flags, crls=b"", **changes):
    """A client whose credential checks revocation."""
    world = tls.a_world()
    world.now = NOW
    client = tls.client(world)
    client.credential = tls.credential(
        world,
        client.package,
        use=CredentialUse.OUTBOUND,
        trust_anchors_pem=root().pem,
        crls_pem=crls,
        flags=frozenset(flags),
        **changes,
    )
    return client


@both
def test_a_revoked_certificate_is_revoked_with_its_own_alert(version):
    bad = root().issue(tls.HOST)
    client = checking("REVOCATION_CHECK_END_CERT", crls=root().crl(bad), protocols=(version,))
    made = refused(bad.pem(), version, client=client)
    assert (made.status, made.detail.verify_error, made.detail.alert) == (Status.CRYPT_E_REVOKED, 23, 44)


def test_a_crl_alone_is_reason_enough_to_check():
    bad = root().issue(tls.HOST)
    assert refused(bad.pem(), client=checking(crls=root().crl(bad))).status is Status.CRYPT_E_REVOKED
    tls.shake(checking(crls=root().crl()), tls.server(None, bad.pem()))


def test_a_revoked_intermediate_counts_where_the_chain_is_checked():
    middle = issuing.Authority("revoked authority", parent=root())
    good = middle.issue(tls.HOST)
    crls = middle.crl() + root().crl(issuing.Issued(root(), middle.certificate, None))
    made = refused(good.pem(), client=checking("REVOCATION_CHECK_CHAIN", crls=crls))
    assert (made.status, made.detail.verify_depth) == (Status.CRYPT_E_REVOKED, 1)
    tls.shake(checking("REVOCATION_CHECK_END_CERT", crls=crls), tls.server(None, good.pem()))


def test_no_crl_is_no_revocation_check_unless_ignored():
    good = root().issue(tls.HOST).pem()
    made = refused(good, client=checking("REVOCATION_CHECK_END_CERT"))
    assert (made.status, made.detail.verify_error) == (Status.CRYPT_E_NO_REVOCATION_CHECK, 3)
    tls.shake(checking("REVOCATION_CHECK_END_CERT", "IGNORE_NO_REVOCATION_CHECK"), tls.server(None, good))


def test_an_old_crl_is_revocation_offline_unless_ignored():
    good = root().issue(tls.HOST).pem()
    old = root().crl(end=NOW - DAY)
    made = refused(good, client=checking("REVOCATION_CHECK_END_CERT", crls=old))
    assert (made.status, made.detail.verify_error) == (Status.CRYPT_E_REVOCATION_OFFLINE, 12)
    tls.shake(checking("REVOCATION_CHECK_END_CERT", "IGNORE_REVOCATION_OFFLINE", crls=old), tls.server(None, good))


def test_ocsp_answers_are_judged_by_issuer_subject_and_time():
    good = root().issue(tls.HOST)
    other = issuing.Authority("test root")
    leaf, issuer = (one.public_bytes(issuing.Encoding.DER) for one in (good.certificate, root().certificate))

    def judged(answer, now=NOW):
        return stapling.judge(answer, leaf, issuer, now)

    assert judged(root().ocsp(good)) == 0
    assert judged(root().ocsp(good, revoked=True)) == stapling.REVOKED
    assert judged(root().ocsp(good), NOW + 9 * DAY) == stapling.UNTIMELY
    assert judged(root().ocsp(good, signer=other)) == stapling.UNFIT
    assert judged(root().ocsp(root().issue(tls.HOST))) == stapling.UNFIT
    assert judged(b"\x30\x03\x0a\x01\x01") == stapling.UNFIT
    assert judged(b"junk") == stapling.UNFIT
