"""Kerberos credentials of every kind in a real realm: what may be one, whose it is, delegation and S4U, what is freed."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import krb5
import pytest

from sspid.packages.contract import CredentialRequest
from sspid.packages.kerberos import package
from sspid.packages.kerberos.policy import KerberosPolicy
from sspid.packages.questions import FindNamedCredential
from sspid.vocabulary.attributes import ContextAttribute, CredentialAttribute, Names
from sspid.vocabulary.credentials import Anonymous, CredentialCache, CredentialUse, Keytab, Named, NtHash, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import realm as mit
from sspid_testing.ends import End, shake
from sspid_testing.kerberos import ALICE, FULL, MUTUAL, a_world, acceptor, initiator

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.kerberos, pytest.mark.legs]

DELEGATE = FULL | {ContextFlag.DELEGATE}


def acquire(secret, use=CredentialUse.OUTBOUND, principal="", world=None):
    call = package().acquire_credentials_handle(CredentialRequest(use, secret, principal))
    return (world or a_world()).run(call)


def refused(secret, **more):
    with pytest.raises(SspiError) as caught:
        acquire(secret, **more)
    return caught.value.status


def code(failure):
    return failure.detail.kerberos_error


def client_of(server):
    return server.query(ContextAttribute.NATIVE_NAMES).client_name


def test_a_password_a_key_table_and_a_cache_are_the_same_client(realm, tmp_path):
    keytab = realm.keytab("bob")
    cache = realm.cache("bob")
    (tmp_path / "keytab").write_bytes(keytab)
    (tmp_path / "cache").write_bytes(cache)
    trusting = a_world(policy=KerberosPolicy(files=True))
    secrets = [
        Password("bob", mit.NAME, mit.PASSWORD),
        Password("bob", mit.NAME.lower(), mit.PASSWORD),
        Password(f"bob@{mit.NAME.lower()}", "", mit.PASSWORD),
        Password(rf"{mit.NAME}\bob", "", mit.PASSWORD),
        Password("bob", "", mit.PASSWORD),
        Keytab(f"bob@{mit.NAME}", keytab),
        Keytab("", keytab),
        Keytab("", b"", str(tmp_path / "keytab")),
        CredentialCache("", cache),
        CredentialCache(f"bob@{mit.NAME}", cache),
        CredentialCache("", b"", str(tmp_path / "cache")),
    ]
    for secret in secrets:
        client, server = initiator(secret, world=trusting), acceptor(realm)
        shake(client, server)
        assert client_of(server) == f"bob@{mit.NAME}", secret
        assert client.world.run(
            client.package.query_credentials_attributes(client.credential, CredentialAttribute.NAMES)
        ) == Names(rf"{mit.NAME}\bob")


def test_no_kdc_is_asked_before_the_first_leg(own_realm):
    realm = own_realm()
    keytab = realm.keytab("bob")
    realm.stop()
    assert acquire(Password("alice", mit.NAME, "whatever")).expiry is None
    assert acquire(Keytab("", keytab)).expiry is None


def test_only_a_cache_ends(realm):
    held = acquire(CredentialCache(data=realm.cache("bob", options=("-l", "1h"))))
    assert 3500 < (held.expiry - a_world().now).total_seconds() <= 3600


@pytest.mark.parametrize(
    "secret",
    [
        Anonymous(),
        NtHash("alice", mit.NAME, bytes(16)),
        Password("", mit.NAME, "x"),
        Keytab(),
        Keytab(data=b"\5\2"),
        Keytab(data=b"\5\2\0\0\0\x50abc"),
        Keytab(data=b"no key table"),
        CredentialCache(),
        CredentialCache(data=b"\5\4\0\0"),
        CredentialCache(data=bytes(100)),
    ],
)
def test_what_is_no_credential_of_kerberos(realm, secret):
    assert refused(secret) is Status.SEC_E_UNKNOWN_CREDENTIALS


def test_a_cache_of_somebody_else(realm):
    assert refused(CredentialCache("bob", realm.cache("alice"))) is Status.SEC_E_UNKNOWN_CREDENTIALS


def test_there_is_no_default_credential(realm):
    for use in CredentialUse:
        assert refused(None, use=use) is Status.SEC_E_NO_CREDENTIALS


def test_an_acceptor_needs_keys(realm):
    assert refused(ALICE, use=CredentialUse.INBOUND) is Status.SEC_E_UNKNOWN_CREDENTIALS


@pytest.mark.parametrize("use", CredentialUse)
def test_a_key_table_without_the_principal_says_what_it_has(realm, use):
    with pytest.raises(SspiError) as caught:
        acquire(Keytab("HTTP/other.example.test", realm.keys(mit.HTTP)), use=use)
    assert caught.value.status is Status.SEC_E_UNKNOWN_CREDENTIALS
    assert "HTTP/other.example.test" in caught.value.message
    assert f"{mit.HTTP}@{mit.NAME}" in caught.value.message


def test_files_are_the_operators_to_name(realm, tmp_path):
    path = tmp_path / "keytab"
    path.write_bytes(realm.keys(mit.HTTP))
    mine = Keytab(path=str(path))
    assert refused(mine, use=CredentialUse.INBOUND) is Status.SEC_E_UNKNOWN_CREDENTIALS
    world = a_world()
    world.answers[FindNamedCredential] = lambda question: {"web": mine}[question.name]
    server = acceptor(realm, secret=Named("web"), world=world)
    shake(initiator(), server)
    assert refused(Keytab(path=str(tmp_path / "none")), world=a_world(policy=KerberosPolicy(files=True))) is (
        Status.SEC_E_UNKNOWN_CREDENTIALS
    )


def test_a_forwarded_ticket_is_a_credential(realm):
    client, server = initiator(flags=DELEGATE), acceptor(realm)
    shake(client, server)
    assert ContextFlag.DELEGATE in client.steps[-1].granted & server.steps[-1].granted
    given = server.query(ContextAttribute.CREDS_2)
    assert (given.user, given.domain, given.kind) == ("alice", mit.NAME, "kerberos")
    assert given.secret.use is CredentialUse.OUTBOUND
    assert given.secret.expiry is not None
    onward = End(package(), world=a_world(), flags=FULL, target=mit.CIFS, _credential=given.secret)
    files = acceptor(realm, mit.CIFS)
    shake(onward, files)
    assert client_of(files) == f"alice@{mit.NAME}"
    assert mit.PASSWORD not in repr(given)


def test_nothing_is_forwarded_to_a_service_the_kdc_does_not_trust(realm):
    client, server = initiator(flags=DELEGATE, target=mit.CIFS), acceptor(realm, mit.CIFS)
    shake(client, server)
    assert ContextFlag.DELEGATE not in client.steps[-1].granted | server.steps[-1].granted
    with pytest.raises(SspiError) as caught:
        server.query(ContextAttribute.CREDS_2)
    assert caught.value.status is Status.SEC_E_NO_CREDENTIALS


def test_delegation_needs_mutual_authentication(realm):
    client, server = initiator(flags=frozenset({ContextFlag.DELEGATE})), acceptor(realm)
    shake(client, server)
    assert ContextFlag.DELEGATE not in server.steps[-1].granted


def test_a_service_fetches_a_users_ticket_to_itself(realm):
    """S4U2Self: the user's password has no part in it."""
    held = acquire(Keytab(f"{mit.HTTP}@{mit.NAME}", realm.keys(mit.HTTP)), principal=f"bob@{mit.NAME}")
    assert held.principal == f"bob@{mit.NAME}"
    client = End(package(), world=a_world(), flags=MUTUAL, target=mit.HTTP, _credential=held)
    server = acceptor(realm)
    shake(client, server)
    assert client_of(server) == f"bob@{mit.NAME}"
    # S4U2Proxy: this KDC's database has no list of who may delegate to whom, so it refuses.
    onward = End(package(), world=a_world(), flags=MUTUAL, target=mit.CIFS, _credential=held)
    with pytest.raises(SspiError) as caught:
        onward.step()
    assert caught.value.status is Status.SEC_E_DELEGATION_REQUIRED
    assert code(caught.value) == 13


