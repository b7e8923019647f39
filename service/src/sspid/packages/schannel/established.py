"""Legs on an established context: control tokens, what DecryptMessage met, re-authentication; no application data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sspid.packages.contract import Leg, Step
from sspid.packages.schannel import alerts
from sspid.packages.schannel.flags import granted
from sspid.packages.schannel.framing import HEADER
from sspid.packages.schannel.handshake import incomplete
from sspid.packages.schannel.states import Closed, Control, Established, Handshaking
from sspid.vocabulary.buffers import Buffers, BufferType, extra, token
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import State

_RENEGOTIATE, _SHUTDOWN, _ALERT, _SESSION = range(4)
"""Control tokens of ApplyControlToken (schannel.h)."""


def proceed(state: Established, leg: Leg) -> Step:
    """Send what a control token ordered, or serve what DecryptMessage met."""
    if state.control is not None:
        return _notify(state, state.control, leg)
    if state.pending is not None:
        return _serve(state, leg)
    if not leg.token:
        return incomplete(state, HEADER)
    raise SspiError(
        SecurityStatus.SEC_E_INVALID_TOKEN,
        "The context is established and no handshake message waits; pass records to DecryptMessage.",
    )


def _notify(state: Established, control: Control, leg: Leg) -> Step:
    state.control = None
    output = state.connection.close() if control.number == alerts.CLOSE_NOTIFY else b""
    state.write_closed = True
    return Step(
        SecurityStatus.SEC_E_OK,
        state,
        output=(token(output),),
        granted=granted(leg.flags, last=True, mutual=state.mutual),
        established=True,
    )


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
    state.served = b"" if data else pending.record
    left = len(data) - len(pending.record) if data else 0
    return Step(
        SecurityStatus.SEC_E_OK,
        state,
        output=(token(pending.answer),),
        input=(extra(left),) if left else (),
        granted=granted(leg.flags, last=True, mutual=state.mutual),
        expiry=state.expiry,
        established=True,
    )


def apply_control_token(state: State, buffers: Buffers) -> State:
    """Order a shutdown or an alert for the next leg, or forbid the session's reuse (``status-codes.md`` 3)."""
    if len(buffers) != 1 or buffers[0].type is not BufferType.TOKEN:
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, "ApplyControlToken takes exactly one TOKEN buffer.")
    control = _control(buffers[0].data)
    if isinstance(state, Established):
        state.control = control
        return state
    if isinstance(state, Handshaking):
        return Handshaking(state.connection, state.credential, state.server, state.flags, state.target, state.caller, control)
    if isinstance(state, Closed):
        return state
    raise SspiError(
        SecurityStatus.SEC_E_INVALID_HANDLE, "This context takes no control token now; give it its credential first."
    )


def _control(data: bytes) -> Control:
    order = int.from_bytes(data[:4], "little") if len(data) >= 4 else -1
    if order == _SHUTDOWN:
        return Control(alerts.WARNING, alerts.CLOSE_NOTIFY)
    if order == _ALERT and len(data) >= 12:
        level, number = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:12], "little")
        if level in (alerts.WARNING, alerts.FATAL) and number < 256:
            return Control(level, number)
    raise SspiError(
        SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION,
        "The control token is no SCHANNEL_SHUTDOWN, SCHANNEL_ALERT or SCHANNEL_SESSION token of a whole length.",
    )
