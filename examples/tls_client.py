"""Talk TLS to a server, every record made by sspid: python tls_client.py HOST PORT [TARGET]."""

import socket
import sys

from sspid_client import Client, TlsStream, attributes

host, port, *target = sys.argv[1:]
with (
    Client(*target) as sspi,  # "127.0.0.1:50051" unless TARGET says otherwise
    socket.create_connection((host, int(port))) as sock,
    TlsStream.connect(sspi, sock, host) as tls,
):
    print(tls.context.query(attributes.CONNECTION_INFO))
    tls.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    while data := tls.recv(65536):
        print(data.decode(errors="replace"), end="")
