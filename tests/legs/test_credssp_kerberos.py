"""CredSSP with Kerberos inside: an MIT realm's tickets prove the server, and may be what is delegated."""

from __future__ import annotations

from typing import Any

import pytest

from sspid.packages.contract import Leg
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.credentials import CredentialCache, Keytab, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, kerberos, tls
from sspid_testing import realm as mit
from sspid_testing.issuing import Authority

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.credssp, pytest.mark.kerberos, pytest.mark.legs]
ALLOWED = CredSspPolicy(allow_fresh=frozenset({"HTTP/*"}), allow_fresh_ntlm_only=frozenset())
ALICE = Password("alice", mit.NAME, mit.PASSWORD)


def a_world(policy: Any = None) -> Any:
    """CredSSP's world with MIT's library in it."""
    world = credssp.a_world(policy)
    real = kerberos.a_world()
    world.now = real.now
    world.answers.update(real.answers)
    return world


def ends(realm: Any, secret: Any = ALICE, policy: Any = ALLOWED, **more: Any) -> tuple[Any, Any]:
    """An initiator for the web server and an acceptor with its keys; its TLS certificate is nobody's."""
    of = credssp.a_package(kerberos=True)
    client = credssp.client(secret, target=mit.HTTP, world=a_world(policy), of=of, **more)
    keys = Keytab(data=realm.keys(mit.HTTP))
    certificate = Authority().issue("web.example.test").pem()
    server = credssp.server(keys, world=a_world(), of=credssp.a_package(kerberos=True), certificate=certificate)
    return client, server


def test_kerberos_proves_a_server_whose_certificate_nobody_knows(realm):
    client, server = ends(realm, flags=credssp.MUTUAL)
    tls.shake(client, server)
    assert client.query(ContextAttribute.NEGOTIATION_PACKAGE).text == "Kerberos"
    assert client.query(ContextAttribute.SERVER_AUTH_FLAGS).value == 1
    assert client.query(ContextAttribute.CERT_TRUST_STATUS).value
    assert ContextFlag.MUTUAL_AUTH in client.steps[-1].granted
    assert client.steps[-1].expiry is not None
    assert server.query(ContextAttribute.CREDS).secret == ALICE
    assert server.world.run(server.package.query_security_context_token(server.state)).name == "alice"
    assert server.open(client.seal(b"data")).buffers[0].data == b"data"


@pytest.mark.parametrize("version", [2, 4, 5])
def test_older_versions(realm, version):
    rules = CredSspPolicy(minimum_version=2, maximum_version=version, allow_fresh=frozenset({"*"}))
    client, server = ends(realm, policy=rules)
    server.world.policies["CredSSP"] = credssp.ANY_VERSION
    tls.shake(client, server)
    assert server.state.proven.version == version


def test_forwarded_ticket_is_what_a_cache_delegates(realm):
    client, server = ends(realm, CredentialCache(data=realm.cache("alice")))
    tls.shake(client, server)
    given = server.query(ContextAttribute.CREDS_2)
    assert (given.user, given.kind, given.package) == ("alice", "kerberos", "Negotiate")
    onward = server.package._parts.negotiate
    step = server.world.run(onward.initialize_security_context(None, Leg(given.secret, (), kerberos.FULL, mit.CIFS)))
    assert token_in(step.output)


@pytest.mark.parametrize("policy", [CredSspPolicy(), CredSspPolicy(allow_fresh=frozenset({"*"}), restricted_admin=True)])
def test_ticket_is_not_forwarded_against_policy(realm, policy):
    client, _ = ends(realm, CredentialCache(data=realm.cache("alice")), policy=policy)
    with pytest.raises(SspiError) as caught:
        client.leg()
    assert caught.value.status is SecurityStatus.SEC_E_DELEGATION_POLICY


def test_ticket_is_not_forwarded_without_delegate(realm):
    client, server = ends(realm, CredentialCache(data=realm.cache("alice")), flags=credssp.EXTENDED)
    tls.shake(client, server)
    with pytest.raises(SspiError) as caught:
        server.query(ContextAttribute.CREDS)
    assert caught.value.status is SecurityStatus.SEC_E_NO_CREDENTIALS


def test_only_the_mechanisms_first_leg_waits_for_a_kdc(realm):
    client, server = ends(realm)
    assert client.package.may_wait(client.credential, None)
    tls.shake(client, server)
    assert not client.package.may_wait(client.credential, client.state)
