"""The DER forms that CredSSP's messages are made of: explicitly tagged fields of a SEQUENCE; no message."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sspid.packages.der import INTEGER, OCTET_STRING, SEQUENCE, Reader, tlv

CONTEXT: Final = 0xA0
"""The tag of field 0; every field of [MS-CSSP] 2.2 is tagged explicitly."""

_MAX_INTEGER: Final = 8
_SHORT, _LONG, _LONG_FORM = 2, 4, 0x80
"""Bytes of a header with a short length and with one of two bytes, and the bit that tells them apart (X.690 8.1.3)."""
_reader = Reader("CredSSP message")
read, whole, malformed = _reader.read, _reader.whole, _reader.malformed


def sequence(*fields: bytes) -> bytes:
    """Write a SEQUENCE of fields that are DER already."""
    return tlv(SEQUENCE, b"".join(fields))


@lru_cache(maxsize=64)
def integer(field: int, value: int) -> bytes:
    """Write an INTEGER as field number `field`."""
    return tlv(CONTEXT + field, tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)))


def octets(field: int, value: bytes) -> bytes:
    """Write an OCTET STRING as field number `field`."""
    return tlv(CONTEXT + field, tlv(OCTET_STRING, value))


def whole_length(data: bytes) -> int:
    """Length of the SEQUENCE that `data` begins with, header included; 0 where its header is not whole yet."""
    if data and data[0] != SEQUENCE:
        raise malformed(f"it begins with byte {data[0]:#04x} and not with a SEQUENCE")
    if len(data) < 2:
        return 0
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    if not 1 <= count <= 4:
        raise malformed("it has a length that is not definite")
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big") if len(data) >= 2 + count else 0


class Fields:
    """The explicitly tagged fields of one SEQUENCE, each read when it is asked for."""

    __slots__ = ("_data", "_found", "_what")

    def __init__(self, data: bytes, start: int, end: int, last: int, what: str) -> None:
        """Read the SEQUENCE at `data[start:end]`, whose fields are numbered up to `last`; an unknown one is malformed."""
        self._data = data
        self._what = what
        self._found: dict[int, tuple[int, int]] = {}
        start, end = whole(data, start, end, SEQUENCE, what)
        previous = -1
        while start < end:
            tag, at, start = read(data, start, end, "a field")
            number = tag - CONTEXT
            if not previous < number <= last:
                raise malformed(f"{what} has a field with tag {tag:#04x}, unknown or out of order")
            self._found[number] = (at, start)
            previous = number

    def __contains__(self, number: int) -> bool:
        return number in self._found

    def place(self, number: int) -> tuple[int, int]:
        """Where the content of a field starts and ends; SEC_E_INVALID_TOKEN where it is missing."""
        found = self._found.get(number)
        if found is None:
            raise malformed(f"{self._what} lacks its field {number}")
        return found

    def _inside(self, number: int, tag: int) -> tuple[int, int]:
        """Where the content of a field's one element starts and ends; the usual lengths are read here, for speed."""
        data, (at, end) = self._data, self.place(number)
        size = end - at
        if size >= _SHORT and data[at] == tag:
            length = data[at + 1]
            if length == size - _SHORT and length < _LONG_FORM:
                return at + _SHORT, end
            if length == _LONG_FORM + 2 and size >= _LONG and data[at + 2] << 8 | data[at + 3] == size - _LONG:
                return at + _LONG, end
        return whole(data, at, end, tag, f"field {number} of {self._what}")

    def octets(self, number: int) -> bytes:
        """An OCTET STRING that must be there."""
        start, end = self._inside(number, OCTET_STRING)
        return self._data[start:end]

    def optional_octets(self, number: int) -> bytes | None:
        """An OCTET STRING; None where there is none."""
        return self.octets(number) if number in self._found else None

    def integer(self, number: int) -> int:
        """An INTEGER that must be there."""
        start, end = self._inside(number, INTEGER)
        if not 1 <= end - start <= _MAX_INTEGER:
            raise malformed(f"field {number} of {self._what} is no integer of 1 to {_MAX_INTEGER} bytes")
        return int.from_bytes(self._data[start:end], "big", signed=True)

    def members(self, number: int) -> list[tuple[int, int]]:
        """Where the elements of a SEQUENCE OF start and end; none of a field that is missing."""
        if number not in self._found:
            return []
        start, end = self._inside(number, SEQUENCE)
        found = []
        while start < end:
            _, _, stop = read(self._data, start, end, f"an element of field {number} of {self._what}")
            found.append((start, stop))
            start = stop
        return found
