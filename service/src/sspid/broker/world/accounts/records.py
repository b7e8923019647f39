"""What is kept of one account, and how secrets are derived from a password; neither storage nor judging."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sspid.crypto.decrepit.md4 import md4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data),
}
"""Digest's algorithms (RFC 7616 6.1) by the name a question uses."""
UTF8 = "utf-8"
LATIN1 = "iso-8859-1"
MAPPINGS = ("upn", "sha256", "issuer-serial", "ski")
"""What in a certificate can name its account: its subjectAltName's UPN, its hash, issuer and number, key identifier."""


@dataclass(frozen=True, slots=True)
class DigestHash:
    """The raw H(username ":" realm ":" password) of one algorithm; `charset` is how the three were encoded."""

    username: str
    realm: str
    algorithm: str
    ha1: bytes = field(repr=False)
    charset: str = UTF8

    @property
    def userhash(self) -> str:
        """H(username ":" realm) in lower-case hex (RFC 7616 3.4.4)."""
        return HASHES[self.algorithm](_encoded(f"{self.username}:{self.realm}", self.charset)).hexdigest()


@dataclass(frozen=True, slots=True)
class Mapping:
    """One thing in a certificate that names the account; `kind` is one of `MAPPINGS`."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account. `domain` empty: the service's own. `expires` None: never. `password` only where the operator chose so."""

    name: str
    domain: str = ""
    upn: str = ""
    disabled: bool = False
    expires: datetime | None = None
    groups: tuple[str, ...] = ()
    sids: tuple[str, ...] = ()
    nt_hash: bytes | None = field(default=None, repr=False)
    digests: tuple[DigestHash, ...] = field(default=(), repr=False)
    password: str | None = field(default=None, repr=False)
    mappings: tuple[Mapping, ...] = ()

    @property
    def usernames(self) -> tuple[str, ...]:
        """The forms in which a Digest client may name this account."""
        forms = (self.name, rf"{self.domain}\{self.name}" if self.domain else "", self.upn)
        return tuple(dict.fromkeys(unicodedata.normalize("NFC", form) for form in forms if form))

    def with_password(self, password: str, realms: Iterable[str], *, keep: bool = False) -> AccountRecord:
        """The account with the secrets that this password makes, and the password itself only with `keep`."""
        digests = tuple(hashed for realm in dict.fromkeys(realms) for hashed in digests_of(self.usernames, realm, password))
        return replace(self, nt_hash=nt_hash(password), digests=digests, password=password if keep else None)

    def with_another_password(self, password: str, realms: Iterable[str] = (), *, keep: bool = False) -> AccountRecord:
        """The account with another password, for the realms it has secrets of unless some are named; kept if the last was."""
        present = tuple(each.realm for each in self.digests)
        return self.with_password(password, tuple(realms) or present, keep=keep or self.password is not None)


def fold(name: str) -> str:
    """A name as Windows compares it: in upper case, one character staying one character."""
    if name.isascii():
        return name.upper()
    return "".join(up if len(up := char.upper()) == 1 else char for char in name)


def nt_hash(password: str) -> bytes:
    """NTOWFv1 ([MS-NLMP] 3.3.1): 16 bytes."""
    return md4(password.encode("utf-16-le", "surrogatepass"))


def digests_of(usernames: Iterable[str], realm: str, password: str) -> Iterator[DigestHash]:
    """Each username's hashes: UTF-8 in every algorithm, and ISO 8859-1 in MD5 where that differs (RFC 2831 2.1.2.1)."""
    password = unicodedata.normalize("NFC", password)
    for username in usernames:
        plain = b":".join(text.encode("utf-8", "surrogatepass") for text in (username, realm, password))
        for algorithm, hashed in HASHES.items():
            yield DigestHash(username, realm, algorithm, hashed(plain).digest())
        latin = b":".join(_encoded(text, LATIN1) for text in (username, realm, password))
        if latin != plain:
            yield DigestHash(username, realm, "MD5", HASHES["MD5"](latin).digest(), LATIN1)


def _encoded(text: str, charset: str) -> bytes:
    """ISO 8859-1 where that is wanted and the text fits it; each text by itself, as SASL has it."""
    if charset == LATIN1:
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            pass
    return text.encode("utf-8", "surrogatepass")
