"""docs/kerberos.md: every row of its table of statuses names a test that exists, and no status is missing."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from sspid.packages.kerberos.policy import KerberosPolicy
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.kerberos
TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs/kerberos.md").read_text("utf-8")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ((?:SEC|STATUS)_[A-Z_]+) \| `([\w.]+)::(\w+)` \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE)
CODE = sorted((TREE / "service/src/sspid/packages/kerberos").glob("*.py"))


def _tests(name):
    (path,) = (TREE / "tests").rglob(name)
    return {node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


def test_table_is_read_whole():
    table = PAGE.split("## Statuses")[1].split("\n## ")[0]
    assert len(ROWS) == sum(line.startswith("|") for line in table.splitlines()) - 2 >= 45


@pytest.mark.parametrize(("function", "situation", "status", "file", "test"), ROWS)
def test_row_names_a_test_and_a_status(function, situation, status, file, test):
    assert function
    assert situation
    assert status in SecurityStatus.__members__
    assert test in _tests(file)


def test_every_status_of_the_package_has_a_row():
    used = set(re.findall(r"Status\.((?:SEC|STATUS)_\w+)", "".join(path.read_text("utf-8") for path in CODE)))
    assert used <= {status for _, _, status, _, _ in ROWS}


def test_policy_table_names_every_setting():
    named = re.findall(r"^\| `(\w+)` \| ", PAGE.split("## Policy")[1], re.MULTILINE)
    assert named == [field.name for field in fields(KerberosPolicy)]
