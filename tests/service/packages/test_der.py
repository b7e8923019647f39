"""DER elements: what is written is read again, and what is cut, too long or of another tag is malformed in so many words."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.der.decoder import decode

from sspid.packages.der import OCTET_STRING, SEQUENCE, Reader, tlv
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

READER = Reader("letter")


@given(content=st.one_of(st.binary(max_size=300), st.integers(60_000, 70_000).map(bytes)))
def test_what_is_written_is_read_here_and_elsewhere(content: bytes) -> None:
    written = tlv(OCTET_STRING, content)
    start, end = READER.whole(written, 0, len(written), OCTET_STRING, "it")
    assert written[start:end] == content
    assert decode(written)[0].asOctets() == content


def test_lengths_longer_than_they_need_be_are_forgiven() -> None:
    assert READER.read(b"\x04\x84\x00\x00\x00\x01x", 0, 7, "it") == (OCTET_STRING, 6, 7)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is cut off"),
        (b"\x04", "it is cut off"),
        (b"\x04\x80", "it has a length that is not definite"),
        (b"\x04\x85\x00\x00\x00\x00\x01x", "it has a length that is not definite"),
        (b"\x04\x82\x01", "it has a length that is not definite"),
        (b"\x04\x02x", "it ends at byte 4 of 3"),
        (b"\x30\x01x", "it has tag 0x30 and not 0x04"),
        (b"\x04\x01xy", "1 bytes follow it"),
    ],
)
def test_what_is_malformed_is_said_of_the_message(data: bytes, said: str) -> None:
    with pytest.raises(SspiError, match=f"The letter is malformed: {said}") as caught:
        READER.whole(data, 0, len(data), OCTET_STRING, "it")
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_more_may_follow_what_is_expected() -> None:
    assert READER.expect(b"\x30\x01xyz", 0, 5, SEQUENCE, "it") == (2, 3)


@given(data=st.binary(max_size=40), offset=st.integers(0, 40))
def test_nothing_is_read_beyond_the_end(data: bytes, offset: int) -> None:
    with contextlib.suppress(SspiError):
        _, start, end = READER.read(data, offset, len(data), "it")
        assert offset < start <= end <= len(data)
