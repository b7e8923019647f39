"""A GSS-API application in another process (python gssapi over MIT's library), in both roles, against our two ends."""

from __future__ import annotations

import pytest

from sspid.packages.contract import Message
from sspid.packages.kerberos.protection import WRAP_NO_ENCRYPT
from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferAccess, BufferType, SecurityBuffer, token
from sspid.vocabulary.credentials import CredentialCache, Password
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus as Status
from sspid_testing import peers
from sspid_testing import realm as mit
from sspid_testing.gss_peer import FLAGS, GssPeer, GssPeerError
from sspid_testing.kerberos import DCE, FULL, acceptor, initiator
from sspid_testing.kerberos_files import with_clock

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.kerberos, pytest.mark.interop]

KRB5_BASE = 2**32 - 1765328384
DATA = b"attack at dawn"


@pytest.fixture
def start(realm, tmp_path):
    """Start a peer with a client's cache (bytes) or a service's key table (bytes)."""
    peers.require_module("gssapi")
    started = []

    def make(*, cache=b"", keytab=b""):
        (tmp_path / "cache").write_bytes(cache)
        (tmp_path / "keytab").write_bytes(keytab)
        peer = GssPeer(realm, KRB5CCNAME=f"FILE:{tmp_path}/cache", KRB5_KTNAME=f"FILE:{tmp_path}/keytab")
        started.append(peer)
        return peer

    yield make
    for peer in started:
        peer.stop()


def code(refused):
    return refused.value.detail.kerberos_error


def as_initiator(start, realm, server, *, flags=FLAGS, delegate=False, bindings=b"", cache=b""):
    """Let the peer log on to our acceptor."""
    peer = start(cache=cache or realm.cache("alice"))
    peer.call("initiate", target=mit.HTTP, flags=list(flags), delegate=delegate, bindings=bindings)
    sent = peer.call("step")
    while not (server.done and peer.call("complete")):
        answer = server.step(sent)
        if answer:
            sent = peer.call("step", token=answer)
    return peer


def as_acceptor(start, realm, client, *, bindings=b""):
    """Log on to the peer."""
    peer = start(keytab=realm.keys(mit.HTTP))
    peer.call("accept", bindings=bindings)
    sent = client.step()
    while not (client.done and peer.call("complete")):
        answer = peer.call("step", token=sent)
        if answer:
            sent = client.step(answer)
    return peer


def messages_pass(end, peer):
    data, header = end.encrypt(DATA)
    assert peer.call("unwrap", data=header + data) == DATA
    data, header = end.encrypt(DATA, WRAP_NO_ENCRYPT)
    assert peer.call("encrypted", data=header + data) is False
    peer.call("verify", data=DATA, mic=end.sign(DATA))
    end.verify(DATA, peer.call("mic", data=DATA))
    for encrypt in (True, False):
        wrapped = peer.call("wrap", data=DATA, encrypt=encrypt)
        buffers = (SecurityBuffer(BufferType.STREAM, wrapped), SecurityBuffer(BufferType.DATA))
        opened = end.world.run(end.package.decrypt_message(end.state, Message(buffers)))
        assert opened.buffers[1].data == DATA
        assert opened.qop == (0 if encrypt else WRAP_NO_ENCRYPT)
    # Split where the sizes say, however the peer rotated it.
    wrapped, trailer = peer.call("wrap", data=DATA, encrypt=True), end.query(ContextAttribute.SIZES).security_trailer
    assert end.decrypt(wrapped[trailer:], wrapped[:trailer]) == DATA


def test_the_peer_logs_on_to_us(realm, start):
    server = acceptor(realm)
    peer = as_initiator(start, realm, server)
    assert server.query(ContextAttribute.NATIVE_NAMES).client_name == f"alice@{mit.NAME}"
    assert FULL - {ContextFlag.EXTENDED_ERROR} <= server.steps[-1].granted
    assert server.query(ContextAttribute.SESSION_KEY).key == peer.call("session_key")
    messages_pass(server, peer)


def test_we_log_on_to_the_peer(realm, start):
    client = initiator()
    peer = as_acceptor(start, realm, client)
    assert peer.call("client") == f"alice@{mit.NAME}"
    assert set(FLAGS) <= set(peer.call("flags"))
    assert client.query(ContextAttribute.SESSION_KEY).key == peer.call("session_key")
    messages_pass(client, peer)


def test_dce_style_both_ways(realm, start):
    server = acceptor(realm)
    peer = as_initiator(start, realm, server, flags=("mutual_authentication", "confidentiality", "integrity", "dce_style"))
    _dce_messages_pass(server, peer)
    client = initiator(flags=DCE)
    _dce_messages_pass(client, as_acceptor(start, realm, client))


