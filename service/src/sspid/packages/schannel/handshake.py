"""What both roles do alike in a leg: frame the input, let OpenSSL take the records, name the outcome; no role's first leg."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509

from sspid.packages.contract import Leg, Step
from sspid.packages.schannel import datagrams
from sspid.packages.schannel.certificates import UNREADABLE
from sspid.packages.schannel.established_state import Established
from sspid.packages.schannel.facts import gather
from sspid.packages.schannel.failures import handshake_error
from sspid.packages.schannel.flags import granted
from sspid.packages.schannel.framing import count_records, whole_records
from sspid.packages.schannel.openssl import TLS1_3, Progress, TlsError
from sspid.packages.schannel.states import AwaitingCredentials, Closed, Handshaking
from sspid.vocabulary.buffers import extra, missing, token
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.schannel.states import Control
    from sspid.vocabulary.flags import Flags

_DONE: Final = Progress.DONE
_WANTS_CERTIFICATE: Final = Progress.WANTS_CERTIFICATE
_OK: Final = SecurityStatus.SEC_E_OK
_CONTINUE_NEEDED: Final = SecurityStatus.SEC_I_CONTINUE_NEEDED
"""Looked up once: an enumeration is slow to ask."""


def proceed(state: Handshaking, leg: Leg, *, first: bool = False) -> Step:
    """Take the leg's whole records. Less than one leaves everything as it was; `first`: then there is no context yet."""
    data = leg.token
    if state.mtu:
        return feed(state, leg, data, 0) if data else datagrams.go_on(state, leg)
    end, wanted = whole_records(data)
    if not end:
        return incomplete(None if first else state, wanted)
    return feed(state, leg, data if end == len(data) else data[:end], len(data) - end)


def incomplete(state: object, wanted: int) -> Step:
    """SEC_E_INCOMPLETE_MESSAGE: the caller sends the same input again with more after it."""
    return Step(SecurityStatus.SEC_E_INCOMPLETE_MESSAGE, state, input=(missing(wanted),))


def feed(state: Handshaking, leg: Leg, records: bytes, left: int) -> Step:
    """Feed whole records; `left` bytes of the input come after them."""
    connection = state.connection
    try:
        progress = connection.advance(records)
    except TlsError as failure:
        raise handshake_error(connection, failure, leg.flags) from None
    if progress is _WANTS_CERTIFICATE:
        return Step(
            SecurityStatus.SEC_I_INCOMPLETE_CREDENTIALS,
            AwaitingCredentials(state, records),
            granted=granted(leg.flags, last=False),
            message="The server asks for a client certificate and the credential holds none that it accepts.",
        )
    if progress is _DONE:
        return _done(state, leg, left)
    step = Step(
        _CONTINUE_NEEDED,
        state,
        output=(token(connection.output()),),
        input=(extra(left),) if left else (),
        granted=granted(leg.flags, last=False),
    )
    return datagrams.fragment(step, state.mtu) if state.mtu else step


def _done(state: Handshaking, leg: Leg, left: int) -> Step:
    connection = state.connection
    if unread := connection.unread():
        connection.discard_unread()
        left += unread
    output = connection.output()
    end = connection.peer_end() if connection.asks else b""
    mutual = bool(end or not state.server) and connection.peer_judged_good()
    flags = granted(leg.flags, last=True, mutual=mutual, datagram=bool(state.mtu))
    # Without reconnects OpenSSL's tickets are for nobody, and a client that goes on behind its Finished waits for none.
    # One that does not may need a message to answer to: requests-credssp does.
    quiet = bool(left) and state.server and not (state.reconnects and state.credential.policy.reconnects)
    established = _establish(state, flags, output, mutual=mutual, quiet=quiet)
    if quiet and established.version == TLS1_3 and established.live is None:
        output = b""
    return Step(
        _OK,
        established,
        output=(token(output),),
        input=(extra(left),) if left else (),
        granted=established.granted,
        expiry=moment_of(end) if end else None,
        established=True,
    )


def _establish(state: Handshaking, flags: Flags, output: bytes, *, mutual: bool, quiet: bool) -> Established:
    connection, credential, server = state.connection, state.credential, state.server
    version = connection.version()
    established = Established(connection, version, flags, server=server, mutual=mutual)
    established.target, established.caller, established.credential = state.target, state.caller, credential
    established.reconnects = state.reconnects and credential.policy.reconnects
    established.maps = credential.policy.maps
    if version != TLS1_3:
        # Each side's Finished was record 0 of its keys (RFC 5246 6.1).
        established.written = established.read = 1
        return established
    if not state.post_handshake_auth:
        established.awaits_tickets = not server and established.reconnects
        # A TLS 1.3 server's first records under these keys are its tickets, which follow the client's Finished.
        established.written = count_records(output) if server and not quiet else 0
        if not established.awaits_tickets and let_go(established):
            return established
    established.written = count_records(output) if server else 0
    return established


def let_go(established: Established) -> bool:
    """Drop OpenSSL's TLS 1.3 connection where our record layer can go on."""
    if not established.can_let_go:
        return False
    established.live = established.credential = None
    established.awaits_tickets = False
    return True


def refresh(established: Established, leg: Leg) -> None:
    """Take over what a renegotiation, or an authentication after the handshake, has changed."""
    live = established.live
    if live is None:
        return
    established.facts = gather(live, established.version, established.facts.local)
    established.renegotiates = False
    established.mutual = bool(established.facts.peer_chain) and live.peer_judged_good()
    established.granted = granted(leg.flags, last=True, mutual=established.mutual)


@lru_cache(maxsize=256)
def moment_of(time: bytes) -> datetime:
    """The moment of a certificate's ASN.1 time (RFC 5280 4.1.2.5); the end of all time for one that is none."""
    if len(time) == len(b"YYMMDDHHMMSSZ"):
        time = (b"19" if time >= b"5" else b"20") + time
    try:
        if len(time) == len(b"YYYYMMDDHHMMSSZ"):
            return datetime.strptime(time.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    return datetime.max.replace(tzinfo=UTC)


@lru_cache(maxsize=256)
def end_of(certificate: bytes) -> datetime | None:
    """When a certificate (DER) ends; the end of all time for one that does not decode."""
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc
    except UNREADABLE:
        return datetime.max.replace(tzinfo=UTC)


def closing(state: Handshaking, control: Control) -> Step:
    """Say the alert that ApplyControlToken ordered before the handshake was over, and be done."""
    # Before the keys an alert is plain; `functions.md` 3.4: record type, version, length 2, level, number.
    record = bytes((21, 3, 3, 0, 2, control.level, control.number))
    return Step(_OK, Closed(), output=(token(record),), granted=granted(state.flags, last=False))
