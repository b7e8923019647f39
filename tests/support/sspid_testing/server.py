"""A real sspid server process for tests: started on free ports with a data directory of its own, stopped at the end.

It is the compiled one of `make compiled` where TEST_COMPILED names its folder, as the Makefile does.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY_SECONDS = 20.0
LISTENERS = """
[[listeners]]
address = "127.0.0.1:0"
anonymous = true

[[listeners]]
address = "unix:"
"""


@dataclass
class Running:
    """`target` is "127.0.0.1:port", `unix_target` "unix:///path"; `log` gets standard error, `output` the ready line."""

    target: str
    unix_target: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path
    output: str
    ready_seconds: float

    @property
    def ca(self) -> Path:
        """The embedded CA's certificate."""
        return self.data_dir / "certificates" / "ca.pem"

    @property
    def server_certificate(self) -> Path:
        """The embedded server's certificate, for "localhost"."""
        return self.data_dir / "certificates" / "server.pem"

    @property
    def server_key(self) -> Path:
        """Its key."""
        return self.data_dir / "certificates" / "server-key.pem"

    def metrics_address(self) -> str:
        """Where the service said it shows its metrics."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            for line in self.log_text().splitlines():
                said = json.loads(line)
                if said["event"] == "metrics":
                    return str(said["address"])
            time.sleep(0.05)
        raise AssertionError(self.log_text())

    def log_text(self) -> str:
        """What the service has logged so far."""
        return self.log.read_text("utf-8")


@contextmanager
def running(
    folder: Path,
    config: str = "",
    *,
    listeners: str = LISTENERS,
    arguments: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
) -> Iterator[Running]:
    """Start `sspid serve` with its data under `folder`; `config` is TOML placed before the listeners."""
    process, log, began = start(folder, config, listeners, arguments, env)
    try:
        output = read_ready_line(process, log)
        addresses = re.search(r"ready: (.*) \(data in", output)
        assert addresses, f"no ready line in {output!r}"
        found = addresses[1].split(", ")
        tcp = [each for each in found if not each.startswith("unix:")]
        unix = [each for each in found if each.startswith("unix:")]
        ready = time.monotonic() - began
        yield Running(tcp[0] if tcp else "", unix[0] if unix else "", folder / "data", process, log, output, ready)
    finally:
        stop(process)


def start(
    folder: Path, config: str, listeners: str, arguments: tuple[str, ...], env: dict[str, str] | None
) -> tuple[subprocess.Popen[bytes], Path, float]:
    """Start the process and do not wait for it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sspid.toml").write_text(f"{config}\n{listeners}", "utf-8")
    log = folder / "sspid.log"
    command = [sys.executable, "-m", "sspid", "serve", "--config", str(folder / "sspid.toml"), *arguments]
    surroundings = {
        **os.environ,
        "SSPID_DATA_DIR": str(folder / "data"),
        "SSPID_METRICS_ADDRESS": "",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, (os.environ.get("TEST_COMPILED"), os.environ.get("PYTHONPATH")))),
        **(env or {}),
    }
    with log.open("ab") as sink:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, env=surroundings)
    return process, log, began


def read_ready_line(process: subprocess.Popen[bytes], log: Path) -> str:
    """The first line the service prints; fails with its log where none comes."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS)
    line = process.stdout.readline().decode() if readable else ""
    if not line:
        stop(process)
        message = f"sspid did not get ready (exit {process.returncode}):\n{log.read_text('utf-8')}"
        raise AssertionError(message)
    return line


def stop(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM and wait; SIGKILL where that does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
    return process.returncode
