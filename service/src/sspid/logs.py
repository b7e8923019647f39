"""How the service logs: structured lines on standard error, one configuration for all of it; never a token, never a secret."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import FilteringBoundLogger, Processor

    from sspid.config import Log


class LateLogger:
    """Becomes the configured logger at its first line: importing structlog takes a fifth of the service's start-up time."""

    def __init__(self, log: Log) -> None:
        self._log = log
        if _is_json(log) and _level(log) <= logging.INFO:
            self.info = _write_information

    def __getattr__(self, method: str) -> Any:
        logger = _configured(self._log)
        names = ("debug", "info", "warning", "error", "exception")
        self.__dict__.update({name: getattr(logger, name) for name in names if name not in self.__dict__})
        return getattr(logger, method)


def _is_json(log: Log) -> bool:
    return log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())


def _level(log: Log) -> int:
    return logging.getLevelNamesMapping()[log.level.upper()]


_encoder = msgspec.json.Encoder(enc_hook=repr)
_encode_oddly = json.JSONEncoder(default=repr, separators=(",", ":")).encode
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


def _serialize(line: dict[str, Any], **_: object) -> str:
    """For structlog, which ends the line itself."""
    return _json([line])[:-1]


def _write_information(event: str, **fields: Any) -> None:
    """Write a line as structlog would. There is one for every handshake, and this costs a tenth of structlog's way."""
    now = time.time_ns()
    if _lines.held is None:
        sys.stderr.write(_json([_line(now, event, fields)]))
    else:
        _lines.held.append((now, event, fields))


def _line(nanoseconds: int, event: str, fields: dict[str, Any]) -> dict[str, Any]:
    fields["event"] = event
    fields["level"] = "info"
    fields["timestamp"] = _iso(nanoseconds)
    return fields


class _Lines(threading.local):
    """What this thread has to write, while its lines go out together; None where each goes out at once."""

    held: list[tuple[int, str, dict[str, Any]]] | None = None


_lines = _Lines()


@contextmanager
def lines_together() -> Iterator[None]:
    """Make and write this thread's lines of information in one go at the end: it costs half as much."""
    held = _lines.held = []
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


def configure(log: Log) -> FilteringBoundLogger:
    """The service's logger, in the configured level and format."""
    return cast("FilteringBoundLogger", LateLogger(log))


def _configured(log: Log) -> FilteringBoundLogger:
    import structlog  # noqa: PLC0415  # see LateLogger

    as_json = _is_json(log)
    tracebacks: Processor = (
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
        if as_json
        else structlog.processors.format_exc_info
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(_serialize) if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            tracebacks,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level(log)),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger.bind()
