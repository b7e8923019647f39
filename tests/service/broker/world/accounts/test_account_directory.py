"""The answers about accounts: who is found under which name, how soon a change counts, what happens when nothing answers."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sspid.broker.world.accounts.certificates import mappings_of, read_pem
from sspid.broker.world.accounts.directory import Directory, Rules
from sspid.broker.world.accounts.opening import Opening, open_store
from sspid.broker.world.accounts.records import AccountRecord, Mapping, digests_of
from sspid.packages.questions import LookUpAccount, LookUpDigestSecret, Machine, MapCertificate
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

MACHINE = Machine("WEB", "", "web.corp.test", "corp.test")
ALICE = AccountRecord("Alice", upn="alice@corp.test", groups=("staff",)).with_password("Passw0rd", ("web",))


@pytest.fixture
def directory(opening, log):
    return Directory(opening.store, MACHINE, log, cache_seconds=0.0)


def look_up(directory, name, domain=""):
    return directory.look_up(LookUpAccount(name, domain), "")


def digest(directory, user, realm="web", algorithm="MD5", **given):
    return directory.look_up_digest(LookUpDigestSecret(user, realm, algorithm, **given), "")


def test_an_account_with_all_a_package_asks(store, directory):
    store.add(ALICE)
    found = look_up(directory, "aLICE")
    assert (found.name, found.nt_hash, found.groups) == ("Alice", ALICE.nt_hash, ("staff",))
    assert (found.disabled, found.expired, found.locked_out) == (False, False, False)


@pytest.mark.parametrize("domain", ["", ".", "web", "WEB.corp.test", "anything"])
def test_own_accounts_answer_for_any_domain(store, directory, domain):
    store.add(ALICE)
    assert look_up(directory, "alice", domain).name == "Alice"


@pytest.mark.parametrize(("domain", "found"), [("", True), (".", True), ("WEB", True), ("anything", False)])
def test_or_only_for_this_machine(opening, log, store, domain, found):
    store.add(ALICE)
    directory = Directory(opening.store, MACHINE, log, rules=Rules(any_domain=False))
    assert (look_up(directory, "alice", domain) is not None) is found


def test_the_account_of_that_very_domain_goes_first(store, directory):
    store.add(ALICE)
    store.add(AccountRecord("alice", "CORP", groups=("other",)))
    assert look_up(directory, "alice", "corp").groups == ("other",)
    assert look_up(directory, "alice", "lab").groups == ("staff",)


@pytest.mark.parametrize("name", ["alice@CORP.test", "alice@web.corp.test", "alice@anything"])
def test_a_principal_name(store, directory, name):
    store.add(ALICE)
    assert look_up(directory, name).name == "Alice"


def test_unknown_and_endless_names(store, directory):
    assert look_up(directory, "bob") is None
    assert look_up(directory, "a" * 100_000) is None
    assert look_up(directory, "alice", "d" * 100_000) is None
    assert look_up(directory, "\ud800\0") is None
    assert digest(directory, "a" * 100_000) is None


def test_a_domains_authority_is_left_its_own(opening, log, store):
    """Where winbind is asked, it judges whom this database does not have, but never this machine's own accounts."""
    store.add(ALICE)
    directory = Directory(opening.store, MACHINE, log, rules=Rules(elsewhere=True))
    assert look_up(directory, "alice").nt_hash == ALICE.nt_hash
    assert look_up(directory, "alice", "WEB").nt_hash == ALICE.nt_hash
    elsewhere = look_up(directory, "alice", "CORP")
    assert (elsewhere.name, elsewhere.domain, elsewhere.nt_hash) == ("alice", "CORP", None)
    assert look_up(directory, "bob").nt_hash is None
    assert look_up(directory, "bob", ".") is None
    assert look_up(directory, "bob", "WEB") is None


