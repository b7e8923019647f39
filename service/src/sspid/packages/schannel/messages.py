"""EncryptMessage and DecryptMessage: Windows' buffer shape and the plain one, over whatever seals the records; no handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.contract import Message, Protected
from sspid.packages.schannel import alerts, datagrams
from sspid.packages.schannel.framing import HEADER, MAX_FRAGMENT, record_length
from sspid.packages.schannel.openssl import is_datagram
from sspid.packages.schannel.protection import open_record, seal, seal_alert
from sspid.packages.schannel.states import PostHandshake
from sspid.packages.schannel.suites import record_overhead
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, extra, missing
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.schannel.established_state import Established

_EMPTY = SecurityBuffer(BufferType.EMPTY)
_OOB = 0x40000000
"""SECQOP_WRAP_OOB_DATA: the data is an alert's level and number."""


def encrypt(state: Established, message: Message) -> Protected:
    """Seal the one DATA buffer: alone it comes back as records, with STREAM_HEADER and STREAM_TRAILER as one record's parts."""
    _refuse_pending(state)
    if state.write_closed:
        raise SspiError(
            SecurityStatus.SEC_E_CONTEXT_EXPIRED, "close_notify was sent on this context; nothing more may be sealed."
        )
    data = _only_data(message.buffers).data
    if message.qop not in (0, _OOB):
        raise SspiError(
            SecurityStatus.SEC_E_QOP_NOT_SUPPORTED, f"Schannel has no quality of protection {message.qop:#x}; pass 0."
        )
    framed = len(message.buffers) > 1 and any(buffer.type is BufferType.STREAM_HEADER for buffer in message.buffers)
    if framed and len(data) > MAX_FRAGMENT:
        raise SspiError(
            SecurityStatus.SEC_E_ENCRYPT_FAILURE,
            f"A TLS record carries at most {MAX_FRAGMENT} bytes, not {len(data)}; split the message.",
        )
    if is_datagram(state.version) and state.live is not None:
        sealed = datagrams.seal(state.live, data)
    else:
        sealed = seal_alert(state, _alert(data)) if message.qop else seal(state, data)
    if not framed:
        return Protected((SecurityBuffer(BufferType.DATA, sealed),))
    header, _ = record_overhead(state.facts.version, state.facts.cipher)
    return Protected(_in_place(message.buffers, sealed, header, len(data)))


def _alert(data: bytes) -> bytes:
    if len(data) != 2 or data[0] not in (alerts.WARNING, alerts.FATAL):
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            "SECQOP_WRAP_OOB_DATA takes two bytes, an alert's level (1 or 2) and its number.",
        )
    return data


def _in_place(buffers: Buffers, sealed: bytes, header: int, length: int) -> Buffers:
    """Spread a record over the caller's buffers, their sizes written back."""
    parts = {
        BufferType.STREAM_HEADER: sealed[:header],
        BufferType.DATA: sealed[header : header + length],
        BufferType.STREAM_TRAILER: sealed[header + length :],
    }
    return tuple(_sized(buffer, parts.get(buffer.type, b"")) for buffer in buffers)


def _sized(buffer: SecurityBuffer, data: bytes) -> SecurityBuffer:
    room = max(buffer.size, len(buffer.data))
    if room and room < len(data):
        raise SspiError(
            SecurityStatus.SEC_E_BUFFER_TOO_SMALL,
            f"The {buffer.type.name} buffer has room for {room} bytes and needs {len(data)}; ask for STREAM_SIZES.",
        )
    return SecurityBuffer(buffer.type, data, len(data))


