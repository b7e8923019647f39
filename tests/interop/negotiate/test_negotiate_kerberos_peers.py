"""Negotiate with both mechanisms in a real MIT realm, against pyspnego, and what happens where one end lacks Kerberos.

The realm runs in a folder of the tests (`sspid_testing.realm`); this process is inside it.
"""

from __future__ import annotations

import pytest

from sspid.packages.kerberos import package as kerberos
from sspid.packages.negotiate import mechanisms, tokens
from sspid.packages.negotiate import package as negotiate
from sspid.packages.negotiate.policy import NegotiatePolicy
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm
from sspid.packages.questions import Account
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Keytab, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing import peers
from sspid_testing import realm as mit
from sspid_testing.ends import End, shake
from sspid_testing.foreign import Pyspnego
from sspid_testing.kerberos import ALICE, a_world

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.negotiate, pytest.mark.kerberos, pytest.mark.interop]
FLAGS = frozenset({ContextFlag.MUTUAL_AUTH, ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY})


def our_initiator(secret=ALICE, target=mit.HTTP):
    return End(negotiate(kerberos=kerberos(), ntlm=ntlm()), secret, a_world(), FLAGS, target)


def our_acceptor(realm, *, with_kerberos=True):
    inner = {"ntlm": ntlm(), **({"kerberos": kerberos()} if with_kerberos else {})}
    secret = Keytab(data=realm.keys(mit.HTTP)) if with_kerberos else None
    end = End(negotiate(**inner), secret, a_world(), accepts=True)
    end.world.accounts["alice"] = Account("alice", mit.NAME, crypto.nt_hash(mit.PASSWORD))
    return end


def chosen(end):
    return end.query(ContextAttribute.NEGOTIATION_INFO).package_name


def talk(one, other):
    for sender, receiver in ((one, other), (other, one)):
        receiver.verify(b"both ways", sender.sign(b"both ways"))


def test_kerberos_is_preferred_and_needs_no_mic(realm):
    client, server = our_initiator(), our_acceptor(realm)
    sent = shake(client, server)
    assert tokens.read_init(sent[0]).mechanisms == (mechanisms.MS_KERBEROS, mechanisms.KERBEROS, mechanisms.NTLM)
    assert tokens.read_response(sent[1])[:2] == (tokens.NegState.ACCEPT_COMPLETED, mechanisms.MS_KERBEROS)
    assert chosen(client) == chosen(server) == "Kerberos"
    talk(client, server)


def test_acceptor_without_kerberos_gets_ntlm_and_a_checked_list(realm):
    client, server = our_initiator(), our_acceptor(realm, with_kerberos=False)
    sent = shake(client, server)
    assert tokens.read_response(sent[1])[:3] == (tokens.NegState.REQUEST_MIC, mechanisms.NTLM, None)
    assert chosen(client) == chosen(server) == "NTLM"
    talk(client, server)


def test_acceptor_with_a_key_table_takes_ntlm_too_unless_policy_says_otherwise(realm):
    client = End(negotiate(ntlm=ntlm()), Password("alice", mit.NAME, mit.PASSWORD), flags=FLAGS)
    server = our_acceptor(realm)
    shake(client, server)
    assert chosen(server) == "NTLM"
    server = our_acceptor(realm)
    server.world.policies["Negotiate"] = NegotiatePolicy(("kerberos",))
    client = End(negotiate(ntlm=ntlm()), Password("alice", mit.NAME, mit.PASSWORD), flags=FLAGS)
    with pytest.raises(SspiError) as caught:
        shake(client, server)
    assert caught.value.status.name == "SEC_E_INVALID_TOKEN"


def test_requested_mic_with_kerberos(realm):
    """A client that prefers what nobody here speaks: Kerberos is the second choice and both ends sign the list."""
    client, server = our_initiator(), our_acceptor(realm)
    first = tokens.read_init(client.step())
    offer = (mechanisms.NEGO_EX, *first.mechanisms)
    listed = tokens.mech_list(offer)
    reply = tokens.read_response(server.step(tokens.write_init(listed, b"NEGOEXTS")))
    assert reply[:3] == (tokens.NegState.REQUEST_MIC, mechanisms.MS_KERBEROS, None)
    inner = client.state.speaking
    second = tokens.read_response(server.step(tokens.write_response(None, None, first.mech_token)))
    assert second.state is tokens.NegState.ACCEPT_INCOMPLETE
    begun = End(kerberos(), ALICE, client.world, FLAGS, mit.HTTP, state=inner.state)
    begun._credential = inner.credential
    begun.step(second.token)
    assert begun.done
    client.world.run(begun.package.verify_mechlist_mic(begun.state, listed, second.mech_list_mic or b""))
    mic = client.world.run(begun.package.make_mechlist_mic(begun.state, listed))
    assert server.step(tokens.write_response(None, None, None, mic)) == b""
    assert chosen(server) == "Kerberos"


@pytest.mark.parametrize("removed", [True, False])
def test_requested_mic_with_kerberos_is_insisted_on(realm, removed):
    client, server = our_initiator(), our_acceptor(realm)
    first = tokens.read_init(client.step())
    listed = tokens.mech_list((mechanisms.NEGO_EX, *first.mechanisms))
    server.step(tokens.write_init(listed, b"NEGOEXTS"))
    server.step(tokens.write_response(None, None, first.mech_token))
    with pytest.raises(SspiError) as caught:
        server.step(tokens.write_response(None, None, None, None if removed else bytes(28)))
    assert caught.value.status.name in {"SEC_E_MESSAGE_ALTERED", "SEC_E_INVALID_TOKEN"}
    assert not server.done


def pyspnego_initiator():
    spnego = peers.require_module("spnego")
    host = mit.HTTP.partition("/")[2]
    options = spnego.NegotiateOptions.use_negotiate
    user = f"alice@{mit.NAME}"
    return Pyspnego(spnego.client(user, mit.PASSWORD, hostname=host, service="HTTP", protocol="negotiate", options=options))


def test_pyspnego_logs_on_with_kerberos_inside(realm):
    client, server = pyspnego_initiator(), our_acceptor(realm)
    shake(client, server)
    assert client.context.negotiated_protocol == "kerberos"
    assert chosen(server) == "Kerberos"
    assert server.query(ContextAttribute.NAMES).user_name == rf"{mit.NAME}\alice"
    talk(client, server)


def test_we_log_on_to_pyspnego_with_kerberos_inside(realm, tmp_path, monkeypatch):
    (tmp_path / "keytab").write_bytes(realm.keys(mit.HTTP))
    monkeypatch.setenv("KRB5_KTNAME", str(tmp_path / "keytab"))
    spnego = peers.require_module("spnego")
    host = mit.HTTP.partition("/")[2]
    options = spnego.NegotiateOptions.use_negotiate
    server = Pyspnego(spnego.server(hostname=host, service="HTTP", protocol="negotiate", options=options))
    client = our_initiator()
    shake(client, server)
    assert server.context.negotiated_protocol == "kerberos"
    talk(client, server)
