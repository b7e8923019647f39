"""What one established TLS context costs the service in memory, beside a pyOpenSSL connection kept alive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import service
from measure import Row
from schannel import IN_FLIGHT, Bench, Peers, Scenario, turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tls_peers import Peer

CONTEXTS = 14_000
"""Nearly as many as a caller may hold: Python's tables grow in leaps, and fewer contexts would see some of them or none."""
WARM = 1000
SCENARIO = Scenario("tls13", "ecdsa", "full", "accept")


def rows() -> Iterator[Row]:
    """Bytes of resident memory that each further context adds."""
    with service.sspid() as server:
        bench = Bench(SCENARIO, server)
        # They stay: the first of the others would take what they leave.
        bench.run("_session", IN_FLIGHT, WARM)
        before = resident(server.pid)
        bench.run("_session", IN_FLIGHT, CONTEXTS)
        each = (resident(server.pid) - before) / CONTEXTS
    yield Row("tls_context_bytes", each, "bytes", _connection_bytes(), "a pyOpenSSL connection")


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def _connection_bytes() -> float:
    peers = Peers(SCENARIO)
    peers.server_lets_go = False
    kept: list[Peer] = []
    for _ in range(WARM):
        list(turns(peers, []))
    before = resident(os.getpid())
    for _ in range(WARM):
        ends: list[Peer] = []
        list(turns(peers, ends))
        kept.append(ends[1])
    return (resident(os.getpid()) - before) / WARM
