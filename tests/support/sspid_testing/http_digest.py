"""A small HTTP server whose Digest is this package's acceptor; foreign clients log in to it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import listeners
from sspid_testing.digest import HTTP, Digest, entity_hash, parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid.vocabulary.flags import Flags


@dataclass
class DigestServer:
    """`statuses`: what each request came to, in order. Contexts are found by opaque, as a broker would."""

    side: Digest
    flags: Flags = HTTP
    url: str = ""
    statuses: list[SecurityStatus] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    contexts: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, method: str, header: bytes, body: bytes) -> tuple[int, list[tuple[str, str]]]:
        """The answer's status and headers."""
        with self.lock:
            try:
                step = self._step(method, header, body)
            except SspiError as failure:
                self.statuses.append(failure.status)
                return 401, []
            self.statuses.append(step.status)
            if step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED:
                self.contexts[step.state.offer.audience.opaque] = step.state
                return 401, [("WWW-Authenticate", "Digest " + buffer.data.decode("latin-1")) for buffer in step.output]
            info = [("Authentication-Info", buffer.data.decode("latin-1")) for buffer in step.output]
            return 200, info

    def _step(self, method: str, header: bytes, body: bytes) -> Any:
        acceptor = self.side.acceptor()
        if not header:
            return self.side.accept(None, acceptor, flags=self.flags)
        self.headers.append(header)
        algorithm = next((name for name in ("SHA-512-256", "SHA-256") if name.encode() in header), "MD5")
        buffers = (parameter(method), parameter(), parameter(entity_hash(body, algorithm)))
        state = self.contexts.pop(self.side.package.session_reference(header), None)
        step = self.side.accept(state, acceptor, header, *buffers, flags=self.flags)
        while step.status is SecurityStatus.SEC_I_COMPLETE_NEEDED:
            self.statuses.append(step.status)
            answer = parameter(entity_hash(b"ok", algorithm)) if step.output or state is not None else buffers[2]
            step = self.side.complete(step.state, buffers[0], buffers[1], answer)
        return step


@contextmanager
def serving(side: Digest, flags: Flags = HTTP) -> Iterator[DigestServer]:
    """Serve on the loopback while the block runs."""
    server = DigestServer(side, flags)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            """Answer any method."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            header = (self.headers.get("Authorization") or "").encode("latin-1")
            status, headers = server.judge(self.command, header, body)
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server finds methods by these names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_port}"
    with listeners.serving(listener):
        yield server
