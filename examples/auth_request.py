"""Judge requests for a proxy that asks before it passes them on: python auth_request.py PORT [options].

For nginx's auth_request (nginx.conf beside this file; give --original-headers) and Envoy's ext_authz with an HTTP service
(envoy.yaml). The proxy asks about one request at a time and owns the connections, so only logons that fit into one request
work: Digest, and Negotiate with Kerberos. NTLM, alone or inside Negotiate, proves a connection: use http_front.py for it.

An answer of 200 has X-Remote-User; 401 has the challenges in one WWW-Authenticate, for nginx passes on only one.
"""

from __future__ import annotations

import argparse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from http_logons import OK, UNAUTHORIZED, Connection, Logons, Verdict

from sspid_client import Client, keytab


class Judge(ThreadingHTTPServer):
    """The server: what its requests share."""

    daemon_threads = True

    def __init__(self, port: int, logons: Logons, *, original_headers: bool) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.logons = logons
        self.original_headers = original_headers


class Handler(BaseHTTPRequestHandler):
    """One connection of the proxy; its requests are of anybody."""

    protocol_version = "HTTP/1.1"
    server: Judge

    def answer(self) -> None:
        """Answer any method."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        verdict = self._judged(*self._asked())
        if verdict.why:
            self.log_message("%s", verdict.why)
        self.send_response(verdict.status)
        if verdict.status == OK:
            self.send_header("X-Remote-User", verdict.user)
        challenges = [value for name, value in verdict.headers if name == "WWW-Authenticate"]
        if challenges:
            self.send_header("WWW-Authenticate", ", ".join(challenges))
        for name, value in verdict.headers:
            if name != "WWW-Authenticate":
                self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815  # http.server's names

    def _asked(self) -> tuple[str, str]:
        """Method and URI of the request that the proxy asks about."""
        if self.server.original_headers:
            return self.headers.get("X-Original-Method", ""), self.headers.get("X-Original-URI", "")
        return self.command, self.path

    def _judged(self, method: str, uri: str) -> Verdict:
        """Say yes or ask for a logon; a logon that would go on with the next request cannot."""
        one = Connection(self.server.logons)
        try:
            verdict = one.judge(method, uri, self.headers.get("Authorization", ""))
            if verdict.status == UNAUTHORIZED and one.waiting:
                return self.server.logons.challenged("The logon takes a connection of its own, as NTLM's does.")
            return verdict
        finally:
            one.close()


def arguments() -> Any:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int, help="where to listen on 127.0.0.1; 0 for any port")
    parser.add_argument("--target", default="127.0.0.1:50051", help="the service: host:port or unix:///path")
    parser.add_argument("--schemes", nargs="+", default=["Digest"], choices=["Negotiate", "Digest"])
    parser.add_argument("--keytab", type=Path, help="keys of HTTP/<this host>, for Kerberos")
    parser.add_argument("--original-headers", action="store_true", help="believe X-Original-Method and X-Original-URI")
    return parser.parse_args()


def main() -> None:
    """Serve until interrupted."""
    given = arguments()
    with Client(given.target) as sspi:
        keys = keytab(given.keytab.read_bytes()) if given.keytab else None
        logons = Logons(sspi, given.schemes, keytab=keys)
        with Judge(given.port, logons, original_headers=given.original_headers) as judge:
            print(f"ready: 127.0.0.1:{judge.server_port}", flush=True)
            judge.serve_forever()


if __name__ == "__main__":
    main()
