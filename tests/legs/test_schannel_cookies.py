"""DTLS acceptors ask a ClientHello back with a cookie before they begin a context (RFC 6347 4.2.1)."""

from datetime import timedelta

import pytest

from sspid.packages import questions
from sspid.packages.schannel.cookies import LIFETIME
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import tls

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

FLAGS = frozenset({ContextFlag.DATAGRAM, ContextFlag.EXTENDED_ERROR})
HELLO_VERIFY_REQUEST = 3
COOKIE = slice(28, 60)


def ends(**client):
    return tls.client(protocols=("DTLSv1.2",), flags=FLAGS, **client), tls.server(protocols=("DTLSv1.2",), flags=FLAGS)


def at(address):
    """The peer's address as Windows takes it."""
    return (SecurityBuffer(BufferType.EXTRA, address),)


def first_hellos(client, server):
    """The ClientHello without a cookie, the answer it gets, and the ClientHello with one."""
    hello = token_in(client.leg().output)
    answer = server.leg(hello)
    return hello, answer, token_in(client.leg(token_in(answer.output)).output)


def asks_for_a_cookie(step):
    return step.status is SecurityStatus.SEC_I_CONTINUE_NEEDED and token_in(step.output)[13] == HELLO_VERIFY_REQUEST


def test_a_hello_without_a_cookie_is_answered_in_fewer_bytes_and_begins_no_context():
    client, server = ends()
    hello, answer, _ = first_hellos(client, server)
    assert asks_for_a_cookie(answer)
    assert answer.state is None
    assert not answer.established
    assert len(token_in(answer.output)) < len(hello)


def test_a_hello_with_the_cookie_begins_the_context():
    client, server = ends()
    *_, hello = first_hellos(client, server)
    step = server.leg(hello)
    assert step.state is not None
    assert token_in(step.output)[13] == 2  # ServerHello
    tls_shake_on(client, server, step)
    assert server.open(client.seal(b"datagram")).buffers[0].data == b"datagram"


def tls_shake_on(client, server, step):
    """Pass whole flights on until both ends are done."""
    for turn in range(6):
        if not token_in(step.output):
            return
        step = (client, server)[turn % 2].leg(token_in(step.output))
    assert client.statuses[-1] == server.statuses[-1] == "SEC_E_OK"


@pytest.mark.parametrize(("later", "taken"), [(0, True), (LIFETIME, True), (2 * LIFETIME, False), (-LIFETIME, False)])
def test_a_cookie_is_taken_for_a_minute_or_two(later, taken):
    client, server = ends()
    *_, hello = first_hellos(client, server)
    server.world.now += timedelta(seconds=later)
    assert asks_for_a_cookie(server.leg(hello)) is not taken


@pytest.mark.parametrize(("before", "after"), [(b"here", b"there"), (b"here", b""), (b"", b"there")])
def test_a_cookie_is_taken_from_the_address_it_was_sent_to(before, after):
    client, server = ends()
    server.buffers = at(before) if before else ()
    *_, hello = first_hellos(client, server)
    server.buffers = at(after) if after else ()
    assert asks_for_a_cookie(server.leg(hello))
    server.buffers = at(before) if before else ()
    assert not asks_for_a_cookie(server.leg(hello))


def test_a_cookie_belongs_to_one_hello():
    client, server = ends()
    *_, hello = first_hellos(client, server)
    other = bytearray(hello)
    other[30] ^= 1  # in the random
    assert asks_for_a_cookie(server.leg(bytes(other)))


def test_a_cookie_is_nothing_anybody_can_make_up():
    client, server = ends()
    _, answer, hello = first_hellos(client, server)
    cookie = token_in(answer.output)[COOKIE]
    assert hello.count(cookie) == 1
    assert asks_for_a_cookie(server.leg(hello.replace(cookie, bytes(32))))
    assert asks_for_a_cookie(server.leg(hello.replace(cookie, cookie[::-1])))


def test_any_worker_of_the_service_takes_the_cookie_and_no_other_service():
    client, server = ends()
    *_, hello = first_hellos(client, server)
    _, colleague = ends()
    assert not asks_for_a_cookie(colleague.leg(hello))
    _, stranger = ends()
    stranger.world.answers[questions.SealingKey] = lambda _: b"another service's own sealing key"[:32]
    assert asks_for_a_cookie(stranger.leg(hello))


def test_a_client_hello_in_pieces_is_answered_for_its_first():
    mtu = SecurityBuffer(BufferType.DTLS_MTU, (256).to_bytes(2, "little"))
    client, server = ends(buffers=(mtu, *tls.alpn(*(bytes((at,)) * 50 for at in range(97, 102)))))
    pieces = flight(client, client.leg())
    assert len(pieces) > 1
    answer = server.leg(pieces[0])
    assert asks_for_a_cookie(answer)
    with pytest.raises(SspiError) as caught:
        server.leg(pieces[1])
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
    for piece in flight(client, client.leg(token_in(answer.output))):
        step = server.leg(piece)
    assert token_in(step.output)[13] == 2  # ServerHello


def flight(end, step):
    """The datagrams of a leg and of the fragments after it."""
    sent = [token_in(step.output)]
    while step.status is SecurityStatus.SEC_I_MESSAGE_FRAGMENT:
        step = end.leg(b"")
        sent.append(token_in(step.output))
    return sent


@pytest.mark.parametrize("datagram", [b"no DTLS at all", b"\x17\xfe\xfd" + bytes(60), bytes(2000)])
def test_what_is_no_hello_is_an_invalid_token(datagram):
    _, server = ends()
    with pytest.raises(SspiError) as caught:
        server.leg(datagram)
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
