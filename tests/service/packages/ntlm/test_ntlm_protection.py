"""Buffers of the message functions: which are sealed, which are signed, which are left alone, and which sets are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspid.packages.contract import Message
from sspid.packages.ntlm import crypto, packing, protection
from sspid.packages.ntlm import negotiate_flags as nf
from sspid.packages.ntlm.established import CLIENT, SERVER, Established
from sspid.vocabulary.attributes import Identity
from sspid.vocabulary.buffers import BufferAccess, BufferType, SecurityBuffer, find
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus

pytestmark = pytest.mark.ntlm
FLAGS = nf.EXTENDED_SESSION_SECURITY | nf.KEY_128 | nf.KEY_EXCH | nf.SIGN | nf.SEAL
TOKEN = SecurityBuffer(BufferType.TOKEN)
READ_WRITE, READONLY, SIGNED = BufferAccess


def data(content, access=READ_WRITE):
    return SecurityBuffer(BufferType.DATA, content, access=access)


def pair(flags=FLAGS):
    return tuple(Established(role, flags, NO_FLAGS, b"k" * 16, Identity("u", "D")) for role in (CLIENT, SERVER))


def refused(function, state, *buffers, qop=0):
    with pytest.raises(SspiError) as caught:
        function(state, Message(buffers, qop))
    return caught.value.status


buffer_lists = st.lists(st.builds(data, st.binary(max_size=30), st.sampled_from(BufferAccess)), min_size=1, max_size=6)


@given(buffer_lists, st.integers(0, 6), st.sampled_from([FLAGS, FLAGS & ~nf.KEY_EXCH, nf.SIGN | nf.SEAL | nf.KEY_128]))
def test_any_mixture_of_buffers_comes_back(buffers, place, flags):
    client, server = pair(flags)
    given_buffers = (*buffers[:place], TOKEN, *buffers[place:])
    sealed = protection.encrypt(client, Message(given_buffers)).buffers
    assert [buffer.type for buffer in sealed] == [buffer.type for buffer in given_buffers]
    for before, after in zip(given_buffers, sealed, strict=True):
        assert before.access is READ_WRITE or before == after
    opened = protection.decrypt(server, Message(sealed)).buffers
    assert [buffer.data for buffer in opened if buffer.type is BufferType.DATA] == [buffer.data for buffer in buffers]


@pytest.mark.parametrize(("access", "status"), [(SIGNED, "SEC_E_MESSAGE_ALTERED"), (READONLY, None)])
def test_signed_only_buffers_are_covered_and_readonly_ones_are_not(access, status):
    client, server = pair()
    sealed = protection.encrypt(client, Message((data(b"header", access), TOKEN, data(b"body")))).buffers
    altered = (data(b"HEADER", access), *sealed[1:])
    if status is None:
        assert protection.decrypt(server, Message(altered)).buffers[2].data == b"body"
    else:
        assert refused(protection.decrypt, server, *altered).name == status
        assert protection.decrypt(server, Message(sealed)).buffers[2].data == b"body"


@pytest.mark.parametrize("access", [READ_WRITE, SIGNED])
def test_signature_covers_all_buffers_in_order(access):
    client, server = pair()
    signed = protection.sign(client, Message((data(b"one", access), TOKEN, data(b"two")))).buffers
    assert refused(protection.verify, server, signed[2], signed[1], signed[0]) is SecurityStatus.SEC_E_MESSAGE_ALTERED
    assert protection.verify(server, Message(signed)).buffers == signed


def test_stream_holds_the_signature_and_the_data():
    client, server = pair()
    sealed = protection.encrypt(client, Message((TOKEN, data(b"whole message")))).buffers
    stream = SecurityBuffer(BufferType.STREAM, sealed[0].data + sealed[1].data)
    opened = protection.decrypt(server, Message((stream, data(b"")))).buffers
    found = find(opened, BufferType.DATA)
    assert found is not None
    assert found.data == b"whole message"


def test_padding_comes_back_empty():
    client, _ = pair()
    padding = SecurityBuffer(BufferType.PADDING, bytes(8))
    assert protection.encrypt(client, Message((TOKEN, data(b"x"), padding))).buffers[2].data == b""


def test_message_that_was_only_signed_says_so():
    client, server = pair(FLAGS & ~nf.SEAL)
    signed = protection.encrypt(client, Message((TOKEN, data(b"clear")), protection.WRAP_NO_ENCRYPT))
    assert signed.buffers[1].data == b"clear"
    assert protection.decrypt(server, Message(signed.buffers)).qop == protection.WRAP_NO_ENCRYPT


@pytest.mark.parametrize("function", [protection.encrypt, protection.decrypt, protection.sign, protection.verify])
def test_sets_of_buffers_that_lack_one(function):
    client, _ = pair()
    assert refused(function, client, TOKEN) is SecurityStatus.SEC_E_INVALID_TOKEN
    assert refused(function, client, data(b"x")) is SecurityStatus.SEC_E_INVALID_TOKEN
    assert refused(function, client) is SecurityStatus.SEC_E_INVALID_TOKEN


def test_stream_shorter_than_a_signature():
    _, server = pair()
    stream = SecurityBuffer(BufferType.STREAM, bytes(15))
    assert refused(protection.decrypt, server, stream, data(b"")) is SecurityStatus.SEC_E_INVALID_TOKEN


@given(st.binary(max_size=200))
def test_importing_anything_else_is_an_invalid_token(packed):
    for content in (packed, packing._MAGIC + packed):
        with pytest.raises(SspiError) as caught:
            packing.unpack(content)
        assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_export_keeps_everything():
    identity = Identity("alice", "DÖM", ("a", "b"), ("S-1-5-7",), mapped_by="account")
    state = Established(
        SERVER,
        FLAGS,
        frozenset({ContextFlag.INTEGRITY}),
        crypto.nt_hash("k"),
        identity,
        target="HTTP/x",
        target_info=b"i",
        mic=True,
    )
    again = packing.unpack(packing.pack(state))
    for name in ("role", "flags", "granted", "session_key", "identity", "target", "target_info", "mic"):
        assert getattr(again, name) == getattr(state, name)
    assert "k" * 16 not in repr(state)
