"""Subscriptions fed by events: whoever watches a thing is told when it changed, and reads it again with their own eyes.

    broker ──► feed, one per process ──► watcher ──► read the row as the caller ──► the client
                                         watcher ──► not visible (any more): nothing

An event only says that something happened to a thing. What the client gets is read anew, in a transaction with the caller's
tenant and customers set, so the walls that guard a query guard every event too, and what somebody may no longer see they no
longer hear of. The events themselves never reach a client.

Telling is not delivering: a process hears what happens while it listens, from a queue of its own that goes with it. When
the way to the broker broke, those who watch one thing read it again, because it may have changed meanwhile. What
changes many times before it was read is read once: what waits is bounded by the number of things, and by `_MOST_WAITING`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import orjson
import structlog

from subgraphs.kit.backoff import Backoff, insist
from subgraphs.kit.broker import Broker
from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import NotFound, Unavailable
from subgraphs.kit.ids import parsed
from subgraphs.kit.tables import Entity
from subgraphs.kit.work import Work

E = TypeVar("E", bound=Entity)

_MOST_WAITING: Final = 1000
_READY_SECONDS: Final = 5.0
_OUTAGE: Final = Backoff(first_seconds=0.1, most_seconds=10.0)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """That something happened; `data` is the event's payload, or None where it was too long to be told."""

    type: str
    tenant: UUID
    subject_type: str
    subject: UUID
    data: Mapping[str, Any] | None


def news(body: bytes) -> News | None:
    """Read an envelope, with or without its data; None when it is none."""
    try:
        envelope = orjson.loads(body)
        subject_type, _, subject = envelope["subject"].partition("/")
        data = envelope.get("data")
        return News(envelope["type"], UUID(envelope["tenantid"]), subject_type, UUID(subject), data)
    except (KeyError, TypeError, ValueError, AttributeError):
        log.warning("event.unreadable")
        return None


@dataclass(slots=True, eq=False)
class _Watcher:
    wants: Callable[[News], bool]
    one: UUID | None
    waiting: dict[UUID, None] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    overrun: bool = False

    def tell(self, subject: UUID) -> None:
        if len(self.waiting) >= _MOST_WAITING and subject not in self.waiting:
            self.overrun = True
        else:
            self.waiting[subject] = None
        self.arrived.set()

    async def next(self) -> UUID:
        """Wait for the next thing to read."""
        while not self.waiting and not self.overrun:
            self.arrived.clear()
            await self.arrived.wait()
        if self.overrun:
            raise Unavailable("More changes at once than you took; subscribe again.")
        subject = next(iter(self.waiting))
        del self.waiting[subject]
        return subject


class Feed:
    """What one process hears of the events of its module."""

    def __init__(self, broker: Broker, module: str, types: tuple[str, ...]) -> None:
        self._broker = broker
        self._module = module
        self._types = types
        self._watchers: set[_Watcher] = set()
        self._ready = asyncio.Event()
        self._was_ready = False

    @property
    def watched(self) -> int:
        """How many watch."""
        return len(self._watchers)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen during the block."""
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(insist(f"{self._module}.live", self._listen, backoff=_OUTAGE))
            try:
                yield
            finally:
                listening.cancel()

    @asynccontextmanager
    async def watch(self, wants: Callable[[News], bool], one: UUID | None = None) -> AsyncIterator[_Watcher]:
        """Be told of all that `wants` says during the block; `one` is the thing to read again after an outage."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise Unavailable("Changes can't be watched now; try again.") from None
        with self._present(_Watcher(wants, one)) as watcher:
            yield watcher

    @contextmanager
    def _present(self, watcher: _Watcher) -> Iterator[_Watcher]:
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def _listen(self) -> None:
        """Tell the watchers, until the way to the broker breaks."""
        try:
            async with self._broker.listen(self._types) as bodies:
                self._begin()
                async for body in bodies:
                    if (heard := news(body)) is not None:
                        self._tell(heard)
        finally:
            self._ready.clear()

    def _begin(self) -> None:
        for watcher in self._watchers if self._was_ready else ():
            if watcher.one is not None:
                watcher.tell(watcher.one)
        self._was_ready = True
        self._ready.set()

    def _tell(self, heard: News) -> None:
        for watcher in self._watchers:
            if watcher.wants(heard):
                watcher.tell(heard.subject)


class Asking(Protocol):
    """The part of a resolver's context that watching needs; said here because `kit.context` stands above."""

    feed: Feed | None

    @property
    def caller(self) -> Caller:
        """Who watches."""

    def work(self, scope: str) -> AbstractAsyncContextManager[Work]:
        """A transaction in their name."""

    def forget(self) -> None:
        """Drop what was loaded for the event before."""


def _everything(_caller: Caller, _news: News) -> bool:
    return True


async def changes(
    asking: Asking,
    model: type[E],
    scope: str,
    *,
    identity: str | None = None,
    where: Callable[[E], bool] | None = None,
    tells: Callable[[Caller, News], bool] = _everything,
) -> AsyncGenerator[E, None]:
    """The rows that change from now on, each as the caller sees it then; of one thing, or of all `where` holds for.

    `tells` says whether a caller who may see the row may also learn of this event. Raises `Forbidden`, `NotFound` when
    there is no thing with this `identity` for them, and `Unavailable` when nobody tells us anything.
    """
    caller = asking.caller
    caller.require(scope)
    if asking.feed is None:
        raise Unavailable("Changes can't be watched here.")
    one = None if identity is None else parsed(identity) or UUID(int=0)

    def wants(heard: News) -> bool:
        mine = heard.tenant == caller.tenant and heard.subject_type == model.__name__
        return mine and one in (None, heard.subject) and tells(caller, heard)

    async with asking.feed.watch(wants, one) as watcher:
        if one is not None and await _read(asking, model, scope, one) is None:
            raise NotFound(f"There is no {model.__name__.lower()} with this id.", field="id")
        while True:
            row = await _read(asking, model, scope, await watcher.next())
            if row is not None and (where is None or where(row)):
                asking.forget()
                yield row


async def _read(asking: Asking, model: type[E], scope: str, identity: UUID) -> E | None:
    async with asking.work(scope) as work:
        return await work.find(model, identity)
