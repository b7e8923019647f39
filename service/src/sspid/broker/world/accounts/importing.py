"""Puts drafts into the database: new accounts added, present ones updated where that was asked; it reads no lines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sspid.broker.world.accounts.errors import AccountsError
from sspid.broker.world.accounts.records import fold

if TYPE_CHECKING:
    from sspid.broker.world.accounts.formats import Draft
    from sspid.broker.world.accounts.records import AccountRecord, DigestHash
    from sspid.broker.world.accounts.store import AccountStore, Stored


@dataclass(slots=True)
class Importer:
    """`realms`: what a line with a password gets Digest secrets for. `keep`: whether such a password is kept, sealed."""

    store: AccountStore
    realms: tuple[str, ...] = ()
    keep: bool = False
    update: bool = False
    _mine: set[tuple[str, str]] = field(default_factory=set)

    def put(self, draft: Draft) -> str:
        """Add or update one account; "added" or "updated". `AccountsError` for one that is there and may not be updated."""
        record = draft.record
        named = (fold(record.domain), fold(record.name))
        stored = self.store.find(record.name, record.domain)
        if stored is None:
            self.store.add(self._with_password(record, draft))
        elif self.update or named in self._mine:
            self.store.change(stored, self._with_password(self._merged(stored, draft), draft))
        else:
            shown = rf"{record.domain}\{record.name}" if record.domain else record.name
            raise AccountsError(f"The account {shown} is there already; say --update to change it.")
        self._mine.add(named)
        return "added" if stored is None else "updated"

    def _merged(self, stored: Stored, draft: Draft) -> AccountRecord:
        present = self.store.complete(stored)
        given: dict[str, Any] = {name: getattr(draft.record, name) for name in draft.given}
        if "digests" in given:
            given["digests"] = merged(present.digests, given["digests"])
        return replace(present, **given)

    def _with_password(self, record: AccountRecord, draft: Draft) -> AccountRecord:
        if draft.password is None:
            return record
        made = record.with_password(draft.password, self.realms, keep=self.keep)
        return replace(made, digests=merged(record.digests, made.digests))


def merged(present: tuple[DigestHash, ...], given: tuple[DigestHash, ...]) -> tuple[DigestHash, ...]:
    """Both, the given one where both have a name's secret in the same realm and algorithm."""
    kept = {(each.username, each.realm, each.algorithm, each.charset): each for each in (*present, *given)}
    return tuple(kept.values())
