"""Answers the questions about accounts from the embedded database, through a cache; it judges nothing and writes nothing."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from sspid.broker.world.accounts.cache import Cache
from sspid.broker.world.accounts.certificates import mappings_of
from sspid.broker.world.accounts.patience import Patience
from sspid.broker.world.accounts.records import digests_of, fold
from sspid.packages.questions import Account, DigestSecret
from sspid.vocabulary.errors import SspiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from sspid.broker.world.accounts.store import AccountStore, Stored
    from sspid.packages.questions import LookUpAccount, LookUpDigestSecret, Machine, MapCertificate, RecordLogon

Asked = TypeVar("Asked")
_LONGEST: Final = 256
"""Characters of a name; no account has a longer one, and the database is not asked."""
_REMEMBERED: Final = 16384


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose accounts answer for which domain. `elsewhere`: a domain's authority (winbind) is asked for what is not found here.

    `any_domain`: without such an authority, the service's own accounts answer whatever domain a client names.
    """

    any_domain: bool = True
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One account as it was read. `id` is empty where another authority judges it."""

    account: Account
    id: str = ""
    expires: float | None = None
    locked_until: float | None = None
    failures: int = 0

    def now(self) -> Account:
        """The account as it is at this moment: accounts expire, and locks end, without anybody writing."""
        if self.expires is None and self.locked_until is None:
            return self.account
        now = time.time()
        return replace(
            self.account,
            expired=self.expires is not None and self.expires <= now,
            locked_out=self.locked_until is not None and now < self.locked_until,
        )


@dataclass(frozen=True, slots=True)
class DigestEntry:
    """An account with one of its Digest secrets."""

    entry: Entry
    secret: DigestSecret


class Directory:
    """The answers to LookUpAccount, LookUpDigestSecret and MapCertificate. The database is opened at the first question.

    `deadline`: seconds a question to it may take, None where it is a file.
    """

    def __init__(
        self,
        store: Callable[[], AccountStore],
        machine: Machine,
        log: FilteringBoundLogger,
        *,
        rules: Rules | None = None,
        cache_seconds: float = 0.5,
        deadline: float | None = None,
    ) -> None:
        self.store = store
        self._own = {".", fold(machine.computer), fold(machine.dns_computer)} - {""}
        self._rules = rules or Rules()
        self._named: dict[tuple[str, str], Entry] = {}
        patience = Patience(deadline)
        self._accounts: Cache[Entry] = Cache(lambda: store().changes(), cache_seconds, patience, log)
        self._certificates: Cache[Entry] = Cache(lambda: store().changes(), cache_seconds, patience, log)
        self._digests: Cache[DigestEntry] = Cache(lambda: store().changes(), cache_seconds, patience, log)

    def look_up(self, question: LookUpAccount, caller: str) -> Account | None:
        """The account, None for an unknown one. SEC_E_NO_AUTHENTICATING_AUTHORITY where the database does not answer."""
        del caller
        entry = self.entry(question.name, question.domain)
        return None if entry is None else entry.now()

    def entry(self, name: str, domain: str) -> Entry | None:
        """The account as it is cached."""
        if len(name) > _LONGEST or len(domain) > _LONGEST:
            return None
        return self._accounts.find((name, domain), lambda: self._found(name, domain))

    def _found(self, name: str, domain: str) -> Entry | None:
        stored = self._stored(name, domain)
        if stored is not None:
            return _entry(stored)
        return Entry(Account(name, domain)) if self.is_elsewhere(domain) else None

    def is_elsewhere(self, domain: str) -> bool:
        """Whether an account that is not found here is another authority's to judge."""
        return self._rules.elsewhere and not self._is_own(domain)

    def read(self, name: str, domain: str) -> Stored | None:
        """The account as it is in the database now, whatever is cached. SEC_E_NO_AUTHENTICATING_AUTHORITY as `look_up`."""
        if len(name) > _LONGEST or len(domain) > _LONGEST:
            return None
        return self.ask(lambda: self._stored(name, domain))

    def ask(self, question: Callable[[], Asked]) -> Asked:
        """Ask the database within its deadline. SEC_E_NO_AUTHENTICATING_AUTHORITY where it does not answer."""
        return self._accounts.ask(question)

    def _stored(self, name: str, domain: str) -> Stored | None:
        """Look where this account can be, most exact first; where a domain's authority exists, its names are left to it."""
        store = self.store()
        found = store.find(name, domain)
        if found is None and not domain and "@" in name:
            found = store.find_upn(name)
            if found is None:
                name, _, domain = name.rpartition("@")
                found = store.find(name, domain)
        if found is None and domain and (self._is_own(domain) or (self._rules.any_domain and not self._rules.elsewhere)):
            found = store.find(name, "")
        return found

    def _is_own(self, domain: str) -> bool:
        """Whether a domain is this machine itself, whose accounts no other authority knows."""
        return fold(domain) in self._own

    def look_up_digest(self, question: LookUpDigestSecret, caller: str) -> DigestSecret | None:
        """The secret, None for an unknown user. SEC_E_NO_AUTHENTICATING_AUTHORITY where the database does not answer."""
        del caller
        if len(question.user) > _LONGEST or len(question.realm) > _LONGEST:
            return None
        key = question.user, question.realm, question.algorithm, question.userhash, question.charset
        found = self._digests.find(key, lambda: self._found_digest(question))
        if found is None:
            return None
        self._remember((question.user, question.realm), found.entry)
        account = found.entry.now()
        return found.secret if account is found.secret.account else replace(found.secret, account=account)

    def _remember(self, named: tuple[str, str], entry: Entry) -> None:
        if len(self._named) >= _REMEMBERED:
            self._named = {}
        self._named[named] = entry

    def recall(self, question: RecordLogon) -> Entry | None:
        """The account whose logon ended: in Digest the one whose secret was given under that name in that realm."""
        if question.package == "Digest":
            return self._named.get((question.name, question.domain))
        try:
            return self.entry(question.name, question.domain)
        except SspiError:
            return None

    def _found_digest(self, question: LookUpDigestSecret) -> DigestEntry | None:
        store = self.store()
        found = store.find_digest(
            question.user, question.realm, question.algorithm, question.charset, userhash=question.userhash
        )
        if found is not None:
            entry = _entry(found[0], digest=True)
            return DigestEntry(entry, DigestSecret(entry.account, found[1].ha1))
        return None if question.userhash else self._derived(question)

    def _derived(self, question: LookUpDigestSecret) -> DigestEntry | None:
        """The secret of a realm that nobody listed, where the operator chose to keep the password itself."""
        domain, _, name = question.user.rpartition("\\")
        stored = self._stored(name, domain)
        if stored is None or stored.record.password is None:
            return None
        entry = _entry(stored, digest=True)
        derived = {
            each.charset: each.ha1
            for each in digests_of((question.user,), question.realm, stored.record.password)
            if each.algorithm == question.algorithm
        }
        ha1 = derived.get(question.charset, derived.get("utf-8"))
        return None if ha1 is None else DigestEntry(entry, DigestSecret(entry.account, ha1))

    def map_certificate(self, question: MapCertificate, caller: str) -> Account | None:
        """The account that a certificate is mapped to; None for none, and for a certificate mapped to two."""
        del caller
        key = sha256(question.certificate).digest()
        entry = self._certificates.find(key, lambda: self._mapped(question.certificate))
        return None if entry is None else entry.now()

    def _mapped(self, certificate: bytes) -> Entry | None:
        stored = map(self.store().find_mapping, mappings_of(certificate))
        found = {each.id: each for each in stored if each is not None}
        return _entry(found.popitem()[1]) if len(found) == 1 else None

    def expire(self) -> None:
        """Look for changes at the next question, whenever the last look was."""
        self._accounts.expire()
        self._digests.expire()
        self._certificates.expire()


def _entry(stored: Stored, *, digest: bool = False) -> Entry:
    record = stored.record
    # None would send the response to another authority. A hash that nobody knows fits nothing.
    nt_hash = None if digest else record.nt_hash or os.urandom(16)
    account = Account(record.name, record.domain, nt_hash, disabled=record.disabled, groups=record.groups, sids=record.sids)
    expires = None if record.expires is None else record.expires.timestamp()
    return Entry(account, stored.id, expires, stored.locked_until, stored.failures)
