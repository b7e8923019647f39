"""pubKeyAuth ([MS-CSSP] 3.1.5): what proves the server's TLS key in each version, and the key out of a certificate."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from sspid.packages.credssp import der
from sspid.packages.der import BIT_STRING, SEQUENCE

HASHED_SINCE: Final = 5
"""The first version that hashes the key with a nonce (CVE-2018-0886)."""
CLIENT_TO_SERVER: Final = b"CredSSP Client-To-Server Binding Hash\0"
SERVER_TO_CLIENT: Final = b"CredSSP Server-To-Client Binding Hash\0"
_SPKI_AT: Final = 5
"""Where the subjectPublicKeyInfo stands behind the optional version of a TBSCertificate (RFC 5280 4.1)."""


def from_client(version: int, nonce: bytes, key: bytes) -> bytes:
    """What the client proves."""
    return hashlib.sha256(CLIENT_TO_SERVER + nonce + key).digest() if version >= HASHED_SINCE else key


def from_server(version: int, nonce: bytes, key: bytes) -> bytes:
    """What the server answers: before version 5 the key with its first byte one greater."""
    if version >= HASHED_SINCE:
        return hashlib.sha256(SERVER_TO_CLIENT + nonce + key).digest()
    return bytes(((key[0] + 1) & 0xFF,)) + key[1:] if key else key


@lru_cache(maxsize=256)
def public_key(certificate: bytes) -> bytes:
    """The subjectPublicKey of a DER certificate, without the octet that counts unused bits."""
    start, end = der.whole(certificate, 0, len(certificate), SEQUENCE, "the certificate")
    _, start, end = der.read(certificate, start, end, "the TBSCertificate")
    tag, _, after = der.read(certificate, start, end, "the TBSCertificate")
    if tag == der.CONTEXT:
        start = after
    for _ in range(_SPKI_AT):
        _, _, start = der.read(certificate, start, end, "the TBSCertificate")
    return _subject_public_key(certificate, start, end)


def _subject_public_key(data: bytes, start: int, end: int) -> bytes:
    _, start, end = der.read(data, start, end, "the SubjectPublicKeyInfo")
    _, _, start = der.read(data, start, end, "the key's algorithm")
    start, end = der.whole(data, start, end, BIT_STRING, "the subjectPublicKey")
    if end - start < 2:
        raise der.malformed("the certificate's public key is empty")
    return data[start + 1 : end]
