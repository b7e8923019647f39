"""SEC_CHANNEL_BINDINGS: the hash of the GSS form, the extended structure, and what is malformed."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.vocabulary import channel_bindings
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus


def buffer(blob):
    return (SecurityBuffer(BufferType.CHANNEL_BINDINGS, blob),)


def test_hash_of_a_tls_server_end_point():
    blob = channel_bindings.pack(b"tls-server-end-point:" + hashlib.sha256(b"x").digest())
    assert channel_bindings.binding_hash(buffer(blob)).hex() == "db12a160332aa0fe8ed7f50952fd9e88"


def test_no_bindings():
    assert channel_bindings.binding_hash(()) == bytes(16)
    assert channel_bindings.binding_hash(buffer(b"")) == bytes(16)


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=80))
def test_parts_may_lie_anywhere_and_addresses_count(initiator, acceptor, data):
    header = struct.pack(
        "<8I", 2, len(initiator), 32 + len(data), 3, len(acceptor), 32 + len(data) + len(initiator), len(data), 32
    )
    blob = header + data + initiator + acceptor
    expected = struct.pack("<2I", 2, len(initiator)) + initiator + struct.pack("<2I", 3, len(acceptor)) + acceptor
    assert channel_bindings.gss_form(blob) == expected + struct.pack("<I", len(data)) + data


def test_extended_structure_hashes_alike():
    data = b"tls-unique:abc"
    extended = b"CBEX" + struct.pack("<I", 1) + struct.pack("<8I", 0, 0, 0, 0, 0, 0, len(data), 40) + data
    assert channel_bindings.gss_form(extended) == channel_bindings.gss_form(channel_bindings.pack(data))


@given(
    st.binary(min_size=1, max_size=31)
    | st.builds(lambda at: struct.pack("<8I", 0, 0, 0, 0, 0, 0, 5, at), st.integers(28, 2**32 - 1))
)
def test_malformed(blob):
    with pytest.raises(SspiError) as caught:
        channel_bindings.binding_hash(buffer(blob))
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
