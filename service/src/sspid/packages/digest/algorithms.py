"""The hashes of Digest and what is computed with them (RFC 7616 3.4.1-3.4.3, RFC 2831 2.1.2.1); no parsing, no judging."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

NO_ENTITY = "0" * 32
"""What SASL puts where HTTP has H(entity) (RFC 2831 2.1.2.1)."""


class Hash(Protocol):
    """The part of hashlib's objects that is used here."""

    def digest(self) -> bytes: ...

    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One value of the algorithm directive. `base` is the name without -sess, `digits` the length of its hash in hex."""

    name: str
    base: str
    session: bool
    digits: int
    new: Callable[[bytes], Hash]

    def hex(self, text: str) -> str:
        """H(text) in lower-case hex; `text` stands for its latin-1 bytes."""
        return self.new(text.encode("latin-1")).hexdigest()

    def session_hash(self, ha1: bytes, nonce: str, cnonce: str) -> str:
        """H(A1) in hex: the account's hash itself, or for -sess its hex hashed with both nonces (RFC 7616 3.4.2)."""
        return self.hex(f"{ha1.hex()}:{nonce}:{cnonce}") if self.session else ha1.hex()

    def response(self, session_hash: str, method: str, asked: Asked) -> str:
        """KD(H(A1), ...) for one request; an empty `method` gives rspauth (RFC 7616 3.4.1, 3.5)."""
        uri, nonce, nc, cnonce, qop, entity = asked
        a2 = self.hex(f"{method}:{uri}:{entity}" if qop in {"auth-int", "auth-conf"} else f"{method}:{uri}")
        return self.hex(f"{session_hash}:{nonce}:{nc}:{cnonce}:{qop}:{a2}" if qop else f"{session_hash}:{nonce}:{a2}")


class Asked(NamedTuple):
    """What one response is computed over beside the secret and the method. `qop` is empty for RFC 2069."""

    uri: str
    nonce: str
    nc: str = ""
    cnonce: str = ""
    qop: str = ""
    entity: str = ""


def _family(base: str, digits: int, new: Callable[[bytes], Hash]) -> list[Algorithm]:
    return [Algorithm(base, base, False, digits, new), Algorithm(f"{base}-sess", base, True, digits, new)]


_EMPTY_MD5 = hashlib.md5(usedforsecurity=False)


def _md5(data: bytes) -> Hash:
    # A copy of an empty hash costs half of what a new one with this keyword does, and this is paid with every response.
    made = _EMPTY_MD5.copy()
    made.update(data)
    return made


_ALL: list[Algorithm] = [
    # OpenSSL has it since 1.1.1, and other builds of hashlib may lack it.
    *(_family("SHA-512-256", 64, partial(hashlib.new, "sha512_256")) if "sha512_256" in hashlib.algorithms_available else ()),
    *_family("SHA-256", 64, hashlib.sha256),
    *_family("MD5", 32, _md5),
]
_BY_NAME: dict[str, Algorithm] = {algorithm.name.lower(): algorithm for algorithm in _ALL}
MD5 = _BY_NAME["md5"]


def find(name: str) -> Algorithm | None:
    """The algorithm of that name, compared without case, or None."""
    return _BY_NAME.get(name.lower())


def account_hash(algorithm: Algorithm, user: bytes, realm: bytes, password: bytes) -> bytes:
    """H(user ":" realm ":" password), raw: what an account authority keeps, and A1 of the forms without -sess."""
    return algorithm.new(b":".join((user, realm, password))).digest()


def sasl_session_hash(ha1: bytes, nonce: str, cnonce: str, authzid: str | None) -> bytes:
    """H(A1) of SASL, raw: over the raw account hash, unlike HTTP's (RFC 2831 2.1.2.1)."""
    tail = f":{nonce}:{cnonce}" if authzid is None else f":{nonce}:{cnonce}:{authzid}"
    return hashlib.md5(ha1 + tail.encode("latin-1"), usedforsecurity=False).digest()
