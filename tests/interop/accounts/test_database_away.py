"""A PostgreSQL server that stops in the middle: every question ends by its deadline, and all is well when it goes on."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from sspid.broker.world.accounts.directory import Directory
from sspid.broker.world.accounts.opening import Opening, Whereabouts
from sspid.broker.world.accounts.records import AccountRecord
from sspid.broker.world.nonces import NonceTable
from sspid.packages.questions import CountNonceUse, LookUpAccount, Machine
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

pytest_plugins = ("sspid_testing.postgresql",)
pytestmark = [pytest.mark.ntlm, pytest.mark.digest, pytest.mark.interop, pytest.mark.chaos]


@pytest.fixture
def opening(tmp_path, postgresql_server):
    made = Opening(Whereabouts(tmp_path, postgresql_server.new_database(), deadline=1.0))
    yield made
    made.close()


@pytest.fixture
def directory(opening):
    return Directory(opening.store, Machine("WEB"), structlog.get_logger(), cache_seconds=0.0, deadline=1.0)


def look_up(directory):
    try:
        return directory.look_up(LookUpAccount("alice", ""), "")
    except SspiError as error:
        return error.status


def test_a_server_that_stops_and_goes_on(opening, directory, postgresql_server):
    opening.store().add(AccountRecord("alice"))
    nonces = NonceTable(opening.store, 1.0)
    use = CountNonceUse(b"n", 1, datetime.now(UTC) + timedelta(seconds=600))
    assert nonces.count(use, "")
    assert look_up(directory).name == "alice"
    postgresql_server.signal(signal.SIGSTOP)
    try:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(look_up(directory))) for _ in range(6)]
        began = time.monotonic()
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        took = time.monotonic() - began
        with pytest.raises(SspiError) as caught:
            nonces.count(CountNonceUse(b"m", 1, use.expires), "")
    finally:
        postgresql_server.signal(signal.SIGCONT)
    assert took < 20.0
    assert answers == [SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY] * 6
    assert caught.value.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
    until = time.monotonic() + 20.0
    while look_up(directory) is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert look_up(directory).name == "alice"
    assert not nonces.count(use, "")


def test_questions_that_nobody_waits_for_are_bounded(opening, directory, postgresql_server):
    from sspid.broker.world.accounts.errors import AwayError
    from sspid.broker.world.accounts.patience import Patience

    go_on = threading.Event()
    patience = Patience(0.05)
    said = []
    for _ in range(20):
        with pytest.raises(AwayError) as caught:
            patience.ask(go_on.wait)
        said.append("Too many" in str(caught.value))
    assert said == [False] * 16 + [True] * 4
    go_on.set()
    until = time.monotonic() + 10.0
    while patience._slots._value < 16:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert patience.ask(lambda: 5) == 5
