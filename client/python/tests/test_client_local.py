"""Records sealed here with secrets the service handed out: against OpenSSL's programs, and against our own other end."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sspid.packages.schannel.policy import SchannelPolicy
from sspid.vocabulary.attributes import ContextAttribute
from sspid_client import (
    INBOUND,
    OUTBOUND,
    CertificateAndKey,
    Client,
    PeerClosedError,
    SecurityStatus,
    SspiError,
    TlsStream,
    aio,
    attributes,
    record_layer,
    schannel,
)
from sspid_client.legs import Legs, Role
from sspid_client.local import LocalRecords
from sspid_client.questions import run
from sspid_testing import openssl, peers, server, tls, tls_wire
from sspid_testing.ports import free_port

pytestmark = [pytest.mark.wire, pytest.mark.interop, pytest.mark.schannel, pytest.mark.timeout(60)]

POLICY = "[policy.schannel]\nhand_out_secrets = true\n"
MEGABYTES = 3 << 20
SUITES = pytest.mark.parametrize(
    ("version", "suite"),
    [
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        ("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"),
        ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    ],
)
VERSIONS = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@pytest.fixture(scope="module")
def generous(tmp_path_factory):
    """A service whose policy hands secrets out."""
    with server.running(tmp_path_factory.mktemp("generous"), POLICY) as running:
        yield running


@pytest.fixture
def sspi(generous):
    with Client(generous.target) as client:
        yield client


@pytest.fixture
def files(tmp_path):
    (tmp_path / "roots.pem").write_bytes(tls.roots())
    tls_wire.written(tmp_path, "server", tls.issued())
    return tmp_path


def pick(version, suite):
    return {"cipher_suites": suite} if version == "TLSv1.3" else {"cipher_list": suite}


def ours(sspi, use, version, suite=""):
    chosen = {"protocols": [version], "trust_anchors": tls.roots()} | (pick(version, suite) if suite else {})
    own = tls.issued()
    shown = [] if use is OUTBOUND else [CertificateAndKey(own.certificate_pem, own.key_pem)]
    return sspi.acquire_credentials_handle("Schannel", use, schannel(shown, **chosen))


@contextmanager
def program(*arguments):
    """OpenSSL's program with pipes of bytes; what it says of itself is dropped."""
    process = subprocess.Popen(
        [peers.require("openssl"), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def dial(port):
    until = time.monotonic() + 15
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=15)
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)


@contextmanager
def connected(sspi, files, version, suite, role):
    """A stream of local records with OpenSSL's program at its other end, and that program."""
    quiet = ["-quiet", "-" + version.replace("TLSv", "tls").replace(".", "_")]
    if role == "connect":
        port = free_port()
        shown = ["-cert", files / "server.pem", "-key", files / "server.key"]
        with (
            program("s_server", "-accept", f"127.0.0.1:{port}", "-naccept", "1", *shown, *quiet) as peer,
            dial(port) as sock,
            ours(sspi, OUTBOUND, version, suite) as credential,
        ):
            yield TlsStream.connect(sspi, sock, tls.HOST, credential=credential, local_records=True), peer
        return
    with socket.create_server(("127.0.0.1", 0)) as listener, ours(sspi, INBOUND, version, suite) as credential:
        to = f"127.0.0.1:{listener.getsockname()[1]}"
        with program("s_client", "-connect", to, "-CAfile", files / "roots.pem", "-verify_return_error", *quiet) as peer:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(15)
                yield TlsStream.accept(sspi, sock, credential, local_records=True), peer


@contextmanager
def unreachable(service):
    """The service stands still: any call to it would wait for ever."""
    service.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.process.send_signal(signal.SIGCONT)


