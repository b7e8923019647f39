"""Windows' channel-binding extension of HTTP Digest, both ends in memory."""

from __future__ import annotations

import pytest

from sspid.vocabulary.attributes import ContextAttribute
from sspid.vocabulary.buffers import BufferType, SecurityBuffer
from sspid.vocabulary.channel_bindings import pack
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing.digest import HTTP, digest, parameter, unquoted

pytestmark = [pytest.mark.digest, pytest.mark.legs]
GET = parameter("GET")
HOST = SecurityBuffer(BufferType.TARGET_HOST, b"HTTP/server.domain.test")
OURS = SecurityBuffer(BufferType.CHANNEL_BINDINGS, pack(b"tls-server-end-point:" + bytes(32)))
THEIRS = SecurityBuffer(BufferType.CHANNEL_BINDINGS, pack(b"tls-server-end-point:" + bytes(31) + b"x"))
MISSING_ALLOWED = HTTP | {ContextFlag.ALLOW_MISSING_BINDINGS}
PROXIED = HTTP | {ContextFlag.PROXY_BINDINGS}


def judged(client=(), server=(OURS,), flags=HTTP, change=lambda header: header):
    """What the acceptor makes of a client's response."""
    side = digest()
    acceptor = side.acceptor()
    challenge = side.accept(None, acceptor, b"", *server, flags=flags)
    responded = side.initialize(None, side.initiator(), challenge.output[0].data, GET, *client, target="/")
    header = change(responded.output[0].data)
    accepted = side.accept(challenge.state, acceptor, header, GET, *server, flags=flags)
    return side, responded.state, accepted


def refused(**settings):
    with pytest.raises(SspiError) as caught:
        judged(**settings)
    return caught.value.status


def test_matching_bindings_are_taken_and_name_the_service():
    side, initiator, accepted = judged(client=(HOST, OURS))
    assert accepted.status is SecurityStatus.SEC_E_OK
    attribute = ContextAttribute.CLIENT_SPECIFIED_TARGET
    target = side.world.run(side.package.query_context_attributes(accepted.state, attribute))
    assert target.name == "HTTP/server.domain.test"
    later = side.sign(initiator, "GET", "/later")
    assert unquoted(later, "cnonce").startswith("+Upgraded+v1")
    side.verify(accepted.state, later, "GET", "/later")


def test_bindings_of_another_channel_are_bad():
    assert refused(client=(HOST, THEIRS)) is SecurityStatus.SEC_E_BAD_BINDINGS


def test_client_without_a_channel_is_bad():
    assert refused(client=(HOST,)) is SecurityStatus.SEC_E_BAD_BINDINGS


def test_client_that_says_nothing_is_bad_unless_allowed():
    assert refused() is SecurityStatus.SEC_E_BAD_BINDINGS
    assert judged(flags=MISSING_ALLOWED)[2].status is SecurityStatus.SEC_E_OK
    assert refused(client=(HOST, THEIRS), flags=MISSING_ALLOWED) is SecurityStatus.SEC_E_BAD_BINDINGS


def test_proxied_server_needs_some_binding_and_compares_none():
    assert judged(client=(HOST, THEIRS), server=(), flags=PROXIED)[2].status is SecurityStatus.SEC_E_OK
    assert refused(client=(HOST,), server=(), flags=PROXIED) is SecurityStatus.SEC_E_BAD_BINDINGS
    assert refused(server=(), flags=PROXIED) is SecurityStatus.SEC_E_BAD_BINDINGS


def test_both_policies_at_once_are_refused():
    assert refused(flags=MISSING_ALLOWED | PROXIED) is SecurityStatus.SEC_E_SECURITY_QOS_FAILED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"service-name=", b"other="),
        (b'service-name="HTTP/', b'service-name="CIFS/'),
        (b"hashed-dirs=", b"other="),
        (b'hashed-dirs="service-name,', b'hashed-dirs="'),
        (b"channel-binding=", b"other="),
    ],
)
def test_changed_directives_are_bad(old, new):
    def change(header):
        assert old in header
        return header.replace(old, new)

    assert refused(client=(HOST, OURS), change=change) is SecurityStatus.SEC_E_BAD_BINDINGS


def test_wrong_password_is_denied_before_bindings_are_looked_at():
    def change(header):
        return header.replace(unquoted(header, "response").encode(), b"0" * 64)

    assert refused(client=(HOST, THEIRS), change=change) is SecurityStatus.SEC_E_LOGON_DENIED


def test_server_that_says_nothing_about_bindings_ignores_them():
    _, initiator, accepted = judged(client=(HOST, OURS), server=())
    assert accepted.status is SecurityStatus.SEC_E_OK
    assert initiator.session.outer is None


def test_stripped_prefix_makes_the_nonce_worthless():
    """Someone between who hides the server's ability from the client gains nothing: the prefix is sealed."""
    side = digest()
    acceptor = side.acceptor()
    challenge = side.accept(None, acceptor, b"", OURS)
    stripped = challenge.output[0].data.replace(b"+Upgraded+v1", b"")
    header = side.initialize(None, side.initiator(), stripped, GET, HOST, OURS, target="/").output[0].data
    again = side.accept(challenge.state, acceptor, header, GET, OURS)
    assert again.status is SecurityStatus.SEC_I_CONTINUE_NEEDED
    assert not again.established


@pytest.mark.parametrize("data", [b"\xff", b"HTTP/a b", b'HTTP/"'])
def test_service_name_that_no_header_can_carry_is_refused(data):
    side = digest()
    challenge = side.accept(None, side.acceptor(), b"", OURS).output[0].data
    host = SecurityBuffer(BufferType.TARGET_HOST, data)
    with pytest.raises(SspiError) as caught:
        side.initialize(None, side.initiator(), challenge, GET, host, OURS, target="/")
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
