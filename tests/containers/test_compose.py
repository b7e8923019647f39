"""The containers of docker-compose.yml for real: built, started, tested over mutual TLS from inside the network, taken down."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sspid_testing import peers

pytestmark = pytest.mark.interop

ROOT = Path(__file__).parents[2]
CANNOT_BE_HAD_HERE = 77


@pytest.mark.timeout(900)
def test_the_wire_tests_pass_between_containers() -> None:
    peers.require("podman")
    peers.require("runc")
    peers.require("netavark")
    run = subprocess.run(["scripts/compose-test.sh"], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode == CANNOT_BE_HAD_HERE:
        peers.absent(run.stderr.strip().splitlines()[-1])
    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed, run.stdout
    assert int(passed[1]) > 0
