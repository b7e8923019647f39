import datetime as dt
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, find, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import tls

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

VERSIONS = ("TLSv1.2", "TLSv1.3")
both = pytest.mark.parametrize("version", VERSIONS)
CONTINUE, OK = "SEC_I_CONTINUE_NEEDED", "SEC_E_OK"


def pair(version, **changes):
    return tls.client(protocols=(version,), **changes), tls.server(protocols=(version,))


def refused(initiator, acceptor):
    with pytest.raises(SspiError) as caught:
        tls.shake(initiator, acceptor)
    return caught.value


def test_tls12_takes_three_client_legs_and_two_server_legs():
    client, server = pair("TLSv1.2")
    tls.shake(client, server)
    assert client.statuses == [CONTINUE, CONTINUE, OK]
    assert server.statuses == [CONTINUE, OK]
    assert token_in(server.steps[-1].output)
    assert find(client.steps[-1].output, BufferType.TOKEN).data == b""


def test_tls13_takes_two_client_legs_and_two_server_legs():
    client, server = pair("TLSv1.3")
    tls.shake(client, server)
    assert client.statuses == [CONTINUE, OK]
    assert server.statuses == [CONTINUE, OK]
    assert token_in(client.steps[-1].output)


def test_a_hello_retry_costs_one_more_round():
    client = tls.client(protocols=("TLSv1.3",), groups="X25519:P-384")
    server = tls.server(protocols=("TLSv1.3",), groups="P-384")
    tls.shake(client, server)
    assert client.statuses == [CONTINUE, CONTINUE, OK]
    assert server.statuses == [CONTINUE, CONTINUE, OK]


@both
def test_security_flags_are_granted_at_the_last_leg_only(version):
    client, server = pair(version)
    tls.shake(client, server)
    assert ContextFlag.CONFIDENTIALITY not in client.steps[0].granted
    assert ContextFlag.EXTENDED_ERROR in client.steps[0].granted
    assert client.steps[-1].granted >= tls.REQUESTED
    assert ContextFlag.MUTUAL_AUTH not in server.steps[-1].granted


def dribble(end, wire, chunks):
    """Hand `wire` to `end` in pieces, as a socket would; the output of the leg that answered it."""
    held, answer = b"", b""
    while wire or held:
        take = next(chunks)
        held, wire = held + wire[:take], wire[take:]
        before = end.state
        step = end.leg(held)
        answer += token_in(step.output)
        if step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE:
            assert step.state is before
            assert find(step.input, BufferType.MISSING).size >= 1
            continue
        left = tls.left_over(step)
        held = held[len(held) - left :] if left else b""
        if step.status is SecurityStatus.SEC_E_OK:
            break
    return answer


@both
@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=30))
def test_tokens_split_anywhere_end_alike(version, sizes):
    client, server = pair(version)
    chunks = cycle(sizes)
    wire = token_in(client.leg().output)
    for end in (server, client, server, client):
        if not end.steps or end.statuses[-1] != OK:
            wire = dribble(end, wire, chunks)
    assert {client.statuses[-1], server.statuses[-1]} == {OK}
    assert server.open(client.seal(b"after the split")).buffers[0].data == b"after the split"


@both
def test_one_byte_at_a_time(version):
    client, server = pair(version)
    hello = token_in(client.leg().output)
    for count in range(1, len(hello)):
        step = server.leg(hello[:count])
        assert step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE
        assert step.state is None
        wanted = find(step.input, BufferType.MISSING).size
        assert wanted == (5 - count if count < 5 else len(hello) - count)
    assert server.leg(hello).status is SecurityStatus.SEC_I_CONTINUE_NEEDED


@both
def test_empty_input_on_a_later_leg_wants_a_header(version):
    client, _ = pair(version)
    client.leg()
    step = client.leg(b"")
    assert step.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE
    assert find(step.input, BufferType.MISSING).size == 5


