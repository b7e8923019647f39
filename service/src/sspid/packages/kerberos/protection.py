"""EncryptMessage, DecryptMessage, MakeSignature and VerifySignature over buffers (RFC 4121 4.2); MIT's library does the work.

Without DCE style, TOKEN, DATA and PADDING in this order are one GSS-API token: the library rotates the trailer into TOKEN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from sspid.packages.contract import Protected
from sspid.packages.gss import FirstGssNumber, Piece, SignGss, UnwrapGss, UnwrapGssToken, VerifyGss, WrapGss
from sspid.packages.kerberos.statuses import Doing, ask
from sspid.packages.questions import ReadClock
from sspid.vocabulary.buffers import BufferAccess, Buffers, BufferType, SecurityBuffer, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Message
    from sspid.packages.gss import Wrapped
    from sspid.packages.kerberos.established import Established

WRAP_NO_ENCRYPT: Final = 0x80000001
"""SECQOP_WRAP_NO_ENCRYPT: sign and do not encrypt."""
_HEADER: Final = 16
_NUMBERED: Final = (b"\x04\x04", b"\x05\x04")
"""TOK_ID of RFC 4121's MIC and Wrap tokens."""


async def encrypt(state: Established, message: Message) -> Protected:
    """Seal the writable DATA buffers in place, sign those that are READONLY_WITH_CHECKSUM; the rest goes into TOKEN."""
    confidential = _confidential(state, message.qop)
    await _require_alive(state)
    pieces = _pieces(message.buffers)
    _token(message.buffers)
    wrapped = await ask(WrapGss(state.context, pieces, confidential), Doing.PROTECTING)
    if wrapped.padding and find(message.buffers, BufferType.PADDING) is None:
        text = "This context's encryption type pads its messages: pass a PADDING buffer after DATA."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, text)
    return Protected(_replaced(message.buffers, wrapped, wrapped.header), qop=message.qop)


async def decrypt(state: Established, message: Message) -> Protected:
    """Unseal TOKEN, DATA and PADDING, or STREAM (a whole GSS-API token) into an empty DATA."""
    await _require_alive(state)
    stream = find(message.buffers, BufferType.STREAM)
    if stream is not None:
        return await _of_stream(state, message.buffers, stream)
    pieces, header = _pieces(message.buffers), _token(message.buffers).data
    padding = find(message.buffers, BufferType.PADDING)
    tail = b"" if padding is None else padding.data
    await _require_turn(state, header, "TOKEN")
    if len(pieces) == 1 and ContextFlag.USE_DCE_STYLE not in state.granted:
        # However the sender rotated it (RFC 4121 4.2.5), joined it is the token it sent.
        wrapped = await ask(UnwrapGssToken(state.context, header + pieces[0].data + tail), Doing.PROTECTING)
    else:
        wrapped = await ask(UnwrapGss(state.context, header, pieces, tail), Doing.PROTECTING)
    _take_turn(state)
    return Protected(_replaced(message.buffers, wrapped, None), qop=_found(wrapped))


async def sign(state: Established, message: Message) -> Protected:
    """Sign the DATA buffers into TOKEN: a MIC token."""
    await _require_signable(state, message.qop)
    _token(message.buffers)
    mic = await ask(SignGss(state.context, _joined(message.buffers)), Doing.PROTECTING)
    return Protected(_with_token(message.buffers, mic))


async def verify(state: Established, message: Message) -> Protected:
    """Check TOKEN against the DATA buffers."""
    await _require_alive(state)
    mic = _token(message.buffers).data
    await _require_turn(state, mic, "TOKEN")
    await ask(VerifyGss(state.context, _joined(message.buffers), mic), Doing.PROTECTING)
    _take_turn(state)
    return Protected(message.buffers)


async def _of_stream(state: Established, buffers: Buffers, stream: SecurityBuffer) -> Protected:
    data = find(buffers, BufferType.DATA)
    if data is None:
        text = "A STREAM buffer needs an empty DATA buffer beside it, which the message goes into."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, text)
    await _require_turn(state, stream.data, "STREAM")
    wrapped = await ask(UnwrapGssToken(state.context, stream.data), Doing.PROTECTING)
    _take_turn(state)
    plain = structs.replace(data, data=wrapped.pieces[0], size=0)
    return Protected(tuple(plain if buffer is data else buffer for buffer in buffers), qop=_found(wrapped))


