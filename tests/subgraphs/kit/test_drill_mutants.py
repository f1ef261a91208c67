"""A module without its archivist: what no consumer can handle is gone from sight, and nobody can bring it back."""

from __future__ import annotations

import asyncio

from subgraphs.kit import inbox, relay
from subgraphs.kit.broker import Broker
from tests.subgraphs.kit.conftest import Schema
from tests.subgraphs.kit.test_dead_letters import PACE, Patient, a_purpose


async def test_without_the_archivist_a_poisonous_event_is_seen_by_nobody(schema: Schema, local_broker: Broker) -> None:
    sick = Patient(a_purpose())
    await local_broker.declare(sick.consumer.queue("tickets"))
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(relay.run(schema.relay_url, local_broker, "tickets", pace=relay.Pace(poll_seconds=0.05))),
            group.create_task(inbox.consume(local_broker, "tickets", [sick.consumer], schema.begin, pace=PACE)),
        ]
        await schema.emit()
        async with asyncio.timeout(60):
            while not await schema.rows("SELECT 1 FROM dead_letter"):
                await asyncio.sleep(0.02)
        for task in running:
            task.cancel()

    assert [row["status"] for row in await schema.rows("SELECT status FROM dead_letter")] == ["GIVEN_UP"]
