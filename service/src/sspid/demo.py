"""The demonstration: a Schannel handshake with a real `openssl s_server`, every leg an RPC, shown as it happens."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid.config import Settings
    from sspid_client import Client, Context, Step

HOST = "localhost"
PEER_SECONDS = 10.0
ROW = "  {:<4} {:<27} {:>12} {:>12}   {}"


def plain_listener(settings: Settings) -> int:
    """Which listener the demonstration calls: the first that asks for no certificate; -1 where all do."""
    return next((index for index, each in enumerate(settings.listeners) if each.tls is None), -1)


def run(target: str, data_dir: Path) -> int:
    """Show one handshake through the service at `target`, whose data directory has the demo certificates; exit status."""
    openssl = shutil.which("openssl")
    if openssl is None:
        click.echo("The demonstration wants a peer: install OpenSSL's command (apt-get install openssl).", err=True)
        return 1
    try:
        import sspid_client  # noqa: PLC0415  # an extra of the service
    except ModuleNotFoundError:
        click.echo("The demonstration calls the service as a client: install sspid[demo].", err=True)
        return 1
    try:
        with s_server(openssl, data_dir / "certificates") as port, sspid_client.Client(target) as client:
            converse(client, port)
    except (sspid_client.SspiError, OSError) as failure:
        click.echo(f"The handshake failed: {failure}", err=True)
        return 1
    return 0


def run_alone(settings: Settings) -> int:
    """Start a service for the demonstration only, in a data directory that is thrown away."""
    from dataclasses import replace  # noqa: PLC0415  # only here

    from sspid import logs  # noqa: PLC0415  # only here
    from sspid.app import Service  # noqa: PLC0415  # only here
    from sspid.config import Listener, Log  # noqa: PLC0415  # only here

    with tempfile.TemporaryDirectory(prefix="sspid-demo-") as folder:
        quiet = replace(settings, data_dir=Path(folder), listeners=[Listener("127.0.0.1:0", anonymous=True)], log=Log("error"))
        service = Service(quiet, logs.configure(quiet.log))
        target = service.listen()[0]
        service.start()
        try:
            return run(target, quiet.data_dir)
        finally:
            service.stop()


@contextmanager
def s_server(openssl: str, certificates: Path) -> Iterator[int]:
    """A real TLS server with the embedded server certificate, on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    command = [openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet"]
    command += ["-cert", str(certificates / "server.pem"), "-key", str(certificates / "server-key.pem")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # found above
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PEER_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if process.poll() is not None:
                message = f"`openssl s_server` ended with exit status {process.returncode}"
                raise OSError(message) from None
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def converse(client: Client, port: int) -> None:
    """One connection: the handshake leg by leg, what was negotiated, a request, a clean close."""
    from sspid_client import OUTBOUND, STREAM_FLAGS, TlsStream, named  # noqa: PLC0415  # as in run

    with (
        socket.create_connection(("127.0.0.1", port), timeout=PEER_SECONDS) as peer,
        client.acquire_credentials_handle("Schannel", OUTBOUND, named("demo-client")) as credential,
        credential.initialize(HOST, flags=STREAM_FLAGS) as context,
    ):
        rest = shake_hands(context, peer)
        show_negotiated(context)
        stream = TlsStream(client, peer, context, rest)
        stream.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = bytearray()
        while chunk := stream.recv(65536):
            answer += chunk
        click.echo(f"  sent     GET / sealed by EncryptMessage; DecryptMessage opened {len(answer)} bytes:")
        click.echo(f"           {_first_line(answer)}")
        click.echo("  closed   close_notify received; the context and the credential are freed\n")


def shake_hands(context: Context, peer: socket.socket) -> bytes:
    """Drive the context with what the peer sends, a row a leg; what came beyond the handshake."""
    title = f"\nA handshake with `openssl s_server` on 127.0.0.1:{peer.getpeername()[1]}, every token made by the service:\n"
    rows = [ROW.format("leg", "function", "from peer", "to peer", "status")]
    try:
        return _drive(context, peer, rows)
    finally:
        # All at once: the service logs to the same terminal meanwhile.
        click.echo("\n".join([title, *rows]))


def _drive(context: Context, peer: socket.socket, rows: list[str]) -> bytes:
    from sspid_client import SecurityStatus  # noqa: PLC0415  # as in run

    received = b""
    while True:
        step = context.step(received)
        rows.append(_row(len(rows), received, step))
        if step.token:
            peer.sendall(step.token)
        if step.status is not SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            received = step.extra
        if step.done:
            return received
        if not received or step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            received += peer.recv(65536)


def _row(number: int, received: bytes, step: Step) -> str:
    taken = f"{len(received) - len(step.extra)} bytes" if received else "-"
    made = f"{len(step.token)} bytes" if step.token else "-"
    return ROW.format(number, "InitializeSecurityContext", taken, made, step.status.name)


def show_negotiated(context: Context) -> None:
    """Protocol, cipher, key exchange and the peer's name, as QueryContextAttributes answers."""
    from cryptography import x509  # noqa: PLC0415  # costs start-up time

    from sspid_client import attributes  # noqa: PLC0415  # as in run

    info = context.query(attributes.CONNECTION_INFO)
    suite = context.query(attributes.CIPHER_INFO)
    leaf = x509.load_der_x509_certificate(context.query(attributes.REMOTE_CERT_CONTEXT).der)
    click.echo(f"\n  agreed   {info.protocol}, {suite.cipher_suite_name}, key exchange {info.exchange}")
    click.echo(f"  peer     {leaf.subject.rfc4514_string()}, issued by {leaf.issuer.rfc4514_string()}, verified")


def _first_line(answer: bytes | bytearray) -> str:
    return bytes(answer).split(b"\r\n", 1)[0].decode("ascii", "replace").strip()
