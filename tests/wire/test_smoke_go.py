"""Go, from the protos alone, drives an initiator through the service."""

from __future__ import annotations

import os
import sys

import pytest
import trustme

from sspid_testing import openssl, peers, smoke

pytestmark = [pytest.mark.interop, pytest.mark.schannel, pytest.mark.timeout(400)]

SOURCES = smoke.TREE / "client" / "go" / "smoke"


@pytest.fixture(scope="module")
def program():
    go = peers.require("go")
    peers.require("openssl")
    env = {
        **os.environ,
        "PATH": os.pathsep.join((os.path.dirname(go), os.environ.get("PATH", os.defpath))),  # noqa: PTH120  # a PATH is text
        "PROTOC": f"{sys.executable} -m grpc_tools.protoc",
    }
    return smoke.built("go", SOURCES, lambda folder: smoke.make([SOURCES / "build.sh", folder], folder, env)) / "smoke"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_go_negotiates_and_exchanges_a_line(program, running, version):
    option = "-" + version.lower().replace("v", "").replace(".", "_")
    with openssl.s_server(running.server_certificate, running.server_key, "-rev", option) as peer:
        done = smoke.run([program, running.target, "localhost", str(peer.port)])
        assert (done.returncode, done.stdout) == (0, f"protocol {version}\nreceived olleh\n"), done.stderr
        peer.wait_for("CONNECTION CLOSED")


def test_go_reads_a_failing_status_and_tells_the_peer(program, running, tmp_path):
    stranger = trustme.CA().issue_cert("localhost")
    stranger.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
    with openssl.s_server(tmp_path / "stranger.pem", tmp_path / "stranger.pem", "-rev") as peer:
        done = smoke.run([program, running.unix_target, "localhost", str(peer.port)])
        assert done.returncode == 1
        assert "SEC_E_UNTRUSTED_ROOT (0x80090325)" in done.stderr
        peer.wait_for("alert unknown ca")
