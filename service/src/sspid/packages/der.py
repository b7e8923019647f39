"""DER elements, written and read by hand for speed by packages whose messages have few forms; no schema, no message.

Reading forgives lengths longer than they need be, as peers send them. Nothing indefinite.
"""

from __future__ import annotations

from typing import Final

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
GENERAL_STRING: Final = 0x1B
SEQUENCE: Final = 0x30


def tlv(tag: int, content: bytes) -> bytes:
    """Write one element."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    if size < 0x100:
        return bytes((tag, 0x81, size)) + content
    if size < 0x10000:
        return bytes((tag, 0x82, size >> 8, size & 0xFF)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


class Reader:
    """Reads elements of one kind of message, and says of a malformed one which kind it is."""

    __slots__ = ("_message",)

    def __init__(self, message: str) -> None:
        self._message = message

    def malformed(self, what: str) -> SspiError:
        """Say what is wrong with a message."""
        return SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, f"The {self._message} is malformed: {what}.")

    def read(self, data: bytes, offset: int, end: int, what: str) -> tuple[int, int, int]:
        """Read one element's header within `data[offset:end]`: its tag, where its content starts and where it ends."""
        if offset + 2 > end:
            raise self.malformed(f"{what} is cut off")
        tag, length = data[offset], data[offset + 1]
        start = offset + 2
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4 or start + count > end:
                raise self.malformed(f"{what} has a length that is not definite")
            length = int.from_bytes(data[start : start + count], "big")
            start += count
        if start + length > end:
            raise self.malformed(f"{what} ends at byte {start + length} of {end}")
        return tag, start, start + length

    def expect(self, data: bytes, offset: int, end: int, tag: int, what: str) -> tuple[int, int]:
        """Read the header of an element that must have `tag`: where its content starts and ends."""
        found, start, stop = self.read(data, offset, end, what)
        if found != tag:
            raise self.malformed(f"{what} has tag {found:#04x} and not {tag:#04x}")
        return start, stop

    def whole(self, data: bytes, offset: int, end: int, tag: int, what: str) -> tuple[int, int]:
        """As `expect`, where nothing may follow the element."""
        start, stop = self.expect(data, offset, end, tag, what)
        if stop != end:
            raise self.malformed(f"{end - stop} bytes follow {what}")
        return start, stop
