"""Lines of information as JSON, alone or many at once; where they go is standard error, what they say is the caller's."""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_encoder: Final = msgspec.json.Encoder(enc_hook=repr)
_encode_oddly: Final = json.JSONEncoder(default=repr, separators=(",", ":")).encode
_second = (0, "")


def _json(lines: list[dict[str, Any]]) -> str:
    """Each of them as a line of JSON, in ASCII whatever the names in it."""
    try:
        encoded = _encoder.encode_lines(lines)
    except (ValueError, OverflowError):
        # Such as half a surrogate pair, of a name that was no text.
        encoded = None
    if encoded is not None and encoded.isascii():
        return encoded.decode("ascii")
    return "".join([f"{_encode_oddly(line)}\n" for line in lines])


def serialize(line: dict[str, Any], **_: object) -> str:
    """For structlog, which ends the line itself."""
    return _json([line])[:-1]


def write_information(event: str, **fields: Any) -> None:
    """Write a line as structlog would. There is one for every handshake, and this costs a tenth of structlog's way."""
    now = time.time_ns()
    held = getattr(_lines, "held", None)
    if held is None:
        sys.stderr.write(_json([_line(now, event, fields)]))
    else:
        held.append((now, event, fields))


def _line(nanoseconds: int, event: str, fields: dict[str, Any]) -> dict[str, Any]:
    fields["event"] = event
    fields["level"] = "info"
    fields["timestamp"] = _iso(nanoseconds)
    return fields


_lines = threading.local()
"""`held`: what this thread has to write, while its lines go out together."""


@contextmanager
def lines_together() -> Iterator[None]:
    """Make and write this thread's lines of information in one go at the end: it costs half as much."""
    held: list[tuple[int, str, dict[str, Any]]] = []
    _lines.held = held
    try:
        yield
    finally:
        _lines.held = None
        if held:
            sys.stderr.write(_json([_line(*each) for each in held]))


def _iso(nanoseconds: int) -> str:
    """A time in ISO 8601; most of it is the same for a whole second."""
    global _second  # noqa: PLW0603  # one assignment, so that threads may race
    now = nanoseconds // 1000
    seconds, known = _second
    if seconds != now // 1_000_000:
        seconds = now // 1_000_000
        known = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        _second = seconds, known
    return f"{known}.{now % 1_000_000:06}Z"
