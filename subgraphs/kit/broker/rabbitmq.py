"""RabbitMQ behind the promises of `delivery`: quorum queues, confirms, at-least-once dead letters.

                                            ┌─ ticket.* ──► q.notify.mail ───┐ tried in vain, or rejected
    publisher ──► psa.events (topic) ───────┼─ ticket.* ──► q.reports.facts ─┤
                      │ nobody wants it     └─ asset.*  ──► q.vcio.plan ─────┤
                      ▼                                                      ▼
         psa.events.unrouted (fanout)                             psa.events.dlx (direct)
                      ▼                                             by module ▼
            q.dlq.unrouted (bounded)                              q.dlq.notify, q.dlq.reports, …

* Every queue is a quorum queue: a confirmed message is on the disks of a majority of the nodes.
* The dead letter exchange is fed at least once: a message leaves its queue only after the other queue confirmed it.
  RabbitMQ demands `reject-publish` for that, which also means that a full queue pushes back on the outbox.
* Thanks to the alternate exchange a message always has a queue, so `mandatory` with `on_return_raises` speaks up only
  when the topology itself is gone; the message then stays ours.
* Connections are plain, not self-healing: when one breaks, publishing and iterating raise, and the loops above open a
  new one (`kit.backoff.insist`). A channel that heals itself under a running acknowledgement cannot say what happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError, DeliveryError
from pamqp.common import FieldValue

from contracts.events.envelope import MEDIA_TYPE
from subgraphs.kit.broker.delivery import MOST_DELIVERIES, UNROUTED, Death, Delivery, Message, Publisher, Queue
from subgraphs.kit.ids import parsed

EVENTS = "psa.events"
DEAD = "psa.events.dlx"
NOBODY = "psa.events.unrouted"

_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 30
_FAREWELL_SECONDS = 5
_MOST_MESSAGES = 1_000_000
_MOST_UNHEARD = 10_000
_NEVER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RabbitBroker:
    """A RabbitMQ, 3.10 or newer, at an `amqp://` or `amqps://` address."""

    url: str

    async def declare(self, *queues: Queue) -> None:
        """Make sure that exchanges, queues and bindings exist."""
        async with self._channel() as channel, _answered():
            await _topology(channel)
            for queue in queues:
                await _queue(channel, queue)

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """Open a channel with confirms."""
        async with self._channel() as channel:
            async with _answered():
                exchange = await _topology(channel)
            yield _RabbitPublisher(exchange, channel.default_exchange)

    @asynccontextmanager
    async def deliveries(self, queue: Queue, *, prefetch: int) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Open a channel that receives at most `prefetch` unacknowledged messages."""
        async with self._channel() as channel:
            async with _answered():
                await channel.set_qos(prefetch_count=prefetch)
                await _topology(channel)
                declared = await _queue(channel, queue)
            async with aclosing(_receive(channel, declared)) as incoming:
                yield incoming

    @asynccontextmanager
    async def listen(self, keys: Sequence[str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a queue that belongs to this connection, goes with it, and forgets the oldest when it is full."""
        async with self._channel() as channel:
            async with _answered():
                await _topology(channel)
                arguments: dict[str, FieldValue] = {"x-max-length": _MOST_UNHEARD, "x-overflow": "drop-head"}
                queue = await channel.declare_queue(exclusive=True, auto_delete=True, arguments=arguments)
                for key in keys:
                    await queue.bind(EVENTS, key)
                await channel.set_qos(prefetch_count=_MOST_UNHEARD)
            async with aclosing(_heard(channel, queue)) as heard:
                yield heard

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        connection = await aio_pika.connect(self.url, timeout=_CONNECT_SECONDS)
        try:
            async with _answered():
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            yield channel
        finally:
            with suppress(TimeoutError, OSError, AMQPError):  # whoever is gone need not be told goodbye
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await connection.close()


def _answered() -> asyncio.Timeout:
    """What begins with this block the broker answers at once, or it is given up.

    A node that is just starting, or is about to end, accepts connections and may never say a word: whoever waited for
    that would neither publish nor receive until somebody restarts it.
    """
    return asyncio.timeout(_ANSWER_SECONDS)


async def _topology(channel: AbstractChannel) -> AbstractExchange:
    nobody = await channel.declare_exchange(NOBODY, aio_pika.ExchangeType.FANOUT, durable=True)
    await channel.declare_exchange(DEAD, aio_pika.ExchangeType.DIRECT, durable=True)
    await (await _queue(channel, UNROUTED)).bind(nobody)
    return await channel.declare_exchange(
        EVENTS, aio_pika.ExchangeType.TOPIC, durable=True, arguments={"alternate-exchange": NOBODY}
    )


async def _queue(channel: AbstractChannel, wanted: Queue) -> AbstractQueue:
    last = wanted.dead_letters
    if last is None:
        return await _dead_letter_queue(channel, wanted)
    await _dead_letter_queue(channel, last)
    queue = await channel.declare_queue(
        wanted.name,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": MOST_DELIVERIES - 1,  # RabbitMQ counts returns, and gives up after one more
            "x-dead-letter-exchange": DEAD,
            "x-dead-letter-routing-key": last.purpose,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-max-length": _MOST_MESSAGES,
        },
    )
    for key in wanted.keys:
        await queue.bind(EVENTS, key)
    return queue


async def _dead_letter_queue(channel: AbstractChannel, wanted: Queue) -> AbstractQueue:
    arguments: dict[str, FieldValue] = {"x-queue-type": "quorum", "x-delivery-limit": _NEVER}
    if wanted.keep is not None:
        arguments |= {"x-max-length": wanted.keep, "x-overflow": "drop-head"}
    queue = await channel.declare_queue(wanted.name, durable=True, arguments=arguments)
    await queue.bind(DEAD, wanted.purpose)
    return queue


@dataclass(frozen=True, slots=True)
class _RabbitPublisher:
    """Publishes on one channel; every message waits for its own confirmation, all at the same time."""

    exchange: AbstractExchange
    queues: AbstractExchange
    """The exchange from which each queue gets what bears its name."""

    async def publish(self, messages: Sequence[Message]) -> frozenset[UUID]:
        """Publish all; what was refused, or came back, is missing from the answer."""
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(self._confirmed(message)) for message in messages]
        return frozenset(message.id for message, answer in zip(messages, answers, strict=True) if answer.result())

    async def _confirmed(self, message: Message) -> bool:
        sent = aio_pika.Message(
            message.body,
            content_type=MEDIA_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=str(message.id),
            type=message.key,
        )
        to, key = (self.queues, message.queue) if message.queue else (self.exchange, message.key)
        try:
            await to.publish(sent, key, mandatory=True, timeout=_ANSWER_SECONDS)
        except DeliveryError:
            return False
        return True


async def _heard(channel: AbstractChannel, queue: AbstractQueue) -> AsyncGenerator[bytes, None]:
    async with aclosing(_receive(channel, queue)) as deliveries:
        async for delivery in deliveries:
            await delivery.ack()
            yield delivery.message.body


async def _receive(channel: AbstractChannel, queue: AbstractQueue) -> AsyncGenerator[Delivery, None]:
    arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

    def ended(*_: object) -> None:
        arrived.put_nowait(None)

    # When the broker ends only the subscription (the queue was deleted, its leader moved) the channel stays open, and
    # silence would look like peace.
    (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(ended)
    channel.close_callbacks.add(ended)
    async with _answered():
        await queue.consume(arrived.put)
    while (message := await arrived.get()) is not None:
        yield _RabbitDelivery(message)
    raise ConnectionError(f"{queue.name}: the broker went away")


class _RabbitDelivery:
    """One message of one channel."""

    def __init__(self, incoming: AbstractIncomingMessage) -> None:
        self._incoming = incoming
        self.message = Message(
            id=parsed(incoming.message_id or "") or UUID(int=0),
            key=incoming.type or incoming.routing_key or "",
            body=incoming.body,
        )

    @property
    def attempt(self) -> int:
        """RabbitMQ counts the deliveries before this one, and says nothing before the first."""
        before = self._incoming.headers.get("x-delivery-count", 0)
        return 1 + (before if isinstance(before, int) else 0)

    @property
    def death(self) -> Death | None:
        """RabbitMQ lists where a message died, the latest death first."""
        match self._incoming.headers.get("x-death"):
            case [{"queue": queue, "reason": reason}, *_]:
                return Death(queue=str(queue), rejected=reason == "rejected")
            case _:
                return None

    async def ack(self) -> None:
        """It is done."""
        await self._incoming.ack()

    async def release(self) -> None:
        """Back into the queue."""
        await self._incoming.nack(requeue=True)

    async def reject(self) -> None:
        """To the dead letters."""
        await self._incoming.reject(requeue=False)
