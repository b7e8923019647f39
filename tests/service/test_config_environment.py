"""Variables that begin with SSPID_: keys, what orchestrators set by themselves, and mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sspid.config import ConfigurationError, documented, load
from sspid.config_environment import FILE_ONLY, variable

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "SSPID_WRKERS",
            "2",
            r"^SSPID_WRKERS: is no key of sspid \(did you mean SSPID_WORKERS\?\); see docs/configuration.md\.",
        ),
        ("SSPID_LIMITS_IDLE_SECOND", "2", r"did you mean SSPID_LIMITS_IDLE_SECONDS\?"),
        ("SSPID_Workers", "2", r"did you mean SSPID_WORKERS\?"),
        ("SSPID_WORKERS_", "2", r"did you mean SSPID_WORKERS\?"),
        ("SSPID_LIMITS", "2", "^SSPID_LIMITS: is no key of sspid"),
        ("SSPID_PORT", "50051", "^SSPID_PORT: is no key of sspid; see"),
        ("SSPID_TEST_ANYTHING", "", "^SSPID_TEST_ANYTHING: is no key of sspid; see"),
        ("SSPID_", "x", "^SSPID_: is no key of sspid; see"),
        ("SSPID_LISTENERS", "127.0.0.1:1", r"is no variable; listeners stand in the file .* as \[\[listeners\]\]"),
        ("SSPID_CREDENTIALS_WEB_USER", "x", r"is no variable; credentials stand in the file .* as \[credentials.NAME\]"),
        ("SSPID_POLICY_NTLM_REQUIRE_MIC", "true", r"is no variable; policy stand in the file"),
        ("SSPID_DATA_DIR", "", "^SSPID_DATA_DIR: is an empty path"),
        ("SSPID_TRUST_ANCHORS", "", "^SSPID_TRUST_ANCHORS: is an empty path"),
        ("SSPID_WORKERS", "many", "^SSPID_WORKERS: .*many"),
        ("SSPID_LOG_LEVEL", "loud", "^SSPID_LOG_LEVEL: log.level: 'loud' is none of debug"),
        ("SSPID_ACCOUNTS_LOCKOUT_DURATION_SECONDS", "-1", "^SSPID_ACCOUNTS_LOCKOUT_DURATION_SECONDS: .* is not between"),
    ],
)
def test_what_is_wrong_is_said_with_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        load(None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSPID_SERVICE_HOST", "10.96.0.7"),
        ("SSPID_SERVICE_PORT", "50051"),
        ("SSPID_SERVICE_PORT_GRPC", "50051"),
        ("SSPID_PORT", "tcp://10.96.0.7:50051"),
        ("SSPID_PORT_50051_TCP", "tcp://10.96.0.7:50051"),
        ("SSPID_PORT_50051_TCP_PROTO", "tcp"),
        ("SSPID_PORT_50051_TCP_PORT", "50051"),
        ("SSPID_PORT_50051_TCP_ADDR", "fd00::7"),
        ("SSPID_METRICS_SERVICE_HOST", "10.96.0.8"),
        ("SSPID_METRICS_PORT", "tcp://10.96.0.8:50052"),
        ("SSPIDER", "x"),
        ("TEST_SSPID", "x"),
    ],
)
def test_what_others_set_is_let_be(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert load(None) == load(None)


def test_every_documented_key_outside_the_file_only_tables_is_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = list(documented())
    tables = {name for name, _, _ in keys if any(other.startswith(f"{name}.") for other, _, _ in keys)}
    simple = {name: default for name, default, _ in keys if name not in tables and name.partition(".")[0] not in FILE_ONLY}
    assert len(simple) > 30
    for name, default in simple.items():
        if default not in {"", "None", "required"} and not default.startswith(("[", "~")):
            monkeypatch.setenv(variable(name), default)
    assert load(None).limits.idle_seconds == 3600


def test_a_list_has_colons_between_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSPID_ACCOUNTS_DIGEST_REALMS", "web:mail")
    assert load(None).accounts.digest_realms == ["web", "mail"]


def test_the_variable_is_named_and_not_the_line_it_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sspid.toml"
    path.write_text("workers = 2\n", "utf-8")
    monkeypatch.setenv("SSPID_WORKERS", "0")
    with pytest.raises(ConfigurationError, match=r"^SSPID_WORKERS: workers: 0 is not between"):
        load(path)


def test_a_line_of_another_kind_is_named_though_a_variable_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sspid.toml"
    path.write_text('workers = "two"\n', "utf-8")
    monkeypatch.setenv("SSPID_WORKERS", "2")
    with pytest.raises(ConfigurationError, match=rf"^{path}:1: workers: must be a whole number"):
        load(path)


@pytest.mark.parametrize("command", [("serve",), ("serve", "--workers", "2"), ("check-config",), ("accounts", "list")])
def test_every_command_that_reads_the_configuration_says_so_and_ends(tmp_path: Path, command: tuple[str, ...]) -> None:
    tried = subprocess.run(
        [sys.executable, "-m", "sspid", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SSPID_DATA_DIR": str(tmp_path / "data"), "SSPID_WRKERS": "2"},
    )
    assert tried.returncode == 1
    assert "did you mean SSPID_WORKERS?" in tried.stderr
    assert not (tmp_path / "data").exists(), "nothing was started"
