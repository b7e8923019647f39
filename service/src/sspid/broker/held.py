"""What stands behind a context handle, and whether it can still be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from sspid.broker.credentials import HeldCredential
    from sspid.broker.legs import Role
    from sspid.broker.replays import Answer
    from sspid.broker.undelivered import Undelivered
    from sspid.packages.contract import SecurityPackage, State


class HeldContext(Struct, eq=False):
    """What stands behind a context handle. `failed` is the status that ended it, after which it can only be deleted.

    `reference` and `remembered`: what later tokens call its session, and the handle that was kept under that name.
    `resumed`: it began by going on with an established one.
    """

    package: SecurityPackage
    state: State
    role: Role
    credential: HeldCredential | None
    target_name: str
    connection_id: str
    began: float
    legs: int = 1
    established: bool = False
    failed: SecurityStatus | None = None
    undelivered: Undelivered | None = None
    answer: Answer | None = None
    delegated: bytes = b""
    reference: str = ""
    remembered: bytes = b""
    resumed: bool = False


def require_alive(held: HeldContext) -> None:
    """Refuse a context that a leg has failed: it can only be deleted."""
    if held.failed is not None or held.state is None:
        ended = "was deleted" if held.failed is None else f"ended with {held.failed.name}"
        message = f"This context {ended} and cannot go on; delete it and begin a new one."
        raise SspiError(SecurityStatus.SEC_E_INVALID_HANDLE, message)
