"""Events of other modules, each with exactly one effect here.

The broker delivers at least once. So a consumer writes down which events it has handled, in the transaction that
handles them:

    BEGIN
      INSERT INTO inbox (tenant, consumer, event)      was it there?  ──► nothing to do, acknowledge
      whatever the consumer does                       rows, events, jobs
    COMMIT
    acknowledge                                        die before this, and it comes again, and is found in the inbox

A second copy that arrives while the first is still being handled waits at the INSERT until the first has ended: if it
committed, the copy does nothing; if it rolled back, the copy does the work.

What goes wrong is told apart by whose fault it is:

* The event can't be read: it never will be, so it goes to the dead letters at once.
* The consumer fails: the event is given back after a pause that grows, and goes to the dead letters when it has been
  tried often enough, with the reason (`kit.dead_letters`). The pause holds one place of many, so the events behind it pass by.
* The database is away: nobody's fault. The event waits where it is, and no try is counted.

Order is not promised; a consumer that keeps a copy compares `time`, or what the payload counts.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from contracts.events.envelope import Envelope
from subgraphs.kit import caller, dead_letters
from subgraphs.kit.backoff import Backoff, insist, leave_if_cancelled
from subgraphs.kit.broker import MOST_DELIVERIES, Broker, Delivery, Queue
from subgraphs.kit.caller import Caller
from subgraphs.kit.dead_letters import Failure, Reason
from subgraphs.kit.work import Work

log = structlog.get_logger(__name__)

_RETRY = Backoff(first_seconds=0.2, most_seconds=30.0)
_OUTAGE = Backoff(first_seconds=0.2, most_seconds=10.0)

_ENTER = text(
    "INSERT INTO inbox (tenant_id, consumer, event_id) VALUES (:tenant, :consumer, :event) ON CONFLICT DO NOTHING"
)


class Begin(Protocol):
    """Opens a `Work`: `kit.work.begin`, with the module's engine and name filled in."""

    def __call__(
        self, caller: Caller, *, command: str, causation: UUID | None = None
    ) -> AbstractAsyncContextManager[Work]:
        """Commit at the end of the block, roll back if it raises."""
        ...


