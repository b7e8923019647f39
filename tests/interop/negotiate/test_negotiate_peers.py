"""Negotiate with NTLM inside against pyspnego, MIT's SPNEGO over gss-ntlmssp, Samba's ntlm_auth and sspi-rs.

Each peer runs in this process or over a pipe: `sspid_testing.foreign` starts them. Accounts of the peers' acceptors stand in
a file of this test's temporary folder.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sspid.packages.negotiate import package, tokens
from sspid.packages.ntlm import crypto
from sspid.packages.ntlm import package as ntlm_package
from sspid.packages.questions import Account
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.ends import End, shake
from sspid_testing.foreign import Gss, NtlmAuth, Pyspnego, Refused, SspiRs

pytestmark = [pytest.mark.negotiate, pytest.mark.interop]
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
    secret = Password("alice", "DOM", password)
    return End(package(ntlm=ntlm_package()), secret, flags=PROTECTED, target="HTTP/server.domain.test", bindings=bindings)


def our_acceptor(bindings=b""):
    end = End(package(ntlm=ntlm_package()), accepts=True, bindings=bindings)
    # gss-ntlmssp and Samba compare the challenge's time stamp with their own clock.
    end.world.now = datetime.now(UTC)
    end.world.accounts["alice"] = Account("alice", "DOM", crypto.nt_hash(GOOD))
    return end


INITIATORS: dict[str, Any] = {
    "pyspnego": lambda password=GOOD, bindings=b"": Pyspnego.initiator("DOM\\alice", password, "negotiate", bindings=bindings),
    "gss-ntlmssp": lambda password=GOOD, bindings=b"": Gss.initiator("DOM\\alice", password, Gss.SPNEGO, bindings=bindings),
    "sspi-rs": lambda password=GOOD: SspiRs("alice", "DOM", password, "Negotiate"),
}
ACCEPTORS: dict[str, Any] = {
    "pyspnego": lambda bindings=b"": Pyspnego.acceptor("negotiate", bindings=bindings),
    "gss-ntlmssp": lambda bindings=b"": Gss.acceptor(Gss.SPNEGO, bindings=bindings),
}


def refused_by_us(initiator, acceptor):
    with pytest.raises(SspiError) as caught:
        shake(initiator, acceptor)
    return caught.value.status


def without_mic(received):
    return tokens.write_response(*tokens.read_response(received)._replace(mech_list_mic=None))


@pytest.mark.parametrize("peer", INITIATORS)
def test_peer_logs_on_to_us(peer):
    client, server = INITIATORS[peer](), our_acceptor()
    sent = shake(client, server)
    assert tokens.read_response(sent[3]).mech_list_mic
    assert server.query(ContextAttribute.NAMES).user_name == "DOM\\alice"
    assert server.query(ContextAttribute.NEGOTIATION_INFO).package_name == "NTLM"
    for number in range(3):
        assert server.decrypt(*client.encrypt(b"to us %d" % number)) == b"to us %d" % number
        assert client.decrypt(*server.encrypt(b"from us %d" % number)) == b"from us %d" % number


@pytest.mark.parametrize("peer", INITIATORS)
def test_peer_with_a_wrong_password(peer):
    assert refused_by_us(INITIATORS[peer](BAD), our_acceptor()) is SecurityStatus.SEC_E_LOGON_DENIED


@pytest.mark.parametrize("peer", INITIATORS)
def test_peers_mic_removed(peer):
    client, server = INITIATORS[peer](), our_acceptor()
    answer = client.step(server.step(client.step()))
    with pytest.raises(SspiError) as caught:
        server.step(without_mic(answer))
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


@pytest.mark.parametrize("peer", INITIATORS)
def test_peers_tampered_ntlm_mic(peer):
    client, server = INITIATORS[peer](), our_acceptor()
    reply = tokens.read_response(client.step(server.step(client.step())))
    answer = reply.token or b""
    altered = answer[:72] + bytes([answer[72] ^ 1]) + answer[73:]
    with pytest.raises(SspiError) as caught:
        server.step(tokens.write_response(*reply._replace(token=altered)))
    assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


@pytest.mark.parametrize("peer", ["pyspnego", "gss-ntlmssp"])
@pytest.mark.parametrize(
    ("theirs", "status"),
    [(TLS, None), (OTHER, "SEC_E_BAD_BINDINGS"), (b"", "SEC_E_BAD_BINDINGS")],
    ids=["equal", "other", "none"],
)
def test_peers_bindings(peer, theirs, status):
    client, server = INITIATORS[peer](bindings=theirs), our_acceptor(TLS)
    if status is None:
        shake(client, server)
        assert server.done
    else:
        assert refused_by_us(client, server).name == status


@pytest.mark.parametrize("peer", ACCEPTORS)
@pytest.mark.parametrize("bindings", [b"", TLS], ids=["unbound", "bound"])
def test_we_log_on_to_peer(peer, bindings):
    client, server = our_initiator(bindings=bindings), ACCEPTORS[peer](bindings)
    shake(client, server)
    assert server.session_key == client.query(ContextAttribute.SESSION_KEY).key
    for number in range(3):
        assert server.decrypt(*client.encrypt(b"from us %d" % number)) == b"from us %d" % number
        assert client.decrypt(*server.encrypt(b"to us %d" % number)) == b"to us %d" % number


@pytest.mark.parametrize("peer", ACCEPTORS)
@pytest.mark.parametrize("change", ["password", "bindings", "mic"])
def test_peer_refuses_us(peer, change):
    client = our_initiator(BAD if change == "password" else GOOD, OTHER if change == "bindings" else b"")
    server = ACCEPTORS[peer](TLS if change == "bindings" else b"")
    answer = client.step(server.step(client.step()))
    if change == "mic":
        altered = b"\x01\0\0\0" + bytes(12)
        answer = tokens.write_response(*tokens.read_response(answer)._replace(mech_list_mic=altered))
    with pytest.raises(Refused) as refused:
        server.step(answer)
    if refused.value.token:
        with pytest.raises(SspiError) as caught:
            client.step(refused.value.token)
        assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED
    # MIT sends a reject, pyspnego says nothing.
    assert bool(refused.value.token) == (peer == "gss-ntlmssp")


@pytest.mark.parametrize("peer", ACCEPTORS)
def test_peers_mic_removed_on_the_way_to_us(peer):
    client, server = our_initiator(), ACCEPTORS[peer]()
    answer = server.step(client.step(server.step(client.step())))
    with pytest.raises(SspiError) as caught:
        client.step(without_mic(answer))
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED


def test_ntlm_auth_as_initiator(ntlm_auth):
    client, server = ntlm_auth("gss-spnego-client"), our_acceptor()
    server.step(client.step(server.step(client.step())))
    assert server.done
    assert server.query(ContextAttribute.NAMES).user_name == "DOM\\alice"
    wrong = ntlm_auth("gss-spnego-client", BAD)
    assert refused_by_us(wrong, our_acceptor()) is SecurityStatus.SEC_E_LOGON_DENIED


def test_ntlm_auth_as_acceptor(ntlm_auth):
    client, server = our_initiator(), ntlm_auth("gss-spnego")
    shake(client, server)
    assert server.user == "DOM\\alice"
    wrong, server = our_initiator(BAD), ntlm_auth("gss-spnego")
    answer = wrong.step(server.step(wrong.step()))
    with pytest.raises(Refused) as caught:
        server.step(answer)
    assert "NT_STATUS" in str(caught.value)