def test_what_follows_the_finished_is_extra():
    client, server = pair("TLSv1.3")
    flight = token_in(server.leg(token_in(client.leg().output)).output)
    finished = token_in(client.leg(flight).output)
    early = client.seal(b"first words")
    step = server.leg(finished + early)
    assert step.status is SecurityStatus.SEC_E_OK
    assert tls.left_over(step) == len(early)
    assert server.open(early).buffers[0].data == b"first words"


def test_a_second_record_cut_short_is_extra():
    client, server = pair("TLSv1.3")
    flight = token_in(server.leg(token_in(client.leg().output)).output)
    first = 5 + int.from_bytes(flight[3:5], "big")
    step = client.leg(flight[: first + 3])
    assert step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert tls.left_over(step) == 3
    assert client.leg(flight[first:]).status is SecurityStatus.SEC_E_OK


@both
def test_messages_go_both_ways_in_any_size(version):
    client, server = pair(version)
    tls.shake(client, server)
    tls.serve_tickets(client)
    for size in (0, 1, 16384, 16385, 100_000):
        text = bytes(size)
        assert server.open(client.seal(text)).buffers[0].data == text
        assert client.open(server.seal(text)).buffers[0].data == text


@both
def test_windows_shape_carries_one_record(version):
    client, server = pair(version)
    tls.shake(client, server)
    sizes = client.query(ContextAttribute.STREAM_SIZES)
    parts = client.seal_in_place(b"in place", header=sizes.header, trailer=sizes.trailer)
    assert len(parts[BufferType.DATA].data) == len(b"in place")
    record = b"".join(parts[kind].data for kind in (BufferType.STREAM_HEADER, BufferType.DATA, BufferType.STREAM_TRAILER))
    opened = server.open_in_place(record + b"\x17\x03\x03")
    assert [one.type.name for one in opened.buffers] == ["STREAM_HEADER", "DATA", "STREAM_TRAILER", "EXTRA"]
    assert opened.buffers[1].data == b"in place"
    assert opened.buffers[3].size == 3
    assert sum(len(one.data) for one in opened.buffers[:3]) >= len(b"in place")


@both
def test_a_short_record_says_what_is_missing(version):
    client, server = pair(version)
    tls.shake(client, server)
    record = client.seal(b"short")
    for count in range(len(record)):
        answer = server.open(record[:count])
        assert answer.status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE
        assert answer.buffers[0].type is BufferType.MISSING
        assert answer.buffers[0].size == (5 - count if count < 5 else len(record) - count)
    assert server.open(record).buffers[0].data == b"short"


@both
def test_close_notify_expires_the_context(version):
    client, server = pair(version)
    tls.shake(client, server)
    last = client.seal(b"last words")
    client.control(1)
    goodbye = token_in(client.leg(b"").output)
    answer = server.open(last + goodbye)
    assert answer.status is SecurityStatus.SEC_I_CONTEXT_EXPIRED
    assert answer.buffers[0].data == b"last words"
    with pytest.raises(SspiError) as caught:
        server.open(last)
    assert caught.value.status is SecurityStatus.SEC_E_CONTEXT_EXPIRED
    with pytest.raises(SspiError) as caught:
        client.seal(b"too late")
    assert caught.value.status is SecurityStatus.SEC_E_CONTEXT_EXPIRED
    assert client.leg(b"").status is SecurityStatus.SEC_E_INCOMPLETE_MESSAGE


@both
def test_a_changed_record_is_message_altered_and_names_the_alert(version):
    client, server = pair(version)
    tls.shake(client, server)
    record = bytearray(client.seal(b"do not touch"))
    record[-1] ^= 1
    with pytest.raises(SspiError) as caught:
        server.open(bytes(record))
    assert caught.value.status is SecurityStatus.SEC_E_MESSAGE_ALTERED
    assert caught.value.detail.alert == 20
    assert token_in(caught.value.output)