def _dce_messages_pass(end, peer):
    header = SecurityBuffer(BufferType.DATA, b"head", access=BufferAccess.READONLY_WITH_CHECKSUM)
    plain = (header, SecurityBuffer(BufferType.DATA, DATA), token(b""))
    sealed = end.world.run(end.package.encrypt_message(end.state, Message(plain))).buffers
    assert peer.call("unwrap_dce", token=sealed[2].data, header=b"head", data=sealed[1].data) == DATA
    wrapped = peer.call("wrap_dce", header=b"head", data=DATA)
    sealed = (header, SecurityBuffer(BufferType.DATA, wrapped[-len(DATA) :]), token(wrapped[: -len(DATA)]))
    assert end.world.run(end.package.decrypt_message(end.state, Message(sealed))).buffers[1].data == DATA


def test_the_peers_ticket_becomes_a_credential(realm, start):
    server = acceptor(realm)
    as_initiator(start, realm, server, delegate=True, cache=realm.cache("alice", options=("-f",)))
    given = server.query(ContextAttribute.CREDS_2)
    onward, files = initiator(target=mit.CIFS, _credential=given.secret), acceptor(realm, mit.CIFS)
    onward.step(files.step(onward.step()))
    assert files.query(ContextAttribute.NATIVE_NAMES).client_name == f"alice@{mit.NAME}"


def test_our_ticket_reaches_the_peer(realm, start):
    client = initiator(flags=FULL | {ContextFlag.DELEGATE})
    peer = as_acceptor(start, realm, client)
    assert peer.call("delegated") == f"alice@{mit.NAME}"


def test_bindings_that_agree(realm, start):
    as_initiator(start, realm, acceptor(realm, bindings=b"tls-exporter:x"), bindings=b"tls-exporter:x")
    peer = as_acceptor(start, realm, initiator(bindings=b"tls-exporter:x"), bindings=b"tls-exporter:x")
    assert "channel_bound" in peer.call("flags")


def test_bindings_that_differ(realm, start):
    with pytest.raises(SspiError) as refused:
        as_initiator(start, realm, acceptor(realm, bindings=b"tls-exporter:y"), bindings=b"tls-exporter:x")
    assert refused.value.status is Status.SEC_E_BAD_BINDINGS
    # The peer's KRB-ERROR says KRB_ERR_GENERIC: RFC 4121 has no code for bindings.
    with pytest.raises(SspiError) as refused:
        as_acceptor(start, realm, initiator(bindings=b"tls-exporter:x"), bindings=b"tls-exporter:y")
    assert (refused.value.status, code(refused)) == (Status.SEC_E_LOGON_DENIED, 60)


def test_the_peer_gives_no_channel_bindings(realm, start):
    with pytest.raises(SspiError) as refused:
        as_initiator(start, realm, acceptor(realm, bindings=b"tls-exporter:y"))
    assert refused.value.status is Status.SEC_E_BAD_BINDINGS


def test_a_replayed_token_is_refused_across_processes(realm, start):
    """MIT's replay cache is one file a user, so a token the peer has accepted is spent for us as well."""
    peer = start(keytab=realm.keys(mit.HTTP))
    peer.call("accept")
    sent = initiator().step()
    peer.call("step", token=sent)
    with pytest.raises(SspiError) as refused:
        acceptor(realm).step(sent)
    assert (refused.value.status, code(refused)) == (Status.SEC_E_LOGON_DENIED, 34)


def test_the_peer_tells_us_that_our_clock_is_wrong(realm, start):
    client = initiator(CredentialCache(data=with_clock(realm.cache("alice", mit.HTTP), 3600)))
    peer = start(keytab=realm.keys(mit.HTTP))
    peer.call("accept")
    with pytest.raises(SspiError) as refused:
        client.step(peer.call("step", token=client.step()))
    assert (refused.value.status, code(refused)) == (Status.SEC_E_TIME_SKEW, 37)


def test_the_peer_reads_our_error_tokens(realm, start):
    server = acceptor(realm, mit.CIFS, flags=frozenset({ContextFlag.EXTENDED_ERROR}))
    peer = start(cache=realm.cache("alice"))
    peer.call("initiate", target=mit.HTTP, flags=list(FLAGS))
    with pytest.raises(SspiError) as refused:
        server.step(peer.call("step"))
    with pytest.raises(GssPeerError) as told:
        peer.call("step", token=refused.value.output[0].data)
    assert told.value.minor - KRB5_BASE == 35


def test_a_wrong_password_never_reaches_the_peer(realm):
    with pytest.raises(SspiError) as refused:
        initiator(Password("alice", mit.NAME, "wrong")).step()
    assert refused.value.status is Status.SEC_E_LOGON_DENIED


def test_tampered_messages_are_refused_by_both(realm, start):
    client = initiator()
    peer = as_acceptor(start, realm, client)
    data, header = client.encrypt(DATA)
    with pytest.raises(GssPeerError):
        peer.call("unwrap", data=header + data[:-1] + bytes([data[-1] ^ 1]))
    mic = peer.call("mic", data=DATA)
    with pytest.raises(SspiError) as refused:
        client.verify(DATA + b"!", mic)
    assert refused.value.status is Status.SEC_E_MESSAGE_ALTERED
    client.verify(DATA, mic)
