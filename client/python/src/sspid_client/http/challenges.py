"""WWW-Authenticate taken apart into its challenges (RFC 9110 11.6.1); what a challenge means is its package's to judge."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

from sspid_client.errors import SspiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A quote that nobody closes goes to the end: to look for another reading would take a hostile line's length squared.
_PIECE = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.|\\$)*(?:"|$))+', re.DOTALL)
_BEGINNING = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]+([^= \t].*))?", re.DOTALL)


class Challenge(NamedTuple):
    """One challenge: its scheme in lower case, and what follows the scheme as it was sent."""

    scheme: str
    rest: str


def read(values: Iterable[str]) -> list[Challenge]:
    """Return the challenges of these header lines in their order; what comes before the first scheme is passed over."""
    found: list[Challenge] = []
    for piece in _pieces(values):
        beginning = _BEGINNING.fullmatch(piece)
        if beginning:
            found.append(Challenge(beginning[1].lower(), beginning[2] or ""))
        elif found:
            scheme, rest = found[-1]
            found[-1] = Challenge(scheme, f"{rest}, {piece}" if rest else piece)
    return found


def _pieces(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from filter(None, (piece.strip(" \t") for piece in _PIECE.findall(value)))


def token(values: Iterable[str], scheme: str) -> bytes | None:
    """Return the token of the first challenge of `scheme`, empty where it has none; None where the scheme is not offered.

    SspiError for a token that is no base64.
    """
    for challenge in read(values):
        if challenge.scheme == scheme.lower():
            try:
                return base64.b64decode(challenge.rest, validate=True)
            except binascii.Error:
                raise SspiError(f"The server's WWW-Authenticate has a {scheme} token that is no base64.") from None
    return None


def digest(values: Iterable[str]) -> str:
    """Return all Digest challenges as the Digest package reads them; empty where there is none."""
    return ", ".join(f"Digest {challenge.rest}" for challenge in read(values) if challenge.scheme == "digest")
