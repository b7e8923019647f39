"""EncryptMessage, DecryptMessage, MakeSignature and VerifySignature over buffers; the cryptography is `session`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sspid.packages.contract import Protected
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.session import SIGNATURE_SIZE
from sspid.vocabulary.buffers import BufferAccess, Buffers, BufferType, SecurityBuffer, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Message
    from sspid.packages.ntlm.established import Established

WRAP_NO_ENCRYPT: Final = 0x80000001
"""SECQOP_WRAP_NO_ENCRYPT: sign and do not encrypt."""

# Looked up once: an enumeration's member costs as much to reach as a small call.
_DATA, _TOKEN, _STREAM, _PADDING = BufferType.DATA, BufferType.TOKEN, BufferType.STREAM, BufferType.PADDING
_WRITABLE, _READONLY = BufferAccess.READ_WRITE, BufferAccess.READONLY


def encrypt(state: Established, message: Message) -> Protected:
    """Seal the writable DATA buffers in place and sign all of them that are not READONLY into TOKEN."""
    sealing = _sealing(state, message.qop)
    data = _data(message.buffers)
    _token(message.buffers)
    plain = b"".join([buffer.data for buffer in data if _sealed(buffer)]) if sealing else b""
    whole = b"".join([buffer.data for buffer in data])
    sealed, signature = state.sending.seal(plain, whole, message.sequence_number)
    return Protected(_replaced(message.buffers, sealed, signature, sealing=sealing), qop=message.qop)


def decrypt(state: Established, message: Message) -> Protected:
    """Unseal TOKEN and DATA, or STREAM (a signature and the data after it) into an empty DATA."""
    buffers = _split_stream(message.buffers)
    data = _data(buffers)
    sealing = bool(state.flags & nf.SEAL)
    if sealing:
        plain = _unseal(state, data, _token(buffers).data, message.sequence_number)
        return Protected(_replaced(buffers, plain, None, sealing=True))
    whole = b"".join(buffer.data for buffer in data)
    state.receiving.verify(whole, _token(buffers).data, message.sequence_number)
    return Protected(buffers, qop=WRAP_NO_ENCRYPT)


def sign(state: Established, message: Message) -> Protected:
    """Sign the DATA buffers into TOKEN."""
    _token(message.buffers)
    whole = b"".join(buffer.data for buffer in _data(message.buffers))
    signature = state.sending.seal(b"", whole, message.sequence_number)[1]
    return Protected(_replaced(message.buffers, b"", signature, sealing=False))


def verify(state: Established, message: Message) -> Protected:
    """Check TOKEN against the DATA buffers."""
    whole = b"".join(buffer.data for buffer in _data(message.buffers))
    state.receiving.verify(whole, _token(message.buffers).data, message.sequence_number)
    return Protected(message.buffers)


def _sealing(state: Established, qop: int) -> bool:
    if qop == WRAP_NO_ENCRYPT:
        return False
    if qop:
        raise SspiError(SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, f"NTLM knows no quality of protection {qop:#x}.")
    if not state.flags & nf.SEAL:
        message = "This context was made without CONFIDENTIALITY: ask for it, or pass SECQOP_WRAP_NO_ENCRYPT to sign only."
        raise SspiError(SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, message)
    return True


def _unseal(state: Established, data: Buffers, signature: bytes, number: int) -> bytes:
    if len(data) == 1 and _sealed(data[0]):
        return state.receiving.unseal(data[0].data, signature, number)
    sealed = b"".join(buffer.data for buffer in data if _sealed(buffer))
    return state.receiving.unseal(sealed, signature, number, lambda plain: _woven(data, plain))


def _woven(data: Buffers, plain: bytes) -> bytes:
    """Return what is signed: all buffers in their order, the sealed ones as they were before ([MS-NLMP] 3.4.6.1)."""
    parts, offset = [], 0
    for buffer in data:
        if _sealed(buffer):
            parts.append(plain[offset : offset + len(buffer.data)])
            offset += len(buffer.data)
        else:
            parts.append(buffer.data)
    return b"".join(parts)


def _replaced(buffers: Buffers, data: bytes, signature: bytes | None, *, sealing: bool) -> Buffers:
    result, offset = [], 0
    for buffer in buffers:
        kind = buffer.type
        if kind is _TOKEN and signature is not None:
            result.append(SecurityBuffer(_TOKEN, signature))
        elif sealing and kind is _DATA and buffer.access is _WRITABLE:
            end = offset + len(buffer.data)
            result.append(SecurityBuffer(_DATA, data[offset:end]))
            offset = end
        elif kind is _PADDING:
            # cbBlockSize is 0: nothing is ever padded.
            result.append(SecurityBuffer(_PADDING))
        else:
            result.append(buffer)
    return tuple(result)


def _split_stream(buffers: Buffers) -> Buffers:
    stream = find(buffers, _STREAM)
    if stream is None:
        return buffers
    if len(stream.data) < SIGNATURE_SIZE:
        message = (
            f"The STREAM buffer has {len(stream.data)} bytes and an NTLM message begins with a signature of {SIGNATURE_SIZE}."
        )
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    token = SecurityBuffer(_TOKEN, stream.data[:SIGNATURE_SIZE])
    data = SecurityBuffer(_DATA, stream.data[SIGNATURE_SIZE:])
    others = [buffer for buffer in buffers if buffer is not stream and (buffer.type is not _DATA or buffer.data)]
    return (token, data, *others)


def _sealed(buffer: SecurityBuffer) -> bool:
    return buffer.access is _WRITABLE


def _data(buffers: Buffers) -> Buffers:
    data = tuple([buffer for buffer in buffers if buffer.type is _DATA and buffer.access is not _READONLY])
    if not data and find(buffers, _DATA) is None:
        message = "The call has no DATA buffer: pass the message in one, empty if need be."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    return data


def _token(buffers: Buffers) -> SecurityBuffer:
    token = find(buffers, _TOKEN)
    if token is None:
        message = "The call has no TOKEN buffer: the signature goes or comes in one."
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
    return token
