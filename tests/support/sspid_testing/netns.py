"""A peer in a network of its own, for programs that cannot be told to listen on 127.0.0.1 alone; sockets into that network."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sspid_testing import peers

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_PATIENCE = 15.0


def isolated() -> list[str]:
    """What goes before the command."""
    if os.geteuid() != 0:
        peers.absent("a network of its own needs root: run the tests as root")
    return [peers.require("unshare"), "--net"]


def connect(process_id: int, port: int) -> socket.socket:
    """Connect to 127.0.0.1 in the network of a process that `isolated` began and that may still be starting."""
    # A network namespace is a thread's own: the thread that enters it ends here, its socket stays in there.
    with ThreadPoolExecutor(1) as inside:
        return inside.submit(_connect, process_id, port).result()


def _connect(process_id: int, port: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE
    ours = Path("/proc/thread-self/ns/net").readlink()
    while Path(f"/proc/{process_id}/ns/net").readlink() == ours:  # unshare has not come so far yet
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with Path(f"/proc/{process_id}/ns/net").open("rb") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
