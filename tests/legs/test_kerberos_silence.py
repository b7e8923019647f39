"""A KDC that takes connections and says nothing: one leg waits for it, those after it do not, and Negotiate goes on."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest

from sspid.packages.contract import CredentialRequest
from sspid.packages.kerberos import package
from sspid.packages.negotiate import package as negotiate
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm
from sspid.packages.questions import Account
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import CredentialCache, CredentialUse, Keytab
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import realm as mit
from sspid_testing.ends import End, shake
from sspid_testing.kerberos import ALICE, FULL, a_world, acceptor, initiator

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.kerberos, pytest.mark.negotiate, pytest.mark.legs]


class BlackHole:
    """Takes connections, keeps them open and counts them."""

    def __init__(self):
        self.connections = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        try:
            while True:
                self.connections.append(self._listener.accept()[0])
        except OSError:
            pass

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self.connections:
            each.close()


@pytest.fixture
def silenced(realm, monkeypatch, tmp_path):
    """From now on the realm's KDC is a black hole; `realm.folder` has the configuration with the real one."""

    def silence():
        text = (realm.folder / "krb5.conf").read_text("utf-8")
        (tmp_path / "krb5.conf").write_text(text.replace(f":{realm.port}", f":{hole.port}"), "utf-8")
        monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
        return hole

    with closing(BlackHole()) as hole:
        yield silence


def refusal(end):
    with pytest.raises(SspiError) as caught:
        end.step()
    assert caught.value.status is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY
    return caught.value.message


def test_only_the_first_logon_waits(silenced):
    silenced()
    world = a_world(0.5)
    assert "0.5 seconds" in refusal(initiator(world=world))
    for _ in range(4):
        assert "asked again in" in refusal(initiator(world=world))


def test_negotiate_goes_on_with_ntlm_at_once(silenced):
    hole = silenced()
    world = a_world(0.5)
    world.accounts["alice"] = Account("alice", "", crypto.nt_hash(mit.PASSWORD))
    for _ in range(5):
        client = End(negotiate(kerberos=package(), ntlm=ntlm()), ALICE, world, flags=FULL, target=mit.HTTP)
        server = End(negotiate(ntlm=ntlm()), world=world, accepts=True)
        shake(client, server)
        assert client.query(ContextAttribute.NEGOTIATION_INFO).package_name == "NTLM"
    assert len(hole.connections) <= 2, "more than one logon asked the silent KDC"


def test_tickets_in_hand_are_used_meanwhile(realm, silenced):
    world = a_world(0.5)
    ready = initiator(world=world)
    shake(ready, acceptor(realm))
    silenced()
    refusal(initiator(world=world))
    assert "0.5 seconds" in refusal(initiator(world=world, target=mit.CIFS, _credential=ready.credential))
    assert "asked again" in refusal(initiator(world=world, target=mit.CIFS, _credential=ready.credential))
    shake(initiator(world=world, _credential=ready.credential), acceptor(realm))


def test_it_is_asked_again_after_a_while(realm, silenced, monkeypatch):
    silenced()
    world = a_world(0.5, silent=0.05)
    refusal(initiator(world=world))
    monkeypatch.setenv("KRB5_CONFIG", str(realm.folder / "krb5.conf"))
    threading.Event().wait(0.1)
    for _ in range(2):
        shake(initiator(world=world), acceptor(realm))


def test_an_acceptor_for_both_roles_goes_on_without_its_own_ticket(realm, silenced):
    cache = CredentialCache(data=realm.cache("alice", mit.HTTP))
    silenced()
    server = acceptor(realm, world=a_world(0.5))
    request = CredentialRequest(CredentialUse.BOTH, Keytab(data=realm.keys(mit.HTTP)))
    server._credential = server.world.run(server.package.acquire_credentials_handle(request))
    for _ in range(2):
        server.state, server.steps = None, []
        shake(initiator(cache), server)
        assert server.query(ContextAttribute.NAMES).user_name.endswith("alice")
