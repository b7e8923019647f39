"""An HTTP initiator's authentication session: one challenge answered any number of times; pure computation, no state moves."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sspid.packages.digest import algorithms, directives, inputs, users
from sspid.packages.digest.algorithms import Asked
from sspid.packages.digest.refusals import altered, malformed

if TYPE_CHECKING:
    from sspid.packages.digest.bindings import Outer
    from sspid.packages.digest.challenge import Challenge
    from sspid.packages.digest.credentials import DigestCredential
    from sspid.packages.digest.directives import Directives

_INFO = "The Authentication-Info"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the server: `entity` is H(entity-body) in hex, empty where it is not covered."""

    method: str
    uri: str
    entity: str = ""


@dataclass(frozen=True, slots=True)
class HttpSession:
    """A challenge with everything its answers share. `nonce` moves on with nextnonce; the -sess key stays (RFC 7616 3.4.2)."""

    challenge: Challenge
    name: str
    realm: str
    nonce: str
    cnonce: str
    qop: str
    user: tuple[str, ...]
    session_hash: str = field(repr=False)
    outer: Outer | None = None

    def asked(self, request: Request, count: int) -> Asked:
        """What the `count`-th response under this nonce is computed over."""
        if not self.qop:
            return Asked(request.uri, self.nonce)
        return Asked(request.uri, self.nonce, f"{count:08x}", self.cnonce, self.qop, request.entity)

    def authorization(self, request: Request, count: int) -> bytes:
        """The value of Authorization after "Digest " (RFC 7616 3.4)."""
        challenge, asked = self.challenge, self.asked(request, count)
        parts = [*self.user, f"realm={directives.quoted(self.realm)}", f"nonce={directives.quoted(self.nonce)}"]
        parts.append(f'uri="{request.uri}"')
        if challenge.named:
            parts.append(f"algorithm={challenge.algorithm.name}")
        parts.append(f'response="{challenge.algorithm.response(self.session_hash, request.method, asked)}"')
        if challenge.opaque is not None:
            parts.append(f"opaque={directives.quoted(challenge.opaque)}")
        if asked.qop:
            parts += [f"qop={asked.qop}", f"nc={asked.nc}", f'cnonce="{asked.cnonce}"']
        elif challenge.algorithm.session:
            parts.append(f'cnonce="{self.cnonce}"')
        if self.outer is not None:
            parts += self.outer.written()
        return directives.write(parts)

    def proven(self, info: Directives, asked: Asked, entity: str) -> HttpSession:
        """Check the server's rspauth and take its nextnonce. SEC_E_MESSAGE_ALTERED where the server did not prove itself."""
        if "rspauth" not in info or not asked.qop or info.get("qop", asked.qop).lower() != asked.qop:
            raise altered("The server sent no rspauth of this qop, so it may not know the password; do not trust its answer.")
        if info.get("cnonce", asked.cnonce) != asked.cnonce or info.get("nc", asked.nc).lower() != asked.nc:
            raise altered("The Authentication-Info answers another request: its cnonce or nc is not the one that was sent.")
        algorithm = self.challenge.algorithm
        covered = asked._replace(entity=inputs.entity_hash(entity, algorithm) if asked.qop == "auth-int" else "")
        if not hmac.compare_digest(
            algorithm.response(self.session_hash, "", covered).encode(), info["rspauth"].lower().encode("latin-1")
        ):
            raise altered("The server's rspauth is wrong: it does not know the password, or its answer was changed on the way.")
        return replace(self, nonce=info["nextnonce"]) if info.get("nextnonce") else self


def begin(credential: DigestCredential, challenge: Challenge, qop: str, random: str, outer: Outer | None) -> HttpSession:
    """Begin a session. `random` is hex nobody can guess. SEC_E_INVALID_TOKEN where the challenge cannot carry the user name."""
    bound = outer if qop else None
    cnonce = random if bound is None else bound.cnonce(random)
    realm = credential.realm or challenge.realm
    realm_bytes = users.encode(realm, utf8=challenge.utf8) if credential.realm else realm.encode("latin-1")
    ha1 = algorithms.account_hash(
        challenge.algorithm,
        users.encode(credential.user, utf8=challenge.utf8),
        realm_bytes,
        users.encode(credential.password, utf8=challenge.utf8),
    )
    named = users.written(
        credential.user,
        realm_bytes,
        challenge.algorithm,
        userhash=challenge.userhash,
        utf8=challenge.utf8,
        # Windows' servers know charset but not username*, which came with RFC 7616.
        extended=not challenge.nonce.startswith("+Upgraded+"),
    )
    session_hash = challenge.algorithm.session_hash(ha1, challenge.nonce, cnonce)
    written_realm = realm_bytes.decode("latin-1")
    return HttpSession(
        challenge, credential.user, written_realm, challenge.nonce, cnonce, qop, tuple(named), session_hash, bound
    )


def read_info(token: bytes) -> Directives:
    """Read an Authentication-Info value. SEC_E_INVALID_TOKEN where it is malformed or empty."""
    info = directives.read(directives.text_of(token, _INFO), _INFO)
    if not info:
        raise malformed("The Authentication-Info is empty; pass its value, or ask for no MUTUAL_AUTH of a server without it.")
    return info
