"""What the guides say about the tree is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sspid_protos.sspi.v1 import context_service_pb2, credential_service_pb2, message_service_pb2, package_service_pb2

ROOT = Path(__file__).parents[2]
FILES = (package_service_pb2, credential_service_pb2, context_service_pb2, message_service_pb2)


def test_every_rpc_is_in_the_table_of_functions() -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                assert method.name in text, method.name


def test_every_path_of_the_directory_layout_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    assert len(paths) > 15
    for path in paths:
        assert list(ROOT.glob(re.sub(r"<\w+>", "*", path).rstrip("/"))), path


@pytest.mark.parametrize("page", sorted(str(each.relative_to(ROOT)) for each in ROOT.glob("docs/**/*.md")))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    here = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", here.read_text("utf-8")):
        assert (here.parent / target).exists(), f"{page} links to {target}"


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / target).exists(), target


def test_the_first_screen_is_the_example_that_is_tested() -> None:
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    assert block[1].strip() in (ROOT / "examples" / "tls_client.py").read_text("utf-8")
