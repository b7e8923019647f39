"""Changing a password with the old one: what is made anew, who is refused and how, and what counts towards a lock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sspid.broker.world.accounts.directory import Directory, Rules
from sspid.broker.world.accounts.lockout import Lockout
from sspid.broker.world.accounts.passwords import Passwords
from sspid.broker.world.accounts.records import AccountRecord, Mapping, digests_of, nt_hash
from sspid.broker.world.logons import Logons
from sspid.packages.questions import ChangePassword, LookUpAccount, Machine
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus as Status

ALICE = AccountRecord("Alice", groups=("staff",)).with_password("Old-1", ("web", "café"))


@pytest.fixture
def directory(opening, log):
    return Directory(opening.store, Machine("WEB"), log, cache_seconds=3600.0)


@pytest.fixture
def logons(log, directory):
    return Logons(log, directory, Lockout(failures=3))


@pytest.fixture
def change(directory, logons):
    passwords = Passwords(directory, logons)

    def changed(account, old, new="New-2", domain=""):
        try:
            passwords.change(ChangePassword("NTLM", account, domain, old, new), "web")
        except SspiError as error:
            return error.status, error.message, error.detail
        finally:
            logons.flush()
        return Status.SEC_E_OK

    return changed


def look_up(directory, name):
    return directory.look_up(LookUpAccount(name, ""), "")


def test_everything_made_from_it_is_made_anew(store, directory, change, log):
    store.add(replace(ALICE, mappings=(Mapping("upn", "alice@corp.test"),)))
    assert look_up(directory, "alice").nt_hash == nt_hash("Old-1")
    assert change("ALICE", "Old-1", domain="web") is Status.SEC_E_OK
    assert look_up(directory, "alice").nt_hash == nt_hash("New-2"), "what was cached went on"
    record = store.complete(store.find("alice", ""))
    assert set(record.digests) == {each for realm in ("web", "café") for each in digests_of(("Alice",), realm, "New-2")}
    assert (record.password, record.groups, record.mappings[0].value) == (None, ("staff",), "alice@corp.test")
    assert [line["account"] for line in log.of("password changed")] == ["ALICE"]
    assert "New-2" not in str(log.lines)


def test_a_kept_password_is_kept_anew(store, change):
    store.add(AccountRecord("Bob").with_password("Old-1", (), keep=True))
    assert change("bob", "Old-1") is Status.SEC_E_OK
    assert store.find("bob", "").record.password == "New-2"


def test_every_refusal_is_one_answer(store, change, log):
    store.add(ALICE)
    store.add(AccountRecord("disabled", disabled=True).with_password("Old-1", ()))
    store.add(AccountRecord("expired", expires=datetime(2020, 1, 1, tzinfo=UTC)).with_password("Old-1", ()))
    store.add(AccountRecord("locked").with_password("Old-1", ()))
    store.add(replace(AccountRecord("digest"), digests=tuple(digests_of(("digest",), "web", "Old-1"))))
    for _ in range(3):
        store.record_failure(store.find("locked", "").id, Lockout(failures=3))
    names = ("nobody", "n" * 999, "disabled", "expired", "locked", "digest")
    answers = {change(name, "Old-1") for name in names} | {change("alice", "Old-2")}
    assert len(answers) == 1
    assert answers.pop()[0] is Status.SEC_E_LOGON_DENIED
    assert [line["reason"] for line in log.of("logon")] == [
        "unknown account", "unknown account", "account disabled", "account expired", "account locked out",
        "wrong password", "wrong password",
    ]  # fmt: skip
    assert store.find("alice", "").record.nt_hash == nt_hash("Old-1")


def test_wrong_old_passwords_lock_the_account_out(store, change, log):
    store.add(ALICE)
    for _ in range(3):
        assert change("alice", "guess")[0] is Status.SEC_E_LOGON_DENIED
    assert change("alice", "Old-1")[0] is Status.SEC_E_LOGON_DENIED
    assert log.of("account locked out")
    assert log.of("logon")[-1]["reason"] == "account locked out"


def test_a_good_one_forgets_them(store, change):
    store.add(ALICE)
    change("alice", "guess")
    assert store.find("alice", "").failures == 1
    assert change("alice", "Old-1") is Status.SEC_E_OK
    assert store.find("alice", "").failures == 0


@pytest.mark.parametrize("new", ["", "x" * 257])
def test_new_passwords_that_cannot_be(store, change, new):
    store.add(ALICE)
    assert change("alice", "Old-1", new)[0] is Status.SEC_E_INVALID_PARAMETER
    assert store.find("alice", "").record.nt_hash == nt_hash("Old-1")


def test_a_domains_accounts_are_the_domains_to_change(opening, store, log):
    store.add(ALICE)
    directory = Directory(opening.store, Machine("WEB"), log, rules=Rules(elsewhere=True))
    passwords = Passwords(directory, Logons(log, directory, Lockout()))
    with pytest.raises(SspiError) as caught:
        passwords.change(ChangePassword("NTLM", "alice", "CORP", "Old-1", "New-2"), "")
    assert caught.value.status is Status.SEC_E_UNSUPPORTED_FUNCTION
    passwords.change(ChangePassword("NTLM", "alice", "WEB", "Old-1", "New-2"), "")
    assert store.find("alice", "").record.nt_hash == nt_hash("New-2")


def test_a_database_that_is_away_is_no_refusal(directory, change, store):
    store.engine.dispose()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE accounts RENAME TO gone")
    assert change("alice", "Old-1")[0] is Status.SEC_E_NO_AUTHENTICATING_AUTHORITY
