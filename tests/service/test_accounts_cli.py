"""The `sspid accounts` commands, from the command line to the database and to the answers a running service gives."""

from __future__ import annotations

import json
import time

import pytest
import structlog
from click.testing import CliRunner

from sspid import embedded
from sspid.broker.world.accounts.directory import Directory
from sspid.broker.world.accounts.opening import Opening, Whereabouts
from sspid.broker.world.accounts.records import nt_hash
from sspid.cli import main
from sspid.packages.questions import LookUpAccount, LookUpDigestSecret, Machine, MapCertificate

PDBEDIT = "carol:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:[U          ]:LCT-5F5E1000:"
HTDIGEST = "dave:web:939e7578ed9e3c518a452acee763bce9"


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("SSPID_CONFIG", "SSPID_ACCOUNTS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSPID_DATA_DIR", str(tmp_path / "data"))

    def command(*arguments, given="", status=0):
        result = CliRunner().invoke(main, ["accounts", *arguments], input=given)
        assert result.exit_code == status, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.output

    return command


@pytest.fixture
def directory(tmp_path, run):
    (tmp_path / "data").mkdir(mode=0o700)
    opening = Opening(Whereabouts(tmp_path / "data"))
    yield Directory(opening.store, Machine("WEB"), structlog.get_logger())
    opening.close()


def look_up(directory, name, domain=""):
    return directory.look_up(LookUpAccount(name, domain), "")


def test_add_takes_the_password_from_standard_input(run, directory):
    said = run("add", "alice", "--group", "staff", "--sid", "S-1-5-21-9", "--upn", "a@corp.test", given="Passw0rd\n")
    assert "Added alice" in said
    assert "Passw0rd" not in said
    found = look_up(directory, "ALICE")
    assert (found.nt_hash, found.groups, found.sids) == (nt_hash("Passw0rd"), ("staff",), ("S-1-5-21-9",))
    assert directory.look_up_digest(LookUpDigestSecret("alice", "sspid", "SHA-256"), "") is not None


def test_realms_are_named_or_configured(run, directory, monkeypatch):
    run("add", "alice", "--digest-realm", "one", "--digest-realm", "two", given="pw\n")
    realms = ("one", "two", "sspid")
    found = [directory.look_up_digest(LookUpDigestSecret("alice", realm, "MD5"), "") is not None for realm in realms]
    assert found == [True, True, False]


def test_a_password_is_kept_only_on_request(run, directory):
    run("add", "alice", given="pw\n")
    run("add", "bob", "--store-password", given="pw\n")
    lines = [json.loads(line) for line in run("export", "--secrets").splitlines()]
    assert [line.get("password") for line in lines] == [None, "pw"]


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("add", "alice"), "\n", "without a password"),
        (("add", "alice", "--expires", "tomorrow"), "pw\n", "2030-12-31"),
        (("add", "a\x07b"), "pw\n", "control characters"),
        (("disable", "nobody"), "", "no account nobody"),
        (("passwd", "nobody"), "pw\n", "no account nobody"),
    ],
)
def test_what_cannot_be_done_is_said(run, arguments, given, said):
    assert said in run(*arguments, given=given, status=1)


def test_a_name_is_added_once(run):
    run("add", r"CORP\alice", given="pw\n")
    assert "another account" in run("add", "ALICE", "--domain", "corp", given="pw\n", status=1)


def test_disable_counts_within_a_second(run, directory):
    run("add", "alice", given="pw\n")
    assert not look_up(directory, "alice").disabled
    for command, disabled in (("disable", True), ("enable", False)):
        run(command, "alice")
        time.sleep(0.75)
        assert look_up(directory, "alice").disabled is disabled
    run("remove", "alice")
    time.sleep(0.75)
    assert look_up(directory, "alice") is None


def test_list_says_what_keeps_an_account_out(run, directory):
    run("add", "alice", given="pw\n")
    run("add", "bob", "--disabled", given="pw\n")
    run("add", "carol", "--expires", "2020-01-01", given="pw\n")
    run("add", "dave", given="pw\n")
    store = directory.store()
    from sspid.broker.world.accounts.lockout import Lockout

    store.record_failure(store.find("dave", "").id, Lockout(failures=1, duration=600.0))
    listed = [line.split("\t")[:2] for line in run("list").splitlines()]
    assert listed[:3] == [["alice", "enabled"], ["bob", "disabled"], ["carol", "expired"]]
    assert listed[3][1].startswith("locked out for ")
    run("unlock", "dave")
    assert run("list").splitlines()[3].split("\t")[1] == "enabled"


