"""Entries in a Redis that several routers share: what one invalidates is gone for all.

    psa:{cache}:e:<key>     an entry; it ends by itself
    psa:{cache}:t:<tag>     the keys of the entries that have the tag, by when they end
    psa:{cache}:v:<tag>     when the tag was invalidated last, counted by
    psa:{cache}:now         which begins where Redis' clock stands, so that it never runs again over what it has counted before

All of them lie in one slot, and each step is one script, so that nobody comes between. While Redis is away there is nothing
here: everything is fetched. What was to be invalidated meanwhile is remembered and done before anything is read again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from router.executor.caching.entries import EVERYTHING, LONGEST_FETCH_SECONDS, Entry, Look, StoreAway
from router.later import later

if TYPE_CHECKING:
    import redis.asyncio as aioredis
    import redis.asyncio.retry as redis_retry
    import redis.backoff as redis_backoff
    import redis.exceptions as redis_errors
else:
    aioredis, redis_errors = later("redis.asyncio"), later("redis.exceptions")
    redis_retry, redis_backoff = later("redis.asyncio.retry"), later("redis.backoff")

T = TypeVar("T")

log = structlog.get_logger(__name__)

_REMEMBERED_SECONDS: Final = 2 * LONGEST_FETCH_SECONDS
_MOST_PENDING: Final = 10_000

_NOW: Final = """
local function now()
  local at = redis.call('GET', KEYS[1])
  if at then return tonumber(at) end
  local clock = redis.call('TIME')
  at = clock[1] * 1000000 + clock[2]
  redis.call('SET', KEYS[1], string.format('%.0f', at))
  redis.call('SET', KEYS[1] .. ':begun', string.format('%.0f', at))
  return at
end
"""

_LOOK: Final = (
    _NOW
    + """
local at = string.format('%.0f', now())
if #KEYS == 1 then return {at} end
local found = redis.call('MGET', unpack(KEYS, 2))
table.insert(found, 1, at)
return found
"""
)

# KEYS: now, the entry, then for each tag its keys and its moment. ARGV: mark, the entry, when it ends and now in ms.
_PUT: Final = (
    _NOW
    + """
local mark = tonumber(ARGV[1])
now()
if tonumber(redis.call('GET', KEYS[1] .. ':begun') or '0') > mark then return 0 end
for i = 3, #KEYS, 2 do
  local at = redis.call('GET', KEYS[i + 1])
  if at and tonumber(at) > mark then return 0 end
end
local ends, left = tonumber(ARGV[3]), tonumber(ARGV[3]) - tonumber(ARGV[4])
if left <= 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', left)
for i = 3, #KEYS, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[4])
  redis.call('ZADD', KEYS[i], ends, KEYS[2])
  if redis.call('PTTL', KEYS[i]) < left then redis.call('PEXPIRE', KEYS[i], left) end
end
return 1
"""
)

# KEYS: now, then for each tag its keys and its moment. ARGV: how long the moments are remembered.
_INVALIDATE: Final = (
    _NOW
    + """
local at = string.format('%.0f', now() + 1)
redis.call('SET', KEYS[1], at)
local gone = 0
for i = 2, #KEYS, 2 do
  for _, key in ipairs(redis.call('ZRANGE', KEYS[i], 0, -1)) do gone = gone + redis.call('UNLINK', key) end
  redis.call('DEL', KEYS[i])
  redis.call('SET', KEYS[i + 1], at, 'EX', ARGV[1])
end
return gone
"""
)


class RedisStore:
    """Keeps entries in Redis; `retry_seconds` is how long it's left alone after a failure."""

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float,
        retry_seconds: float,
        namespace: str = "psa",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis: aioredis.Redis = aioredis.Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=redis_retry.Retry(redis_backoff.NoBackoff(), 0),  # what's asked next is soon enough
        )
        self._look, self._put, self._invalidate = map(self._redis.register_script, (_LOOK, _PUT, _INVALIDATE))
        self._timeout = timeout_seconds
        self._retry = retry_seconds
        self._clock = clock
        self._prefix = f"{namespace}:{{cache}}"
        self._ask_again_at = float("-inf")
        self._pending: set[str] = set()
        """Tags that could not be invalidated yet."""

    async def look(self, keys: Sequence[str]) -> Look:
        """Return what there is; nothing while Redis is away."""
        if time.monotonic() < self._ask_again_at:
            return Look({}, None)
        try:
            if self._pending:
                await self._invalidate_now(tuple(self._pending))
            names = [self._key("now"), *(self._key("e", key) for key in keys)]
            mark, *values = await self._tried(self._look(keys=names))
        except StoreAway:
            return Look({}, None)
        now = self._clock()
        decoded = {key: Entry.decoded(value) for key, value in zip(keys, values, strict=True) if value is not None}
        found = {key: entry for key, entry in decoded.items() if entry is not None and entry.ends_at > now}
        return Look(found, int(mark))

    async def put(self, mark: int, entries: Mapping[str, Entry]) -> int:
        """Keep what nobody has invalidated since the mark; nothing while Redis is away."""
        if self._pending or time.monotonic() < self._ask_again_at:
            return 0
        now = int(self._clock() * 1000)
        pipe = self._redis.pipeline(transaction=False)
        for key, entry in entries.items():
            names = [self._key("now"), self._key("e", key), *self._of_tags(entry.tags)]
            given: list[Any] = [mark, entry.encoded(), int(entry.ends_at * 1000), now]
            await self._put(keys=names, args=given, client=pipe)
        try:
            return sum(map(int, await self._tried(pipe.execute())))
        except StoreAway:
            return 0

    async def invalidate(self, tags: Collection[str]) -> int:
        """Drop every entry with one of these tags; what can't be done now is done before the next look."""
        wanted = self._pending | set(tags)
        # More than can be remembered is everything.
        self._pending = wanted if len(wanted) <= _MOST_PENDING else {EVERYTHING}
        return await self._invalidate_now(tuple(self._pending))

    async def _invalidate_now(self, tags: Sequence[str]) -> int:
        names = [self._key("now"), *self._of_tags(tags)]
        gone = int(await self._tried(self._invalidate(keys=names, args=[_REMEMBERED_SECONDS])))
        self._pending -= set(tags)
        return gone

    def _of_tags(self, tags: Collection[str]) -> list[str]:
        return [self._key(kind, tag) for tag in tags for kind in ("t", "v")]

    def _key(self, kind: str, of: str = "") -> str:
        # Nothing of what is kept stands in a name: tags hold keys of entities.
        return (
            f"{self._prefix}:{kind}:{hashlib.sha256(of.encode()).hexdigest()[:40]}" if of else f"{self._prefix}:{kind}"
        )

    async def _tried(self, asking: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await asking
        except (redis_errors.RedisError, OSError, TimeoutError) as fault:
            self._ask_again_at = time.monotonic() + self._retry
            log.warning("cache.redis_away", reason=type(fault).__name__)
            raise StoreAway(type(fault).__name__) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
