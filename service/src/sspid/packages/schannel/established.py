"""Legs on an established context: control tokens, what DecryptMessage met, re-authentication; no application data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from sspid.packages.contract import Leg, Step
from sspid.packages.schannel import alerts
from sspid.packages.schannel.failures import handshake_error
from sspid.packages.schannel.flags import granted, refuse_impossible
from sspid.packages.schannel.framing import HEADER, count_records, whole_records
from sspid.packages.schannel.handshake import end_of, incomplete, refresh
from sspid.packages.schannel.openssl import TLS1_3, Progress, TlsError
from sspid.packages.schannel.protection import release, seal_alert
from sspid.packages.schannel.records import Tls13Records
from sspid.packages.schannel.states import Control, Renegotiating
from sspid.vocabulary.buffers import extra, token, token_in
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.schannel.established_state import Established
    from sspid.packages.schannel.openssl import Connection


def proceed(state: Established, leg: Leg) -> Step:
    """Send what a control token ordered, serve what DecryptMessage met, or authenticate again."""
    refuse_impossible(leg.flags)
    if state.control is not None:
        return _notify(state, state.control, leg)
    if state.pending is not None:
        return _serve(state, leg)
    if leg.token:
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            "The context is established and no handshake message waits; pass records to DecryptMessage.",
        )
    if state.write_closed:
        return incomplete(state, HEADER)
    return _authenticate_again(state, leg)


def _step(state: Established, output: bytes, left: int = 0) -> Step:
    return Step(
        SecurityStatus.SEC_E_OK,
        state,
        output=(token(output),),
        input=(extra(left),) if left else (),
        granted=state.granted,
        expiry=end_of(state.facts.peer) if state.facts.peer else None,
        established=True,
    )


def _notify(state: Established, control: Control, leg: Leg) -> Step:
    del leg
    state.control = None
    if state.write_closed:  # what there was to say has been said
        return _step(state, b"")
    live = state.live
    if live is not None and control.number == alerts.CLOSE_NOTIFY:
        output = live.close()
        state.count_written(1)
    else:
        output = seal_alert(state, bytes(control))
    state.write_closed = True
    return _step(state, output)


def _serve(state: Established, leg: Leg) -> Step:
    """The leg after SEC_I_RENEGOTIATE: its input begins with the record that DecryptMessage met, or is empty."""
    pending = state.pending
    data = leg.token
    if pending is None or (data and not data.startswith(pending.record)):
        raise SspiError(
            SecurityStatus.SEC_E_INVALID_TOKEN,
            "After SEC_I_RENEGOTIATE this call takes the EXTRA bytes of DecryptMessage; these are others.",
        )
    state.pending = None
    left = len(data) - len(pending.record) if data else 0
    if pending.unfinished:
        return _go_on(Renegotiating(state), pending.answer, data[len(data) - left :] if left else b"", leg)
    state.served = b"" if data else pending.record
    if pending.kind in ("Certificate", "Finished", "handshake message") and state.live is not None:
        refresh(state, leg)
    return _step(state, pending.answer, left)


def _authenticate_again(state: Established, leg: Leg) -> Step:
    """TLS 1.2 renegotiates. TLS 1.3 has fresh keys instead, and for a server that wants it the client's certificate."""
    live = state.live
    if state.version != TLS1_3:
        if live is None:
            raise _let_go("renegotiate")
        return _renegotiate(state, live, leg)
    if state.server and ContextFlag.MUTUAL_AUTH in leg.flags and not state.mutual:
        if live is None:
            raise _let_go(
                "ask for a certificate: the client offers no authentication after the handshake, or the context moved"
            )
        return _ask_for_certificate(state, live, leg)
    release(state)
    if not isinstance(state.records, Tls13Records):
        raise _let_go("update keys")
    return _step(state, state.records.update_key(answer_wanted=True))


def _let_go(what: str) -> SspiError:
    return SspiError(SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION, f"This context can no longer {what}; begin a new connection.")


def _renegotiate(state: Established, live: Connection, leg: Leg) -> Step:
    try:
        if state.server:
            # One that the client begins may resume: GnuTLS, once given a ticket, fails in a renegotiation that brings no other.
            live.renegotiate_in_full()
            if ContextFlag.MUTUAL_AUTH in leg.flags:
                live.require_certificate(judged=True)
        live.renegotiate()
        live.advance(b"")
        state.renegotiates = True
    except TlsError as failure:
        raise handshake_error(live, failure, leg.flags) from None
    output = live.output()
    state.written += count_records(output)
    return Step(
        SecurityStatus.SEC_I_CONTINUE_NEEDED,
        state,
        output=(token(output),),
        granted=granted(leg.flags, last=False),
        established=True,
    )


def _ask_for_certificate(state: Established, live: Connection, leg: Leg) -> Step:
    try:
        live.require_certificate(judged=True)
        live.ask_for_certificate()
        live.advance(b"")
        state.renegotiates = True
    except TlsError as failure:
        raise handshake_error(live, failure, leg.flags) from None
    output = live.output()
    state.count_written(count_records(output))
    return _step(state, output)


def _go_on(state: Renegotiating, answer: bytes, rest: bytes, leg: Leg) -> Step:
    """The leg's whole records behind the one DecryptMessage met belong to the same flight."""
    if not whole_records(rest)[0]:
        return _continue(state, answer, len(rest), leg)
    step = renegotiate(state, structs.replace(leg, input=(token(rest),)))
    return structs.replace(step, output=(token(answer + token_in(step.output)),))


def _continue(state: Renegotiating, output: bytes, left: int, leg: Leg) -> Step:
    return Step(
        SecurityStatus.SEC_I_CONTINUE_NEEDED,
        state,
        output=(token(output),),
        input=(extra(left),) if left else (),
        granted=granted(leg.flags, last=False),
        established=True,
    )


def renegotiate(state: Renegotiating, leg: Leg) -> Step:
    """A leg of a renegotiation past its first message."""
    established = state.established
    live = established.live
    end, wanted = whole_records(leg.token)
    if not end:
        return incomplete(state, wanted)
    if live is None:
        raise _let_go("renegotiate")
    try:
        progress = live.advance(leg.token[:end])
    except TlsError as failure:
        raise handshake_error(live, failure, leg.flags) from None
    output = live.output()
    left = len(leg.token) - end
    for _ in range(count_records(leg.token[:end])):
        established.count_read()
    established.count_written(count_records(output))
    if progress is not Progress.DONE:
        return _continue(state, output, left, leg)
    if unread := live.unread():
        live.discard_unread()
        left += unread
    if established.version != TLS1_3:
        # The Finished messages were record 0 of the new keys in each direction (RFC 5246 6.1).
        established.written = established.read = 1
    refresh(established, leg)
    return _step(established, output, left)
