"""Comma lists of name=value (RFC 9110 5.6.1, RFC 2831 7.1): reads and writes them; knows no directive by its meaning.

Text is handled as latin-1, one character a byte, so that what is hashed later is exactly what was received.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sspid.packages.digest.refusals import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 16384
"""Bytes of one token that are looked at; servers take headers of 8 to 16 KiB."""
_MOST = 64

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"  # noqa: S105 - RFC 9110's word for a word
# Possessive throughout: a value is matched once or not at all, whatever was sent.
_QUOTED = r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]++|\\[\t\x20-\x7e\x80-\xff])*+)"'
_ELEMENT = re.compile(rf'[ \t]*+(?:({_TOKEN})[ \t]*+=[ \t]*+(?:{_QUOTED}|([^\x00-\x20",\x7f]++))[ \t]*+)?(?:,|\Z)')
_SCHEME = re.compile(rf"[ \t]*+({_TOKEN})(?:[ \t]*+(?=,|\Z)|[ \t]++(?:[A-Za-z0-9\-._~+/]++=*+[ \t]*+(?=,|\Z))?)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Directives(dict[str, str]):
    """Lower-case name -> value without its quotes and escapes. `escaped` holds, for the values that had any, both kept."""

    __slots__ = ("escaped",)

    def __init__(self) -> None:
        super().__init__()
        self.escaped: dict[str, str] = {}


def text_of(token: bytes, what: str, limit: int = LONGEST) -> str:
    """Return `token` as text, one character a byte. SEC_E_INVALID_TOKEN where it is longer than `limit` bytes."""
    if len(token) > limit:
        raise malformed(f"{what} has {len(token)} bytes and at most {limit} are read.")
    return token.decode("latin-1")


def read(text: str, what: str, *, several: str = "") -> Directives:
    """Read one list. SEC_E_INVALID_TOKEN for anything malformed and for a directive given twice, unless it is `several`.

    Of `several` the first is kept.
    """
    found = Directives()
    end = count = 0
    scanner = _ELEMENT.scanner(text)  # type: ignore[attr-defined]  # in CPython since 2.x, not in typeshed
    while end < len(text):
        element = scanner.match()
        if element is None:
            raise malformed(f'{what} is malformed at byte {end}: it takes name=value or name="value", with commas between.')
        end = element.end()
        name, quoted, plain = element.groups()
        if name is not None:
            count += 1
            _keep(found, name.lower(), quoted, plain, several, what)
        if count > _MOST:
            raise malformed(f"{what} has more than {_MOST} directives.")
    return found


def _keep(found: Directives, name: str, quoted: str | None, plain: str | None, several: str, what: str) -> None:
    if name in found:
        if name == several:
            return
        raise malformed(f"{what} has the directive {name} twice.")
    if quoted is not None and "\\" in quoted:
        found.escaped[name] = quoted
        found[name] = _ESCAPE.sub(r"\1", quoted)
    else:
        found[name] = quoted if quoted is not None else plain or ""


def challenges(text: str, what: str) -> list[Directives]:
    """Read the Digest challenges of a WWW-Authenticate value, in order; other schemes are passed over (RFC 9110 11.6.1).

    The value may begin with a scheme or, as SSPI hands it over, with the directives of one.
    """
    lists: list[tuple[int, int]] = []
    scheme, begin, end = "digest", 0, 0
    while end < len(text):
        element = _ELEMENT.match(text, end)
        if element is None:
            heading = _SCHEME.match(text, end)
            if heading is None:
                raise malformed(f"{what} is malformed at byte {end}: neither a directive nor the name of a scheme.")
            _close(lists, scheme, begin, end)
            scheme, begin, end = heading[1].lower(), heading.end(), heading.end()
            if text[end : end + 1] == ",":
                begin = end = end + 1
            continue
        end = element.end()
    _close(lists, scheme, begin, end)
    return [read(text[start:stop], what) for start, stop in lists]


def _close(lists: list[tuple[int, int]], scheme: str, begin: int, end: int) -> None:
    if scheme == "digest" and end > begin:
        if len(lists) == _MOST:
            raise malformed(f"The value has more than {_MOST} challenges.")
        lists.append((begin, end))


def quoted(value: str) -> str:
    """Return `value` as a quoted-string. SEC_E_INVALID_TOKEN for a control character, which could end the header line."""
    if _CONTROL.search(value):
        raise malformed("A name, realm or URI holds a control character, which no header field may carry; remove it.")
    if '"' in value or "\\" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def write(parts: Iterable[str], separator: str = ", ") -> bytes:
    """Join finished name=value parts into a token."""
    return separator.join(parts).encode("latin-1")
