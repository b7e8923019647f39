"""An HTTP server with WinRM's way of CredSSP ([MS-WSMV] 2.2.9.1.3); logons and answers are others' business."""

from __future__ import annotations

import base64
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sspid_testing import listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROTOCOL = "application/HTTP-CredSSP-session-encrypted"
CHUNK = 16384
SOAP = "application/soap+xml;charset=UTF-8"
PART = re.compile(
    rb"--Encrypted Boundary\r\n\tContent-Type: " + PROTOCOL.encode() + rb"\r\n"
    rb"\tOriginalContent: type=application/soap\+xml;charset=UTF-8;Length=(\d+)\r\n"
    rb"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
)


class Refused(Exception):  # noqa: N818  # an acceptor's way to say no
    """The acceptor does not go on; the text says why, `token` is what the client is still sent."""

    def __init__(self, text: str, token: bytes = b"") -> None:
        super().__init__(text)
        self.token = token


class Acceptor(Protocol):
    """One connection's logon, and the messages sealed under it."""

    def step(self, token: bytes) -> tuple[bool, bytes]:
        """One leg: whether the logon is done, and what the client is sent. Refused ends it."""
        ...

    def seal(self, data: bytes) -> tuple[int, bytes]:
        """The length of the TLS trailer and the record."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """What a record holds."""
        ...

    def trailer(self, length: int) -> int:
        """How long the trailer of a record with so much data is."""
        ...


class Seen(NamedTuple):
    """One request as it came: its Authorization, Content-Type and body, and the connection's number."""

    authorization: str
    content_type: str
    body: bytes
    connection: int


@dataclass
class Server:
    """What a test sets, and what it may look at. `url` is where the server listens."""

    acceptor: Callable[[], Any]
    application: Callable[[bytes], tuple[int, bytes]]
    url: str = ""
    offered: str = "CredSSP"
    multiples: bool = True
    answer_in_clear: bool = False
    spoil: Callable[[bytes], bytes] = bytes
    hang_up_after: int = 0
    location: str = ""
    seen: list[Seen] = field(default_factory=list)
    acceptors: list[Any] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def bodies(self) -> bytes:
        """Every body that came."""
        return b"".join(each.body for each in self.seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    acceptor: Any = None
    logged_on = False
    served = 0
    server: Any

    def setup(self) -> None:
        super().setup()
        self.shared: Server = self.server.shared
        self.shared.connections += 1
        self.number = self.shared.connections

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        kind = self.headers.get("Content-Type", "")
        self.shared.seen.append(Seen(self.headers.get("Authorization", ""), kind, body, self.number))
        if self.shared.location:
            self._answer(307, b"")
        elif scheme == "CredSSP":
            self._leg(base64.b64decode(encoded, validate=True), body)
        elif self.logged_on:
            self._serve(body, kind)
        else:
            self._answer(401, b"", self.shared.offered)

    def _leg(self, token: bytes, body: bytes) -> None:
        if self.acceptor is None or self.logged_on:
            self.acceptor, self.logged_on = self.shared.acceptor(), False
            self.shared.acceptors.append(self.acceptor)
        try:
            self.logged_on, said = self.acceptor.step(token)
        except Refused as refused:
            self.shared.refusals.append(str(refused))
            self.acceptor = None
            self._answer(401, b"", f"CredSSP {base64.b64encode(refused.token).decode()}".strip())
            return
        challenge = f"CredSSP {base64.b64encode(said).decode()}".strip() if said or not self.logged_on else ""
        if self.logged_on and body:
            self._answer(*self.shared.application(body), challenge)
        else:
            self._answer(200 if self.logged_on else 401, b"", challenge)

    def _serve(self, body: bytes, kind: str) -> None:
        if not kind.startswith("multipart/"):
            self._answer(*self.shared.application(body))
            return
        try:
            opened = self._open(body, kind)
        except (AssertionError, ValueError, OSError) as error:
            self.shared.refusals.append(f"unreadable: {error}")
            self._answer(400, b"")
            return
        status, said = self.shared.application(opened)
        if self.shared.answer_in_clear:
            self._answer(status, said)
        else:
            self._answer(status, self.shared.spoil(self._seal(said)), kind=self._kind(said))
        self.served += 1
        if self.served == self.shared.hang_up_after:
            self.close_connection = True

    def _open(self, body: bytes, kind: str) -> bytes:
        parts = list(PART.finditer(body))
        expected = "multipart/x-multi-encrypted" if len(parts) > 1 else "multipart/encrypted"
        assert kind == f'{expected};protocol="{PROTOCOL}";boundary="Encrypted Boundary"', kind
        assert body.endswith(b"--Encrypted Boundary--\r\n"), body[-40:]
        ends = [*(part.start() for part in parts[1:]), len(body) - len(b"--Encrypted Boundary--\r\n")]
        return b"".join(self._part(body[part.end() : end], int(part[1])) for part, end in zip(parts, ends, strict=True))

    def _part(self, sealed: bytes, length: int) -> bytes:
        opened: bytes = self.acceptor.open(sealed[4:])
        assert len(opened) == length <= CHUNK, (len(opened), length)
        assert int.from_bytes(sealed[:4], "little") == self.acceptor.trailer(length)
        return opened

    def _seal(self, data: bytes) -> bytes:
        return (
            b"".join(self._sealed(data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)) + b"--Encrypted Boundary--\r\n"
        )

    def _sealed(self, chunk: bytes) -> bytes:
        trailer, record = self.acceptor.seal(chunk)
        sealed: bytes = trailer.to_bytes(4, "little") + record
        return (
            f"--Encrypted Boundary\r\n\tContent-Type: {PROTOCOL}\r\n\tOriginalContent: type={SOAP};Length={len(chunk)}\r\n"
            "--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
        ).encode() + sealed

    def _kind(self, data: bytes) -> str:
        several = len(data) > CHUNK
        return (
            f'multipart/{"x-multi-encrypted" if several else "encrypted"};protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
        )

    def _answer(self, status: int, body: bytes, authenticate: str = "", kind: str = SOAP) -> None:
        self.send_response(status)
        if authenticate:
            self.send_header("WWW-Authenticate", authenticate)
        if self.shared.location:
            self.send_header("Location", self.shared.location)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Keep quiet."""


@contextmanager
def served(acceptor: Callable[[], Any], application: Callable[[bytes], tuple[int, bytes]], **settings: Any) -> Iterator[Server]:
    """A server on a free port; `acceptor` makes one for each logon, `application` answers what was opened."""
    with listeners.serving(ThreadingHTTPServer(("127.0.0.1", 0), _Handler)) as listener:
        shared = Server(acceptor, application, f"http://localhost:{listener.server_port}/wsman", **settings)
        listener.shared = shared  # type: ignore[attr-defined]  # what handlers share
        yield shared


def capitals(body: bytes) -> tuple[int, bytes]:
    """An application that answers in capitals."""
    return 200, body.upper()
