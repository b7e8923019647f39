"""Opens the accounts database when it is first asked for, not before: a service that judges no accounts loads no database."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sspid.broker.world.accounts.errors import AccountsError, AwayError
from sspid.broker.world.accounts.vault import Vault, read_key

if TYPE_CHECKING:
    from pathlib import Path

    from sspid.broker.world.accounts.store import AccountStore

_AWAY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where database and key are. Empty `url`: a file in `data_dir`; `key_file` None: a key there, made when missing."""

    data_dir: Path
    url: str = ""
    key_file: Path | None = None
    deadline: float = 5.0

    @property
    def is_file(self) -> bool:
        """Whether the database is a file of this machine, and no server that others may share."""
        return not self.url or self.url.startswith("sqlite")


class Opening:
    """Opens once, whoever asks first; what failed is tried again at the next question."""

    def __init__(self, whereabouts: Whereabouts) -> None:
        self._whereabouts = whereabouts
        self._store: AccountStore | None = None
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._reason = ""

    def store(self) -> AccountStore:
        """The database. `AwayError` where it, or its key, cannot be opened."""
        if self._store is None:
            with self._lock:
                if self._store is None:
                    self._store = self._opened()
        return self._store

    def _opened(self) -> AccountStore:
        """Open it, unless another thread failed to a moment ago: those that waited for it do not wait again, one by one."""
        if time.monotonic() < self._away_until:
            raise AwayError(self._reason)
        try:
            return open_store(self._whereabouts)
        except AccountsError as error:
            self._away_until, self._reason = time.monotonic() + _AWAY_SECONDS, str(error)
            raise AwayError(self._reason) from None

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None


def open_store(whereabouts: Whereabouts) -> AccountStore:
    """Open the database now. `AccountsError` where it, or its key, cannot be opened."""
    from sqlalchemy import URL  # noqa: PLC0415  # SQLAlchemy costs a quarter of a second at start-up

    from sspid.broker.world.accounts.store import AccountStore  # noqa: PLC0415  # as above

    key_file = whereabouts.key_file or whereabouts.data_dir / "accounts.key"
    vault = Vault(read_key(key_file, make=whereabouts.key_file is None))
    url = whereabouts.url or URL.create("sqlite", database=str(whereabouts.data_dir / "accounts.sqlite"))
    return AccountStore(url, vault, whereabouts.deadline)
