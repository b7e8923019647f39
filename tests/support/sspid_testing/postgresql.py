"""A PostgreSQL server in a temporary folder, on a free port of 127.0.0.1.

A test module says ``pytest_plugins = ("sspid_testing.postgresql",)`` and takes the fixture ``postgresql_server``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sspid_testing import peers
from sspid_testing.ports import free_port

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator

_USER = "postgres"
_numbers = count(1)


@dataclass
class PostgresqlServer:
    """A running server whose only user is `postgres`, without password, from this machine alone."""

    port: int
    programs: Path
    data: Path

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"accounts{next(_numbers)}"
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", _USER)
        subprocess.run([self.programs / "createdb", *address, name], check=True, capture_output=True)
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and to each of its connections' processes."""
        leader = int((self.data / "postmaster.pid").read_text("utf-8").split()[0])
        children = Path(f"/proc/{leader}/task/{leader}/children").read_text("utf-8").split()
        for each in (leader, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(each, number)


def require_driver() -> None:
    """Fail or skip where the driver is missing."""
    peers.require_module("psycopg")


def _as_user(*command: str | Path) -> list[str]:
    """PostgreSQL does not run as root."""
    own = [str(each) for each in command]
    return own if os.geteuid() != 0 else ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups", *own]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server for the session; a test makes its own database in it."""
    require_driver()
    programs = Path(peers.require("postgresql")).parent
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        account = pwd.getpwnam(_USER)
        os.chown(folder, account.pw_uid, account.pw_gid)
    port = free_port()
    data = folder / "data"
    control = _as_user(programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    try:
        initdb = _as_user(programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder)
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        yield PostgresqlServer(port, programs, data)
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
