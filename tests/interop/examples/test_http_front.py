"""examples/http_front.py before an application: curl logs on by each scheme, and the service's audit says how that ended."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import trustme

from sspid_client import ContextFlag, SspiError, password
from sspid_testing import peers, server
from sspid_testing.example_programs import Audit, accounts, application, example
from sspid_testing.http_clients import CLIENTS, Asking

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.ntlm, pytest.mark.negotiate, pytest.mark.digest]
MACHINE = '[machine]\ncomputer = "WEB"\n'


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("front"), MACHINE) as running:
        accounts(running, "add", "alice", "--domain", "DOM", "--group", "staff", given="Passw0rd\n")
        yield running


@pytest.fixture(scope="module")
def front(service):
    with application() as upstream, example("http_front.py", "0", upstream, "--target", service.target) as address:
        yield f"http://{address}"


@pytest.fixture
def audit(service):
    return Audit(service)


def curl(*arguments, **environment):
    """The last answer's body and status, and how many connections the last request made."""
    command = [peers.require("curl"), "--silent", "--show-error", "--max-time", "20"]
    command += ["--write-out", "\n%{http_code} %{num_connects}\n", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    *bodies, numbers = filter(None, done.stdout.splitlines())
    body = bodies[-1] if bodies else ""
    status, connections = map(int, numbers.split())
    return status, connections, json.loads(body) if body.startswith("{") else body


@pytest.fixture
def by_gssapi(tmp_path):
    """What makes curl's --negotiate speak NTLM inside SPNEGO: gss-ntlmssp, and no realm to look for."""
    peers.require("gss-ntlmssp")
    (tmp_path / "krb5.conf").write_text("[libdefaults]\n dns_lookup_kdc = false\n", "utf-8")
    return lambda secret: {
        "KRB5_CONFIG": str(tmp_path / "krb5.conf"),
        "KRB5CCNAME": str(tmp_path / "none"),
        "NTLM_USER_FILE": _users(tmp_path, secret),
    }


def _users(folder, secret):
    (folder / "users").write_text(f"DOM:alice:{secret}\n", "utf-8")
    return str(folder / "users")


@pytest.mark.parametrize(("scheme", "package"), [("--ntlm", "NTLM"), ("--digest", "Digest")])
def test_curl_logs_on(front, audit, scheme, package):
    status, _, said = curl(scheme, "--user", r"DOM\alice:Passw0rd", f"{front}/page?x=1", "--header", "X-Remote-User: root")
    assert (status, said["user"], said["path"]) == (200, [r"DOM\alice"], "/page?x=1")
    assert said["authorization"] is None
    assert audit.handshakes(package) == ["SEC_E_OK"]
    assert audit.events("logon", package=package)[0]["result"] == "granted"


@pytest.mark.parametrize(("scheme", "package"), [("--ntlm", "NTLM"), ("--digest", "Digest")])
@pytest.mark.parametrize(
    ("user", "reason"), [(r"DOM\alice:wrong", "wrong password"), (r"DOM\mallory:Passw0rd", "unknown account")]
)
def test_curl_with_a_wrong_name_or_password(front, audit, scheme, package, user, reason):
    status, _, said = curl(scheme, "--user", user, f"{front}/page")
    assert (status, said) == (401, "Log on.")
    assert audit.handshakes(package) == ["SEC_E_LOGON_DENIED"]
    assert [each["reason"] for each in audit.events("logon", package=package)] == [reason]


def test_curl_negotiates_ntlm(front, audit, by_gssapi):
    status, _, said = curl("--negotiate", "--user", ":", f"{front}/page", **by_gssapi("Passw0rd"))
    assert (status, said["user"]) == (200, [r"DOM\alice"])
    assert audit.handshakes("Negotiate") == ["SEC_E_OK"]


def test_curl_negotiates_ntlm_with_a_wrong_password(front, audit, by_gssapi):
    status, _, _ = curl("--negotiate", "--user", ":", f"{front}/page", **by_gssapi("wrong"))
    assert status == 401
    assert audit.handshakes("Negotiate") == ["SEC_E_LOGON_DENIED"]


def test_a_body_comes_through_its_logon(front):
    for scheme in ("--ntlm", "--digest"):
        status, _, said = curl(scheme, "--user", r"DOM\alice:Passw0rd", f"{front}/form", "--data", "name=value")
        assert (status, said["method"], said["body"]) == (200, "POST", "name=value")


def test_a_connection_that_is_logged_on_needs_no_second_logon(front, audit):
    status, connections, said = curl("--ntlm", "--user", r"DOM\alice:Passw0rd", f"{front}/one", f"{front}/two")
    assert (status, connections, said["path"], said["user"]) == (200, 0, "/two", [r"DOM\alice"])
    assert audit.handshakes("NTLM") == ["SEC_E_OK"]


def test_another_connection_is_nobody(front):
    curl("--ntlm", "--user", r"DOM\alice:Passw0rd", f"{front}/one")
    assert curl(f"{front}/two", "--header", "X-Remote-User: alice", "--header", "X_Remote_User: alice")[0] == 401


@pytest.mark.parametrize("header", ["NTLM !!", "NTLM AAAA", "Negotiate AAAA", "Digest x", 'Digest username="a"', "Basic YTpi"])
def test_what_is_no_logon_is_challenged_again(front, header):
    assert curl(f"{front}/page", "--header", f"Authorization: {header}")[0] == 401
    assert curl("--ntlm", "--user", r"DOM\alice:Passw0rd", f"{front}/page")[0] == 200


def identity(package, secret="Passw0rd"):
    """alice of DOM; a Digest credential's domain is a realm, and the front's is the service's default."""
    return password(r"DOM\alice", "", secret) if package == "Digest" else password("alice", "DOM", secret)


@pytest.mark.parametrize("package", ["Negotiate", "NTLM", "Digest"])
@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_the_python_client_logs_on(front, service, client, package):
    posts = [("POST", f"{front}/{each}", b"body") for each in ("one", "two")]
    asking = Asking(service.target, package, identity(package), posts)
    answers = CLIENTS[client](asking)
    assert [json.loads(each.text)["user"] for each in answers] == [[r"DOM\alice"]] * 2
    assert [json.loads(each.text)["body"] for each in answers] == ["body"] * 2
    assert answers[1].statuses == [200]
    denied = CLIENTS[client](asking._replace(identity=identity(package, "wrong")))
    assert [each.status for each in denied] == [401, 401]


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_the_python_client_wants_proof_of_the_server(front, service, client):
    asking = Asking(service.target, "Digest", identity("Digest"), [("GET", front, b"")] * 2, settings={"mutual": True})
    assert [each.status for each in CLIENTS[client](asking)] == [200, 200]
    with pytest.raises(SspiError, match="did not prove"):
        CLIENTS[client](asking._replace(package="NTLM", identity=identity("NTLM")))
    with pytest.raises(SspiError) as unable:
        CLIENTS[client](asking._replace(package="Digest", settings={"flags": ContextFlag.CONFIDENTIALITY}))
    assert unable.value.name == "SEC_E_UNSUPPORTED_FUNCTION"


@pytest.mark.parametrize("package", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_https_is_bound_to_the_servers_certificate(service, audit, tmp_path, client, package):
    with application() as upstream:
        ca = trustme.CA()
        certificate = ca.issue_cert("localhost", "127.0.0.1")
        ca.cert_pem.write_to_path(tmp_path / "ca.pem")
        certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
        certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
        tls = ("--certificate", str(tmp_path / "chain.pem"), "--key", str(tmp_path / "key.pem"), "--require-bindings")
        with example("http_front.py", "0", upstream, "--target", service.target, *tls) as address:
            url = f"https://{address}/"
            asking = Asking(service.target, package, identity(package), [("GET", url, b"")], str(tmp_path / "ca.pem"))
            answers = CLIENTS[client](asking)
            assert json.loads(answers[0].text)["user"] == [r"DOM\alice"]
            assert audit.handshakes(package) == ["SEC_E_OK"]
            # This curl's own NTLM binds nothing.
            unbound = curl("--ntlm", "--user", r"DOM\alice:Passw0rd", url, "--cacert", str(tmp_path / "ca.pem"))
            assert unbound[0] == 401
            assert audit.handshakes("NTLM", count=1 + (package == "NTLM"))[-1] == "SEC_E_BAD_BINDINGS"


@pytest.mark.kerberos
def test_curl_negotiates_kerberos(realm, tmp_path):
    (tmp_path / "keytab").write_bytes(realm.keys("HTTP/localhost"))
    (tmp_path / "cache").write_bytes(realm.cache("alice"))
    with server.running(tmp_path / "sspid", env=realm.environment) as own, application() as upstream:
        audit = Audit(own)
        arguments = ("--target", own.target, "--schemes", "Negotiate", "--keytab", str(tmp_path / "keytab"))
        with example("http_front.py", "0", upstream, *arguments) as address:
            url = f"http://localhost:{address.rpartition(':')[2]}/page"
            ticket = {**realm.environment, "KRB5CCNAME": f"FILE:{tmp_path}/cache"}
            status, _, said = curl("--negotiate", "--user", ":", url, **ticket)
            assert (status, said["user"]) == (200, [r"EXAMPLE.TEST\alice"])
            assert audit.handshakes("Negotiate") == ["SEC_E_OK"]


def test_a_service_that_is_away_is_no_refusal(tmp_path):
    with (
        server.running(tmp_path) as own,
        application() as upstream,
        example("http_front.py", "0", upstream, "--target", own.target) as address,
    ):
        server.stop(own.process)
        status, _, said = curl(f"http://{address}/")
        assert (status, said) == (503, "The logon service is away.")
