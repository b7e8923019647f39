"""Digest through two workers of the real service, which share accounts, sealing key and nonce counts and nothing else."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import structlog
from click.testing import CliRunner

from sspid import cli
from sspid.app import Crew, Service
from sspid.broker.legs import LegCall
from sspid.config import Settings
from sspid.packages.contract import CredentialRequest
from sspid.vocabulary.buffers import token
from sspid.vocabulary.credentials import CredentialUse, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, PASSWORD, REALM, USER, parameter, unquoted

pytestmark = [pytest.mark.digest, pytest.mark.legs]
CALLER = "tests"
GET = parameter("GET")


class Worker:
    """One worker of several, with a credential of either role."""

    def __init__(self, folder, password=PASSWORD):
        # They meet here, and a Unix socket's path may have no more than a hundred characters.
        self._meeting = TemporaryDirectory(prefix="crew-")
        crew = Crew(0, 2, Path(self._meeting.name), bytes(32))
        self.service = Service(Settings(data_dir=folder), structlog.get_logger(), crew)
        self.contexts = self.service.contexts
        self.inbound = self._acquire(CredentialRequest(CredentialUse.INBOUND, Password("", REALM)))
        self.outbound = self._acquire(CredentialRequest(CredentialUse.OUTBOUND, Password(USER, "", password)))

    def _acquire(self, request):
        handle, _ = self.service.credentials.acquire_credentials_handle(CALLER, "Digest", request)
        return handle

    def accept(self, context=b"", received=b"", *more, flags=HTTP):
        return self.contexts.accept_security_context(CALLER, LegCall(self.inbound, context, (token(received), *more), flags))

    def initialize(self, context, received, *more, target="/", flags=HTTP):
        call = LegCall(self.outbound, context, (token(received), *more), flags, target)
        return self.contexts.initialize_security_context(CALLER, call)

    def complete(self, context):
        return self.contexts.complete_auth_token(CALLER, context, (GET,), "", None)


@pytest.fixture
def folder(tmp_path):
    config = tmp_path / "sspid.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    command = ["accounts", "add", USER, "--config", str(config), "--digest-realm", REALM]
    added = CliRunner().invoke(cli.main, command, input=PASSWORD + "\n")
    assert added.exit_code == 0, added.output
    return tmp_path / "data"


def test_one_worker_judges_what_another_challenged(folder):
    first, second = Worker(folder), Worker(folder)
    challenge = first.accept().step.output[0].data
    response = first.initialize(b"", challenge, GET).step.output[0].data
    del first
    waiting = second.accept(b"", response, GET)
    assert waiting.step.status is SecurityStatus.SEC_I_COMPLETE_NEEDED
    assert second.complete(waiting.context).established
    third = Worker(folder)
    again = third.accept(b"", response, GET)
    with pytest.raises(SspiError) as caught:
        third.complete(again.context)
    assert caught.value.status is SecurityStatus.SEC_E_OUT_OF_SEQUENCE


def test_wrong_password_is_denied_by_the_real_accounts(folder):
    worker = Worker(folder, password="wrong")
    challenged = worker.accept()
    response = worker.initialize(b"", challenged.step.output[0].data, GET).step.output[0].data
    with pytest.raises(SspiError) as caught:
        worker.accept(challenged.context, response, GET)
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


def test_accounts_know_every_algorithm_that_is_offered(folder):
    worker = Worker(folder)
    for position in range(2):
        challenged = worker.accept()
        challenge = challenged.step.output[position].data
        response = worker.initialize(b"", challenge, GET).step.output[0].data
        assert unquoted(response, "algorithm") == ("SHA-256", "MD5")[position]
        assert worker.accept(challenged.context, response, GET).step.established


def test_sasl_asks_for_a_secret_that_the_accounts_have(folder):
    worker = Worker(folder)
    flags = frozenset({ContextFlag.INTEGRITY})
    challenged = worker.accept(flags=flags)
    responded = worker.initialize(b"", challenged.step.output[0].data, target="imap/host", flags=flags)
    accepted = worker.accept(challenged.context, responded.step.output[0].data, flags=NO_FLAGS)
    assert (accepted.step.status, accepted.step.established) == (SecurityStatus.SEC_E_OK, True)
    proven = worker.initialize(responded.context, accepted.step.output[0].data, flags=flags)
    assert proven.step.established
