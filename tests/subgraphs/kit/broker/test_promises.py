"""What a broker promises, asked of every broker that we have."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from subgraphs.kit.broker import MOST_DELIVERIES, Broker, Delivery, Message, Queue, dead_letters
from subgraphs.kit.broker.delivery import UNROUTED

SECONDS = 60.0
"""How long anything may take before it counts as lost."""


def message(key: str = "ticket.created", body: bytes = b"{}") -> Message:
    return Message(id=uuid4(), key=key, body=body)


@pytest.fixture
def name() -> str:
    """A module that no other test uses."""
    return f"test_{secrets.token_hex(4)}"


async def publish(broker: Broker, *messages: Message) -> None:
    """Hand messages over; the broker takes all of them."""
    async with broker.publisher() as publisher:
        assert await publisher.publish(messages) == {message.id for message in messages}


async def nothing(deliveries: AsyncIterator[Delivery]) -> None:
    """Make sure that nothing more arrives."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await anext(deliveries)


async def next_of(deliveries: AsyncIterator[Delivery]) -> Delivery:
    async with asyncio.timeout(SECONDS):
        return await anext(deliveries)


async def test_a_message_arrives_as_it_was_sent(broker: Broker, name: str) -> None:
    queue, sent = Queue(name, "mail", (f"{name}.created",)), message(f"{name}.created", b'{"a": "\xc3\xa4"}')
    await broker.declare(queue)
    await publish(broker, sent)

    async with broker.deliveries(queue, prefetch=5) as deliveries:
        delivery = await next_of(deliveries)
        assert (delivery.message, delivery.attempt) == (sent, 1)
        await delivery.ack()


async def test_a_message_reaches_every_queue_that_wants_it_and_no_other(broker: Broker, name: str) -> None:
    mail = Queue(name, "mail", (f"{name}.created",))
    facts = Queue(name, "facts", (f"{name}.created", f"{name}.closed"))
    plan = Queue(name, "plan", (f"{name}.closed",))
    await broker.declare(mail, facts, plan)
    sent = message(f"{name}.created")
    await publish(broker, sent)

    async with (
        broker.deliveries(mail, prefetch=5) as at_mail,
        broker.deliveries(facts, prefetch=5) as at_facts,
        broker.deliveries(plan, prefetch=5) as at_plan,
    ):
        first, second = await next_of(at_mail), await next_of(at_facts)
        assert (first.message, second.message) == (sent, sent)
        await nothing(at_plan)
        await first.ack()
        await second.ack()


@pytest.mark.parametrize(
    ("pattern", "wanted"), [("{0}.*", {"created", "closed"}), ("{0}.#", {"created", "closed", "a.b", ""})]
)
async def test_a_pattern_stands_for_words(broker: Broker, name: str, pattern: str, wanted: set[str]) -> None:
    queue = Queue(name, "all", (pattern.format(name),))
    await broker.declare(queue)
    await publish(broker, *(message(f"{name}.{event}".rstrip(".")) for event in ("created", "closed", "a.b", "")))

    async with broker.deliveries(queue, prefetch=10) as deliveries:
        arrived = [await next_of(deliveries) for _ in wanted]
        assert {d.message.key for d in arrived} == {f"{name}.{event}".rstrip(".") for event in wanted}
        await nothing(deliveries)
        for delivery in arrived:
            await delivery.ack()


async def test_what_was_acknowledged_never_comes_again(broker: Broker, name: str) -> None:
    queue = Queue(name, "mail", (f"{name}.*",))
    await broker.declare(queue)
    await publish(broker, message(f"{name}.created"))
    async with broker.deliveries(queue, prefetch=5) as deliveries:
        await (await next_of(deliveries)).ack()

    async with broker.deliveries(queue, prefetch=5) as deliveries:
        await nothing(deliveries)


async def test_what_a_consumer_did_not_acknowledge_comes_again_when_it_is_gone(broker: Broker, name: str) -> None:
    queue, sent = Queue(name, "mail", (f"{name}.*",)), message(f"{name}.created")
    await broker.declare(queue)
    await publish(broker, sent)
    async with broker.deliveries(queue, prefetch=5) as deliveries:
        assert (await next_of(deliveries)).attempt == 1

    async with broker.deliveries(queue, prefetch=5) as deliveries:
        delivery = await next_of(deliveries)
        assert (delivery.message, delivery.attempt) == (sent, 2)
        await delivery.ack()


async def test_what_one_consumer_holds_no_other_gets(broker: Broker, name: str) -> None:
    queue = Queue(name, "mail", (f"{name}.*",))
    await broker.declare(queue)
    await publish(broker, message(f"{name}.created"))
    async with broker.deliveries(queue, prefetch=5) as mine, broker.deliveries(queue, prefetch=5) as theirs:
        both = [asyncio.ensure_future(anext(mine)), asyncio.ensure_future(anext(theirs))]
        done, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=SECONDS)
        assert len(done) == 1
        assert (await asyncio.wait(waiting, timeout=0.4))[0] == set()
        await done.pop().result().ack()
        other = waiting.pop()
        other.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await other


