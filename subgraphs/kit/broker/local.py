"""The promises of `delivery` on top of PostgreSQL, for a platform that runs in one place without RabbitMQ.

Why not in memory: the relay marks an event as published once the broker has it, and then nobody has it but the broker.
A broker that forgets at `kill -9` would have to confirm only what every consumer has already processed, so one slow
consumer would hold up every event behind it. Queues on disk cost one more write per event, and keep the two apart.

    publish      INSERT one row per queue that wants the message; the confirmation is the commit
    deliver      UPDATE … FOR UPDATE SKIP LOCKED: a row is held by the database session of its consumer
    ack          DELETE
    give up      UPDATE the queue of the row to the dead letters: never in both, never in neither

Who holds a row is written as the process id and start of the session. When the consumer dies, however it dies,
PostgreSQL ends its session, and a row that is held by no living session is free: no lease to wait for, no clock to
trust. The consumer's own commits need not wait for the disk, because losing one only means one more delivery.

The tables belong to a schema and role of their own, as RabbitMQ belongs to no module; modules can't read them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from subgraphs.kit import wire
from subgraphs.kit.broker.delivery import MOST_DELIVERIES, UNROUTED, Death, Delivery, Message, Publisher, Queue, pattern

_POLL_SECONDS = 1.0
_CHANNEL = "psa_broker"
_NEWS = "psa_broker_news"
_LONGEST_NEWS = 7_900
_MOST_UNHEARD = 10_000

_TABLES = f"""
SELECT pg_advisory_xact_lock(hashtext('psa.broker'));

CREATE TABLE IF NOT EXISTS queue (
    name text PRIMARY KEY,
    pattern text
);
INSERT INTO queue VALUES ('{UNROUTED.name}', NULL) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS message (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL REFERENCES queue,
    id uuid NOT NULL,
    key text NOT NULL,
    body bytea NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    holder integer,
    holder_since timestamptz
);
CREATE INDEX IF NOT EXISTS message_next ON message (queue, position);
ALTER TABLE message ADD COLUMN IF NOT EXISTS died_in text, ADD COLUMN IF NOT EXISTS rejected boolean;
"""

_DECLARE = """
INSERT INTO queue VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern
"""

_PUBLISH = f"""
WITH sent AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[])
           WITH ORDINALITY AS sent (id, key, body, target, place)
), routed AS (
    INSERT INTO message (queue, id, key, body)
    SELECT COALESCE(queue.name, '{UNROUTED.name}'), sent.id, sent.key, sent.body
      FROM sent LEFT JOIN queue
        ON CASE WHEN sent.target IS NULL THEN ('.' || sent.key) ~ queue.pattern ELSE queue.name = sent.target END
     WHERE sent.target IS NULL OR queue.name IS NOT NULL
     ORDER BY sent.place
    RETURNING queue, id
)
SELECT queue, ids, pg_notify('{_CHANNEL}', queue)
  FROM (SELECT queue, array_agg(id) AS ids FROM routed GROUP BY queue) AS touched
"""

_TELL = f"SELECT pg_notify('{_NEWS}', told) FROM unnest($1::text[]) AS told"

_TRIM = f"""
DELETE FROM message WHERE queue = '{UNROUTED.name}' AND position <= (
    SELECT position FROM message WHERE queue = '{UNROUTED.name}' ORDER BY position DESC OFFSET {UNROUTED.keep} LIMIT 1)
