"""A digest-response and response-auth of RFC 2831 2.1.2 and 2.1.3: written, read and computed; nobody is judged here."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sspid.packages.digest import algorithms, directives, sasl_names
from sspid.packages.digest.algorithms import MD5, NO_ENTITY, Asked
from sspid.packages.digest.challenge import DEFAULT_MAXBUF, maxbuf
from sspid.packages.digest.refusals import altered, malformed

if TYPE_CHECKING:
    from sspid.packages.digest.directives import Directives

_WHAT = "The response"
_LONGEST = 4095
_HEX = re.compile(r"[0-9A-Fa-f]{32}")
FIRST = "00000001"
_METHOD = "AUTHENTICATE"


@dataclass(frozen=True, slots=True)
class SaslResponse:
    """A response as its client means it. `cipher` is empty without auth-conf, `authzid` None where none was sent."""

    user: str
    realm: str
    nonce: str
    cnonce: str
    uri: str
    qop: str = "auth"
    cipher: str = ""
    maxbuf: int = DEFAULT_MAXBUF
    authzid: str | None = None
    utf8: bool = True
    value: str = field(default="", repr=False)

    @property
    def asked(self) -> Asked:
        """What the response is computed over beside the secret."""
        entity = "" if self.qop == "auth" else NO_ENTITY
        return Asked(self.uri, self.nonce, FIRST, self.cnonce, self.qop, entity)

    def session_hash(self, ha1: bytes) -> bytes:
        """H(A1), raw."""
        authzid = None if self.authzid is None else sasl_names.sent(self.authzid, utf8=True)
        return algorithms.sasl_session_hash(ha1, self.nonce, self.cnonce, authzid)

    def computed(self, session_hash: bytes) -> str:
        """What the client's response must be."""
        return MD5.response(session_hash.hex(), _METHOD, self.asked)

    def proof(self, session_hash: bytes) -> str:
        """What the server's rspauth must be (RFC 2831 2.1.3)."""
        return MD5.response(session_hash.hex(), "", self.asked)

    def matches(self, session_hash: bytes) -> bool:
        """Whether the response is one of someone who knows H(A1)."""
        return hmac.compare_digest(self.computed(session_hash), self.value)

    def written(self, session_hash: bytes) -> bytes:
        """The response as it goes over the wire."""
        named = sasl_names.sent(self.user, utf8=self.utf8)
        realm = sasl_names.sent(self.realm, utf8=self.utf8)
        parts = ["charset=utf-8"] * self.utf8
        parts += [f"username={directives.quoted(named)}", f"realm={directives.quoted(realm)}"]
        parts += [f"nonce={directives.quoted(self.nonce)}", f'cnonce="{self.cnonce}"', f"nc={FIRST}", f"qop={self.qop}"]
        if self.cipher:
            parts.append(f"cipher={self.cipher}")
        if self.qop != "auth":
            parts.append(f"maxbuf={self.maxbuf}")
        parts += [f'digest-uri="{self.uri}"', f"response={self.computed(session_hash)}"]
        if self.authzid is not None:
            parts.append(f"authzid={directives.quoted(sasl_names.sent(self.authzid, utf8=True))}")
        return directives.write(parts, ",")


def read(token: bytes) -> SaslResponse:
    """Read a digest-response. SEC_E_INVALID_TOKEN says what is wrong with it."""
    found = directives.read(directives.text_of(token, _WHAT, _LONGEST), _WHAT)
    utf8 = "charset" in found
    if found.get("charset", "utf-8").lower() != "utf-8":
        raise malformed("The response's charset can only be utf-8.")
    if _required(found, "nc") != FIRST:
        raise malformed("The response's nc must be 00000001: SASL has no later requests here.")
    value = _required(found, "response")
    if not _HEX.fullmatch(value):
        raise malformed("The response's response must be 32 hex digits.")
    authzid = found.get("authzid")
    return SaslResponse(
        user=sasl_names.received(_required(found, "username"), "The response's username", utf8=utf8),
        realm=sasl_names.received(found.get("realm", ""), "The response's realm", utf8=utf8),
        nonce=_required(found, "nonce"),
        cnonce=_required(found, "cnonce"),
        uri=_required(found, "digest-uri"),
        qop=found.get("qop", "auth").lower(),
        cipher=found.get("cipher", "").lower(),
        maxbuf=maxbuf(found, _WHAT),
        authzid=None if authzid is None else sasl_names.received(authzid, "The response's authzid", utf8=True),
        utf8=utf8,
        value=value.lower(),
    )


def _required(found: Directives, name: str) -> str:
    value = found.get(name)
    if not value:
        raise malformed(f"The response has no {name}.")
    return value


def written_proof(response: SaslResponse, session_hash: bytes) -> bytes:
    """The response-auth that proves the server."""
    return f"rspauth={response.proof(session_hash)}".encode("ascii")


def check_proof(token: bytes, response: SaslResponse, session_hash: bytes) -> None:
    """Check a response-auth. SEC_E_MESSAGE_ALTERED where the server does not know the password."""
    found = directives.read(directives.text_of(token, "The response-auth", _LONGEST), "The response-auth")
    proof = found.get("rspauth", "").lower()
    if not hmac.compare_digest(proof.encode("latin-1"), response.proof(session_hash).encode("ascii")):
        raise altered("The server's rspauth is wrong or missing: it does not know the password, or is not who answered before.")
