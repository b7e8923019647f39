"""NegTokenInit, NegTokenInit2 and NegTokenResp (RFC 4178 4.2, [MS-SPNG] 2.2.1) as bytes and as tuples; decides nothing."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from sspid.packages.der import ENUMERATED, GENERAL_STRING, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, tlv
from sspid.packages.negotiate import der
from sspid.packages.negotiate.mechanisms import SPNEGO

_GSS_FRAMING: Final = 0x60
_MAX_MECHANISMS: Final = 64
_HINT: Final = tlv(0xA3, tlv(SEQUENCE, tlv(0xA0, tlv(GENERAL_STRING, b"not_defined_in_RFC4178@please_ignore"))))
"""negHints with the name that says to ignore it ([MS-SPNG] 2.2.1)."""


class NegState(IntEnum):
    """The acceptor's word on how far the negotiation is."""

    ACCEPT_COMPLETED = 0
    ACCEPT_INCOMPLETE = 1
    REJECT = 2
    REQUEST_MIC = 3


_STATES: Final = {state: tlv(0xA0, bytes((ENUMERATED, 1, state))) for state in NegState}
_STATE_OF: Final = {bytes((state,)): state for state in NegState}


class Init(NamedTuple):
    """NegTokenInit or NegTokenInit2. `mech_list` is the DER of the MechTypeList as it was sent, which the MIC covers."""

    mechanisms: tuple[bytes, ...]
    mech_list: bytes
    mech_token: bytes | None
    mech_list_mic: bytes | None


class Response(NamedTuple):
    """NegTokenResp; what is absent is None."""

    state: NegState | None
    mechanism: bytes | None
    token: bytes | None
    mech_list_mic: bytes | None


def mech_list(mechanisms: tuple[bytes, ...]) -> bytes:
    """Write a MechTypeList of mechanisms that are DER already."""
    return tlv(SEQUENCE, b"".join(mechanisms))


def write_init(mechanism_list: bytes, mech_token: bytes) -> bytes:
    """Write a NegTokenInit in its GSS framing."""
    token = tlv(0xA2, tlv(OCTET_STRING, mech_token)) if mech_token else b""
    return _framed(tlv(0xA0, mechanism_list) + token)


def write_hint(mechanism_list: bytes) -> bytes:
    """Write the NegTokenInit2 with which an acceptor begins."""
    return _framed(tlv(0xA0, mechanism_list) + _HINT)


def write_response(
    state: NegState | None, mechanism: bytes | None = None, token: bytes | None = None, mic: bytes | None = None
) -> bytes:
    """Write a NegTokenResp of the fields that are not None."""
    content = b"" if state is None else _STATES[state]
    if mechanism is not None:
        content += tlv(0xA1, mechanism)
    if token is not None:
        content += tlv(0xA2, tlv(OCTET_STRING, token))
    if mic is not None:
        content += tlv(0xA3, tlv(OCTET_STRING, mic))
    return tlv(0xA1, tlv(SEQUENCE, content))


def framed_mechanism(data: bytes) -> bytes | None:
    """Return the DER of the mechanism in a token's GSS framing (RFC 2743 3.1), None where it has none."""
    if data[:1] != b"\x60":
        return None
    tag, start, end = der.read(data, 0, len(data), "the GSS framing")
    tag, _, stop = der.read(data, start, end, "the GSS mechanism")
    return data[start:stop] if tag == OBJECT_IDENTIFIER else None


