"""How a line of the log is written: ECS JSON, quickly, since every request writes one.

The library for it (`ecs-logging`) walks each line several times and costs as much as the rest of a small request; the
lines of other libraries, which are few, still go through it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final

import ecs_logging
import orjson
import structlog

VERSION: Final = "1.6.0"
_MOMENT_SECONDS: Final = 0.005
_MOST_WAITING: Final = 200


def line(_logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    """Render an event: `a.b` becomes an object `a` with a key `b`, as ECS has it; never fails for a value."""
    flat = {"@timestamp": datetime.now(UTC), "log.level": method, "message": event.pop("event")}
    exception = event.pop("exception", None)
    if exception is not None:
        flat["error.stack_trace"] = exception
    flat |= event
    return orjson.dumps(
        {**_nested(_shape(tuple(flat)), list(flat.values())), "ecs.version": VERSION},
        default=str,
        option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS,
    )


_Shape = tuple[tuple[str, "int | _Shape"], ...]
"""The keys of an object, each with the number of its value among all, or with an object of its own."""


@lru_cache(maxsize=512)
def _shape(keys: tuple[str, ...]) -> _Shape:
    """Find out which objects dotted names open; there are few combinations of names, and each comes many times."""
    whole: dict[str, Any] = {}
    for number, key in enumerate(keys):
        *outer, inner = key.split(".")
        place = whole
        for step in outer:
            below = place.setdefault(step, {})
            if not isinstance(below, dict):
                below = place[step] = {"value": below}
            place = below
        place[inner] = number
    return _frozen(whole)


def _frozen(shape: dict[str, Any]) -> _Shape:
    return tuple((key, _frozen(of) if isinstance(of, dict) else of) for key, of in shape.items())


def _nested(shape: _Shape, values: list[Any]) -> dict[str, Any]:
    return {key: values[of] if of.__class__ is int else _nested(of, values) for key, of in shape}  # type: ignore[arg-type]


class Sink:
    """Where lines go: at once, or a moment later together with others, which saves a call to the kernel for each."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self._lock = threading.Lock()
        atexit.register(self.flush)

    def msg(self, line: bytes) -> None:
        """Write a line, and before it all that wait."""
        with self._lock:
            self._waiting.append(line)
        self.flush()

    debug = info = warning = error = critical = fatal = exception = log = msg

    def soon(self, line: bytes) -> None:
        """Write a line a moment later."""
        with self._lock:
            self._waiting.append(line)
            waiting = len(self._waiting)
        if waiting == 1:
            asyncio.get_running_loop().call_later(_MOMENT_SECONDS, self.flush)
        elif waiting >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            if self._waiting:
                lines, self._waiting = self._waiting, []
                self._file.write(b"\n".join((*lines, b"")))
                self._file.flush()


_sinks: list[Sink] = []
"""Where this process writes information to, once `configure` has said so."""


def sink() -> Sink | None:
    """Where a line may go without a detour; None where this is not the log of this process.

    For what every request writes: the detour through processors takes longer than the line itself.
    """
    return _sinks[0] if _sinks else None


def configure(*, level: int = logging.INFO) -> None:
    """Write every log of this process as a line of ECS JSON to standard error; for `__main__` only."""
    sink = Sink(sys.stderr.buffer)
    _sinks[:] = [sink] if level <= logging.INFO else []
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, line],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ecs_logging.StdlibFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
