"""Our acceptor's stapled OCSP answers as `openssl s_client -status` and `gnutls-cli --ocsp` see them."""

from dataclasses import replace

import pytest

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import issuing, peers, tls, tls_wire

pytestmark = [pytest.mark.schannel, pytest.mark.interop]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
AUTHORITY = issuing.Authority("stapling root")


@pytest.fixture
def roots(tmp_path):
    path = tmp_path / "roots.pem"
    path.write_bytes(AUTHORITY.pem)
    return path


def stapling(version, one, answer):
    end = tls.server(None, replace(one.pem(), ocsp_response=answer), protocols=(version,))
    end.world.now = issuing.NOW
    return end


def s_client(roots, version, port):
    command = [peers.require("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-servername", tls.HOST, "-status"]
    command += ["-" + version.replace("TLSv", "tls").replace(".", "_"), "-CAfile", roots, "-verify_return_error"]
    return tls_wire.running(command)


def gnutls_cli(roots, version, port):
    priority = "NORMAL:-VERS-ALL:+VERS-" + version.replace("v", "")
    command = [peers.require("gnutls-cli"), "--port", str(port), "--priority", priority, "--ocsp", "--x509cafile", roots]
    return tls_wire.running([*command, "--verify-hostname", tls.HOST, "--sni-hostname", tls.HOST, "127.0.0.1"])


def heard(process, wanted):
    text = b""
    while wanted not in text:
        line = process.stdout.readline()
        assert line, text.decode()
        text += line
    return text


@both
@pytest.mark.parametrize("revoked", [False, True])
def test_s_client_sees_what_we_staple(roots, version, revoked):
    one = AUTHORITY.issue(tls.HOST)
    end = stapling(version, one, AUTHORITY.ocsp(one, revoked=revoked))
    with (
        tls_wire.listening() as listener,
        s_client(roots, version, listener.getsockname()[1]) as process,
        tls_wire.accept(end, listener) as wire,
    ):
        wire.handshake()
        text = heard(process, b"Cert Status: " + (b"revoked" if revoked else b"good"))
        assert b"OCSP Response Status: successful" in text
        assert f"{one.certificate.serial_number:X}".encode() in text


@both
def test_s_client_sees_that_there_is_nothing_to_staple(roots, version):
    one = AUTHORITY.issue(tls.HOST)
    with (
        tls_wire.listening() as listener,
        s_client(roots, version, listener.getsockname()[1]) as process,
        tls_wire.accept(stapling(version, one, b""), listener) as wire,
    ):
        wire.handshake()
        heard(process, b"OCSP response: no response sent")


@both
def test_gnutls_cli_trusts_a_certificate_that_is_good(roots, version):
    one = AUTHORITY.issue(tls.HOST)
    end = stapling(version, one, AUTHORITY.ocsp(one))
    with (
        tls_wire.listening() as listener,
        gnutls_cli(roots, version, listener.getsockname()[1]) as process,
        tls_wire.accept(end, listener) as wire,
    ):
        wire.handshake()
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        assert wire.receive(6) == b"hello\n"
        wire.send(b"END\n")
        text = heard(process, b"END")
        assert b"- Status: The certificate is trusted" in text
        assert b"OCSP status request," in text


@both
def test_gnutls_cli_refuses_one_that_is_revoked(roots, version):
    one = AUTHORITY.issue(tls.HOST)
    end = stapling(version, one, AUTHORITY.ocsp(one, revoked=True))
    with (
        tls_wire.listening() as listener,
        gnutls_cli(roots, version, listener.getsockname()[1]) as process,
        tls_wire.accept(end, listener) as wire,
    ):
        with pytest.raises(SspiError) as caught:
            wire.handshake()
        assert (caught.value.status, caught.value.detail.alert) == (SecurityStatus.SEC_E_CERT_UNKNOWN, 42)
        heard(process, b"The certificate chain is revoked")
