"""Ports of tests: given once, to one process, and never those that the system gives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from sspid_testing import ports

MANY = 200
ASK = f"from sspid_testing.ports import free_port; print(*[free_port() for _ in range({MANY})]); input()"


def test_processes_side_by_side_are_given_different_ports():
    env = {**os.environ, "PYTHONPATH": str(Path(ports.__file__).parents[1])}
    command = [sys.executable, "-c", ASK]
    others = [subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    try:
        # They live until all have answered: a port is held as long as its process.
        lines = [each.stdout.readline() for each in others if each.stdout is not None]
        mine = [ports.free_port() for _ in range(MANY)]
    finally:
        for each in others:
            each.communicate("\n", timeout=20)
    given = mine + [int(port) for line in lines for port in line.split()]
    assert len(set(given)) == len(given) == 4 * MANY


def test_the_system_gives_nobody_such_a_port():
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split())
    port = ports.free_port()
    assert 1024 < port < first or port > last


def test_a_port_somebody_listens_on_is_passed_over():
    taken = ports.free_port()
    with socket.create_server(("127.0.0.1", taken)):
        assert not ports._is_free(taken)
    assert not ports._lock(taken)