def test_an_account_without_nt_hash_is_judged_here_and_in_vain(store, directory):
    store.add(replace(ALICE, nt_hash=None))
    found = look_up(directory, "alice").nt_hash
    assert found is not None
    assert len(found) == 16
    assert found != bytes(16)


def test_what_keeps_an_account_out_reaches_the_package(store, directory):
    now = datetime.now(UTC)
    store.add(replace(ALICE, disabled=True, expires=now - timedelta(seconds=1)))
    found = look_up(directory, "alice")
    assert (found.disabled, found.expired) == (True, True)
    assert digest(directory, "Alice").account.disabled
    store.change(store.find("alice", ""), replace(ALICE, expires=now + timedelta(seconds=0.3)))
    assert not look_up(directory, "alice").expired
    time.sleep(0.4)
    assert look_up(directory, "alice").expired


def test_a_change_by_another_process_counts_within_a_second(opening, whereabouts, log, store):
    store.add(ALICE)
    directory = Directory(opening.store, MACHINE, log)
    assert not look_up(directory, "alice").disabled
    other = open_store(whereabouts)
    other.set_disabled(next(iter(other)), disabled=True)
    other.close()
    time.sleep(0.75)
    assert look_up(directory, "alice").disabled


def test_a_cached_account_costs_no_question(opening, log, store):
    store.add(ALICE)
    directory = Directory(opening.store, MACHINE, log, cache_seconds=3600.0)
    first = look_up(directory, "alice")
    store.remove(store.find("alice", ""))
    assert look_up(directory, "alice") is first
    directory.expire()
    assert look_up(directory, "alice") is None


def test_what_was_read_before_a_change_does_not_outlive_it(opening, log, store, monkeypatch):
    """A reader that is overtaken by the change and by another reader must not leave what it read behind."""
    store.add(ALICE)
    directory = Directory(opening.store, MACHINE, log, cache_seconds=0.0)
    found = directory._found

    def overtaken(name, domain):
        monkeypatch.setattr(directory, "_found", found)
        read = found(name, domain)
        store.set_disabled(store.find("alice", ""), disabled=True)
        assert directory.look_up(LookUpAccount("bob", ""), "") is None
        return read

    monkeypatch.setattr(directory, "_found", overtaken)
    assert not look_up(directory, "alice").disabled
    assert look_up(directory, "alice").disabled


def test_a_flood_of_names_does_not_stay_in_memory(opening, log, store, monkeypatch):
    from sspid.broker.world.accounts import cache

    monkeypatch.setattr(cache, "_LARGEST", 10)
    directory = Directory(opening.store, MACHINE, log)
    for number in range(25):
        look_up(directory, f"user{number}")
    assert len(directory._accounts._entries) <= 10


def test_a_database_that_does_not_open_is_no_unknown_user(whereabouts, log, tmp_path):
    (tmp_path / "accounts.key").write_bytes(b"short")
    directory = Directory(Opening(whereabouts).store, MACHINE, log)
    for ask in (
        lambda: look_up(directory, "alice"),
        lambda: digest(directory, "alice"),
        lambda: directory.map_certificate(MapCertificate(b"\x30"), ""),
    ):
        with pytest.raises(SspiError) as caught:
            ask()
        assert caught.value.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
        assert str(tmp_path) not in caught.value.message
    assert "32 raw bytes" in log.lines[0]["reason"]
    (tmp_path / "accounts.key").write_bytes(os.urandom(32))
    time.sleep(1.1)
    assert look_up(directory, "alice") is None


