"""MakeSignature and VerifySignature of HTTP Digest: how later requests on one context, and their answers, are authenticated.

An initiator makes the Authorization of its next request and checks the Authentication-Info of the answer; an acceptor
checks the one and makes the other. Buffers (digest.md 5): TOKEN, PKG_PARAMS method, PKG_PARAMS URI, PKG_PARAMS H(entity),
PADDING; what is made goes into PADDING, what is checked comes in TOKEN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from sspid.packages.contract import Protected
from sspid.packages.digest import http_response, http_session, inputs
from sspid.packages.digest.http_accepted import HttpAcceptor, authentication_info, take
from sspid.packages.digest.http_initiator import LAST_COUNT, HttpInitiator, take_info
from sspid.packages.digest.http_session import Request
from sspid.packages.digest.refusals import altered, malformed, too_small
from sspid.vocabulary.buffers import Buffers, BufferType, find, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import Message


async def make(state: HttpInitiator | HttpAcceptor, message: Message) -> Protected:
    """Make the next Authorization, or the Authentication-Info for the latest request taken."""
    buffers = message.buffers
    if find(buffers, BufferType.PADDING) is None:
        raise malformed("HTTP Digest's MakeSignature needs a PADDING buffer to put the header's value into.")
    if isinstance(state, HttpAcceptor):
        text = await authentication_info(state, inputs.parameters(buffers, 3)[2])
        return Protected(_filled(buffers, text))
    request = _request(state, buffers)
    if state.count >= LAST_COUNT:
        message_text = "All nonce counts of this nonce are used; begin a new context with a new challenge."
        raise SspiError(SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, message_text)
    filled = _filled(buffers, state.session.authorization(request, state.count + 1))
    state.count += 1
    state.last = state.session.asked(request, state.count)
    return Protected(filled)


def _request(state: HttpInitiator, buffers: Buffers) -> Request:
    method, uri, entity = inputs.parameters(buffers, 3)
    covered = inputs.entity_hash(entity, state.session.challenge.algorithm) if state.session.qop == "auth-int" else ""
    return Request(inputs.method(method), inputs.uri(uri), covered)


def _filled(buffers: Buffers, text: bytes) -> Buffers:
    room = inputs.room(buffers, BufferType.PADDING)
    if 0 < room < len(text):
        raise too_small(f"The PADDING buffer has room for {room} bytes and the header's value takes {len(text)}.")
    return tuple(
        structs.replace(buffer, data=text, size=0) if buffer.type is BufferType.PADDING else buffer for buffer in buffers
    )


async def verify(state: HttpInitiator | HttpAcceptor, message: Message) -> Protected:
    """Check the next Authorization, or the Authentication-Info that answers the latest one made."""
    buffers = message.buffers
    method, uri, entity = inputs.parameters(buffers, 3)
    received = token_in(buffers)
    if not received:
        raise malformed("HTTP Digest's VerifySignature needs the header's value in a TOKEN buffer.")
    if isinstance(state, HttpInitiator):
        take_info(state, http_session.read_info(received), entity)
        return Protected(buffers)
    response = http_response.read(received)
    if uri and uri != response.asked.uri:
        raise altered("The response is for another URI than the request's; the request was changed on the way.")
    await take(state, response, inputs.method(method), entity, strict=True)
    return Protected(buffers)
