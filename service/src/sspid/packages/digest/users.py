"""User names as Digest writes and reads them: quoted, extended (username*) or hashed, and in which charset; no passwords."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from sspid.packages.digest.directives import quoted
from sspid.packages.digest.refusals import malformed

if TYPE_CHECKING:
    from sspid.packages.digest.algorithms import Algorithm
    from sspid.packages.digest.directives import Directives

_EXTENDED = re.compile(r"UTF-8'[A-Za-z0-9\-]{0,35}'((?:[A-Za-z0-9!#$&+\-.^_`|~]|%[0-9A-Fa-f]{2})++)", re.IGNORECASE)


class NamedUser(NamedTuple):
    """A user as a response names it. `hashed` means `names` holds H(name ":" realm); otherwise the readings to try in order."""

    names: tuple[str, ...]
    hashed: bool = False


def read(directives: Directives) -> NamedUser:
    """Read username, username* and userhash. SEC_E_INVALID_TOKEN for none, for both, and for a malformed one."""
    plain, extended = directives.get("username"), directives.get("username*")
    hashed = "userhash" in directives and directives["userhash"].lower() == "true"
    if (plain is None) == (extended is None):
        raise malformed("The response must have one of username and username*.")
    if extended is not None:
        return NamedUser((_unextended(extended, hashed=hashed),))
    if not plain:
        raise malformed("The response's username is empty.")
    if hashed:
        return NamedUser((plain.lower(),), hashed=True)
    # Windows clients write DOM\user without escaping; digest.md 4, "username forms".
    unescaped = directives.escaped.get("username")
    return NamedUser((decoded(plain),) if unescaped is None else (decoded(plain), decoded(unescaped)))


def decoded(text: str) -> str:
    """Return latin-1 `text` read as UTF-8 where it is that, normalised (RFC 7616 4, NFC)."""
    if text.isascii():
        return text
    try:
        text = text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text
    return unicodedata.normalize("NFC", text)


def _unextended(value: str, *, hashed: bool) -> str:
    match = _EXTENDED.fullmatch(value)
    if match is None or hashed:
        raise malformed("The response's username* must be UTF-8''percent-encoded and goes with userhash=false only.")
    try:
        name = unquote_to_bytes(match[1]).decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("The response's username* is no UTF-8.") from None
    return unicodedata.normalize("NFC", name)


def written(user: str, realm: bytes, algorithm: Algorithm, *, userhash: bool, utf8: bool, extended: bool) -> list[str]:
    """Return the directives that name `user`, already encoded as the challenge asked (RFC 7616 3.4, 3.4.4)."""
    encoded = encode(user, utf8=utf8)
    if userhash:
        return [f'username="{algorithm.new(encoded + b":" + realm).hexdigest()}"', "userhash=true"]
    if utf8 and extended and not user.isascii():
        return [f"username*=UTF-8''{quote(encoded, safe='!#$&+-.^_`|~')}"]
    return [f"username={quoted(encoded.decode('latin-1'))}"]


def encode(text: str, *, utf8: bool) -> bytes:
    """Encode a name or password as the challenge's charset says. SEC_E_INVALID_TOKEN where that charset cannot hold it."""
    if text.isascii():
        return text.encode("ascii")
    try:
        return unicodedata.normalize("NFC", text).encode("utf-8" if utf8 else "latin-1")
    except UnicodeEncodeError:
        raise malformed(
            "The user name or password has characters that the challenge's charset lacks; the server must offer charset=UTF-8."
        ) from None
