"""Accounts in a database: found, added, changed, removed, and their failures counted; caching and judging are others'."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from sspid.broker.world.accounts import schema
from sspid.broker.world.accounts.engine import open_engine
from sspid.broker.world.accounts.errors import AwayError, TakenError
from sspid.broker.world.accounts.rows import Rows, charsets, new_id
from sspid.broker.world.accounts.schema import ACCOUNTS, DIGESTS, FAILURES, MAPPINGS, NONCES, STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, ColumnElement, Connection, Engine

    from sspid.broker.world.accounts.lockout import Lockout
    from sspid.broker.world.accounts.records import AccountRecord, DigestHash, Mapping
    from sspid.broker.world.accounts.vault import Vault

_CHECK = b"sspid accounts"


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it lies in the database; times are seconds since 1970."""

    id: str
    record: AccountRecord
    failures: int = 0
    locked_until: float | None = None

    @property
    def expired(self) -> bool:
        """Whether the account's time is over."""
        return self.record.expires is not None and self.record.expires.timestamp() <= time.time()

    @property
    def locked_out(self) -> bool:
        """Whether wrong passwords keep it out at this moment."""
        return self.locked_until is not None and time.time() < self.locked_until


class AccountStore:
    """One database. Every method is one transaction; `AccountsError` says in one sentence why it failed."""

    def __init__(self, url: str | URL, vault: Vault, deadline: float = 5.0) -> None:
        self.engine: Engine = open_engine(url, deadline)
        self._rows = Rows(vault)
        self._vault = vault
        with _explained():
            schema.migrate(self.engine)
        self._check_key()

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()

    def _check_key(self) -> None:
        """Find out at once, not at the first logon, whether the key is the one the database was made with."""
        with suppress(TakenError), self._transaction() as connection:
            if connection.execute(select(STATE.c.id)).first() is None:
                # Another process may be as new here, and a moment earlier: then the one row is there already.
                connection.execute(insert(STATE).values(id=1, changes=0, key_check=self._vault.seal(_CHECK, "check")))
        with self._transaction() as connection:
            sealed = connection.execute(select(STATE.c.key_check)).scalar_one()
        self._vault.open(sealed, "check")

    def changes(self) -> int:
        """A number that grows whenever what others may have cached has changed."""
        with self._transaction() as connection:
            changes: int = connection.execute(select(STATE.c.changes)).scalar_one()
        return changes

    def find(self, name: str, domain: str) -> Stored | None:
        """The account of that name in that domain, without Digest secrets and mappings."""
        return self._find(ACCOUNTS.c.key == self._rows.key(name, domain))

    def find_upn(self, upn: str) -> Stored | None:
        """The account with that user principal name."""
        return self._find(ACCOUNTS.c.upn_key == self._rows.upn_key(upn))

    def find_mapping(self, mapping: Mapping) -> Stored | None:
        """The account that something in a certificate names."""
        mapped = select(MAPPINGS.c.account).where(MAPPINGS.c.key == self._rows.mapping_key(mapping))
        return self._find(ACCOUNTS.c.id == mapped.scalar_subquery())

    def find_digest(
        self, user: str, realm: str, algorithm: str, charset: str, *, userhash: bool
    ) -> tuple[Stored, DigestHash] | None:
        """The account with the secret of `user` in `realm`."""
        for each in charsets(charset):
            if userhash:
                where = DIGESTS.c.hashed_key == self._rows.hashed_key(user, realm, algorithm)
            else:
                where = DIGESTS.c.key == self._rows.digest_key(user, realm, algorithm, each)
            with self._transaction() as connection:
                rows = connection.execute(select(DIGESTS).where(where)).all()
                rows = [row for row in rows if row.charset == each]
                if len(rows) == 1:
                    stored = _stored(connection, self._rows, ACCOUNTS.c.id == rows[0].account)
                    return None if stored is None else (stored, next(self._rows.opened_digests(rows)))
        return None

    def _find(self, where: ColumnElement[bool]) -> Stored | None:
        with self._transaction() as connection:
            return _stored(connection, self._rows, where)

    def complete(self, stored: Stored) -> AccountRecord:
        """The whole record, with Digest secrets and mappings in an order that does not depend on the key."""
        with self._transaction() as connection:
            digests = connection.execute(select(DIGESTS).where(DIGESTS.c.account == stored.id)).all()
            mappings = connection.execute(select(MAPPINGS).where(MAPPINGS.c.account == stored.id)).all()
            return replace(
                stored.record,
                digests=tuple(sorted(self._rows.opened_digests(digests), key=_order_of_digest)),
                mappings=tuple(sorted(self._rows.opened_mappings(mappings), key=_order_of_mapping)),
            )

    def __iter__(self) -> Iterator[Stored]:
        statement = _SELECT.order_by(ACCOUNTS.c.domain, ACCOUNTS.c.name)
        with self._transaction() as connection:
            rows = connection.execute(statement).all()
            stored = [_stored_row(self._rows, row) for row in rows]
        yield from stored

    def add(self, record: AccountRecord) -> None:
        """Add an account."""
        identifier = new_id()
        with self._changing(record) as connection:
            connection.execute(insert(ACCOUNTS).values(self._rows.account(identifier, record)))
            self._insert_parts(connection, identifier, record)

    def change(self, stored: Stored, record: AccountRecord, *, unlock: bool = False) -> None:
        """Put `record` (whole) in the place of what is stored; with `unlock` its failures are forgotten."""
        with self._changing(record) as connection:
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == stored.id).values(self._rows.account(stored.id, record)))
            for table in (DIGESTS, MAPPINGS, FAILURES) if unlock else (DIGESTS, MAPPINGS):
                connection.execute(delete(table).where(table.c.account == stored.id))
            self._insert_parts(connection, stored.id, record)

    def renew(self, stored: Stored, record: AccountRecord) -> bool:
        """Put the secrets of `record` in the place of the stored ones and forget failures; nothing else is touched.

        False, and nothing done, where somebody changed the password or removed the account since `stored` was read.
        """
        mine = ACCOUNTS.c.id == stored.id
        with self._transaction() as connection:
            # First, because it locks: of two changes with one old password the later one finds it changed.
            _bump(connection)
            present = _stored(connection, self._rows, mine)
            if present is None or present.record.nt_hash != stored.record.nt_hash:
                return False
            values = self._rows.account(stored.id, record)
            secrets = {name: values[name] for name in ("nt_hash", "password")}
            connection.execute(update(ACCOUNTS).where(mine).values(secrets))
            for table in (DIGESTS, FAILURES):
                connection.execute(delete(table).where(table.c.account == stored.id))
            if digests := self._rows.digests(stored.id, record):
                connection.execute(insert(DIGESTS), digests)
        return True

    def _insert_parts(self, connection: Connection, identifier: str, record: AccountRecord) -> None:
        parts = ((DIGESTS, self._rows.digests(identifier, record)), (MAPPINGS, self._rows.mappings(identifier, record)))
        for table, values in parts:
            if values:
                connection.execute(insert(table), values)

    def set_disabled(self, stored: Stored, *, disabled: bool) -> None:
        """Disable or enable an account."""
        with self._changing(stored.record) as connection:
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == stored.id).values(disabled=disabled))

    def remove(self, stored: Stored) -> None:
        """Remove an account and all that hangs on it."""
        with self._changing(stored.record) as connection:
            for table in (DIGESTS, MAPPINGS, FAILURES):
                connection.execute(delete(table).where(table.c.account == stored.id))
            connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == stored.id))

    def clear_failures(self, identifier: str) -> None:
        """Forget an account's failures, and with them a lock."""
        with self._transaction() as connection:
            if connection.execute(delete(FAILURES).where(FAILURES.c.account == identifier)).rowcount:
                _bump(connection)

    def record_failure(self, identifier: str, lockout: Lockout, now: float | None = None) -> bool:
        """Count a wrong password; whether the account is locked out with this one."""
        now = time.time() if now is None else now
        begun = FAILURES.c.since < now - lockout.window
        ended = (FAILURES.c.locked_until.is_not(None)) & (FAILURES.c.locked_until <= now)
        over = begun | ended
        counted = {
            "failed": case((over, 1), else_=FAILURES.c.failed + 1),
            "locked_until": case((over, None), else_=FAILURES.c.locked_until),
            "since": case((over, now), else_=FAILURES.c.since),
        }
        with self._transaction() as connection:
            mine = FAILURES.c.account == identifier
            # The order matters to MySQL, which reads what it has just assigned: `since` last.
            if not connection.execute(update(FAILURES).where(mine).ordered_values(*_ordered(counted))).rowcount:
                connection.execute(insert(FAILURES).values(account=identifier, failed=1, since=now, locked_until=None))
            row = connection.execute(select(FAILURES).where(mine)).one()
            locks = 0 < lockout.failures <= row.failed and row.locked_until is None
            if locks:
                connection.execute(update(FAILURES).where(mine).values(locked_until=now + lockout.duration))
            if locks or row.failed == 1:
                # Others must know that there is something to forget after a success, or that nobody comes in.
                _bump(connection)
        return locks

    def count_nonce(self, key: str, count: int, expires: float) -> bool:
        """Record a nonce's use unless one at least as late is recorded; one statement decides, whoever else tries."""
        for _ in range(2):
            later = update(NONCES).where((NONCES.c.key == key) & (NONCES.c.used < count)).values(used=count)
            with self._transaction() as connection:
                if connection.execute(later).rowcount:
                    return True
            try:
                with self._transaction() as connection:
                    connection.execute(insert(NONCES).values(key=key, used=count, expires=expires))
            except TakenError:
                # It is there: with a later use, or since a moment ago with an earlier one.
                continue
            return True
        return False

    def forget_nonces(self, now: float) -> None:
        """Drop the nonces that nobody accepts any more."""
        with self._transaction() as connection:
            connection.execute(delete(NONCES).where(NONCES.c.expires < now))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with _explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _changing(self, record: AccountRecord) -> Iterator[Connection]:
        try:
            with self._transaction() as connection:
                yield connection
                _bump(connection)
        except TakenError:
            shown = rf"{record.domain}\{record.name}" if record.domain else record.name
            raise TakenError(
                f"The account {shown}, its UPN, one of its names in a Digest realm or one of its certificates is another "
                "account's already; give it others."
            ) from None


_SELECT = select(ACCOUNTS, FAILURES.c.failed, FAILURES.c.locked_until).join_from(
    ACCOUNTS, FAILURES, FAILURES.c.account == ACCOUNTS.c.id, isouter=True
)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise TakenError("A value that must be unique is there already.") from None
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise AwayError(f"The accounts database does not answer: {cause}.") from None


def _order_of_digest(each: DigestHash) -> tuple[str, ...]:
    return each.realm, each.username, each.algorithm, each.charset


def _order_of_mapping(each: Mapping) -> tuple[str, ...]:
    return each.kind, each.value


def _ordered(values: dict[str, Any]) -> list[tuple[ColumnElement[Any], Any]]:
    return [(FAILURES.c[name], value) for name, value in values.items()]


def _bump(connection: Connection) -> None:
    connection.execute(update(STATE).values(changes=STATE.c.changes + 1))


def _stored(connection: Connection, rows: Rows, where: ColumnElement[bool]) -> Stored | None:
    row = connection.execute(_SELECT.where(where)).first()
    return None if row is None else _stored_row(rows, row)


def _stored_row(rows: Rows, row: Any) -> Stored:
    return Stored(row.id, rows.record(row), row.failed or 0, row.locked_until)
