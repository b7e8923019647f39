"""OpenSSL's command-line server and client as peers of a TLS conversation; what they print is kept for the test to read."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sspid_testing import peers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 15.0


class Process:
    """A running peer: `lines` it printed so far, `port` it listens on (0 for a client)."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        command = [peers.require("openssl"), *arguments]
        self.port = 0
        self.lines: list[str] = []
        self._printed = threading.Condition()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in iter(self._process.stdout.readline, b""):
            with self._printed:
                self.lines.append(line.decode(errors="replace").rstrip())
                self._printed.notify_all()

    def wait_for(self, text: str) -> str:
        """The first line that contains `text`, as soon as it is printed."""
        deadline = time.monotonic() + _PATIENCE
        with self._printed:
            while True:
                for line in self.lines:
                    if text in line:
                        return line
                assert self._printed.wait(deadline - time.monotonic()), f"no {text!r} in {self.lines}"

    def say(self, data: bytes) -> None:
        """Type `data` into it."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)

    def hang_up(self) -> None:
        """End its input, on which a client says goodbye."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._reader.join(_PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def s_server(certificate: Path, key: Path, *arguments: str) -> Iterator[Process]:
    """`openssl s_server` on a free port; with ``-rev`` it answers each line backwards."""
    process = Process(
        ("s_server", "-accept", "127.0.0.1:0", "-cert", str(certificate), "-key", str(key), *arguments),
    )
    try:
        process.port = int(process.wait_for("ACCEPT").rpartition(":")[2])
        yield process
    finally:
        process.stop()


@contextmanager
def s_client(port: int, ca: Path, *arguments: str) -> Iterator[Process]:
    """`openssl s_client` to 127.0.0.1, which ends unless the server's certificate holds under `ca`."""
    process = Process(
        ("s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(ca), "-verify_return_error", *arguments),
    )
    try:
        yield process
    finally:
        process.stop()
