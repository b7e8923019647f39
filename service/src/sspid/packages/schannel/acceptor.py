"""AcceptSecurityContext: the TLS server's first leg and the ones after it (``functions.md`` 3.3); no application data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sspid.packages.contract import Leg, Step
from sspid.packages.schannel import datagrams, handshake
from sspid.packages.schannel.alpn import wanted_protocols
from sspid.packages.schannel.flags import granted, refuse_impossible
from sspid.packages.schannel.framing import whole_records
from sspid.packages.schannel.openssl import Connection
from sspid.packages.schannel.states import Handshaking
from sspid.vocabulary.buffers import token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.schannel.credentials import SchannelCredential
    from sspid.packages.schannel.openssl import Context

_MUTUAL_AUTH: Final = ContextFlag.MUTUAL_AUTH
"""Looked up once: an enumeration is slow to ask."""
_POST_HANDSHAKE_AUTH: Final = b"\x00\x31\x00\x00"
"""The client's empty post_handshake_auth extension. A hit elsewhere in the ClientHello only costs memory."""


def begin(leg: Leg, now: datetime | None = None) -> Step:
    """First leg: the ClientHello in. OCSP answers of the credential are stapled where they have not run out `now`."""
    context = _context(leg)
    data = leg.token
    end, wanted = whole_records(data)
    if not end:
        return handshake.incomplete(None, wanted)
    state = _listening(Connection(context), leg, data, now)
    return handshake.feed(state, leg, data if end == len(data) else data[:end], len(data) - end)


def begin_datagrams(leg: Leg, cookies: tuple[bytes, ...], now: datetime | None = None) -> Step:
    """First leg of DTLS: a ClientHello that brings one of `cookies`; one without is answered, and no context is begun."""
    context = _context(leg)
    if not leg.token:
        return handshake.incomplete(None, 1)
    connection = Connection(context)
    mtu = datagrams.wanted_mtu(leg.input)
    connection.set_mtu(mtu)
    if not connection.listen(leg.token, cookies):
        return _verify_request(connection, leg)
    return handshake.feed(_listening(connection, leg, leg.token, now, mtu), leg, b"", 0)


def _context(leg: Leg) -> Context:
    refuse_impossible(leg.flags)
    credential: SchannelCredential = leg.credential
    if credential.accepting is None:
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, "The credential is for outbound use only; acquire an inbound one.")
    datagrams.check(credential.policy, leg)
    return credential.accepting


def _listening(connection: Connection, leg: Leg, hello: bytes, now: datetime | None, mtu: int = 0) -> Handshaking:
    credential: SchannelCredential = leg.credential
    if len(leg.input) > 1 and (protocols := wanted_protocols(leg.input)):
        connection.offer(protocols)
    if now is not None:
        connection.staple(credential.stapled_at(now))
    if _MUTUAL_AUTH in leg.flags:
        connection.require_certificate(judged=not credential.policy.manual)
    later = _POST_HANDSHAKE_AUTH in hello
    return Handshaking(connection, credential, True, leg.flags, "", leg.caller, mtu=mtu, post_handshake_auth=later)


def _verify_request(connection: Connection, leg: Leg) -> Step:
    """Ask the client to say its ClientHello again with a cookie (RFC 6347 4.2.1)."""
    output = connection.output()
    if not output:
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            "The datagram is no DTLS ClientHello, nor the first piece of one; drop it and wait for the next.",
        )
    return Step(
        SecurityStatus.SEC_I_CONTINUE_NEEDED,
        None,
        output=(token(output),),
        granted=granted(leg.flags, last=False, datagram=True),
    )


def proceed(state: Handshaking, leg: Leg) -> Step:
    """A leg with the client's records."""
    if state.control is not None:
        return handshake.closing(state, state.control)
    return handshake.proceed(state, leg)
