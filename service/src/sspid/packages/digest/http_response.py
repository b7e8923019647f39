"""What an HTTP client sent in Authorization: reads and checks its form, computes what it should be; decides nothing."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
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
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(slots=True)
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
        asked = self.asked._replace(entity=entity) if entity else self.asked
        expected = self.algorithm.response(session_hash, method, asked)
        return hmac.compare_digest(expected, self.value)

    def session_hash(self, ha1: bytes) -> str:
        """H(A1) where this response begins the session, or continues one whose cnonce the client kept."""
        return self.algorithm.session_hash(ha1, self.asked.nonce, self.asked.cnonce)


def read(token: bytes) -> HttpResponse:
    """Read the value of Authorization, with or without its scheme. SEC_E_INVALID_TOKEN says what is wrong with it."""
    text = directives.text_of(token, _WHAT)
    found = directives.read(text[7:] if text[:7].lower() == "digest " else text, _WHAT)
    algorithm = algorithms.find(found.get("algorithm", "MD5"))
    if algorithm is None:
        raise malformed("The response's algorithm is none that this service knows.")
    try:
        realm, nonce, uri, value = found["realm"], found["nonce"], found["uri"], found["response"].lower()
    except KeyError as missing:
        raise malformed(f"The response has no {missing.args[0]}.") from None
    if len(value) != algorithm.digits or not _HEX.fullmatch(value):
        raise malformed(f"The response's response must be {algorithm.digits} hex digits.")
    asked, count = _asked(found, uri, nonce)
    return HttpResponse(users.read(found), realm, algorithm, asked, count, found.get("opaque", ""), value, found)


def _asked(found: Directives, uri: str, nonce: str) -> tuple[Asked, int]:
    qop = found.get("qop", "").lower()
    if not qop:
        return Asked(uri, nonce, "", found.get("cnonce", "")), 1
    if qop not in {"auth", "auth-int"}:
        raise malformed("The response's qop must be auth or auth-int.")
    nc = _required(found, "nc")
    count = int(nc, 16) if _NC.fullmatch(nc) else 0
    if not count:
        raise malformed("The response's nc must be eight hex digits and count from 00000001.")
    return Asked(uri, nonce, nc, _required(found, "cnonce"), qop), count


def _required(found: Directives, name: str) -> str:
    value = found.get(name)
    if not value:
        raise malformed(f"The response has no {name}.")
    return value
