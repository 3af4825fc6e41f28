"""Logs: structlog to standard error, for people or as JSON lines, bound to the run."""

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def configure(*, as_json: bool = False, verbose: int = 0, **bound: object) -> None:
    """Set logging up for this process.

    Args:
        as_json: one JSON object a line instead of readable text.
        verbose: 0 warnings, 1 also events, 2 every round.
        bound: bound to every line, such as ``run_id``.

    """
    import structlog

    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks if as_json else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**bound)


def bind(**values: object) -> None:
    """Bind values to every following line."""
    import structlog

    structlog.contextvars.bind_contextvars(**values)


def get_logger(name: str) -> "FilteringBoundLogger":
    """A logger; each line has ``name`` as ``logger``."""
    import structlog

    found: FilteringBoundLogger = structlog.get_logger().bind(logger=name)
    return found
