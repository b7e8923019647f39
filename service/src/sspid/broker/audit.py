"""What operators see of handshakes: one audit line each, with names and statuses and never a token or a secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from sspid.vocabulary.status import NAMES

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from sspid.broker.held import HeldContext
    from sspid.vocabulary.status import SecurityStatus


class Observer(Protocol):
    """Whoever wants to know how handshakes end."""

    def handshake_ended(self, caller: str, held: HeldContext, status: SecurityStatus, message: str) -> None:
        """A context was established, failed, or was given up half-way."""
        ...


class AuditLog:
    """Writes the audit line."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log

    def handshake_ended(self, caller: str, held: HeldContext, status: SecurityStatus, message: str) -> None:
        """Log one line: who, which package and role, towards whom, how it ended, after how many legs and milliseconds."""
        self._log.info(
            "handshake",
            caller=caller,
            package=held.package.info.name,
            role=held.role,
            target=held.target_name,
            status=NAMES[status],
            reason=message,
            legs=held.legs,
            ms=round((time.monotonic() - held.began) * 1000, 1),
        )


class Observers:
    """Several at once, such as the audit log and the metrics."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def handshake_ended(self, caller: str, held: HeldContext, status: SecurityStatus, message: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.handshake_ended(caller, held, status, message)
