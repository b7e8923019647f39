"""`gnutls-serv` and `gnutls-cli` for tests of our TLS: how they are started, and files they read; no test is here."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sspid_testing import netns, peers, tls, tls_wire

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

PORT = 4433
PRIORITY = {"TLSv1.2": "NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLSv1.3": "NORMAL:-VERS-ALL:+VERS-TLS1.3"}


def written(folder: Path) -> Path:
    """The folder with the roots, a server's certificate and one of alice."""
    (folder / "roots.pem").write_bytes(tls.roots())
    tls_wire.written(folder, "server", tls.issued())
    tls_wire.written(folder, "alice", tls.issued("alice@example.test"))
    return folder


@contextmanager
def gnutls_serv(files: Path, version: str, *options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A server that echoes."""
    # It has no option for an address and listens on all of them: on those of a network of its own, then.
    command: list[str | Path] = [
        *netns.isolated(),
        peers.require("gnutls-serv"),
        "--echo",
        "--port",
        str(PORT),
        "--priority",
        PRIORITY[version],
    ]
    command += ["--x509certfile", files / "server.pem", "--x509keyfile", files / "server.key", *options]
    with tls_wire.running(command) as process:
        yield process


def connect(end: tls.End, process: subprocess.Popen[bytes]) -> tls_wire.Wire:
    """Connect an end of ours to that server."""
    return tls_wire.Wire(end, netns.connect(process.pid, PORT))


def gnutls_cli(files: Path, version: str, port: int, *options: Any) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A client of a port of 127.0.0.1."""
    command: list[str | Path] = [peers.require("gnutls-cli"), "--port", str(port), "--priority", PRIORITY[version]]
    command += ["--x509cafile", files / "roots.pem", "--verify-hostname", tls.HOST, "--sni-hostname", tls.HOST]
    return tls_wire.running([*command, *options, "127.0.0.1"])
