"""From the outbox to the broker, so that what was committed is told, whatever dies in between.

A service can't change its rows and tell others in one step: the database and the broker do not commit together. Tell
first, and you may tell what never happened; commit first, and you may die before you tell. So the service only writes
down what it has to tell, with the change and in its transaction, and this relay tells it:

       service                        relay                             broker
    ┌───────────────┐            ┌───────────────────────┐
    │ BEGIN         │            │ BEGIN                 │
    │  change rows  │            │ 1 take a batch, locked│
    │  append ──────┼──► outbox ─┼─►                     │
    │ COMMIT        │    │       │ 2 publish ────────────┼──────► on disk, in every queue
    └───────────────┘    │       │         ◄─────────────┼─────── confirmed
                         └◄──────┼─3 mark as published   │
                                 │ COMMIT                │
                                 └───────────────────────┘

Die before 2, and the batch is as it was. Die between 2 and 3, and it is published again: so an event can arrive more
than once, never less, and consumers keep an inbox (`kit.inbox`). The order of 2 and 3 is the whole promise.

What follows from it:

* Taking is `FOR UPDATE SKIP LOCKED`: several relays share the work, and the locks of a dead one are gone with it.
* A batch is chosen by "not yet published", in the order of an identity column, and never by "after the last one that I
  saw": a transaction that got its number early and commits late is found all the same.
* What the broker refuses (a queue is full) is put off, with growing pauses, and does not hold up what is behind it.
* PostgreSQL notifies the relay of an append, so an event is under way within milliseconds. Notifications can be missed
  while a connection is being replaced, so the relay also looks by itself every second.
* When the broker or the database goes away, both connections are thrown away and opened anew, after a pause that grows
  and is random, so that sixteen relays do not come back at the same moment.

Not promised: the order of events about different things, and, with several relays, of those about the same thing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from subgraphs.kit import outbox, wire
from subgraphs.kit.backoff import Backoff, insist
from subgraphs.kit.broker import Broker, Message, Publisher

_BACKOFF = Backoff(first_seconds=0.1, most_seconds=10.0)

_TAKE = """
SELECT position, id, type, envelope, queue FROM outbox
 WHERE published_at IS NULL AND due_at <= now()
 ORDER BY position LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE position = ANY($1::bigint[])"
_PUT_OFF = """
UPDATE outbox SET attempts = attempts + 1, due_at = now() + make_interval(secs => LEAST(60, 0.1 * 2 ^ LEAST(attempts, 20)))
 WHERE position = ANY($1::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much the relay does at a time, and how often it looks."""

    batch: int = 200
    poll_seconds: float = 1.0
    publish_seconds: float = 30.0
    """How long a batch may take to be confirmed, before the connection counts as dead."""
    keep: timedelta = timedelta(days=7)
    """How long published events stay, so that they can be sent once more."""
    sweep_seconds: float = 600.0
    backoff: Backoff = _BACKOFF


async def run(url: str, broker: Broker, module: str, *, pace: Pace = Pace()) -> None:
    """Move events of `module` from its outbox to the broker until cancelled; `url` is that of the relay's role."""
    await insist(f"{module}.relay", lambda: _move(url, broker, module, pace), backoff=pace.backoff)


async def _move(url: str, broker: Broker, module: str, pace: Pace) -> None:
    """Move events until one of the two connections breaks."""
    async with (
        wire.connection(url, application=f"{module}.relay") as connection,
        broker.publisher() as publisher,
    ):
        appended = asyncio.Event()
        await connection.add_listener(outbox.channel(module), lambda *_: appended.set())
        loop = asyncio.get_running_loop()
        sweep_at = loop.time()
        while True:
            appended.clear()
            if loop.time() >= sweep_at:
                await outbox.sweep(connection, keep=pace.keep)
                sweep_at = loop.time() + pace.sweep_seconds
            if await drain(connection, publisher, pace) < pace.batch:
                await _either(appended, pace.poll_seconds)


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set or the time is up."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def drain(connection: asyncpg.Connection, publisher: Publisher, pace: Pace) -> int:
    """Take one batch, publish it, and mark what the broker confirmed; returns how many events the batch had."""
    async with connection.transaction():
        rows = await connection.fetch(_TAKE, pace.batch)
        if not rows:
            return 0
        messages = [Message(row["id"], row["type"], row["envelope"].encode(), row["queue"]) for row in rows]
        async with asyncio.timeout(pace.publish_seconds):
            confirmed = await publisher.publish(messages)
        await connection.execute(_MARK, [row["position"] for row in rows if row["id"] in confirmed])
        if refused := [row["position"] for row in rows if row["id"] not in confirmed]:
            await connection.execute(_PUT_OFF, refused)
        return len(rows)
