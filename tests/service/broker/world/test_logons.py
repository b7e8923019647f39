"""The audit of logons, and what wrong passwords lead to, through the NTLM and the Digest package."""

from __future__ import annotations

import pytest

from sspid.broker.world.accounts.directory import Directory
from sspid.broker.world.accounts.lockout import Lockout
from sspid.broker.world.accounts.opening import Opening, Whereabouts
from sspid.broker.world.accounts.records import AccountRecord
from sspid.broker.world.logons import Logons
from sspid.packages.ntlm import package
from sspid.packages.questions import LookUpAccount, LookUpDigestSecret, Machine, RecordLogon, RecordPolicyBreach
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.ends import End, shake

WRONG, UNKNOWN, DISABLED, EXPIRED, LOCKED = 0xC000006A, 0xC0000064, 0xC0000072, 0xC0000193, 0xC0000234
ALICE = AccountRecord("Alice").with_password("Passw0rd", ("web",))


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, level):
        return lambda event, **values: self.lines.append({"level": level, "event": event, **values})

    def of(self, event):
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture
def log():
    return Lines()


@pytest.fixture
def store(tmp_path):
    opening = Opening(Whereabouts(tmp_path))
    made = opening.store()
    made.add(ALICE)
    yield made
    opening.close()


@pytest.fixture
def directory(store, log):
    return Directory(lambda: store, Machine("WEB"), log)


@pytest.fixture
def logons(directory, log):
    return Logons(log, directory, Lockout(failures=3, window=600.0, duration=600.0))


def log_on(directory, logons, password, user="alice"):
    """One NTLM handshake, judged with the real answers; the status on our side."""
    server = End(package(), accepts=True)
    server.world.answers[LookUpAccount] = lambda asked: directory.look_up(asked, "web")
    server.world.answers[RecordLogon] = lambda asked: logons.record(asked, "web")
    try:
        shake(End(package(), Password(user, "", password), target="HTTP/web"), server)
    except SspiError as error:
        return error.status, error.message, error.detail
    finally:
        logons.flush()
    return SecurityStatus.SEC_E_OK


def test_a_good_logon_is_one_line(directory, logons, log):
    assert log_on(directory, logons, "Passw0rd") is SecurityStatus.SEC_E_OK
    line = log.of("logon")[0]
    assert (line["level"], line["caller"], line["package"], line["account"]) == ("info", "web", "NTLM", "alice")
    assert (line["result"], line["ntstatus"], line["reason"]) == ("granted", "0x00000000", "")
    assert len(log.lines) == 1


def test_wrong_passwords_lock_the_account_out(directory, logons, log, store):
    for _ in range(3):
        log_on(directory, logons, "wrong")
    log_on(directory, logons, "Passw0rd")
    assert [line["ntstatus"] for line in log.of("logon")] == ["0xC000006A"] * 3 + ["0xC0000234"]
    assert [line["reason"] for line in log.of("logon")][2:] == ["wrong password", "account locked out"]
    assert log.of("account locked out")[0]["failures"] == 3
    store.clear_failures(store.find("alice", "").id)
    directory.expire()
    assert log_on(directory, logons, "Passw0rd") is SecurityStatus.SEC_E_OK


def test_a_good_password_forgets_the_wrong_ones(directory, logons, store):
    for _ in range(3):
        log_on(directory, logons, "wrong")
        log_on(directory, logons, "wrong")
        assert log_on(directory, logons, "Passw0rd") is SecurityStatus.SEC_E_OK
    assert store.find("alice", "").failures == 0


