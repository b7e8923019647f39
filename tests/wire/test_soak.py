"""Ten thousand handshakes, half of them broken off: memory, file descriptors and handles are where they were."""

from __future__ import annotations

import os
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from sspid_testing import server
from sspid_testing.wire import ACCEPT, DELETE, INITIALIZE, Wire, status, token_out, tokens

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.soak]
WARM_UP, ROUNDS, ABANDON_EVERY = 2_000, 10_000, 50
GROWTH_KIB = 8 * 1024
CONFIG = "[limits]\nunfinished_seconds = 1.0\n"


class Kernel:
    """What /proc says of a process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def resident_kib(self) -> int:
        with open(f"/proc/{self._pid}/status", encoding="ascii") as lines:  # noqa: PTH123  # /proc is no ordinary path
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    def descriptors(self) -> int:
        """The fewest of a few looks: the page of the metrics that was just read is still a connection for a moment."""
        looks = []
        for _ in range(20):
            looks.append(len(os.listdir(f"/proc/{self._pid}/fd")))  # noqa: PTH208  # as above
            time.sleep(0.05)
        return min(looks)


def handles(page: str) -> dict[str, float]:
    text = urllib.request.urlopen(f"http://{page}/metrics", timeout=5).read().decode()  # our own
    return {
        name: float(value)
        for name, _, value in (line.partition(" ") for line in text.splitlines())
        if name in {"sspid_contexts", "sspid_credentials"}
    }


def shake_hands(wire: Wire, client: Any, peer: Any, number: int) -> None:
    """One handshake: whole, broken off by a delete, or simply abandoned."""
    sent = wire.contexts.InitializeSecurityContext(INITIALIZE(credential=client, target_name="localhost"))
    if number % ABANDON_EVERY == 1:
        return
    answered = wire.contexts.AcceptSecurityContext(ACCEPT(credential=peer, input=tokens(token_out(sent))))
    if number % 2 == 0:
        done = wire.contexts.InitializeSecurityContext(INITIALIZE(context=sent.context, input=tokens(token_out(answered))))
        last = wire.contexts.AcceptSecurityContext(ACCEPT(context=answered.context, input=tokens(token_out(done))))
        assert (status(done), status(last)) == ("SEC_E_OK", "SEC_E_OK")
    for reply in (sent, answered):
        wire.contexts.DeleteSecurityContext(DELETE(context=reply.context))


def settled(page: str) -> dict[str, float]:
    """The handle counts once the sweeper has taken what was abandoned."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        counts = handles(page)
        if counts.get("sspid_contexts") == 0:
            break
        time.sleep(0.5)
    return counts


@pytest.mark.timeout(400)
def test_ten_thousand_handshakes_leave_nothing_behind(tmp_path: Path) -> None:
    with (
        server.running(tmp_path, CONFIG, env={"SSPID_METRICS_ADDRESS": "127.0.0.1:0"}) as service,
        grpc.insecure_channel(service.target) as channel,
    ):
        wire = Wire(channel)
        client, peer = wire.client_credential(), wire.server_credential()
        for number in range(WARM_UP):
            shake_hands(wire, client, peer, number)
        page = service.metrics_address()
        before_handles = settled(page)
        kernel = Kernel(service.process.pid)
        before = kernel.resident_kib(), kernel.descriptors()
        for number in range(ROUNDS):
            shake_hands(wire, client, peer, number)
        assert settled(page) == before_handles == {"sspid_contexts": 0.0, "sspid_credentials": 2.0}
        assert kernel.descriptors() == before[1]
        assert kernel.resident_kib() - before[0] < GROWTH_KIB
