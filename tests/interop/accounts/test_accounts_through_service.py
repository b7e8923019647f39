"""A real service and pyspnego's NTLM client: accounts made and disabled by the command line, policy from the configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import grpc
import pytest
from sspid_protos.sspi.v1 import credential_service_pb2, vocabulary_pb2

from sspid_testing import postgresql, server
from sspid_testing.foreign import Pyspnego
from sspid_testing.wire import ACCEPT, INBOUND, Wire, status, token_out

pytestmark = [pytest.mark.ntlm, pytest.mark.interop, pytest.mark.wire]
CONFIG = """
[machine]
computer = "WEB"
[accounts.lockout]
failures = 3
[policy.ntlm]
require_mic = true
{more}
"""


def accounts(service, *arguments, given=""):
    command = [sys.executable, "-m", "sspid", "accounts", *arguments]
    env = {**os.environ, "SSPID_DATA_DIR": str(service.data_dir)}
    return subprocess.run(command, input=given, env=env, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("accounts"), CONFIG.format(more="")) as running:
        accounts(running, "add", "alice", "--group", "staff", given="Passw0rd\n")
        yield running


class Front:
    """An application that accepts NTLM through the service."""

    def __init__(self, target):
        self.wire = Wire(grpc.insecure_channel(target))
        request = credential_service_pb2.AcquireCredentialsHandleRequest(package_name="NTLM", use=INBOUND)
        self.credential = self.wire.credentials.AcquireCredentialsHandle(request).credential

    def log_on(self, user, password):
        """One handshake of pyspnego's; the service's last reply."""
        client = Pyspnego.initiator(user, password, "ntlm")
        first = self.wire.contexts.AcceptSecurityContext(ACCEPT(credential=self.credential, input=self._token(client.step())))
        assert status(first) == "SEC_I_CONTINUE_NEEDED"
        answer = self._token(client.step(token_out(first)))
        return self.wire.contexts.AcceptSecurityContext(ACCEPT(context=first.context, input=answer))

    @staticmethod
    def _token(data):
        return [vocabulary_pb2.SecurityBuffer(type=vocabulary_pb2.SECBUFFER_TOKEN, data=data)]


@pytest.fixture
def front(service):
    made = Front(service.target)
    yield made
    made.wire.channel.close()


def logons(service):
    lines = [json.loads(line) for line in service.log_text().splitlines()]
    return [line for line in lines if line["event"] == "logon"]


@pytest.mark.parametrize("user", ["alice", r"WEB\alice", r"ANYTHING\ALICE", "alice@web"])
def test_a_good_password(service, front, user):
    assert status(front.log_on(user, "Passw0rd")) == "SEC_E_OK"
    line = logons(service)[-1]
    assert (line["result"], line["caller"], line["package"]) == ("granted", "anonymous", "NTLM")


def test_the_peer_learns_nothing_and_the_audit_all(service, front):
    accounts(service, "add", "disabled", "--disabled", given="Passw0rd\n")
    accounts(service, "add", "expired", "--expires", "2020-01-01", given="Passw0rd\n")
    time.sleep(0.75)
    attempts = [("alice", "wrong"), ("nobody", "Passw0rd"), ("disabled", "Passw0rd"), ("expired", "Passw0rd")]
    replies = [front.log_on(*attempt).result for attempt in attempts]
    assert {(reply.status, reply.message, reply.HasField("detail")) for reply in replies} == {
        (vocabulary_pb2.SEC_E_LOGON_DENIED, replies[0].message, False)
    }
    assert [line["reason"] for line in logons(service)[-4:]] == [
        "wrong password", "unknown account", "account disabled", "account expired"
    ]  # fmt: skip
    assert "Passw0rd" not in service.log_text()


def test_disabling_counts_within_a_second(service, front):
    accounts(service, "add", "bob", given="Passw0rd\n")
    time.sleep(0.75)
    for command, expected in (("disable", "SEC_E_LOGON_DENIED"), ("enable", "SEC_E_OK"), ("remove", "SEC_E_LOGON_DENIED")):
        accounts(service, command, "bob")
        time.sleep(0.75)
        assert status(front.log_on("bob", "Passw0rd")) == expected


def test_wrong_passwords_lock_out_until_unlocked(service, front):
    accounts(service, "add", "carol", given="Passw0rd\n")
    time.sleep(0.75)
    for _ in range(3):
        front.log_on("carol", "wrong")
    until = time.monotonic() + 10.0
    while "locked out" not in accounts(service, "list"):
        assert time.monotonic() < until
    assert status(front.log_on("carol", "Passw0rd")) == "SEC_E_LOGON_DENIED"
    assert logons(service)[-1]["reason"] == "account locked out"
    accounts(service, "unlock", "carol")
    time.sleep(0.75)
    assert status(front.log_on("carol", "Passw0rd")) == "SEC_E_OK"


def test_workers_count_together(tmp_path):
    """Each logon on a connection of its own, so that both workers have some; a lock is everybody's within a second."""
    with server.running(tmp_path, CONFIG.format(more=""), arguments=("--workers", "2")) as running:
        accounts(running, "add", "alice", given="Passw0rd\n")

        def log_on(password):
            front = Front(running.target)
            try:
                return status(front.log_on("alice", password))
            finally:
                front.wire.channel.close()

        assert {log_on("Passw0rd") for _ in range(4)} == {"SEC_E_OK"}
        assert {log_on("wrong") for _ in range(3)} == {"SEC_E_LOGON_DENIED"}
        until = time.monotonic() + 10.0
        while "locked out" not in accounts(running, "list"):
            assert time.monotonic() < until
        time.sleep(0.75)
        assert {log_on("Passw0rd") for _ in range(6)} == {"SEC_E_LOGON_DENIED"}


