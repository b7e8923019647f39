"""Cookies of DTLS' HelloVerifyRequest (RFC 6347 4.2.1): who sends one back hears at its address; nobody is remembered."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from sspid.packages.questions import ReadClock, SealingKey
from sspid.vocabulary.buffers import BufferType, find

if TYPE_CHECKING:
    from sspid.packages.contract import Leg

LIFETIME = 60
"""Seconds for which a cookie is given out; the one before it is still taken."""
_HELLO = slice(25, 59)
"""Version and random of a ClientHello in its datagram, which the client says twice alike (RFC 6347 4.2.1)."""


async def cookies_for(leg: Leg) -> tuple[bytes, bytes]:
    """The cookie for this leg's ClientHello, and the one before it.

    They are bound to the peer's address where the caller hands it over as Windows wants it: the second input buffer, EXTRA,
    with a SOCKADDR. Any bytes do that stand for one peer alone.
    """
    key = await SealingKey("DTLS cookies")
    period = int((await ReadClock()).timestamp()) // LIFETIME
    address = find(leg.input, BufferType.EXTRA)
    peer = b"" if address is None else address.data
    bound = len(peer).to_bytes(4, "big") + peer + leg.token[_HELLO]
    now, before = (hmac.digest(key, each.to_bytes(8, "big") + bound, "sha256") for each in (period, period - 1))
    return now, before
