"""TLS through the service against OpenSSL's own server and client: data both ways, goodbyes, and failures under their names."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from sspid_client import (
    INBOUND,
    OUTBOUND,
    STREAM_FLAGS,
    Client,
    ContextFlag,
    PeerClosedError,
    SecurityStatus,
    SspiError,
    TlsStream,
    aio,
    anonymous,
    attributes,
    certificate,
    named,
    schannel,
)
from sspid_testing import openssl

pytestmark = [pytest.mark.wire, pytest.mark.interop, pytest.mark.schannel, pytest.mark.timeout(60)]

TARGETS = pytest.mark.parametrize("target", ["target", "unix_target"], ids=["tcp", "unix"])
VERSIONS = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@pytest.fixture
def sspi(service):
    with Client(service.target) as client:
        yield client


def dial(peer):
    return socket.create_connection(("127.0.0.1", peer.port), timeout=15)


def recv_line(tls):
    line = b""
    while not line.endswith(b"\n"):
        more = tls.recv(1000)
        assert more, f"the stream ended after {line!r}"
        line += more
    return line


async def recv_line_async(tls):
    line = b""
    while not line.endswith(b"\n"):
        more = await tls.recv(1000)
        assert more, f"the stream ended after {line!r}"
        line += more
    return line


@TARGETS
@VERSIONS
@pytest.mark.parametrize("session", [True, False], ids=["session", "alone"])
def test_a_blocking_stream_exchanges_lines_and_says_goodbye(service, tls_server, target, version, session):
    with Client(getattr(service, target), session=session) as client, dial(tls_server) as sock:
        credential = client.acquire_credentials_handle("Schannel", OUTBOUND, schannel(protocols=[version]))
        with credential, TlsStream.connect(client, sock, "localhost", credential=credential) as tls:
            assert tls.context.query(attributes.CONNECTION_INFO).protocol == version
            for text in (b"hello\n", b"again\n"):
                tls.sendall(text)
                assert recv_line(tls) == text[-2::-1] + b"\n"
            tls.close()
            assert sock.recv(1) == b"", "the peer ends the connection after both goodbyes"


@TARGETS
@VERSIONS
@pytest.mark.parametrize("session", [True, False], ids=["session", "alone"])
def test_an_asyncio_stream_exchanges_lines_and_says_goodbye(service, tls_server, target, version, session):
    async def talk():
        async with aio.Client(getattr(service, target), session=session) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", tls_server.port)
            credential = await client.acquire_credentials_handle("Schannel", OUTBOUND, schannel(protocols=[version]))
            stream = await aio.TlsStream.connect(client, reader, writer, "localhost", credential=credential)
            async with credential, stream as tls:
                assert (await tls.context.query(attributes.CONNECTION_INFO)).protocol == version
                for text in (b"hello\n", b"again\n"):
                    await tls.sendall(text)
                    assert await recv_line_async(tls) == text[-2::-1] + b"\n"
                await tls.close()
                assert await reader.read(1) == b"", "the peer ends the connection after both goodbyes"
            writer.close()

    asyncio.run(talk())


@VERSIONS
def test_a_large_message_arrives_whole(sspi, service, version):
    sent = bytes(range(256)) * 4000
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with sspi.acquire_credentials_handle("Schannel", INBOUND, named("demo-server")) as credential:
                connection, _ = listener.accept()
                with connection, TlsStream.accept(sspi, connection, credential) as tls:
                    while data := tls.recv(100_000):
                        received.extend(data)
                        tls.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        echoed = bytearray()
        credential = sspi.acquire_credentials_handle("Schannel", OUTBOUND, schannel(protocols=[version]))
        with credential, socket.create_connection(listener.getsockname()) as sock:
            tls = TlsStream.connect(sspi, sock, "localhost", credential=credential)
            # Both directions at once: neither end may wait for the other to read.
            sender = threading.Thread(target=tls.sendall, args=(sent,))
            sender.start()
            while len(echoed) < len(sent):
                echoed += tls.recv(65536)
            sender.join()
            tls.close()
        thread.join(30)
    assert bytes(echoed) == sent
    assert bytes(received) == sent


@VERSIONS
def test_a_blocking_stream_accepts_openssl(sspi, service, version):
    option = "-" + version.lower().replace("v", "").replace(".", "_")
    credential = sspi.acquire_credentials_handle("Schannel", INBOUND, named("demo-server"))
    with credential, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with openssl.s_client(port, service.ca, "-servername", "localhost", "-quiet", option) as peer:
            connection, _ = listener.accept()
            with connection, TlsStream.accept(sspi, connection, credential) as tls:
                assert tls.context.query(attributes.CONNECTION_INFO).protocol == version
                peer.say(b"to the server\n")
                assert recv_line(tls) == b"to the server\n"
                tls.sendall(b"to the client\n")
                peer.wait_for("to the client")
                tls.close()


def test_an_asyncio_stream_accepts_openssl(service):
    async def talk():
        async with aio.Client(service.target) as client:
            credential = await client.acquire_credentials_handle("Schannel", INBOUND, named("demo-server"))
            got = asyncio.get_running_loop().create_future()

            async def serve(reader, writer):
                async with await aio.TlsStream.accept(client, reader, writer, credential) as tls:
                    line = await recv_line_async(tls)
                    await tls.sendall(b"to the client\n")
                    got.set_result(line)
                writer.close()

            listener = await asyncio.start_server(serve, "127.0.0.1", 0)
            port = listener.sockets[0].getsockname()[1]
            async with listener, credential:
                with openssl.s_client(port, service.ca, "-servername", "localhost", "-quiet") as peer:
                    peer.say(b"to the server\n")
                    assert await got == b"to the server\n"
                    await asyncio.to_thread(peer.wait_for, "to the client")

    asyncio.run(talk())


def test_application_protocols_are_negotiated(sspi, service):
    with (
        openssl.s_server(service.server_certificate, service.server_key, "-rev", "-alpn", "h2,http/1.1") as peer,
        dial(peer) as sock,
        TlsStream.connect(sspi, sock, "localhost", application_protocols=[b"http/1.1"]) as tls,
    ):
        assert tls.context.query(attributes.APPLICATION_PROTOCOL).protocol_id == b"http/1.1"


def test_a_client_certificate_is_shown(sspi, service):
    certificates = service.data_dir / "certificates"
    ours = certificate((certificates / "client.pem").read_bytes(), (certificates / "client-key.pem").read_bytes())
    arguments = ("-rev", "-Verify", "1", "-verify_return_error", "-CAfile", str(service.ca))
    with (
        openssl.s_server(service.server_certificate, service.server_key, *arguments) as peer,
        dial(peer) as sock,
        sspi.acquire_credentials_handle("Schannel", OUTBOUND, ours) as credential,
        TlsStream.connect(sspi, sock, "localhost", credential=credential) as tls,
    ):
        tls.sendall(b"hello\n")
        assert recv_line(tls) == b"olleh\n"


def test_a_server_that_asks_gets_no_certificate_where_there_is_none(sspi, service):
    arguments = ("-rev", "-verify", "1", "-CAfile", str(service.ca), "-tls1_2")
    with (
        openssl.s_server(service.server_certificate, service.server_key, *arguments) as peer,
        dial(peer) as sock,
        TlsStream.connect(sspi, sock, "localhost") as tls,
    ):
        tls.sendall(b"hello\n")
        assert recv_line(tls) == b"olleh\n"


def test_a_wrong_name_is_the_wrong_principal_and_the_peer_is_told(sspi, tls_server):
    with dial(tls_server) as sock:
        with pytest.raises(SspiError) as caught:
            TlsStream.connect(sspi, sock, "another.example")
        assert sock.recv(1) == b"", "the peer got the alert and closed"
    error = caught.value
    assert error.status is SecurityStatus.SEC_E_WRONG_PRINCIPAL
    assert (error.name, error.code) == ("SEC_E_WRONG_PRINCIPAL", 0x80090322)
    assert error.message
    assert error.detail is not None
    assert error.detail.alert_sent
    assert error.detail.verify_depth == 0
    assert error.token[:1] == b"\x15"
    assert str(error).startswith("SEC_E_WRONG_PRINCIPAL: ")


def test_asyncio_meets_the_same_wrong_principal(service, tls_server):
    async def talk():
        async with aio.Client(service.target) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", tls_server.port)
            with pytest.raises(SspiError) as caught:
                await aio.TlsStream.connect(client, reader, writer, "another.example")
            assert await reader.read(1) == b"", "the peer got the alert and closed"
            writer.close()
            return caught.value

    error = asyncio.run(talk())
    assert error.status is SecurityStatus.SEC_E_WRONG_PRINCIPAL
    assert error.token[:1] == b"\x15"


def test_an_unknown_authority_is_an_untrusted_root(sspi, service, tls_server):
    stranger = schannel(trust_anchors=another_authority())
    with (
        sspi.acquire_credentials_handle("Schannel", OUTBOUND, stranger) as credential,
        dial(tls_server) as sock,
        pytest.raises(SspiError) as caught,
    ):
        TlsStream.connect(sspi, sock, "localhost", credential=credential)
    assert caught.value.status is SecurityStatus.SEC_E_UNTRUSTED_ROOT


def another_authority():
    import trustme

    return trustme.CA().cert_pem.bytes()


def test_a_peer_that_hangs_up_in_the_handshake(sspi):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        listener.accept()[0].close()
        with sock, pytest.raises((PeerClosedError, ConnectionError)):
            TlsStream.connect(sspi, sock, "localhost")


def test_a_peer_that_hangs_up_without_goodbye_is_not_taken_for_the_end(sspi, service):
    with openssl.s_server(service.server_certificate, service.server_key, "-rev") as peer, dial(peer) as sock:
        tls = TlsStream.connect(sspi, sock, "localhost")
        tls.sendall(b"hello\n")
        assert recv_line(tls) == b"olleh\n"
        peer.stop()
        with pytest.raises((PeerClosedError, ConnectionError)):
            tls.recv(1)
        tls.close()


class Recording:
    """A socket that remembers what was sent last."""

    def __init__(self, sock):
        self._sock = sock
        self.sent = b""

    def sendall(self, data):
        self.sent = data
        self._sock.sendall(data)

    def __getattr__(self, name):
        return getattr(self._sock, name)


def test_an_altered_record_is_an_error_and_the_peer_is_told(sspi, service):
    with openssl.s_server(service.server_certificate, service.server_key, "-rev", "-tls1_2") as peer, dial(peer) as sock:
        recording = Recording(sock)
        tls = TlsStream.connect(sspi, recording, "localhost")
        tls._feed(b"\x17\x03\x03\x00\x40" + bytes(64))
        with pytest.raises(SspiError) as altered:
            tls.recv(100)
        assert altered.value.name == "SEC_E_MESSAGE_ALTERED"
        assert altered.value.token == recording.sent
        assert recording.sent[:1] == b"\x15", "an alert"
        assert sock.recv(1) == b"", "the peer closed"


def test_a_receive_that_times_out_can_be_repeated(sspi, tls_server):
    with dial(tls_server) as sock, TlsStream.connect(sspi, sock, "localhost") as tls:
        sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            tls.recv(1)
        sock.settimeout(15)
        tls.sendall(b"hello\n")
        assert recv_line(tls) == b"olleh\n"


def test_a_cancelled_receive_can_be_repeated(service, tls_server):
    async def talk():
        async with aio.Client(service.target) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", tls_server.port)
            async with await aio.TlsStream.connect(client, reader, writer, "localhost") as tls:
                for _ in range(20):
                    waiting = asyncio.ensure_future(recv_line_async(tls))
                    await asyncio.sleep(0.001)
                    waiting.cancel()
                await tls.sendall(b"hello\n")
                assert await recv_line_async(tls) == b"olleh\n"
            writer.close()

    asyncio.run(talk())


def test_a_handshake_with_any_transport(sspi, tls_server):
    """What has send and recv will do, however few bytes each takes or gives."""

    class Trickle:
        def __init__(self, sock):
            self.sock = sock

        def send(self, data):
            return self.sock.send(data[:100])

        def recv(self, size):
            return self.sock.recv(min(size, 150))

    with (
        dial(tls_server) as sock,
        sspi.acquire_credentials_handle("Schannel", OUTBOUND, anonymous()) as credential,
        credential.initialize("localhost", flags=STREAM_FLAGS) as context,
    ):
        last = context.handshake(Trickle(sock))
        assert last.done
        assert ContextFlag.CONFIDENTIALITY in last.granted
        sock.sendall(context.encrypt(b"hello\n"))
        received = last.extra
        line = b""
        while not line.endswith(b"\n"):
            opened = context.decrypt(received) if received else None
            if opened is None or opened.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
                received += sock.recv(1000)
            elif opened.status is SecurityStatus.SEC_I_RENEGOTIATE:
                received = context.step(opened.extra).extra
                line += opened.data
            else:
                line, received = line + opened.data, opened.extra
        assert line == b"olleh\n"
        sock.sendall(context.shutdown())


def test_legs_one_by_one(sspi, tls_server):
    with (
        dial(tls_server) as sock,
        sspi.acquire_credentials_handle("Schannel", OUTBOUND, anonymous()) as credential,
        credential.initialize("localhost", flags=STREAM_FLAGS) as context,
    ):
        step = context.step()
        assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
        assert not step.done
        sock.sendall(step.token)
        received = b""
        while not step.done:
            received += sock.recv(50)
            step = context.step(received)
            if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
                assert step.missing > 0
                continue
            sock.sendall(step.token)
            received = step.extra
        assert context.handle


def test_deleted_contexts_are_gone(sspi, tls_server):
    with sspi.acquire_credentials_handle("Schannel", OUTBOUND, anonymous()) as credential:
        context = credential.initialize("localhost")
        with pytest.raises(SspiError, match="not begun"):
            context.query(attributes.CONNECTION_INFO)
        context.step()
        context.delete()
        context.delete()
        assert context.handle == b""
