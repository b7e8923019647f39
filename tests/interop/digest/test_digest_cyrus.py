"""Cyrus SASL's sample client and server on the other end, with every quality of protection they have."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import termios
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager

import pytest

from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers
from sspid_testing.digest import PASSWORD, REALM, USER, digest

pytestmark = [pytest.mark.digest, pytest.mark.interop]
MECHANISM = b"DIGEST-MD5"
INTEGRITY = frozenset({ContextFlag.INTEGRITY})
SEALED = frozenset({ContextFlag.CONFIDENTIALITY})
MUTUAL = frozenset({ContextFlag.MUTUAL_AUTH})
FROM_SERVER, FROM_CLIENT = b"srv message 1\0", b"client message 1\0"
"""What the samples send and insist on."""
QUALITIES = [
    pytest.param(NO_FLAGS, "rc4", "min=0,max=0", id="auth"),
    pytest.param(INTEGRITY, "rc4", "min=1,max=1", id="auth-int"),
    pytest.param(SEALED, "rc4", "min=128,max=128", id="rc4"),
    pytest.param(SEALED, "rc4-56", "min=56,max=56", id="rc4-56"),
    pytest.param(SEALED, "rc4-40", "min=40,max=40", id="rc4-40"),
    pytest.param(SEALED, "des", "min=55,max=55", id="des"),
]
"""Triple DES is not among them: Cyrus' own cannot start it with OpenSSL 3 ("failed to init cipher '3des'")."""


class Sample:
    """One of the sample programs on a terminal of its own: it asks for passwords there and buffers nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = b""
        self.said: list[str] = []

    def say(self, side: str, message: bytes) -> None:
        """Hand it the other side's message."""
        os.write(self._descriptor, f"{side}: {b64encode(message).decode()}\n".encode())

    def hear(self, side: str) -> bytes:
        """Its next message."""
        return b64decode(self.line(f"{side}: ")[len(side) + 2 :])

    def line(self, beginning: str) -> str:
        """Its next line with that beginning."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            *lines, self._pending = self._pending.split(b"\n")
            for number, line in enumerate(lines):
                self.said.append(line.decode("latin-1").rstrip("\r"))
                if self.said[-1].startswith(beginning):
                    self._pending = b"\n".join([*lines[number + 1 :], self._pending])
                    return self.said[-1]
            self._read()
        raise AssertionError(f"no line with {beginning!r} in {self.said}")

    def password(self, password: str) -> None:
        """Answer its question for a password."""
        deadline = time.monotonic() + 20
        while b"assword" not in self._pending and time.monotonic() < deadline:
            self._read()
        os.write(self._descriptor, password.encode() + b"\n")

    def _read(self) -> None:
        ready, _, _ = select.select([self._descriptor], [], [], 1)
        if ready:
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"the sample ended; it had said {self.said} and {self._pending!r}")
            self._pending += data


@contextmanager
def sample(program: str, *arguments: str, folder: str = ""):
    """Run a sample program."""
    path = peers.require(program)
    peers.require("libsasl2-modules")
    process, descriptor = pty.fork()
    if process == 0:  # pragma: no cover - the other process
        command = [path, "-s", "sample", "-m", "DIGEST-MD5", *arguments]
        os.execve(path, command, {**os.environ, "SASL_CONF_PATH": folder})  # noqa: S606 - a peer, by its own path
    modes = termios.tcgetattr(descriptor)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSANOW, modes)
    try:
        yield Sample(descriptor)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(descriptor)


@contextmanager
def client(bits: str = "min=0,max=0", password: str = PASSWORD):
    """The sample client, up to its choice of mechanism."""
    with sample("sasl-sample-client", "-n", REALM, "-a", USER, "-u", USER, "-r", REALM, "-b", bits) as peer:
        peer.say("S", MECHANISM)
        assert peer.hear("C").rstrip(b"\0") == MECHANISM
        yield peer, password


@contextmanager
def server(folder, bits: str = "min=0,max=0"):
    """The sample server, up to its challenge."""
    database = folder / "sasldb2"
    create = [peers.require("saslpasswd2"), "-p", "-c", "-f", str(database), "-u", REALM, USER]
    subprocess.run(create, input=PASSWORD + "\n", text=True, check=True)
    settings = f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: DIGEST-MD5\n"
    (folder / "sample.conf").write_text(settings)
    with sample("sasl-sample-server", "-d", REALM, "-u", REALM, "-b", bits, folder=str(folder)) as peer:
        assert peer.hear("S") == MECHANISM
        peer.say("C", MECHANISM)
        yield peer


def seal(side, state, data):
    """A message on SASL's wire: its length, then what EncryptMessage made."""
    buffers = (SecurityBuffer(BufferType.TOKEN), SecurityBuffer(BufferType.DATA, data), SecurityBuffer(BufferType.PADDING))
    trailer, body, padding = side.message("encrypt_message", state, buffers).buffers
    wire = body.data + padding.data + trailer.data
    return len(wire).to_bytes(4, "big") + wire