@both
def test_a_wrong_name_is_wrong_principal_on_our_side_and_bad_certificate_on_theirs(version):
    client, server = pair(version, target="other.example.test")
    error = refused(client, server)
    assert error.status is SecurityStatus.SEC_E_WRONG_PRINCIPAL
    assert (error.detail.verify_error, error.detail.verify_depth) == (62, 0)
    with pytest.raises(SspiError) as caught:
        server.leg(token_in(error.output))
    assert caught.value.status is SecurityStatus.SEC_E_CERT_UNKNOWN
    assert caught.value.detail.alert == 42 == error.detail.alert


@both
def test_an_unknown_authority_is_untrusted_root_on_both_sides(version):
    client, server = pair(version, trust_anchors_pem=tls.roots("stranger"))
    error = refused(client, server)
    assert error.status is SecurityStatus.SEC_E_UNTRUSTED_ROOT
    assert error.detail.verify_error == 20
    with pytest.raises(SspiError) as caught:
        server.leg(token_in(error.output))
    assert caught.value.status is SecurityStatus.SEC_E_UNTRUSTED_ROOT
    assert caught.value.detail.alert == 48 == error.detail.alert
    assert not caught.value.detail.alert_sent


@both
def test_an_expired_certificate_is_cert_expired_on_both_sides(version):
    ended = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    leaf = tls.authority().issue_cert(tls.HOST, not_before=ended - dt.timedelta(days=9), not_after=ended)
    client = tls.client(protocols=(version,))
    server = tls.server(None, tls.certificate(leaf), protocols=(version,))
    error = refused(client, server)
    assert error.status is SecurityStatus.SEC_E_CERT_EXPIRED
    assert (error.detail.verify_error, error.detail.verify_depth) == (10, 0)
    with pytest.raises(SspiError) as caught:
        server.leg(token_in(error.output))
    assert caught.value.status is SecurityStatus.SEC_E_CERT_EXPIRED


@both
def test_without_extended_error_no_alert_is_handed_out(version):
    client, server = pair(version, target="other.example.test", flags=tls.PLAIN)
    error = refused(client, server)
    assert token_in(error.output) == b""
    assert not error.detail.alert_sent
    assert find(error.output, BufferType.ALERT).data == bytes((2, 42))


@both
def test_manual_validation_goes_on_and_grants_no_mutual_auth(version):
    flags = tls.REQUESTED | {ContextFlag.MANUAL_CRED_VALIDATION}
    client, server = pair(version, target="other.example.test", flags=flags)
    tls.shake(client, server)
    assert ContextFlag.MUTUAL_AUTH not in client.steps[-1].granted
    assert ContextFlag.MANUAL_CRED_VALIDATION in client.steps[-1].granted
    assert client.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == server.query(ContextAttribute.LOCAL_CERT_CONTEXT).der


@both
def test_no_name_to_check_is_target_unknown(version):
    client, server = pair(version, target="")
    assert refused(client, server).status is SecurityStatus.SEC_E_TARGET_UNKNOWN
    free, server = pair(version, target="", flags=frozenset({ContextFlag.MANUAL_CRED_VALIDATION}))
    tls.shake(free, server)


@both
def test_an_address_is_checked_as_an_address(version):
    server = tls.server(None, tls.issued("127.0.0.1"), protocols=(version,))
    tls.shake(tls.client(protocols=(version,), target="127.0.0.1"), server)
    again = tls.server(None, tls.issued("127.0.0.1"), protocols=(version,))
    error = refused(tls.client(protocols=(version,), target="127.0.0.2"), again)
    assert (error.status, error.detail.verify_error) == (SecurityStatus.SEC_E_WRONG_PRINCIPAL, 64)


@both
def test_the_common_application_protocol_is_chosen_by_the_server(version):
    client = tls.client(protocols=(version,), buffers=tls.alpn(b"http/1.1", b"h2"))
    server = tls.server(protocols=(version,), buffers=tls.alpn(b"h2", b"http/1.1"))
    tls.shake(client, server)
    for end in (client, server):
        found = end.query(ContextAttribute.APPLICATION_PROTOCOL)
        assert (found.status, found.extension, found.protocol_id) == (1, 2, b"h2")