def test_a_service_fetches_no_ticket_of_an_unknown_user(realm):
    held = acquire(Keytab(mit.HTTP, realm.keys(mit.HTTP)), principal=f"nobody@{mit.NAME}")
    with pytest.raises(SspiError) as caught:
        End(package(), world=a_world(), flags=MUTUAL, target=mit.HTTP, _credential=held).step()
    assert (caught.value.status, code(caught.value)) == (Status.SEC_E_LOGON_DENIED, 6)


def test_one_credential_for_both_roles(realm):
    keys = Keytab(f"{mit.HTTP}@{mit.NAME}", realm.keys(mit.HTTP))
    held = acquire(keys, use=CredentialUse.BOTH)
    client = End(package(), world=a_world(), flags=FULL, target=mit.HTTP, _credential=held)
    server = End(package(), world=a_world(), accepts=True, _credential=held)
    shake(client, server)
    assert client_of(server) == f"{mit.HTTP}@{mit.NAME}"


def test_an_acceptor_of_both_roles_may_go_on_as_its_client(realm):
    """The client's own ticket is what S4U2Proxy starts from; whether it leads anywhere, the KDC says."""
    held = acquire(Keytab(f"{mit.HTTP}@{mit.NAME}", realm.keys(mit.HTTP)), use=CredentialUse.BOTH)
    server = End(package(), world=a_world(), accepts=True, _credential=held)
    shake(initiator(), server)
    given = server.query(ContextAttribute.CREDS_2)
    assert given.user == "alice"
    with pytest.raises(SspiError) as caught:
        End(package(), world=a_world(), flags=MUTUAL, target=mit.CIFS, _credential=given.secret).step()
    assert caught.value.status is Status.SEC_E_DELEGATION_REQUIRED


