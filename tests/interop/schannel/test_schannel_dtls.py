"""DTLS over real datagrams against `openssl s_server -dtls1_2`, `openssl s_client -dtls` and `gnutls-cli --udp`."""

import socket
import time

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token_in
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers, tls, tls_wire
from sspid_testing.ports import free_port

pytestmark = [pytest.mark.schannel, pytest.mark.interop]

FLAGS = frozenset({ContextFlag.DATAGRAM, ContextFlag.EXTENDED_ERROR})


@pytest.fixture
def files(tmp_path):
    (tmp_path / "roots.pem").write_bytes(tls.roots())
    tls_wire.written(tmp_path, "server", tls.issued())
    return tmp_path


class Datagrams:
    """An End on a UDP socket, as a caller writes its loop."""

    def __init__(self, end, sock, peer=None):
        self.end, self.socket, self.peer = end, sock, peer
        sock.settimeout(10)

    def leg(self, data):
        step = self.end.leg(data)
        while True:
            if token_in(step.output):
                self.socket.sendto(token_in(step.output), self.peer)
            if step.status is not SecurityStatus.SEC_I_MESSAGE_FRAGMENT:
                return step
            step = self.end.leg(b"")

    def receive(self):
        data, self.peer = self.socket.recvfrom(65536)
        if self.end.server:
            self.end.buffers = (SecurityBuffer(BufferType.EXTRA, repr(self.peer).encode()),)
        return data

    def handshake(self):
        step = None if self.end.server else self.leg(None)
        while step is None or step.status is not SecurityStatus.SEC_E_OK:
            step = self.leg(self.receive())

    def read(self):
        """The next message; datagrams without one are passed over."""
        while True:
            answer = self.end.open(self.receive())
            if answer.buffers[0].data or answer.status is not SecurityStatus.SEC_E_OK:
                return answer


def test_our_initiator_against_s_server(files):
    port = free_port()
    command = [peers.require("openssl"), "s_server", "-dtls1_2", "-accept", f"127.0.0.1:{port}", "-quiet", "-naccept", "1"]
    command += ["-cert", files / "server.pem", "-key", files / "server.key"]
    with tls_wire.running(command) as process, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        time.sleep(0.5)  # UDP has nothing that says a listener is there
        wire = Datagrams(tls.client(protocols=("DTLSv1.2",), flags=FLAGS), sock, ("127.0.0.1", port))
        wire.handshake()
        assert wire.end.query(ContextAttribute.CONNECTION_INFO).protocol == "DTLSv1.2"
        process.stdin.write(b"from s_server\n")
        process.stdin.flush()
        assert wire.read().buffers[0].data == b"from s_server\n"
        sock.sendto(wire.end.seal(b"from sspid\n"), wire.peer)
        assert b"from sspid" in process.stdout.readline()


@pytest.mark.parametrize("option", ["-dtls", "-dtls1_2"])
def test_our_acceptor_against_s_client(files, option):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        command = [peers.require("openssl"), "s_client", option, "-connect", f"127.0.0.1:{sock.getsockname()[1]}"]
        command += ["-servername", tls.HOST, "-CAfile", files / "roots.pem", "-verify_return_error", "-quiet"]
        with tls_wire.running(command, log=files / "log") as process:
            wire = Datagrams(tls.server(protocols=("DTLSv1.2",), flags=FLAGS), sock)
            wire.handshake()
            # Its first ClientHello was asked back with a cookie, and no context was begun for it.
            assert [step.state is None for step in wire.end.steps[:2]] == [True, False]
            process.stdin.write(b"from s_client\n")
            process.stdin.flush()
            assert wire.read().buffers[0].data == b"from s_client\n"
            sock.sendto(wire.end.seal(b"from sspid\n"), wire.peer)
            assert process.stdout.readline() == b"from sspid\n"
            wire.end.control(1)
            wire.leg(b"")
            assert process.wait(10) == 0


def test_a_cookie_of_s_client_is_not_taken_from_elsewhere(files):
    """The ClientHello with its cookie, heard once more as if from another address: asked back again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        command = [peers.require("openssl"), "s_client", "-dtls", "-connect", f"127.0.0.1:{sock.getsockname()[1]}", "-quiet"]
        with tls_wire.running(command, log=files / "log"):
            wire = Datagrams(tls.server(protocols=("DTLSv1.2",), flags=FLAGS), sock)
            assert wire.leg(wire.receive()).state is None
            hello = wire.receive()
            wire.end.buffers = (SecurityBuffer(BufferType.EXTRA, b"elsewhere"),)
            assert wire.leg(hello).state is None
            hello = wire.receive()
            assert wire.leg(hello).state is not None


def test_our_acceptor_against_gnutls_cli(files):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        command = [
            peers.require("gnutls-cli"),
            "--udp",
            "--port",
            str(sock.getsockname()[1]),
            "--x509cafile",
            files / "roots.pem",
        ]
        command += ["--priority", "NORMAL:-VERS-ALL:+VERS-DTLS1.2", "--verify-hostname", tls.HOST, "--sni-hostname", tls.HOST]
        with tls_wire.running([*command, "--logfile", files / "log", "127.0.0.1"]) as process:
            wire = Datagrams(tls.server(protocols=("DTLSv1.2",), flags=FLAGS), sock)
            wire.handshake()
            assert [step.state is None for step in wire.end.steps[:2]] == [True, False]
            process.stdin.write(b"from gnutls\n")
            process.stdin.flush()
            assert wire.read().buffers[0].data == b"from gnutls\n"
            sock.sendto(wire.end.seal(b"from sspid\n"), wire.peer)
            assert process.stdout.readline() == b"from sspid\n"
