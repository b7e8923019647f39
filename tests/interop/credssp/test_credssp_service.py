"""CredSSP through a running service and the Python client, both roles; what was delegated comes as a handle."""

from __future__ import annotations

import socket
import threading

import pytest

from sspid.packages.credssp import credentials
from sspid.packages.credssp.credentials import CspData, PasswordCreds, SmartCardCreds
from sspid_client import (
    INBOUND,
    OUTBOUND,
    BufferType,
    Client,
    ContextFlag,
    SecurityBuffer,
    SspiError,
    TlsStream,
    attributes,
    certificate,
    credssp,
    password,
)
from sspid_client.legs import STREAM_FLAGS
from sspid_testing import server
from sspid_testing.example_programs import accounts

pytestmark = [pytest.mark.wire, pytest.mark.credssp]
TARGET = "TERMSRV/localhost"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    policy = '[policy.credssp]\nallow_fresh = ["TERMSRV/*", "HTTP/*"]\nallow_fresh_ntlm_only = []\n'
    with server.running(tmp_path_factory.mktemp("credssp"), policy) as running:
        accounts(running, "add", "alice", "--domain", "DOMAIN", given="Passw0rd\n")
        yield running


@pytest.fixture(scope="module")
def sspi(service):
    with Client(service.target) as client:
        yield client


@pytest.fixture(scope="module")
def inbound(service, sspi):
    shown = certificate(service.server_certificate.read_bytes(), service.server_key.read_bytes())
    with sspi.acquire_credentials_handle("CredSSP", INBOUND, credssp(schannel=shown)) as credential:
        yield credential


def streams(sspi, inbound, secret="Passw0rd", target=TARGET, flags=ContextFlag.DELEGATE):
    """Both ends of an established connection; an end that failed is what it raised."""
    near, far = socket.socketpair()
    near.settimeout(20)
    far.settimeout(20)
    ends: dict[str, object] = {}

    def accept():
        try:
            ends["server"] = TlsStream.accept(sspi, far, inbound)
        except (SspiError, OSError) as error:
            ends["server"] = error
            far.close()

    thread = threading.Thread(target=accept)
    thread.start()
    own = credssp(negotiate=password("alice", "DOMAIN", secret))
    with sspi.acquire_credentials_handle("CredSSP", OUTBOUND, own) as outbound:
        try:
            ends["client"] = TlsStream.connect(sspi, near, target, credential=outbound, flags=STREAM_FLAGS | flags)
        except SspiError as error:
            ends["client"] = error
    thread.join(20)
    return ends["client"], ends["server"]


def refusal(end) -> str:
    """The name of the status an end was refused with."""
    assert isinstance(end, SspiError)
    assert end.status is not None
    return end.status.name


def test_both_roles_and_the_delegated_credential(sspi, inbound):
    client, accepted = streams(sspi, inbound)
    client.sendall(b"hello")
    assert accepted.recv(100) == b"hello"
    assert accepted.context.identity().name == "alice"
    given = accepted.context.query(attributes.CREDS)
    assert (given.user, given.domain, given.kind, given.password) == ("alice", "DOMAIN", "password", None)
    with sspi.adopt("Negotiate", given.credential) as onward, onward.initialize("HTTP/elsewhere") as context:
        assert context.step().token
    assert client.context.query(attributes.CERT_TRUST_STATUS).value == 0


def supplied(creds) -> SecurityBuffer:
    return SecurityBuffer(BufferType.PKG_PARAMS, credentials.write(creds))


def shake(client, accepted) -> None:
    """Run two contexts to the end of both."""
    data = b""
    while not (step := accepted.step(client.step(data).token)).done:
        data = step.token


def test_a_smart_card_is_delegated_on_and_cannot_log_on(sspi, inbound):
    card = SmartCardCreds("a secret PIN", CspData(1, reader_name="reader"), "alice", "DOMAIN")
    logon = PasswordCreds("DOMAIN", "alice", "Passw0rd")
    flags = STREAM_FLAGS | ContextFlag.DELEGATE | ContextFlag.USE_SUPPLIED_CREDS
    own = sspi.acquire_credentials_handle("CredSSP", OUTBOUND, credssp(negotiate=password("alice", "DOMAIN", "Passw0rd")))
    with own, own.initialize(TARGET, flags=flags, first_input=(supplied(card),)) as client, inbound.accept() as accepted:
        shake(client, accepted)
        given = accepted.query(attributes.CREDS_2)
        assert (given.user, given.domain, given.kind, given.password) == ("alice", "DOMAIN", "smart card", None)
        with sspi.adopt("CredSSP", given.credential) as onward:
            with onward.initialize(TARGET, flags=flags) as alone, pytest.raises(SspiError) as caught:
                alone.step()
            assert refusal(caught.value) == "SEC_E_NO_CREDENTIALS"
            assert "cannot log on from here" in str(caught.value)
            with onward.initialize(TARGET, flags=flags, first_input=(supplied(logon),)) as second, inbound.accept() as next_hop:
                shake(second, next_hop)
                assert next_hop.query(attributes.CREDS_2).kind == "smart card"


def test_policy_of_the_service(sspi, inbound):
    client, accepted = streams(sspi, inbound, target="WSMAN/localhost")
    assert refusal(client) == "SEC_E_DELEGATION_POLICY"
    assert refusal(accepted) == "SEC_E_LOGON_DENIED"


def test_certificate_of_another_name_is_ntlm_only(sspi, inbound):
    client, _ = streams(sspi, inbound, target="TERMSRV/other.example.test")
    assert refusal(client) == "SEC_E_POLICY_NLTM_ONLY"


def test_wrong_password(sspi, inbound, service):
    client, accepted = streams(sspi, inbound, secret="wr0ng-secret")
    assert client.status.name == refusal(accepted) == "SEC_E_LOGON_DENIED"
    log = service.log_text()
    assert "wr0ng-secret" not in log
    assert "Passw0rd" not in log
    assert "a secret PIN" not in log