def test_an_acceptor_of_both_roles_goes_on_without_its_kdc(own_realm):
    realm = own_realm()
    held = acquire(Keytab(f"{mit.HTTP}@{mit.NAME}", realm.keytab(mit.HTTP)), use=CredentialUse.BOTH)
    client = initiator()
    token = client.step()
    realm.stop()
    server = End(package(), world=a_world(), accepts=True, _credential=held)
    client.step(server.step(token))
    assert client.done


def test_contexts_outlive_their_credential(realm):
    client, server = initiator(), acceptor(realm)
    token = client.step()
    for end in (client, server):
        end.package.free_credentials_handle(end.credential)
    with pytest.raises(SspiError):
        initiator(_credential=client.credential).step()
    with pytest.raises(SspiError):
        acceptor(realm, _credential=server.credential).step(token)
    server = acceptor(realm)
    client.step(server.step(token))
    server.package.free_credentials_handle(server.credential)
    assert server.decrypt(*client.encrypt(b"still")) == b"still"


def test_what_is_freed_is_gone(realm):
    context = krb5.init_context()

    def caches():
        gc.collect()
        return {cache.name for cache in krb5.cccol_iter(context) if cache.cache_type == b"MEMORY"}

    before = caches()
    client = initiator()
    client.step()
    held = client.credential.held._tickets._name
    krb5.cc_resolve(context, held).principal  # noqa: B018 - it raises where the cache is gone
    client.package.free_credentials_handle(client.credential)
    client.state = None
    client.steps.clear()
    gc.collect()
    with pytest.raises(krb5.Krb5Error):
        krb5.cc_resolve(context, held).principal  # noqa: B018 - as above
    assert caches() <= before


def test_many_credentials_at_once_do_not_see_each_other(realm):
    secrets = [
        ALICE,
        Password("bob", mit.NAME, mit.PASSWORD),
        Keytab("", realm.keytab("bob")),
        CredentialCache("", realm.cache()),
    ]
    expected = ["alice", "bob", "bob", "alice"]
    keys = [realm.keys(mit.HTTP), realm.keys(mit.HTTP, mit.CIFS), realm.keys(mit.CIFS)]
    targets = [mit.HTTP, mit.HTTP, mit.CIFS]

    def log_on(turn):
        client = initiator(secrets[turn % 4], target=targets[turn % 3])
        server = acceptor(realm, secret=Keytab(data=keys[turn % 3]))
        shake(client, server)
        sealed = client.encrypt(b"%d" % turn)
        assert server.decrypt(*sealed) == b"%d" % turn
        return client_of(server)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(log_on, range(96)))
    assert found == [f"{expected[turn % 4]}@{mit.NAME}" for turn in range(96)]


def test_tickets_are_fetched_once_and_shared(realm):
    client = initiator()
    shake(client, acceptor(realm))
    name = client.credential.held._tickets._name
    for _ in range(3):
        shake(initiator(_credential=client.credential), acceptor(realm))
    servers = [str(ticket.server) for ticket in krb5.cc_resolve(krb5.init_context(), name)]
    assert sum(server.startswith("krbtgt/") for server in servers) == 1
    assert sum(mit.HTTP in server for server in servers) <= 2
