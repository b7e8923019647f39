"""A leg as the broker takes it from the wire and gives it back; what a leg does is its package's."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from sspid.broker.replays import RequestId
    from sspid.packages.contract import Step
    from sspid.vocabulary.buffers import Buffers
    from sspid.vocabulary.flags import Flags


class Role(StrEnum):
    """Which of the two functions drives a context."""

    INITIATOR = "initiator"
    ACCEPTOR = "acceptor"


class LegCall(Struct, frozen=True):
    """The parameters of InitializeSecurityContext and AcceptSecurityContext; handles are empty where absent."""

    credential: bytes
    context: bytes
    input: Buffers
    flags: Flags
    target_name: str = ""
    network_data_rep: bool = True
    output_capacity: int = 0
    connection_id: str = ""
    request_id: RequestId | None = None


class LegAnswer(Struct, frozen=True):
    """Where the context is now (empty where a first leg left none) and what the leg came to."""

    context: bytes
    step: Step
