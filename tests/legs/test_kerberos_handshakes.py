"""Whole Kerberos handshakes, both ends ours, with a real KDC: legs, flags, messages, attributes, export."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from sspid.packages.contract import Message
from sspid.packages.kerberos.protection import WRAP_NO_ENCRYPT
from sspid.vocabulary.attributes import (
    ContextAttribute,
    Identity,
    LastClientToken,
    Names,
    NativeNames,
    NegotiationInfo,
    Sizes,
    Target,
    Text,
)
from sspid.vocabulary.buffers import BufferAccess, BufferType, SecurityBuffer, token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import realm as mit
from sspid_testing.ends import shake
from sspid_testing.kerberos import DCE, FULL, MUTUAL, acceptor, initiator

pytest_plugins = ("sspid_testing.realm_fixtures",)
pytestmark = [pytest.mark.kerberos, pytest.mark.legs]

OK, CONTINUE = SecurityStatus.SEC_E_OK, SecurityStatus.SEC_I_CONTINUE_NEEDED


@pytest.fixture
def ends(realm):
    pair = initiator(), acceptor(realm)
    shake(*pair)
    return pair


def legs(end):
    return [step.status for step in end.steps]


@pytest.mark.parametrize(
    ("flags", "initiator_legs", "acceptor_legs", "tokens"),
    [
        pytest.param(NO_FLAGS, [OK], [OK], 1, id="without mutual authentication"),
        pytest.param(MUTUAL, [CONTINUE, OK], [OK], 2, id="with mutual authentication"),
        pytest.param(DCE, [CONTINUE, OK], [CONTINUE, OK], 3, id="DCE style"),
    ],
)
def test_legs(realm, flags, initiator_legs, acceptor_legs, tokens):
    client, server = initiator(flags=flags), acceptor(realm)
    sent = shake(client, server)
    assert legs(client) == initiator_legs
    assert legs(server) == acceptor_legs
    assert sum(bool(one) for one in sent) == tokens
    assert (sent[0][0] == 0x6E) is (ContextFlag.USE_DCE_STYLE in flags)


def test_flags_are_granted_as_they_were_asked_and_seen_by_the_acceptor(realm):
    client, server = initiator(flags=FULL | {ContextFlag.IDENTIFY}), acceptor(realm)
    shake(client, server)
    assert client.steps[-1].granted == FULL | {ContextFlag.IDENTIFY}
    assert server.steps[-1].granted == FULL | {ContextFlag.IDENTIFY}


def test_nothing_is_claimed_that_was_not_asked(realm):
    client, server = initiator(flags=MUTUAL), acceptor(realm)
    shake(client, server)
    assert client.steps[-1].granted == MUTUAL
    assert server.steps[-1].granted == MUTUAL


def test_the_context_ends_with_the_ticket(realm):
    client, server = initiator(), acceptor(realm)
    shake(client, server)
    assert abs(client.steps[-1].expiry - client.world.now - timedelta(hours=10)) < timedelta(minutes=5)
    assert abs(server.steps[-1].expiry - client.steps[-1].expiry) <= timedelta(seconds=1)
    server.world.now = server.steps[-1].expiry + timedelta(seconds=1)
    sealed = client.encrypt(b"too late")
    with pytest.raises(SspiError) as refused:
        server.decrypt(*sealed)
    assert refused.value.status is SecurityStatus.SEC_E_CONTEXT_EXPIRED


def test_one_acceptor_serves_several_principals(realm):
    keys = (mit.HTTP, mit.CIFS)
    server = acceptor(realm, *keys)
    for target in keys:
        client = initiator(target=target)
        each = replace(server, state=None, steps=[])
        shake(client, each)
        assert each.query(ContextAttribute.CLIENT_SPECIFIED_TARGET) == Target(target)


@pytest.mark.parametrize("length", [0, 1, 11, 16, 4096, 70000])
def test_messages_go_both_ways(ends, length):
    client, server = ends
    data = bytes(range(256)) * (length // 256 + 1)
    data = data[:length]
    for one, other in (ends, (server, client)):
        sealed, signature = one.encrypt(data)
        assert len(sealed) == length
        assert length < 16 or data not in signature + sealed
        assert other.decrypt(sealed, signature) == data
        other.verify(data, one.sign(data))


def test_a_stream_is_the_token_and_the_data(ends):
    client, server = ends
    sealed, signature = client.encrypt(b"whole")
    buffers = (SecurityBuffer(BufferType.STREAM, signature + sealed), SecurityBuffer(BufferType.DATA))
    opened = server.world.run(server.package.decrypt_message(server.state, Message(buffers)))
    assert opened.buffers[1].data == b"whole"
    assert opened.qop == 0


@pytest.mark.parametrize("flags", [FULL, DCE])
def test_sign_only_says_so(realm, flags):
    client, server = initiator(flags=flags), acceptor(realm)
    shake(client, server)
    data, signature = client.encrypt(b"in clear", WRAP_NO_ENCRYPT)
    assert data == b"in clear"
    assert len(signature) == 28
    opened = server.world.run(
        server.package.decrypt_message(server.state, Message((token(signature), SecurityBuffer(BufferType.DATA, data))))
    )
    assert opened.qop == WRAP_NO_ENCRYPT


@pytest.mark.parametrize("tamper", [False, True])
def test_dce_headers_are_signed_and_not_sealed(realm, tamper):
    client, server = initiator(flags=DCE), acceptor(realm)
    shake(client, server)
    checksum = BufferAccess.READONLY_WITH_CHECKSUM
    buffers = (
        SecurityBuffer(BufferType.DATA, b"header", access=checksum),
        SecurityBuffer(BufferType.DATA, b"the stub of a call"),
        SecurityBuffer(BufferType.DATA, b"ignored", access=BufferAccess.READONLY),
        SecurityBuffer(BufferType.DATA, b"trailer", access=checksum),
        SecurityBuffer(BufferType.TOKEN),
    )
    sealed = client.world.run(client.package.encrypt_message(client.state, Message(buffers))).buffers
    assert [buffer.data for buffer in sealed[:1] + sealed[2:4]] == [b"header", b"ignored", b"trailer"]
    assert len(sealed[4].data) == 76
    if tamper:
        sealed = (structs.replace(sealed[0], data=b"Header"), *sealed[1:])
    call = server.package.decrypt_message(server.state, Message(sealed))
    if tamper:
        with pytest.raises(SspiError) as refused:
            server.world.run(call)
        assert refused.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
    else:
        assert server.world.run(call).buffers[1].data == b"the stub of a call"


def test_altered_messages_are_refused_and_leave_the_context_as_it_was(ends):
    client, server = ends
    sealed, signature = client.encrypt(b"a message of some length")
    for data, mac in ((bytes([sealed[0] ^ 1]) + sealed[1:], signature), (sealed, signature[:-1] + bytes([signature[-1] ^ 1]))):
        with pytest.raises(SspiError) as refused:
            server.decrypt(data, mac)
        assert refused.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
    assert server.decrypt(sealed, signature) == b"a message of some length"
    mic = client.sign(b"signed")
    with pytest.raises(SspiError) as refused:
        server.verify(b"Signed", mic)
    assert refused.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
    server.verify(b"signed", mic)


def test_messages_out_of_their_order_are_refused_and_the_next_is_still_the_next(ends):
    client, server = ends
    first, second = client.encrypt(b"first"), client.encrypt(b"second")
    with pytest.raises(SspiError) as refused:
        server.decrypt(*second)
    assert refused.value.status is SecurityStatus.SEC_E_OUT_OF_SEQUENCE
    assert server.decrypt(*first) == b"first"
    with pytest.raises(SspiError) as refused:
        server.decrypt(*first)
    assert refused.value.status is SecurityStatus.SEC_E_OUT_OF_SEQUENCE
    assert server.decrypt(*second) == b"second"


def test_replay_detection_alone_allows_gaps_and_no_repetition(realm):
    flags = MUTUAL | {ContextFlag.REPLAY_DETECT, ContextFlag.CONFIDENTIALITY}
    client, server = initiator(flags=flags), acceptor(realm)
    shake(client, server)
    first, second = client.encrypt(b"first"), client.encrypt(b"second")
    assert server.decrypt(*second) == b"second"
    assert server.decrypt(*first) == b"first"
    with pytest.raises(SspiError) as refused:
        server.decrypt(*second)
    assert refused.value.status is SecurityStatus.SEC_E_OUT_OF_SEQUENCE


def test_sealing_needs_confidentiality(realm):
    client, server = initiator(flags=MUTUAL | {ContextFlag.INTEGRITY}), acceptor(realm)
    shake(client, server)
    with pytest.raises(SspiError) as refused:
        client.encrypt(b"secret")
    assert refused.value.status is SecurityStatus.SEC_E_QOP_NOT_SUPPORTED
    with pytest.raises(SspiError) as refused:
        client.encrypt(b"secret", 7)
    assert refused.value.status is SecurityStatus.SEC_E_QOP_NOT_SUPPORTED


@pytest.mark.parametrize(
    "buffers",
    [
        (),
        (token(bytes(60)),),
        (SecurityBuffer(BufferType.DATA, b"x"),),
        (token(b""), SecurityBuffer(BufferType.DATA, b"x")),
        (token(bytes(60)), SecurityBuffer(BufferType.DATA, b"x")),
        (token(b"\x05\x04\x07"), SecurityBuffer(BufferType.DATA, b"x")),
        (SecurityBuffer(BufferType.STREAM, bytes(15)), SecurityBuffer(BufferType.DATA)),
        (SecurityBuffer(BufferType.STREAM, bytes(99)),),
        (SecurityBuffer(BufferType.STREAM, b"\x60\x7f" + bytes(99)), SecurityBuffer(BufferType.DATA)),
    ],
)
def test_what_is_no_message_is_an_invalid_token(ends, buffers):
    _, server = ends
    for function in (server.package.decrypt_message, server.package.verify_signature):
        with pytest.raises(SspiError) as refused:
            server.world.run(function(server.state, Message(buffers)))
        assert refused.value.status in {SecurityStatus.SEC_E_INVALID_TOKEN, SecurityStatus.SEC_E_MESSAGE_ALTERED}


def test_attributes_of_both_ends(ends):
    for end in ends:
        assert end.query(ContextAttribute.SIZES) == Sizes(65535, 28, 1, 60)
        assert end.query(ContextAttribute.NAMES) == Names(rf"{mit.NAME}\alice")
        assert end.query(ContextAttribute.AUTHORITY) == Text(mit.NAME)
        assert end.query(ContextAttribute.TARGET) == Target(mit.HTTP)
        assert end.query(ContextAttribute.NEGOTIATION_INFO) == NegotiationInfo("Kerberos", 0)
        assert end.query(ContextAttribute.LAST_CLIENT_TOKEN_STATUS) == LastClientToken(0)
        assert end.query(ContextAttribute.FLAGS).flags == end.steps[-1].granted
        assert end.query(ContextAttribute.LIFESPAN).expiry == end.steps[-1].expiry
        assert end.query(ContextAttribute.PACKAGE_INFO).name == "Kerberos"
        info = end.query(ContextAttribute.KEY_INFO)
        assert (info.key_size, info.encrypt_algorithm, info.signature_algorithm_name) == (256, 18, "HMAC-SHA1-96")
    client, server = ends
    assert client.query(ContextAttribute.SESSION_KEY) == server.query(ContextAttribute.SESSION_KEY)
    assert len(client.query(ContextAttribute.SESSION_KEY).key) == 32
    assert server.query(ContextAttribute.NATIVE_NAMES) == NativeNames(f"alice@{mit.NAME}", f"{mit.HTTP}@{mit.NAME}")


def test_sizes_of_dce_style_and_of_signing_alone(realm):
    client, server = initiator(flags=DCE), acceptor(realm)
    shake(client, server)
    assert client.query(ContextAttribute.SIZES) == server.query(ContextAttribute.SIZES) == Sizes(65535, 28, 1, 76)
    client, server = initiator(flags=MUTUAL | {ContextFlag.INTEGRITY}), acceptor(realm)
    shake(client, server)
    assert server.query(ContextAttribute.SIZES) == Sizes(65535, 28, 1, 28)


@pytest.mark.parametrize("attribute", [ContextAttribute.STREAM_SIZES, ContextAttribute.REMOTE_CERT_CONTEXT])
def test_attributes_kerberos_has_not(ends, attribute):
    for end in ends:
        with pytest.raises(SspiError) as refused:
            end.query(attribute)
        assert refused.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


def test_only_the_acceptor_is_told_who_came_and_for_whom(ends):
    client, server = ends
    assert server.world.run(server.package.query_security_context_token(server.state)) == Identity(
        "alice", mit.NAME, mapped_by="kerberos"
    )
    for call in (
        client.package.query_security_context_token(client.state),
        client.package.query_context_attributes(client.state, ContextAttribute.CLIENT_SPECIFIED_TARGET),
    ):
        with pytest.raises(SspiError):
            client.world.run(call)


def test_half_a_handshake_has_no_attributes_and_no_messages(realm):
    client = initiator()
    client.step()
    assert client.query(ContextAttribute.LAST_CLIENT_TOKEN_STATUS) == LastClientToken(1)
    for call in (lambda: client.query(ContextAttribute.SIZES), lambda: client.encrypt(b"early"), lambda: client.sign(b"early")):
        with pytest.raises(SspiError) as refused:
            call()
        assert refused.value.status is SecurityStatus.SEC_E_INVALID_HANDLE


def test_an_established_context_has_no_further_legs(ends):
    for end in ends:
        with pytest.raises(SspiError) as refused:
            end.step(b"more")
        assert refused.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


@pytest.mark.parametrize("flags", [FULL, DCE, NO_FLAGS])
def test_an_exported_context_goes_on_where_it_stood(realm, flags):
    client, server = initiator(flags=flags), acceptor(realm)
    shake(client, server)
    server.verify(b"before", client.sign(b"before"))
    packed = server.world.run(server.package.export_security_context(server.state))
    server.verify(b"still here", client.sign(b"still here"))
    packed = server.world.run(server.package.export_security_context(server.state))
    moved = replace(server, state=server.world.run(server.package.import_security_context(packed)))
    moved.verify(b"after", client.sign(b"after"))
    client.verify(b"back", moved.sign(b"back"))
    for attribute in (ContextAttribute.NAMES, ContextAttribute.FLAGS, ContextAttribute.LIFESPAN, ContextAttribute.SESSION_KEY):
        assert moved.query(attribute) == server.query(attribute)


def test_no_secret_is_shown(ends):
    for end in ends:
        shown = repr(end.state) + repr(end.credential) + repr(end.steps)
        assert mit.PASSWORD not in shown
        assert repr(end.query(ContextAttribute.SESSION_KEY).key) not in shown
