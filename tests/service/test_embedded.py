from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from sspid import embedded
from sspid_testing import peers

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_default_is_made_once_with_tight_permissions(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    embedded.prepare(data)
    made = {path.name: path.read_bytes() for path in (data / "certificates").iterdir()}
    assert set(made) == {"ca.pem", "ca-key.pem", "server.pem", "server-key.pem", "client.pem", "client-key.pem"}
    assert mode(data) == mode(data / "certificates") == 0o700
    assert {mode(path) for path in (data / "certificates").iterdir()} == {0o600}
    embedded.prepare(data)
    assert {path.name: path.read_bytes() for path in (data / "certificates").iterdir()} == made


def test_a_data_directory_that_others_can_read_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    embedded.prepare(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_directory_that_users_share_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(embedded.OccupiedError, match="users share"), embedded.occupied(tmp_path):
        pass
    assert mode(tmp_path) == 0o1777


def test_a_data_directory_is_one_services_at_a_time(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with embedded.occupied(data):
        with pytest.raises(embedded.OccupiedError, match="another sspid runs"), embedded.occupied(data):
            pass
        assert mode(data / "lock") == 0o600
    with embedded.occupied(data):
        pass


def test_a_data_directory_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(embedded.OccupiedError, match="cannot keep data in"), embedded.occupied(tmp_path / "file" / "data"):
        pass


def test_the_service_key_is_one_for_all_processes(tmp_path: Path) -> None:
    embedded.prepare(tmp_path)
    key = embedded.service_key(tmp_path)
    assert len(key) == 32
    assert embedded.service_key(tmp_path) == key
    assert mode(tmp_path / "service.key") == 0o600
    embedded.write_new(tmp_path / "service.key", b"somebody else was later")
    assert embedded.service_key(tmp_path) == key


def test_openssl_accepts_the_certificates_for_their_purposes(tmp_path: Path) -> None:
    openssl = peers.require("openssl")
    embedded.prepare(tmp_path)
    folder = tmp_path / "certificates"
    for purpose, name in (("sslserver", "server"), ("sslclient", "client")):
        command: list[str | Path] = [
            openssl,
            "verify",
            "-x509_strict",
            "-CAfile",
            folder / "ca.pem",
            "-purpose",
            purpose,
            folder / f"{name}.pem",
        ]
        subprocess.run(command, check=True, capture_output=True)
