"""How the service logs: structured lines on standard error, one configuration for all of it; never a token, never a secret."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

    from sspid.config import Log


class LateLogger:
    """Becomes the configured logger at its first line: importing structlog takes a fifth of the service's start-up time."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __getattr__(self, method: str) -> Any:
        logger = _configured(self._log)
        self.__dict__.update({name: getattr(logger, name) for name in ("debug", "info", "warning", "error", "exception")})
        return getattr(logger, method)


def configure(log: Log) -> FilteringBoundLogger:
    """The service's logger, in the configured level and format."""
    return cast("FilteringBoundLogger", LateLogger(log))


def _configured(log: Log) -> FilteringBoundLogger:
    import structlog  # noqa: PLC0415  # see LateLogger

    json = log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())
    tracebacks: Processor = (
        structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
        if json
        else structlog.processors.format_exc_info
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            tracebacks,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[log.level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger.bind()
