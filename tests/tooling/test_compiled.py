"""What `make compiled` makes: the service that runs is that one, and means what its source means."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sspid_testing import peers

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "service/src/sspid"
COMPILED = os.environ.get("TEST_COMPILED", "")
THE_SAME = ("tests/service", "tests/legs", "--ignore=tests/service/test_road_of_a_leg.py")
"""Without the one that looks for the source beside the modules."""


def modules() -> list[str]:
    """Those that service/setup.py has compiled, such as "rpc/chain"."""
    listed = re.search(r'^ON_THE_ROAD = """(.*?)"""', (ROOT / "service/setup.py").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert listed
    return listed[1].split()


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the compiled service."""
    if not (Path(COMPILED or "nowhere") / "sspid").is_dir():
        peers.absent("there is no compiled service: make compiled (on Debian: apt-get install gcc libc6-dev python3-dev)")
    environment = {**os.environ, "PYTHONPATH": COMPILED}
    return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", modules())
def test_nothing_in_a_module_loses_its_meaning_when_it_is_compiled(module: str) -> None:
    """The compiler drops the keywords of a class, and shares among threads what each should have for itself."""
    for node in ast.walk(ast.parse((SOURCE / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            assert not node.keywords, node.name
            assert "threading.local" not in map(ast.unparse, node.bases), node.name
        assert not (isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).endswith("cached_property"))


def test_every_module_of_the_road_is_compiled() -> None:
    names = [f"sspid.{module.replace('/', '.')}" for module in modules()]
    told = run("-c", f"import importlib\nfor name in {names}: print(importlib.import_module(name).__file__)")
    assert told.returncode == 0, told.stderr
    assert [Path(line).suffix for line in told.stdout.split()] == [".so"] * len(names)


@pytest.mark.timeout(300)
def test_the_tests_of_the_source_pass_when_it_is_compiled() -> None:
    tests = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *THE_SAME)
    assert tests.returncode == 0, tests.stdout[-5000:]
