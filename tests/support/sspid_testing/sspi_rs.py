"""The sspi crate's CredSSP in a process of its own, bare or behind TLS that Python's ssl makes; it judges nothing."""

from __future__ import annotations

import ssl
import subprocess
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from sspid.vocabulary.buffers import token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import smoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SOURCES = smoke.TREE / "tests" / "interop" / "credssp" / "sspi_rs"
NAME = "sspi-rs-peer"
_REQUEST = b"T"


@cache
def program() -> Path:
    """The program, built where its sources are new."""
    return smoke.crate(SOURCES, NAME)


class Peer:
    """One exchange, TSRequests bare.

    `said` is the last word, ("", "") before it: "E" and what was delegated, or "F" and why it failed.
    """

    def __init__(self, process: subprocess.Popen[bytes], key: bytes) -> None:
        self._process = process
        self.said = ("", "")
        self.requests: list[bytes] = []
        self._give(key)

    def _give(self, data: bytes) -> None:
        stream = self._process.stdin
        assert stream
        with suppress(BrokenPipeError):  # it has said its last word, which comes next
            stream.write(len(data).to_bytes(4, "big") + data)
            stream.flush()

    def _take(self) -> bytes:
        stream = self._process.stdout
        assert stream
        kind = stream.read(1)
        data = stream.read(int.from_bytes(stream.read(4), "big"))
        if kind == _REQUEST:
            self.requests.append(data)
            return data
        self.said = (kind.decode(), data.decode())
        return b""

    def answer(self, data: bytes) -> bytes:
        """Its answer to a TSRequest, its first one to b""; b"" once it has said its last word."""
        if data:
            self._give(data)
        return self._take()

    def finish(self, data: bytes = b"") -> None:
        """Hand over the last message, and wait for the last word."""
        if data:
            self._give(data)
        stream = self._process.stdin
        assert stream
        with suppress(BrokenPipeError):
            stream.close()
        while not self.said[0]:
            self._take()


@contextmanager
def run(role: str, mechanism: str, key: bytes, password: str, version: int = 6) -> Iterator[Peer]:
    """Start a "client" or "server" that knows alice of DOMAIN; `mechanism` is "ntlm" or "negotiate", `key` the server's."""
    command = [str(program()), role, mechanism, str(version), "alice", "DOMAIN", password]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Peer(process, key)
        finally:
            process.kill()


class InTls:
    """A peer behind TLS: answers tokens that are TLS records, as a transport in lockstep brings them."""

    def __init__(self, peer: Peer, context: ssl.SSLContext, *, server: bool) -> None:
        self._peer = peer
        self._server = server
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server, server_hostname=None if server else "localhost")
        self._shaken = False

    @property
    def said(self) -> tuple[str, str]:
        """The peer's last word."""
        return self._peer.said

    def answer(self, data: bytes) -> bytes:
        """The records that answer these; b"" once the peer has said its last word."""
        self._in.write(data)
        with suppress(ssl.SSLWantReadError):
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
                if not self._server:
                    self._tls.write(self._peer.answer(b""))
            self._pass(self._peer.answer)
        return self._out.read()

    def _pass(self, on: Callable[[bytes], bytes | None]) -> None:
        while data := self._tls.read(1 << 16):
            if answer := on(data):
                self._tls.write(answer)

    def finish(self, data: bytes = b"") -> None:
        """Hand over the last records, and wait for the last word."""
        self._in.write(data)
        with suppress(ssl.SSLError):  # an alert is the end as well
            self._pass(self._peer.finish)
        self._peer.finish()


def carry(end: Any, peer: Peer | InTls, alter: Callable[[bytes, bool], bytes] = lambda data, _: data) -> SspiError | None:
    """Run an exchange to both ends' last word: what our end raised, or None.

    `alter` gets each token and whether the peer sent it, and what it returns is passed on.
    """
    data = alter(token_in(end.leg().output), False) if not end.server else b""
    while True:
        data = peer.answer(data)
        if peer.said[0]:
            return None
        try:
            step = end.leg(alter(data, True))
        except SspiError as failure:
            peer.finish(token_in(failure.output))
            return failure
        data = alter(token_in(step.output), False)
        if step.status is SecurityStatus.SEC_E_OK:
            peer.finish(data)
            return None
