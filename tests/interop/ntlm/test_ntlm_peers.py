"""NTLM against pyspnego, gss-ntlmssp, Samba's ntlm_auth and sspi-rs, in both roles where they have both.

Each peer runs in this process or over a pipe: `sspid_testing.foreign` starts them. Accounts of the peers' acceptors stand in
a file of this test's temporary folder.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sspid.packages.ntlm import crypto, package
from sspid.packages.questions import Account, RecordLogon
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.ends import End, shake
from sspid_testing.foreign import Gss, NtlmAuth, Pyspnego, Refused, SspiRs

pytestmark = [pytest.mark.ntlm, pytest.mark.interop]
PROTECTED = frozenset({ContextFlag.INTEGRITY, ContextFlag.CONFIDENTIALITY})
TLS = b"tls-server-end-point:" + bytes(range(32))
OTHER = b"tls-server-end-point:" + bytes(32)
GOOD, BAD = "Passw0rd", "wrong"


@pytest.fixture(autouse=True)
def accounts(tmp_path, monkeypatch):
    file = tmp_path / "users"
    file.write_text(f"DOM:alice:{GOOD}\n", "utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))


@pytest.fixture
def ntlm_auth():
    started = []

    def start(protocol, password=GOOD):
        started.append(NtlmAuth(protocol, "alice", "DOM", password))
        return started[-1]

    yield start
    for process in started:
        process.close()


def our_initiator(password=GOOD, bindings=b""):
    return End(
        package(), Password("alice", "DOM", password), flags=PROTECTED, target="HTTP/server.domain.test", bindings=bindings
    )


def our_acceptor(bindings=b""):
    end = End(package(), accepts=True, bindings=bindings)
    # gss-ntlmssp and Samba compare the challenge's time stamp with their own clock.
    end.world.now = datetime.now(UTC)
    end.world.accounts["alice"] = Account("alice", "DOM", crypto.nt_hash(GOOD))
    return end


def reasons(end):
    return [(record.ntstatus, record.reason) for record in end.world.asked if isinstance(record, RecordLogon)]


def talk(one, other, *, signed=True):
    """Sealed and signed messages both ways, several of them."""
    for number in range(3):
        for sender, receiver in ((one, other), (other, one)):
            text = b"message %d" % number
            assert receiver.decrypt(*sender.encrypt(text)) == text
            if signed:
                receiver.verify(text, sender.sign(text))


def refused_by_us(initiator, acceptor):
    with pytest.raises(SspiError) as caught:
        shake(initiator, acceptor)
    return caught.value.status


INITIATORS: dict[str, Any] = {
    "pyspnego": lambda password=GOOD, bindings=b"": Pyspnego.initiator("DOM\\alice", password, "ntlm", bindings=bindings),
    "gss-ntlmssp": lambda password=GOOD, bindings=b"": Gss.initiator("DOM\\alice", password, Gss.NTLM, bindings=bindings),
    "sspi-rs": lambda password=GOOD: SspiRs("alice", "DOM", password, "NTLM"),
}
ACCEPTORS: dict[str, Any] = {
    "pyspnego": lambda bindings=b"": Pyspnego.acceptor("ntlm", bindings=bindings),
    "gss-ntlmssp": lambda bindings=b"": Gss.acceptor(Gss.NTLM, bindings=bindings),
}


@pytest.mark.parametrize("peer", INITIATORS)
def test_peer_logs_on_to_us(peer):
    client, server = INITIATORS[peer](), our_acceptor()
    shake(client, server)
    identity = server.world.run(server.package.query_security_context_token(server.state))
    assert (identity.name, identity.domain) == ("alice", "DOM")
    if peer != "sspi-rs":
        assert client.session_key == server.query(ContextAttribute.SESSION_KEY).key
    # sspi-rs has no VerifySignature.
    talk(server, client, signed=peer != "sspi-rs")


@pytest.mark.parametrize("peer", INITIATORS)
def test_peer_with_a_wrong_password(peer):
    server = our_acceptor()
    assert refused_by_us(INITIATORS[peer](BAD), server) is SecurityStatus.SEC_E_LOGON_DENIED
    assert reasons(server) == [(0xC000006A, "")]


@pytest.mark.parametrize("peer", ["pyspnego", "sspi-rs", "ntlm_auth"])
def test_peers_tampered_mic(peer, ntlm_auth):
    # gss-ntlmssp 1.2.0 sends a MIC inside SPNEGO only.
    client = ntlm_auth("ntlmssp-client-1") if peer == "ntlm_auth" else INITIATORS[peer]()
    server = our_acceptor()
    answer = client.step(server.step(client.step()))
    with pytest.raises(SspiError) as caught:
        server.step(answer[:72] + bytes([answer[72] ^ 1]) + answer[73:])
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED
    assert reasons(server) == [(0xC000006D, "the message integrity code does not match")]


@pytest.mark.parametrize("peer", ["pyspnego", "gss-ntlmssp"])
@pytest.mark.parametrize(("theirs", "status"), [(TLS, None), (OTHER, "SEC_E_BAD_BINDINGS"), (b"", "SEC_E_BAD_BINDINGS")])
def test_peers_bindings(peer, theirs, status):
    client, server = INITIATORS[peer](bindings=theirs), our_acceptor(TLS)
    if status is None:
        shake(client, server)
        assert server.done
    else:
        assert refused_by_us(client, server).name == status


@pytest.mark.parametrize("peer", ACCEPTORS)
def test_we_log_on_to_peer(peer):
    client, server = our_initiator(), ACCEPTORS[peer]()
    shake(client, server)
    assert server.session_key == client.query(ContextAttribute.SESSION_KEY).key
    talk(client, server)


@pytest.mark.parametrize("peer", ACCEPTORS)
@pytest.mark.parametrize("change", ["password", "mic", "bindings"])
def test_peer_refuses_us(peer, change):
    client = our_initiator(BAD if change == "password" else GOOD, OTHER if change == "bindings" else b"")
    server = ACCEPTORS[peer](TLS if change == "bindings" else b"")
    answer = client.step(server.step(client.step()))
    if change == "mic":
        answer = answer[:72] + bytes([answer[72] ^ 1]) + answer[73:]
    with pytest.raises(Refused):
        server.step(answer)


@pytest.mark.parametrize("peer", ACCEPTORS)
def test_peer_accepts_our_bindings(peer):
    client, server = our_initiator(bindings=TLS), ACCEPTORS[peer](TLS)
    shake(client, server)
    assert server.done


def test_ntlm_auth_as_initiator(ntlm_auth):
    client, server = ntlm_auth("ntlmssp-client-1"), our_acceptor()
    shake(client, server)
    assert client.session_key == server.query(ContextAttribute.SESSION_KEY).key
    assert server.query(ContextAttribute.NAMES).user_name == "DOM\\alice"


def test_ntlm_auth_as_initiator_with_a_wrong_password(ntlm_auth):
    server = our_acceptor()
    assert refused_by_us(ntlm_auth("ntlmssp-client-1", BAD), server) is SecurityStatus.SEC_E_LOGON_DENIED
    assert reasons(server) == [(0xC000006A, "")]


def test_ntlm_auth_as_acceptor(ntlm_auth):
    client, server = our_initiator(), ntlm_auth("squid-2.5-ntlmssp")
    server.step(client.step(server.step(client.step())))
    assert server.done
    assert server.user == "DOM\\alice"
    assert server.session_key == client.query(ContextAttribute.SESSION_KEY).key


@pytest.mark.parametrize("change", ["password", "mic"])
def test_ntlm_auth_as_acceptor_refuses_us(ntlm_auth, change):
    client, server = our_initiator(BAD if change == "password" else GOOD), ntlm_auth("squid-2.5-ntlmssp")
    answer = client.step(server.step(client.step()))
    if change == "mic":
        answer = answer[:72] + bytes([answer[72] ^ 1]) + answer[73:]
    with pytest.raises(Refused) as caught:
        server.step(answer)
    assert "NT_STATUS" in str(caught.value)
