"""After the handshake with `gnutls-cli`: resumption, renegotiation, megabytes, both kinds of close."""

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import CredentialUse
from sspid_testing import tls, tls_wire
from sspid_testing.gnutls import gnutls_cli, written

pytestmark = [pytest.mark.schannel, pytest.mark.interop]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


@pytest.fixture
def files(tmp_path):
    return written(tmp_path)


def hear(process, wanted):
    heard = b""
    while wanted not in heard:
        line = process.stdout.readline()
        assert line, heard.decode()
        heard += line
    return heard


def end_of_input(process):
    """Close its stdin, and let nobody close it again."""
    process.stdin.close()
    process.stdin = None


@both
def test_gnutls_cli_resumes_at_our_acceptor(files, version):
    first = tls.server(protocols=(version,))
    resumed = []
    options = ("--resume", "--waitresumption")
    with (
        tls_wire.listening() as listener,
        gnutls_cli(files, version, listener.getsockname()[1], *options) as process,
    ):
        for last in (False, True):
            end = tls.End(first.world, first.package, first.credential, True, flags=first.flags)
            with tls_wire.accept(end, listener) as wire:
                wire.handshake()
                resumed.append(end.query(ContextAttribute.SESSION_INFO).reconnected)
                if last:
                    hear(process, b"This is a resumed session")
                    end_of_input(process)
                assert wire.receive(1) == b""
    assert resumed == [False, True]


def test_gnutls_cli_renegotiates_with_our_acceptor(files):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=("TLSv1.2",))
        client = gnutls_cli(files, "TLSv1.2", listener.getsockname()[1], "--inline-commands")
        with client as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            process.stdin.write(b"^renegotiate^\n")
            process.stdin.flush()
            while "ClientHello" not in wire.met:
                wire.receive_some()
            process.stdin.write(b"under new keys\n")
            process.stdin.flush()
            assert wire.receive(15) == b"under new keys\n"
            wire.send(b"both ways\n")
            hear(process, b"both ways")


def test_our_acceptor_asks_gnutls_cli_for_its_certificate(files):
    options = ("--x509certfile", files / "alice.pem", "--x509keyfile", files / "alice.key")
    with tls_wire.listening() as listener:
        end = tls.server()
        end.credential = tls.credential(
            end.world,
            end.package,
            tls.issued(),
            use=CredentialUse.INBOUND,
            protocols=("TLSv1.2",),
            flags=frozenset({"DISABLE_RECONNECTS"}),
        )
        client = gnutls_cli(files, "TLSv1.2", listener.getsockname()[1], *options)
        with client as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            wire.send_token(end.leg(b"", flags=tls.REQUESTED))
            while "ClientHello" not in wire.met:
                wire.receive_some()
            assert end.query(ContextAttribute.REMOTE_CERT_CONTEXT).der
            process.stdin.write(b"it is me\n")
            process.stdin.flush()
            assert wire.receive(9) == b"it is me\n"


@both
def test_megabytes_to_gnutls_cli_and_back(files, version):
    text = b"0123456789abcde\n" * 3000
    with tls_wire.listening() as listener:
        end = tls.server(protocols=(version,))
        client = gnutls_cli(files, version, listener.getsockname()[1], "--logfile", files / "log")
        with client as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            for _ in range(40):
                wire.send(text)
                assert process.stdout.read(len(text)) == text
                process.stdin.write(text)
                process.stdin.flush()
                assert wire.receive(len(text)) == text


@both
def test_a_clean_close_of_gnutls_cli_and_a_cut_one(files, version):
    for clean in (True, False):
        with tls_wire.listening() as listener:
            end = tls.server(protocols=(version,))
            with (
                gnutls_cli(files, version, listener.getsockname()[1]) as process,
                tls_wire.accept(end, listener) as wire,
            ):
                wire.handshake()
                hear(process, b"Simple Client Mode")
                end_of_input(process) if clean else process.kill()
                assert wire.receive(1) == b""
                assert ("close_notify" in wire.met) is clean
