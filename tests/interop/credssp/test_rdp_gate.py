"""examples/rdp_gate.py before a TCP server: FreeRDP logs on, and the server behind gets its user and its bytes."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import suppress

import pytest

from sspid_testing import peers, rdp, server
from sspid_testing.example_programs import accounts, example

pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.credssp]


class Legacy:
    """A TCP server that knows no logon: it keeps what it is told, and answers a line."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = b""
        self._told = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(20)
                    while b"\r\n" not in self.heard or len(self.heard.split(b"\r\n", 1)[1]) < 7:
                        self.heard += connection.recv(65536)
                    self._told.set()

    def wait(self) -> bytes:
        assert self._told.wait(20), self.heard
        return self.heard

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def legacy():
    made = Legacy()
    yield made
    made.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("gate")) as running:
        accounts(running, "add", "alice", "--domain", "DOMAIN", given="Passw0rd\n")
        yield running


@pytest.fixture
def gate(service, legacy):
    arguments = (legacy.address, str(service.server_certificate), str(service.server_key), "--target", service.target)
    with example("rdp_gate.py", "0", *arguments) as address:
        yield address


@pytest.fixture(scope="module")
def display():
    with rdp.display() as name:
        yield name


def log_on(gate, folder, display, password):
    command = [
        peers.require("xfreerdp"), f"/v:{gate}", "/u:alice", "/d:DOMAIN", f"/p:{password}", "/cert:ignore", "/sec:nla",
        "/log-level:DEBUG",
    ]  # fmt: skip
    done = subprocess.run(
        command, env=rdp.environment(folder, display), capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_user_and_bytes_reach_the_server(gate, legacy, tmp_path, display):
    log_on(gate, tmp_path, display, "Passw0rd")
    user, _, said = legacy.wait().partition(b"\r\n")
    assert user == b"USER DOMAIN\\alice"
    # The MCS connect-initial that follows NLA ([MS-RDPBCGR] 2.2.1.3): TPKT, X.224 data, BER tag 101.
    assert said[:1] == b"\x03"
    assert said[4:9] == b"\x02\xf0\x80\x7f\x65"


def test_wrong_password_reaches_nothing(gate, legacy, tmp_path, display):
    assert "STATUS_LOGON_FAILURE" in log_on(gate, tmp_path, display, "wrong")
    assert not legacy.heard


def test_client_without_nla_is_told_so(gate, legacy):
    host, port = gate.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(20)
        content = b"\x0e\xe0\0\0\0\0\0" + b"\x01\0\x08\0\x01\0\0\0"
        connection.sendall(b"\x03\0" + (len(content) + 4).to_bytes(2, "big") + content)
        assert rdp.packet(connection)[-8:] == b"\x03\0\x08\0\x05\0\0\0"
    assert not legacy.heard
