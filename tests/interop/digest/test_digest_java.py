"""Java's javax.security.sasl on the other end: another DIGEST-MD5, and the only one here whose triple DES works."""

from __future__ import annotations

import subprocess
from base64 import b64decode, b64encode
from contextlib import contextmanager
from pathlib import Path

import pytest

from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import peers
from sspid_testing.digest import PASSWORD, USER, digest, enrol

pytestmark = [pytest.mark.digest, pytest.mark.interop]
INTEGRITY = frozenset({ContextFlag.INTEGRITY})
SEALED = frozenset({ContextFlag.CONFIDENTIALITY})
QUALITIES = [
    pytest.param(NO_FLAGS, "auth", "rc4", id="auth"),
    pytest.param(INTEGRITY, "auth-int", "rc4", id="auth-int"),
    *(pytest.param(SEALED, "auth-conf", name, id=name) for name in ("3des", "rc4", "des", "rc4-40")),
]
TARGET = "ldap/example.test"


class JavaPeer:
    """The program's two streams."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout

    def say(self, message: bytes) -> None:
        self._in.write(b64encode(message).decode() + "\n")
        self._in.flush()

    def hear(self) -> bytes:
        return b64decode(self.line())

    def line(self) -> str:
        return self._out.readline().strip()


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("java")
    source = Path(__file__).parent / "Peer.java"
    subprocess.run([peers.require("javac"), "-d", str(folder), str(source)], check=True, timeout=100)
    return folder


@pytest.fixture
def java(classes):
    @contextmanager
    def running(*arguments: str):
        # DES, triple DES and RC4 are disabled in no Java 17 for SASL; -Xshare keeps its start short.
        command = [peers.require("java"), "-Xshare:auto", "-cp", str(classes), "Peer", *arguments]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield JavaPeer(process)
            finally:
                process.kill()

    return running


def seal(side, state, data):
    buffers = (SecurityBuffer(BufferType.TOKEN), SecurityBuffer(BufferType.DATA, data), SecurityBuffer(BufferType.PADDING))
    trailer, body, padding = side.message("encrypt_message", state, buffers).buffers
    return body.data + padding.data + trailer.data


def unseal(side, state, wire):
    return side.message("decrypt_message", state, (SecurityBuffer(BufferType.DATA, wire),)).buffers[0].data


def exchange(side, state, peer, user):
    """One sealed message each way."""
    assert unseal(side, state, peer.hear()) == f"from java {user}".encode()
    peer.say(seal(side, state, b"from us"))
    assert peer.hear() == b"from us"


@pytest.mark.parametrize(("flags", "qop", "cipher"), QUALITIES)
@pytest.mark.parametrize("user", [USER, "Jäsøn"])
def test_client_logs_in_to_us_and_messages_go_both_ways(java, flags, qop, cipher, user):
    side = digest(ciphers=(cipher,))
    enrol(side.world, user, password="pässwörd")
    acceptor = side.acceptor()
    with java("client", qop, cipher, user, "pässwörd") as peer:
        challenge = side.accept(None, acceptor, flags=flags)
        peer.say(challenge.output[0].data)
        accepted = side.accept(challenge.state, acceptor, peer.hear(), flags=flags)
        assert accepted.established
        assert flags <= accepted.granted
        peer.say(accepted.output[0].data)
        assert peer.hear() == b""
        if flags:
            exchange(side, accepted.state, peer, user)
        assert peer.line() == "done"


@pytest.mark.parametrize(("flags", "qop", "cipher"), QUALITIES)
def test_we_log_in_to_the_server_and_messages_go_both_ways(java, flags, qop, cipher):
    side = digest(ciphers=(cipher,))
    credential = side.initiator()
    with java("server", qop, cipher, USER, PASSWORD) as peer:
        step = side.initialize(None, credential, peer.hear(), target=TARGET, flags=flags)
        peer.say(step.output[0].data)
        proven = side.initialize(step.state, credential, peer.hear(), flags=flags)
        assert (proven.status, proven.established) == (SecurityStatus.SEC_E_OK, True)
        assert flags <= proven.granted
        if flags:
            exchange(side, proven.state, peer, USER)
        assert peer.line() == "done"


def test_client_with_a_wrong_password_is_denied(java):
    side = digest()
    acceptor = side.acceptor()
    with java("client", "auth", "rc4", USER, "wrong") as peer:
        challenge = side.accept(None, acceptor, flags=NO_FLAGS)
        peer.say(challenge.output[0].data)
        with pytest.raises(SspiError) as caught:
            side.accept(challenge.state, acceptor, peer.hear(), flags=NO_FLAGS)
        assert caught.value.status is SecurityStatus.SEC_E_LOGON_DENIED


def test_server_refuses_a_wrong_password(java):
    side = digest()
    with java("server", "auth", "rc4", USER, PASSWORD) as peer:
        credential = side.initiator(password="wrong")
        step = side.initialize(None, credential, peer.hear(), target=TARGET, flags=NO_FLAGS)
        peer.say(step.output[0].data)
        assert peer.line().startswith("refused")