@SUITES
@pytest.mark.parametrize("role", ["connect", "accept"])
def test_megabytes_go_both_ways_without_a_call_a_record(generous, sspi, files, version, suite, role):
    text = bytes(range(256)) * (MEGABYTES // 256)
    with connected(sspi, files, version, suite, role) as (stream, peer):
        assert stream.context.query(attributes.CONNECTION_INFO).protocol == version
        heard = []
        with unreachable(generous):
            writer = threading.Thread(target=lambda: (peer.stdin.write(text), peer.stdin.flush()))
            reader = threading.Thread(target=lambda: heard.append(peer.stdout.read(len(text))))
            writer.start()
            reader.start()
            sender = threading.Thread(target=stream.sendall, args=(text,))
            sender.start()
            received = b""
            while len(received) < len(text):
                received += stream.recv(65536)
            for thread in (writer, sender, reader):
                thread.join(30)
        assert received == text
        assert heard == [text]
        stream.close(timeout=0.2)


@VERSIONS
def test_the_service_seals_and_opens_nothing_afterwards(sspi, files, version):
    with connected(sspi, files, version, "", "connect") as (stream, _):
        for call in (
            lambda: stream.context.encrypt(b"x"),
            lambda: stream.context.decrypt(b"\x17\x03\x03\x00\x20" + bytes(32)),
            lambda: stream.context.query(attributes.TRAFFIC_SECRETS),
            stream.context.export,
        ):
            with pytest.raises(SspiError) as caught:
                call()
            assert caught.value.status is SecurityStatus.SEC_E_CONTEXT_EXPIRED
        stream.close(timeout=0.2)


def test_secrets_stay_with_a_service_whose_policy_says_nothing(service, tls_server):
    roots = service.ca.read_bytes()
    with (
        Client(service.target) as client,
        dial(tls_server.port) as sock,
        client.acquire_credentials_handle("Schannel", OUTBOUND, schannel(trust_anchors=roots)) as credential,
        pytest.raises(SspiError) as caught,
    ):
        TlsStream.connect(client, sock, "localhost", credential=credential, local_records=True)
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
    assert "hand_out_secrets" in caught.value.message


def line_of(stream):
    line = b""
    while not line.endswith(b"\n"):
        line += stream.recv(1000)
    return line


def test_key_updates_both_ways(generous, sspi, files):
    with openssl.s_server(files / "server.pem", files / "server.key", "-tls1_3") as peer, dial(peer.port) as sock:
        with ours(sspi, OUTBOUND, "TLSv1.3") as credential:
            stream = TlsStream.connect(sspi, sock, tls.HOST, credential=credential, local_records=True)
        with unreachable(generous):
            for turn in range(3):
                said = f"turn {turn}"
                stream.sendall(said.encode() + b"\n")
                peer.wait_for(said)
                peer.say(b"K\n")  # s_server updates its key and asks for ours; more in the same read it would drop
                records = stream._records
                assert isinstance(records, LocalRecords)
                before = records._layer.read.aead
                while records._layer.read.aead is before:
                    stream._feed(sock.recv(65536))
                    assert not stream._open()
                peer.say(b"answer %d\n" % turn)
                assert line_of(stream) == b"answer %d\n" % turn
                run(records.update_key(), lambda question: pytest.fail(f"{question} was asked"))
            stream.sendall(b"last words\n")
            peer.wait_for("last words")
        stream.close(timeout=0.2)


@VERSIONS
def test_the_goodbye_of_s_client_ends_a_stream(generous, sspi, files, version):
    option = "-" + version.replace("TLSv", "tls").replace(".", "_")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ours(sspi, INBOUND, version) as credential,
        openssl.s_client(listener.getsockname()[1], files / "roots.pem", option) as peer,
        listener.accept()[0] as sock,
    ):
        sock.settimeout(15)
        stream = TlsStream.accept(sspi, sock, credential, local_records=True)
        with unreachable(generous):
            peer.say(b"last words\n")
            assert line_of(stream) == b"last words\n"
            peer.hang_up()
            assert stream.recv(100) == b""
        stream.close()


def test_a_stream_cut_off_is_told_from_a_goodbye(sspi, files):
    with connected(sspi, files, "TLSv1.3", "", "connect") as (stream, peer):
        stream.sendall(b"heard\n")
        assert peer.stdout.readline() == b"heard\n"
        peer.kill()
        with pytest.raises((PeerClosedError, ConnectionResetError)):
            stream.recv(100)


