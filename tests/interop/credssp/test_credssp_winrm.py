"""WinRM's way with CredSSP ([MS-WSMV] 2.2.9.1.3): pypsrp with requests-credssp against an HTTP server of ours."""

from __future__ import annotations

import base64
import re
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import credssp, peers, tls
from sspid_testing.credssp import ALICE, PASSWORD

pytestmark = [pytest.mark.credssp, pytest.mark.interop]
BOUNDARY = b"Encrypted Boundary"
PART = re.compile(rb"--Encrypted Boundary\r\n.*?Length=(\d+)\r\n--Encrypted Boundary\r\n.*?octet-stream\r\n", re.DOTALL)
TRAILER = {"TLSv1.2": 16, "TLSv1.3": 17}


class Handler(BaseHTTPRequestHandler):
    """One connection: its logon, then messages sealed in that logon's TLS, each answered in capitals."""

    protocol_version = "HTTP/1.1"
    end: Any = None
    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if self.end is not None and self.end.statuses[-1:] == ["SEC_E_OK"]:
            self.answer(200, self.sealed(self.opened(body).upper()))
        elif scheme != "CredSSP":
            self.answer(401, b"", "CredSSP")
        else:
            self.leg(base64.b64decode(encoded))

    def leg(self, data: bytes) -> None:
        if self.end is None:
            self.end = self.server.make()
            self.server.ends.append(self.end)
        try:
            step = self.end.leg(data)
        except SspiError as failure:
            self.server.refusals.append(failure.status.name)
            self.answer(401, b"", "CredSSP " + base64.b64encode(token_in(failure.output)).decode())
            return
        said = "CredSSP " + base64.b64encode(token_in(step.output)).decode()
        self.answer(200 if step.status is SecurityStatus.SEC_E_OK else 401, b"", said)

    def opened(self, body: bytes) -> bytes:
        assert self.headers["Content-Type"].startswith(("multipart/encrypted", "multipart/x-multi-encrypted"))
        plain, found = b"", list(PART.finditer(body))
        for at, part in enumerate(found):
            end = found[at + 1].start() if at + 1 < len(found) else body.rindex(b"--Encrypted Boundary--")
            record = body[part.end() : end]
            assert int.from_bytes(record[:4], "little") == self.trailer
            chunk = self.end.open(record[4:]).buffers[0].data
            assert len(chunk) == int(part[1])
            plain += chunk
        return plain

    def sealed(self, plain: bytes) -> bytes:
        parts = b""
        for at in range(0, len(plain), 16384):
            chunk = plain[at : at + 16384]
            parts += (
                (
                    b"--Encrypted Boundary\r\n\tContent-Type: application/HTTP-CredSSP-session-encrypted\r\n"
                    b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n"
                    b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n" % len(chunk)
                )
                + self.trailer.to_bytes(4, "little")
                + self.end.seal(chunk)
            )
        return parts + b"--Encrypted Boundary--\r\n"

    @property
    def trailer(self) -> int:
        return TRAILER[self.end.query(ContextAttribute.CONNECTION_INFO).protocol]

    def answer(self, status: int, body: bytes, authenticate: str = "") -> None:
        self.send_response(status)
        if authenticate:
            self.send_header("WWW-Authenticate", authenticate)
        if body:
            several = body.count(b"octet-stream") > 1
            kind = "x-multi-encrypted" if several else "encrypted"
            protocol = "application/HTTP-CredSSP-session-encrypted"
            self.send_header("Content-Type", f'multipart/{kind};protocol="{protocol}";boundary="Encrypted Boundary"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Keep quiet."""


@contextmanager
def winrm(protocols):
    def make() -> Any:
        end = credssp.server(certificate=tls.issued(key="RSA"), settings={"protocols": protocols})
        end.world.now = datetime.now(UTC)
        return end

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.make, server.ends, server.refusals = make, [], []  # type: ignore[attr-defined]  # what handlers share
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def transport(port: int, password: str) -> Any:
    peers.require_module("requests_credssp")
    wsman = peers.require_module("pypsrp.wsman")
    made = wsman.WSMan(
        "127.0.0.1", port=port, ssl=False, auth="credssp", username="DOMAIN\\alice", password=password, no_proxy=True,
        credssp_auth_mechanism="ntlm", reconnection_retries=0,
    )  # fmt: skip
    return made.transport


@pytest.mark.parametrize("protocols", [("TLSv1.2",), ("TLSv1.3",)])
def test_messages_are_sealed_both_ways(protocols):
    with winrm(protocols) as server:
        sent = transport(server.server_address[1], PASSWORD)
        assert sent.send(b"<a>first</a>") == b"<A>FIRST</A>"
        long = b"<b>" + b"x" * 40000 + b"</b>"
        assert sent.send(long) == long.upper()
        (end,) = server.ends
        assert end.query(ContextAttribute.CREDS).secret == ALICE


def test_wrong_password():
    with winrm(("TLSv1.3",)) as server:
        exceptions = peers.require_module("requests_credssp.exceptions")
        with pytest.raises(exceptions.NTStatusException, match="STATUS_LOGON_FAILURE"):
            transport(server.server_address[1], "wrong").send(b"<a/>")
        assert server.refusals == ["SEC_E_LOGON_DENIED"]
