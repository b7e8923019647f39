"""examples/winrm_go: a command over WinRM with CredSSP from Go, at servers that accept through us and through pyspnego."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sspid_testing import peers, server, smoke, winrm, winrm_acceptors, wsman
from sspid_testing.winrm_acceptors import DOMAIN, PASSWORD, USER, Ours, Theirs, Third

pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.credssp, pytest.mark.timeout(400)]
SOURCES = smoke.TREE / "examples" / "winrm_go"
POLICY = '[policy.credssp]\nallow_fresh = ["WSMAN/*"]\nallow_fresh_ntlm_only = ["WSMAN/localhost"]\n'
NOT_RUN = 125


@pytest.fixture(scope="module")
def program():
    go = peers.require("go")
    env = {**smoke.beside(go), "PROTOC": f"{sys.executable} -m grpc_tools.protoc"}
    return smoke.built("winrm_go", SOURCES, lambda folder: smoke.make([SOURCES / "build.sh", folder], folder, env)) / "winrm"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("winrm"), POLICY) as running:
        yield running


@pytest.fixture(autouse=True)
def spnego(monkeypatch, tmp_path):
    return winrm_acceptors.prepare(monkeypatch, tmp_path)


@pytest.fixture
def run(program, service):
    def made(url, *command, secret=PASSWORD, target=""):
        given = [program, "-service", target or service.target, "-user", f"{DOMAIN}\\{USER}", url, *command]
        done = subprocess.run(given, input=f"{secret}\n".encode(), capture_output=True, timeout=60, check=False)
        assert secret.encode() not in done.stdout + done.stderr
        return done

    return made


def refused(done, *words):
    assert (done.returncode, done.stdout) == (NOT_RUN, b"")
    for word in words:
        assert word in done.stderr.decode()


ACCEPTORS = {
    "ours-tls1.2": lambda: Ours("TLSv1.2"),
    "ours-tls1.3": lambda: Ours("TLSv1.3"),
    "pyspnego-tls1.2": lambda: Theirs(protocol="TLSv1.2"),
    "pyspnego-tls1.3": lambda: Theirs(protocol="TLSv1.3"),
    "pyspnego-tls1.3-no-tickets": lambda: Theirs(protocol="TLSv1.3", tickets=0),
}


@pytest.mark.parametrize("acceptor", ACCEPTORS)
def test_command_and_its_output(run, acceptor):
    application = wsman.Shells()
    with winrm.served(ACCEPTORS[acceptor], application) as http:
        done = run(http.url, "echo", "a <b> & 'c'", "d")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"a <b> & 'c' d\r\n", b"")
        assert application.actions == ["Create", "Command", "Receive", "Signal", "Delete"]
        assert not application.open
        assert [each.delegated for each in http.acceptors] == [(DOMAIN, USER, PASSWORD)]
        assert http.connections == 1
        assert {len(each.body) for each in http.seen if each.authorization} == {0}
        assert b"Envelope" not in http.bodies
        assert not http.refusals


def test_output_and_arguments_longer_than_a_part(run):
    with winrm.served(Theirs, wsman.Shells()) as http:
        done = run(http.url, "long", "50000")
        assert (done.returncode, done.stdout) == (0, b"x" * 50_000), done.stderr
        done = run(http.url, "echo", "y" * 40_000)
        assert (done.returncode, done.stdout) == (0, b"y" * 40_000 + b"\r\n"), done.stderr
        assert any(each.content_type.startswith("multipart/x-multi-encrypted;") for each in http.seen)


def test_command_that_takes_its_time(run):
    application = wsman.Shells()
    with winrm.served(Theirs, application) as http:
        done = run(http.url, "slow")
        assert (done.returncode, done.stdout) == (0, b"late\r\n"), done.stderr
        assert application.actions.count("Receive") == 3


def test_exit_code_and_errors_of_the_command(run):
    application = wsman.Shells()
    with winrm.served(Theirs, application) as http:
        done = run(http.url, "nonsense")
        assert done.returncode == 9009 % 256
        assert b"'nonsense' is not recognized" in done.stderr
        assert not application.open


@pytest.mark.parametrize("acceptor", ["ours-tls1.3", "pyspnego-tls1.3"])
def test_wrong_password(run, acceptor):
    application = wsman.Shells()
    with winrm.served(ACCEPTORS[acceptor], application) as http:
        refused(run(http.url, "echo", secret="wrong"), f"localhost refused the logon of {DOMAIN}\\{USER}", "check the name")
        assert not application.actions


def test_wrong_password_at_a_server_that_says_nothing(run, spnego, monkeypatch):
    monkeypatch.setattr(spnego._credssp, "_CREDSSP_VERSION", 5)
    with winrm.served(Theirs, wsman.Shells()) as http:
        refused(run(http.url, "echo", secret="wrong"), f"localhost refused the logon of {DOMAIN}\\{USER}")


@pytest.mark.parametrize(
    ("policy", "status", "advice"),
    [
        ("", "SEC_E_DELEGATION_POLICY", "allow_fresh of [policy.credssp] does not name the target 'WSMAN/localhost'"),
        ('[policy.credssp]\nallow_fresh = ["WSMAN/*"]\n', "SEC_E_POLICY_NLTM_ONLY", "add it to allow_fresh_ntlm_only"),
    ],
)
def test_policy_that_refuses_the_delegation(run, tmp_path, policy, status, advice):
    with server.running(tmp_path / "strict", policy) as strict, winrm.served(Theirs, wsman.Shells()) as http:
        refused(
            run(http.url, "echo", target=strict.target), "was not sent", 'list "WSMAN/localhost" in allow_fresh', status, advice
        )
        assert [each.delegated for each in http.acceptors] == [None]
        assert http.refusals, "the server was told"


def test_third_party_with_a_certificate_of_his_own(run):
    with winrm.served(lambda: Third(Theirs(protocol="TLSv1.2")), wsman.Shells()) as http:
        refused(run(http.url, "echo"), "localhost refused the logon")
        assert [each.behind.delegated for each in http.acceptors] == [None]
        assert "Public key verification failed" in http.refusals[0]


def test_server_that_proves_another_key(run, spnego, monkeypatch):
    prove = spnego._credssp._get_pub_key_auth
    another = spnego.tls.generate_tls_certificate()[2]
    monkeypatch.setattr(
        spnego._credssp,
        "_get_pub_key_auth",
        lambda key, usage, nonce=None: prove(another if usage == "accept" else key, usage, nonce=nonce),
    )
    with winrm.served(Theirs, wsman.Shells()) as http:
        refused(run(http.url, "echo"), "was not sent", "somebody may sit between", "SEC_E_WRONG_PRINCIPAL")
        assert [each.delegated for each in http.acceptors] == [None]


def test_server_without_credssp(run):
    with winrm.served(Theirs, wsman.Shells(), offered="Negotiate") as http:
        refused(run(http.url, "echo"), "Enable-WSManCredSSP", "Negotiate")


def test_nobody_there(run):
    with winrm.served(Theirs, wsman.Shells()) as http:
        refused(run(http.url, "echo", target="127.0.0.1:1"), "no service answers at 127.0.0.1:1", "sspid serve")
    refused(run("http://localhost:1/wsman", "echo"), "nothing answers at http://localhost:1/wsman")
    refused(run("https://localhost/wsman", "echo"), "is no http URL")


def test_answers_that_were_tampered_with(run):
    def change(data):
        at = data.rindex(b"--Encrypted") - 3
        return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]

    with winrm.served(Theirs, wsman.Shells(), spoil=change) as http:
        refused(run(http.url, "echo"), "SEC_E_MESSAGE_ALTERED")
    with winrm.served(Theirs, wsman.Shells(), answer_in_clear=True) as http:
        refused(run(http.url, "echo"), "without encryption")
