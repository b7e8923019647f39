"""Samba's winbind of a machine in no domain, in a temporary folder: it judges the machine's own accounts; needs root.

A test module says ``pytest_plugins = ("sspid_testing.winbind",)`` and takes the fixture ``winbind``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sspid_testing import namespace, peers, samba_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sspid_testing.namespace import Namespace

_START_SECONDS = 30.0

_SMB_CONF = """\
 winbindd socket directory = /run/samba/winbindd
 log file = {folder}/log.%m
 ntlm auth = ntlmv1-permitted
"""


@dataclass
class StandaloneWinbind:
    """A running winbindd."""

    folder: Path
    namespace: Namespace

    @property
    def ntlm_auth(self) -> tuple[str, ...]:
        """The helper that judges NTLM responses."""
        configuration = f"--configfile={self.folder / 'smb.conf'}"
        return self.namespace.inside(peers.require("ntlm_auth"), configuration, "--helper-protocol=ntlm-server-1")


def start(folder: Path) -> StandaloneWinbind:
    """Start winbindd in `folder` (a short path: sockets lie in it) with one account; ready when this returns."""
    if os.geteuid() != 0:
        peers.absent("winbind with a socket of its own needs root: run the tests as root")
    server = peers.require("winbindd")
    (folder / "samba" / "winbindd").mkdir(mode=0o755, parents=True)
    configuration = samba_alone.configure(folder, _SMB_CONF.format(folder=folder))
    command = [server, "-F", "--no-process-group", "-s", str(configuration), "--debug-stdout"]
    started = namespace.start(folder, {folder / "samba": "/run/samba"}, command)
    ping = started.inside(peers.require("wbinfo"), "--ping")
    until = time.monotonic() + _START_SECONDS
    while subprocess.run(ping, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > until or started.process.poll() is not None:
            started.stop()
            pytest.fail(f"winbindd did not come up: {(folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.1)
    return StandaloneWinbind(folder, started)


@contextmanager
def running() -> Iterator[StandaloneWinbind]:
    """A winbind of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="wb-"))
    folder.chmod(0o755)
    try:
        started = start(folder)
        try:
            yield started
        finally:
            started.namespace.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def winbind() -> Iterator[StandaloneWinbind]:
    """A winbind that a module's tests share; a test that stops it starts one of its own."""
    with running() as started:
        yield started
