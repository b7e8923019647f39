"""As much of an SMB 2.1 client as logs on, signs and connects a share ([MS-SMB2] 3.2); the tokens are the caller's."""

from __future__ import annotations

import hmac
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sspid.vocabulary.attributes import ContextAttribute

if TYPE_CHECKING:
    from sspid_testing.ends import End

_HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
_NEGOTIATE, _SESSION_SETUP, _TREE_CONNECT = 0, 1, 3
_DIALECT, _SIGNED, _SIGNING_REQUIRED = 0x0210, 8, 2
OK, MORE_PROCESSING, LOGON_FAILURE, ACCESS_DENIED = 0, 0xC0000016, 0xC000006D, 0xC0000022
INVALID_PARAMETER = 0xC000000D
GUEST, NULL_SESSION = 1, 2


class Reply(NamedTuple):
    """`signed` tells whether a signature is there, `body` begins after the header; `whole` is what came."""

    status: int
    session: int
    signed: bool
    body: bytes
    whole: bytes

    def blob(self, place: int) -> bytes:
        """The bytes whose offset and length stand at `place` of the body."""
        offset, length = struct.unpack_from("<HH", self.body, place)
        return self.whole[offset : offset + length]


@dataclass
class Connection:
    """One TCP connection. `key` is what messages are signed with, empty before the session is set up."""

    host: str
    port: int
    key: bytes = b""
    session: int = 0
    session_flags: int = 0

    def __enter__(self) -> Self:
        self._socket = socket.create_connection((self.host, self.port), timeout=20)
        self._number = 0
        return self

    def __exit__(self, *_why: object) -> None:
        self._socket.close()

    def negotiate(self) -> bytes:
        """The server's first token, a NegTokenInit2."""
        body = struct.pack("<HHHHI16sQH", 36, 1, _SIGNING_REQUIRED, 0, 0, b"c" * 16, 0, _DIALECT)
        reply = self._call(_NEGOTIATE, body)
        assert (reply.status, struct.unpack_from("<H", reply.body, 4)[0]) == (OK, _DIALECT)
        return reply.blob(56)

    def log_on(self, end: End, hint: bytes | None) -> int:
        """Carry the initiator's tokens to the server; the last status. `hint` None: raw, without the server's first token."""
        sent = end.step(hint) if hint is not None else end.step()
        while True:
            reply = self._call(_SESSION_SETUP, struct.pack("<HBBIIHHQ", 25, 0, 2, 0, 0, 88, len(sent), 0) + sent)
            self.session = reply.session
            if reply.status != MORE_PROCESSING:
                break
            sent = end.step(reply.blob(4))
        if reply.status == OK:
            self.session_flags = struct.unpack_from("<H", reply.body, 2)[0]
            if token := reply.blob(4):
                end.step(token)
            self.key = end.query(ContextAttribute.SESSION_KEY).key[:16]
            # [MS-SMB2] 3.2.5.3.1: the answer that ends the logon is signed with the key it made.
            self.require_signature(reply)
        return reply.status

    def connect(self, share: str) -> int:
        """Connect a share with a signed request; the status. The answer's signature is checked."""
        path = rf"\\{self.host}\{share}".encode("utf-16-le")
        reply = self._call(_TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(path)) + path)
        if reply.status == OK:
            self.require_signature(reply)
        return reply.status

    def require_signature(self, reply: Reply) -> None:
        """Raise unless the server signed with our key."""
        expected = self._signature(reply.whole)
        assert reply.signed, "the server does not sign"
        assert hmac.compare_digest(reply.whole[48:64], expected), "the server signs with another key"

    def _signature(self, message: bytes) -> bytes:
        return hmac.digest(self.key, message[:48] + bytes(16) + message[64:], "sha256")[:16]

    def _call(self, command: int, body: bytes) -> Reply:
        flags = _SIGNED if self.key else 0
        fields: tuple[Any, ...] = (b"\xfeSMB", 64, 1, 0, command, 31, flags, 0, self._number, 0, 0, self.session, bytes(16))
        message = _HEADER.pack(*fields) + body
        if self.key:
            message = message[:48] + self._signature(message) + message[64:]
        self._number += 1
        self._socket.sendall(len(message).to_bytes(4, "big") + message)
        whole = self._read(int.from_bytes(self._read(4)[1:], "big"))
        head = _HEADER.unpack_from(whole)
        return Reply(head[3], head[11], bool(head[6] & _SIGNED), whole[64:], whole)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            got = self._socket.recv(count - len(data))
            assert got, "the server closed the connection"
            data += got
        return data