"""

_CLAIM = """
WITH session AS MATERIALIZED (
    SELECT pid, backend_start FROM pg_stat_activity
), free AS (
    SELECT position FROM message
     WHERE queue = $1 AND (holder IS NULL
           OR NOT EXISTS (SELECT FROM session WHERE pid = holder AND backend_start = holder_since))
     ORDER BY position LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE message SET attempts = attempts + 1, holder = pid, holder_since = backend_start
  FROM session
 WHERE pid = pg_backend_pid() AND position IN (SELECT position FROM free)
RETURNING position, id, key, body, attempts, died_in, rejected
"""

_ACK = "DELETE FROM message WHERE position = $1"
_RELEASE = "UPDATE message SET holder = NULL, holder_since = NULL WHERE position = $1"
_BURY = """
UPDATE message SET queue = $2, attempts = 0, holder = NULL, holder_since = NULL,
       died_in = COALESCE(died_in, queue), rejected = COALESCE(rejected, $3)
 WHERE position = $1
"""


@dataclass(frozen=True, slots=True)
class LocalBroker:
    """A broker in PostgreSQL, at the address of a role that owns the schema which its search path names."""

    url: str

    async def install(self) -> None:
        """Create the tables, if they are not there yet."""
        async with self._connection() as connection, connection.transaction():
            await connection.execute(_TABLES)

    async def declare(self, *queues: Queue) -> None:
        """Make sure that queues and their dead letters exist, with exactly these keys."""
        async with self._connection() as connection:
            await _declare(connection, *queues)

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """Open a session that publishes; its commits reach the disk before they count."""
        async with self._connection() as connection:
            yield _LocalPublisher(connection)

    @asynccontextmanager
    async def deliveries(self, queue: Queue, *, prefetch: int) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Open a session that holds at most `prefetch` messages."""
        async with self._connection(synchronous_commit="off") as connection:
            await _declare(connection, queue)
            consumer = _Consumer(connection, queue, prefetch)
            await connection.add_listener(_CHANNEL, consumer.hear)
            connection.add_termination_listener(consumer.hear_the_end)
            async with aclosing(consumer.receive()) as incoming:
                yield incoming

    @asynccontextmanager
    async def listen(self, keys: Sequence[str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a session that is notified."""
        async with self._connection() as connection:
            hearing = _Hearing(keys)
            await connection.add_listener(_NEWS, hearing.hear)
            connection.add_termination_listener(hearing.hear_the_end)
            async with aclosing(hearing.receive()) as heard:
                yield heard

    def _connection(self, **settings: str) -> AbstractAsyncContextManager[asyncpg.Connection]:
        return wire.connection(self.url, application="broker", **settings)


async def _declare(connection: asyncpg.Connection, *queues: Queue) -> None:
    last = {queue.dead_letters for queue in queues if queue.dead_letters}
    for queue in (*queues, *sorted(last, key=lambda queue: queue.name)):
        await connection.execute(_DECLARE, queue.name, pattern(queue.keys))


@dataclass(frozen=True, slots=True)
class _LocalPublisher:
    connection: asyncpg.Connection

    async def publish(self, messages: Sequence[Message]) -> frozenset[UUID]:
        """Put all messages into their queues, or none; refused is only what is for one queue that is not there."""
        touched = await self.connection.fetch(
            _PUBLISH,
            [message.id for message in messages],
            [message.key for message in messages],
            [message.body for message in messages],
            [message.queue for message in messages],
        )
        await self.connection.execute(_TELL, [_told(message) for message in messages if message.queue is None])
        if any(row["queue"] == UNROUTED.name for row in touched):
            await self.connection.execute(_TRIM)
        return frozenset(identity for row in touched for identity in row["ids"])


def _told(message: Message) -> str:
    """The key, and the message as far as PostgreSQL takes it in a notification."""
    body = message.body
    if len(body) + len(message.key) >= _LONGEST_NEWS:
        body = orjson.dumps({**orjson.loads(body), "data": None})
    return f"{message.key} {body.decode()}"


class _Hearing:
    """What was notified and not heard yet."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._wanted = re.compile(pattern(keys) or "$^")
        self._heard: asyncio.Queue[bytes | None] = asyncio.Queue()

    def hear(self, _connection: object, _pid: int, _channel: str, told: object) -> None:
        """Keep what is wanted; too much of it is the end, as nobody listens to it."""
        key, _, body = str(told).partition(" ")
        if self._wanted.match(f".{key}"):
            self._heard.put_nowait(body.encode() if self._heard.qsize() < _MOST_UNHEARD else None)

    def hear_the_end(self, _connection: object) -> None:
        """Note that the session is over."""
        self._heard.put_nowait(None)

    async def receive(self) -> AsyncGenerator[bytes, None]:
        """Hand it out."""
        while (body := await self._heard.get()) is not None:
            yield body
        raise ConnectionError("the database went away, or more was told than heard")


class _Consumer:
    """One session that takes messages from one queue; `asyncpg` does one thing at a time, hence the lock."""

    def __init__(self, connection: asyncpg.Connection, queue: Queue, prefetch: int) -> None:
        self.queue = queue
        self._connection = connection
        self._room = prefetch
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()

    def hear(self, _connection: object, _pid: int, _channel: str, queue: object) -> None:
        """Note that something was put into a queue."""
        if queue == self.queue.name:
            self._news.set()

    def hear_the_end(self, _connection: object) -> None:
        """Note that the session is over: whoever holds all there is room for would not ask, and never learn of it."""
        self._news.set()

    async def receive(self) -> AsyncGenerator[Delivery, None]:
        """Claim as much as there is room for, hand it out, and wait for news or for room."""
        while True:
            self._news.clear()
            if self._connection.is_closed():
                raise ConnectionError(f"{self.queue.name}: the database went away")
            claimed = await self._claim() if self._room else []
            for delivery in claimed:
                if delivery.attempt > MOST_DELIVERIES and self.queue.dead_letters:
                    await delivery.bury(rejected=False)
                else:
                    yield delivery
            if not claimed:
                await self._pause()

    async def _claim(self) -> list[_LocalDelivery]:
        async with self._turn:
            rows = await self._connection.fetch(_CLAIM, self.queue.name, self._room)
        self._room -= len(rows)
        rows.sort(key=lambda row: row["position"])
        return [_LocalDelivery(self, row) for row in rows]

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return

    async def settle(self, statement: str, *arguments: object) -> None:
        """Say what became of a message, and make room for another."""
        async with self._turn:
            await self._connection.execute(statement, *arguments)
        self._room += 1
        self._news.set()


class _LocalDelivery:
    """One row, held by the session of one consumer."""

    def __init__(self, consumer: _Consumer, row: asyncpg.Record) -> None:
        self._consumer = consumer
        self._position: int = row["position"]
        self.message = Message(id=row["id"], key=row["key"], body=row["body"])
        self.attempt: int = row["attempts"]
        self.death = Death(row["died_in"], rejected=row["rejected"]) if row["died_in"] else None

    async def ack(self) -> None:
        """It is done."""
        await self._consumer.settle(_ACK, self._position)

    async def release(self) -> None:
        """Back into the queue."""
        await self._consumer.settle(_RELEASE, self._position)

    async def reject(self) -> None:
        """To the dead letters; from there, back to where it was."""
        await self.bury(rejected=True)

    async def bury(self, *, rejected: bool) -> None:
        """Move it to the dead letters, and say by whose decision."""
        last = self._consumer.queue.dead_letters or self._consumer.queue
        await self._consumer.settle(_BURY, self._position, last.name, rejected)
