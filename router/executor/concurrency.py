"""How many requests a service gets at the same time: as many as it takes well, found out by trying.

Additive increase, multiplicative decrease, as TCP finds its rate: while answers come and the limit is in use, it grows by
one for each round of answers; when the service is overloaded (no answer in time, 429, 503) it shrinks by a tenth. What is
above it waits in line, in order and no longer than its deadline; a line that is too long is no line any more but a crash
that takes longer, so what comes after it is refused at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from router.executor.transport import Answer, Carrier, SubgraphRequest, TimedOut, TransportFailure

_OVERLOADED = frozenset({429, 503})
_SHRINK = 0.9


@dataclass(frozen=True, slots=True)
class ConcurrencyPolicy:
    """Where the limit begins, between which it moves, and how many may wait."""

    initial: int = 50
    least: int = 4
    most: int = 200
    waiting: int = 1000


class Crowded(TransportFailure):
    """Too many requests wait for the service already."""

    code = "SUBGRAPH_CONCURRENCY_LIMITED"


class Limiter:
    """The line in front of one service."""

    def __init__(self, policy: ConcurrencyPolicy) -> None:
        self._policy = policy
        self.limit = float(policy.initial)
        self.at_work = 0
        self._line: deque[asyncio.Future[None]] = deque()

    def enter_now(self) -> bool:
        """Take a place if there is one."""
        if self.at_work < int(self.limit) and not self._line:
            self.at_work += 1
            return True
        return False

    async def enter(self) -> None:
        """Wait for a place; raises `Crowded` when too many do."""
        if self.enter_now():
            return
        if len(self._line) >= self._policy.waiting:
            raise Crowded("too many requests are waiting for the service")
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._line.remove(place)
            else:
                self.leave()  # it was our turn in the moment in which we left
            raise

    def leave(self) -> None:
        """Give the place to the next one."""
        self.at_work -= 1
        while self._line and self.at_work < int(self.limit):
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                self.at_work += 1

    def settle(self, outcome: Answer | TransportFailure) -> None:
        """Give the place to the next one, having learned from what came of it."""
        if isinstance(outcome, TransportFailure):
            if isinstance(outcome, TimedOut):
                self.overloaded()
        elif outcome.status in _OVERLOADED:
            self.overloaded()
        else:
            self.answered()
        self.leave()

    def answered(self) -> None:
        """Grow while the limit is what holds us back."""
        if self.at_work * 2 >= self.limit:
            self.limit = min(float(self._policy.most), self.limit + 1 / self.limit)

    def overloaded(self) -> None:
        """Shrink."""
        self.limit = max(float(self._policy.least), self.limit * _SHRINK)


class Queued:
    """A layer that lets through what the service can take."""

    def __init__(self, inner: Carrier, limiter: Limiter, observe: Callable[[str, str], None]) -> None:
        self._inner = inner
        self._limiter = limiter
        self._observe = observe

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Wait for a place, then send."""
        try:
            if not self._limiter.enter_now():
                async with asyncio.timeout_at(deadline):
                    await self._limiter.enter()
        except TimeoutError:
            raise TimedOut("waited for its turn until the deadline") from None
        except Crowded:
            self._observe(request.service, "crowded")
            raise
        try:
            answer = await self._inner.carry(request, deadline)
        except TransportFailure as failure:
            self._limiter.settle(failure)
            raise
        except BaseException:
            self._limiter.leave()
            raise
        self._limiter.settle(answer)
        return answer
