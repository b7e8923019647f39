"""Kerberos through a real service: handshakes, what was delegated as a handle, a context that moves, a KDC that is silent."""

from __future__ import annotations

import socket
import time
from contextlib import closing

import pytest

from sspid_client import Client, attributes, credentials
from sspid_client.errors import SspiError
from sspid_client.flags import ContextFlag
from sspid_client.status import SecurityStatus as Status
from sspid_testing import realm as mit
from sspid_testing.server import running

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.kerberos, pytest.mark.wire]

FLAGS = ContextFlag.MUTUAL_AUTH | ContextFlag.CONFIDENTIALITY | ContextFlag.INTEGRITY | ContextFlag.DELEGATE
DEADLINE = "[kerberos]\ndeadline_seconds = 1.0\n"


@pytest.fixture
def client(realm, tmp_path):
    with running(tmp_path / "service", DEADLINE) as service, Client(service.target) as connected:
        yield connected


def alice(client, password=mit.PASSWORD):
    return client.acquire_credentials_handle(
        "Kerberos", credentials.OUTBOUND, credentials.password("alice", mit.NAME, password)
    )


def service(client, realm, spn=mit.HTTP, package="Kerberos"):
    return client.acquire_credentials_handle(package, credentials.INBOUND, credentials.keytab(realm.keys(spn)))


def log_on(credential, keys, target=mit.HTTP):
    initiator, acceptor = credential.initialize(target, flags=FLAGS), keys.accept()
    answer = acceptor.step(initiator.step().token)
    assert initiator.step(answer.token).done
    return initiator, acceptor


def test_the_service_lists_kerberos_as_ready(client):
    (found,) = [each for each in client.enumerate_security_packages() if each.name == "Kerberos"]
    assert found.not_ready == ""
    assert found.max_token == 65535


def test_a_logon_and_its_messages(client, realm):
    initiator, acceptor = log_on(alice(client), service(client, realm))
    identity = acceptor.identity()
    assert (identity.name, identity.domain) == ("alice", mit.NAME)
    assert acceptor.decrypt(initiator.encrypt(b"sealed")).data == b"sealed"
    acceptor.verify(b"signed", initiator.sign(b"signed"))


@pytest.mark.parametrize("package", ["Kerberos", "Negotiate"])
def test_what_was_delegated_is_a_handle(client, realm, package):
    user = client.acquire_credentials_handle(
        package, credentials.OUTBOUND, credentials.password("alice", mit.NAME, mit.PASSWORD)
    )
    _, acceptor = log_on(user, service(client, realm, package=package))
    given = acceptor.query(attributes.CREDS_2)
    assert (given.user, given.domain, given.password) == ("alice", mit.NAME, None)
    assert acceptor.query(attributes.CREDS_2).credential == given.credential
    onward = client.adopt(package, given.credential)
    _, files = log_on(onward, service(client, realm, mit.CIFS, package), mit.CIFS)
    assert files.identity().name == "alice"


def test_an_exported_context_goes_on(client, realm):
    initiator, acceptor = log_on(alice(client), service(client, realm))
    packed = acceptor.export()
    moved = client.import_security_context("Kerberos", packed, role=acceptor.legs.role)
    assert moved.decrypt(initiator.encrypt(b"sealed")).data == b"sealed"
    assert moved.identity().name == "alice"


def test_a_refusal_carries_its_kerberos_error(client):
    with pytest.raises(SspiError) as refused:
        alice(client, "wrong").initialize(mit.HTTP, flags=FLAGS).step()
    assert refused.value.status is Status.SEC_E_LOGON_DENIED
    assert refused.value.detail is not None
    assert refused.value.detail.kerberos_error == 31


def test_a_silent_kdc_holds_nobody_up(realm, tmp_path):
    """Callers that wait for it wait for the deadline; an acceptor of the same service goes on at once."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        text = (realm.folder / "krb5.conf").read_text("utf-8")
        (tmp_path / "krb5.conf").write_text(text.replace(f":{realm.port}", f":{silent.getsockname()[1]}"), "utf-8")
        silenced = {"KRB5_CONFIG": str(tmp_path / "krb5.conf")}
        with (
            running(tmp_path / "other", DEADLINE, env=silenced) as away,
            running(tmp_path / "one", DEADLINE) as here,
            Client(away.target) as one,
            Client(here.target) as other,
        ):
            began = time.monotonic()
            with pytest.raises(SspiError) as refused:
                alice(one).initialize(mit.HTTP, flags=FLAGS).step()
            assert refused.value.status is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY
            assert time.monotonic() - began < 20, "a hang and no deadline"
            token = alice(other).initialize(mit.HTTP, flags=FLAGS).step().token
            assert service(one, realm).accept().step(token).done
