"""The tables of the accounts database and the steps from one version of them to the next; accounts are not read here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from sspid.broker.world.accounts.errors import AccountsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

METADATA = MetaData()

# Look-up columns hold keyed hashes: every database compares those alike, whatever its collation makes of case and accents.
KEY = String(64)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("key", KEY, nullable=False, unique=True),
    Column("upn_key", KEY, unique=True),
    Column("name", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("upn", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("expires", Float(53)),
    Column("groups", Text, key="group_names", nullable=False),
    Column("sids", Text, nullable=False),
    Column("nt_hash", LargeBinary),
    Column("password", LargeBinary),
)

DIGESTS = Table(
    "digest_secrets",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("hashed_key", KEY, nullable=False, index=True),
    Column("account", String(32), ForeignKey(ACCOUNTS.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("username", Text, nullable=False),
    Column("realm", Text, nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("charset", String(16), nullable=False),
    Column("ha1", LargeBinary, nullable=False),
)

MAPPINGS = Table(
    "certificate_mappings",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("account", String(32), ForeignKey(ACCOUNTS.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("value", LargeBinary, nullable=False),
)

FAILURES = Table(
    "failures",
    METADATA,
    Column("account", String(32), ForeignKey(ACCOUNTS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("since", Float(53), nullable=False),
    Column("locked_until", Float(53)),
)

NONCES = Table(
    "nonce_uses",
    METADATA,
    Column("key", KEY, primary_key=True),
    Column("used", Integer, nullable=False),
    Column("expires", Float(53), nullable=False, index=True),
)

STATE = Table(
    "state",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("changes", Integer, nullable=False),
    Column("key_check", LargeBinary, nullable=False),
)

VERSIONS = Table(
    "schema_versions",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied", Float(53), nullable=False),
)


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)
"""Step n leads from version n to n + 1. A step that was released is never changed: tables change by a new step."""


def migrate(engine: Engine) -> None:
    """Bring the database to this version. Two processes may try at once: whoever comes second finds it done."""
    for attempt in (1, 2, 3):
        try:
            with engine.begin() as connection:
                _migrate(connection)
        except (IntegrityError, OperationalError, ProgrammingError):
            if attempt == 3:
                raise
            time.sleep(0.2 * attempt)
        else:
            return


def _migrate(connection: Connection) -> None:
    present = version_of(connection)
    if present > len(MIGRATIONS):
        raise AccountsError(
            f"The accounts database has version {present} and this sspid knows {len(MIGRATIONS)}: run the newer sspid again."
        )
    for number, step in enumerate(MIGRATIONS[present:], present + 1):
        step(connection)
        connection.execute(insert(VERSIONS).values(version=number, applied=time.time()))


def version_of(connection: Connection) -> int:
    """The version of the tables that are there; 0 for none."""
    from sqlalchemy import func, inspect  # noqa: PLC0415  # needed at opening only

    if not inspect(connection).has_table(VERSIONS.name):
        return 0
    return connection.execute(select(func.max(VERSIONS.c.version))).scalar() or 0
