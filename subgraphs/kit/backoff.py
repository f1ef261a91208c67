"""How long to wait before trying again, and the loop that does not give up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, bounded, with full jitter: many that failed at the same moment do not come back at the same moment."""

    first_seconds: float = 0.1
    most_seconds: float = 10.0

    def seconds(self, attempt: int) -> float:
        """How long to wait after failure number `attempt`, which counts from 1."""
        ceiling = min(self.first_seconds * 2.0 ** min(attempt - 1, 32), self.most_seconds)
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


async def insist(name: str, attempt: Callable[[], Awaitable[None]], *, backoff: Backoff) -> None:
    """Run `attempt` for ever: when it fails, say so, wait, and start it again; only cancelling ends it.

    An attempt that lasted longer than the longest wait was healthy, so the next failure counts as the first.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        began = loop.time()
        try:
            await attempt()
        except Exception as error:  # noqa: BLE001 - whatever it was: the facts wait in the database, so go on
            leave_if_cancelled()
            failures = 1 if loop.time() - began > backoff.most_seconds else failures + 1
            wait = backoff.seconds(failures)
            log.warning(
                "loop.interrupted", loop=name, failures=failures, wait_seconds=round(wait, 3), error=repr(error)
            )
            await asyncio.sleep(wait)


def leave_if_cancelled() -> None:
    """End what was told to end: clients of brokers turn a cancellation into an error of the connection that it interrupted."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
