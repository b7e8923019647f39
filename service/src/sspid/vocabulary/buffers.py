"""SecBuffers: the types of sspi.h and one immutable buffer; not the layouts inside them."""

from __future__ import annotations

from enum import IntEnum, unique

from msgspec import Struct


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


class SecurityBuffer(Struct, frozen=True, gc=False):
    """One SecBuffer. `size` is cbBuffer where no data goes with it: MISSING (bytes still wanted), EXTRA (bytes left over)."""

    type: BufferType
    data: bytes = b""
    size: int = 0
    access: BufferAccess = BufferAccess.READ_WRITE

    def __repr__(self) -> str:
        # Never the data: it may be a token.
        return f"SecurityBuffer(type={self.type!r}, size={self.size}, access={self.access!r})"


Buffers = tuple[SecurityBuffer, ...]

_TOKEN = BufferType.TOKEN
"""Looked up once: every leg asks for it several times."""


def token(data: bytes) -> SecurityBuffer:
    """A SECBUFFER_TOKEN holding `data`."""
    return SecurityBuffer(_TOKEN, data)


def missing(count: int) -> SecurityBuffer:
    """A SECBUFFER_MISSING that says `count` more bytes are wanted (a hint, at least 1)."""
    return SecurityBuffer(BufferType.MISSING, size=count)


def extra(count: int) -> SecurityBuffer:
    """A SECBUFFER_EXTRA that says the last `count` bytes of the input were not consumed."""
    return SecurityBuffer(BufferType.EXTRA, size=count)


def find(buffers: Buffers, wanted: BufferType) -> SecurityBuffer | None:
    """The first buffer of that type, or None."""
    for buffer in buffers:
        if buffer.type is wanted:
            return buffer
    return None


def token_in(buffers: Buffers) -> bytes:
    """The bytes of the first TOKEN buffer; empty where there is none."""
    for buffer in buffers:
        if buffer.type is _TOKEN:
            return buffer.data
    return b""
