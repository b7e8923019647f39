"""Digest challenges, HTTP's and SASL's: builds them for an acceptor and reads them for an initiator; answers none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sspid.packages.digest import algorithms, directives
from sspid.packages.digest.refusals import malformed

if TYPE_CHECKING:
    from sspid.packages.digest.algorithms import Algorithm
    from sspid.packages.digest.directives import Directives

_WHAT = "The challenge"
SASL_LONGEST = 2047
"""RFC 2831 2.1.1: a challenge is shorter than 2048 bytes."""
_MAXBUF = range(17, 1 << 24)
DEFAULT_MAXBUF = 65536


@dataclass(slots=True)
class Challenge:
    """One challenge. `named` is false where it said no algorithm (then MD5, and the response says none either)."""

    realm: str
    nonce: str
    algorithm: Algorithm
    qops: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False
    utf8: bool = False
    userhash: bool = False
    named: bool = True

    def written(self) -> bytes:
        """The challenge as it follows "Digest " in WWW-Authenticate (RFC 7616 3.3)."""
        parts = [
            f"realm={directives.quoted(self.realm)}",
            f'nonce="{self.nonce}"',
            f'qop="{",".join(self.qops)}"',
            f"algorithm={self.algorithm.name}",
        ]
        if self.opaque is not None:
            parts.append(f'opaque="{self.opaque}"')
        parts += ["stale=true"] * self.stale + ["charset=UTF-8"] * self.utf8 + ["userhash=true"] * self.userhash
        return directives.write(parts)


def read(token: bytes) -> Challenge:
    """Return the first challenge of a WWW-Authenticate value whose algorithm this package knows (RFC 7616 3.7)."""
    offered = directives.challenges(directives.text_of(token, _WHAT), _WHAT)
    for one in offered:
        algorithm = algorithms.find(one.get("algorithm", "MD5"))
        if algorithm is not None:
            return _challenge(one, algorithm)
    if not offered:
        raise malformed("The value holds no Digest challenge; pass what follows WWW-Authenticate: or Digest.")
    raise malformed("The server offers no Digest algorithm that this service knows; it knows MD5, SHA-256 and SHA-512-256.")


def _challenge(one: Directives, algorithm: Algorithm) -> Challenge:
    return Challenge(
        realm=one.get("realm", ""),
        nonce=_nonce(one),
        algorithm=algorithm,
        qops=_words(one.get("qop", "")),
        opaque=one.get("opaque"),
        stale=_true(one, "stale"),
        utf8=one.get("charset", "").lower() == "utf-8",
        userhash=_true(one, "userhash"),
        named="algorithm" in one,
    )


@dataclass(frozen=True, slots=True)
class SaslChallenge:
    """A digest-challenge of RFC 2831 2.1.1. `ciphers` is empty unless auth-conf is among `qops`; `maxbuf` in bytes."""

    realm: str | None
    nonce: str
    qops: tuple[str, ...]
    ciphers: tuple[str, ...] = ()
    maxbuf: int = DEFAULT_MAXBUF
    utf8: bool = True

    def written(self) -> bytes:
        """The challenge as it goes over the wire."""
        parts = [f"realm={directives.quoted(self.realm)}"] if self.realm is not None else []
        parts += [f'nonce="{self.nonce}"', f'qop="{",".join(self.qops)}"']
        if self.ciphers:
            parts.append(f'cipher="{",".join(self.ciphers)}"')
        parts += [f"maxbuf={self.maxbuf}", "charset=utf-8", "algorithm=md5-sess"]
        return directives.write(parts, ",")


def read_sasl(token: bytes) -> SaslChallenge:
    """Read a digest-challenge. SEC_E_INVALID_TOKEN where it is malformed or names another algorithm than md5-sess."""
    one = directives.read(directives.text_of(token, _WHAT, SASL_LONGEST), _WHAT, several="realm")
    if one.get("algorithm", "").lower() != "md5-sess":
        raise malformed("The challenge's algorithm is not md5-sess, the only one SASL has.")
    return SaslChallenge(
        realm=one.get("realm"),
        nonce=_nonce(one),
        qops=_words(one.get("qop", "auth")),
        ciphers=_words(one.get("cipher", "")),
        maxbuf=maxbuf(one, _WHAT),
        utf8=one.get("charset", "").lower() == "utf-8",
    )


def maxbuf(one: Directives, what: str) -> int:
    """Read the maxbuf directive, bytes; 65536 where absent (RFC 2831 2.1.1). SEC_E_INVALID_TOKEN outside 17..16777215."""
    text = one.get("maxbuf", str(DEFAULT_MAXBUF))
    if len(text) > 8 or not text.isascii() or not text.isdecimal() or int(text) not in _MAXBUF:
        raise malformed(f"{what}'s maxbuf must be a number of bytes from 17 to 16777215.")
    return int(text)


def _nonce(one: Directives) -> str:
    nonce = one.get("nonce", "")
    if not nonce:
        raise malformed("The challenge has no nonce.")
    return nonce


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip().lower()))


def _true(one: Directives, name: str) -> bool:
    return one.get(name, "").lower() == "true"
