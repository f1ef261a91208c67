"""What is particular about RabbitMQ: what it says when the topology is gone, and what it does not say."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import aio_pika
import pytest

from subgraphs.kit.broker import Message, Queue, RabbitBroker, rabbitmq
from subgraphs.kit.broker.delivery import UNROUTED
from subgraphs.kit.broker.rabbitmq import EVENTS, NOBODY


@pytest.fixture
def rabbit(amqp_url: str) -> RabbitBroker:
    return RabbitBroker(amqp_url)


@pytest.fixture
def queue() -> Queue:
    name = f"test_{secrets.token_hex(4)}"
    return Queue(name, "mail", (f"{name}.*",))


async def test_a_consumer_whose_queue_is_deleted_raises_instead_of_waiting_for_ever(
    rabbit: RabbitBroker, queue: Queue
) -> None:
    with pytest.raises(ConnectionError, match="the broker went away"):
        async with rabbit.deliveries(queue, prefetch=1) as deliveries, await aio_pika.connect(rabbit.url) as connection:
            waiting = asyncio.ensure_future(anext(deliveries))
            await asyncio.sleep(0.1)
            await (await (await connection.channel()).get_queue(queue.name)).delete(if_unused=False, if_empty=False)
            await waiting


@asynccontextmanager
async def falling_silent(address: str, at: bytes) -> AsyncIterator[str]:
    """The address of a RabbitMQ that takes everything and answers nothing any more, once it was told this."""
    parts = urlsplit(address)
    silent = asyncio.Event()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asks: bool) -> None:
        while data := await reader.read(65_536):
            if asks and at in data:
                silent.set()
            if not silent.is_set():
                writer.write(data)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        with suppress(ConnectionError):
            await asyncio.gather(forward(reader, back, asks=True), forward(there, writer, asks=False))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))
    finally:
        server.close()


@pytest.mark.parametrize("at", [b"psa.events", b"q.dlq.unrouted"])
async def test_a_broker_that_falls_silent_while_one_begins_is_given_up(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch, at: bytes
) -> None:
    monkeypatch.setattr(rabbitmq, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(rabbitmq, "_FAREWELL_SECONDS", 0.5)
    async with falling_silent(amqp_url, at) as address:
        silent = RabbitBroker(address)
        with pytest.raises(TimeoutError):
            async with silent.publisher():
                pass
        with pytest.raises(TimeoutError):
            async with silent.deliveries(UNROUTED, prefetch=1):
                pass


async def test_a_message_that_the_broker_sends_back_is_not_counted_as_published(
    rabbit: RabbitBroker, queue: Queue
) -> None:
    """When even the exchange for what nobody wants has lost its queue, the message stays with the publisher."""
    async with rabbit.publisher() as publisher, await aio_pika.connect(rabbit.url) as connection:
        unrouted = await (await connection.channel()).get_queue(UNROUTED.name)
        await unrouted.unbind(NOBODY)
        lost = Message(id=uuid4(), key="nobody.cares", body=b"{}")

        assert await publisher.publish([lost]) == frozenset()
    async with rabbit.publisher() as publisher:
        assert await publisher.publish([lost]) == {lost.id}


async def test_a_message_that_a_stranger_sent_is_delivered_all_the_same(rabbit: RabbitBroker, queue: Queue) -> None:
    await rabbit.declare(queue)
    async with await aio_pika.connect(rabbit.url) as connection:
        exchange = await (await connection.channel()).get_exchange(EVENTS)
        await exchange.publish(aio_pika.Message(b"hello", message_id="by hand"), queue.keys[0].replace("*", "x"))

    async with rabbit.deliveries(queue, prefetch=1) as deliveries:
        delivery = await anext(deliveries)
        assert (delivery.message.id, delivery.message.body) == (UUID(int=0), b"hello")
        await delivery.reject()
