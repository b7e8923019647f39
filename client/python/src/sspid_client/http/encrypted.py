"""Bodies as WinRM seals them under CredSSP ([MS-WSMV] 2.2.9.1): parts of at most 16 KB, each one TLS record; no logon."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sspid_client import buffers, messages
from sspid_client.buffers import BufferType, SecurityBuffer
from sspid_client.errors import SspiError
from sspid_client.http.exchange import Entity
from sspid_client.status import SecurityStatus

if TYPE_CHECKING:
    from sspid_client.legs import Legs

SOAP = "application/soap+xml;charset=UTF-8"
_PROTOCOL = "application/HTTP-CredSSP-session-encrypted"
_PART = 16384
_KINDS = ("multipart/encrypted", "multipart/x-multi-encrypted")
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_END = b"--Encrypted Boundary--\r\n"
_LENGTH = 4

# Exchange writes a blank before the boundary's name.
_BOUNDARY = re.compile(rb"-- ?Encrypted Boundary\r\n")
_CLOSING = re.compile(rb"-- ?Encrypted Boundary--\r\n")
_ORIGINAL = re.compile(rb"OriginalContent: *type=([^\r\n]{1,200});Length=([0-9]{1,9})\r\n")
_OCTET_STREAM = re.compile(rb"[ \t]*Content-Type: application/octet-stream\r\n")


async def seal(legs: Legs, plain: Entity) -> Entity:
    """Seal a body: one part, or several where it is longer than 16 KB."""
    data = plain.data
    sealed = [await _sealed(legs, plain.content_type or SOAP, data[at : at + _PART]) for at in range(0, len(data), _PART)]
    kind = _KINDS[len(sealed) > 1]
    return Entity(f'{kind};protocol="{_PROTOCOL}";boundary="Encrypted Boundary"', b"".join(sealed) + _END)


async def _sealed(legs: Legs, kind: str, chunk: bytes) -> bytes:
    # Windows' own layout says how long this record's trailer is, which goes before it.
    layout = (
        SecurityBuffer(BufferType.STREAM_HEADER),
        SecurityBuffer(BufferType.DATA, chunk),
        SecurityBuffer(BufferType.STREAM_TRAILER),
    )
    record = (await messages.encrypt_message(legs, layout)).buffers
    trailer = len(buffers.first(record, BufferType.STREAM_TRAILER).data)
    head = (
        f"--Encrypted Boundary\r\n\tContent-Type: {_PROTOCOL}\r\n\tOriginalContent: type={kind};Length={len(chunk)}\r\n"
        "--Encrypted Boundary\r\n"
    )
    return head.encode("latin-1", "replace") + _OCTETS + trailer.to_bytes(_LENGTH, "little") + buffers.joined(record)


def is_sealed(content_type: str) -> bool:
    """Whether a body of this Content-Type is one of these."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in _KINDS and _PROTOCOL.lower() in content_type.lower()


class Part(NamedTuple):
    """One part: the Content-Type and the length of what it holds, and the TLS record that holds it."""

    kind: str
    length: int
    record: bytes


async def unseal(legs: Legs, body: bytes) -> Entity:
    """Open a sealed body. SspiError where it is laid out otherwise, cut, or altered."""
    plain: list[bytes] = []
    found = parts(body)
    for part in found:
        opened = await _opened(legs, part.record)
        if len(opened) != part.length:
            raise SspiError(f"A part of the server's encrypted answer holds {len(opened)} bytes and says {part.length}.")
        plain.append(opened)
    return Entity(found[0].kind, b"".join(plain))


def parts(body: bytes) -> list[Part]:
    """Take a sealed body apart; one part at least. SspiError where it is laid out otherwise."""
    whole, *after = _CLOSING.split(body)
    before, *pieces = _BOUNDARY.split(whole)
    if after != [b""] or before or not pieces or len(pieces) % 2:
        raise SspiError("The server's encrypted answer is not laid out as multipart/encrypted is, or it was cut.")
    return [_part(head, rest) for head, rest in zip(pieces[::2], pieces[1::2], strict=True)]


def _part(head: bytes, rest: bytes) -> Part:
    original = _ORIGINAL.search(head)
    if original is None:
        raise SspiError("A part of the server's encrypted answer does not say what its OriginalContent is.")
    begin = _OCTET_STREAM.match(rest)
    if begin is None or len(rest) <= begin.end() + _LENGTH:
        raise SspiError("A part of the server's encrypted answer has no application/octet-stream.")
    return Part(original[1].decode("latin-1"), int(original[2]), rest[begin.end() + _LENGTH :])


async def _opened(legs: Legs, record: bytes) -> bytes:
    plain = b""
    while record:
        opened = await messages.decrypt(legs, record)
        plain, record = plain + opened.data, opened.extra
        if opened.status is SecurityStatus.SEC_I_RENEGOTIATE:
            # A ticket or new keys; what would have to be answered has no place in a message.
            step = await legs.step(record)
            if step.token:
                raise SspiError("The server began another handshake inside of its encrypted answer.")
            record = step.extra
        elif opened.status is not SecurityStatus.SEC_E_OK or record:
            raise SspiError("A part of the server's encrypted answer is no whole TLS record.")
    return plain
