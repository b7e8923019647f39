"""Opens the accounts database, whichever it is, so that no call on it waits longer than its deadline; knows no account."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from sspid.broker.world.accounts.errors import AccountsError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}
"""The driver that is meant where a URL names none."""
INSTALL = {"psycopg": "sspid[postgresql]", "pymysql": "sspid[mysql]", "psycopg2": "psycopg2-binary"}


def open_engine(url: str | URL, deadline: float) -> Engine:
    """An engine with a small pool. Connecting, waiting for a connection and a statement each end after `deadline` seconds."""
    parsed = _parsed(url)
    options: dict[str, Any] = {"pool_timeout": deadline, "pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed)
        options |= {"connect_args": {"timeout": deadline}, "pool_pre_ping": False}
    else:
        options["connect_args"] = _deadlines(parsed.get_driver_name(), deadline)
    try:
        engine = create_engine(parsed, **options)
    except ImportError as error:
        missing = error.name or parsed.get_driver_name()
        raise AccountsError(
            f"[accounts] url needs the Python driver {missing}: pip install {INSTALL.get(missing, missing)}."
        ) from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _tune_sqlite)
    return engine


def _parsed(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise AccountsError(
            "[accounts] url is none that SQLAlchemy knows: write sqlite:///file, postgresql://... or mysql://..."
        ) from None
    except ImportError as error:
        missing = error.name or ""
        raise AccountsError(
            f"[accounts] url needs the Python driver {missing}: pip install {INSTALL.get(missing, missing)}."
        ) from None
    return parsed


def _prepare_file(url: URL) -> None:
    """Nobody else may read the file; it is made here because SQLite would make it with the process's own mask."""
    if url.database and url.database != ":memory:":
        try:
            Path(url.database).touch(mode=0o600)
        except OSError as error:
            raise AccountsError(f"The accounts database {url.database} cannot be opened: {error.strerror}.") from None


def _tune_sqlite(connection: Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")


def _deadlines(driver: str, deadline: float) -> dict[str, Any]:
    seconds = max(1, math.ceil(deadline))
    if driver.startswith("psycopg"):
        milliseconds = int(deadline * 1000)
        return {
            "connect_timeout": max(2, seconds),
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
            "tcp_user_timeout": milliseconds,
        }
    if driver in {"pymysql", "mysqldb"}:
        return {"connect_timeout": seconds, "read_timeout": seconds, "write_timeout": seconds}
    return {}
