"""The part of RDP that comes before CredSSP: X.224's negotiation, and tokens over a socket; no RDP session follows."""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sspid.vocabulary.buffers import BufferType, find, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers
from sspid_testing.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HYBRID = 2
_CONFIRM = struct.Struct("<BBHI")


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            message = "the peer closed the connection in the middle of a packet"
            raise EOFError(message)
        data += more
    return data


def packet(connection: socket.socket) -> bytes:
    """One TPKT packet's content (RFC 1006)."""
    header = _exactly(connection, 4)
    assert header[0] == 3, header
    return _exactly(connection, int.from_bytes(header[2:], "big") - 4)


def accept_negotiation(connection: socket.socket) -> int:
    """Take the client's X.224 connection request and choose NLA; the protocols it asked for ([MS-RDPBCGR] 2.2.1.1)."""
    request = packet(connection)
    assert request[1] == 0xE0, request
    kind, _, _, protocols = _CONFIRM.unpack(request[-8:])
    assert kind == 1
    content = b"\x0e\xd0\0\0\x12\x34\0" + _CONFIRM.pack(2, 0, 8, HYBRID)
    connection.sendall(b"\x03\0" + (len(content) + 4).to_bytes(2, "big") + content)
    return int(protocols)


def request_negotiation(connection: socket.socket) -> int:
    """Ask for NLA; the protocol the server chose."""
    content = b"\x0e\xe0\0\0\0\0\0" + _CONFIRM.pack(1, 0, 8, 1 | HYBRID)
    connection.sendall(b"\x03\0" + (len(content) + 4).to_bytes(2, "big") + content)
    kind, _, _, protocol = _CONFIRM.unpack(packet(connection)[-8:])
    assert kind == 2, "the server refused the negotiation"
    return int(protocol)


def carry(end: Any, connection: socket.socket, *, begins: bool) -> bytes:
    """Run an end's legs over a connection until SEC_E_OK; what came behind the last token. A failure is sent and raised."""
    data = b""
    wants = not begins
    while True:
        if wants:
            more = connection.recv(65536)
            if not more:
                message = f"the peer hung up after {end.statuses}"
                raise EOFError(message)
            data += more
        try:
            step = end.leg(data or None)
        except SspiError as failure:
            with suppress(OSError):
                connection.sendall(token_in(failure.output))
            raise
        wants = True
        if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            continue
        connection.sendall(token_in(step.output))
        left = find(step.input, BufferType.EXTRA)
        data = data[len(data) - left.size :] if left else b""
        if step.status is SecurityStatus.SEC_E_OK:
            return data
        wants = not data


class Front:
    """An RDP server up to the end of NLA. `outcome` of each connection: the end, and what its last leg raised or None."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.outcomes: list[tuple[Any, Exception | None]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(20)
                    self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        end = self._make()
        failure: Exception | None = None
        try:
            accept_negotiation(connection)
            carry(end, connection, begins=False)
        except (SspiError, EOFError, OSError, AssertionError) as error:
            failure = error
        self.outcomes.append((end, failure))

    def close(self) -> None:
        """Stop listening, and wait for the connection under way."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(25)


@contextmanager
def display() -> Iterator[str]:
    """An X server nobody sees; its DISPLAY."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [peers.require("Xvfb"), "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset", "-ac"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(10)


def environment(folder: Path, display_name: str) -> dict[str, str]:
    """What FreeRDP's programs need: a home of their own, a display, and for version 3 OpenSSL's legacy provider (MD4, RC4)."""
    (folder / "openssl.cnf").write_text(
        "openssl_conf = top\n[top]\nproviders = both\n[both]\ndefault = on\nlegacy = on\n[on]\nactivate = 1\n", "utf-8"
    )
    return {
        **os.environ,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "DISPLAY": display_name,
        "OPENSSL_CONF": str(folder / "openssl.cnf"),
        "WLOG_LEVEL": "DEBUG",
    }


class Between:
    """A third party that ends TLS on both sides with a certificate of its own and relays what is inside.

    `relayed` is what passed, with whether the client sent it. `alter` gets each message the same way, and what it returns is
    passed on. One thread does both ways: OpenSSL lets no two use one connection at a time, and they would spoil its records.
    """

    def __init__(
        self, port: int, certificate: Path, key: Path, alter: Callable[[bytes, bool], bytes] = lambda data, _: data
    ) -> None:
        self._target = port
        self._alter = alter
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.relayed: list[tuple[bytes, bool]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with near, suppress(OSError):
                    self._one(near)

    def _one(self, near: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as far:
            for plain in (near, far):
                plain.settimeout(20)
            accept_negotiation(near)
            request_negotiation(far)
            outward = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            outward.check_hostname, outward.verify_mode = False, ssl.CERT_NONE
            with self._context.wrap_socket(near, server_side=True) as inside, outward.wrap_socket(far) as outside:
                self._relay(inside, outside)

    def _relay(self, inside: ssl.SSLSocket, outside: ssl.SSLSocket) -> None:
        while ready := select.select((inside, outside), (), (), 20)[0]:
            for source in ready:
                sink, from_client = (outside, True) if source is inside else (inside, False)
                data = _record(source)
                if data == b"":
                    _say_goodbye(sink)
                    return
                if data:
                    self.relayed.append((data, from_client))
                    sink.sendall(self._alter(data, from_client))

    def close(self) -> None:
        """Stop listening, and wait for the connection under way."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(25)


def _record(source: ssl.SSLSocket) -> bytes | None:
    """What one readable record holds: None for nothing yet (a ticket, half a record), b"" at the end."""
    source.settimeout(0)
    try:
        return source.recv(65536)
    except ssl.SSLWantReadError:
        return None
    finally:
        source.settimeout(20)


def _say_goodbye(sink: ssl.SSLSocket) -> None:
    """Send close_notify, and wait for no answer."""
    sink.settimeout(0)
    with suppress(ssl.SSLWantReadError):
        sink.unwrap()


class Shadow:
    """FreeRDP's shadow server with NLA on a free port; `log` is what it printed so far."""

    def __init__(self, program: str, folder: Path, display_name: str, accounts: str) -> None:
        (folder / "SAM").write_text(accounts, "utf-8")
        self.port = free_port()
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "stdbuf",
                    "-oL",
                    peers.require(program),
                    f"/port:{self.port}",
                    "/bind-address:127.0.0.1",
                    "/sec:nla",
                    f"/sam-file:{folder / 'SAM'}",
                ],
                env=environment(folder, display_name),
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def connect(self) -> socket.socket:
        """A connection past X.224's negotiation, once the server listens."""
        deadline = time.monotonic() + 20
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                assert time.monotonic() < deadline, self.log
                assert self._process.poll() is None, self.log
                time.sleep(0.05)
            else:
                connection.settimeout(20)
                return connection

    def stop(self) -> None:
        """End it; again does nothing."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
