"""Answers CountNonceUse from a store that all workers share: a file for one machine's, the accounts database for several."""

from __future__ import annotations

import sqlite3
import threading
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from sspid.broker.world.accounts.errors import AccountsError
from sspid.broker.world.accounts.patience import Patience
from sspid.vocabulary.errors import SspiError
from sspid.vocabulary.status import SecurityStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sspid.broker.world.accounts.store import AccountStore
    from sspid.packages.questions import CountNonceUse

_SWEEP_SECONDS: Final = 60.0
_BUSY_SECONDS: Final = 5.0
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS nonce_uses (
        use BLOB PRIMARY KEY, count INTEGER NOT NULL, expires REAL NOT NULL
    ) WITHOUT ROWID
"""
_COUNT: Final = """
    INSERT INTO nonce_uses (use, count, expires) VALUES (?, ?, ?)
    ON CONFLICT (use) DO UPDATE SET count = excluded.count WHERE excluded.count > count
"""
_SMALL_WRITES: Final = ("PRAGMA page_size = 1024", "PRAGMA wal_autocheckpoint = 4000")
"""A use changes forty bytes somewhere in the file: small pages are written quicker, and seldom moved out of the log (4 MiB)."""
_ALONE: Final = "PRAGMA locking_mode = EXCLUSIVE"
_FORGET: Final = "DELETE FROM nonce_uses WHERE expires < ?"
_LARGEST: Final = 1 << 62


class NonceFile:
    """An SQLite file in WAL mode: one statement compares and sets, whichever worker asks.

    `alone`: no other process opens it, so its locks are taken once and not with each use.
    """

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        self._path = path
        self._alone = alone
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._sweep_at = 0.0

    def count(self, question: CountNonceUse, caller: str) -> bool:
        """Whether this use is a new one. SEC_E_NO_AUTHENTICATING_AUTHORITY where the file cannot be written."""
        if not 0 < question.count < _LARGEST:
            return False
        values = (_use(caller, question.nonce), question.count, question.expires.timestamp())
        try:
            with self._lock:
                connection = self._opened()
                self._sweep(connection)
                return connection.execute(_COUNT, values).rowcount == 1
        except sqlite3.Error as error:
            raise _unwritten(str(error)) from None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.touch(mode=0o600)
            connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            for pragma in (*_SMALL_WRITES, *([_ALONE] if self._alone else [])):
                connection.execute(pragma)
            connection.execute("PRAGMA journal_mode = WAL")
            # A crash of a worker loses nothing; only a crash of the machine may, and no client's nonce is young after that.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_TABLE)
            self._connection = connection
        return self._connection

    def _sweep(self, connection: sqlite3.Connection) -> None:
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + _SWEEP_SECONDS
            connection.execute(_FORGET, (time.time(),))

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class NonceTable:
    """A table of the accounts database, where that is a server that several machines share."""

    def __init__(self, store: Callable[[], AccountStore], deadline: float | None = None) -> None:
        self._store = store
        self._patience = Patience(deadline)
        self._sweep_at = 0.0

    def count(self, question: CountNonceUse, caller: str) -> bool:
        """Whether this use is a new one. SEC_E_NO_AUTHENTICATING_AUTHORITY where the database does not answer."""
        if not 0 < question.count < _LARGEST:
            return False
        try:
            return self._patience.ask(lambda: self._count(question, caller))
        except AccountsError as error:
            raise _unwritten(str(error).rstrip(".")) from None

    def _count(self, question: CountNonceUse, caller: str) -> bool:
        store = self._store()
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + _SWEEP_SECONDS
            store.forget_nonces(time.time())
        return store.count_nonce(_use(caller, question.nonce).hex(), question.count, question.expires.timestamp())


def _use(caller: str, nonce: bytes) -> bytes:
    """A caller's own name for a nonce, of one length."""
    return blake2b(caller.encode() + b"\0" + nonce, digest_size=24).digest()


def _unwritten(reason: str) -> SspiError:
    message = f"The service cannot record that a nonce was used ({reason}), so it accepts none; its operator must look."
    return SspiError(SecurityStatus.SEC_E_NO_AUTHENTICATING_AUTHORITY, message)
