"""Log HTTP clients on before a legacy application that cannot: python http_front.py PORT UPSTREAM_HOST:PORT [options].

The application gets each request with X-Remote-User, which it may trust as long as nothing else reaches it. Clients must
connect here directly: NTLM and Negotiate belong to a connection, and a proxy in between would share it among users.
"""

from __future__ import annotations

import argparse
import http.client
import ssl
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from http_logons import OK, UNAVAILABLE, Connection, Logons, Verdict

from sspid_client import DEFAULT_FLAGS, Client, ContextFlag, keytab
from sspid_client.http import bindings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sspid_client.buffers import Buffers

USER = "X-Remote-User"
# RFC 9110 7.6.1; and what only this server may say to the application.
NOT_PASSED_ON = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "authorization",
    "content-length", USER.lower(),
}  # fmt: skip
MOST_BODY = 64 * 1024 * 1024


class Front(ThreadingHTTPServer):
    """The server: what its connections share."""

    daemon_threads = True

    def __init__(self, port: int, upstream: str, logons: Logons) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.upstream = upstream
        self.logons = logons


class Handler(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    server: Front

    def setup(self) -> None:
        """Begin the connection."""
        super().setup()
        self._logon = Connection(self.server.logons)

    def finish(self) -> None:
        """End it."""
        self._logon.close()
        super().finish()

    def answer(self) -> None:
        """Answer any method."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > MOST_BODY:
            self.close_connection = True
            self._send(411, (), b"This server takes requests with a Content-Length.\n")
            return
        # The body is read before anything is answered, or it would be taken for the connection's next request.
        body = self.rfile.read(int(length))
        verdict = self._logon.judge(self.command, self.path, self.headers.get("Authorization", ""))
        if verdict.why:
            self.log_message("%s", verdict.why)
        if verdict.status == OK:
            self._pass_on(verdict, body)
        else:
            text = b"The logon service is away.\n" if verdict.status == UNAVAILABLE else b"Log on.\n"
            self._send(verdict.status, verdict.headers, text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815  # http.server's names

    def _pass_on(self, verdict: Verdict, body: bytes) -> None:
        """Let the application answer."""
        # The latter are names that some servers make one variable of: X_Remote_User is HTTP_X_REMOTE_USER too.
        headers = {name: value for name, value in self.headers.items() if name.lower().replace("_", "-") not in NOT_PASSED_ON}
        headers |= {USER: verdict.user, "Content-Length": str(len(body))}
        with closing(http.client.HTTPConnection(self.server.upstream, timeout=60)) as application:
            try:
                application.request(self.command, self.path, body, headers)
                answer = application.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as failure:
                self.log_message("the application does not answer: %s", failure)
                self._send(502, verdict.headers, b"The application does not answer.\n")
                return
            kept = [each for each in answer.getheaders() if each[0].lower() not in NOT_PASSED_ON]
            self._send(answer.status, (*verdict.headers, *kept), said)

    def _send(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def arguments() -> Any:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int, help="where to listen on 127.0.0.1; 0 for any port")
    parser.add_argument("upstream", help="the application's host:port")
    parser.add_argument("--target", default="127.0.0.1:50051", help="the service: host:port or unix:///path")
    parser.add_argument("--schemes", nargs="+", default=["Negotiate", "NTLM", "Digest"])
    parser.add_argument("--keytab", type=Path, help="keys of HTTP/<this host>, for Kerberos")
    parser.add_argument("--certificate", type=Path, help="chain (PEM) for https")
    parser.add_argument("--key", type=Path, help="its key (PEM)")
    parser.add_argument("--require-bindings", action="store_true", help="refuse clients that bind no TLS channel")
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted."""
    given = arguments()
    own: Buffers = ()
    flags = DEFAULT_FLAGS
    if given.certificate:
        pem = given.certificate.read_text()
        own = bindings.buffers(ssl.PEM_cert_to_DER_cert(pem[: pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]))
        flags = DEFAULT_FLAGS if given.require_bindings else DEFAULT_FLAGS | ContextFlag.ALLOW_MISSING_BINDINGS
    with Client(given.target) as sspi:
        keys = keytab(given.keytab.read_bytes()) if given.keytab else None
        logons = Logons(sspi, given.schemes, keytab=keys, bindings=own, flags=flags)
        with Front(given.port, given.upstream, logons) as front:
            if given.certificate:
                tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                tls.load_cert_chain(given.certificate, given.key)
                front.socket = tls.wrap_socket(front.socket, server_side=True, do_handshake_on_connect=False)
            print(f"ready: 127.0.0.1:{front.server_port}", flush=True)
            front.serve_forever()


if __name__ == "__main__":
    main()