def test_passwd_keeps_the_realms_and_lifts_a_lock(run, directory):
    run("add", "alice", "--digest-realm", "web", given="old\n")
    before = directory.look_up_digest(LookUpDigestSecret("alice", "web", "MD5"), "").ha1
    run("passwd", "alice", given="new\n")
    directory.expire()
    assert look_up(directory, "alice").nt_hash == nt_hash("new")
    assert directory.look_up_digest(LookUpDigestSecret("alice", "web", "MD5"), "").ha1 != before
    assert directory.look_up_digest(LookUpDigestSecret("alice", "sspid", "MD5"), "") is None


def test_import_takes_each_format_and_says_what_is_wrong(run, directory):
    given = f'# exported\n{PDBEDIT}\n{HTDIGEST}\njunk\n{{"name": "erin", "password": "pw", "groups": ["a"]}}\n'
    said = run("import", given=given, status=1)
    assert "line 4: " in said
    assert "3 added, 0 updated, 1 refused" in said
    assert look_up(directory, "carol").nt_hash.hex().upper() == PDBEDIT.split(":")[3]
    assert directory.look_up_digest(LookUpDigestSecret("dave", "web", "MD5"), "").ha1.hex() == HTDIGEST.split(":")[2]
    assert look_up(directory, "erin").nt_hash == nt_hash("pw")


def test_import_changes_what_is_there_only_when_asked(run, directory):
    run("add", "dave", "--group", "staff", given="pw\n")
    assert "already" in run("import", given=HTDIGEST, status=1)
    lines = f'{HTDIGEST}\n{HTDIGEST.replace(":web:", ":mail:")}\n{{"name": "dave", "disabled": true}}\n'
    assert "0 added, 3 updated, 0 refused" in run("import", "--update", given=lines)
    found = look_up(directory, "dave")
    assert (found.groups, found.disabled, found.nt_hash) == (("staff",), True, nt_hash("pw"))
    for realm in ("web", "mail", "sspid"):
        assert directory.look_up_digest(LookUpDigestSecret("dave", realm, "MD5"), "") is not None


def test_several_lines_may_make_one_new_account(run, directory):
    assert "1 added, 1 updated" in run("import", given=f"{HTDIGEST}\n{HTDIGEST.replace(':web:', ':mail:')}\n")


def test_export_is_imported_elsewhere_as_it_was(run, monkeypatch, tmp_path):
    run("add", "jäsøn", "--group", "Größe", "--expires", "2030-01-01", "--digest-realm", "web", given="pässword\n")
    run("map", "jäsøn", "--upn", "j@corp.test")
    whole = run("export", "--secrets")
    assert "nt_hash" not in run("export")
    monkeypatch.setenv("SSPID_DATA_DIR", str(tmp_path / "other"))
    run("import", given=whole)
    assert run("export", "--secrets") == whole
    assert (tmp_path / "data/accounts.key").read_bytes() != (tmp_path / "other/accounts.key").read_bytes()


@pytest.mark.parametrize("by", ["sha256", "issuer-serial", "ski"])
def test_a_certificate_is_mapped_and_unmapped(run, directory, tmp_path, by):
    from sspid.broker.world.accounts.certificates import read_pem

    embedded.make_certificates(tmp_path / "certificates")
    pem = tmp_path / "certificates/client.pem"
    question = MapCertificate(read_pem(pem.read_bytes()))
    run("add", "alice", given="pw\n")
    assert by in run("map", "alice", "--certificate", str(pem), "--by", by)
    assert directory.map_certificate(question, "").name == "alice"
    run("map", "alice", "--certificate", str(pem), "--by", by, "--remove")
    directory.expire()
    assert directory.map_certificate(question, "") is None


def test_map_wants_one_thing_that_is_a_certificate(run, tmp_path):
    run("add", "alice", given="pw\n")
    (tmp_path / "none.pem").write_text("none", "utf-8")
    assert "is no PEM certificate" in run("map", "alice", "--certificate", str(tmp_path / "none.pem"), status=1)
    assert "one of" in run("map", "alice", status=2)


def test_a_key_that_is_another_databases(run, tmp_path):
    run("add", "alice", given="pw\n")
    (tmp_path / "data/accounts.key").write_bytes(bytes(32))
    assert "key_file" in run("list", status=1)


def test_a_configuration_that_is_wrong_is_said(run, tmp_path, monkeypatch):
    config = tmp_path / "sspid.toml"
    config.write_text("[accounts]\nurls = 'x'\n", "utf-8")
    assert "sspid.toml:2" in run("list", "--config", str(config), status=1)
