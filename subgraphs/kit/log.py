"""Logs: one JSON line per fact, in Elastic's common schema; the event is constant, the facts are fields.

Never a token, never a document, never the value of a variable. Whoever needs those looks at the trace.
"""

from __future__ import annotations

import logging
import sys

import ecs_logging
import structlog


def configure(*, service: str, level: int = logging.INFO) -> None:
    """Make structlog and the standard library's logging write ECS JSON lines to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _of(service),
            _as_ecs,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ecs_logging.StdlibFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


_ECS = ecs_logging.StructlogFormatter()


def _as_ecs(_logger: object, method: str, event: structlog.typing.EventDict) -> str:
    line: str = _ECS(None, method, dict(event))
    return line


def _of(service: str) -> structlog.typing.Processor:
    def name(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("service.name", service)
        return event

    return name
