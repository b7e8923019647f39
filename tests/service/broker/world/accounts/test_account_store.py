"""Accounts in each kind of database that is here: what is written is found, changed and counted, and sealed."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sspid.broker.world.accounts.errors import AccountsError, TakenError
from sspid.broker.world.accounts.lockout import Lockout
from sspid.broker.world.accounts.opening import Whereabouts, open_store
from sspid.broker.world.accounts.records import AccountRecord, DigestHash, Mapping
from sspid.broker.world.accounts.vault import read_key
from sspid_testing import postgresql
from sspid_testing.ports import free_port

pytest_plugins = ("sspid_testing.postgresql", "sspid_testing.mariadb")
ALICE = AccountRecord(
    "Alice", "", "alice@corp.test", groups=("staff", "Größe"), sids=("S-1-5-21-1-2-3-1001",),
    expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), mappings=(Mapping("upn", "Alice@corp.test"),),
).with_password("Passw0rd", ("web",))  # fmt: skip


@pytest.fixture(params=["sqlite", *(pytest.param(name, marks=pytest.mark.interop) for name in ("postgresql", "mariadb"))])
def whereabouts(request, tmp_path):
    url = "" if request.param == "sqlite" else request.getfixturevalue(f"{request.param}_server").new_database()
    return Whereabouts(tmp_path, url)


def test_an_account_comes_back_whole(store):
    store.add(ALICE)
    stored = store.find("aLICE", "")
    assert sorted(store.complete(stored).digests, key=repr) == sorted(ALICE.digests, key=repr)
    assert replace(store.complete(stored), digests=()) == replace(ALICE, digests=())
    assert [each.id for each in store] == [stored.id]


def test_a_password_comes_back_only_where_it_was_kept(store):
    store.add(replace(ALICE, password="Passw0rd"))
    assert store.find("alice", "").record.password == "Passw0rd"


def test_who_is_not_there(store):
    store.add(ALICE)
    assert store.find("alice", "CORP") is None
    assert store.find("alic", "") is None
    assert store.find_upn("bob@corp.test") is None
    assert store.find_mapping(Mapping("sha256", "Alice@corp.test")) is None
    assert store.find_digest("alice", "web", "MD5", "utf-8", userhash=False) is None
    assert store.find_digest("Alice", "Web", "MD5", "utf-8", userhash=False) is None
    assert store.find_digest("Alice", "web", "SHA-1", "utf-8", userhash=False) is None


def test_each_way_to_find_one(store):
    store.add(ALICE)
    assert store.find_upn("ALICE@corp.test").record.name == "Alice"
    assert store.find_mapping(Mapping("upn", "alice@CORP.test")).record.name == "Alice"
    for each in ALICE.digests:
        for user, hashed in ((each.username, False), (each.userhash, True)):
            stored, found = store.find_digest(user, "web", each.algorithm, "utf-8", userhash=hashed)
            assert (stored.record.name, found) == ("Alice", each)


def test_iso_8859_1_is_found_where_it_is_another_hash(store):
    store.add(AccountRecord("jäsøn").with_password("pw", ("web",)))
    latin = store.find_digest("jäsøn", "web", "MD5", "iso-8859-1", userhash=False)[1]
    assert latin.charset == "iso-8859-1"
    assert latin.ha1 != store.find_digest("jäsøn", "web", "MD5", "utf-8", userhash=False)[1].ha1
    store.add(AccountRecord("bob").with_password("pw", ("web",)))
    assert store.find_digest("bob", "web", "MD5", "iso-8859-1", userhash=False)[1].charset == "utf-8"


def test_new_secrets_come_in_the_place_of_the_old(store):
    store.add(ALICE)
    stored = store.find("alice", "")
    store.record_failure(stored.id, Lockout(failures=3))
    made = store.complete(stored).with_another_password("New-2")
    assert store.renew(stored, made)
    again = store.find("alice", "")
    assert (again.failures, again.record.nt_hash) == (0, made.nt_hash)
    assert sorted(store.complete(again).digests, key=repr) == sorted(made.digests, key=repr)
    assert store.complete(again).mappings == ALICE.mappings


def test_of_two_changes_with_one_old_password_one_is_made(store):
    store.add(ALICE)
    stored = store.find("alice", "")
    made = []
    threads = [
        threading.Thread(target=lambda new=new: made.append(store.renew(stored, stored.record.with_password(new, ()))))
        for new in ("New-2", "New-3", "New-4")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, True]


def test_a_change_undoes_nothing_the_operator_did_meanwhile(store):
    store.add(ALICE)
    stored = store.find("alice", "")
    store.set_disabled(stored, disabled=True)
    assert store.renew(stored, stored.record.with_password("New-2", ()))
    assert store.find("alice", "").record.disabled
    store.remove(stored)
    assert not store.renew(stored, stored.record)


def test_names_are_taken_once(store):
    store.add(ALICE)
    for other in (
        AccountRecord("ALICE"),
        AccountRecord("bob", upn="Alice@CORP.test"),
        AccountRecord("bob", mappings=(Mapping("upn", "alice@corp.test"),)),
        AccountRecord("alice2", digests=(DigestHash("Alice", "web", "MD5", bytes(16)),)),
    ):
        with pytest.raises(TakenError, match="another account"):
            store.add(other)
    assert len(list(store)) == 1
    store.add(AccountRecord("Alice", "CORP"))


def test_changes_are_counted_for_those_who_cache(store):
    seen = [store.changes()]

    def grew():
        seen.append(store.changes())
        return seen[-1] > seen[-2]

    store.add(ALICE)
    assert grew()
    stored = store.find("alice", "")
    store.set_disabled(stored, disabled=True)
    assert grew()
    assert store.find("alice", "").record.disabled
    store.change(stored, replace(ALICE, name="Alicia"))
    assert grew()
    assert store.find("alice", "") is None
    assert store.find("alicia", "").id == stored.id
    store.remove(stored)
    assert grew()
    assert list(store) == []
    assert store.find_digest("Alice", "web", "MD5", "utf-8", userhash=False) is None
    store.add(ALICE)


LOCKOUT = Lockout(failures=3, window=60.0, duration=30.0)


def test_failures_lock_and_the_lock_ends(store):
    store.add(ALICE)
    identifier = store.find("alice", "").id
    assert [store.record_failure(identifier, LOCKOUT, now) for now in (100.0, 101.0, 102.0)] == [False, False, True]
    assert store.find("alice", "").locked_until == 132.0
    assert store.record_failure(identifier, LOCKOUT, 133.0) is False
    stored = store.find("alice", "")
    assert (stored.failures, stored.locked_until) == (1, None)


def test_old_failures_are_forgotten(store):
    store.add(ALICE)
    identifier = store.find("alice", "").id
    assert not any(store.record_failure(identifier, LOCKOUT, now) for now in (0.0, 59.0, 61.0, 62.0))
    assert store.record_failure(identifier, LOCKOUT, 63.0)


def test_failures_are_forgotten_on_request_and_with_a_new_password(store):
    store.add(ALICE)
    stored = store.find("alice", "")
    store.record_failure(stored.id, LOCKOUT)
    before = store.changes()
    store.clear_failures(stored.id)
    assert store.changes() > before
    assert store.find("alice", "").failures == 0
    for unlock, left in ((False, 1), (True, 0)):
        store.record_failure(stored.id, LOCKOUT)
        store.change(stored, ALICE, unlock=unlock)
        assert store.find("alice", "").failures == left


def test_no_failures_lock_where_none_are_to(store):
    store.add(ALICE)
    identifier = store.find("alice", "").id
    assert not any(store.record_failure(identifier, Lockout(failures=0), now) for now in range(20))


def test_guesses_at_once_are_all_counted(store):
    store.add(ALICE)
    identifier = store.find("alice", "").id
    locks = []
    guesses = [
        threading.Thread(target=lambda: locks.append(store.record_failure(identifier, Lockout(failures=16)))) for _ in range(15)
    ]
    store.record_failure(identifier, Lockout(failures=16))
    for each in guesses:
        each.start()
    for each in guesses:
        each.join()
    assert locks.count(True) == 1
    assert store.find("alice", "").failures == 16


def test_a_nonce_counts_only_upwards(store):
    assert [store.count_nonce("a", count, 100.0) for count in (1, 1, 3, 2, 4)] == [True, False, True, False, True]
    assert store.count_nonce("b", 1, 200.0)
    store.forget_nonces(150.0)
    assert store.count_nonce("a", 1, 300.0)
    assert not store.count_nonce("b", 1, 200.0)


def test_one_of_many_uses_at_once_wins(store):
    won = []
    uses = [threading.Thread(target=lambda: won.append(store.count_nonce("n", 1, 1e12))) for _ in range(8)]
    for each in uses:
        each.start()
    for each in uses:
        each.join()
    assert won.count(True) == 1


def test_a_second_process_finds_what_is_there(store, whereabouts):
    store.add(ALICE)
    other = open_store(whereabouts)
    found = other.find("alice", "")
    assert found
    assert found.record.nt_hash == ALICE.nt_hash
    other.close()


def test_another_key_opens_nothing(store, whereabouts, tmp_path):
    store.add(ALICE)
    (tmp_path / "other.key").write_bytes(bytes(32))
    with pytest.raises(AccountsError, match="key_file"):
        open_store(replace(whereabouts, key_file=tmp_path / "other.key"))


def test_many_open_a_new_database_at_once(whereabouts):
    read_key(whereabouts.data_dir / "accounts.key", make=True)
    opened, failed = [], []

    def attempt():
        try:
            opened.append(open_store(whereabouts))
        except AccountsError as error:
            failed.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    assert {store.changes() for store in opened} == {0}
    for store in opened:
        store.close()


def test_a_newer_database_is_left_alone(store, whereabouts):
    from sqlalchemy import insert

    from sspid.broker.world.accounts.schema import MIGRATIONS, VERSIONS, version_of

    with store.engine.begin() as connection:
        assert version_of(connection) == len(MIGRATIONS)
        connection.execute(insert(VERSIONS).values(version=len(MIGRATIONS) + 1, applied=0.0))
    with pytest.raises(AccountsError, match="newer sspid"):
        open_store(whereabouts)


def test_nothing_recoverable_lies_in_the_file(tmp_path):
    store = open_store(Whereabouts(tmp_path))
    store.add(replace(ALICE, password="Tell-Nobody", mappings=(Mapping("upn", "mapped@corp.test"),)))
    store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("accounts.sqlite*"))
    secrets = [ALICE.nt_hash or b"", *(each.ha1 for each in ALICE.digests), b"Tell-Nobody", b"mapped@corp.test"]
    assert not [secret for secret in secrets if secret in content or secret.hex().encode() in content]
    assert b"Alice" in content
    assert (tmp_path / "accounts.sqlite").stat().st_mode & 0o077 == 0


def test_a_secret_moved_to_another_account_does_not_open(tmp_path):
    store = open_store(Whereabouts(tmp_path))
    store.add(ALICE)
    store.add(AccountRecord("mallory").with_password("known", ("web",)))
    store.close()
    with sqlite3.connect(tmp_path / "accounts.sqlite") as connection:
        connection.execute(
            "UPDATE accounts SET nt_hash = (SELECT nt_hash FROM accounts WHERE name = 'mallory') WHERE name = 'Alice'"
        )
    connection.close()
    with pytest.raises(AccountsError, match="does not open"):
        open_store(Whereabouts(tmp_path)).find("alice", "")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nothing", "none that SQLAlchemy knows"),
        ("nosuch://h/d", "none that SQLAlchemy knows"),
        ("sqlite:////nonexistent/folder/a.sqlite", "cannot be opened"),
    ],
)
def test_a_url_that_cannot_be_used(tmp_path, url, said):
    with pytest.raises(AccountsError, match=said):
        open_store(Whereabouts(tmp_path, url))


def test_a_server_that_is_away_is_found_out_in_time(tmp_path):
    """A port that nobody listens on; the message holds no password."""
    postgresql.require_driver()
    url = f"postgresql://user:tell-nobody@127.0.0.1:{free_port()}/accounts"
    with pytest.raises(AccountsError, match="does not answer") as caught:
        open_store(Whereabouts(tmp_path, url, deadline=2.0))
    assert "tell-nobody" not in str(caught.value)