def decrypt(state: Established, message: Message) -> Protected:
    """Unseal the DATA buffer: with three EMPTY ones one record in Windows' shape, alone every whole record it holds."""
    _refuse_pending(state)
    if state.read_closed:
        raise SspiError(SecurityStatus.SEC_E_CONTEXT_EXPIRED, "The peer has closed this context; nothing more comes on it.")
    data = _only_data(message.buffers).data
    alone = len(message.buffers) == 1
    empties = 0 if alone else sum(buffer.type is BufferType.EMPTY for buffer in message.buffers)
    if not alone and (empties < 3 or len(message.buffers) != 4):
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            "DecryptMessage takes one DATA buffer, alone or with three EMPTY ones after it.",
        )
    if is_datagram(state.version) and state.live is not None:
        return datagrams.decrypt(state, state.live, data)
    at = _skip_served(state, data)
    length = record_length(data, at)
    if not length or at + length > len(data):
        wanted = (at + length if length else at + HEADER) - len(data)
        return Protected((missing(wanted), *message.buffers[1:]), SecurityStatus.SEC_E_INCOMPLETE_MESSAGE)
    return _one_record(state, data, at, length) if empties else _every_record(state, data, at)


def _skip_served(state: Established, data: bytes) -> int:
    """Past a handshake record that a leg has served, for callers who feed it here again."""
    served, state.served = state.served, b""
    return len(served) if served and data.startswith(served) else 0


def _one_record(state: Established, data: bytes, at: int, length: int) -> Protected:
    record = data[at : at + length]
    plain = open_record(state, record)
    rest = len(data) - at - length
    if isinstance(plain, PostHandshake):
        return _renegotiate(plain, (SecurityBuffer(BufferType.STREAM_HEADER), SecurityBuffer(BufferType.DATA), _TRAILER), rest)
    if plain is None:
        return Protected(
            (_header(b""), SecurityBuffer(BufferType.DATA), _TRAILER, _EMPTY), SecurityStatus.SEC_I_CONTEXT_EXPIRED
        )
    header, _ = record_overhead(state.facts.version, state.facts.cipher)
    trailer = SecurityBuffer(BufferType.STREAM_TRAILER, record[header + len(plain) :])
    last = extra(rest) if rest else _EMPTY
    return Protected((_header(record[:header]), SecurityBuffer(BufferType.DATA, plain), trailer, last))


_TRAILER = SecurityBuffer(BufferType.STREAM_TRAILER)


def _header(data: bytes) -> SecurityBuffer:
    return SecurityBuffer(BufferType.STREAM_HEADER, data)


def _every_record(state: Established, data: bytes, at: int) -> Protected:
    parts: list[bytes] = []
    while True:
        length = record_length(data, at) if at < len(data) else 0
        if not length or at + length > len(data):
            return _plain(parts, len(data) - at)
        opened = open_record(state, data[at : at + length])
        if opened is None:
            return Protected((SecurityBuffer(BufferType.DATA, b"".join(parts)),), SecurityStatus.SEC_I_CONTEXT_EXPIRED)
        if isinstance(opened, PostHandshake):
            return _renegotiate(opened, (SecurityBuffer(BufferType.DATA, b"".join(parts)),), len(data) - at - length)
        parts.append(opened)
        at += length


def _plain(parts: list[bytes], rest: int) -> Protected:
    data = SecurityBuffer(BufferType.DATA, parts[0] if len(parts) == 1 else b"".join(parts))
    return Protected((data, extra(rest)) if rest else (data,))


def _renegotiate(pending: PostHandshake, before: Buffers, rest: int) -> Protected:
    return Protected(
        (*before, extra(rest + len(pending.record))),
        SecurityStatus.SEC_I_RENEGOTIATE,
        message=f"The peer sent a {pending.kind}; pass the EXTRA bytes to the next leg of this context, then go on.",
        detail=FailureDetail(state=pending.kind),
    )


def _refuse_pending(state: Established) -> None:
    if state.pending is not None:
        raise SspiError(
            SecurityStatus.SEC_E_CONTEXT_EXPIRED,
            f"A {state.pending.kind} from the peer waits for a leg; call Initialize- or AcceptSecurityContext first.",
        )


def _only_data(buffers: Buffers) -> SecurityBuffer:
    wanted = BufferType.DATA
    if len(buffers) == 1 and buffers[0].type is wanted:
        return buffers[0]
    found = [buffer for buffer in buffers if buffer.type is wanted]
    if len(found) != 1:
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"Exactly one DATA buffer is wanted; there are {len(found)}.")
    return found[0]
