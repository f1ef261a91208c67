"""Puts the cache of subgraphs' answers together from the settings: where it lies, by which rules, what is counted.

How an operation goes past it stands in `executor/caching/cached.py`; what takes entries away in `cache_invalidation.py` (over
HTTP) and `cache_events.py` (domain events).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Final

from opentelemetry.metrics import Meter, Observation
from starlette.datastructures import Headers

from router.executor.caching.cache_control import wish
from router.executor.caching.cached import Asker, Cached, Event, Kept, Rule
from router.executor.caching.declared import Declared
from router.executor.caching.entries import Store
from router.executor.caching.memory_store import MemoryStore
from router.executor.caching.redis_store import RedisStore
from router.server.cache_events import Inside, Listener
from router.server.config import Misconfigured, RouterConfig
from router.server.config.response_cache import ResponseCache as Settings

DEBUGGING: Final = "apollo-cache-debugging"
EXTENSION: Final = "apolloCacheDebugging"


class CacheMetrics:
    """How often something was there, and what became of it."""

    def __init__(self, meter: Meter) -> None:
        prefix = "apollo.router.response_cache"
        self._counts = {
            "hit": meter.create_counter(f"{prefix}.hits", "1", "Answers and entities that were kept."),
            "miss": meter.create_counter(f"{prefix}.misses", "1", "Answers and entities that had to be fetched."),
            "stored": meter.create_counter(f"{prefix}.stored", "1", "Answers and entities that are kept now."),
        }
        self._evicted = meter.create_counter(f"{prefix}.evictions", "1", "Entries that had to make room.")
        self._invalidations = meter.create_counter(
            f"{prefix}.invalidations", "1", "Times that something was invalidated."
        )
        self._invalidated = meter.create_counter(f"{prefix}.invalidated", "1", "Entries that were invalidated.")
        self._meter, self._prefix = meter, prefix

    def watch(self, store: MemoryStore) -> None:
        """Show how much is kept; Redis shows that itself."""
        self._meter.create_observable_gauge(
            f"{self._prefix}.size", [lambda _: [Observation(store.bytes)]], "By", "Bytes that are kept."
        )
        self._meter.create_observable_gauge(
            f"{self._prefix}.entries", [lambda _: [Observation(len(store))]], "1", "Entries that are kept."
        )

    def count(self, service: str, of: str, event: Event, number: int) -> None:
        """Count what a fetch found or left."""
        self._counts[event].add(number, {"subgraph.name": service, "graphql.type.name": of})

    def evicted(self, number: int) -> None:
        """Count entries that had to make room."""
        self._evicted.add(number)

    def invalidated(self, kind: str, number: int) -> None:
        """Count an invalidation and the entries that it took."""
        self._invalidations.add(1, {"kind": kind})
        self._invalidated.add(number, {"kind": kind})


class ResponseCache:
    """The cache of one router."""

    def __init__(
        self,
        config: RouterConfig,
        meter: Meter,
        declared: Callable[[], Declared | None],
        events_inside: Inside | None = None,
    ) -> None:
        self.settings: Settings = config.response_cache
        self.declared = declared
        """What the supergraph that is served now says."""
        self.metrics = CacheMetrics(meter)
        self.store = self._store(config)
        self._listener = self._listening(events_inside)
        self._rules: dict[str, Rule] = {}
        self._changed_later = bool(config.hooks)
        """Whether hooks may change answers, so that clients can't be told how long they are good for."""

    def _listening(self, inside: Inside | None) -> Listener | None:
        events = self.settings.events
        if events.url is None:
            return None
        if events.is_inside:
            if inside is None:
                raise Misconfigured("response_cache.events.url: there is no broker in this process; say amqp://host/")
            return Listener(events, self, inside)
        if find_spec("aio_pika") is None:
            raise Misconfigured("response_cache.events needs aio-pika: install the extra `events`")
        return Listener(events, self)

    def _store(self, config: RouterConfig) -> Store:
        settings = self.settings
        if settings.storage == "memory":
            store = MemoryStore(settings.memory.limit, evicted=self.metrics.evicted)
            self.metrics.watch(store)
            return store
        url = settings.redis.url or config.redis.url
        if url is None:
            raise Misconfigured("response_cache.redis.url: it must be said where Redis is, there or in redis.url")
        redis = settings.redis
        try:
            return RedisStore(
                url.get_secret_value(),
                timeout_seconds=redis.timeout,
                retry_seconds=redis.retry,
                namespace=redis.namespace,
            )
        except ValueError as fault:
            raise Misconfigured(f"response_cache.redis.url: {fault}") from fault

    def usable(self) -> bool:
        """Whether what is kept may be believed: not while what would invalidate it can't be heard."""
        return self._listener is None or self._listener.hears

    def kept(self, declared: Declared) -> Kept:
        """What is kept of one supergraph's services."""
        return Kept(self.store, declared, self._rule, self.metrics.count, self.usable)

    def _rule(self, service: str) -> Rule:
        known = self._rules.get(service)
        if known is None:
            own = self.settings.subgraph.of(service)
            known = Rule(own.enabled is not False, own.ttl or self.settings.redis.ttl, shared_by=own.shared_by)
            if own.private_id is not None:
                known = replace(known, private_id=own.private_id)
            self._rules[service] = known
        return known

    def cached(
        self, kept: Kept, headers: Headers, asker: Callable[[str], Asker], extensions: MutableMapping[str, Any]
    ) -> Cached:
        """Return what one operation goes through; a developer who asks is told what it found."""
        wanted = wish(headers.getlist("cache-control"), headers.get("pragma", ""))
        decisions: list[dict[str, Any]] | None = None
        if self.settings.debug and headers.get(DEBUGGING) == "true":
            decisions = []
            extensions[EXTENSION] = {"version": "1.0", "data": decisions}
        asked: dict[str, Asker] = {}

        def asker_of(service: str) -> Asker:
            if service not in asked:
                asked[service] = asker(service)
            return asked[service]

        cached = Cached(kept, asker_of, wanted, decisions=decisions)
        if self._changed_later:
            cached.freshness.spoil()
        return cached

    async def invalidate(self, kind: str, tags: Collection[str]) -> int:
        """Drop what has one of these tags; raises `StoreAway`."""
        gone = await self.store.invalidate(tags)
        self.metrics.invalidated(kind, gone)
        return gone

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hear events, and close connections at the end."""
        try:
            if self._listener is None:
                yield
            else:
                async with self._listener.running():
                    yield
        finally:
            await self.store.close()
