"""The containers of docker-compose.yml for real: built, started, tested over mutual TLS from inside the network, taken down."""

from __future__ import annotations

import re
import subprocess

import pytest

from sspid_testing import image, peers

pytestmark = pytest.mark.interop


@pytest.mark.timeout(900)
def test_the_wire_tests_pass_between_containers() -> None:
    image.require_podman()
    run = subprocess.run(["scripts/compose-test.sh"], cwd=image.ROOT, capture_output=True, text=True, check=False)
    if run.returncode == image.CANNOT_BE_HAD_HERE:
        peers.absent(run.stderr.strip().splitlines()[-1])
    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed, run.stdout
    assert int(passed[1]) > 0
