"""Against `gnutls-serv` and `gnutls-cli`, a TLS stack that shares no code with ours."""

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import tls, tls_wire
from sspid_testing.gnutls import connect, gnutls_cli, gnutls_serv, written

pytestmark = [pytest.mark.schannel, pytest.mark.interop]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
HEARD = {"TLSv1.2": b"A TLS fatal alert has been received", "TLSv1.3": b"Decryption has failed"}


@pytest.fixture
def files(tmp_path):
    return written(tmp_path)


@both
def test_our_initiator_against_gnutls_serv(files, version):
    peer = gnutls_serv(files, version, "--disable-client-cert")
    with peer as process, connect(tls.client(protocols=(version,)), process) as wire:
        wire.handshake()
        assert wire.end.query(ContextAttribute.CONNECTION_INFO).protocol == version
        wire.send(b"over to gnutls and back\n")
        assert wire.receive(24) == b"over to gnutls and back\n"
        wire.say_goodbye()
        assert wire.receive(1) == b""


@both
def test_our_certificate_at_gnutls_serv(files, version):
    peer = gnutls_serv(files, version, "--require-client-cert", "--x509cafile", files / "roots.pem")
    end = tls.client(None, tls.issued("alice@example.test"), protocols=(version,))
    with peer as process, connect(end, process) as wire:
        wire.handshake()
        wire.send(b"it is me\n")
        assert wire.receive(9) == b"it is me\n"


@both
def test_our_initiator_resumes_at_gnutls_serv(files, version):
    peer = gnutls_serv(files, version, "--disable-client-cert")
    first = tls.client(protocols=(version,))
    resumed = []
    with peer as process:
        for _ in range(2):
            end = tls.End(first.world, first.package, first.credential, False, target=tls.HOST)
            with connect(end, process) as wire:
                wire.handshake()
                wire.send(b"x\n")
                assert wire.receive(2) == b"x\n"
                resumed.append(end.query(ContextAttribute.SESSION_INFO).reconnected)
                wire.say_goodbye()
    assert resumed == [False, True]


@both
def test_our_acceptor_against_gnutls_cli(files, version):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,), buffers=tls.alpn(b"h2"))
        client = gnutls_cli(files, version, listener.getsockname()[1], "--alpn", "h2")
        with client as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            assert end.query(ContextAttribute.APPLICATION_PROTOCOL).protocol_id == b"h2"
            process.stdin.write(b"hello from gnutls\n")
            process.stdin.flush()
            assert wire.receive(18) == b"hello from gnutls\n"
            wire.send(b"hello from sspid\n")
            heard = b""
            while b"hello from sspid" not in heard:
                heard += process.stdout.readline()
            assert b"- Status: The certificate is trusted" in heard


@both
def test_our_acceptor_takes_the_certificate_of_gnutls_cli(files, version):
    options = ("--x509certfile", files / "alice.pem", "--x509keyfile", files / "alice.key")
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,), flags=tls.REQUESTED)
        client = gnutls_cli(files, version, listener.getsockname()[1], *options)
        with client, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            assert end.query(ContextAttribute.REMOTE_CERT_CONTEXT).der


@both
def test_gnutls_cli_distrusts_us_and_we_say_which_alert(files, version):
    with tls_wire.listening() as listener:
        end = tls.server(None, tls.issued(by="stranger"), protocols=(version,))
        with gnutls_cli(files, version, listener.getsockname()[1]), tls_wire.accept(end, listener) as wire:
            with pytest.raises(SspiError) as caught:
                wire.handshake_and_receive()
            assert (caught.value.status, caught.value.detail.alert) == (SecurityStatus.SEC_E_CERT_UNKNOWN, 42)


@both
def test_gnutls_serv_hears_of_our_distrust(files, version):
    peer = gnutls_serv(files, version, "--disable-client-cert")
    end = tls.client(protocols=(version,), trust_anchors_pem=tls.roots("stranger"))
    with peer as process, connect(end, process) as wire:
        with pytest.raises(SspiError) as caught:
            wire.handshake()
        assert caught.value.status is SecurityStatus.SEC_E_UNTRUSTED_ROOT
        assert caught.value.detail.alert == 48
        heard = b"".join(process.stdout.readline() for _ in range(3 if version == "TLSv1.2" else 4))
        # OpenSSL's client sends this alert plain in TLS 1.3 too, before it has switched to its handshake keys.
        assert HEARD[version] in heard


def test_key_update_from_gnutls_cli(files):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=("TLSv1.3",))
        client = gnutls_cli(files, "TLSv1.3", listener.getsockname()[1], "--inline-commands")
        with client as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            process.stdin.write(b"^rekey^\n")
            process.stdin.flush()
            while "KeyUpdate" not in wire.met:
                wire.receive_some()
            process.stdin.write(b"after\n")
            process.stdin.flush()
            assert wire.receive(6) == b"after\n"
