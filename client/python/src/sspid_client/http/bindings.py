"""The tls-server-end-point binding of a server's certificate (RFC 5929 4) as SEC_CHANNEL_BINDINGS; it opens no connection."""

from __future__ import annotations

import hashlib
import struct

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sspid_client.buffers import Buffers, BufferType, SecurityBuffer

_HEADER = struct.Struct("<8I")
_PREFIX = b"tls-server-end-point:"
_REPLACED = {"md5": "sha256", "sha1": "sha256"}


def application_data(certificate: bytes) -> bytes:
    """Return what binds to the channel with this server certificate (DER).

    Empty where none is defined: the certificate's signature names no hash (Ed25519), or it cannot be read.
    """
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return b""
    if algorithm is None:
        return b""
    # RFC 5929 4.1: MD5 and SHA-1 give way to SHA-256.
    name = _REPLACED.get(algorithm.name, algorithm.name).replace("sha3-", "sha3_").replace("sha512-", "sha512_")
    return _PREFIX + hashlib.new(name, certificate).digest()


def buffers(certificate: bytes) -> Buffers:
    """Return the SECBUFFER_CHANNEL_BINDINGS for this certificate; nothing where there is none to bind to."""
    data = application_data(certificate) if certificate else b""
    if not data:
        return ()
    # No addresses; offsets count from the beginning of the structure.
    header = _HEADER.pack(0, 0, 0, 0, 0, 0, len(data), _HEADER.size)
    return (SecurityBuffer(BufferType.CHANNEL_BINDINGS, header + data),)
