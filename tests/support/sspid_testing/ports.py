"""Ports for peers that cannot be told to listen on any: nobody else gets one as long as this process lives; no peers here."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

_SPAN: Final = 10_000
_held: list[socket.socket] = []


def free_port() -> int:
    """A port of 127.0.0.1 that is free for TCP and UDP, is given nobody by the system, and by this function to nobody else.

    A port that the system picked is anybody's again as soon as its socket is closed: while a peer starts, another process's
    listener or connection may be on it, and whoever waits for the peer finds a stranger.
    """
    for port in random.sample(_candidates(), _SPAN):
        if _lock(port) and _is_free(port):
            return port
    message = "no port is free"
    raise AssertionError(message)


@cache
def _candidates() -> range:
    """The ports below those that the system picks itself."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    return range(first - _SPAN, first) if first > 2 * _SPAN else range(61_000 - _SPAN, 61_000)


def _lock(port: int) -> bool:
    """Hold the port's name among abstract Unix sockets: as ports, one for a network namespace, gone with the process."""
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(f"\0sspid-testing-port-{port}")
    except OSError:
        holder.close()
        return False
    _held.append(holder)
    return True


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with closing(socket.socket(socket.AF_INET, kind)) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
