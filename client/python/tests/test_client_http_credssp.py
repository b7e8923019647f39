"""Logons by CredSSP for requests and httpx, and WinRM's message encryption, at an HTTP server whose CredSSP is pyspnego's."""

from __future__ import annotations

import contextlib

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sspid_client import OUTBOUND, Client, ContextFlag, SspiError, credssp, password, schannel
from sspid_client.http import encrypted
from sspid_client.http.requests import SspiAuth
from sspid_testing import server, tls, winrm, winrm_acceptors
from sspid_testing.http_clients import CLIENTS, Asking
from sspid_testing.winrm_acceptors import DOMAIN, PASSWORD, USER, Theirs, Third

pytestmark = [pytest.mark.interop, pytest.mark.wire, pytest.mark.credssp]
POLICY = """
[policy.credssp]
allow_fresh = ["WSMAN/*"]
allow_fresh_ntlm_only = ["WSMAN/localhost"]
"""
SEALED = {"flags": ContextFlag.DELEGATE, "encrypt": True}
PLAIN = {"flags": ContextFlag.DELEGATE}
SECRET = b"<secret>what nobody on the way may read</secret>"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("credssp"), POLICY) as running:
        yield running


@pytest.fixture(autouse=True)
def spnego(monkeypatch, tmp_path):
    return winrm_acceptors.prepare(monkeypatch, tmp_path)


@pytest.fixture(params=sorted(CLIENTS))
def fetch(request):
    return CLIENTS[request.param]


def identity(secret=PASSWORD, *, trusted=b""):
    part = schannel(trust_anchors=trusted) if trusted else None
    return credssp(schannel=part, negotiate=password(USER, DOMAIN, secret))


def asking(service, url, *bodies, secret=PASSWORD, settings=None, trusted=b""):
    posts = [("POST", url, body) for body in bodies or (SECRET,)]
    return Asking(service.target, "CredSSP", identity(secret, trusted=trusted), posts, settings=settings or SEALED)


def delegated(http):
    return [each.delegated for each in http.acceptors]


@pytest.mark.parametrize(("protocol", "tickets"), [("TLSv1.2", 2), ("TLSv1.3", 2), ("TLSv1.3", 0)])
def test_messages_are_sealed_both_ways(service, fetch, protocol, tickets):
    long = SECRET + b"x" * 50_000
    with winrm.served(lambda: Theirs(protocol=protocol, tickets=tickets), winrm.capitals) as http:
        answers = fetch(asking(service, http.url, SECRET, long, SECRET))
        assert [each.text for each in answers] == [each.upper().decode() for each in (SECRET, long, SECRET)]
        assert [each.headers["content-type"] for each in answers] == [winrm.SOAP] * 3
        assert [each.statuses[-2:] for each in answers] == [[200, 200], [200], [200]], "one logon for all"
        assert delegated(http) == [(DOMAIN, USER, PASSWORD)]
        assert http.connections == 1
        assert b"secret" not in http.bodies
        assert {len(each.body) for each in http.seen if each.authorization} == {0}
        assert not http.refusals


def test_logon_without_encryption(service, fetch):
    with winrm.served(Theirs, winrm.capitals) as http:
        answers = fetch(asking(service, http.url, b"first", b"second", settings=PLAIN))
        assert [each.text for each in answers] == ["FIRST", "SECOND"]
        assert [each.statuses[-1:] for each in answers] == [[200], [200]]
        assert len(answers[1].statuses) == 1
        assert delegated(http) == [(DOMAIN, USER, PASSWORD)]


def test_without_delegate_no_password_leaves(service, fetch):
    with winrm.served(Theirs, winrm.capitals) as http:
        (answer,) = fetch(asking(service, http.url, settings={"encrypt": True}))
        assert answer.text == SECRET.upper().decode()
        assert delegated(http) == [("", "", "")]