def unseal(side, state, wire):
    assert int.from_bytes(wire[:4], "big") == len(wire) - 4
    return side.message("decrypt_message", state, (SecurityBuffer(BufferType.DATA, wire[4:]),)).buffers[0].data


@pytest.mark.parametrize(("flags", "cipher", "bits"), QUALITIES)
def test_client_logs_in_to_us_and_messages_go_both_ways(flags, cipher, bits):
    side = digest(ciphers=(cipher,))
    acceptor = side.acceptor()
    with client(bits) as (peer, password):
        challenge = side.accept(None, acceptor, flags=flags)
        peer.say("S", challenge.output[0].data)
        peer.password(password)
        accepted = side.accept(challenge.state, acceptor, peer.hear("C"), flags=flags)
        assert (accepted.status, accepted.established) == (SecurityStatus.SEC_E_OK, True)
        peer.say("S", accepted.output[0].data)
        peer.line("Negotiation complete")
        assert flags <= accepted.granted
        if flags:
            peer.say("S", seal(side, accepted.state, FROM_SERVER))
            assert "'srv message 1'" in peer.line("recieved decoded message")
            assert unseal(side, accepted.state, peer.hear("C")) == FROM_CLIENT


def test_client_assents_to_the_proof_that_complete_auth_token_makes():
    side = digest()
    acceptor = side.acceptor()
    with client() as (peer, password):
        challenge = side.accept(None, acceptor, flags=MUTUAL)
        peer.say("S", challenge.output[0].data)
        peer.password(password)
        judged = side.accept(challenge.state, acceptor, peer.hear("C"), flags=MUTUAL)
        assert judged.status is SecurityStatus.SEC_I_COMPLETE_AND_CONTINUE
        proof = side.complete(judged.state)
        peer.say("S", proof.output[0].data)
        final = side.accept(proof.state, acceptor, peer.hear("C"), flags=MUTUAL)
        assert (final.status, final.established) == (SecurityStatus.SEC_E_OK, True)


def test_client_with_a_wrong_password_is_denied():
    side = digest()
    acceptor = side.acceptor()
    with client() as (peer, _):
        challenge = side.accept(None, acceptor, flags=NO_FLAGS)
        peer.say("S", challenge.output[0].data)
        peer.password("wrong")
        with pytest.raises(SspiError) as caught:
            side.accept(challenge.state, acceptor, peer.hear("C"), flags=NO_FLAGS)
        assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


def test_client_finds_a_forged_proof_out():
    side = digest()
    acceptor = side.acceptor()
    with client() as (peer, password):
        challenge = side.accept(None, acceptor, flags=NO_FLAGS)
        peer.say("S", challenge.output[0].data)
        peer.password(password)
        assert side.accept(challenge.state, acceptor, peer.hear("C"), flags=NO_FLAGS).established
        peer.say("S", b"rspauth=" + b"0" * 32)
        with pytest.raises(AssertionError, match="the sample ended"):
            peer.line("Negotiation complete")


@pytest.mark.parametrize(("flags", "cipher", "bits"), QUALITIES)
def test_we_log_in_to_the_server_and_messages_go_both_ways(tmp_path, flags, cipher, bits):
    side = digest(ciphers=(cipher,))
    credential = side.initiator()
    with server(tmp_path, bits) as peer:
        step = side.initialize(None, credential, peer.hear("S"), target=f"sample/{REALM}", flags=flags)
        peer.say("C", step.output[0].data)
        proven = side.initialize(step.state, credential, peer.hear("S"), flags=flags)
        assert (proven.status, proven.established) == (SecurityStatus.SEC_E_OK, True)
        peer.say("C", b"")
        peer.line("Negotiation complete")
        assert flags <= proven.granted
        if flags:
            assert unseal(side, proven.state, peer.hear("S")) == FROM_SERVER
            peer.say("C", seal(side, proven.state, FROM_CLIENT))
            assert "'client message 1'" in peer.line("recieved decoded message")


def test_server_refuses_a_wrong_password(tmp_path):
    side = digest()
    credential = side.initiator(password="wrong")
    with server(tmp_path) as peer:
        step = side.initialize(None, credential, peer.hear("S"), target=f"sample/{REALM}", flags=NO_FLAGS)
        peer.say("C", step.output[0].data)
        with pytest.raises(AssertionError, match="authentication failure"):
            peer.line("Negotiation complete")


def test_forged_proof_of_the_server_is_altered(tmp_path):
    side = digest()
    credential = side.initiator()
    with server(tmp_path) as peer:
        step = side.initialize(None, credential, peer.hear("S"), target=f"sample/{REALM}", flags=NO_FLAGS)
        peer.say("C", step.output[0].data)
        proof = peer.hear("S")
        forged = proof[:-1] + (b"0" if proof[-1:] != b"0" else b"1")
        with pytest.raises(SspiError) as caught:
            side.initialize(step.state, credential, forged, flags=NO_FLAGS)
        assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
        assert side.initialize(step.state, credential, proof, flags=NO_FLAGS).established
