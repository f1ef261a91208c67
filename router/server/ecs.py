"""How a line of the log is written: ECS JSON, quickly, since every request writes one.

The library for it (`ecs-logging`) walks each line several times and costs as much as the rest of a small request; the
lines of other libraries, which are few, still go through it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import ecs_logging
import orjson
import structlog

_VERSION: Final = "1.6.0"


def line(_logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    """Render an event: `a.b` becomes an object `a` with a key `b`, as ECS has it; never fails for a value."""
    written: dict[str, Any] = {"@timestamp": datetime.now(UTC), "log": {"level": method}, "message": event.pop("event")}
    exception = event.pop("exception", None)
    if exception is not None:
        written["error"] = {"stack_trace": exception}
    for key, value in event.items():
        outer, inner = _parts(key)
        place = written
        for step in outer:
            below = place.setdefault(step, {})
            if not isinstance(below, dict):
                below = place[step] = {"value": below}
            place = below
        place[inner] = value
    written["ecs.version"] = _VERSION
    return orjson.dumps(written, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


@lru_cache(maxsize=512)
def _parts(key: str) -> tuple[tuple[str, ...], str]:
    *outer, inner = key.split(".")
    return tuple(outer), inner


def configure(*, level: int = logging.INFO) -> None:
    """Write every log of this process as a line of ECS JSON to standard error; for `__main__` only."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, line],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ecs_logging.StdlibFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
