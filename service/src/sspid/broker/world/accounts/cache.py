"""What was read of the accounts, kept in memory until the database says that something changed; it knows no account."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from sspid.broker.world.accounts.errors import AccountsError, AwayError
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from structlog.typing import FilteringBoundLogger

    from sspid.broker.world.accounts.patience import Patience

Found = TypeVar("Found")
Asked = TypeVar("Asked")
_LARGEST: Final = 16384
"""Names that nobody has are kept as well, so that they cost what the others cost; this bounds what a flood of them takes."""
_AWAY_SECONDS: Final = 1.0


class Cache(Generic[Found]):
    """Asks for the number of changes at most every `seconds`; another number empties the cache."""

    def __init__(self, changes: Callable[[], int], seconds: float, patience: Patience, log: FilteringBoundLogger) -> None:
        self._changes = changes
        self._seconds = seconds
        self._patience = patience
        self._log = log
        self._entries: dict[Hashable, Found | None] = {}
        self._seen = -1
        self._check_at = 0.0
        self._away_until = 0.0
        self._lock = threading.Lock()

    def find(self, key: Hashable, load: Callable[[], Found | None]) -> Found | None:
        """What `load` found for `key`, now or before. SEC_E_NO_AUTHENTICATING_AUTHORITY where the database does not answer."""
        if time.monotonic() >= self._check_at:
            self._check()
        try:
            return self._entries[key]
        except KeyError:
            return self._load(key, load)

    def expire(self) -> None:
        """Have the next question look for changes."""
        self._check_at = 0.0

    def _check(self) -> None:
        """Drop everything if anything changed. One thread asks; the others go on with what they have meanwhile."""
        self._check_at = time.monotonic() + self._seconds
        try:
            changes = self.ask(self._changes)
        except SspiError:
            self._check_at = 0.0
            raise
        with self._lock:
            if changes != self._seen:
                self._entries = {}
                self._seen = changes

    def _load(self, key: Hashable, load: Callable[[], Found | None]) -> Found | None:
        seen = self._seen
        found = self.ask(load)
        with self._lock:
            # What was read before a change must not outlive it.
            if seen == self._seen:
                if len(self._entries) >= _LARGEST:
                    self._entries = {}
                self._entries[key] = found
        return found

    def ask(self, question: Callable[[], Asked]) -> Asked:
        """Ask the database, unless it has just been found away: then nobody waits for it again. Nothing is kept of it."""
        if time.monotonic() < self._away_until:
            raise _away()
        try:
            return self._patience.ask(question)
        except AccountsError as error:
            # One account that cannot be read is no reason to refuse the others.
            if isinstance(error, AwayError):
                self._away_until = time.monotonic() + _AWAY_SECONDS
            self._log.error("accounts", reason=str(error))
            raise _away() from None


def _away() -> SspiError:
    message = "The service's account authority does not answer; its log says why. Try again later."
    return SspiError(SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, message)
