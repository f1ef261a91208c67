"""Windows that slide: how much somebody did in the last minute, exactly, here or shared through Redis.

    ────┬──────────────── window ────────────────┬───► time
        └ what is older does not count           now

What was done is kept by the millisecond with its weight, and the sum beside it, so that a request costs what it adds and what
falls out of the window, and never a walk over the whole minute. In Redis a script does the same in one step, by Redis' own
clock: replicas need not agree on the time.

When Redis is away, everybody counts for themselves: what this replica let through is known here too, so nobody gets a
second minute because of it. While it stays away, it's asked again only now and then; nobody waits for it twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from router.later import later
from router.server.lru import Recent

if TYPE_CHECKING:
    import redis.asyncio as aioredis
    import redis.asyncio.retry as redis_retry
    import redis.backoff as redis_backoff
    import redis.exceptions as redis_errors
else:
    aioredis, redis_errors = later("redis.asyncio"), later("redis.exceptions")
    redis_retry, redis_backoff = later("redis.asyncio.retry"), later("redis.backoff")

log = structlog.get_logger(__name__)

_MOST_KEYS: Final = 100_000

_SCRIPT: Final = """
local window, limit, weight = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local sum = tonumber(redis.call('HGET', KEYS[2], 'sum') or '0')
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - window)
for _, at in ipairs(gone) do
  sum = sum - tonumber(redis.call('HGET', KEYS[2], at) or '0')
  redis.call('HDEL', KEYS[2], at)
end
if #gone > 0 then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window) end
local passes = sum + weight <= limit
if passes then
  local at = string.format('%.0f', now)
  redis.call('ZADD', KEYS[1], now, at)
  redis.call('HINCRBY', KEYS[2], at, weight)
  sum = sum + weight
end
redis.call('HSET', KEYS[2], 'sum', sum)
redis.call('PEXPIRE', KEYS[1], window + 1000)
redis.call('PEXPIRE', KEYS[2], window + 1000)
local needed, freed, index, wait = sum + weight - limit, 0, 0, window
if passes then needed = 1 end
while freed < needed do
  local at = redis.call('ZRANGE', KEYS[1], index, index)[1]
  if not at then wait = window break end
  freed = freed + tonumber(redis.call('HGET', KEYS[2], at) or '0')
  wait = tonumber(at) + window - now
  index = index + 1
end
return {passes and 1 or 0, limit - sum, wait}
"""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Verdict:
    """Whether something passes, how much is left, and after how many seconds there is room (or more of it)."""

    passes: bool
    left: int
    seconds: int


class Windows(Protocol):
    """Counts in windows that slide."""

    async def take(self, key: str, limit: int, window_seconds: float, weight: int = 1) -> Verdict:
        """Count, unless it would be too much."""


@dataclass(slots=True)
class _Window:
    entries: deque[list[int]] = field(default_factory=deque)  # [millisecond, weight]
    sum: int = 0


class LocalWindows:
    """Counts in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: Recent[str, _Window] = Recent(_MOST_KEYS)

    async def take(self, key: str, limit: int, window_seconds: float, weight: int = 1) -> Verdict:
        """Count, unless it would be too much."""
        return self.take_now(key, limit, window_seconds, weight)

    async def close(self) -> None:
        """Nothing is open."""

    def take_now(self, key: str, limit: int, window_seconds: float, weight: int = 1) -> Verdict:
        """Do the same without waiting for anybody."""
        now, length = int(self._clock() * 1000), int(window_seconds * 1000)
        window = self._window(key, now - length)
        passes = window.sum + weight <= limit
        if passes:
            self._add(window, now, weight)
        needed = 1 if passes else window.sum + weight - limit
        return Verdict(passes, max(0, limit - window.sum), _seconds(_wait(window, needed, now, length)))

    def note(self, key: str, window_seconds: float, weight: int) -> None:
        """Count what passed elsewhere."""
        now = int(self._clock() * 1000)
        self._add(self._window(key, now - int(window_seconds * 1000)), now, weight)

    def _window(self, key: str, oldest: int) -> _Window:
        window = self._windows.get(key)
        if window is None:
            window = _Window()
            self._windows.put(key, window)
        while window.entries and window.entries[0][0] <= oldest:
            window.sum -= window.entries.popleft()[1]
        return window

    def _add(self, window: _Window, now: int, weight: int) -> None:
        if window.entries and window.entries[-1][0] == now:
            window.entries[-1][1] += weight
        else:
            window.entries.append([now, weight])
        window.sum += weight


def _wait(window: _Window, needed: int, now: int, length: int) -> int:
    """Return after how many milliseconds so much has left the window."""
    freed = 0
    for at, weight in window.entries:
        freed += weight
        if freed >= needed:
            return at + length - now
    return length


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000) or 1


class SharedWindows:
    """Counts in Redis, for all replicas; here when Redis is away."""

    def __init__(
        self, url: str, *, timeout_seconds: float, away_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis: aioredis.Redis = aioredis.Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=redis_retry.Retry(redis_backoff.NoBackoff(), 0),  # the next request is soon enough
        )
        self._script = self._redis.register_script(_SCRIPT)
        self._timeout = timeout_seconds
        self._away = away_seconds
        self._clock = clock
        self._ask_again_at = float("-inf")
        self._local = LocalWindows(clock)

    async def take(self, key: str, limit: int, window_seconds: float, weight: int = 1) -> Verdict:
        """Count, unless it would be too much."""
        if self._clock() >= self._ask_again_at:
            try:
                verdict = await self._shared(key, limit, window_seconds, weight)
            except (redis_errors.RedisError, OSError, TimeoutError) as fault:
                self._ask_again_at = self._clock() + self._away
                log.warning("redis.away", reason=type(fault).__name__)
            else:
                if verdict.passes:
                    self._local.note(key, window_seconds, weight)
                return verdict
        return self._local.take_now(key, limit, window_seconds, weight)

    async def _shared(self, key: str, limit: int, window_seconds: float, weight: int) -> Verdict:
        # One slot of a cluster for both, and nothing of the caller in the name.
        name = f"psa:window:{{{hashlib.sha256(key.encode()).hexdigest()[:32]}}}"
        arguments: list[Any] = [int(window_seconds * 1000), limit, weight]
        async with asyncio.timeout(self._timeout):
            passes, left, wait = await self._script(keys=[f"{name}:at", f"{name}:weight"], args=arguments)
        return Verdict(bool(passes), max(0, int(left)), _seconds(int(wait)))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
