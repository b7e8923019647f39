"""As much of an SMB 2.1 server as logs a client on ([MS-SMB2] 2.2.4, 2.2.6) and refuses its share; for smbclient to talk to."""

from __future__ import annotations

import hmac
import socketserver
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.errors import SspiError
from sspid_testing import listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sspid_testing.ends import End

_HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
_NEGOTIATE, _SESSION_SETUP = 0, 1
_MORE_PROCESSING, _LOGON_FAILURE, _ACCESS_DENIED = 0xC0000016, 0xC000006D, 0xC0000022
_RESPONSE, _SIGNED = 1, 8
_SESSION = 0x1234


class Front(socketserver.ThreadingTCPServer):
    """`users` and `refusals` tell who got in and which statuses were raised; `signs_wrongly` spoils the session key."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, acceptor: Callable[[], End], *, signs_wrongly: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.acceptor = acceptor
        self.signs_wrongly = signs_wrongly
        self.users: list[str] = []
        self.refusals: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Connection(socketserver.StreamRequestHandler):
    server: Front
    end: End
    key = b""

    def handle(self) -> None:
        self.end = self.server.acceptor()
        while head := self.rfile.read(4):
            request = self.rfile.read(int.from_bytes(head[1:], "big"))
            fields = _HEADER.unpack_from(request)
            if fields[4] == _NEGOTIATE:
                self._reply(fields, 0, self._negotiated(self.end.step()))
            elif fields[4] == _SESSION_SETUP:
                self._session_setup(fields, request)
            else:
                self._reply(fields, _ACCESS_DENIED, struct.pack("<HBBIB", 9, 0, 0, 0, 0))

    @staticmethod
    def _negotiated(hint: bytes) -> bytes:
        size = 1 << 16
        head = struct.pack("<HHHH16sIIIIQQHHI", 65, 1, 0x0210, 0, b"g" * 16, 0, size, size, size, 0, 0, 128, len(hint), 0)
        return head + hint

    def _session_setup(self, fields: tuple[int, ...], request: bytes) -> None:
        offset, length = struct.unpack_from("<HH", request, 64 + 12)
        try:
            sent = self.end.step(request[offset : offset + length])
        except SspiError as error:
            self.server.refusals.append(error.status.name)
            self._reply(fields, _LOGON_FAILURE, struct.pack("<HBBIB", 9, 0, 0, 0, 0))
            return
        if self.end.done:
            self.key = bytes(16) if self.server.signs_wrongly else self.end.query(ContextAttribute.SESSION_KEY).key[:16]
            self.server.users.append(self.end.query(ContextAttribute.NAMES).user_name)
        status = 0 if self.end.done else _MORE_PROCESSING
        self._reply(fields, status, struct.pack("<HHHH", 9, 0, 72, len(sent)) + sent)

    def _reply(self, fields: tuple[int, ...], status: int, body: bytes) -> None:
        flags = _RESPONSE | (_SIGNED if self.key else 0)
        head = (b"\xfeSMB", 64, 0, status, fields[4], 8, flags, 0, fields[8], fields[9], 0, _SESSION, bytes(16))
        message = _HEADER.pack(*head) + body
        if self.key:
            # [MS-SMB2] 3.1.4.1: the client takes nothing unless it is signed with the session key that both must have.
            message = message[:48] + hmac.digest(self.key, message, "sha256")[:16] + message[64:]
        self.wfile.write(len(message).to_bytes(4, "big") + message)


@contextmanager
def serving(acceptor: Callable[[], End], *, signs_wrongly: bool = False) -> Iterator[Front]:
    """Serve on a free port of the loopback interface for the length of the block."""
    with listeners.serving(Front(acceptor, signs_wrongly=signs_wrongly)) as front:
        yield front
