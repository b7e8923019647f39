"""Handshake input that nobody's TLS stack sends: flipped bits anywhere, and buffers that say what they may not."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sspid.packages.contract import Leg
from sspid.vocabulary.buffers import BufferType, SecurityBuffer, token, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus
from sspid_testing import tls

pytestmark = [pytest.mark.schannel, pytest.mark.legs]

VERSIONS = ("TLSv1.2", "TLSv1.3", "DTLSv1.2")
DATAGRAM = frozenset({ContextFlag.DATAGRAM, ContextFlag.EXTENDED_ERROR})


def ends(version):
    protocols = (version,)
    if version == "DTLSv1.2":
        return tls.client(protocols=protocols, flags=DATAGRAM), tls.server(protocols=protocols, flags=DATAGRAM)
    return tls.client(protocols=protocols), tls.server(protocols=protocols)


PAIRS = {version: ends(version) for version in VERSIONS}


def fresh(end):
    return tls.End(end.world, end.package, end.credential, end.server, flags=end.flags, target=end.target)


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=150, deadline=None)
@given(flight=st.integers(0, 5), at=st.integers(0, 3000), bit=st.integers(0, 7))
def test_a_flipped_bit_in_any_flight_is_an_error_or_changes_nothing(version, flight, at, bit):
    client, server = map(fresh, PAIRS[version])
    with suppress(SspiError):
        data = token_in(client.leg().output)
        for turn in range(6):
            end = (server, client)[turn % 2]
            if end.steps and end.steps[-1].status is SecurityStatus.SEC_E_OK:
                break
            data = token_in(end.leg(flipped(data, at, bit) if turn == flight else data).output)
    if [each.statuses[-1:] for each in (client, server)] == [["SEC_E_OK"]] * 2:
        # It was where nothing protects it, such as the version of a record; the keys are the same all the same.
        assert server.open(client.seal(b"the same keys")).buffers[0].data == b"the same keys"


def flipped(data, at, bit):
    changed = bytearray(data)
    if changed:
        changed[at % len(changed)] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize("is_server", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_an_empty_buffer_that_is_not_is_an_invalid_token(is_server, first):
    end = tls.server() if is_server else tls.client()
    hello = token_in(tls.client().leg().output)
    if not first:
        end.leg(hello if is_server else None)
    garbage = SecurityBuffer(BufferType.EMPTY, b"garbage")
    function = end.package.accept_security_context if is_server else end.package.initialize_security_context
    with pytest.raises(SspiError) as caught:
        end.world.run(function(end.state, Leg(end.credential, (token(hello), garbage), end.flags, end.target)))
    assert caught.value.status is SecurityStatus.SEC_E_INVALID_TOKEN
    assert "EMPTY buffer holds 7 bytes" in caught.value.message
