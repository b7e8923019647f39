"""A Schannel end over a real socket, as a caller of SSPI writes its loop; and the foreign TLS programs started for tests."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

from sspid.vocabulary.buffers import BufferType, find, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.tls import End, left_over

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sspid.vocabulary.credentials import CertificateAndKey

_PATIENCE = 15.0


class Wire:
    """One End on one connected socket: handshake, send, receive, close, with statuses and met messages kept."""

    def __init__(self, end: End, connected: socket.socket) -> None:
        self.end = end
        self.socket = connected
        self.socket.settimeout(_PATIENCE)
        self.received = b""
        self.met: list[str] = []
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def more(self) -> bool:
        """Read from the socket; False at its end."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.received += data
        return bool(data)

    def handshake(self) -> None:
        """Legs until SEC_E_OK. A failing leg's alert is sent before its error leaves."""
        if not self.end.server:
            self.send_token(self.leg(None))
        while not self.end.steps or self.end.steps[-1].status is not SecurityStatus.SEC_E_OK:
            step = self.leg(self.received) if self.received else None
            if step is None or step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
                assert self.more(), "the peer hung up in the handshake"
                continue
            if step.status is not SecurityStatus.SEC_I_INCOMPLETE_CREDENTIALS:
                self.take(left_over(step))
            self.send_token(step)

    def handshake_and_receive(self) -> bytes:
        """For TLS 1.3 servers, who learn only after their last leg what the client thinks of them."""
        self.handshake()
        return self.receive(1)

    def leg(self, data: bytes | None) -> Any:
        """One leg; the alert of a failing one goes out."""
        try:
            return self.end.leg(data)
        except SspiError as error:
            with contextlib.suppress(OSError):
                self.socket.sendall(token_in(error.output))
                self.socket.shutdown(socket.SHUT_WR)
                while self.socket.recv(65536):
                    pass
            raise

    def take(self, left: int) -> None:
        """Keep the last `left` bytes of what was received."""
        self.received = self.received[len(self.received) - left :] if left else b""

    def send_token(self, step: Any) -> None:
        """Send a leg's token."""
        if data := token_in(step.output):
            self.socket.sendall(data)

    def send(self, data: bytes) -> None:
        """Seal and send."""
        self.socket.sendall(self.end.seal(data))

    def receive(self, count: int) -> bytes:
        """Unseal until there are `count` bytes or the peer closes."""
        data = b""
        while len(data) < count and not self.closed:
            data += self.receive_some()
        return data

    def receive_some(self) -> bytes:
        """What one DecryptMessage gives; post-handshake messages are served on the way."""
        answer = self.end.open(self.received)
        if answer.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            self.closed = not self.more()
            return b""
        extra = find(answer.buffers, BufferType.EXTRA)
        self.take(0 if extra is None else extra.size)
        if answer.status is SecurityStatus.SEC_I_RENEGOTIATE:
            self.met.append(answer.detail.state)
            self.serve()
        if answer.status is SecurityStatus.SEC_I_CONTEXT_EXPIRED:
            self.met.append("close_notify")
            self.closed = True
        data = find(answer.buffers, BufferType.DATA)
        return b"" if data is None else data.data

    def serve(self) -> None:
        """Legs for what SEC_I_RENEGOTIATE announced, until SEC_E_OK."""
        while True:
            step = self.leg(self.received)
            if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
                assert self.more(), "the peer hung up in the renegotiation"
                continue
            self.take(left_over(step))
            self.send_token(step)
            if step.status is SecurityStatus.SEC_E_OK:
                return

    def say_goodbye(self) -> None:
        """ApplyControlToken(SCHANNEL_SHUTDOWN) and the leg that gives the close_notify."""
        self.end.control(1)
        self.send_token(self.end.leg(b""))


def connect(end: End, port: int) -> Wire:
    """Connect to a peer that may still be starting."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return Wire(end, socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE))
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    """A listener on a free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE)
        yield listener


def accept(end: End, listener: socket.socket) -> Wire:
    """The next connection."""
    return Wire(end, listener.accept()[0])


@contextlib.contextmanager
def running(command: Sequence[str | Path], *, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A peer's process with pipes to stdin and stdout; ended afterwards. `log` takes its stderr."""
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("wb")) if log else subprocess.STDOUT
        process = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def written(folder: Path, name: str, given: CertificateAndKey) -> tuple[Path, Path]:
    """A certificate and its key as PEM files."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(given.certificate_pem)
    key.write_bytes(given.key_pem)
    return chain, key
