"""DTLS: datagrams in place of a stream, in the handshake and after it; the cryptography is OpenSSL's throughout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from sspid.packages.contract import Leg, Protected, Step
from sspid.packages.schannel.flags import granted
from sspid.packages.schannel.openssl import TlsError
from sspid.vocabulary.buffers import Buffers, BufferType, SecurityBuffer, find, token, token_in
from sspid.vocabulary.errors import FailureDetail, SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.schannel.established_state import Established
    from sspid.packages.schannel.openssl import Connection
    from sspid.packages.schannel.settings import Policy
    from sspid.packages.schannel.states import Handshaking

_DATAGRAM: Final = ContextFlag.DATAGRAM
"""Looked up once: an enumeration is slow to ask."""
DEFAULT_MTU: Final = 1096
_LEAST_MTU: Final = 256
"""OpenSSL's; Windows takes 200."""
_HEADER: Final = 13


def check(policy: Policy, leg: Leg) -> None:
    """SEC_E_ALGORITHM_MISMATCH where DATAGRAM and the credential's protocols do not go together."""
    if policy.datagram != (_DATAGRAM in leg.flags):
        raise SspiError(
            SecurityStatus.SEC_E_ALGORITHM_MISMATCH,
            "DATAGRAM goes with a credential for DTLS and with no other; acquire one with the protocol DTLSv1.2.",
        )


def wanted_mtu(buffers: Buffers) -> int:
    """The DTLS_MTU buffer's number, or the default; SEC_E_INVALID_TOKEN for one out of bounds."""
    buffer = find(buffers, BufferType.DTLS_MTU)
    if buffer is None:
        return DEFAULT_MTU
    mtu = int.from_bytes(buffer.data, "little")
    if len(buffer.data) != 2 or mtu < _LEAST_MTU:
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, "DTLS_MTU takes two bytes, a number of 256 or more.")
    return mtu


def fragment(step: Step, mtu: int) -> Step:
    """Hand out one datagram of a flight; SEC_I_MESSAGE_FRAGMENT while others wait."""
    output = token_in(step.output)
    end = _datagram_end(output, mtu)
    if end == len(output) or step.established:
        return step
    state = structs.replace(step.state, queued=output[end:])
    return structs.replace(step, status=SecurityStatus.SEC_I_MESSAGE_FRAGMENT, state=state, output=(token(output[:end]),))


def _datagram_end(records: bytes, mtu: int) -> int:
    """As many whole records as fit; at least one."""
    end = 0
    while end + _HEADER <= len(records):
        length = _HEADER + int.from_bytes(records[end + 11 : end + 13], "big")
        if end and end + length > mtu:
            return end
        end += length
    return len(records)


def go_on(state: Handshaking, leg: Leg) -> Step:
    """A leg without input: the next datagram of the flight, or the flight again for a peer that may have missed it."""
    output = state.queued or state.connection.retransmit()
    step = Step(
        SecurityStatus.SEC_I_CONTINUE_NEEDED,
        structs.replace(state, queued=b""),
        output=(token(output),),
        granted=granted(leg.flags, last=False, datagram=True),
    )
    return fragment(step, state.mtu)


def seal(live: Connection, data: bytes) -> bytes:
    """One message as one datagram."""
    most = live.data_mtu()
    if len(data) > most:
        raise SspiError(
            SecurityStatus.SEC_E_ENCRYPT_FAILURE, f"A datagram of this context carries at most {most} bytes, not {len(data)}."
        )
    try:
        return live.write(data)
    except TlsError as failure:
        raise SspiError(SecurityStatus.SEC_E_ENCRYPT_FAILURE, f"OpenSSL could not seal: {failure.text}.") from None


def decrypt(state: Established, live: Connection, datagram: bytes) -> Protected:
    """One datagram's messages; what does not belong to the connection is dropped without a word (RFC 6347 4.1.2.7)."""
    parts: list[bytes] = []
    status = SecurityStatus.SEC_E_OK
    try:
        while (plain := live.read(datagram)) is not None:
            parts.append(plain)
            datagram = b""
    except EOFError:
        state.read_closed = True
        status = SecurityStatus.SEC_I_CONTEXT_EXPIRED
    except TlsError as failure:
        state.read_closed = state.write_closed = True
        raise SspiError(
            SecurityStatus.SEC_E_ILLEGAL_MESSAGE,
            f"The DTLS connection broke: {failure.text}; the context is over.",
            detail=FailureDetail(alert=failure.alert, state=failure.text),
        ) from None
    return Protected((SecurityBuffer(BufferType.DATA, b"".join(parts)),), status)
