"""What is particular about RabbitMQ: what it says when the topology is gone, and what it does not say."""

from __future__ import annotations

import asyncio
import secrets
from uuid import UUID, uuid4

import aio_pika
import pytest

from subgraphs.kit.broker import Message, Queue, RabbitBroker
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
