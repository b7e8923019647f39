"""Messages under an established context: which buffers go in for each kind of package, and what comes out; no byte is moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sspid_protos.sspi.v1 import message_service_pb2

from sspid_client import buffers, calls, replies
from sspid_client.buffers import Buffers, BufferType, SecurityBuffer
from sspid_client.calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sspid_client.legs import Legs
    from sspid_client.status import SecurityStatus

_Reply: TypeAlias = (
    message_service_pb2.EncryptMessageResponse
    | message_service_pb2.DecryptMessageResponse
    | message_service_pb2.MakeSignatureResponse
    | message_service_pb2.VerifySignatureResponse
)

# The packages whose messages are TLS records; the others wrap each message in a token of its own.
_STREAM_PACKAGES = frozenset({"schannel", "microsoft unified security protocol provider", "credssp", "tsssp"})

_TRAILING_PACKAGES = frozenset({"digest", "wdigest"})

_PART = 256 * 1024
"""How much of a stream one call seals, bytes: well under what one request may hold."""


@dataclass(frozen=True, slots=True)
class Protected:
    """What a message function came to: every buffer as it is now, in Windows' order, and the quality of protection found."""

    status: SecurityStatus
    buffers: Buffers
    qop: int = 0


@dataclass(frozen=True, slots=True)
class Decrypted:
    """What was opened.

    `status` is SEC_E_OK, or for streams SEC_E_INCOMPLETE_MESSAGE (`missing` bytes more are wanted, repeat the whole),
    SEC_I_CONTEXT_EXPIRED (the peer sent close_notify) or SEC_I_RENEGOTIATE (make a leg with `extra`). `data` counts with
    each of them. `extra` is the end of the input that was not consumed: the next message's beginning, or what the leg is
    to be made with.
    """

    status: SecurityStatus
    data: bytes = field(repr=False)
    extra: bytes = field(repr=False)
    missing: int
    qop: int


def is_stream(context: Legs) -> bool:
    """Whether messages of this context are TLS records."""
    return context.package.lower() in _STREAM_PACKAGES


def _protected(reply: _Reply, qop: int = 0) -> Protected:
    """Read a reply; where the function failed, its message is what the peer is still sent (a TLS alert)."""
    message = buffers.from_wire(reply.message)
    return Protected(replies.status_of(reply.result, message), message, qop)


async def encrypt_message(
    context: Legs, message: Iterable[SecurityBuffer], *, qop: int = 0, sequence_number: int = 0
) -> Protected:
    """EncryptMessage with buffers of the caller's own laying out."""
    request = message_service_pb2.EncryptMessageRequest(
        context=context.context,
        message=buffers.to_wire(message),
        qop=qop,
        sequence_number=sequence_number,
        request_id=calls.new_request_id(),
        connection_id=context.connection_id,
    )
    reply = await Call(calls.ENCRYPT_MESSAGE, request)
    return _protected(reply)


async def decrypt_message(context: Legs, message: Iterable[SecurityBuffer], *, sequence_number: int = 0) -> Protected:
    """DecryptMessage with buffers of the caller's own laying out."""
    request = message_service_pb2.DecryptMessageRequest(
        context=context.context,
        message=buffers.to_wire(message),
        sequence_number=sequence_number,
        request_id=calls.new_request_id(),
        connection_id=context.connection_id,
    )
    reply = await Call(calls.DECRYPT_MESSAGE, request)
    return _protected(reply, reply.qop)


async def make_signature(
    context: Legs, message: Iterable[SecurityBuffer], *, qop: int = 0, sequence_number: int = 0
) -> Protected:
    """MakeSignature with buffers of the caller's own laying out."""
    request = message_service_pb2.MakeSignatureRequest(
        context=context.context,
        message=buffers.to_wire(message),
        qop=qop,
        sequence_number=sequence_number,
        request_id=calls.new_request_id(),
        connection_id=context.connection_id,
    )
    reply = await Call(calls.MAKE_SIGNATURE, request)
    return _protected(reply)


async def verify_signature(context: Legs, message: Iterable[SecurityBuffer], *, sequence_number: int = 0) -> Protected:
    """VerifySignature with buffers of the caller's own laying out."""
    request = message_service_pb2.VerifySignatureRequest(
        context=context.context,
        message=buffers.to_wire(message),
        sequence_number=sequence_number,
        request_id=calls.new_request_id(),
        connection_id=context.connection_id,
    )
    reply = await Call(calls.VERIFY_SIGNATURE, request)
    return _protected(reply, reply.qop)


async def encrypt(context: Legs, data: bytes, *, qop: int = 0, sequence_number: int = 0) -> bytes:
    """Seal `data`: as many TLS records as it takes, or one wrapped token, as it goes to the peer."""
    if not is_stream(context):
        return await _wrap(context, data, qop, sequence_number)
    parts = [data[start : start + _PART] for start in range(0, len(data), _PART)] or [b""]
    return b"".join([await _records(context, part, qop) for part in parts])


async def _wrap(context: Legs, data: bytes, qop: int, sequence_number: int) -> bytes:
    # TOKEN, DATA and PADDING joined are what gss_wrap makes of the message; Digest's MAC comes last (RFC 2831 2.3).
    body = (SecurityBuffer(BufferType.DATA, data), SecurityBuffer(BufferType.PADDING))
    token = buffers.token(b"")
    layout = (*body, token) if context.package.lower() in _TRAILING_PACKAGES else (token, *body)
    return buffers.joined((await encrypt_message(context, layout, qop=qop, sequence_number=sequence_number)).buffers)


async def _records(context: Legs, data: bytes, qop: int) -> bytes:
    return buffers.joined((await encrypt_message(context, (SecurityBuffer(BufferType.DATA, data),), qop=qop)).buffers)


async def decrypt(context: Legs, data: bytes, *, sequence_number: int = 0) -> Decrypted:
    """Open what `data` holds: every whole TLS record of it, or one wrapped token."""
    layout: Buffers = (SecurityBuffer(BufferType.STREAM, data), SecurityBuffer(BufferType.DATA))
    if is_stream(context):
        layout = (SecurityBuffer(BufferType.DATA, data),)
    opened = await decrypt_message(context, layout, sequence_number=sequence_number)
    missing = buffers.first(opened.buffers, BufferType.MISSING).size
    # An incomplete record comes back as it was, its DATA untouched: it is no plaintext.
    plain = b"" if missing else buffers.first(opened.buffers, BufferType.DATA).data
    return Decrypted(opened.status, plain, buffers.tail(data, opened.buffers), missing, opened.qop)


async def sign(context: Legs, data: bytes, *, qop: int = 0, sequence_number: int = 0) -> bytes:
    """Sign `data`; returns the signature."""
    layout = (SecurityBuffer(BufferType.DATA, data), buffers.token(b""))
    signed = await make_signature(context, layout, qop=qop, sequence_number=sequence_number)
    return buffers.first(signed.buffers, BufferType.TOKEN).data


async def verify(context: Legs, data: bytes, signature: bytes, *, sequence_number: int = 0) -> int:
    """Check `signature` over `data`; returns the quality of protection, raises what fails (SEC_E_MESSAGE_ALTERED ...)."""
    layout = (SecurityBuffer(BufferType.DATA, data), buffers.token(signature))
    return (await verify_signature(context, layout, sequence_number=sequence_number)).qop
