"""ApplyControlToken: shutdown, alerts and the session's reuse, ordered for a context's next leg; it sends nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from sspid.packages.schannel import alerts
from sspid.packages.schannel.established_state import Established
from sspid.packages.schannel.states import Closed, Control, Handshaking, Renegotiating
from sspid.vocabulary.buffers import Buffers, BufferType
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.packages.contract import State

_RENEGOTIATE, _SHUTDOWN, _ALERT, _SESSION = range(4)
"""The first word of a control token (schannel.h)."""
_ENABLE_RECONNECTS, _DISABLE_RECONNECTS = 1, 2


def apply(state: State, buffers: Buffers) -> State:
    """Take one control token. Statuses as Windows gives them (``status-codes.md`` 3)."""
    if len(buffers) != 1 or buffers[0].type is not BufferType.TOKEN:
        raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, "ApplyControlToken takes exactly one TOKEN buffer.")
    order = _order(buffers[0].data)
    if isinstance(state, Renegotiating):
        state = state.established
    if isinstance(order, Control):
        return _notify(state, order)
    return _allow_reconnects(state, allowed=order)


def _notify(state: State, control: Control) -> State:
    if isinstance(state, Established):
        state.control = control
        return state
    if isinstance(state, Handshaking):
        return structs.replace(state, control=control)
    if isinstance(state, Closed):
        return state
    raise _not_now()


def _allow_reconnects(state: State, *, allowed: bool) -> State:
    if isinstance(state, Handshaking):
        if state.server and not allowed:
            state.connection.forbid_tickets()
        return structs.replace(state, reconnects=allowed)
    if isinstance(state, Established):
        state.reconnects = allowed
        if not allowed and state.credential is not None:
            state.credential.sessions.forget(state.caller, state.target)
        return state
    raise _not_now()


def _not_now() -> SspiError:
    return SspiError(
        SecurityStatus.SEC_E_INVALID_HANDLE, "This context takes no control token now; give it its credential first."
    )


def _order(data: bytes) -> Control | bool:
    kind = int.from_bytes(data[:4], "little") if len(data) >= 4 else -1
    if kind == _SHUTDOWN:
        return Control(alerts.WARNING, alerts.CLOSE_NOTIFY)
    if kind == _ALERT and len(data) >= 12:
        level, number = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:12], "little")
        if level in (alerts.WARNING, alerts.FATAL) and number < 256:
            return Control(level, number)
    if kind == _SESSION and len(data) >= 8:
        flags = int.from_bytes(data[4:8], "little")
        if flags in (_ENABLE_RECONNECTS, _DISABLE_RECONNECTS):
            return flags == _ENABLE_RECONNECTS
    raise SspiError(
        SecurityStatus.SEC_E_UNSUPPORTED_FUNCTION,
        "The control token is no SCHANNEL_SHUTDOWN, SCHANNEL_ALERT or SCHANNEL_SESSION token of a whole length.",
    )
