"""The few DER forms SPNEGO needs, written and read by hand for speed; no ASN.1 library and no schema.

Reading forgives what peers send: lengths longer than they need be. Nothing indefinite.
"""

from __future__ import annotations

from typing import Final

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
GENERAL_STRING: Final = 0x1B
SEQUENCE: Final = 0x30
GSS_FRAMING: Final = 0x60


def tlv(tag: int, content: bytes) -> bytes:
    """Write one element."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def read(data: bytes, offset: int, end: int, what: str) -> tuple[int, int, int]:
    """Read one element's header within `data[offset:end]`: its tag, where its content starts and where it ends."""
    if offset + 2 > end:
        raise malformed(f"{what} is cut off")
    tag, length = data[offset], data[offset + 1]
    start = offset + 2
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or start + count > end:
            raise malformed(f"{what} has a length that is not definite")
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + length > end:
        raise malformed(f"{what} ends at byte {start + length} of {end}")
    return tag, start, start + length


def expect(data: bytes, offset: int, end: int, tag: int, what: str) -> tuple[int, int]:
    """Read the header of an element that must have `tag`: where its content starts and ends."""
    found, start, stop = read(data, offset, end, what)
    if found != tag:
        raise malformed(f"{what} has tag {found:#04x} and not {tag:#04x}")
    return start, stop


def whole(data: bytes, offset: int, end: int, tag: int, what: str) -> tuple[int, int]:
    """As `expect`, where nothing may follow the element."""
    found, start, stop = read(data, offset, end, what)
    if found != tag:
        raise malformed(f"{what} has tag {found:#04x} and not {tag:#04x}")
    if stop != end:
        raise malformed(f"{end - stop} bytes follow {what}")
    return start, stop


def malformed(what: str) -> SspiError:
    """Say what is wrong with a SPNEGO token."""
    return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The SPNEGO token is malformed: {what}.")
