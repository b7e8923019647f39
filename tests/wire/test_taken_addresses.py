"""A service whose address is another's already: it says which and what to do, and leaves the other alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import grpc
import pytest

from sspid_testing import server
from sspid_testing.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire
WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


def tcp(address: str) -> str:
    return f'[[listeners]]\naddress = "{address}"\nanonymous = true\n'


def unix(path: Path) -> str:
    return f'[[listeners]]\naddress = "unix://{path}"\n'


def refusal(folder: Path, listeners: str, workers: str) -> str:
    """What a service says that has data of its own and cannot listen."""
    folder.mkdir()
    config = folder / "sspid.toml"
    config.write_text(listeners, "utf-8")
    tried = subprocess.run(
        [sys.executable, "-m", "sspid", "serve", "--config", str(config), "--workers", workers],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SSPID_DATA_DIR": str(folder / "data"), "SSPID_METRICS_ADDRESS": ""},
    )
    assert (tried.returncode, tried.stdout) == (1, "")
    assert tried.stderr.count("\n") == 1, "one line, no traceback"
    return tried.stderr


@WORKERS
def test_a_port_of_another_program(tmp_path: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(tmp_path / "late", tcp("127.0.0.1:0") + tcp(f"127.0.0.1:{port}"), workers)
    assert f"cannot listen on 127.0.0.1:{port}: another program has the port" in said
    assert "give the listener another port in the configuration's [[listeners]]" in said


@WORKERS
@pytest.mark.parametrize("first", ["1", "2"])
def test_a_port_of_another_sspid(tmp_path: Path, workers: str, first: str) -> None:
    with server.running(tmp_path / "first", arguments=("--workers", first)) as service:
        said = refusal(tmp_path / "late", tcp(service.target), workers)
        assert f"cannot listen on {service.target}: another program has the port, perhaps another sspid" in said
        with grpc.insecure_channel(service.target) as channel:
            Wire(channel).pair()


@WORKERS
def test_a_unix_socket_of_another_sspid(tmp_path: Path, workers: str) -> None:
    path = tmp_path / "s.sock"
    with server.running(tmp_path / "first", listeners=unix(path)) as service:
        said = refusal(tmp_path / "late", unix(path), workers)
        assert f"cannot listen on unix://{path}: another service listens there; stop it, or name another path" in said
        with grpc.insecure_channel(service.unix_target) as channel:
            Wire(channel).pair()


@WORKERS
def test_a_socket_that_a_killed_service_left_is_replaced(tmp_path: Path, workers: str) -> None:
    path = tmp_path / "s.sock"
    with server.running(tmp_path / "first", listeners=unix(path)) as service:
        service.process.kill()
        service.process.wait()
        assert path.is_socket()
        with (
            server.running(tmp_path / "late", listeners=unix(path), arguments=("--workers", workers)) as late,
            grpc.insecure_channel(late.unix_target) as channel,
        ):
            Wire(channel).pair()


@WORKERS
def test_a_file_in_the_way_is_not_removed(tmp_path: Path, workers: str) -> None:
    path = tmp_path / "letters.txt"
    path.write_text("dear", "utf-8")
    assert "a file that is no socket is there" in refusal(tmp_path / "late", unix(path), workers)
    assert path.read_text("utf-8") == "dear"


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate", "utf-8")
    files = "\n".join(f'{key} = "{tmp_path}/no.pem"' for key in ("certificate", "key", "client_ca"))
    said = refusal(tmp_path / "late", f'[[listeners]]\naddress = "127.0.0.1:0"\n[listeners.tls]\n{files}\n', "1")
    assert "give [listeners.tls] PEM files" in said
