"""A broker of three nodes that stop seeing each other: what was confirmed is not lost, and writes go on after healing."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import aio_pika
import pytest

from deploy.local import services
from subgraphs.kit.broker import Message, Queue, RabbitBroker
from subgraphs.kit.ids import uuid7
from tests.faults.cluster import SHAPES, Cluster, cluster
from tests.faults.house import a_seed

DRILL = os.environ.get("PSA_DRILL")
SECONDS = (10, 30) if DRILL == "long" else (10,)
WRITTEN_SHAPES = tuple(SHAPES) if DRILL == "long" else ("random halves",)
RESUMED_SECONDS = 30.0
"""So long after healing every node takes writes again."""
_PATIENCE = 120

pytestmark = [
    pytest.mark.skipif(DRILL is None, reason="LEFT OUT: minutes of three brokers; python -m tests.drills 13 runs it"),
    pytest.mark.skipif(not services.RABBITMQ.exists(), reason="LEFT OUT: RabbitMQ is not installed here"),
    pytest.mark.timeout(1800),
    pytest.mark.faults,
]


@pytest.fixture(scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with cluster(tmp_path_factory.mktemp("cluster"), lambda _line: None) as built:
        yield built


@dataclass(slots=True)
class Traffic:
    """What is written to every node, and what is heard from every node."""

    cluster: Cluster
    queue: Queue
    tried: set[UUID] = field(default_factory=set)
    confirmed: set[UUID] = field(default_factory=set)
    confirmed_at: dict[int, float] = field(default_factory=dict)
    heard: list[UUID] = field(default_factory=list)
    writing: bool = True

    async def write(self, node: int, *, waits: bool = True) -> None:
        """Write to a node for as long as there is to be written, and to a new connection when the old one breaks."""
        while self.writing:
            with suppress(Exception):
                await (self._confirmed(node) if waits else self._hoped(node))
            await asyncio.sleep(0.2)

    async def _confirmed(self, node: int) -> None:
        messages: list[Message] = []
        async with RabbitBroker(self.cluster.urls[node]).publisher() as publisher:
            while self.writing:
                messages = messages or [self._message() for _ in range(5)]
                async with asyncio.timeout(60):
                    taken = await publisher.publish(messages)
                self.confirmed |= taken
                self.confirmed_at[node] = time.monotonic()
                messages = [one for one in messages if one.id not in taken]
                await asyncio.sleep(0.02)

    async def _hoped(self, node: int) -> None:
        connection = await aio_pika.connect(self.cluster.urls[node], timeout=10)
        async with connection, connection.channel(publisher_confirms=False) as channel:
            exchange = await channel.get_exchange("psa.events")
            while self.writing:
                for message in (self._message() for _ in range(10)):
                    await exchange.publish(aio_pika.Message(message.body, message_id=str(message.id)), message.key)
                    self.confirmed.add(message.id)
                self.confirmed_at[node] = time.monotonic()
                await asyncio.sleep(0.02)

    def _message(self) -> Message:
        message = Message(id=uuid7(), key=self.queue.keys[0], body=b"{}")
        self.tried.add(message.id)
        return message

    async def hear(self, node: int) -> None:
        """Hear from a node for ever."""
        while True:
            with suppress(Exception):
                async with RabbitBroker(self.cluster.urls[node]).deliveries(self.queue, prefetch=50) as deliveries:
                    async for delivery in deliveries:
                        self.heard.append(delivery.message.id)
                        await delivery.ack()
            await asyncio.sleep(0.2)

    async def quiet(self) -> None:
        """Wait until everything that was confirmed is heard, or nothing has been for a while: what is lost never comes."""
        before, still = -1, 0
        while still < (1 if self.confirmed <= set(self.heard) else 20):
            still, before = (still + 1 if len(self.heard) == before else 0), len(self.heard)
            await asyncio.sleep(0.5)

    async def resumed(self, nodes: range, since: float) -> float:
        """How long it takes until every node has taken a write again."""
        while not all(self.confirmed_at.get(node, 0.0) > since for node in nodes):
            await asyncio.sleep(0.1)
        return max(self.confirmed_at[node] for node in nodes) - since


async def through_a_partition(
    three: Cluster, shape: str, seconds: float, seed: int, *, waits: bool = True
) -> dict[str, object]:
    """Write to all nodes, cut them off from each other for a while, and count what became of it."""
    purpose = f"p{uuid4().hex}"
    traffic = Traffic(three, Queue("drill", purpose, (f"drill.{purpose}",)))
    await RabbitBroker(three.urls[0]).declare(traffic.queue)
    nodes = range(len(three.urls)) if waits else range(1)
    parts = SHAPES[shape](random.Random(seed))
    async with asyncio.timeout(seconds + 3 * _PATIENCE), asyncio.TaskGroup() as group:
        writers = nodes if waits else [0] * 5
        running = [group.create_task(traffic.write(node, waits=waits)) for node in writers]
        hearing = [group.create_task(traffic.hear(node)) for node in range(len(three.urls))]
        await traffic.resumed(nodes, 0.0)
        for cut in parts:
            await three.cut(cut)
            await asyncio.sleep(seconds / len(parts))
            await three.heal(cut)
        resumed = await traffic.resumed(nodes, time.monotonic())
        traffic.writing = False
        await asyncio.gather(*running)
        await traffic.quiet()
        for task in hearing:
            task.cancel()
    return {
        "shape": shape, "seconds": seconds, "seed": seed, "acknowledged": len(traffic.confirmed),
        "lost": len(traffic.confirmed - set(traffic.heard)), "unexpected": len(set(traffic.heard) - traffic.tried),
        "duplicated": len(traffic.heard) - len(set(traffic.heard)), "writes resume after seconds": round(resumed, 1),
    }  # fmt: skip


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("shape", WRITTEN_SHAPES)
async def test_nodes_that_do_not_see_each_other_lose_nothing_that_was_confirmed(
    three: Cluster, shape: str, seconds: float, record_property: Callable[[str, object], None]
) -> None:
    report = await through_a_partition(three, shape, seconds, a_seed())

    record_property("figure", json.dumps(report))
    assert report | {"lost": 0, "unexpected": 0} == report


async def test_a_writer_that_does_not_wait_to_be_told_loses_what_the_minority_took(three: Cluster) -> None:
    report = await through_a_partition(three, "halves", 10, a_seed(), waits=False)

    assert int(str(report["lost"])) >= 1
