"""Against `openssl s_server` and `openssl s_client`, which Debian's openssl package brings."""

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers, tls, tls_wire
from sspid_testing.ports import free_port

pytestmark = [pytest.mark.schannel, pytest.mark.interop]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
keys = pytest.mark.parametrize("key", ["ECDSA", "RSA"])


@pytest.fixture
def files(tmp_path):
    (tmp_path / "roots.pem").write_bytes(tls.roots())
    (tmp_path / "stranger.pem").write_bytes(tls.roots("stranger"))
    tls_wire.written(tmp_path, "ECDSA", tls.issued())
    tls_wire.written(tmp_path, "RSA", tls.issued(key="RSA"))
    tls_wire.written(tmp_path, "alice", tls.issued("alice@example.test"))
    return tmp_path


def option(version):
    return "-" + version.replace("TLSv", "tls").replace(".", "_")


def s_server(files, version, *options, key="ECDSA"):
    port = free_port()
    command = [peers.require("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", "1", option(version)]
    command += ["-cert", files / f"{key}.pem", "-key", files / f"{key}.key", "-CAfile", files / "roots.pem", *options]
    return port, tls_wire.running(command)


def s_client(files, version, port, *options, log=None):
    command = [peers.require("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-servername", tls.HOST]
    command += [option(version), "-CAfile", files / "roots.pem", "-verify_return_error", *options]
    return tls_wire.running(command, log=log)


def output_until(process, wanted):
    lines = b""
    while wanted not in lines:
        line = process.stdout.readline()
        assert line, lines.decode()
        lines += line
    return lines.decode()


@both
@keys
def test_our_initiator_against_s_server(files, version, key):
    port, peer = s_server(files, version, "-rev", "-quiet", key=key)
    with peer, tls_wire.connect(tls.client(protocols=(version,)), port) as wire:
        wire.handshake()
        assert wire.end.query(ContextAttribute.CONNECTION_INFO).protocol == version
        wire.send(b"drawer\n")
        assert wire.receive(7) == b"reward\n"
        assert "NewSessionTicket" in wire.met or version == "TLSv1.2"
        wire.say_goodbye()


@both
@keys
def test_our_acceptor_against_s_client(files, version, key):
    with tls_wire.listening() as listener:
        end = tls.server(None, tls.issued(key=key), protocols=(version,))
        with s_client(files, version, listener.getsockname()[1], "-quiet") as peer, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            peer.stdin.write(b"hello from s_client\n")
            peer.stdin.flush()
            assert wire.receive(20) == b"hello from s_client\n"
            wire.send(b"hello from sspid\n")
            assert output_until(peer, b"sspid\n")
            wire.say_goodbye()
            assert peer.wait(10) == 0


@both
def test_megabytes_both_ways(files, version):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,))
        client = s_client(files, version, listener.getsockname()[1], "-quiet", log=files / "log")
        with client as peer, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            text = b"0123456789abcde\n" * 3000
            for _ in range(40):
                wire.send(text)
                assert peer.stdout.read(len(text)) == text
                peer.stdin.write(text)
                peer.stdin.flush()
                assert wire.receive(len(text)) == text


@both
def test_a_clean_close_and_a_cut_one(files, version):
    port, peer = s_server(files, version, "-rev", "-quiet")
    with peer, tls_wire.connect(tls.client(protocols=(version,)), port) as wire:
        wire.handshake()
        wire.send(b"CLOSE\n")  # s_server -rev ends the connection at this line
        assert wire.receive(1) == b""
        assert wire.met[-1:] == ["close_notify"]
    port, peer = s_server(files, version, "-rev", "-quiet")
    with peer as process, tls_wire.connect(tls.client(protocols=(version,)), port) as wire:
        wire.handshake()
        process.kill()
        assert wire.receive(1) == b""
        assert "close_notify" not in wire.met


@both
def test_a_client_certificate_is_asked_for_and_given(files, version):
    port, peer = s_server(files, version, "-Verify", "3", "-verify_return_error", "-rev", "-quiet")
    end = tls.client(None, tls.issued("alice@example.test"), protocols=(version,))
    with peer, tls_wire.connect(end, port) as wire:
        wire.handshake()
        wire.send(b"ab\n")
        assert wire.receive(3) == b"ba\n"


@both
def test_our_acceptor_takes_s_clients_certificate(files, version):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,), flags=tls.REQUESTED)
        options = ("-cert", files / "alice.pem", "-key", files / "alice.key", "-quiet")
        with s_client(files, version, listener.getsockname()[1], *options), tls_wire.accept(end, listener) as wire:
            wire.handshake()
            assert wire.end.query(ContextAttribute.REMOTE_CERT_CONTEXT).der


@both
def test_a_client_without_the_certificate_we_require_gets_an_alert(files, version):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,), flags=tls.REQUESTED)
        with s_client(files, version, listener.getsockname()[1]) as peer, tls_wire.accept(end, listener) as wire:
            with pytest.raises(SspiError) as caught:
                wire.handshake()
            assert caught.value.status is SecurityStatus.SEC_E_NO_CREDENTIALS
            said = "certificate required" if version == "TLSv1.3" else "handshake failure"
            assert output_until(peer, said.encode())
            assert caught.value.detail.alert == (116 if version == "TLSv1.3" else 40)


@both
def test_s_server_reports_the_alert_we_send_for_an_unknown_authority(files, version):
    port, peer = s_server(files, version)
    with (
        peer as process,
        tls_wire.connect(tls.client(protocols=(version,), trust_anchors_pem=tls.roots("stranger")), port) as wire,
    ):
        with pytest.raises(SspiError) as caught:
            wire.handshake()
        assert caught.value.status is SecurityStatus.SEC_E_UNTRUSTED_ROOT
        assert output_until(process, b"unknown ca")


@both
def test_s_client_refuses_our_name_and_we_say_which_alert(files, version):
    with tls_wire.listening() as listener:
        options = ("-verify_hostname", "other.example.test")
        with (
            s_client(files, version, listener.getsockname()[1], *options),
            tls_wire.accept(tls.server(protocols=(version,)), listener) as wire,
        ):
            with pytest.raises(SspiError) as caught:
                wire.handshake_and_receive()
            assert caught.value.status is SecurityStatus.SEC_E_CERT_UNKNOWN
            assert caught.value.detail.alert == 42


@both
def test_alpn_with_both_peers(files, version):
    port, peer = s_server(files, version, "-alpn", "h2,http/1.1", "-rev", "-quiet")
    with peer, tls_wire.connect(tls.client(protocols=(version,), buffers=tls.alpn(b"http/1.1")), port) as wire:
        wire.handshake()
        assert wire.end.query(ContextAttribute.APPLICATION_PROTOCOL).protocol_id == b"http/1.1"
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,), buffers=tls.alpn(b"h2"))
        with (
            s_client(files, version, listener.getsockname()[1], "-alpn", "h2") as client,
            tls_wire.accept(end, listener) as wire,
        ):
            wire.handshake()
            assert output_until(client, b"ALPN protocol: h2")
