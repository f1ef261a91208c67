"""Automatic persisted queries: the texts that clients sent along with their hashes, in memory and in Redis.

Memory is asked first; Redis is what another router's clients taught it. While Redis is away we go on with what we have,
and ask it again after a while instead of waiting for it at every request.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from router.later import later
from router.server.config.persisted import Apq
from router.server.config.redis import RedisSettings
from router.server.lru import Recent

if TYPE_CHECKING:
    import redis.asyncio as aioredis
    import redis.exceptions as redis_errors
else:
    aioredis, redis_errors = later("redis.asyncio"), later("redis.exceptions")

log = structlog.get_logger(__name__)

_PREFIX: Final = "psa:apq:"
T = TypeVar("T")


class Texts:
    """Texts by their SHA-256."""

    def __init__(self, settings: Apq, redis: RedisSettings) -> None:
        self._kept: Recent[str, str] = Recent(settings.entries, weight=settings.bytes)
        self._ttl = int(settings.ttl_seconds)
        self._retry_seconds = redis.retry_seconds
        self._away_until = 0.0
        self._redis = _client(redis) if settings.redis and redis.url is not None else None

    async def get(self, digest: str) -> str | None:
        """Return a text that was kept, here or in Redis."""
        text = self._kept.get(digest)
        if text is None and self._reachable is not None:
            found = await self._tried(self._reachable.getex(_PREFIX + digest, ex=self._ttl))
            if isinstance(found, bytes):
                text = found.decode()
                self._kept.put(digest, text, len(text))
        return text

    async def put(self, digest: str, text: str) -> None:
        """Keep a text."""
        known = self._kept.get(digest) is not None
        self._kept.put(digest, text, len(text))
        if not known and self._reachable is not None:
            await self._tried(self._reachable.set(_PREFIX + digest, text, ex=self._ttl))

    @property
    def _reachable(self) -> aioredis.Redis | None:
        return self._redis if time.monotonic() >= self._away_until else None

    async def _tried(self, asking: Awaitable[T]) -> T | None:
        try:
            return await asking
        except (redis_errors.RedisError, OSError) as fault:
            self._away_until = time.monotonic() + self._retry_seconds
            log.warning("apq.redis_away", reason=type(fault).__name__)
            return None

    async def close(self) -> None:
        """Close the connections."""
        if self._redis is not None:
            await self._redis.aclose()


def _client(settings: RedisSettings) -> Any:
    url = settings.url.get_secret_value() if settings.url else ""
    seconds = settings.timeout_seconds
    return aioredis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)
