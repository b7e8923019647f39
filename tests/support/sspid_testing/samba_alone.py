"""Samba on a machine in no domain: what its daemons share in the tests, configuration and account; starts none."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from sspid_testing import peers

if TYPE_CHECKING:
    from pathlib import Path

NAME = "FILESRV"
USER = "nobody"
"""A Samba account needs a Unix account, and this one is everywhere."""
PASSWORD = "Passw0rd"

_GLOBAL = """\
[global]
 netbios name = {name}
 workgroup = WORKGROUP
 server role = standalone server
 passdb backend = tdbsam:{folder}/private/passdb.tdb
 private dir = {folder}/private
 lock directory = {folder}/lock
 state directory = {folder}/state
 cache directory = {folder}/cache
 pid directory = {folder}/pid
 ncalrpc dir = {folder}/ncalrpc
 interfaces = lo
 bind interfaces only = yes
 disable netbios = yes
"""
_FOLDERS = ("private", "lock", "state", "cache", "pid", "ncalrpc")


def configure(folder: Path, more: str) -> Path:
    """Write `folder`/smb.conf with what a daemon wants besides, make the folders it names, and add the account."""
    for each in _FOLDERS:
        (folder / each).mkdir(mode=0o755)
    configuration = folder / "smb.conf"
    configuration.write_text(_GLOBAL.format(name=NAME, folder=folder) + more, "utf-8")
    smbpasswd = [peers.require("smbpasswd"), "-c", str(configuration), "-s", "-a", USER]
    subprocess.run(smbpasswd, input=f"{PASSWORD}\n{PASSWORD}\n", text=True, capture_output=True, check=True)
    return configuration
