"""The README's first example is the program in examples/, and the program does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from sspid_testing import openssl

TREE = Path(__file__).parents[3]
EXAMPLE = TREE / "examples" / "tls_client.py"
README = TREE / "client" / "python" / "README.md"


def program(*arguments):
    command = [sys.executable, str(EXAMPLE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def blocks():
    return re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


def test_the_readme_shows_the_program():
    assert blocks()[0] == EXAMPLE.read_text("utf-8")


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.splitlines()[0][:40])
def test_every_example_is_python(block):
    compile(block, str(README), "exec", flags=0x2000)  # PyCF_ALLOW_TOP_LEVEL_AWAIT


@pytest.mark.wire
@pytest.mark.interop
@pytest.mark.schannel
@pytest.mark.parametrize("target", ["target", "unix_target"], ids=["tcp", "unix"])
def test_the_program_fetches_a_page_over_tls(service, target):
    with openssl.s_server(service.server_certificate, service.server_key, "-www") as peer:
        done = program("localhost", str(peer.port), getattr(service, target))
    assert done.returncode == 0, done.stderr
    assert "ConnectionInfo(protocol='TLSv1.3'" in done.stdout
    assert "HTTP/1.0 200 ok" in done.stdout
    assert "s_server -accept" in done.stdout, "the whole page came"
    assert done.stderr == ""


@pytest.mark.wire
@pytest.mark.interop
@pytest.mark.schannel
def test_the_program_says_why_it_fails(service, tmp_path):
    stranger = trustme.CA().issue_cert("localhost")
    stranger.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
    with openssl.s_server(tmp_path / "stranger.pem", tmp_path / "stranger.pem", "-www") as peer:
        done = program("localhost", str(peer.port), service.target)
        peer.wait_for("alert unknown ca")
    assert done.returncode == 1
    assert "SspiError: SEC_E_UNTRUSTED_ROOT: " in done.stderr
