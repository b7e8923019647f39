"""A MariaDB server in a temporary folder, on a free port of 127.0.0.1: it speaks MySQL's protocol and dialect.

A test module says ``pytest_plugins = ("sspid_testing.mariadb",)`` and takes the fixture ``mariadb_server``.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sspid_testing import peers
from sspid_testing.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_USER, _PASSWORD = "accounts", "secret"
_SERVICE = "mysql"
"""The user that Debian's server runs as: it refuses root."""
_START_SECONDS = 30.0
_numbers = count(1)


@dataclass
class MariadbServer:
    """A running server; its administrator has no password and comes in by the socket."""

    port: int
    socket: Path

    def run(self, statements: str) -> subprocess.CompletedProcess[str]:
        """Run some SQL as the administrator."""
        command = [peers.require("mariadb"), f"--socket={self.socket}", "--user=root"]
        return subprocess.run(command, input=statements, capture_output=True, text=True, check=False)

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"accounts{next(_numbers)}"
        done = self.run(
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4; "
            f"GRANT ALL ON {name}.* TO '{_USER}'@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';"
        )
        assert done.returncode == 0, done.stderr
        return f"mysql://{_USER}:{_PASSWORD}@127.0.0.1:{self.port}/{name}?charset=utf8mb4"


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """One server for the session; a test makes its own database in it."""
    peers.require_module("pymysql")
    install, server = peers.require("mariadb-install-db"), peers.require("mariadbd")
    folder = Path(tempfile.mkdtemp(prefix="my-"))
    user = _SERVICE if os.geteuid() == 0 else getpass.getuser()
    if os.geteuid() == 0:
        account = pwd.getpwnam(_SERVICE)
        os.chown(folder, account.pw_uid, account.pw_gid)
    own = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
    own_install = [install, *own, "--auth-root-authentication-method=normal"]
    subprocess.run([*own_install, "--skip-test-db"], check=True, capture_output=True, cwd=folder)
    running = MariadbServer(free_port(), folder / "socket")
    where = ["--bind-address=127.0.0.1", f"--port={running.port}", f"--socket={running.socket}", f"--pid-file={folder}/pid"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([server, *own, *where, "--skip-name-resolve"], stdout=log, stderr=log, cwd=folder)
    try:
        until = time.monotonic() + _START_SECONDS
        while running.run("SELECT 1;").returncode != 0:
            assert time.monotonic() < until and process.poll() is None, (folder / "log").read_text("utf-8", "replace")  # noqa: PT018
            time.sleep(0.2)
        yield running
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
