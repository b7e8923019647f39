"""Node, from the protos alone, drives an initiator through the service."""

from __future__ import annotations

import json
import shutil

import pytest
import trustme

from sspid_testing import openssl, peers, smoke

pytestmark = [pytest.mark.interop, pytest.mark.schannel, pytest.mark.timeout(400)]

SOURCES = smoke.TREE / "client" / "node" / "smoke"


@pytest.fixture(scope="module")
def program():
    node, npm = peers.require("node"), peers.require("npm")
    peers.require("openssl")

    def build(folder):
        for name in ("package.json", "package-lock.json", "smoke.js"):
            shutil.copy(SOURCES / name, folder)
        smoke.make([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

    return [node, smoke.built("node", SOURCES, build) / "smoke.js", smoke.PROTOS]


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_node_negotiates_and_exchanges_a_line(program, running, version):
    option = "-" + version.lower().replace("v", "").replace(".", "_")
    with openssl.s_server(running.server_certificate, running.server_key, "-rev", option) as peer:
        done = smoke.run([*program, running.target, "localhost", str(peer.port)])
        assert (done.returncode, done.stdout) == (0, f"protocol {version}\nreceived olleh\n"), done.stderr
        peer.wait_for("CONNECTION CLOSED")


def test_node_reads_a_failing_status_and_tells_the_peer(program, running, tmp_path):
    stranger = trustme.CA().issue_cert("localhost")
    stranger.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
    with openssl.s_server(tmp_path / "stranger.pem", tmp_path / "stranger.pem", "-rev") as peer:
        done = smoke.run([*program, running.unix_target, "localhost", str(peer.port)])
        assert done.returncode == 1
        assert "SEC_E_UNTRUSTED_ROOT (0x80090325)" in done.stderr
        peer.wait_for("alert unknown ca")


def test_the_lock_file_names_no_registry():
    packages = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all(package.get("integrity") for name, package in packages.items() if name)
