"""A small HTTP server that logs its clients on with an acceptor, one context a connection (RFC 4559); for curl to talk to."""

from __future__ import annotations

import base64
import http.server
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.errors import SspiError
from sspid_testing import listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sspid_testing.ends import End


class Front(http.server.ThreadingHTTPServer):
    """`refusals` holds the statuses that acceptors raised, `users` who got in."""

    daemon_threads = True

    def __init__(self, scheme: str, acceptor: Callable[[], End]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.scheme = scheme
        self.acceptor = acceptor
        self.refusals: list[str] = []
        self.users: list[str] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}/"


class _Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front
    end: End | None = None

    def do_GET(self) -> None:
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme != self.server.scheme or not credentials:
            self._reply(401, self.server.scheme)
            return
        if self.end is None or self.end.done:
            self.end = self.server.acceptor()
        try:
            sent = self.end.step(base64.b64decode(credentials))
        except SspiError as error:
            self.server.refusals.append(error.status.name)
            self.end = None
            self._reply(401, self.server.scheme)
            return
        challenge = f"{self.server.scheme} {base64.b64encode(sent).decode()}" if sent else ""
        if not self.end.done:
            self._reply(401, challenge)
            return
        user = self.end.query(ContextAttribute.NAMES).user_name
        self.server.users.append(user)
        self._reply(200, challenge, user.encode())

    def _reply(self, code: int, challenge: str, body: bytes = b"") -> None:
        self.send_response(code)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        del format, args


@contextmanager
def serving(scheme: str, acceptor: Callable[[], End]) -> Iterator[Front]:
    """Serve on a free port of the loopback interface for the length of the block."""
    with listeners.serving(Front(scheme, acceptor)) as front:
        yield front
