"""docs/credssp.md: every row of its tables names a test that exists, and no status or flag of the package is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.credssp
TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs/credssp.md").read_text("utf-8")
STATUSES, FLAGS = (PAGE.split(f"## {title}")[1].split("\n## ")[0] for title in ("Statuses", "Flags"))
STATUS_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| (SEC_[A-Z_]+) \| `([\w.]+)::([\w:]+)` \|$", re.MULTILINE)
FLAG_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*) \| `([\w.]+)::([\w:]+)` \|$", re.MULTILINE)
ROWS = STATUS_ROW.findall(STATUSES)
CODE = sorted((TREE / "service/src/sspid/packages/credssp").glob("*.py"))


def _tests(name: str) -> set[str]:
    """Test, or class::test, of the one file of that name."""
    (path,) = (TREE / "tests").rglob(name)
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


def test_tables_are_read_whole():
    assert len(ROWS) == sum(line.startswith("|") for line in STATUSES.splitlines()) - 2 > 40
    assert len(FLAG_ROW.findall(FLAGS)) == sum(line.startswith("|") for line in FLAGS.splitlines()) - 2


@pytest.mark.parametrize(("file", "test"), sorted({row[3:] for row in ROWS + FLAG_ROW.findall(FLAGS)}))
def test_row_names_a_test(file, test):
    assert test in _tests(file)


def test_statuses_are_statuses():
    assert {row[2] for row in ROWS} <= set(SecurityStatus.__members__)


def test_every_status_the_package_raises_has_a_row():
    code = "".join(path.read_text("utf-8") for path in CODE if path.name != "failures.py")
    used = set(re.findall(r"SecurityStatus\.(SEC_\w+)", code))
    assert used <= {row[2] for row in ROWS}


def test_every_code_of_the_seed_function_has_a_row_or_a_word():
    listed = {
        "SEC_E_INCOMPLETE_MESSAGE", "SEC_E_OK", "SEC_I_COMPLETE_AND_CONTINUE", "SEC_I_COMPLETE_NEEDED", "SEC_I_CONTINUE_NEEDED",
        "SEC_I_INCOMPLETE_CREDENTIALS", "SEC_E_INSUFFICIENT_MEMORY", "SEC_E_INTERNAL_ERROR", "SEC_E_INVALID_HANDLE",
        "SEC_E_INVALID_TOKEN", "SEC_E_LOGON_DENIED", "SEC_E_NO_AUTHENTICATING_AUTHORITY", "SEC_E_NO_CREDENTIALS",
        "SEC_E_TARGET_UNKNOWN", "SEC_E_UNSUPPORTED_FUNCTION", "SEC_E_WRONG_PRINCIPAL", "SEC_E_DELEGATION_POLICY",
        "SEC_E_POLICY_NLTM_ONLY", "SEC_E_MUTUAL_AUTH_FAILED",
    }  # fmt: skip
    assert all(name in STATUSES for name in listed)
