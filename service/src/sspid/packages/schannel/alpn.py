"""SEC_APPLICATION_PROTOCOLS: the ALPN list in a SECBUFFER_APPLICATION_PROTOCOLS; it negotiates nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.vocabulary.buffers import BufferType, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.vocabulary.buffers import Buffers

_ALPN = 2


def wanted_protocols(buffers: Buffers) -> tuple[bytes, ...]:
    """The ALPN ids of the first APPLICATION_PROTOCOLS buffer, in order; empty without one. Layout: sspi.h."""
    buffer = find(buffers, BufferType.APPLICATION_PROTOCOLS)
    if buffer is None:
        return ()
    data = buffer.data
    end = 4 + int.from_bytes(data[:4], "little")
    if len(data) < 4 or end > len(data):
        raise _malformed("its ProtocolListsSize reaches beyond it")
    protocols: list[bytes] = []
    at = 4
    while at < end:
        if end - at < 6:
            raise _malformed("a protocol list is cut short")
        kind, size = int.from_bytes(data[at : at + 4], "little"), int.from_bytes(data[at + 4 : at + 6], "little")
        at += 6
        if size > end - at:
            raise _malformed("a ProtocolListSize reaches beyond it")
        if kind == _ALPN:
            protocols += _ids(data[at : at + size])
        at += size
    return tuple(protocols)


def _ids(listed: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(listed):
        length = listed[at]
        if not length or at + 1 + length > len(listed):
            raise _malformed("a protocol id is empty or cut short")
        found.append(listed[at + 1 : at + 1 + length])
        at += 1 + length
    return found


def _malformed(why: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The APPLICATION_PROTOCOLS buffer is malformed: {why}.")
