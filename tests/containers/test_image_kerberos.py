"""Kerberos in the container image as it is built: a foreign application logs on to it, and it logs on with a KDC's help."""

from __future__ import annotations

import pytest

from sspid_client import INBOUND, OUTBOUND, Client, ContextFlag, SspiError, keytab, named, password
from sspid_testing import image, peers
from sspid_testing import realm as mit
from sspid_testing.gss_peer import FLAGS, GssPeer

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.interop, pytest.mark.kerberos, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def target(shared_realm):
    image.build()
    keys = shared_realm.folder / "http.keytab"
    keys.write_bytes(shared_realm.keys(mit.HTTP))
    mounted = {"/etc/krb5.conf": shared_realm.folder / "krb5.conf", "/run/secrets/http.keytab": keys}
    for each in mounted.values():
        each.chmod(0o644)
    with image.sidecar("".join(image.guides_configuration()), mounted) as target:
        yield target


@pytest.fixture
def client(target):
    with Client(target) as connected:
        yield connected


@pytest.fixture
def peer(realm, tmp_path):
    peers.require_module("gssapi")
    (tmp_path / "cache").write_bytes(realm.cache("alice"))
    (tmp_path / "keytab").write_bytes(realm.keys(mit.HTTP))
    started = GssPeer(realm, KRB5CCNAME=f"FILE:{tmp_path}/cache", KRB5_KTNAME=f"FILE:{tmp_path}/keytab")
    yield started
    started.stop()


def test_every_package_is_ready(client):
    assert {each.name: each.not_ready for each in client.enumerate_security_packages() if each.not_ready} == {}


@pytest.mark.parametrize("holder", ["caller", "service"])
def test_a_foreign_application_logs_on_and_once_only(client, realm, peer, holder):
    peer.call("initiate", target=mit.HTTP, flags=list(FLAGS), delegate=False, bindings=b"")
    request = peer.call("step")
    identity = named("http") if holder == "service" else keytab(realm.keys(mit.HTTP))
    with client.acquire_credentials_handle("Kerberos", INBOUND, identity) as keys:
        acceptor = keys.accept()
        peer.call("step", token=acceptor.step(request).token)
        assert acceptor.identity().name == "alice"
        assert peer.call("unwrap", data=acceptor.encrypt(b"sealed")) == b"sealed"
        with pytest.raises(SspiError) as replayed:
            keys.accept().step(request)
        assert replayed.value.name == "SEC_E_LOGON_DENIED"


def test_it_logs_on_to_a_foreign_application(client, peer):
    alice = password("alice", mit.NAME, mit.PASSWORD)
    peer.call("accept", bindings=b"")
    with client.acquire_credentials_handle("Kerberos", OUTBOUND, alice) as credential:
        initiator = credential.initialize(mit.HTTP, flags=ContextFlag.MUTUAL_AUTH | ContextFlag.CONFIDENTIALITY)
        assert initiator.step(peer.call("step", token=initiator.step().token)).done
    assert peer.call("client") == f"alice@{mit.NAME}"
