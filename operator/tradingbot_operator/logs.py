"""Log lines as JSON, one to a line, for the standard library's loggers and kopf's alike."""

import logging
import sys
from typing import Any

import structlog

STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)


def configure(level: str) -> None:
    """Everything logged goes to standard output as JSON."""
    shared: list[Any] = [structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, STAMP]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # kopf tells every event at debug level; the store's metrics say the same for less.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
