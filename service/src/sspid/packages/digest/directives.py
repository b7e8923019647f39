"""Comma lists of name=value (RFC 9110 5.6.1, RFC 2831 7.1): reads and writes them; knows no directive by its meaning.

Text is handled as latin-1, one character a byte, so that what is hashed later is exactly what was received.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from sspid.packages.digest.refusals import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 16384
"""Bytes of one token that are looked at; servers take headers of 8 to 16 KiB."""
_MOST = 64

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"  # noqa: S105 - RFC 9110's word for a word
# Possessive throughout: a value is matched once or not at all, whatever was sent.
_CLEAR = r'[^"\\\x00-\x08\x0a-\x1f\x7f]*+'
_QUOTED = rf'"({_CLEAR}(?:\\[\t\x20-\x7e\x80-\xff]{_CLEAR})*+)"'
_ELEMENT = re.compile(rf'[ \t]*+(?:({_TOKEN})[ \t]*+=[ \t]*+(?:{_QUOTED}|([^\x00-\x20",\x7f]++))[ \t]*+)?(?:,|\Z)')
# Where no element begins, what stands there is a match of its own: nothing is passed over unseen.
_ELEMENTS = re.compile(rf"{_ELEMENT.pattern}|([\s\S]{{1,16}})").findall
# The form that nearly all peers write, at three quarters of the cost. Anything else makes one last match of the whole rest.
_USUAL = re.compile(rf' ?+([A-Za-z0-9*\-]++)=(?:"({_CLEAR})"|([^\x00-\x20",\x7f]++))(?:,|\Z)|([\s\S]++)').findall
_SCHEME = re.compile(rf"[ \t]*+({_TOKEN})(?:[ \t]*+(?=,|\Z)|[ \t]++(?:[A-Za-z0-9\-._~+/]++=*+[ \t]*+(?=,|\Z))?)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Directives(dict[str, str]):
    """Lower-case name -> value without its quotes and escapes. `escaped` holds the values that had escapes, with them."""

    escaped: Mapping[str, str] = MappingProxyType({})


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
    elements = _USUAL(text)
    if elements and not elements[-1][3] and len(elements) <= _MOST:
        for name, value, plain, _ in elements:
            found[name.lower()] = value or plain
        if len(found) == len(elements):
            return found
    return _read_any(text, what, several)


def _read_any(text: str, what: str, several: str) -> Directives:
    """Read a list with whatever RFC 9110 allows: white space, empty elements, escapes."""
    found = Directives()
    elements = _ELEMENTS(text)
    if len(elements) > _MOST:
        raise malformed(f"{what} has more than {_MOST} directives.")
    for name, value, plain, bad in elements:
        if bad:
            raise malformed(f'{what} is malformed at "{_printable(bad)}": it takes name=value or name="value", with commas.')
        if not name:
            continue
        name = name.lower()  # noqa: PLW2901 - names are compared without case, and only so
        if name in found:
            if name == several:
                continue
            raise malformed(f"{what} has the directive {name[:32]} twice.")
        if "\\" in value:
            found.escaped = {**found.escaped, name: value}
            found[name] = _ESCAPE.sub(r"\1", value)
        else:
            found[name] = value or plain
    return found


def _printable(text: str) -> str:
    return re.sub(r"[^ -~]", "?", text)


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
