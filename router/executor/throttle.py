"""Sends a service no more than so many requests in any stretch of time; what is beyond it is refused here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from router.executor.transport import Answer, Carrier, SubgraphRequest, TransportFailure


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """So many requests in any interval of this length."""

    capacity: int
    interval_seconds: float


class TooOften(TransportFailure):
    """The service was asked as often as it may be."""

    code = "REQUEST_RATE_LIMITED"


class Throttled:
    """A layer that counts."""

    def __init__(
        self,
        inner: Carrier,
        policy: RatePolicy,
        observe: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._observe = observe
        self._clock = clock
        self._sent: deque[float] = deque()

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Send it, unless there were too many."""
        now = self._clock()
        while self._sent and self._sent[0] <= now - self._policy.interval_seconds:
            self._sent.popleft()
        if len(self._sent) >= self._policy.capacity:
            self._observe(request.service, "throttled")
            raise TooOften("the service is asked as often as it may be")
        self._sent.append(now)
        return await self._inner.carry(request, deadline)
