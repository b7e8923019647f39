"""Samba's winbind of a machine in no domain, in a temporary folder: it judges the machine's own accounts; needs root.

A test module says ``pytest_plugins = ("sspid_testing.winbind",)`` and takes the fixture ``winbind``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sspid_testing import peers

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAIN = "FILESRV"
USER = "nobody"
"""A Samba account needs a Unix account, and this one is everywhere."""
PASSWORD = "Passw0rd"
_START_SECONDS = 30.0

_SMB_CONF = """\
[global]
 netbios name = {domain}
 workgroup = WORKGROUP
 server role = standalone server
 passdb backend = tdbsam:{folder}/private/passdb.tdb
 private dir = {folder}/private
 lock directory = {folder}/lock
 state directory = {folder}/state
 cache directory = {folder}/cache
 pid directory = {folder}/pid
 ncalrpc dir = {folder}/ncalrpc
 winbindd socket directory = /run/samba/winbindd
 log file = {folder}/log.%m
 interfaces = lo
 bind interfaces only = yes
 disable netbios = yes
 ntlm auth = ntlmv2-only
"""


@dataclass
class StandaloneWinbind:
    """A running winbindd with a mount namespace of its own, because the folder of its socket is fixed."""

    folder: Path
    process: subprocess.Popen[bytes]

    def inside(self, *command: str) -> tuple[str, ...]:
        """`command` where it finds this winbind."""
        return ("nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", "--", *command)

    @property
    def ntlm_auth(self) -> tuple[str, ...]:
        """The helper that judges NTLM responses."""
        configuration = f"--configfile={self.folder / 'smb.conf'}"
        return self.inside(peers.require("ntlm_auth"), configuration, "--helper-protocol=ntlm-server-1")

    def stop(self) -> None:
        """End it and what it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5.0)


def start(folder: Path) -> StandaloneWinbind:
    """Start winbindd in `folder` (a short path) with one account; ready when this returns."""
    if os.geteuid() != 0:
        peers.absent("winbind with a socket of its own needs root: run the tests as root")
    server = peers.require("winbindd")
    for each in ("private", "lock", "state", "cache", "pid", "ncalrpc", "samba/winbindd"):
        (folder / each).mkdir(mode=0o755, parents=True)
    configuration = folder / "smb.conf"
    configuration.write_text(_SMB_CONF.format(domain=DOMAIN, folder=folder), "utf-8")
    smbpasswd = [peers.require("smbpasswd"), "-c", str(configuration), "-s", "-a", USER]
    subprocess.run(smbpasswd, input=f"{PASSWORD}\n{PASSWORD}\n", text=True, capture_output=True, check=True)
    running = StandaloneWinbind(folder, _started(server, folder))
    ping = running.inside(peers.require("wbinfo"), "--ping")
    until = time.monotonic() + _START_SECONDS
    while subprocess.run(ping, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > until or running.process.poll() is not None:
            running.stop()
            pytest.fail(f"winbindd did not come up: {(folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.1)
    return running


def _started(server: str, folder: Path) -> subprocess.Popen[bytes]:
    sockets = "/run/samba"
    Path(sockets).mkdir(mode=0o755, exist_ok=True)
    mounted = f'mount --bind "$1/samba" {sockets} && exec "$2" -F --no-process-group -s "$1/smb.conf" --debug-stdout'
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", mounted, "sh", str(folder), server],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def winbind() -> Iterator[StandaloneWinbind]:
    """A winbind that a module's tests share; a test that stops it starts one of its own."""
    folder = Path(tempfile.mkdtemp(prefix="wb-"))
    folder.chmod(0o755)
    try:
        running = start(folder)
        yield running
        running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