def test_every_reason_is_one_answer_to_the_peer(directory, logons, log, store):
    from dataclasses import replace
    from datetime import UTC, datetime

    store.add(AccountRecord("disabled", disabled=True).with_password("Passw0rd", ()))
    expired = replace(AccountRecord("expired"), expires=datetime(2020, 1, 1, tzinfo=UTC))
    store.add(expired.with_password("Passw0rd", ()))
    store.add(AccountRecord("locked").with_password("Passw0rd", ()))
    identifier = store.find("locked", "").id
    for _ in range(3):
        store.record_failure(identifier, Lockout(failures=3))
    answers = {log_on(directory, logons, "Passw0rd", user) for user in ("nobody", "disabled", "expired", "locked")}
    answers.add(log_on(directory, logons, "wrong"))
    assert len(answers) == 1
    assert answers.pop()[0] is SecurityStatus.SEC_E_LOGON_DENIED
    said = [int(line["ntstatus"], 16) for line in log.of("logon")]
    assert said == [UNKNOWN, DISABLED, EXPIRED, LOCKED, WRONG]


def test_only_wrong_passwords_count(directory, logons, store):
    for ntstatus in (UNKNOWN, DISABLED, LOCKED, 0xC000035B, 0xC000006D):
        for _ in range(5):
            logons.record(RecordLogon("NTLM", "alice", "", "", ntstatus), "")
    logons.flush()
    assert store.find("alice", "").failures == 0


def test_digest_counts_against_the_account_whose_secret_was_given(directory, logons, store):
    made = next(each for each in ALICE.digests if each.algorithm == "SHA-256")
    directory.look_up_digest(LookUpDigestSecret(made.userhash, "web", "SHA-256", userhash=True), "")
    logons.record(RecordLogon("Digest", made.userhash, "web", "", WRONG), "")
    logons.flush()
    assert store.find("alice", "").failures == 1
    directory.expire()
    directory.look_up_digest(LookUpDigestSecret("Alice", "web", "MD5"), "")
    logons.record(RecordLogon("Digest", "Alice", "web", "", 0), "")
    logons.flush()
    assert store.find("alice", "").failures == 0


def test_names_in_the_log_are_bounded(logons, log):
    logons.record(RecordLogon("NTLM", "n" * 9999, "d" * 9999, "w" * 9999, UNKNOWN), "web")
    logons.breach(RecordPolicyBreach("NTLM", "mic", enforced=True, subject="s" * 9999), "web")
    for line in log.lines:
        assert max(len(str(value)) for value in line.values()) <= 256


def test_names_in_the_log_move_no_cursor(logons, log):
    logons.record(RecordLogon("NTLM", "a\x1b[2Jlice", "d\n", "\u202ews", UNKNOWN), "web")
    assert (log.lines[0]["account"], log.lines[0]["domain"], log.lines[0]["workstation"]) == (
        "a\ufffd[2Jlice",
        "d\ufffd",
        "\ufffdws",
    )


def test_a_database_that_does_not_keep_up_stops_no_logon(directory, logons, log, store, monkeypatch):
    import threading

    from sspid.broker.world import logons as module

    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.05)
    go_on = threading.Event()
    monkeypatch.setattr(logons, "_write", lambda write: go_on.wait(30.0))
    logons._counts.maxsize = 2
    directory.look_up(LookUpAccount("alice", ""), "")
    for _ in range(6):
        logons.record(RecordLogon("NTLM", "alice", "", "", WRONG), "web")
    go_on.set()
    assert len(log.of("logon")) == 6
    assert log.of("logons are not counted")


def test_a_breach_says_whether_it_was_enforced(logons, log):
    logons.breach(RecordPolicyBreach("NTLM", "mic", enforced=False, subject="alice"), "web")
    assert log.lines == [
        {
            "level": "warning", "event": "policy breach", "caller": "web", "package": "NTLM", "rule": "mic",
            "enforced": False, "subject": "alice",
        }
    ]  # fmt: skip


def test_a_database_that_is_gone_stops_no_audit(directory, logons, log, store):
    directory.look_up(LookUpAccount("alice", ""), "")
    store.engine.dispose()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE failures")
    logons.record(RecordLogon("NTLM", "alice", "", "", WRONG), "")
    logons.flush()
    assert len(log.of("logon")) == 1
    assert "does not answer" in log.of("logons are not counted")[0]["reason"]