@pytest.mark.parametrize("version", [5, 6])
@pytest.mark.parametrize("settings", [SEALED, PLAIN], ids=["sealed", "plain"])
def test_wrong_password_is_the_servers_401(service, fetch, spnego, monkeypatch, version, settings):
    monkeypatch.setattr(spnego._credssp, "_CREDSSP_VERSION", version)
    with winrm.served(Theirs, winrm.capitals) as http:
        (answer,) = fetch(asking(service, http.url, secret="wrong", settings=settings))
        assert set(answer.statuses) == {401}
        assert answer.text == ""
        assert delegated(http) == [None]
    assert settings is PLAIN or b"secret" not in http.bodies


def test_third_party_with_a_certificate_of_his_own_gets_nothing(service, fetch):
    """He passes on everything, and the server finds that the client's proof is for another key than its own."""
    with winrm.served(lambda: Third(Theirs(protocol="TLSv1.2")), winrm.capitals) as http:
        (answer,) = fetch(asking(service, http.url))
        assert set(answer.statuses) == {401}
        assert [each.behind.delegated for each in http.acceptors] == [None]
        assert "Public key verification failed" in http.refusals[0]
        assert b"secret" not in http.bodies


def test_server_that_proves_another_key_is_found_out(service, fetch, spnego, monkeypatch):
    prove = spnego._credssp._get_pub_key_auth
    another = spnego.tls.generate_tls_certificate()[2]

    def swapped(key, usage, nonce=None):
        return prove(another if usage == "accept" else key, usage, nonce=nonce)

    monkeypatch.setattr(spnego._credssp, "_get_pub_key_auth", swapped)
    with winrm.served(Theirs, winrm.capitals) as http:
        with pytest.raises(SspiError) as found:
            fetch(asking(service, http.url))
        assert found.value.name == "SEC_E_WRONG_PRINCIPAL"
        assert delegated(http) == [None]
        assert http.refusals, "the server was told"


@pytest.mark.parametrize(
    ("target", "status"), [("HTTP/localhost", "SEC_E_DELEGATION_POLICY"), ("WSMAN/other", "SEC_E_POLICY_NLTM_ONLY")]
)
def test_policy_refuses_the_delegation(service, fetch, target, status):
    with winrm.served(Theirs, winrm.capitals) as http:
        with pytest.raises(SspiError, match="allow_fresh") as refused:
            fetch(asking(service, http.url, settings=SEALED | {"target_name": target}))
        assert refused.value.name == status
        assert delegated(http) == [None]
        assert http.refusals, "the server was told"


def test_mutual_wants_a_better_proof_than_ntlm(service, fetch):
    with winrm.served(Theirs, winrm.capitals) as http:
        with pytest.raises(SspiError) as refused:
            fetch(asking(service, http.url, settings=SEALED | {"mutual": True}))
        assert refused.value.name == "SEC_E_MUTUAL_AUTH_FAILED"
        assert delegated(http) == [None]


def test_mutual_by_a_trusted_certificate(service, fetch):
    leaf = tls.authority("winrm").issue_cert("localhost", key_type=tls.trustme.KeyType.RSA)
    with winrm.served(lambda: Theirs(certificate=leaf), winrm.capitals) as http:
        (answer,) = fetch(asking(service, http.url, settings=SEALED | {"mutual": True}, trusted=tls.roots("winrm")))
        assert answer.text == SECRET.upper().decode()
        assert delegated(http) == [(DOMAIN, USER, PASSWORD)]


def test_connection_that_the_server_closes_is_logged_on_again(service, fetch):
    with winrm.served(Theirs, winrm.capitals, hang_up_after=1) as http:
        answers = fetch(asking(service, http.url, SECRET, SECRET))
        assert [each.text for each in answers] == [SECRET.upper().decode()] * 2
        assert delegated(http) == [(DOMAIN, USER, PASSWORD)] * 2
        assert b"secret" not in http.bodies


