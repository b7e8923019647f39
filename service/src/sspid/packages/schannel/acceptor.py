"""AcceptSecurityContext: the TLS server's first leg and the ones after it (``functions.md`` 3.3); no application data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.schannel import datagrams, handshake
from sspid.packages.schannel.alpn import wanted_protocols
from sspid.packages.schannel.flags import refuse_impossible
from sspid.packages.schannel.framing import whole_records
from sspid.packages.schannel.openssl import Connection
from sspid.packages.schannel.states import Handshaking
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.contract import Leg, Step
    from sspid.packages.schannel.credentials import SchannelCredential

_POST_HANDSHAKE_AUTH = b"\x00\x31\x00\x00"
"""The client's empty post_handshake_auth extension. A hit elsewhere in the ClientHello only costs memory."""


def begin(leg: Leg, now: datetime | None = None) -> Step:
    """First leg: the ClientHello in. OCSP answers of the credential are stapled where they have not run out `now`."""
    refuse_impossible(leg.flags)
    credential: SchannelCredential = leg.credential
    if credential.accepting is None:
        raise SspiError(SecurityStatus.SEC_E_NO_CREDENTIALS, "The credential is for outbound use only; acquire an inbound one.")
    datagrams.check(credential.policy, leg)
    data = leg.token
    datagram = credential.policy.datagram
    end, wanted = (len(data), 1) if datagram else whole_records(data)
    if not end:
        return handshake.incomplete(None, wanted)
    connection = Connection(credential.accepting)
    mtu = 0
    if datagram:
        mtu = datagrams.wanted_mtu(leg.input)
        connection.set_mtu(mtu)
    protocols = wanted_protocols(leg.input)
    if protocols:
        connection.offer(protocols)
    if now is not None:
        connection.staple(credential.stapled_at(now))
    if ContextFlag.MUTUAL_AUTH in leg.flags:
        connection.require_certificate(judged=not credential.policy.manual)
    state = Handshaking(
        connection,
        credential,
        True,
        leg.flags,
        "",
        leg.caller,
        mtu=mtu,
        post_handshake_auth=_POST_HANDSHAKE_AUTH in data,
    )
    return handshake.feed(state, leg, data if end == len(data) else data[:end], len(data) - end)


def proceed(state: Handshaking, leg: Leg) -> Step:
    """A leg with the client's records."""
    if state.control is not None:
        return handshake.closing(state, state.control)
    return handshake.proceed(state, leg)