def test_asyncio_streams_too(generous, files):
    async def talk(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with aio.Client(generous.target) as client:
            chosen = schannel(trust_anchors=tls.roots())
            async with await client.acquire_credentials_handle("Schannel", OUTBOUND, chosen) as credential:
                stream = await aio.TlsStream.connect(
                    client, reader, writer, tls.HOST, credential=credential, local_records=True
                )
            with unreachable(generous):
                await stream.sendall(b"drawer\n")
                answer = await stream.recv(100)
            await stream.close(timeout=0.2)
        writer.close()
        return answer

    with openssl.s_server(files / "server.pem", files / "server.key", "-rev") as peer:
        assert asyncio.run(talk(peer.port)) == b"reward\n"


def pair(version, suite=""):
    """Both ends of one connection as local records; tickets wait for the client."""
    wishes = {"protocols": (version,)} | (pick(version, suite) if suite else {})
    ends = tls.client(**wishes), tls.server(**wishes)
    tls.shake(*ends)
    made = []
    for end, role in zip(ends, Role, strict=True):
        end.world.policies["Schannel"] = SchannelPolicy(hand_out_secrets=True)
        secrets = end.query(ContextAttribute.TRAFFIC_SECRETS)
        made.append(LocalRecords(Legs(role, "Schannel"), secrets, end.waiting))
    return made


def alert_of(failure):
    return failure.detail.alert


def now(work):
    return run(work, lambda question: pytest.fail(f"{question} was asked"))


def passed(one, other, data):
    """What `other` reads of `data` sent by `one`."""
    now(one.seal(data))
    return delivered(one, other)


def delivered(one, other):
    while one.outgoing:
        other.feed(one.outgoing.popleft())
    found = b""
    while now(other.open()) and not other.ended:
        found += other.take(1 << 20)
    return found


@SUITES
@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(0, 40_000), max_size=4))
def test_any_sizes_pass_between_local_ends(version, suite, sizes):
    client, host = pair(version, suite)
    for size in sizes:
        assert passed(client, host, bytes(size)) == bytes(size)
        assert passed(host, client, b"x" * size) == b"x" * size
    now(host.shut())
    delivered(host, client)
    assert client.ended


@VERSIONS
@settings(max_examples=80, deadline=None)
@given(at=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_flipped_bit_never_passes_and_ends_the_stream(version, at, bit):
    client, host = pair(version)
    now(client.seal(b"sixteen bytes !!" * 4))
    record = bytearray(client.outgoing.popleft())
    record[at % len(record)] ^= 1 << bit
    host.feed(bytes(record))
    try:
        opened = now(host.open())
    except SspiError as failure:
        assert failure.token == b"".join(host.outgoing)  # noqa: PT017  # without a failure the other branch judges
        with pytest.raises(SspiError):
            now(host.seal(b"x"))
        return
    assert not opened
    assert len(record) < record_layer.HEADER + int.from_bytes(record[3:5], "big")


@VERSIONS
@pytest.mark.parametrize(
    ("content_type", "content", "alert"),
    [(21, b"\x02", 50), (22, b"", 10), (20, b"\x01", 10), (22, b"\x18\x00\x00\x01\x02", 50), (22, b"\x0d\x00\x00\x00", 10)],
)
def test_genuine_records_that_break_tls_end_the_stream(version, content_type, content, alert):
    client, host = pair(version)
    client.feed(host._layer.seal(content_type, content))
    if version == "TLSv1.2" and content_type == record_layer.HANDSHAKE and content:
        assert not now(client.open())
        assert client.outgoing  # no_renegotiation
        return
    with pytest.raises(SspiError) as caught:
        now(client.open())
    assert alert_of(caught.value) == alert


def test_a_key_update_cut_over_two_records_is_followed():
    client, host = pair("TLSv1.3")
    update = b"\x18\x00\x00\x01\x01"
    client.feed(host._layer.seal(22, update[:2]) + host._layer.seal(22, update[2:]))
    host._layer.write.update()
    assert not now(client.open())
    assert passed(host, client, b"under new keys") == b"under new keys"
    assert passed(client, host, b"and back") == b"and back"


def test_no_data_between_the_parts_of_a_handshake_message():
    client, host = pair("TLSv1.3")
    client.feed(host._layer.seal(22, b"\x18\x00") + host._layer.seal(23, b"data"))
    with pytest.raises(SspiError) as caught:
        now(client.open())
    assert alert_of(caught.value) == record_layer.UNEXPECTED_MESSAGE


@VERSIONS
def test_a_fatal_alert_is_told_with_its_number(version):
    client, host = pair(version)
    client.feed(host._layer.seal(21, b"\x02\x31"))
    with pytest.raises(SspiError) as caught:
        now(client.open())
    assert alert_of(caught.value) == 49
    assert not client.outgoing