def test_sealed_errors_are_opened(service, fetch):
    with winrm.served(Theirs, lambda body: (500, body.upper())) as http:
        (answer,) = fetch(asking(service, http.url))
        assert (answer.status, answer.text) == (500, SECRET.upper().decode())


def test_errors_in_clear_are_passed_on_and_nothing_else(service, fetch):
    with winrm.served(Theirs, lambda body: (503, b"busy"), answer_in_clear=True) as http:
        (answer,) = fetch(asking(service, http.url))
        assert (answer.status, answer.text) == (503, "busy")
    with (
        winrm.served(Theirs, winrm.capitals, answer_in_clear=True) as http,
        pytest.raises(SspiError, match="in clear"),
    ):
        fetch(asking(service, http.url))


def change(data):
    at = data.rindex(b"--Encrypted") - 3
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


SPOILED = {
    "a changed byte": (change, "SEC_E_MESSAGE_ALTERED"),
    "another length": (lambda data: data.replace(b"Length=48", b"Length=47"), "holds 48 bytes and says 47"),
    "a part cut off": (lambda data: data[:-60] + data[-24:], "no whole TLS record"),
    "no parts": (lambda data: b"-", "laid out"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_answers_are_errors(service, fetch, name):
    spoil, message = SPOILED[name]
    with winrm.served(Theirs, winrm.capitals, spoil=spoil) as http, pytest.raises(SspiError, match=message):
        fetch(asking(service, http.url))


def test_server_without_credssp_is_its_401(service, fetch):
    with winrm.served(Theirs, winrm.capitals, offered="Negotiate") as http:
        (answer,) = fetch(asking(service, http.url))
        assert (answer.statuses, answer.headers["www-authenticate"]) == ([401], "Negotiate")


def test_redirections_of_sealed_requests_are_not_followed(service, fetch):
    with (
        winrm.served(Theirs, winrm.capitals) as other,
        winrm.served(Theirs, winrm.capitals, location=other.url) as http,
    ):
        with pytest.raises(SspiError):
            fetch(asking(service, http.url))
        assert b"secret" not in http.bodies + other.bodies


def test_bodies_that_are_read_once_are_refused(service):
    with (
        Client(service.target) as sspi,
        sspi.acquire_credentials_handle("CredSSP", OUTBOUND, identity()) as credential,
        winrm.served(Theirs, winrm.capitals) as http,
    ):
        with pytest.raises(SspiError, match="read only once"):
            requests.post(http.url, data=iter([SECRET]), auth=SspiAuth(credential, encrypt=True), timeout=30)
        assert not http.seen


def test_only_credssp_encrypts(service):
    with (
        Client(service.target) as sspi,
        sspi.acquire_credentials_handle("NTLM", OUTBOUND, password(USER, DOMAIN, PASSWORD)) as credential,
        pytest.raises(ValueError, match="for NTLM"),
    ):
        SspiAuth(credential, encrypt=True)


HEAD = b"--Encrypted Boundary\r\n\tContent-Type: x\r\n\tOriginalContent: type=a/b;Length=3\r\n"
OCTETS = b"--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
END = b"--Encrypted Boundary--\r\n"


def test_parts_of_a_body():
    body = HEAD + OCTETS + b"\x10\0\0\0record" + HEAD.replace(b"3", b"4") + OCTETS + b"\x10\0\0\0another" + END
    assert encrypted.parts(body) == [("a/b", 3, b"record"), ("a/b", 4, b"another")]
    assert encrypted.parts(body.replace(b"--E", b"-- E"))[1].record == b"another", "as Exchange has it"
    for cut in range(len(body)):
        with pytest.raises(SspiError):
            encrypted.parts(body[:cut])


@given(st.lists(st.sampled_from([HEAD, OCTETS, END, b"\x10\0\0\0r", b"\r\n", b"-"]) | st.binary(max_size=30), max_size=12))
def test_no_body_breaks_the_reader(pieces):
    with contextlib.suppress(SspiError):
        for part in encrypted.parts(b"".join(pieces)):
            assert part.record
