"""Steps whose token was larger than the caller's room: each kept until the same leg is called again with enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.broker.legs import LegCall, Role
    from sspid.packages.contract import Step


def too_large(call: LegCall, step: Step) -> str:
    """Why the output does not fit the caller's room; empty where it does, or ALLOCATE_MEMORY asks for no limit."""
    if not call.output_capacity or ContextFlag.ALLOCATE_MEMORY in call.flags:
        return ""
    needed = max((len(buffer.data) for buffer in step.output), default=0)
    if needed <= call.output_capacity:
        return ""
    return f"The token is {needed} bytes and output_capacity {call.output_capacity}; call again with this input and more room."


def require_room(call: LegCall, step: Step) -> None:
    """Refuse a call without room for the step's token. SEC_E_INSUFFICIENT_MEMORY."""
    reason = too_large(call, step)
    if reason:
        raise SspiError(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, reason)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The call that made a step, and the step. `first` is what finds it where that call was a context's first."""

    call: LegCall
    step: Step
    first: FirstCall | None = None

    def deliver(self, call: LegCall) -> Step:
        """The step, if the call is the same leg again and has room for it."""
        if call.input != self.call.input:
            message = "The last leg's token was not taken yet; call again with that leg's input and enough room for its token."
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
        require_room(call, self.step)
        return self.step


FirstCall = tuple[str, "Role", "LegCall"]
"""Caller, role and all of a first call but the room it had: whoever makes it again is given what it came to."""


class FirstSteps:
    """First legs that found no room: their contexts are there, under handles that their callers are told with the token.

    Calling anew would be another step, and some cannot be taken twice: a Kerberos ticket's would be a replay.
    """

    def __init__(self) -> None:
        self.handles: dict[FirstCall, bytes] = {}

    @staticmethod
    def of(caller: str, role: Role, call: LegCall) -> FirstCall:
        """What a first call and its repetition have in common."""
        flags = call.flags - {ContextFlag.ALLOCATE_MEMORY}
        return caller, role, structs.replace(call, flags=flags, output_capacity=0, request_id=None)

    def find(self, first: FirstCall) -> bytes:
        """The handle of the context that such a call began; empty where there is none."""
        return self.handles.get(first, b"")

    def keep(self, first: FirstCall, handle: bytes) -> None:
        """Remember the handle."""
        self.handles[first] = handle

    def forget(self, undelivered: Undelivered | None) -> None:
        """Drop the way to a context whose token was taken, or that is being deleted."""
        if undelivered is not None and undelivered.first is not None:
            self.handles.pop(undelivered.first, None)