def test_an_account_that_cannot_be_read_is_no_reason_to_refuse_others(store, directory):
    """A secret put in another account's place does not open: that account is judged by nobody, the others as ever."""
    from sqlalchemy import select, update

    from sspid.broker.world.accounts.schema import ACCOUNTS

    store.add(ALICE)
    store.add(AccountRecord("bob").with_password("pw", ()))
    bobs = select(ACCOUNTS.c.nt_hash).where(ACCOUNTS.c.name == "bob")
    with store.engine.begin() as connection:
        sealed = connection.execute(bobs).scalar_one()
        connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == "Alice").values(nt_hash=sealed))
    with pytest.raises(SspiError) as caught:
        look_up(directory, "alice")
    assert caught.value.status is SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY
    assert look_up(directory, "bob").nt_hash is not None


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_a_digest_secret_by_name_and_by_hashed_name(store, directory, algorithm):
    store.add(ALICE)
    expected = next(each for each in ALICE.digests if (each.username, each.algorithm) == ("Alice", algorithm))
    found = digest(directory, "Alice", algorithm=algorithm)
    assert (found.ha1, found.account.name, found.account.nt_hash) == (expected.ha1, "Alice", None)
    assert digest(directory, expected.userhash, algorithm=algorithm, userhash=True) == found
    assert digest(directory, expected.userhash, algorithm=algorithm) is None
    assert digest(directory, "alice", algorithm=algorithm) is None
    assert digest(directory, "Alice", "other", algorithm) is None


def test_a_kept_password_serves_realms_that_nobody_listed(store, directory):
    store.add(AccountRecord("jäsøn").with_password("pässword", ("web",), keep=True))
    for realm, algorithm, charset in (
        ("new", "MD5", "utf-8"),
        ("new", "SHA-256", "utf-8"),
        ("new", "MD5", "iso-8859-1"),
        ("web", "MD5", "iso-8859-1"),
    ):
        expected = next(
            each.ha1
            for each in digests_of(("jäsøn",), realm, "pässword")
            if (each.algorithm, each.charset) == (algorithm, charset)
        )
        assert digest(directory, "jäsøn", realm, algorithm, charset=charset).ha1 == expected
    assert digest(directory, "jäsøn", "new", "SHA-1") is None
    assert digest(directory, "nobody", "new") is None


def certificate(upn):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    now = datetime.now(UTC)
    encoded = upn.encode()
    other = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), bytes([12, len(encoded)]) + encoded)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 255, now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("client"), other]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def test_a_certificate_is_mapped_by_each_thing_it_has(store, directory):
    made = certificate("alice@corp.test")
    der = made.public_bytes(serialization.Encoding.DER)
    assert read_pem(made.public_bytes(serialization.Encoding.PEM)) == der
    found = mappings_of(der)
    assert [each.kind for each in found] == ["sha256", "issuer-serial", "upn", "ski"]
    assert found[1].value == "ff CN=client"
    for mapping in (*found, Mapping("upn", "ALICE@corp.test")):
        store.add(replace(ALICE, mappings=(mapping,)))
        assert directory.map_certificate(MapCertificate(der), "").name == "Alice"
        store.remove(store.find("alice", ""))
    assert directory.map_certificate(MapCertificate(der), "") is None


def test_a_certificate_mapped_to_two_accounts_is_nobodys(store, directory):
    der = certificate("alice@corp.test").public_bytes(serialization.Encoding.DER)
    upn, sha256 = mappings_of(der)[2], mappings_of(der)[0]
    store.add(replace(ALICE, mappings=(upn, sha256)))
    assert directory.map_certificate(MapCertificate(der), "").name == "Alice"
    store.change(store.find("alice", ""), replace(ALICE, mappings=(upn,)))
    store.add(AccountRecord("bob", mappings=(sha256,)))
    assert directory.map_certificate(MapCertificate(der), "") is None


@pytest.mark.parametrize("der", [b"", b"\x30", os.urandom(300)])
def test_what_is_no_certificate_is_nobodys(store, directory, der):
    assert mappings_of(der) == ()
    assert directory.map_certificate(MapCertificate(der), "") is None


@pytest.mark.parametrize("upn", ["", "\x00" * 3])
def test_an_upn_of_odd_form(upn):
    der = certificate(upn).public_bytes(serialization.Encoding.DER)
    assert all(each.value for each in mappings_of(der))
