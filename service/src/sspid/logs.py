"""How the service logs: structured lines on standard error, one configuration for all of it; never a token, never a secret."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, cast

from sspid.log_lines import serialize, write_information

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

    from sspid.config import Log


class LateLogger:
    """Becomes the configured logger at its first line: importing structlog takes a fifth of the service's start-up time."""

    def __init__(self, log: Log) -> None:
        self._log = log
        if _is_json(log) and _level(log) <= logging.INFO:
            self.info = write_information

    def __getattr__(self, method: str) -> Any:
        logger = _configured(self._log)
        names = ("debug", "info", "warning", "error", "exception")
        self.__dict__.update({name: getattr(logger, name) for name in names if name not in self.__dict__})
        return getattr(logger, method)


def _is_json(log: Log) -> bool:
    return log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())


def _level(log: Log) -> int:
    return logging.getLevelNamesMapping()[log.level.upper()]


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
        structlog.processors.JSONRenderer(serialize) if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
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
