r"""Ask RDP clients for a logon (NLA) before a TCP server that cannot: python rdp_gate.py PORT UPSTREAM CERTIFICATE KEY.

The gate answers X.224's negotiation, logs the client on with CredSSP through sspid, and from then on carries what is inside the
client's TLS to the server and back. The server's first line names the user: "USER DOMAIN\name".
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import struct
import threading
from pathlib import Path

from sspid_client import INBOUND, Client, Credential, SspiError, TlsStream, certificate, credssp

NEGOTIATION = struct.Struct("<BBHI")  # type, flags, length, protocols: [MS-RDPBCGR] 2.2.1.1.1 and 2.2.1.2.1
REQUEST, RESPONSE, FAILURE = 1, 2, 3
HYBRID = 2
HYBRID_REQUIRED = 5
MOST_REQUEST = 512
PATIENCE = 30.0
CHUNK = 16384


def exactly(connection: socket.socket, count: int) -> bytes:
    """`count` bytes of the connection."""
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def offered(connection: socket.socket) -> int:
    """The protocols the client's X.224 connection request offers; 0 where it knows of none."""
    version, _, length = struct.unpack(">BBH", exactly(connection, 4))
    if version != 3 or not 11 <= length <= MOST_REQUEST:
        raise EOFError
    request = exactly(connection, length - 4)
    if request[1] != 0xE0 or len(request) < 7 + NEGOTIATION.size:
        return 0
    kind, _, size, protocols = NEGOTIATION.unpack(request[-NEGOTIATION.size :])
    return int(protocols) if kind == REQUEST and size == NEGOTIATION.size else 0


def answer(connection: socket.socket, kind: int, value: int) -> None:
    """X.224's connection confirm, with the protocol chosen or the reason for none."""
    content = b"\x0e\xd0\0\0\x12\x34\0" + NEGOTIATION.pack(kind, 0, NEGOTIATION.size, value)
    connection.sendall(struct.pack(">BBH", 3, 0, len(content) + 4) + content)


def inward(tls: TlsStream, upstream: socket.socket) -> None:
    """Carry what the server says to the client, and say goodbye when it does."""
    with contextlib.suppress(OSError, SspiError):
        while data := upstream.recv(CHUNK):
            tls.sendall(data)
        tls.close()


def relay(tls: TlsStream, upstream: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    back = threading.Thread(target=inward, args=(tls, upstream), daemon=True)
    back.start()
    with contextlib.suppress(OSError, SspiError):
        while data := tls.recv(CHUNK):
            upstream.sendall(data)
    with contextlib.suppress(OSError):
        upstream.shutdown(socket.SHUT_WR)
    back.join(PATIENCE)


def serve(connection: socket.socket, sspi: Client, credential: Credential, upstream: tuple[str, int]) -> None:
    """One client."""
    connection.settimeout(PATIENCE)
    if not offered(connection) & HYBRID:
        answer(connection, FAILURE, HYBRID_REQUIRED)
        return
    answer(connection, RESPONSE, HYBRID)
    tls = TlsStream.accept(sspi, connection, credential)
    connection.settimeout(None)
    try:
        user = tls.context.identity()
        with socket.create_connection(upstream) as server:
            server.sendall(f"USER {user.domain}\\{user.name}\r\n".encode())
            relay(tls, server)
    finally:
        tls.close()


def guarded(connection: socket.socket, sspi: Client, credential: Credential, upstream: tuple[str, int]) -> None:
    """Serve one client; whatever goes wrong ends this client only."""
    with connection:
        try:
            serve(connection, sspi, credential, upstream)
        except SspiError as error:
            print(f"refused: {error}", flush=True)
        except (OSError, EOFError) as error:
            print(f"gone: {error}", flush=True)


def main() -> None:
    """Listen until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("upstream")
    parser.add_argument("certificate", type=Path)
    parser.add_argument("key", type=Path)
    parser.add_argument("--target", default="127.0.0.1:50051", help="where sspid is called")
    given = parser.parse_args()
    host, _, port = given.upstream.rpartition(":")
    shown = credssp(schannel=certificate(given.certificate.read_bytes(), given.key.read_bytes()))
    with (
        Client(given.target) as sspi,
        sspi.acquire_credentials_handle("CredSSP", INBOUND, shown) as credential,
        socket.create_server(("127.0.0.1", given.port)) as listener,
    ):
        print(f"ready: 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            arguments = (connection, sspi, credential, (host, int(port)))
            threading.Thread(target=guarded, args=arguments, daemon=True).start()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
