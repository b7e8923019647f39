import time

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import tls

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

FLAGS = frozenset({ContextFlag.DATAGRAM, ContextFlag.EXTENDED_ERROR, ContextFlag.MUTUAL_AUTH})


def pair(**changes):
    client = tls.client(protocols=("DTLSv1.2",), flags=FLAGS, **changes)
    server = tls.server(protocols=("DTLSv1.2",), flags=FLAGS - {ContextFlag.MUTUAL_AUTH})
    return client, server


def flight(end, datagrams):
    """Hand each datagram over, and collect what the end sends, leg by leg while it has fragments."""
    sent = []
    for datagram in datagrams:
        step = end.leg(datagram)
        while True:
            if token_in(step.output):
                sent.append(token_in(step.output))
            if step.status is not SecurityStatus.SEC_I_MESSAGE_FRAGMENT:
                break
            step = end.leg(b"")
    return sent


def shake(client, server):
    sent = flight(client, [None])
    for turn in range(8):
        sent = flight((server, client)[turn % 2], sent)
        if not sent:
            return


def test_datagrams_make_a_connection():
    client, server = pair()
    shake(client, server)
    assert client.statuses[-1] == server.statuses[-1] == "SEC_E_OK"
    assert ContextFlag.DATAGRAM in client.steps[-1].granted
    assert ContextFlag.STREAM not in client.steps[-1].granted
    assert client.query(ContextAttribute.CONNECTION_INFO).protocol == "DTLSv1.2"
    for one, other in ((client, server), (server, client)):
        assert other.open(one.seal(b"datagram")).buffers[0].data == b"datagram"


def test_a_small_mtu_makes_fragments_and_no_datagram_is_longer():
    mtu = (SecurityBuffer(BufferType.DTLS_MTU, (300).to_bytes(2, "little")),)
    client, server = pair()
    server.buffers = mtu
    asked = flight(server, flight(client, [None]))
    sent = flight(server, flight(client, asked))
    assert "SEC_I_MESSAGE_FRAGMENT" in server.statuses
    assert len(sent) > 1
    assert all(len(datagram) <= 300 for datagram in sent)


def test_lost_repeated_and_foreign_datagrams_change_nothing():
    client, server = pair()
    shake(client, server)
    first, second = client.seal(b"first"), client.seal(b"second")
    assert server.open(second).buffers[0].data == b"second"
    assert server.open(first).buffers[0].data == b"first"
    assert server.open(first).buffers[0].data == b""
    assert server.open(b"not DTLS at all").buffers[0].data == b""
    changed = bytearray(client.seal(b"third"))
    changed[-1] ^= 1
    assert server.open(bytes(changed)).buffers[0].data == b""
    assert server.open(client.seal(b"fourth")).buffers[0].data == b"fourth"


def test_close_notify_expires_a_datagram_context():
    client, server = pair()
    shake(client, server)
    client.control(1)
    assert server.open(token_in(client.leg(b"").output)).status is SecurityStatus.SEC_I_CONTEXT_EXPIRED


def test_a_leg_without_input_waits_for_the_peer():
    client, _ = pair()
    client.leg()
    assert client.leg(b"").status is SecurityStatus.SEC_I_CONTINUE_NEEDED


def test_a_message_longer_than_a_datagram_is_refused():
    client, server = pair()
    shake(client, server)
    most = client.query(ContextAttribute.STREAM_SIZES).maximum_message
    assert server.open(client.seal(bytes(most))).buffers[0].data == bytes(most)
    with pytest.raises(SspiError) as caught:
        client.seal(bytes(most + 1))
    assert caught.value.status is SecurityStatus.SEC_E_ENCRYPT_FAILURE


@pytest.mark.parametrize(("protocol", "flags"), [("DTLSv1.2", tls.PLAIN), ("TLSv1.3", FLAGS)])
def test_datagram_and_protocol_go_together(protocol, flags):
    with pytest.raises(SspiError) as caught:
        tls.client(protocols=(protocol,), flags=flags).leg()
    assert caught.value.status is SecurityStatus.SEC_E_ALGORITHM_MISMATCH


def test_a_wrong_name_is_wrong_principal_here_too():
    client, server = pair(target="other.example.test")
    with pytest.raises(SspiError) as caught:
        shake(client, server)
    assert caught.value.status is SecurityStatus.SEC_E_WRONG_PRINCIPAL
    assert token_in(caught.value.output)


@pytest.mark.parametrize("data", [b"", b"\1", b"\xff\x00", b"\1\2\3"])
def test_an_mtu_out_of_bounds_is_an_invalid_token(data):
    client, _ = pair(buffers=(SecurityBuffer(BufferType.DTLS_MTU, data),))
    with pytest.raises(SspiError) as caught:
        client.leg()
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN


def test_a_lost_flight_is_given_again_under_new_record_numbers():
    client, server = pair()
    first = token_in(client.leg().output)
    again = b""
    while not again:  # until OpenSSL's timer, one second, is due
        again = token_in(client.leg(b"").output)
        time.sleep(0.02)
    assert client.steps[-1].status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert (first[5:11], again[5:11]) == (bytes(6), bytes(5) + b"\1")
    assert first[13:] == again[13:]
    sent = flight(server, [again])
    for turn in range(6):
        sent = flight((client, server)[turn % 2], sent)
    assert client.statuses[-1] == server.statuses[-1] == "SEC_E_OK"