def _found(wrapped: Wrapped) -> int:
    return 0 if wrapped.confidential else WRAP_NO_ENCRYPT


def _confidential(state: Established, qop: int) -> bool:
    if qop == WRAP_NO_ENCRYPT:
        return False
    if qop:
        raise SspiError(SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, f"Kerberos knows no quality of protection {qop:#x}.")
    if ContextFlag.CONFIDENTIALITY not in state.granted:
        text = "This context was made without CONFIDENTIALITY: ask for it, or pass SECQOP_WRAP_NO_ENCRYPT to sign only."
        raise SspiError(SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, text)
    return True


async def _require_signable(state: Established, qop: int) -> None:
    if qop:
        raise SspiError(
            SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, f"Kerberos knows no quality of protection {qop:#x} to sign with."
        )
    await _require_alive(state)


async def _require_alive(state: Established) -> None:
    """Refuse messages once the ticket has ended."""
    if state.expiry is not None and await ReadClock() > state.expiry:
        text = "The ticket this context was made with has expired; begin a new context with a new ticket."
        raise SspiError(SecurityStatus.SEC_E_CONTEXT_EXPIRED, text)


async def _require_turn(state: Established, header: bytes, where: str) -> None:
    """Refuse a message that is not the next one before the library sees it, which would count it as received.

    RFC 4121 writes the number in clear; what else a message may begin with (RFC 4757) is left to the library.
    """
    if len(header) < _HEADER:
        text = f"The {where} buffer has {len(header)} bytes and a Kerberos message begins with {_HEADER}."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, text)
    if ContextFlag.SEQUENCE_DETECT not in state.granted or header[:2] not in _NUMBERED:
        return
    if state.next_number is None:
        state.next_number = await ask(FirstGssNumber(state.context), Doing.PROTECTING)
    number = int.from_bytes(header[8:16], "big")
    if number != state.next_number:
        text = f"The message is {number - state.next_number:+d} places from the next one: one is missing, repeated or late."
        raise SspiError(SecurityStatus.SEC_E_OUT_OF_SEQUENCE, text)


def _take_turn(state: Established) -> None:
    if state.next_number is not None:
        state.next_number += 1


def _protected(buffer: SecurityBuffer) -> bool:
    return buffer.type is BufferType.DATA and buffer.access is not BufferAccess.READONLY


def _pieces(buffers: Buffers) -> tuple[Piece, ...]:
    pieces = tuple(
        Piece(buffer.data, buffer.access is BufferAccess.READONLY_WITH_CHECKSUM) for buffer in buffers if _protected(buffer)
    )
    if not pieces and find(buffers, BufferType.DATA) is None:
        text = "The call has no DATA buffer: pass the message in one, empty if need be."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, text)
    return pieces or (Piece(b""),)


def _joined(buffers: Buffers) -> bytes:
    return b"".join(piece.data for piece in _pieces(buffers))


def _token(buffers: Buffers) -> SecurityBuffer:
    token = find(buffers, BufferType.TOKEN)
    if token is None:
        text = "The call has no TOKEN buffer: the signature goes or comes in one."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, text)
    return token


def _with_token(buffers: Buffers, data: bytes) -> Buffers:
    token = _token(buffers)
    return tuple(structs.replace(buffer, data=data, size=0) if buffer is token else buffer for buffer in buffers)


def _replaced(buffers: Buffers, wrapped: Wrapped, header: bytes | None) -> Buffers:
    pieces = iter(wrapped.pieces)
    result = []
    for buffer in buffers:
        if _protected(buffer):
            data = next(pieces)
            result.append(structs.replace(buffer, data=data, size=0) if buffer.access is BufferAccess.READ_WRITE else buffer)
        elif buffer.type is BufferType.PADDING:
            result.append(structs.replace(buffer, data=wrapped.padding, size=0))
        else:
            result.append(buffer)
    return tuple(result) if header is None else _with_token(tuple(result), header)
