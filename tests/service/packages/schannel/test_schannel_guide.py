"""docs/schannel.md promises a test for each of its rows; here each of them is looked up."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from sspid.packages.schannel.flags import granted
from sspid.packages.schannel.settings import FLAGS
from sspid.vocabulary import status

pytestmark = pytest.mark.schannel

ROOT = Path(__file__).parents[4]
GUIDE = (ROOT / "docs" / "schannel.md").read_text("utf-8")
ROWS = [line for line in GUIDE.splitlines() if line.startswith("| ") and not line.endswith("| Test |")]
# What the pages of InitializeSecurityContext (Schannel) and AcceptSecurityContext (Schannel) list.
DOCUMENTED = [
    "SEC_E_OK",
    "SEC_I_CONTINUE_NEEDED",
    "SEC_I_COMPLETE_NEEDED",
    "SEC_I_COMPLETE_AND_CONTINUE",
    "SEC_E_INCOMPLETE_MESSAGE",
    "SEC_I_INCOMPLETE_CREDENTIALS",
    "SEC_E_APPLICATION_PROTOCOL_MISMATCH",
    "SEC_E_INSUFFICIENT_MEMORY",
    "SEC_E_INTERNAL_ERROR",
    "SEC_E_INVALID_HANDLE",
    "SEC_E_INVALID_TOKEN",
    "SEC_E_LOGON_DENIED",
    "SEC_E_NO_AUTHENTICATING_AUTHORITY",
    "SEC_E_NO_CREDENTIALS",
    "SEC_E_TARGET_UNKNOWN",
    "SEC_E_UNSUPPORTED_FUNCTION",
    "SEC_E_WRONG_PRINCIPAL",
    "STATUS_LOGON_FAILURE",
    "ISC_REQ_ALLOCATE_MEMORY",
    "ISC_REQ_CONFIDENTIALITY",
    "ISC_REQ_CONNECTION",
    "ISC_REQ_EXTENDED_ERROR",
    "ISC_REQ_INTEGRITY",
    "ISC_REQ_MANUAL_CRED_VALIDATION",
    "ISC_REQ_MUTUAL_AUTH",
    "ISC_REQ_REPLAY_DETECT",
    "ISC_REQ_SEQUENCE_DETECT",
    "ISC_REQ_STREAM",
    "ISC_REQ_USE_SUPPLIED_CREDS",
    "ASC_REQ_ALLOCATE_MEMORY",
    "ASC_REQ_CONFIDENTIALITY",
    "ASC_REQ_CONNECTION",
    "ASC_REQ_DELEGATE",
    "ASC_REQ_EXTENDED_ERROR",
    "ASC_REQ_MUTUAL_AUTH",
    "ASC_REQ_PROMPT_FOR_CREDS",
    "ASC_REQ_REPLAY_DETECT",
    "ASC_REQ_SEQUENCE_DETECT",
    "ASC_REQ_STREAM",
]


@cache
def functions(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_names_a_test_that_exists(row):
    path, _, name = row.rstrip("| ").rpartition("| ")[2].partition("::")
    assert path.startswith(("tests/", "client/python/tests/"))
    assert (ROOT / path).is_file()
    assert not name or name in functions(path)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_status_and_flag_of_the_function_pages_has_a_row(name):
    assert any(row.startswith(f"| {name} |") for row in ROWS)


def test_every_flag_that_a_credential_takes_has_a_row():
    section = GUIDE.partition("### Of a credential")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| ([A-Z_]+) \|", section, re.MULTILINE)) == FLAGS


def test_the_statuses_of_the_guide_exist():
    named = set(re.findall(r"^\| ((?:SEC|STATUS|CERT|CRYPT|TRUST)_[A-Z_]+) \|", GUIDE, re.MULTILINE))
    assert named <= set(status.SecurityStatus.__members__)
    assert granted(frozenset(), last=False)
