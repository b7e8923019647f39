"""MD4, RC4 and DES against their published vectors, and what this project adds to RC4."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.crypto.decrepit.des import des_block, spread
from sspid.crypto.decrepit.md4 import md4, md4_in_python
from sspid.crypto.decrepit.rc4 import Rc4Stream, rc4, xor

pytestmark = pytest.mark.ntlm
VECTORS = json.loads((Path(__file__).parents[3] / "vectors/ntlm/decrepit.json").read_text("utf-8"))


@pytest.mark.parametrize(("text", "digest"), VECTORS["md4"])
def test_md4(text, digest):
    assert md4(text.encode()).hex() == digest
    assert md4_in_python(text.encode()).hex() == digest


@given(st.binary(max_size=300))
def test_md4_in_python_is_openssls(data):
    assert md4_in_python(data) == md4(data)


@pytest.mark.parametrize(("key", "offset", "stream"), VECTORS["rc4"])
def test_rc4(key, offset, stream):
    expected = bytes.fromhex(stream)
    assert rc4(bytes.fromhex(key), bytes(offset + len(expected)))[offset:] == expected
    assert Rc4Stream(bytes.fromhex(key), offset).update(bytes(len(expected))) == expected


@pytest.mark.parametrize(("key", "block", "result"), VECTORS["des"])
def test_des(key, block, result):
    assert des_block(bytes.fromhex(key), bytes.fromhex(block)).hex() == result


def test_spread_puts_seven_bits_in_each_byte():
    assert spread(bytes([0xFF] * 7)) == bytes([0xFE] * 8)
    assert spread(bytes([0x80, 0, 0, 0, 0, 0, 1])) == bytes([0x80, 0, 0, 0, 0, 0, 0, 2])


@given(st.binary(min_size=16, max_size=16), st.lists(st.tuples(st.binary(max_size=40), st.booleans()), max_size=8))
def test_what_is_unread_comes_again(key, pieces):
    stream = Rc4Stream(key)
    kept = b""
    for piece, give_back in pieces:
        result = stream.update(piece)
        if give_back:
            stream.unread(xor(piece, result))
        else:
            kept += piece
            assert result == rc4(key, kept)[len(kept) - len(piece) :]
        assert stream.position == len(kept)


def test_a_stream_shows_no_key():
    assert "6b6b" not in repr(Rc4Stream(b"kkkkkkkkkkkkkkkk"))
    assert "kkkk" not in repr(Rc4Stream(b"kkkkkkkkkkkkkkkk"))
