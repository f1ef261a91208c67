"""Asks again when a service was away for a moment: queries only, never beyond the deadline, and never in a storm.

A service that is down for all its clients is not helped by twice as many requests. So retries are paid from a budget:

    may be retried within `ttl`  =  min_per_second * ttl  +  retry_percent * requests within `ttl`
                                    (for quiet hours)        (a share of what would have been sent anyway)

Between attempts lies a pause that doubles, a random part of it, so that clients that failed together don't come back
together. A service that says itself when it wants to be asked again (Retry-After) is believed, or not asked at all when
that is too late.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from router.executor.transport import Answer, Carrier, SubgraphRequest, TransportFailure

Sleep = Callable[[float], Awaitable[None]]

STATUSES = frozenset({429, 502, 503, 504})
"""What says "not now": everything else would be said again."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, after which pause, and how many of all requests."""

    attempts: int = 1
    first_pause_seconds: float = 0.05
    longest_pause_seconds: float = 2.0
    min_per_second: float = 10
    retry_percent: float = 0.2
    ttl_seconds: float = 10.0


class Budget:
    """What may be retried; counted in slots of a second."""

    def __init__(self, policy: RetryPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._slots: deque[list[int]] = deque()  # [second, requests, retries]

    def requested(self) -> None:
        """Count a request, of which a share may be retried."""
        self._slot()[1] += 1

    def take(self) -> bool:
        """Take one retry; False when the budget is spent."""
        now = self._slot()
        requests = sum(slot[1] for slot in self._slots)
        retries = sum(slot[2] for slot in self._slots)
        policy = self._policy
        allowed = policy.min_per_second * policy.ttl_seconds + policy.retry_percent * requests
        if retries + 1 > allowed:
            return False
        now[2] += 1
        return True

    def _slot(self) -> list[int]:
        second = int(self._clock())
        while self._slots and self._slots[0][0] <= second - self._policy.ttl_seconds:
            self._slots.popleft()
        if not self._slots or self._slots[-1][0] != second:
            self._slots.append([second, 0, 0])
        return self._slots[-1]


class Retried:
    """A layer that asks again."""

    def __init__(
        self,
        inner: Carrier,
        policy: RetryPolicy,
        budget: Budget,
        observe: Callable[[str, str], None],
        *,
        sleep: Sleep = asyncio.sleep,
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self.budget = budget
        self._observe = observe
        self._sleep = sleep
        self._roll = roll

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Send it until it works, until it's no use, or until there is no time left."""
        if not request.is_query:
            return await self._inner.carry(request, deadline)
        self.budget.requested()
        return await self._attempts(request, deadline, await self._attempt(request, deadline))

    async def carry_on(self, request: SubgraphRequest, deadline: float, first: Answer | TransportFailure) -> Answer:
        """Go on after a first attempt that somebody else has made, and paid for."""
        return await self._attempts(request, deadline, first)

    async def _attempts(self, request: SubgraphRequest, deadline: float, came: Answer | TransportFailure) -> Answer:
        for attempt in range(self._policy.attempts):
            pause = self._wished(came, attempt)
            if pause is None or not self._may_wait(pause, deadline):
                break
            self._observe(request.service, "retried")
            await self._sleep(pause)
            came = await self._attempt(request, deadline)
        if isinstance(came, TransportFailure):
            raise came
        return came

    async def _attempt(self, request: SubgraphRequest, deadline: float) -> Answer | TransportFailure:
        try:
            return await self._inner.carry(request, deadline)
        except TransportFailure as failure:
            return failure

    def _wished(self, came: Answer | TransportFailure, attempt: int) -> float | None:
        """After which pause to ask again; None for what would be said again."""
        if isinstance(came, TransportFailure):
            return self._pause(attempt) if came.may_pass else None
        if came.status not in STATUSES:
            return None
        wished = retry_after(came, time.time())
        return self._pause(attempt) if wished is None else wished

    def _pause(self, attempt: int) -> float:
        policy = self._policy
        return min(policy.longest_pause_seconds, policy.first_pause_seconds * 2.0**attempt) * self._roll()

    def _may_wait(self, pause: float, deadline: float) -> bool:
        return asyncio.get_running_loop().time() + pause < deadline and self.budget.take()


def retry_after(answer: Answer, now: float) -> float | None:
    """Return for how many seconds a service doesn't want to be asked; None when it did not say."""
    said = next((value for name, value in answer.headers if name == "retry-after"), None)
    if said is None:
        return None
    if said.strip().isdecimal():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - now)
    except (ValueError, OverflowError):
        return None
