"""A step whose token was larger than the caller's room: kept until the same leg is called again with enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.flags import ContextFlag
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.broker.legs import LegCall
    from sspid.packages.contract import Step
    from sspid.vocabulary.buffers import Buffers


def too_large(call: LegCall, step: Step) -> str:
    """Why the output does not fit the caller's room; empty where it does, or ALLOCATE_MEMORY asks for no limit."""
    if not call.output_capacity or ContextFlag.ALLOCATE_MEMORY in call.flags:
        return ""
    needed = max((len(buffer.data) for buffer in step.output), default=0)
    if needed <= call.output_capacity:
        return ""
    return f"The token is {needed} bytes and output_capacity {call.output_capacity}; call again with this input and more room."


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The input a step was made from, and the step."""

    input: Buffers
    step: Step

    @classmethod
    def keep(cls, call: LegCall, step: Step) -> Undelivered:
        """Keep `step` for the same input."""
        return cls(call.input, step)

    def deliver(self, call: LegCall) -> Step:
        """The step, if the call is the same leg again and has room for it."""
        if call.input != self.input:
            message = "The last leg's token was not taken yet; call again with that leg's input and enough room for its token."
            raise SspiError(SecurityStatus.SEC_E_INVALID_TOKEN, message)
        reason = too_large(call, self.step)
        if reason:
            raise SspiError(SecurityStatus.SEC_E_INSUFFICIENT_MEMORY, reason)
        return self.step
