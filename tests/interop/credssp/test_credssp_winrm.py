"""WinRM's way with CredSSP ([MS-WSMV] 2.2.9.1.3): pypsrp with requests-credssp against an HTTP server of ours."""

from __future__ import annotations

from typing import Any

import pytest

from sspid_testing import peers, winrm, wsman
from sspid_testing.winrm_acceptors import DOMAIN, PASSWORD, USER, Ours

pytestmark = [pytest.mark.credssp, pytest.mark.interop]


def client(server: winrm.Server, password: str) -> Any:
    peers.require_module("requests_credssp")
    return peers.require_module("pypsrp.wsman").WSMan(
        "localhost", port=int(server.url.rpartition(":")[2].partition("/")[0]), ssl=False, auth="credssp",
        username=f"{DOMAIN}\\{USER}", password=password, no_proxy=True, credssp_auth_mechanism="ntlm", reconnection_retries=0,
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_messages_are_sealed_both_ways(protocol):
    with winrm.served(lambda: Ours(protocol), winrm.capitals) as server:
        sent = client(server, PASSWORD).transport
        assert sent.send(b"<a>first</a>") == b"<A>FIRST</A>"
        long = b"<b>" + b"x" * 40000 + b"</b>"
        assert sent.send(long) == long.upper()
        (acceptor,) = server.acceptors
        assert acceptor.delegated == (DOMAIN, USER, PASSWORD)
        assert not server.refusals


def test_wrong_password():
    with winrm.served(Ours, winrm.capitals) as server:
        exceptions = peers.require_module("requests_credssp.exceptions")
        with pytest.raises(exceptions.NTStatusException, match="STATUS_LOGON_FAILURE"):
            client(server, "wrong").transport.send(b"<a/>")
        assert server.refusals == ["SEC_E_LOGON_DENIED"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("echo", "hello"), (0, b"hello\r\n", b"")),
        (("slow",), (0, b"late\r\n", b"")),
        (("long", "50000"), (0, b"x" * 50000, b"")),
    ],
    ids=["echo", "slow", "long"],
)
def test_shells_are_what_another_client_takes_for_shells(command, expected):
    shell = peers.require_module("pypsrp.shell")
    application = wsman.Shells()
    with winrm.served(Ours, application) as server, shell.WinRS(client(server, PASSWORD)) as opened:
        process = shell.Process(opened, command[0], list(command[1:]))
        process.invoke()
        process.signal(shell.SignalCode.TERMINATE)
        assert (process.rc, process.stdout, process.stderr) == expected
    assert not application.open
