"""Domain events invalidate what they change: heard on the broker's topic exchange, mapped by the settings.

    ticket.created {subject: Ticket/7, data: {customerId: 3}}
        "ticket.*": {tags: ["ticket-{subject.id}", "customer-{data.customerId}"], types: [Ticket]}
            ─► tags ticket-7 and customer-3, and whatever has a ticket in it

What was not heard can't have been invalidated. So the queue stands first, then everything is dropped, and only then is anything
kept believed; and nothing is as soon as the connection breaks. A value that an event should have and doesn't means that
anything may have changed: all of the rule's subgraphs go. One that is null, or an attribute that is absent because the event
is about no customer for example, means nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from router.executor.caching.declared import Declared
from router.executor.caching.entries import EVERYTHING, StoreAway
from router.executor.caching.tag_formats import Unknown, written
from router.later import later
from router.server.cache_invalidation import of_service, of_tag, of_type
from router.server.config.response_cache import CacheEvents, Mapped

if TYPE_CHECKING:
    import aio_pika
    from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

    from router.server.response_cache import ResponseCache
else:
    aio_pika = later("aio_pika")

log = structlog.get_logger(__name__)

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_AGAIN_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 10.0
_HEARTBEAT_SECONDS: Final = 5
_FAREWELL_SECONDS: Final = 2.0


class _Nobody(Exception):
    """The event is about no such thing."""


def fits(topic: str, kind: str) -> bool:
    """Whether a kind of event belongs to a topic: `*` is one word, `#` any number of them."""
    return _fit(topic.split("."), kind.split("."))


def _fit(topic: list[str], kind: list[str]) -> bool:
    match topic, kind:
        case [], []:
            return True
        case ["#", *rest], _:
            return _fit(rest, kind) or (bool(kind) and _fit(topic, kind[1:]))
        case [word, *rest], [own, *more]:
            return word in ("*", own) and _fit(rest, more)
        case _:
            return False


def tags_of(event: Mapping[str, Any], rules: Mapping[str, Mapped], declared: Declared) -> set[str]:
    """Return what an event invalidates."""
    found: set[str] = set()
    for topic, rule in rules.items():
        if fits(topic, str(event.get("type", ""))):
            for service in rule.subgraphs or sorted(declared.services):
                found.update(_mapped(event, rule, service, declared))
    return found


def _mapped(event: Mapping[str, Any], rule: Mapped, service: str, declared: Declared) -> Iterator[str]:
    for name in rule.types:
        yield from of_type(service, name)
    for text in rule.tags:
        try:
            yield from of_tag(service, _PLACE.sub(lambda place: _value(event, place.group(1)), text), declared)
        except _Nobody:
            continue
        except Unknown as missing:
            log.warning("cache.event_lacks", type=event.get("type"), value=str(missing))
            yield from of_service(service)


def _value(event: Mapping[str, Any], place: str) -> str:
    if place in ("subject.id", "subject.type"):
        kind, slash, own = str(event.get("subject", "")).rpartition("/")
        if not slash:
            raise Unknown(place)
        return own if place == "subject.id" else kind
    first, *steps = place.split(".")
    value: Any = event.get(first)
    for step in steps:
        if not isinstance(value, Mapping) or step not in value:
            raise Unknown(place)
        value = value[step]
    if value is None:
        raise _Nobody
    return written(value)


Inside = Callable[[Sequence[str]], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""A broker in this process: opens a session that hears the events of these kinds, and raises `ConnectionError` at its end."""


class Listener:
    """Hears the events; `hears` is true while none can be missed."""

    def __init__(self, settings: CacheEvents, cache: ResponseCache, inside: Inside | None = None) -> None:
        self._settings = settings
        self._cache = cache
        self._inside = inside
        self.hears = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen during the block."""
        listening = asyncio.create_task(self._listen(), name="cache-events")
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                await (self._connected() if self._inside is None else self._listen_inside(self._inside))
            except self._faults() as fault:
                log.warning("cache.events_unheard", reason=type(fault).__name__)
            finally:
                self.hears = False
            await asyncio.sleep(_AGAIN_SECONDS)

    def _faults(self) -> tuple[type[Exception], ...]:
        """What ends a session, and is no fault of ours."""
        if self._inside is not None:
            return (Exception,)  # whatever it is made of, we come back
        return (OSError, TimeoutError, aio_pika.exceptions.AMQPError, RuntimeError)

    async def _listen_inside(self, inside: Inside) -> None:
        async with inside(tuple(self._settings.invalidate)) as events:
            await self._forget_everything()
            self.hears = True
            async for event in events:
                await self.heard(event)

    async def _connected(self) -> None:
        # Not `connect`, which leaves a connection behind that nobody closes when it is given up half-way.
        connection = aio_pika.Connection(aio_pika.connection.make_url(self._url()))
        try:
            await connection.connect(timeout=_PATIENCE_SECONDS)
            await self._follow(await connection.channel())
        finally:
            self.hears = False
            with contextlib.suppress(OSError, TimeoutError, aio_pika.exceptions.AMQPError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await connection.close()
            await connection.close()  # whatever the broker says to it: what hung is given up by now

    async def _follow(self, channel: AbstractChannel) -> None:
        exchange = await channel.get_exchange(self._settings.exchange, ensure=True)
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        for topic in self._settings.invalidate:
            await queue.bind(exchange, topic)
        await self._forget_everything()
        await self._hear(channel, queue)

    def _url(self) -> str:
        """The address; a connection that is dead without a word is noticed soon, unless it says otherwise."""
        url = self._settings.url.get_secret_value() if self._settings.url else ""
        if "heartbeat=" in url:
            return url
        return f"{url}{'&' if '?' in url else '?'}heartbeat={_HEARTBEAT_SECONDS}"

    async def _hear(self, channel: AbstractChannel, queue: AbstractQueue) -> None:
        arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

        def ended(*_: object) -> None:
            self.hears = False  # now, and not when what has arrived was worked off
            arrived.put_nowait(None)

        # When the broker ends only the subscription the channel stays open, and silence would look like peace.
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(ended)
        channel.close_callbacks.add(ended)
        await queue.consume(arrived.put, no_ack=True)
        self.hears = True
        while (event := await arrived.get()) is not None:
            await self.heard(event.body)

    async def _forget_everything(self) -> None:
        try:
            await self._cache.invalidate("restart", [EVERYTHING])
        except StoreAway:
            log.warning("cache.store_away")  # it's done before anything is read there again

    async def heard(self, body: bytes) -> None:
        """Invalidate what an event changes; one that can't be read may have changed anything."""
        declared = self._cache.declared()
        try:
            event = orjson.loads(body)
            tags = tags_of(event, self._settings.invalidate, declared) if declared is not None else {EVERYTHING}
        except (ValueError, AttributeError):
            log.warning("cache.event_unreadable")
            tags = {EVERYTHING}
        if not tags:
            return
        try:
            await self._cache.invalidate("event", tags)
        except StoreAway:
            log.warning("cache.store_away")
