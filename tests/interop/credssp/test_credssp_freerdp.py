"""FreeRDP 2 and 3 at the other end of NLA: their clients against our acceptor, our initiator against their shadow servers.

FreeRDP 2's server knows no SPNEGO. FreeRDP 3.10's answers a SPNEGO client that signs its mechListMIC with that client's own
proof of the server's key, which must be refused; so both are spoken to in bare NTLM, as their own clients do.
"""

from __future__ import annotations

import socket
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

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
    made = tls.issued(key="RSA")
    paths = tmp_path / "chain.pem", tmp_path / "key.pem"
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
    # Now and then xfreerdp hangs up before it has sent its proof: then nothing was judged, and it is asked again.
    for tries in range(1, 6):
        between = rdp.Between(front.port, *certificate)
        log_on(program, between.port, tmp_path, display)
        between.close()
        until = time.monotonic() + 20
        while len(front.outcomes) < tries and time.monotonic() < until:
            time.sleep(0.05)
        _, failure = front.outcomes[-1]
        if not isinstance(failure, EOFError):
            break
    front.close()
    # Either our acceptor finds the swapped key, or the client hangs up before its proof; credentials never come.
    assert isinstance(failure, SspiError | EOFError)
    if isinstance(failure, SspiError):
        assert failure.status.name == "SEC_E_LOGON_DENIED"
        assert "public key" in failure.message


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
    assert carried(client("wrong"), shadow) in {"SEC_E_LOGON_DENIED", "hung up"}
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
    assert status != "SEC_E_OK"
    assert end.statuses[-1] == "SEC_I_CONTINUE_NEEDED"
    assert not took(shadow)
