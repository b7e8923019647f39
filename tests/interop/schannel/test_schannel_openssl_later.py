"""After the handshake with `openssl s_server` and `s_client`: resumption, key update, renegotiation, certificates, OCSP."""

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.credentials import CredentialUse
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import issuing, peers, tls, tls_wire
from sspid_testing.ports import free_port

pytestmark = [pytest.mark.schannel, pytest.mark.interop]

both = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


def option(version):
    return "-" + version.replace("TLSv", "tls").replace(".", "_")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "roots.pem").write_bytes(tls.roots())
    tls_wire.written(tmp_path, "server", tls.issued())
    tls_wire.written(tmp_path, "alice", tls.issued("alice@example.test"))
    return tmp_path


def s_server(files, version, *options, count=1, name="server"):
    port = free_port()
    command = [peers.require("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", str(count), option(version)]
    command += ["-cert", files / f"{name}.pem", "-key", files / f"{name}.key", "-CAfile", files / "roots.pem", *options]
    return port, tls_wire.running(command)


def s_client(files, version, port, *options):
    command = [peers.require("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-servername", tls.HOST]
    return tls_wire.running([*command, option(version), "-CAfile", files / "roots.pem", *options])


def say(process, line):
    process.stdin.write(line + b"\n")
    process.stdin.flush()


def hear(process, wanted):
    heard = b""
    while wanted not in heard:
        line = process.stdout.readline()
        assert line, heard.decode()
        heard += line
    return heard


def meet(wire, kind, count=1):
    """Until so many messages were met, the last of that kind; the peers read one command a line only when asked so slowly."""
    while len(wire.met) < count or wire.met[-1] != kind:
        wire.receive_some()


@both
def test_our_initiator_resumes_at_s_server(files, version):
    port, peer = s_server(files, version, "-rev", "-quiet", count=3)
    first = tls.client(protocols=(version,))
    with peer:
        resumed = []
        for _ in range(3):
            end = tls.End(first.world, first.package, first.credential, False, target=tls.HOST)
            with tls_wire.connect(end, port) as wire:
                wire.handshake()
                wire.send(b"on\n")
                assert wire.receive(3) == b"no\n"
                resumed.append(end.query(ContextAttribute.SESSION_INFO).reconnected)
                wire.say_goodbye()
        assert resumed == [False, True, True]


@both
def test_s_client_resumes_at_our_acceptor(files, version):
    first = tls.server(protocols=(version,))
    session = files / "session.pem"
    resumed = []
    with tls_wire.listening() as listener:
        for options in (("-sess_out", session), ("-sess_in", session)):
            end = tls.End(first.world, first.package, first.credential, True, flags=first.flags)
            with (
                s_client(files, version, listener.getsockname()[1], *options) as process,
                tls_wire.accept(end, listener) as wire,
            ):
                wire.handshake()
                wire.send(b"taken\n")
                hear(process, b"taken")
                resumed.append(end.query(ContextAttribute.SESSION_INFO).reconnected)
                say(process, b"Q")
                assert wire.receive(1) == b""
    assert resumed == [False, True]


@pytest.mark.parametrize("moved", [False, True])
def test_key_updates_from_s_server_and_to_it(files, moved):
    port, peer = s_server(files, "TLSv1.3")
    with peer as process, tls_wire.connect(tls.client(protocols=("TLSv1.3",)), port) as wire:
        wire.handshake()
        say(process, b"before")
        assert wire.receive(7) == b"before\n"
        if moved:
            packed = wire.end.world.run(wire.end.package.export_security_context(wire.end.state))
            wire.end.state = wire.end.world.run(wire.end.package.import_security_context(packed))
        for command in (b"K", b"k"):
            say(process, command)
            meet(wire, "KeyUpdate", len(wire.met) + 1)
            say(process, b"after")
            assert wire.receive(6) == b"after\n"
            wire.send(b"still here " + command + b"\n")
            hear(process, b"still here " + command)
        assert wire.met.count("KeyUpdate") == 2
        wire.send_token(wire.end.leg(b""))
        wire.send(b"our own update\n")
        hear(process, b"our own update")
        say(process, b"answered")
        assert wire.receive(9) == b"answered\n"
        assert wire.met.count("KeyUpdate") == 3


def test_key_updates_from_s_client(files):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=("TLSv1.3",))
        with s_client(files, "TLSv1.3", listener.getsockname()[1]) as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            for command in (b"K", b"k"):
                say(process, command)
                meet(wire, "KeyUpdate", len(wire.met) + 1)
                say(process, b"after")
                assert wire.receive(6) == b"after\n"
                wire.send(b"still here " + command + b"\n")
                hear(process, b"still here " + command)
            assert wire.met.count("KeyUpdate") == 2


def test_s_server_asks_for_a_renegotiation(files):
    port, peer = s_server(files, "TLSv1.2")
    with peer as process, tls_wire.connect(tls.client(protocols=("TLSv1.2",)), port) as wire:
        wire.handshake()
        say(process, b"r")
        while "HelloRequest" not in wire.met:
            wire.receive_some()
        wire.send(b"under new keys\n")
        hear(process, b"under new keys")
        say(process, b"both ways")
        assert wire.receive(10) == b"both ways\n"


def test_s_server_asks_for_a_certificate_in_a_renegotiation(files):
    port, peer = s_server(files, "TLSv1.2", "-no_ticket", "-no_cache")
    end = tls.client(None, tls.issued("alice@example.test"), protocols=("TLSv1.2",))
    with peer as process, tls_wire.connect(end, port) as wire:
        wire.handshake()
        say(process, b"R")
        while "HelloRequest" not in wire.met:
            wire.receive_some()
        wire.send(b"it is me\n")
        heard = hear(process, b"it is me")
        assert b"verify return:1" in heard or b"Client certificate" in heard or b"depth=0" in heard


def test_s_client_renegotiates_with_our_acceptor(files):
    with tls_wire.listening() as listener:
        end = tls.server(protocols=("TLSv1.2",))
        with s_client(files, "TLSv1.2", listener.getsockname()[1]) as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            say(process, b"R")
            while "ClientHello" not in wire.met:
                wire.receive_some()
            say(process, b"under new keys")
            assert wire.receive(15) == b"under new keys\n"
            wire.send(b"both ways\n")
            hear(process, b"both ways")


def test_s_server_asks_for_a_certificate_after_a_tls13_handshake(files):
    port, peer = s_server(files, "TLSv1.3", "-verify", "1")
    end = tls.client(None, tls.issued("alice@example.test"), protocols=("TLSv1.3",))
    with peer as process, tls_wire.connect(end, port) as wire:
        wire.handshake()
        say(process, b"c")
        while "CertificateRequest" not in wire.met:
            wire.receive_some()
        wire.send(b"it is me\n")
        hear(process, b"it is me")
        say(process, b"welcome")
        assert wire.receive(8) == b"welcome\n"


def test_our_acceptor_asks_s_client_for_a_certificate_after_the_handshake(files):
    options = ("-enable_pha", "-cert", files / "alice.pem", "-key", files / "alice.key")
    with tls_wire.listening() as listener:
        end = tls.server(protocols=("TLSv1.3",))
        client = s_client(files, "TLSv1.3", listener.getsockname()[1], *options)
        with client as process, tls_wire.accept(end, listener) as wire:
            wire.handshake()
            wire.send_token(end.leg(b"", flags=tls.REQUESTED))
            while "Certificate" not in wire.met:
                wire.receive_some()
            assert end.query(ContextAttribute.REMOTE_CERT_CONTEXT).der
            say(process, b"it is me")
            assert wire.receive(9) == b"it is me\n"
            wire.send(b"welcome\n")
            hear(process, b"welcome")


@pytest.mark.parametrize("answer", ["good", "revoked", "another authority's", "none"])
@both
def test_the_stapled_ocsp_answer_of_s_server_is_judged(files, version, answer):
    authority = issuing.Authority("stapling root")
    issued = authority.issue(tls.HOST)
    tls_wire.written(files, "stapled", issued.pem())
    signer = issuing.Authority("other") if "other" in answer else None
    given = authority.ocsp(issued, revoked=answer == "revoked", signer=signer)
    (files / "answer.der").write_bytes(given)
    options = () if answer == "none" else ("-status_file", files / "answer.der")
    port, peer = s_server(files, version, "-rev", "-quiet", *options, name="stapled")
    end = tls.client()
    end.world.now = issuing.NOW
    flags = frozenset({"REVOCATION_CHECK_END_CERT"})
    end.credential = tls.credential(
        end.world,
        end.package,
        use=CredentialUse.OUTBOUND,
        protocols=(version,),
        trust_anchors_pem=authority.pem,
        flags=flags,
    )
    with peer, tls_wire.connect(end, port) as wire:
        if answer == "good":
            wire.handshake()
            return
        with pytest.raises(SspiError) as caught:
            wire.handshake()
        expected = {
            "revoked": SecurityStatus.CRYPT_E_REVOKED,
            "none": SecurityStatus.CRYPT_E_NO_REVOCATION_CHECK,
            "another authority's": SecurityStatus.CRYPT_E_NO_REVOCATION_CHECK,
        }
        assert caught.value.status is expected[answer]


def test_a_server_that_refuses_to_renegotiate_ends_the_context(files):
    port, peer = s_server(files, "TLSv1.2", "-rev", "-quiet", "-no_renegotiation")
    with peer, tls_wire.connect(tls.client(protocols=("TLSv1.2",)), port) as wire:
        wire.handshake()
        wire.send_token(wire.end.leg(b""))
        with pytest.raises(SspiError) as caught:
            wire.receive(1)
        assert caught.value.status is SecurityStatus.SEC_E_ILLEGAL_MESSAGE
        assert "refuses to renegotiate" in caught.value.message
        with pytest.raises(SspiError) as caught:
            wire.end.seal(b"x")
        assert caught.value.status is SecurityStatus.SEC_E_CONTEXT_EXPIRED
