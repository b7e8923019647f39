"""TLS record framing: how many whole records an input holds and how much is missing; opens and checks none of them."""

from __future__ import annotations

from typing import Final

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

HEADER: Final = 5
MAX_FRAGMENT: Final = 16384
MAX_RECORD: Final = HEADER + MAX_FRAGMENT + 2048
"""A TLS 1.2 record may grow by 2048 bytes (RFC 5246 6.2.3), a TLS 1.3 record by 256 (RFC 8446 5.2)."""

_MOST_RECORDS: Final = 512
"""Of one leg; what follows is SECBUFFER_EXTRA. A flight of the largest certificate chain takes a tenth of it."""

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23

_TYPES: Final = (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA)


def record_length(data: bytes, start: int = 0) -> int:
    """Length of the record that begins at `start`, header included; 0 where its header is not whole yet.

    Raises SEC_E_INVALID_TOKEN for bytes that begin no TLS record, so that nobody waits for the rest of them.
    """
    have = len(data) - start
    if (have and data[start] not in _TYPES) or (have > 1 and data[start + 1] != 3):
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            f"The input holds no TLS record at byte {start}; check that the peer speaks TLS on this port.",
        )
    if have < HEADER:
        return 0
    length = HEADER + (data[start + 3] << 8 | data[start + 4])
    if length > MAX_RECORD:
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            f"The TLS record at byte {start} announces {length} bytes, more than TLS allows.",
        )
    return length


def whole_records(data: bytes) -> tuple[int, int]:
    """How many bytes at the start of `data` are whole records, and how many more bytes the next record wants (at least 1)."""
    end, have = 0, len(data)
    for _ in range(_MOST_RECORDS):
        if end == have:
            break
        length = record_length(data, end)
        if not length:
            return end, HEADER - (have - end)
        if end + length > have:
            return end, end + length - have
        end += length
    return end, HEADER


def count_records(data: bytes) -> int:
    """How many records our own output holds."""
    count = at = 0
    while at + HEADER <= len(data):
        at += HEADER + (data[at + 3] << 8 | data[at + 4])
        count += 1
    return count


def last_record(data: bytes) -> bytes:
    """The last of our own records; empty for none."""
    at = start = 0
    while at + HEADER <= len(data):
        start = at
        at += HEADER + (data[at + 3] << 8 | data[at + 4])
    return data[start:at]
