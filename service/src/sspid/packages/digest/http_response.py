"""What an HTTP client sent in Authorization: reads and checks its form, computes what it should be; decides nothing."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sspid.packages.digest import algorithms, directives, users
from sspid.packages.digest.algorithms import Asked
from sspid.packages.digest.refusals import malformed

if TYPE_CHECKING:
    from sspid.packages.digest.algorithms import Algorithm
    from sspid.packages.digest.directives import Directives
    from sspid.packages.digest.users import NamedUser

_WHAT = "The response"
_NC = re.compile(r"[0-9A-Fa-f]{8}")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_URI = re.compile(r"[!-~\x80-\xff]+")
_SCHEME = re.compile(r"[ \t]*digest[ \t]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A well-formed response. `asked` lacks H(entity); `count` is nc, 1 for RFC 2069, which has none."""

    user: NamedUser
    realm: str
    algorithm: Algorithm
    asked: Asked
    count: int
    opaque: str
    value: str = field(repr=False)
    directives: Directives = field(repr=False)

    @property
    def covers_entity(self) -> bool:
        """Whether judging it takes the hash of the request's body."""
        return self.asked.qop == "auth-int"

    def matches(self, session_hash: str, method: str, entity: str) -> bool:
        """Whether this is the response of someone who knows H(A1). Takes as long whether it is or not."""
        asked = replace(self.asked, entity=entity) if entity else self.asked
        expected = self.algorithm.response(session_hash, method, asked)
        return hmac.compare_digest(expected.encode("ascii"), self.value.encode("ascii"))

    def session_hash(self, ha1: bytes) -> str:
        """H(A1) where this response begins the session, or continues one whose cnonce the client kept."""
        return self.algorithm.session_hash(ha1, self.asked.nonce, self.asked.cnonce)


def read(token: bytes) -> HttpResponse:
    """Read the value of Authorization, with or without its scheme. SEC_E_INVALID_TOKEN says what is wrong with it."""
    text = directives.text_of(token, _WHAT)
    scheme = _SCHEME.match(text)
    found = directives.read(text[scheme.end() :] if scheme else text, _WHAT)
    algorithm = algorithms.find(found.get("algorithm", "MD5"))
    if algorithm is None:
        raise malformed("The response's algorithm is none that this service knows.")
    value = _required(found, "response")
    if len(value) != algorithm.digits or not _HEX.fullmatch(value):
        raise malformed(f"The response's response must be {algorithm.digits} hex digits.")
    uri = _required(found, "uri")
    if not _URI.fullmatch(uri):
        raise malformed("The response's uri holds blanks or control characters; it must be percent-encoded.")
    asked, count = _asked(found, uri, _required(found, "nonce"))
    if "realm" not in found:
        raise malformed("The response has no realm.")
    opaque = found.get("opaque", "")
    return HttpResponse(users.read(found), found["realm"], algorithm, asked, count, opaque, value.lower(), found)


def _asked(found: Directives, uri: str, nonce: str) -> tuple[Asked, int]:
    qop = found.get("qop", "").lower()
    if not qop:
        return Asked(uri, nonce, cnonce=found.get("cnonce", "")), 1
    if qop not in {"auth", "auth-int"}:
        raise malformed("The response's qop must be auth or auth-int.")
    nc = _required(found, "nc")
    if not _NC.fullmatch(nc) or not int(nc, 16):
        raise malformed("The response's nc must be eight hex digits and count from 00000001.")
    return Asked(uri, nonce, nc, _required(found, "cnonce"), qop), int(nc, 16)


def _required(found: Directives, name: str) -> str:
    value = found.get(name)
    if not value:
        raise malformed(f"The response has no {name}.")
    return value
