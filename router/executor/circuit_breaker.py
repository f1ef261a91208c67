"""Leaves a service alone that keeps failing, so that nobody waits for it in vain and it can get up again.

    closed ──(share of failures ≥ error_threshold, of at least volume_threshold requests)──► open
    open ──(after reset_timeout)──► half open ──(half_open_attempts successes)──► closed
                                        │
                                        └──(one failure)──► open

While it's open, requests are refused at once; half open, no more than `half_open_attempts` go at the same time. A failure
is an answer that did not come, or one whose status says that the service is broken. A client that left is none.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from router.executor.transport import Answer, Carrier, Malformed, SubgraphRequest, TransportFailure

_WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When to open, and when to try again."""

    error_threshold: float = 0.5
    volume_threshold: int = 5
    reset_timeout_seconds: float = 30.0
    half_open_attempts: int = 10
    error_statuses: frozenset[int] = frozenset(range(500, 600))


class CircuitOpen(TransportFailure):
    """The service failed too often; it's left alone for a while."""

    code = "SUBGRAPH_CIRCUIT_BREAKER_REJECTED"


class State(Enum):
    """Whether requests pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """The switch itself: told of successes and failures, it says who may pass."""

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self.state = State.CLOSED
        self._recent: deque[tuple[float, bool]] = deque()
        self._opened_at = 0.0
        self._trying = 0
        self._succeeded = 0

    def admit(self) -> bool:
        """Let a request pass, or not; who passed has to come back with `succeeded`, `failed` or `left`."""
        if self.state is State.OPEN:
            if self._clock() - self._opened_at < self._policy.reset_timeout_seconds:
                return False
            self.state, self._trying, self._succeeded = State.HALF_OPEN, 0, 0
        if self.state is State.HALF_OPEN and self._trying >= self._policy.half_open_attempts:
            return False
        self._trying += 1
        return True

    def succeeded(self) -> None:
        """Note an answer."""
        self.left()
        if self.state is State.HALF_OPEN:
            self._succeeded += 1
            if self._succeeded >= self._policy.half_open_attempts:
                self.state = State.CLOSED
                self._recent.clear()
        elif self.state is State.CLOSED:
            self._note(failed=False)

    def failed(self) -> None:
        """Note a failure."""
        self.left()
        if self.state is State.HALF_OPEN:
            self._open()
        elif self.state is State.CLOSED:
            self._note(failed=True)
            failures = sum(failed for _, failed in self._recent)
            enough = len(self._recent) >= self._policy.volume_threshold
            if enough and failures / len(self._recent) >= self._policy.error_threshold:
                self._open()

    def left(self) -> None:
        """Note that nobody waits for the answer any more."""
        self._trying = max(0, self._trying - 1)

    def _note(self, *, failed: bool) -> None:
        now = self._clock()
        self._recent.append((now, failed))
        while self._recent[0][0] < now - _WINDOW_SECONDS:
            self._recent.popleft()

    def _open(self) -> None:
        self.state, self._opened_at = State.OPEN, self._clock()
        self._recent.clear()


class Guarded:
    """A layer that asks the breaker first."""

    def __init__(
        self, inner: Carrier, policy: BreakerPolicy, breaker: Breaker, observe: Callable[[str, str], None]
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._breaker = breaker
        self._observe = observe

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Refuse at once while the circuit is open."""
        if not self._breaker.admit():
            self._observe(request.service, "rejected")
            raise CircuitOpen("the service failed too often and is left alone for a while")
        before = self._breaker.state
        try:
            answer = await self._inner.carry(request, deadline)
        except Malformed:
            self._breaker.succeeded()
            raise
        except TransportFailure:
            self._breaker.failed()
            raise
        except BaseException:
            self._breaker.left()
            raise
        else:
            broken = answer.status in self._policy.error_statuses
            (self._breaker.failed if broken else self._breaker.succeeded)()
            return answer
        finally:
            if self._breaker.state is not before:
                self._observe(request.service, self._breaker.state.value)
