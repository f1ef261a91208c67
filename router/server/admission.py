"""Too many at once are refused at once: a queue without end answers everybody too late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from router.server.config.overload import Overload
from router.server.refusals import Refused


class Admission:
    """Counts the operations at work, on every wire.

    Bodies that are still on their way don't count, or slow clients would fill the house; nor do subscriptions between their events.
    """

    def __init__(self, settings: Overload) -> None:
        self._settings = settings
        self._at_work = 0

    @property
    def has_place(self) -> bool:
        """Whether there is a place now."""
        return self._at_work < self._settings.concurrent_requests

    def refusal(self) -> Refused:
        """What is said when there is none."""
        retry = {"retry-after": str(self._settings.retry_after_seconds)}
        return Refused("REQUEST_CONCURRENCY_LIMITED", "Your request has been concurrency limited.", headers=retry)

    def check(self) -> None:
        """Raise `Refused` when there is no place now: the sooner it's said, the less it costs."""
        if not self.has_place:
            raise self.refusal()

    def enter(self) -> None:
        """Take a place for one request; raises `Refused` when there is none."""
        self.check()
        self._at_work += 1

    def leave(self) -> None:
        """Give the place back."""
        self._at_work -= 1

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a place during the block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def until(self, work: asyncio.Future[Any]) -> None:
        """Keep a place for work that goes on when the first part of its answer is on its way."""
        if not work.done():
            self._at_work += 1
            work.add_done_callback(self._left)

    def _left(self, _work: asyncio.Future[Any]) -> None:
        self._at_work -= 1
