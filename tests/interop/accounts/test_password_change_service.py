"""ChangeAccountPassword over the wire: the next logon of a foreign client needs the new password, in NTLM and in Digest."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import grpc
import httpx
import pytest
from sspid_protos.sspi.v1 import credential_service_pb2, credentials_pb2, vocabulary_pb2

from sspid_testing import server
from sspid_testing.foreign import Pyspnego
from sspid_testing.wire import ACCEPT, INBOUND, Wire, status, token_out

pytestmark = [pytest.mark.ntlm, pytest.mark.negotiate, pytest.mark.digest, pytest.mark.interop, pytest.mark.wire]
REALM = "web"
CONFIG = '[machine]\ncomputer = "WEB"\n[accounts.lockout]\nfailures = 3\n'


def accounts(service, *arguments, given=""):
    command = [sys.executable, "-m", "sspid", "accounts", *arguments]
    env = {**os.environ, "SSPID_DATA_DIR": str(service.data_dir)}
    return subprocess.run(command, input=given, env=env, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("passwords"), CONFIG) as running:
        yield running


@pytest.fixture
def wire(service):
    made = Wire(grpc.insecure_channel(service.target))
    yield made
    made.channel.close()


def change(wire, package, account, old, new, domain="WEB"):
    request = credential_service_pb2.ChangeAccountPasswordRequest(
        package_name=package, account=account, domain=domain, old_password=old, new_password=new
    )
    return status(wire.credentials.ChangeAccountPassword(request))


def log_on(wire, user, password):
    request = credential_service_pb2.AcquireCredentialsHandleRequest(package_name="NTLM", use=INBOUND)
    credential = wire.credentials.AcquireCredentialsHandle(request).credential
    client = Pyspnego.initiator(user, password, "ntlm")
    first = wire.contexts.AcceptSecurityContext(ACCEPT(credential=credential, input=_token(client.step())))
    answer = _token(client.step(token_out(first)))
    return status(wire.contexts.AcceptSecurityContext(ACCEPT(context=first.context, input=answer)))


def log_on_with_digest(wire, user, password):
    """httpx' own Digest gives the answer."""
    realm = credentials_pb2.AuthData(password=credentials_pb2.PasswordIdentity(domain=REALM))
    request = credential_service_pb2.AcquireCredentialsHandleRequest(package_name="Digest", use=INBOUND, auth_data=realm)
    credential = wire.credentials.AcquireCredentialsHandle(request).credential
    http = [vocabulary_pb2.CONTEXT_FLAG_USE_HTTP_STYLE]
    offered = wire.contexts.AcceptSecurityContext(ACCEPT(credential=credential, flags=http))
    asked = httpx.Request("GET", "http://web.example.test/page")
    conversation = httpx.DigestAuth(user, password).auth_flow(asked)
    next(conversation)
    challenge = {"WWW-Authenticate": f"Digest {offered.output[0].data.decode()}"}
    answered = conversation.send(httpx.Response(401, headers=challenge, request=asked))
    sent = _token(answered.headers["Authorization"].removeprefix("Digest ").encode())
    sent += [_parameter(b"GET"), _parameter(b"/page"), _parameter(b"")]
    return status(wire.contexts.AcceptSecurityContext(ACCEPT(context=offered.context, input=sent, flags=http)))


def _parameter(data):
    return vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_PKG_PARAMS, data=data)


def _token(data):
    return [vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_TOKEN, data=data)]


@pytest.mark.parametrize(("package", "user"), [("NTLM", "alice"), ("Negotiate", "anna")])
def test_the_new_password_counts_at_once(service, wire, package, user):
    accounts(service, "add", user, "--digest-realm", REALM, given="Old-1\n")
    assert log_on(wire, user, "Old-1") == "SEC_E_OK"
    assert log_on_with_digest(wire, user, "Old-1") == "SEC_E_OK"
    assert change(wire, package, user, "wrong", "New-2") == "SEC_E_LOGON_DENIED"
    assert change(wire, package, user, "Old-1", "New-2") == "SEC_E_OK"
    assert log_on(wire, user, "New-2") == "SEC_E_OK"
    assert log_on_with_digest(wire, user, "New-2") == "SEC_E_OK"
    assert log_on(wire, user, "Old-1") == "SEC_E_LOGON_DENIED"
    assert log_on_with_digest(wire, user, "Old-1") == "SEC_E_LOGON_DENIED"
    assert "Old-1" not in service.log_text()
    assert "New-2" not in service.log_text()
    assert '"password changed"' in service.log_text()


def test_unknown_accounts_and_wrong_passwords_are_one(service, wire):
    accounts(service, "add", "bob", given="Old-1\n")
    answers = set()
    for account in ("bob", "nobody"):
        request = credential_service_pb2.ChangeAccountPasswordRequest(
            package_name="NTLM", account=account, domain="WEB", old_password="wrong", new_password="New-2"
        )
        answers.add(wire.credentials.ChangeAccountPassword(request).result.SerializeToString())
    assert len(answers) == 1


def test_guessing_old_passwords_locks_the_account_out(service, wire):
    accounts(service, "add", "carol", given="Old-1\n")
    for _ in range(3):
        assert change(wire, "NTLM", "carol", "guess", "New-2") == "SEC_E_LOGON_DENIED"
    until = time.monotonic() + 10.0
    while "locked out" not in accounts(service, "list"):
        assert time.monotonic() < until
    assert change(wire, "NTLM", "carol", "Old-1", "New-2") == "SEC_E_LOGON_DENIED"
    assert log_on(wire, "carol", "Old-1") == "SEC_E_LOGON_DENIED"


def test_new_passwords_that_cannot_be(service, wire):
    accounts(service, "add", "dora", given="Old-1\n")
    assert change(wire, "NTLM", "dora", "Old-1", "") == "SEC_E_INVALID_PARAMETER"
