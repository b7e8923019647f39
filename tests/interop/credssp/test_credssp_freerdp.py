"""FreeRDP 2 and 3 at the other end of NLA: their clients against our acceptor, our initiator against their shadow servers.

FreeRDP 2's server knows no SPNEGO. FreeRDP 3.10's answers a SPNEGO client that signs its mechListMIC with that client's own
proof of the server's key, which must be refused; so both are spoken to in bare NTLM, as their own clients do.
"""

from __future__ import annotations

import socket
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sspid.packages.credssp import binding, messages
from sspid.packages.credssp.acceptor import CredentialsExpected
from sspid.packages.credssp.messages import TsRequest
from sspid.packages.credssp.policy import CredSspPolicy
from sspid.packages.ntlm import crypto
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid_testing import credssp, peers, rdp, tls
from sspid_testing.credssp import ALICE, PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.credssp, pytest.mark.interop]
CLIENTS = ("xfreerdp", "xfreerdp3")
SERVERS = ("freerdp-shadow-cli", "freerdp-shadow-cli3")
TARGET = "TERMSRV/localhost"
STATUS_LOGON_FAILURE = 0xC000006D


@pytest.fixture(scope="module")
def display():
    with rdp.display() as name:
        yield name


def now(end):
    end.world.now = datetime.now(UTC)
    return end


@pytest.fixture
def front():
    """An RDP server that accepts through us."""
    made = rdp.Front(lambda: now(credssp.server()))
    yield made
    made.close()


@pytest.fixture
def certificate(tmp_path):
    """Another certificate for the same name, as files."""
    return in_files(tls.issued(key="RSA"), tmp_path)


def in_files(made, folder: Path) -> tuple[Path, Path]:
    """A certificate and its key as files."""
    paths = folder / "chain.pem", folder / "key.pem"
    paths[0].write_bytes(made.certificate_pem)
    paths[1].write_bytes(made.key_pem)
    return paths


def log_on(program: str, port: int, folder: Path, display: str, password: str = PASSWORD) -> str:
    """Run a FreeRDP client until NLA is over; what it printed."""
    command = [
        peers.require(program), f"/v:127.0.0.1:{port}", "/u:alice", "/d:DOMAIN", f"/p:{password}", "/cert:ignore", "/sec:nla",
        "+auth-only", "/log-level:DEBUG",
    ]  # fmt: skip
    environment = rdp.environment(folder, display)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("program", CLIENTS)
def test_client_logs_on_and_delegates(program, front, tmp_path, display):
    log_on(program, front.port, tmp_path, display)
    front.close()
    end, failure = front.outcomes[-1]
    assert failure is None
    assert end.statuses[-1] == "SEC_E_OK"
    assert end.query(ContextAttribute.CREDS).secret == ALICE
    assert end.query(ContextAttribute.NEGOTIATION_PACKAGE).text == "NTLM"
    assert end.state.proven.version == 6


@pytest.mark.parametrize("program", CLIENTS)
def test_client_with_a_wrong_password_hears_why(program, front, tmp_path, display):
    said = log_on(program, front.port, tmp_path, display, "wrong")
    front.close()
    end, failure = front.outcomes[-1]
    assert isinstance(failure, SspiError)
    assert failure.status.name == "SEC_E_LOGON_DENIED"
    assert "STATUS_LOGON_FAILURE" in said
    assert getattr(end.state, "creds", None) is None


@pytest.mark.parametrize("program", CLIENTS)
def test_client_behind_a_third_party_is_refused(program, front, certificate, tmp_path, display):
    between = rdp.Between(front.port, *certificate)
    said = log_on(program, between.port, tmp_path, display)
    between.close()
    front.close()
    end, failure = front.outcomes[-1]
    assert isinstance(failure, SspiError)
    assert failure.status.name == "SEC_E_LOGON_DENIED"
    assert "does not fit the public key" in failure.message
    assert set(end.statuses) == {"SEC_I_CONTINUE_NEEDED"}
    assert [(request.pub_key_auth is None, from_client) for request, from_client in requests(between)] == [
        (True, True), (True, False), (False, True), (True, False),
    ]  # fmt: skip
    assert requests(between)[-1][0].error_code == STATUS_LOGON_FAILURE
    assert "STATUS_LOGON_FAILURE" in said


def requests(between: rdp.Between) -> list[tuple[TsRequest, bool]]:
    """What passed the third party, each with whether the client sent it."""
    return [(messages.read(data), from_client) for data, from_client in between.relayed]


def flipped(data: bytes, from_client: bool) -> bytes:
    """The message; the server's with one bit of its pubKeyAuth turned over."""
    request = messages.read(data)
    if from_client or request.pub_key_auth is None:
        return data
    proof = request.pub_key_auth[:-1] + bytes((request.pub_key_auth[-1] ^ 1,))
    return messages.write(TsRequest(request.version, request.nego_token, pub_key_auth=proof))


class Reflection:
    """Gives the client its own proof back."""

    def __init__(self) -> None:
        self.proof: bytes | None = None

    def __call__(self, data: bytes, from_client: bool) -> bytes:
        request = messages.read(data)
        if from_client:
            self.proof = request.pub_key_auth
        if from_client or request.pub_key_auth is None:
            return data
        return messages.write(TsRequest(request.version, request.nego_token, pub_key_auth=self.proof))


