"""What is particular about our own broker: patterns as regular expressions, sessions as leases."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit import wire
from subgraphs.kit.broker import LocalBroker, Message, Queue, local
from subgraphs.kit.broker.delivery import UNROUTED, pattern

QUEUE = Queue("notify", "mail", ("ticket.*",))

_words = st.sampled_from(["ticket", "sla", "created", "a+b"])
_keys = st.lists(_words, min_size=1, max_size=4)
_patterns = st.lists(_words | st.sampled_from(["*", "#"]), min_size=1, max_size=4)


def matches(pattern: list[str], key: list[str]) -> bool:
    """What AMQP 0-9-1 says about topics, word by word."""
    if not pattern:
        return not key
    head, *rest = pattern
    if head == "#":
        return any(matches(rest, key[skipped:]) for skipped in range(len(key) + 1))
    return bool(key) and head in ("*", key[0]) and matches(rest, key[1:])


@given(st.lists(_patterns, min_size=1, max_size=3), _keys)
def test_patterns_mean_what_amqp_says(patterns: list[list[str]], key: list[str]) -> None:
    expression = pattern([".".join(words) for words in patterns])

    assert expression is not None
    wanted = any(matches(words, key) for words in patterns)
    assert bool(re.search(expression, "." + ".".join(key))) is wanted


def test_a_queue_without_keys_wants_nothing() -> None:
    assert pattern(()) is None


async def test_a_consumer_whose_session_ends_raises_and_what_it_held_is_free_at_once(local_broker: LocalBroker) -> None:
    await local_broker.declare(QUEUE)
    sent = Message(id=uuid4(), key="ticket.created", body=b"{}")
    async with local_broker.publisher() as publisher:
        await publisher.publish([sent])

    with pytest.raises(ConnectionError, match="the database went away"):
        async with local_broker.deliveries(QUEUE, prefetch=1) as deliveries:
            await anext(deliveries)
            await _end_sessions(local_broker)
            async with asyncio.timeout(60):
                await anext(deliveries)

    async with asyncio.timeout(60), local_broker.deliveries(QUEUE, prefetch=1) as deliveries:
        again = await anext(deliveries)
        assert (again.message, again.attempt) == (sent, 2)


async def test_a_message_is_on_its_way_at_once_when_somebody_waits_for_it(
    local_broker: LocalBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_POLL_SECONDS", 60)
    async with local_broker.deliveries(QUEUE, prefetch=1) as deliveries, local_broker.publisher() as publisher:
        waiting = asyncio.ensure_future(anext(deliveries))
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        await publisher.publish([Message(id=uuid4(), key="ticket.created", body=b"{}")])
        await waiting

        assert asyncio.get_running_loop().time() - began < 10


async def test_declaring_with_other_keys_replaces_the_old_ones(local_broker: LocalBroker) -> None:
    await local_broker.declare(QUEUE)
    await local_broker.declare(Queue(QUEUE.module, QUEUE.purpose, ("asset.*",)))
    async with local_broker.publisher() as publisher:
        await publisher.publish(
            [Message(id=uuid4(), key=f"{thing}.created", body=b"{}") for thing in ("ticket", "asset")]
        )

    async with wire.connection(local_broker.url, application="test") as connection:
        rows = await connection.fetch("SELECT queue, key FROM message ORDER BY position")
    assert [tuple(row) for row in rows] == [(UNROUTED.name, "ticket.created"), (QUEUE.name, "asset.created")]


async def test_only_the_newest_of_what_nobody_wants_are_kept(local_broker: LocalBroker) -> None:
    sent = [Message(id=uuid4(), key="nobody.cares", body=b"{}") for _ in range(10_050)]
    async with local_broker.publisher() as publisher:
        await publisher.publish(sent)

    async with wire.connection(local_broker.url, application="test") as connection:
        rows = await connection.fetch("SELECT id FROM message ORDER BY position")
    assert [row["id"] for row in rows] == [message.id for message in sent[50:]]


async def test_modules_cannot_read_the_messages(local_broker: LocalBroker, schema: object) -> None:
    async with wire.connection(schema.runtime_url, application="test") as connection:  # type: ignore[attr-defined]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM broker.message")


async def test_installing_twice_changes_nothing(local_broker: LocalBroker) -> None:
    await local_broker.declare(QUEUE)
    await local_broker.install()

    async with wire.connection(local_broker.url, application="test") as connection:
        assert await connection.fetchval("SELECT count(*) FROM queue WHERE name = $1", QUEUE.name) == 1


async def _end_sessions(broker: LocalBroker) -> None:
    async with wire.connection(broker.url, application="test") as connection:
        await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'broker' AND datname = current_database()"
        )
