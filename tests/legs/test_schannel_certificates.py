from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sspid.packages import questions
from sspid.packages.schannel import failures, stapling
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.credentials import Anonymous, CredentialUse, NtHash, Schannel, SchannelSettings
from sspid.vocabulary.credentials import CertificateAndKey as Pair
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.issuing import DAY, NOW

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
USE_SUPPLIED = tls.REQUESTED | {ContextFlag.USE_SUPPLIED_CREDS}
NO_PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
NO_SUCH_FLAG = Schannel((), SchannelSettings(flags=frozenset({"NO_SUCH_FLAG"})))
INCOMPLETE = "SEC_I_INCOMPLETE_CREDENTIALS"


@cache
def root():
    return issuing.Authority("test root")


def refused(certificate, version="TLSv1.3", *, authority=None, client=None, **changes):
    """Our initiator refuses this server certificate; its error, and the error our acceptor makes of the alert."""
    trusted = (authority or root()).pem
    client = client or tls.client(protocols=(version,), **({"trust_anchors_pem": trusted} | changes))
    server = tls.server(None, certificate, protocols=(version,), cipher_list=changes.get("cipher_list", ""))
    with pytest.raises(SspiError) as caught:
        tls.shake(client, server)
    with pytest.raises(SspiError) as theirs:
        server.leg(token_in(caught.value.output))
    assert theirs.value.detail.alert == caught.value.detail.alert
    return caught.value


def accepted(certificate, version="TLSv1.3", **changes):
    client = tls.client(protocols=(version,), **({"trust_anchors_pem": root().pem} | changes))
    server = tls.server(None, certificate, protocols=(version,))
    tls.shake(client, server)
    return client, server


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


@pytest.mark.parametrize(
    ("names", "target", "good"),
    [
        (("*.example.test",), "a.example.test", True),
        (("*.example.test",), "a.b.example.test", False),
        (("*.example.test",), "example.test", False),
        (("xn--bcher-kva.example.test",), "bücher.example.test", True),
        (("SERVER.example.test",), "server.example.test.", True),
    ],
)
def test_names_are_compared_as_rfc_6125_says(names, target, good):
    client = tls.client(trust_anchors_pem=root().pem, target=target)
    server = tls.server(None, root().issue(*names).pem())
    if good:
        tls.shake(client, server)
        return
    with pytest.raises(SspiError) as caught:
        tls.shake(client, server)
    assert caught.value.status is Status.SEC_E_WRONG_PRINCIPAL


def test_a_refusal_names_both_names():
    client = tls.client(target="somebody.else.test", trust_anchors_pem=root().pem)
    server = tls.server(None, root().issue("localhost", "www.example.test").pem())
    with pytest.raises(SspiError) as caught:
        tls.shake(client, server)
    assert caught.value.message == (
        "The server's certificate is for localhost, www.example.test, not for somebody.else.test; "
        "name the server as its certificate does, or give it a certificate for this name."
    )


def test_a_wrong_address_is_named_too():
    client = tls.client(target="192.0.2.1", trust_anchors_pem=root().pem)
    with pytest.raises(SspiError) as caught:
        tls.shake(client, tls.server(None, root().issue("localhost").pem()))
    assert caught.value.status is Status.SEC_E_WRONG_PRINCIPAL
    assert "is for localhost, not for 192.0.2.1" in caught.value.message


def test_a_refusal_names_the_missing_authority():
    middle = issuing.Authority("absent authority", parent=root())
    pair = middle.issue(tls.HOST).pem()
    end = b"-----END CERTIFICATE-----\n"
    made = refused(Pair(pair.certificate_pem.split(end)[0] + end, pair.key_pem))
    assert f"CN={tls.HOST}, is issued by CN=absent authority, which is neither trusted" in made.message
    stranger = issuing.Authority("strange authority")
    made = refused(stranger.issue(tls.HOST).pem())
    assert "CN=strange authority" in made.message
    assert "add" in made.message


@pytest.mark.parametrize(("wishes", "said"), [({"end": NOW - DAY / 2}, "expired on"), ({"start": NOW + DAY}, "is valid from")])
def test_a_refusal_says_when(wishes, said):
    made = refused(root().issue(tls.HOST, **wishes).pem())
    when = next(iter(wishes.values()))
    assert f"CN={tls.HOST}, {said} {when:%Y-%m-%d %H:%M:%S} UTC" in made.message


def test_names_of_a_hostile_certificate_stay_one_short_line():
    names = ["x" * 40 + f".{at}.example.test" for at in range(40)]
    made = refused(root().issue(*names).pem())
    assert made.message.count("example.test") == 6
    assert "35 more" in made.message


@pytest.mark.parametrize("target", ["bad\0name", "x" * 300, "sp ace", "\udc80"])
def test_a_name_that_is_none_is_target_unknown(target):
    with pytest.raises(SspiError) as caught:
        tls.client(target=target).leg()
    assert caught.value.status is Status.SEC_E_TARGET_UNKNOWN


def test_the_name_check_can_be_switched_off():
    world = tls.a_world()
    client = tls.client(world, trust_anchors_pem=root().pem)
    free = frozenset({"NO_SERVERNAME_CHECK"})
    client.credential = tls.credential(
        world, client.package, use=CredentialUse.OUTBOUND, trust_anchors_pem=root().pem, flags=free
    )
    tls.shake(client, tls.server(None, root().issue("elsewhere.example.test").pem()))


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


@both
def test_the_certificate_is_chosen_by_server_name_and_key_type(version):
    pairs = [root().issue(name, key=key) for name in ("a.example.test", "*.b.example.test") for key in ("RSA", "EC")]
    server = tls.server(None, *(one.pem() for one in pairs), protocols=(version,))
    signing = {"EC": "ECDSA", "RSA": "RSA"}
    for target, first in (("a.example.test", 0), ("www.b.example.test", 2)):
        for at, key in enumerate(("RSA", "EC"), first):
            ciphers = f"ECDHE-{signing[key]}-AES128-GCM-SHA256"
            client = tls.client(target=target, trust_anchors_pem=root().pem, protocols=("TLSv1.2",), cipher_list=ciphers)
            server = tls.server(None, *(one.pem() for one in pairs), protocols=("TLSv1.2",))
            tls.shake(client, server)
            expected = pairs[at].certificate.public_bytes(issuing.Encoding.DER)
            assert client.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == expected
            assert server.query(ContextAttribute.LOCAL_CERT_CONTEXT).der == expected
            assert client.query(ContextAttribute.ENDPOINT_BINDINGS) == server.query(ContextAttribute.ENDPOINT_BINDINGS)


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