@pytest.mark.parametrize("alter", [lambda: flipped, Reflection], ids=["altered", "reflected"])
@pytest.mark.parametrize("program", CLIENTS)
def test_client_sends_no_credentials_to_a_server_whose_proof_is_altered(program, alter, tmp_path, display):
    # The third party holds the server's own key, so that nothing but the proof can tell the client of it.
    made = tls.issued(key="RSA")
    front = rdp.Front(lambda: now(credssp.server(certificate=made)))
    between = rdp.Between(front.port, *in_files(made, tmp_path), alter())
    said = log_on(program, between.port, tmp_path, display)
    between.close()
    assert_refused(front)
    assert "signature verification failed" in said
    assert all(request.auth_info is None for request, _ in requests(between))


@pytest.mark.parametrize("program", CLIENTS)
def test_client_sends_no_credentials_to_a_server_that_proves_another_key(program, front, tmp_path, display, monkeypatch):
    # Sealed as it should be: only what the proof says is wrong.
    from_server = binding.from_server
    monkeypatch.setattr(binding, "from_server", lambda version, nonce, _: from_server(version, nonce, b"another key"))
    said = log_on(program, front.port, tmp_path, display)
    assert_refused(front)
    assert "Could not verify server's hash" in said


def assert_refused(front: rdp.Front) -> None:
    """Our acceptor had judged the logon and waited for credentials when the client went away; version 3 tries twice."""
    front.close()
    assert front.outcomes
    for end, failure in front.outcomes:
        assert set(end.statuses) == {"SEC_I_CONTINUE_NEEDED"}
        assert isinstance(end.state, CredentialsExpected)
        assert isinstance(failure, SspiError)
        assert failure.status.name == "SEC_E_LOGON_DENIED"
        assert "The client closed the connection" in failure.message


@pytest.fixture(params=SERVERS)
def shadow(request, tmp_path, display):
    made = rdp.Shadow(request.param, tmp_path, display, f"alice:::{crypto.nt_hash(PASSWORD).hex()}:::\n")
    yield made
    made.stop()


def client(password: str = PASSWORD, flags=credssp.DELEGATE, **policy):
    rules = CredSspPolicy(bare_ntlm=True, **policy)
    return now(credssp.client(Password("alice", "", password), flags=flags, target=TARGET, policy=rules))


TAKEN = ("NLA.authInfo (", "<<----- auth info")
"""What each version logs of the credentials it got."""


def carried(end, shadow, connection=None) -> str:
    """Run NLA with the shadow server, and say goodbye; the last status."""
    with connection or shadow.connect() as opened:
        opened.settimeout(20)
        assert rdp.request_negotiation(opened) == rdp.HYBRID
        try:
            rdp.carry(end, opened, begins=True)
        except SspiError as failure:
            return failure.status.name
        except (EOFError, OSError):
            return "hung up"
        end.control(1)
        opened.sendall(token_in(end.leg().output))
        while opened.recv(65536):
            pass
    return "SEC_E_OK"


def took(shadow) -> bool:
    """Whether the server got credentials, by its log once it has stopped."""
    shadow.stop()
    return any(text in shadow.log for text in TAKEN)


def test_server_takes_our_logon(shadow):
    end = client()
    assert carried(end, shadow) == "SEC_E_OK"
    assert end.state.proven.version == 6
    assert ContextFlag.DELEGATE in end.steps[-2].granted
    assert took(shadow)


def test_server_takes_an_empty_credential(shadow):
    assert carried(client(flags=credssp.EXTENDED), shadow) == "SEC_E_OK"


def test_server_refuses_a_wrong_password(shadow):
    assert carried(client("wrong"), shadow) == "SEC_E_LOGON_DENIED"
    assert not took(shadow)
    assert "Message Integrity Check (MIC) verification failed" in shadow.log


@pytest.mark.parametrize(
    ("flags", "policy", "status"),
    [
        (credssp.DELEGATE, {"deny_fresh": frozenset({"termsrv/*"})}, "SEC_E_DELEGATION_POLICY"),
        (credssp.DELEGATE, {"allow_fresh_ntlm_only": frozenset()}, "SEC_E_POLICY_NLTM_ONLY"),
        (credssp.MUTUAL, {}, "SEC_E_MUTUAL_AUTH_FAILED"),
    ],
)
def test_policy_keeps_the_credential_from_a_server_nobody_vouches_for(shadow, flags, policy, status):
    assert carried(client(flags=flags, **policy), shadow) == status
    assert not took(shadow)


def test_server_behind_a_third_party_gets_no_credential(shadow, certificate):
    shadow.connect().close()
    between = rdp.Between(shadow.port, *certificate)
    end = client()
    status = carried(end, shadow, socket.create_connection(("127.0.0.1", between.port)))
    between.close()
    assert status == "SEC_E_LOGON_DENIED"
    assert end.statuses[-1] == "SEC_I_CONTINUE_NEEDED"
    assert not took(shadow)
