from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from sspid_testing import server
from sspid_testing.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

# Against a service that runs elsewhere only what needs nothing but its address is tested; all others start services of
# their own, with configurations, accounts and peers.
ANYWHERE = {"test_contract.py", "test_session_together.py", "test_streams.py"}
collect_ignore = (
    [each.name for each in Path(__file__).parent.glob("test_*.py") if each.name not in ANYWHERE]
    if os.environ.get("TEST_TARGET")
    else []
)


def given_target() -> Wire | None:
    """The service that TEST_TARGET names, called over mutual TLS: how the containers' tests run."""
    target = os.environ.get("TEST_TARGET")
    if not target:
        return None
    ca, certificate, key = (Path(os.environ[f"TEST_TLS_{name}"]).read_bytes() for name in ("CA", "CERT", "KEY"))
    return Wire(grpc.secure_channel(target, grpc.ssl_channel_credentials(ca, key, certificate)))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Running]:
    """A service of the tests' own, for what needs its files, log or process."""
    with server.running(tmp_path_factory.mktemp("sspid")) as service:
        yield service


@pytest.fixture
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """Raw stubs to a service: the one TEST_TARGET names, else the tests' own."""
    wire = given_target() or Wire(grpc.insecure_channel(request.getfixturevalue("running").target))
    yield wire
    wire.channel.close()
