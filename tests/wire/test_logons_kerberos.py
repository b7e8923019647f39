"""Kerberos over the wire in an MIT realm: refusals by name, delegation that goes on, messages, exports, workers."""

from __future__ import annotations

import pytest

from sspid_client import (
    INBOUND,
    OUTBOUND,
    Client,
    ContextFlag,
    Role,
    SspiError,
    attributes,
    credential_cache,
    keytab,
    password,
)
from sspid_testing import realm as mit
from sspid_testing import server
from sspid_testing.example_programs import Audit
from sspid_testing.logons import SEALED, Ends, Logon, exchange

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.wire, pytest.mark.kerberos, pytest.mark.interop]
MUTUAL = SEALED | ContextFlag.MUTUAL_AUTH


@pytest.fixture(scope="module")
def service(shared_realm, tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("kerberos"), env=shared_realm.environment) as running:
        yield running


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


def logon(realm, identity=None, target=mit.HTTP, **more):
    identity = identity or password("alice", mit.NAME, mit.PASSWORD)
    return Logon("Kerberos", identity, keytab(realm.keys(mit.HTTP)), target, **{"flags": MUTUAL, **more})


def refused(sspi, attempt):
    with pytest.raises(SspiError) as caught:
        attempt.shake(sspi)
    return caught.value


def test_the_acceptor_knows_who_logged_on(realm, sspi, service):
    audit = Audit(service)
    for identity in (None, credential_cache(realm.cache("alice"))):
        ends = logon(realm, identity).shake(sspi)
        told = ends.server.identity()
        assert (told.name, told.domain) == ("alice", mit.NAME)
        assert ends.server.query(attributes.NAMES).user_name == rf"{mit.NAME}\alice"
        exchange(ends)
    assert audit.handshakes("Kerberos", count=2) == ["SEC_E_OK"] * 2
    assert audit.handshakes("Kerberos", "initiator", count=2) == ["SEC_E_OK"] * 2


def test_refusals_have_names(realm, sspi):
    wrong = logon(realm, password("alice", mit.NAME, "wrong"))
    unknown = logon(realm, password("mallory", mit.NAME, mit.PASSWORD))
    assert {refused(sspi, wrong).name, refused(sspi, unknown).name} == {"SEC_E_LOGON_DENIED"}
    assert refused(sspi, logon(realm, target="HTTP/nowhere.example.test")).name == "SEC_E_TARGET_UNKNOWN"
    assert refused(sspi, logon(realm, target=mit.CIFS)).name == "SEC_E_NO_KERB_KEY"
    assert refused(sspi, logon(realm, bindings=(b"one", b"two"))).name == "SEC_E_BAD_BINDINGS"


def test_a_replayed_token_is_found(realm, sspi):
    attempt = logon(realm)
    client, first = attempt.ends(sspi)
    token = client.step().token
    first.step(token)
    _, second = attempt.ends(sspi)
    with pytest.raises(SspiError) as replayed:
        second.step(token)
    assert replayed.value.name == "SEC_E_LOGON_DENIED"


def test_what_is_delegated_begins_a_context_of_its_own(realm, sspi):
    ends = logon(realm, flags=MUTUAL | ContextFlag.DELEGATE).shake(sspi)
    given = ends.server.query(attributes.CREDS_2)
    assert (given.user, given.domain, given.password) == ("alice", mit.NAME, None)
    assert given.credential
    assert ends.server.query(attributes.CREDS_2).credential == given.credential, "one handle however often it is asked for"
    ends.server.delete()
    with sspi.adopt("Kerberos", given.credential) as delegated:
        files = sspi.acquire_credentials_handle("Kerberos", INBOUND, keytab(realm.keys(mit.CIFS))).accept(flags=SEALED)
        onward = delegated.initialize(mit.CIFS, flags=MUTUAL)
        assert onward.step(files.step(onward.step().token).token).done
        exchange(Ends(onward, files))
        assert files.identity().name == "alice"


def test_nothing_is_delegated_that_was_not_asked_for(realm, sspi):
    ends = logon(realm).shake(sspi)
    with pytest.raises(SspiError) as nothing:
        ends.server.query(attributes.CREDS_2)
    assert nothing.value.status is not None


def test_an_exported_context_goes_on_where_it_was(realm, sspi):
    ends = logon(realm).shake(sspi)
    exchange(ends)
    roles = (Role.INITIATOR, Role.ACCEPTOR)
    packed = [end.export(delete_old=True) for end in ends]
    moved = Ends(*(sspi.import_security_context("Kerberos", each, role=role) for each, role in zip(packed, roles, strict=True)))
    exchange(moved)


def test_any_worker_takes_any_leg(realm, tmp_path):
    with server.running(tmp_path, arguments=("--workers", "3"), env=realm.environment) as running:
        for _ in range(4):
            with Client(running.target, session=False) as one, Client(running.target) as other:
                ends = logon(realm).shake(one)
                ends.client._client = ends.server._client = other
                exchange(ends)
                assert ends.server.identity().name == "alice"


def test_a_kdc_that_is_away_is_no_refusal(own_realm, tmp_path):
    realm = own_realm()
    with server.running(tmp_path, "[kerberos]\ndeadline_seconds = 4.0\n", env=realm.environment) as running:
        realm.stop()
        with Client(running.target) as sspi:
            credential = sspi.acquire_credentials_handle("Kerberos", OUTBOUND, password("alice", mit.NAME, mit.PASSWORD))
            with pytest.raises(SspiError) as away:
                credential.initialize(mit.HTTP, flags=MUTUAL).step()
            assert away.value.name == "SEC_E_NO_AUTHENTICATING_AUTHORITY"