def read_init(data: bytes) -> Init:
    """Read a NegTokenInit or NegTokenInit2, with or without its GSS framing."""
    offset, end = 0, len(data)
    if data[:1] == b"\x60":
        offset, end = der.whole(data, 0, end, _GSS_FRAMING, "the GSS framing")
        if data[offset : offset + len(SPNEGO)] != SPNEGO:
            raise der.malformed("its GSS framing names another mechanism than SPNEGO")
        offset += len(SPNEGO)
    start, end = der.whole(data, offset, end, 0xA0, "the NegTokenInit")
    start, end = der.whole(data, start, end, SEQUENCE, "the NegTokenInit")
    fields = _fields(data, start, end)
    if 0 not in fields:
        raise der.malformed("the NegTokenInit has no mechanisms")
    tag, first, at, stop = fields[0]
    if tag != SEQUENCE:
        raise der.malformed(f"the mechanism list has tag {tag:#04x} and not {SEQUENCE:#04x}")
    mic = fields.get(4)
    # [MS-SPNG] 2.2.1: field 3 is negHints where it is a SEQUENCE; then the MIC moves to field 4.
    third = fields.get(3)
    if third is not None and third[0] != SEQUENCE:
        mic = third
    return Init(
        _mechanisms(data, at, stop),
        data[first:stop],
        _octets(data, fields.get(2), "the mechToken"),
        _octets(data, mic, "the mechListMIC"),
    )


def read_response(data: bytes) -> Response:
    """Read a NegTokenResp."""
    start, end = der.whole(data, 0, len(data), 0xA1, "the NegTokenResp")
    start, end = der.whole(data, start, end, SEQUENCE, "the NegTokenResp")
    fields = _fields(data, start, end)
    state = None
    if 0 in fields:
        tag, _, at, stop = fields[0]
        state = _STATE_OF.get(data[at:stop]) if tag == ENUMERATED else None
        if state is None:
            raise der.malformed("the negState is none that RFC 4178 knows")
    mechanism = None
    if 1 in fields:
        tag, first, _, stop = fields[1]
        if tag != OBJECT_IDENTIFIER:
            raise der.malformed(f"the supportedMech has tag {tag:#04x} and not {OBJECT_IDENTIFIER:#04x}")
        mechanism = data[first:stop]
    token = _octets(data, fields.get(2), "the responseToken")
    mic = _octets(data, fields.get(3), "the mechListMIC")
    # Windows 2000 repeated the token where the MIC belongs.
    return Response(state, mechanism, token, None if mic == token else mic)


def _framed(content: bytes) -> bytes:
    return tlv(_GSS_FRAMING, SPNEGO + tlv(0xA0, tlv(SEQUENCE, content)))


_Field = tuple[int, int, int, int]
"""The one element in an explicitly tagged field: its tag, where it starts, where its content starts, and where both end."""


def _fields(data: bytes, start: int, end: int) -> dict[int, _Field]:
    """Read the context-tagged fields of a SEQUENCE, each with the element in it."""
    fields: dict[int, _Field] = {}
    last = -1
    while start < end:
        tag, at, start = der.read(data, start, end, "a field")
        number = tag - 0xA0
        if not last < number <= 4:
            raise der.malformed(f"a field has tag {tag:#04x}, unknown or out of order")
        inner, content, stop = der.read(data, at, start, "a field's element")
        if stop != start:
            raise der.malformed(f"{start - stop} bytes follow the element in field {number}")
        fields[number] = (inner, at, content, stop)
        last = number
    return fields


def _mechanisms(data: bytes, start: int, end: int) -> tuple[bytes, ...]:
    found: list[bytes] = []
    while start < end:
        _, stop = der.expect(data, start, end, OBJECT_IDENTIFIER, "a mechanism")
        found.append(data[start:stop])
        start = stop
        if len(found) > _MAX_MECHANISMS:
            raise der.malformed(f"more than {_MAX_MECHANISMS} mechanisms are offered")
    if not found:
        raise der.malformed("the mechanism list is empty")
    return tuple(found)


def _octets(data: bytes, field: _Field | None, what: str) -> bytes | None:
    if field is None:
        return None
    tag, _, start, end = field
    if tag != OCTET_STRING:
        raise der.malformed(f"{what} has tag {tag:#04x} and not {OCTET_STRING:#04x}")
    return data[start:end]
