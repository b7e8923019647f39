"""The programs of examples/ as tests run them, an application behind them, and what the service logged meanwhile."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sspid_testing import listeners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid_testing.server import Running

EXAMPLES = Path(__file__).parents[3] / "examples"
_READY_SECONDS = 20.0


@contextmanager
def example(name: str, *arguments: str) -> Iterator[str]:
    """Run a program of examples/ that says "ready: ADDRESS" once it is: its address."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        errors: list[str] = []
        reader = threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            readable, _, _ = select.select([process.stdout], [], [], _READY_SECONDS)
            line = process.stdout.readline() if readable else ""
            if not line.startswith("ready: "):
                process.kill()
                reader.join(5)
                raise AssertionError(f"{name} did not get ready:\n{''.join(errors)}")  # the process is ended below
            yield line.removeprefix("ready: ").strip()
        finally:
            process.terminate()
            process.wait(15)
            reader.join(5)


class _Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Say what arrived."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = {
            "user": self.headers.get_all("X-Remote-User"),
            "authorization": self.headers.get("Authorization"),
            "method": self.command,
            "path": self.path,
            "body": body.decode(),
        }
        text = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # noqa: N815  # http.server finds methods by these names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Keep quiet."""


@contextmanager
def application() -> Iterator[str]:
    """An application that believes X-Remote-User, and answers with what it was asked as JSON: its host:port."""
    with listeners.serving(ThreadingHTTPServer(("127.0.0.1", 0), _Application)) as server:
        yield f"127.0.0.1:{server.server_port}"


def accounts(service: Running, *arguments: str, given: str = "") -> str:
    """Run `sspid accounts` on the service's data."""
    command = [sys.executable, "-m", "sspid", "accounts", *arguments]
    environment = {**os.environ, "SSPID_DATA_DIR": str(service.data_dir)}
    return subprocess.run(command, input=given, env=environment, capture_output=True, text=True, check=True).stdout


class Audit:
    """The service's log from where this object was made."""

    def __init__(self, service: Running) -> None:
        self._service = service
        self._begin = len(service.log_text())

    def events(self, name: str, **wanted: str) -> list[dict[str, Any]]:
        """The lines of that event with these values so far."""
        lines = [json.loads(line) for line in self._service.log_text()[self._begin :].splitlines() if line.endswith("}")]
        return [line for line in lines if line["event"] == name and all(line[key] == value for key, value in wanted.items())]

    def handshakes(self, package: str, role: str = "acceptor", *, count: int = 1) -> list[str]:
        """The statuses of the package's handshakes, once there are `count` of them."""
        until = time.monotonic() + 10
        while True:
            found = [each["status"] for each in self.events("handshake", package=package, role=role)]
            if len(found) >= count or time.monotonic() > until:
                return found
            time.sleep(0.05)