@dataclass(frozen=True, slots=True)
class Consumer:
    """What a module does when something happens elsewhere; `name` is part of its queue, and never changes."""

    name: str
    events: tuple[str, ...]
    """The types of events that it wants: `customer.created`."""
    handle: Callable[[Work, Envelope], Awaitable[None]]
    tries: int = MOST_DELIVERIES
    """How often a failing event is tried, before it goes to the dead letters; the broker's own limit at most."""

    def queue(self, module: str) -> Queue:
        """Where its events wait."""
        return Queue(module=module, purpose=self.name, keys=self.events)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a consumer does at a time, and how long it waits after trouble."""

    prefetch: int = 20
    retry: Backoff = _RETRY
    """After the consumer failed; the sum over all tries is how long somebody has to mend what is wrong."""
    outage: Backoff = _OUTAGE
    """While the broker or the database is away."""


async def consume(
    broker: Broker,
    module: str,
    consumers: Sequence[Consumer],
    begin: Begin,
    *,
    pace: Pace = Pace(),
) -> None:
    """Handle events for all consumers of `module` until cancelled."""
    async with asyncio.TaskGroup() as group:
        for consumer in consumers:
            loop = _Loop(broker, consumer.queue(module), consumer, begin, pace)
            group.create_task(insist(f"{module}.{consumer.name}", loop.receive, backoff=pace.outage))


async def once(
    begin: Begin,
    asking: Caller,
    effect: Callable[[Work], Awaitable[None]],
    *,
    consumer: str,
    event: UUID,
    command: str,
    causation: UUID | None = None,
) -> bool:
    """Have an effect in one transaction with the entry in the inbox; False: it was had before, and nothing was done."""
    async with _opened(begin(asking, command=command, causation=causation)) as work:
        entry = {"tenant": asking.tenant, "consumer": consumer, "event": event}
        first = await work.session.execute(_ENTER, entry)
        if first.rowcount == 0:  # type: ignore[attr-defined]
            return False
        await effect(work)
    return True


async def sweep(connection: asyncpg.Connection, *, keep: timedelta) -> int:
    """Forget what was handled longer than `keep` ago, as the relay's role; returns how many entries that were.

    `keep` must be longer than any event can be on its way, the time among the dead letters not counted: what is there
    was not handled.
    """
    tag = await connection.execute("DELETE FROM inbox WHERE handled_at < now() - $1::interval", keep)
    return int(tag.rpartition(" ")[2])


async def patiently(attempt: Callable[[], Awaitable[object]], outage: Backoff) -> None:
    """Run `attempt`; when the database is away, wait and run it again, for as long as it takes."""
    for failures in itertools.count(1):
        try:
            await attempt()
        except Exception as error:
            leave_if_cancelled()
            if not _is_outage(error):
                raise
            await asyncio.sleep(outage.seconds(failures))
        else:
            return


class _Away(Exception):
    """No transaction could be opened."""


@asynccontextmanager
async def _opened(begin: AbstractAsyncContextManager[Work]) -> AsyncIterator[Work]:
    """Open a work; tells a network error on the way to the database from one that the work itself runs into."""
    async with AsyncExitStack() as stack:
        try:
            work = await stack.enter_async_context(begin)
        except (OSError, TimeoutError, PoolTimeout) as error:
            raise _Away from error
        yield work


_AWAY = (_Away, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError)


def _is_outage(error: BaseException | None) -> bool:
    """Whether an error means that the database went away, not that somebody did something wrong."""
    if isinstance(error, _AWAY):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_outage(error.orig)
    # What SQLAlchemy gives as `orig` is its own translation; the driver's error is the cause of that.
    return isinstance(error, AsyncAdapt_asyncpg_dbapi.Error) and _is_outage(error.__cause__)


@dataclass(frozen=True, slots=True)
class _Loop:
    """One consumer at its queue."""

    broker: Broker
    queue: Queue
    consumer: Consumer
    begin: Begin
    pace: Pace

    async def receive(self) -> None:
        """Handle deliveries, `prefetch` at the same time, until the way to the broker breaks."""
        async with (
            self.broker.deliveries(self.queue, prefetch=self.pace.prefetch) as deliveries,
            asyncio.TaskGroup() as group,
        ):
            async for delivery in deliveries:
                group.create_task(self._settle(delivery))

    async def _settle(self, delivery: Delivery) -> None:
        """Bring one delivery to its end: acknowledged, given back, or given up."""
        facts = log.bind(queue=self.queue.name, event_type=delivery.message.key, attempt=delivery.attempt)
        try:
            envelope = Envelope.from_json(delivery.message.body)
        except ValidationError as error:
            facts.error("event.unreadable", problems=error.errors(include_input=False, include_url=False))
            await delivery.reject()
            return
        if not self.queue.wants(envelope.type):
            # An older release wanted it, and RabbitMQ still has the binding.
            await delivery.ack()
            return
        facts = facts.bind(event_id=str(envelope.id), tenant=str(envelope.tenantid))
        try:
            await patiently(lambda: self._handle(envelope), self.pace.outage)
        except Exception as error:  # noqa: BLE001 - whatever the consumer raises, the event must not get lost
            await self._again_or_never(delivery, error, facts)
        else:
            await delivery.ack()

    async def _handle(self, envelope: Envelope) -> bool:
        return await once(
            self.begin,
            caller.system(envelope.tenantid, correlation=envelope.correlationid),
            lambda work: self.consumer.handle(work, envelope),
            consumer=self.consumer.name,
            event=envelope.id,
            command=f"on {envelope.type}",
            causation=envelope.id,
        )

    async def _again_or_never(
        self, delivery: Delivery, error: Exception, facts: structlog.typing.FilteringBoundLogger
    ) -> None:
        if delivery.attempt >= self.consumer.tries:
            facts.error("event.given_up", exc_info=error)
            await self._say_why(delivery, error, facts)
            await delivery.reject()
        else:
            wait = self.pace.retry.seconds(delivery.attempt)
            facts.warning("event.failed", wait_seconds=round(wait, 3), error=repr(error))
            await asyncio.sleep(wait)
            await delivery.release()

    async def _say_why(
        self, delivery: Delivery, error: Exception, facts: structlog.typing.FilteringBoundLogger
    ) -> None:
        """Put the reason into the archive before the event gets there; without it, the archivist still keeps the event."""
        body = delivery.message.body
        said = f"{type(error).__name__}: {error}"
        failure = Failure(self.queue.name, delivery.message.key, body, Reason.FAILED, said, delivery.attempt)

        async def once() -> None:
            async with _opened(self.begin(dead_letters.whose(body), command="hold")) as work:
                await dead_letters.say_why(work, failure)

        try:
            await patiently(once, self.pace.outage)
        except Exception as unsaid:  # noqa: BLE001 - the event matters more than the reason
            facts.error("event.reason_not_kept", exc_info=unsaid)
