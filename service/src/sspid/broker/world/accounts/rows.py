"""Accounts as rows and back: what is sealed and where each value belongs; no statements are run here."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sspid.broker.world.accounts.records import LATIN1, AccountRecord, DigestHash, Mapping, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from sspid.broker.world.accounts.vault import Vault

Values = dict[str, Any]


def new_id() -> str:
    """An account's own name in the database: it stays when the account is renamed, and secrets are bound to it."""
    return uuid.uuid4().hex


class Rows:
    """Turns records into the values of each table and rows into records."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def key(self, name: str, domain: str) -> str:
        """The look-up value of an account's name."""
        return self._vault.lookup("account", fold(domain), fold(name))

    def upn_key(self, upn: str) -> str | None:
        """The look-up value of a user principal name, None for none."""
        return self._vault.lookup("upn", fold(upn)) if upn else None

    def mapping_key(self, mapping: Mapping) -> str:
        """The look-up value of something in a certificate; only a UPN is compared without case."""
        return self._vault.lookup("mapping", mapping.kind, fold(mapping.value) if mapping.kind == "upn" else mapping.value)

    def digest_key(self, user: str, realm: str, algorithm: str, charset: str) -> str:
        """The look-up value of a name in a realm, both as they stand."""
        return self._vault.lookup("digest", algorithm, charset, realm, user)

    def hashed_key(self, userhash: str, realm: str, algorithm: str) -> str:
        """The look-up value of a hashed name in a realm."""
        return self._vault.lookup("userhash", algorithm, realm, userhash)

    def account(self, identifier: str, record: AccountRecord) -> Values:
        """A record's row in the table of accounts."""
        seal = self._vault.seal
        return {
            "id": identifier,
            "key": self.key(record.name, record.domain),
            "upn_key": self.upn_key(record.upn),
            "name": record.name,
            "domain": record.domain,
            "upn": record.upn,
            "disabled": record.disabled,
            "expires": None if record.expires is None else record.expires.timestamp(),
            "group_names": json.dumps(record.groups),
            "sids": json.dumps(record.sids),
            "nt_hash": None if record.nt_hash is None else seal(record.nt_hash, "nt", identifier),
            "password": None
            if record.password is None
            else seal(record.password.encode("utf-8", "surrogatepass"), "password", identifier),
        }

    def digests(self, identifier: str, record: AccountRecord) -> list[Values]:
        """A record's rows in the table of Digest secrets."""
        return [
            {
                "key": self.digest_key(each.username, each.realm, each.algorithm, each.charset),
                "hashed_key": self.hashed_key(each.userhash, each.realm, each.algorithm),
                "account": identifier,
                "username": each.username,
                "realm": each.realm,
                "algorithm": each.algorithm,
                "charset": each.charset,
                "ha1": self._vault.seal(each.ha1, "ha1", identifier, each.algorithm, each.charset, each.realm, each.username),
            }
            for each in record.digests
        ]

    def mappings(self, identifier: str, record: AccountRecord) -> list[Values]:
        """A record's rows in the table of certificate mappings."""
        return [
            {
                "key": self.mapping_key(each),
                "account": identifier,
                "kind": each.kind,
                "value": self._vault.seal(each.value.encode(), "mapping", identifier, each.kind),
            }
            for each in record.mappings
        ]

    def record(self, row: Row[Any]) -> AccountRecord:
        """The record of an account's row, without what lies in other tables."""
        identifier = row.id
        return AccountRecord(
            row.name,
            row.domain,
            row.upn,
            bool(row.disabled),
            None if row.expires is None else datetime.fromtimestamp(row.expires, UTC),
            tuple(json.loads(row.group_names)),
            tuple(json.loads(row.sids)),
            None if row.nt_hash is None else self._vault.open(row.nt_hash, "nt", identifier),
            password=None
            if row.password is None
            else self._vault.open(row.password, "password", identifier).decode("utf-8", "surrogatepass"),
        )

    def opened_digests(self, rows: Sequence[Row[Any]]) -> Iterator[DigestHash]:
        """The Digest secrets in some rows."""
        for row in rows:
            place = ("ha1", row.account, row.algorithm, row.charset, row.realm, row.username)
            yield DigestHash(row.username, row.realm, row.algorithm, self._vault.open(row.ha1, *place), row.charset)

    def opened_mappings(self, rows: Sequence[Row[Any]]) -> Iterator[Mapping]:
        """The certificate mappings in some rows."""
        for row in rows:
            yield Mapping(row.kind, self._vault.open(row.value, "mapping", row.account, row.kind).decode())


def charsets(charset: str) -> tuple[str, ...]:
    """Where to look for a secret: a text that ISO 8859-1 and UTF-8 encode alike is kept once, under UTF-8."""
    return (charset, "utf-8") if charset == LATIN1 else (charset,)