@both
def test_no_common_application_protocol_is_a_mismatch_on_both_sides(version):
    client = tls.client(protocols=(version,), buffers=tls.alpn(b"imap"))
    server = tls.server(protocols=(version,), buffers=tls.alpn(b"h2"), flags=tls.REQUESTED - {ContextFlag.MUTUAL_AUTH})
    error = refused(client, server)
    assert error.status is SecurityStatus.SEC_E_APPLICATION_PROTOCOL_MISMATCH
    with pytest.raises(SspiError) as caught:
        client.leg(token_in(error.output))
    assert caught.value.status is SecurityStatus.SEC_E_APPLICATION_PROTOCOL_MISMATCH
    assert caught.value.detail.alert == 120


@both
def test_a_client_that_offers_no_protocol_is_served(version):
    server = tls.server(protocols=(version,), buffers=tls.alpn(b"h2"))
    client = tls.client(protocols=(version,))
    tls.shake(client, server)
    assert client.query(ContextAttribute.APPLICATION_PROTOCOL).status == 0


@both
def test_client_certificates_prove_the_client(version):
    mine = tls.issued("alice@example.test")
    client = tls.client(None, mine, protocols=(version,))
    server = tls.server(protocols=(version,), flags=tls.REQUESTED)
    tls.shake(client, server)
    assert ContextFlag.MUTUAL_AUTH in server.steps[-1].granted
    assert ContextFlag.MUTUAL_AUTH not in server.steps[0].granted
    assert server.query(ContextAttribute.REMOTE_CERT_CONTEXT).der == client.query(ContextAttribute.LOCAL_CERT_CONTEXT).der
    assert server.steps[-1].expiry == client.credential.expiry


def test_versions_that_do_not_meet_are_an_algorithm_mismatch():
    client, server = tls.client(protocols=("TLSv1.3",)), tls.server(protocols=("TLSv1.2",))
    error = refused(client, server)
    assert error.status is SecurityStatus.SEC_E_ALGORITHM_MISMATCH
    with pytest.raises(SspiError) as caught:
        client.leg(token_in(error.output))
    assert caught.value.detail.alert == 70


@pytest.mark.parametrize("flag", [ContextFlag.DELEGATE, ContextFlag.PROMPT_FOR_CREDS, ContextFlag.MESSAGES])
def test_flags_schannel_cannot_honour_are_unsupported(flag):
    client = tls.client(flags=frozenset({flag}))
    with pytest.raises(SspiError) as caught:
        client.leg()
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.0\r\n\r\n", b"\x16\x02\x00", b"\x80\x2e\x01", b"\x16\x03\x01\xff\xff"])
def test_bytes_that_are_no_tls_are_an_invalid_token(garbage):
    with pytest.raises(SspiError) as caught:
        tls.server().leg(garbage)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_a_client_takes_no_token_on_its_first_leg():
    with pytest.raises(SspiError) as caught:
        tls.client().leg(b"\x16\x03\x01\x00\x01\x00")
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


@both
def test_both_ends_agree_on_their_bindings(version):
    client, server = pair(version)
    tls.shake(client, server)
    kinds = [ContextAttribute.ENDPOINT_BINDINGS] + ([ContextAttribute.UNIQUE_BINDINGS] if version == "TLSv1.2" else [])
    for kind in kinds:
        assert client.query(kind) == server.query(kind)


@both
def test_attributes_wait_for_the_end_of_the_handshake(version):
    client, _ = pair(version)
    client.leg()
    with pytest.raises(SspiError) as caught:
        client.query(ContextAttribute.CIPHER_INFO)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_HANDLE
    with pytest.raises(SspiError) as caught:
        client.query(ContextAttribute.NEGOTIATION_INFO)
    assert caught.value.status is SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION
