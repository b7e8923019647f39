"""What `make run` shows: a handshake with OpenSSL's server through the service that has just started, which then goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import grpc
import pytest
import trustme

from sspid_testing import peers, server
from sspid_testing.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire
PLAIN = '[[listeners]]\naddress = "127.0.0.1:0"\nanonymous = true\n'
UNIX = '[[listeners]]\naddress = "unix:"\n'


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A listener that asks for certificates."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    issued = ca.issue_cert("localhost")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    files = {"certificate": "certificate", "key": "key", "client_ca": "ca"}
    keys = "".join(f'{key} = "{folder}/{name}.pem"\n' for key, name in files.items())
    return f'[[listeners]]\naddress = "127.0.0.1:0"\n[listeners.tls]\n{keys}'


def rest_of_output(service: server.Running) -> str:
    """What the service has said after its ready line when it has stopped; the demonstration is not broken off by that."""
    assert service.process.stdout is not None
    service.process.send_signal(signal.SIGTERM)
    output = service.process.stdout.read().decode()
    assert service.process.wait(20) == 0
    return output


def assert_shown(output: str) -> None:
    """A handshake leg by leg, what came of it, and a clean close."""
    rows = [line.split() for line in output.splitlines() if " InitializeSecurityContext " in line]
    assert [row[-1] for row in rows[:1]] == ["SEC_I_CONTINUE_NEEDED"]
    assert rows[-1][-1] == "SEC_E_OK"
    assert "agreed   TLSv1.3, TLS_" in output
    assert "peer     CN=localhost, issued by CN=sspid embedded CA, verified" in output
    assert "HTTP/1.0 200 ok" in output
    assert "close_notify received" in output


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_handshake_is_shown_and_the_service_goes_on(tmp_path: Path, workers: str) -> None:
    peers.require("openssl")
    with server.running(tmp_path, arguments=("--demo", "--workers", workers)) as service:
        with grpc.insecure_channel(service.target) as channel:
            Wire(channel).pair()
        output = rest_of_output(service)
    assert_shown(output)
    assert "Serving on; stop with Ctrl-C." in output


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("other", [PLAIN, UNIX], ids=["TCP", "Unix"])
def test_a_listener_with_tls_is_passed_over(tmp_path: Path, tls: str, other: str, workers: str) -> None:
    peers.require("openssl")
    arguments = ("--demo", "--workers", workers)
    with server.running(tmp_path, listeners=tls + other, arguments=arguments) as service:
        assert_shown(rest_of_output(service))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_where_every_listener_has_tls_it_is_said_before_anything_starts(tmp_path: Path, tls: str, workers: str) -> None:
    config = tmp_path / "sspid.toml"
    config.write_text(tls, "utf-8")
    tried = run(tmp_path, "serve", "--demo", "--workers", workers, "--config", str(config))
    assert tried.returncode == 1
    assert "every listener has TLS; add a listener for a Unix socket, or run `sspid demo`" in tried.stderr
    assert not (tmp_path / "data").exists()


def test_without_openssl_the_service_says_so_and_serves(tmp_path: Path) -> None:
    with server.running(tmp_path, arguments=("--demo",), env={"PATH": str(tmp_path)}) as service:
        with grpc.insecure_channel(service.target) as channel:
            Wire(channel).pair()
        assert "Serving on" in rest_of_output(service)
        assert "apt-get install openssl" in service.log_text()


def test_a_peer_that_does_not_start_is_said_and_the_service_serves(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "openssl"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    broken.chmod(0o700)
    with server.running(tmp_path, arguments=("--demo",), env={"PATH": f"{broken.parent}:{os.environ['PATH']}"}) as service:
        assert "Serving on" in rest_of_output(service)
        assert "The handshake failed: `openssl s_server` ended with exit status 1" in service.log_text()


def test_the_demo_command_shows_it_with_a_service_of_its_own_or_a_running_one(tmp_path: Path, running: server.Running) -> None:
    peers.require("openssl")
    alone = run(tmp_path, "demo")
    assert_shown(alone.stdout)
    assert not (tmp_path / "data").exists(), "its data is thrown away"
    given = run(running.data_dir.parent, "demo", "--target", running.target)
    assert_shown(given.stdout)
    assert (alone.returncode, given.returncode) == (0, 0)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sspid", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SSPID_DATA_DIR": str(folder / "data"), "SSPID_METRICS_ADDRESS": ""},
    )