def test_policy_is_the_callers(tmp_path):
    own = '[policy.callers."anonymous".ntlm]\nenabled = false\n'
    with server.running(tmp_path, CONFIG.format(more=own)) as running:
        front = Front(running.target)
        client = Pyspnego.initiator("alice", "pw", "ntlm")
        request = ACCEPT(credential=front.credential, input=front._token(client.step()))
        assert status(front.wire.contexts.AcceptSecurityContext(request)) == "STATUS_NOT_SUPPORTED"
        breaches = [json.loads(line) for line in running.log_text().splitlines() if "policy breach" in line]
        assert [(line["rule"], line["enforced"], line["caller"]) for line in breaches] == [("ntlm off", True, "anonymous")]
        front.wire.channel.close()


def test_a_domain_that_is_away_is_no_refusal_and_no_hang(tmp_path):
    """winbind is enabled, and the program that asks it is not there."""
    away = '[winbind]\nenabled = true\npath = "/nonexistent/ntlm_auth"\ndeadline_seconds = 2.0\n'
    with server.running(tmp_path, CONFIG.format(more=away)) as running:
        front = Front(running.target)
        assert status(front.log_on(r"CORP\alice", "pw")) == "SEC_E_NO_AUTHENTICATING_AUTHORITY"
        assert status(front.log_on(r"WEB\alice", "pw")) == "SEC_E_LOGON_DENIED"
        front.wire.channel.close()


def test_a_database_that_is_away_is_no_refusal_and_no_hang(tmp_path):
    postgresql.require_driver()
    away = '[accounts]\nurl = "postgresql://u:tell-nobody@127.0.0.1:1/d"\ndeadline_seconds = 2.0\n'
    with server.running(tmp_path, CONFIG.format(more="").replace("[accounts.lockout]\nfailures = 3", away)) as running:
        front = Front(running.target)
        assert status(front.log_on("alice", "pw")) == "SEC_E_NO_AUTHENTICATING_AUTHORITY"
        assert "does not answer" in running.log_text()
        assert "tell-nobody" not in running.log_text()
        front.wire.channel.close()
