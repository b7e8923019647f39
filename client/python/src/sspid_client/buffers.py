"""SecBuffers: the types of sspi.h and one immutable buffer; not the layouts inside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique
from typing import TYPE_CHECKING, cast

from sspid_protos.sspi.v1 import vocabulary_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable


@unique
class BufferType(IntEnum):
    """SECBUFFER_* of sspi.h, without the READONLY bits (see `BufferAccess`)."""

    EMPTY = 0
    DATA = 1
    TOKEN = 2
    PKG_PARAMS = 3
    MISSING = 4
    EXTRA = 5
    STREAM_TRAILER = 6
    STREAM_HEADER = 7
    NEGOTIATION_INFO = 8
    PADDING = 9
    STREAM = 10
    MECHLIST = 11
    MECHLIST_SIGNATURE = 12
    TARGET = 13
    CHANNEL_BINDINGS = 14
    CHANGE_PASS_RESPONSE = 15
    TARGET_HOST = 16
    ALERT = 17
    APPLICATION_PROTOCOLS = 18
    SRTP_PROTECTION_PROFILES = 19
    SRTP_MASTER_KEY_IDENTIFIER = 20
    TOKEN_BINDING = 21
    PRESHARED_KEY = 22
    PRESHARED_KEY_IDENTITY = 23
    DTLS_MTU = 24
    SEND_GENERIC_TLS_EXTENSION = 25
    SUBSCRIBE_GENERIC_TLS_EXTENSION = 26
    FLAGS = 27
    TRAFFIC_SECRETS = 28
    CERTIFICATE_REQUEST_CONTEXT = 29
    CHANNEL_BINDINGS_RESULT = 30
    APP_SESSION_STATE = 31
    SESSION_TICKET = 32


@unique
class BufferAccess(IntEnum):
    """The attribute bits that Windows ORs into BufferType."""

    READ_WRITE = 0
    READONLY = 1
    """May be read, is not written and is no part of a signature (SECBUFFER_READONLY)."""
    READONLY_WITH_CHECKSUM = 2
    """Is not written but is signed (SECBUFFER_READONLY_WITH_CHECKSUM)."""


@dataclass(frozen=True, slots=True)
class SecurityBuffer:
    """One SecBuffer. `size` is cbBuffer where no data goes with it: MISSING (bytes still wanted), EXTRA (bytes left over)."""

    type: BufferType
    data: bytes = field(default=b"", repr=False)
    size: int = 0
    access: BufferAccess = BufferAccess.READ_WRITE


Buffers = tuple[SecurityBuffer, ...]


def token(data: bytes) -> SecurityBuffer:
    """A SECBUFFER_TOKEN holding `data`."""
    return SecurityBuffer(BufferType.TOKEN, data)


def application_protocols(names: Iterable[bytes]) -> SecurityBuffer:
    """Return the ALPN names to offer or to accept, best first, as SEC_APPLICATION_PROTOCOLS of sspi.h lays them out."""
    listed = b"".join(len(name).to_bytes(1, "little") + name for name in names)
    # SEC_APPLICATION_PROTOCOL_LIST: ProtoNegoExt (ALPN is 2), ProtocolListSize, the list.
    one = (2).to_bytes(4, "little") + len(listed).to_bytes(2, "little") + listed
    return SecurityBuffer(BufferType.APPLICATION_PROTOCOLS, len(one).to_bytes(4, "little") + one)


EMPTY = SecurityBuffer(BufferType.EMPTY)
"""A place that the function may turn into MISSING or EXTRA."""


def first(buffers: Iterable[SecurityBuffer], wanted: BufferType) -> SecurityBuffer:
    """Return the first buffer of that type; an empty one where there is none."""
    for buffer in buffers:
        if buffer.type is wanted:
            return buffer
    return SecurityBuffer(wanted)


def tail(given: bytes, changed: Iterable[SecurityBuffer]) -> bytes:
    """Return the end of `given` that a call left over, as SECBUFFER_EXTRA says."""
    size = first(changed, BufferType.EXTRA).size
    return given[-size:] if 0 < size <= len(given) else b""


def joined(buffers: Iterable[SecurityBuffer]) -> bytes:
    """Return the bytes of all buffers in their order, as they go to the peer."""
    return b"".join(buffer.data for buffer in buffers)


# sspi.v1 numbers the types from 1, Windows from 0.
_WIRE_OFFSET = 1


def to_wire(buffers: Iterable[SecurityBuffer]) -> list[vocabulary_pb2.SecurityBuffer]:
    """Return `buffers` as messages of sspi.v1."""
    return [
        vocabulary_pb2.SecurityBuffer(
            type=cast("vocabulary_pb2.SecurityBufferType", buffer.type + _WIRE_OFFSET),
            data=buffer.data,
            size=buffer.size,
            access=cast("vocabulary_pb2.SecurityBufferAccess", int(buffer.access)),
        )
        for buffer in buffers
    ]


def from_wire(messages: Iterable[vocabulary_pb2.SecurityBuffer]) -> Buffers:
    """Return the buffers of a reply; one of a type that a newer service added is left out."""
    return tuple(
        SecurityBuffer(
            BufferType(message.type - _WIRE_OFFSET), message.data, message.size, BufferAccess(min(message.access, 2))
        )
        for message in messages
        if message.type - _WIRE_OFFSET in _KNOWN
    )


_KNOWN = frozenset(BufferType)
