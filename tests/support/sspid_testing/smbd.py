"""Samba's file server of a machine in no domain, in a temporary folder, with one account; needs root.

A test module says ``pytest_plugins = ("sspid_testing.smbd",)`` and takes the fixture ``smbd``, which is the port.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sspid_testing import peers, samba_alone
from sspid_testing.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARE = "files"
_START_SECONDS = 30.0

_SMB_CONF = """\
 log file = {folder}/log
 smb ports = {port}
 server signing = mandatory
 map to guest = never
 load printers = no
 disable spoolss = yes
[{share}]
 path = {folder}/share
 read only = yes
"""


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    (folder / "share").mkdir(mode=0o755)
    port = free_port()
    configuration = samba_alone.configure(folder, _SMB_CONF.format(folder=folder, share=SHARE, port=port))
    command = [peers.require("smbd"), "-F", "--no-process-group", "-s", str(configuration)]
    # A session of its own: its children are stopped with it.
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + _START_SECONDS
    while not _listens(port):
        if server.poll() is not None or time.monotonic() > until:
            _stop(server)
            message = f"smbd does not listen: {(folder / 'log').read_text('utf-8', 'replace')[-2000:]}"
            raise AssertionError(message)
        time.sleep(0.05)
    return server, port


def _stop(server: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(10)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        server.kill()
        server.wait(10)


@pytest.fixture(scope="session")
def smbd() -> Iterator[int]:
    """The port of a running smbd."""
    if os.geteuid() != 0:
        peers.absent("smbd changes to its users and needs root: run the tests as root")
    peers.require("smbd")
    folder = Path(tempfile.mkdtemp(prefix="smbd-"))
    folder.chmod(0o755)
    try:
        server, port = _start(folder)
        try:
            yield port
        finally:
            _stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