async def test_what_is_released_comes_again_and_is_counted(broker: Broker, name: str) -> None:
    queue = Queue(name, "mail", (f"{name}.*",))
    await broker.declare(queue)
    await publish(broker, message(f"{name}.created"))

    async with broker.deliveries(queue, prefetch=5) as deliveries:
        attempts = []
        for _ in range(3):
            delivery = await next_of(deliveries)
            attempts.append(delivery.attempt)
            await delivery.release()
        assert attempts == [1, 2, 3]
        await (await next_of(deliveries)).ack()


async def test_what_is_rejected_is_with_the_dead_letters_of_its_module(broker: Broker, name: str) -> None:
    queue, sent = Queue(name, "mail", (f"{name}.*",)), message(f"{name}.created")
    await broker.declare(queue)
    await publish(broker, sent)
    async with broker.deliveries(queue, prefetch=5) as deliveries:
        await (await next_of(deliveries)).reject()
        await nothing(deliveries)

    async with broker.deliveries(dead_letters(name), prefetch=5) as deliveries:
        dead = await next_of(deliveries)
        assert (dead.message.id, dead.message.key, dead.message.body) == (sent.id, sent.key, sent.body)
        await dead.ack()


async def test_what_was_tried_often_enough_is_with_the_dead_letters(broker: Broker, name: str) -> None:
    """Also when no consumer lived long enough to reject it: that is what a message does that kills its consumers."""
    queue, sent = Queue(name, "mail", (f"{name}.*",)), message(f"{name}.created")
    await broker.declare(queue)
    await publish(broker, sent)
    for attempt in range(1, MOST_DELIVERIES + 1):
        async with broker.deliveries(queue, prefetch=5) as deliveries:
            assert (await next_of(deliveries)).attempt == attempt

    async with (
        broker.deliveries(queue, prefetch=5) as deliveries,
        broker.deliveries(dead_letters(name), prefetch=5) as last,
    ):
        await nothing(deliveries)
        dead = await next_of(last)
        assert dead.message == sent
        await dead.ack()


async def test_the_dead_stay_where_they_are_however_often_somebody_looks(broker: Broker, name: str) -> None:
    queue, sent = Queue(name, "mail", (f"{name}.*",)), message(f"{name}.created")
    await broker.declare(queue)
    await publish(broker, sent)
    async with broker.deliveries(queue, prefetch=5) as deliveries:
        await (await next_of(deliveries)).reject()

    for _ in range(25):
        async with broker.deliveries(dead_letters(name), prefetch=5) as deliveries:
            assert (await next_of(deliveries)).message == sent


async def test_what_nobody_wants_is_taken_and_kept_where_somebody_can_look(broker: Broker, name: str) -> None:
    sent = message(f"{name}.created")
    await publish(broker, sent)

    async with broker.deliveries(UNROUTED, prefetch=100) as deliveries:
        while (delivery := await next_of(deliveries)).message != sent:
            await delivery.ack()
        await delivery.ack()


async def test_no_more_than_prefetch_are_in_one_hand(broker: Broker, name: str) -> None:
    queue = Queue(name, "mail", (f"{name}.*",))
    await broker.declare(queue)
    await publish(broker, *(message(f"{name}.created") for _ in range(5)))

    async with broker.deliveries(queue, prefetch=2) as deliveries:
        first, second = await next_of(deliveries), await next_of(deliveries)
        await nothing(deliveries)
        await first.ack()
        await second.ack()
    async with broker.deliveries(queue, prefetch=10) as deliveries:
        for _ in range(3):
            await (await next_of(deliveries)).ack()


async def test_a_thousand_messages_arrive_in_order_and_once(broker: Broker, name: str) -> None:
    queue = Queue(name, "mail", (f"{name}.*",))
    await broker.declare(queue)
    sent = [message(f"{name}.created", str(number).encode()) for number in range(1000)]
    for at in range(0, 1000, 200):
        await publish(broker, *sent[at : at + 200])

    arrived = []
    async with broker.deliveries(queue, prefetch=100) as deliveries:
        for _ in sent:
            delivery = await next_of(deliveries)
            arrived.append(delivery.message)
            await delivery.ack()
        await nothing(deliveries)
    assert arrived == sent


async def test_declaring_again_changes_nothing(broker: Broker, name: str) -> None:
    queue, sent = Queue(name, "mail", (f"{name}.*",)), message(f"{name}.created")
    await broker.declare(queue)
    await publish(broker, sent)
    await broker.declare(queue)

    async with broker.deliveries(queue, prefetch=5) as deliveries:
        assert (await next_of(deliveries)).message == sent
        await nothing(deliveries)
