import pytest

from sspid.vocabulary.credentials import CertificateAndKey as Pair
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import issuing, tls
from sspid_testing.issuing import DAY, NOW
from sspid_testing.tls_verdicts import refused, root

pytestmark = [pytest.mark.schannel, pytest.mark.legs]


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
