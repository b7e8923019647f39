"""SECBUFFER_CHANNEL_BINDINGS: reads SEC_CHANNEL_BINDINGS and hashes it as NTLM and Kerberos do; makes no bindings of TLS."""

from __future__ import annotations

import hashlib
import struct

from sspid.vocabulary.buffers import Buffers, BufferType, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

_HEADER = struct.Struct("<8I")
_EX_MAGIC = b"CBEX"
_EX_PREFIX = 8
NO_BINDINGS = bytes(16)
"""The hash that says no bindings were given."""


def pack(application_data: bytes) -> bytes:
    """Build a SEC_CHANNEL_BINDINGS with no addresses and `application_data`, such as b"tls-server-end-point:" and a hash."""
    return _HEADER.pack(0, 0, 0, 0, 0, 0, len(application_data), _HEADER.size) + application_data


def gss_form(blob: bytes) -> bytes:
    """Return what is hashed (RFC 4121 4.1.1.2): type, length and bytes of each part, no offsets. SEC_E_INVALID_TOKEN."""
    fixed = _EX_PREFIX if blob[:4] == _EX_MAGIC else 0
    if len(blob) < fixed + _HEADER.size:
        raise _malformed(f"it has {len(blob)} bytes where its header needs {fixed + _HEADER.size}")
    parts = _HEADER.unpack_from(blob, fixed)
    initiator = _part(blob, parts[1], parts[2], "initiator address")
    acceptor = _part(blob, parts[4], parts[5], "acceptor address")
    data = _part(blob, parts[6], parts[7], "application data")
    return (
        struct.pack("<2I", parts[0], len(initiator)) + initiator
        + struct.pack("<2I", parts[3], len(acceptor)) + acceptor
        + struct.pack("<I", len(data)) + data
    )  # fmt: skip


def binding_hash(buffers: Buffers) -> bytes:
    """MD5 of the bindings among `buffers`, 16 bytes; zeros where there are none. SEC_E_INVALID_TOKEN for a malformed one."""
    buffer = find(buffers, BufferType.CHANNEL_BINDINGS)
    if buffer is None or not buffer.data:
        return NO_BINDINGS
    return hashlib.md5(gss_form(buffer.data), usedforsecurity=False).digest()


def _part(blob: bytes, length: int, offset: int, name: str) -> bytes:
    if length and offset + length > len(blob):
        raise _malformed(f"its {name} ends at byte {offset + length} of {len(blob)}")
    return blob[offset : offset + length]


def _malformed(what: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The CHANNEL_BINDINGS buffer is no SEC_CHANNEL_BINDINGS: {what}.")
