"""One metrics page for all workers, added up."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING

import grpc
import pytest

from sspid_testing import server
from sspid_testing.ports import free_port
from sspid_testing.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire
ESTABLISHED = 'sspid_handshakes_total{package="Schannel",role="acceptor",status="SEC_E_OK"}'


def established(address: str) -> float:
    page = urllib.request.urlopen(f"http://{address}/metrics", timeout=5).read().decode()  # our own
    return next((float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(ESTABLISHED)), 0.0)


def test_handshakes_of_every_worker_are_on_one_page(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    arguments = ("--workers", "3")
    with server.running(tmp_path, arguments=arguments, env={"SSPID_METRICS_ADDRESS": address}) as service:
        owners = set()
        for _ in range(12):
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(service.target, options=options) as channel:
                _client, accepted = Wire(channel).pair()
                owners.add(accepted.context.value[0])
        assert len(owners) > 1, "the kernel spreads twelve connections over three workers"
        until = time.monotonic() + 10
        while established(address) != 12.0 and time.monotonic() < until:
            time.sleep(0.2)
        assert established(address) == 12.0
