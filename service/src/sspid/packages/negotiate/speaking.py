"""The mechanism that speaks inside SPNEGO, and where its context stands; hands legs to its package and decides nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sspid.packages.contract import Leg, Step
from sspid.packages.negotiate.mechanisms import PACKAGE_OF
from sspid.vocabulary.buffers import BufferType, token, token_in
from sspid.vocabulary.flags import NO_FLAGS, ContextFlag, Flags
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sspid.packages.contract import SecurityPackage
    from sspid.vocabulary.buffers import Buffers

_INTEGRITY = frozenset({ContextFlag.INTEGRITY})


class Speaking(Struct, frozen=True):
    """`mechanism` is the DER it was offered under. `state` None: its first leg is still to come."""

    mechanism: bytes
    package: SecurityPackage
    credential: Any
    state: Any = None
    done: bool = False
    granted: Flags = NO_FLAGS
    expiry: datetime | None = None

    def __repr__(self) -> str:
        return f"Speaking({self.name}, done={self.done})"

    @property
    def name(self) -> str:
        """The folder name of the package that speaks."""
        return PACKAGE_OF[self.mechanism]

    async def initialize(self, leg: Leg, received: bytes) -> tuple[Speaking, bytes]:
        """Run one leg of the initiator: how it stands afterwards and what it sends."""
        flags = leg.flags
        # Windows signs the mechanism list, so it asks for integrity unless told not to ([MS-SPNG] 3.3.3).
        if ContextFlag.NO_INTEGRITY not in flags:
            flags |= _INTEGRITY
        step = await self.package.initialize_security_context(self.state, self._leg(leg, received, flags))
        return self._after(step), token_in(step.output)

    async def accept(self, leg: Leg, received: bytes) -> tuple[Speaking, bytes]:
        """Run one leg of the acceptor."""
        step = await self.package.accept_security_context(self.state, self._leg(leg, received, leg.flags))
        return self._after(step), token_in(step.output)

    def _leg(self, leg: Leg, received: bytes, flags: Flags) -> Leg:
        buffers: Buffers = (token(received),) if received else ()
        if len(leg.input) > 1 or not received:
            buffers += tuple(buffer for buffer in leg.input if buffer.type is not BufferType.TOKEN)
        return Leg(self.credential, buffers, flags, leg.target_name, leg.caller, leg.network_data_rep)

    def _after(self, step: Step) -> Speaking:
        return Speaking(
            self.mechanism, self.package, self.credential, step.state, step.established, step.granted, step.expiry
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Established:
    """A finished negotiation: from here on the chosen package does everything."""

    name: str
    package: SecurityPackage
    state: Any = field(repr=False)

    @classmethod
    def step(cls, speaking: Speaking, output: bytes) -> Step:
        """The last leg: `output` is what it sends, if anything."""
        return Step(
            SecurityStatus.SEC_E_OK,
            cls(speaking.name, speaking.package, speaking.state),
            output=(token(output),) if output else (),
            granted=speaking.granted,
            expiry=speaking.expiry,
            established=True,
        )
