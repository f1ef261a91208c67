"""The whole platform as in production, and each of its processes killed in turn while people write through the router.

    people ──► router ──► tickets ──► outbox ──► worker ──► RabbitMQ ──► worker of integrations ──► changes(since)
       └─ ask again under the same key until somebody says yes                                          │
    acknowledged ══════════════════════════════════ compared with ═════════════════════════════════ what was told

People behave as clients should: one key for each thing they want, asked for again until there is an answer. The feed of
changes is the far end: what is acknowledged and never told is lost, what is told and was not acknowledged was done twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from deploy.local import identity
from deploy.local.people import NORDLICHT
from tests.deploy.local.processes import command, family
from tests.e2e.conftest import START_SECONDS, Platform, start, stop
from tests.faults.house import a_seed

DRILL = os.environ.get("PSA_DRILL")
LONG = DRILL == "long"
HOURS = float(os.environ.get("PSA_DRILL_HOURS", "8"))
ENOUGH_KILLS, ENOUGH_WRITES = (1_000, 1_000_000) if LONG else (0, 200)
PEOPLE = 4
BETWEEN = 15
"""So many writes are acknowledged between two kills: each finds the platform working."""

VICTIMS = {
    "router": "router serve",
    "module": "subgraphs tickets serve",
    "relay and consumers": "subgraphs tickets relay consume work",
    "far end": "subgraphs integrations relay consume work",
    "broker": "beam.smp",
    "Redis": "redis-server",
    "database": "/postgres -D",
}
CREATE = (
    """mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id } errors { code message } } }"""
)
CHANGES = """query($since: String) { changes(since: $since, first: 200, types: ["Ticket"]) {
    nodes { subjectId eventType } pageInfo { endCursor hasNextPage } } }"""

pytestmark = [
    pytest.mark.skipif(
        DRILL is None, reason="LEFT OUT: minutes of a whole platform; python -m tests.drills 10 runs it"
    ),
    pytest.mark.timeout(HOURS * 3600 + 3600 if LONG else 1800),
    pytest.mark.faults,
]


@dataclass(slots=True)
class Writing:
    """What people asked for, and what they were told."""

    platform: Platform
    client: httpx2.AsyncClient
    customer: str = ""
    tried: int = 0
    asked: int = 0
    acknowledged: list[str] = field(default_factory=list)
    longest_seconds: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    done: bool = False

    async def ask(self, query: str, key: str | None = None, **variables: Any) -> dict[str, Any] | None:
        """Ask once; None when there was no good answer."""
        token = identity.token(self.platform.home, NORDLICHT, NORDLICHT.with_role("owner"))
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        self.asked += 1
        try:
            said = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
            answer = said.json()
        except (httpx2.HTTPError, ValueError):
            return None
        data: dict[str, Any] | None = None if answer.get("errors") else answer.get("data")
        return data

    async def insists(self, query: str, key: str | None = None, **variables: Any) -> dict[str, Any]:
        """Ask until there is an answer, always for the same."""
        began = time.monotonic()
        while (answer := await self.ask(query, key, **variables)) is None:
            await asyncio.sleep(0.2)
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
        return answer

    async def write(self) -> None:
        """Be one of the people: write until there is enough."""
        while not self.done:
            self.tried += 1
            key, title = str(uuid4()), f"Geschrieben, während etwas stirbt: {uuid4()}"
            made = (await self.insists(CREATE, key, input={"customerId": self.customer, "title": title}))[
                "createTicket"
            ]
            assert made["errors"] == []
            self.acknowledged.append(made["ticket"]["id"])

    def kill(self, kind: str) -> None:
        """Kill the process of a kind, wherever it is in its work."""
        found = [pid for pid in family(self.platform.process.pid) if VICTIMS[kind] in command(pid)]
        if found:
            os.kill(min(found), signal.SIGKILL)
            self.kills[kind] = self.kills.get(kind, 0) + 1

    async def told(self, since: str, *, until: int, seconds: float) -> list[str]:
        """Which tickets the feed of changes says were made, once there are so many or time is up."""
        made: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    page = (await self.insists(CHANGES, since=since))["changes"]
                    made += [one["subjectId"] for one in page["nodes"] if one["eventType"] == "ticket.created"]
                    since = page["pageInfo"]["endCursor"] or since
                    if not page["pageInfo"]["hasNextPage"]:
                        if len(made) >= until:
                            return made
                        await asyncio.sleep(1)
        except TimeoutError:
            return made


async def kill_in_turn(writing: Writing, seed: int) -> None:
    """Kill one process of each kind, in a random order, again and again until it is enough; never two within `BETWEEN` writes."""
    choice, deadline = random.Random(seed), time.monotonic() + (HOURS * 3600 if LONG else 0)
    while True:
        for kind in choice.sample(list(VICTIMS), len(VICTIMS)):
            before = len(writing.acknowledged)
            while len(writing.acknowledged) < before + BETWEEN:
                await asyncio.sleep(0.05)
            writing.kill(kind)
        if sum(writing.kills.values()) >= ENOUGH_KILLS or time.monotonic() > deadline:
            return


async def test_whichever_process_is_killed_what_was_acknowledged_is_told_and_done_once(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    platform, seed = start(tmp_path / "home", "--port", "0", "--split"), a_seed()
    try:
        assert await asyncio.to_thread(platform.wait_until_it_says, "Ctrl-C stops everything", START_SECONDS), (
            platform.output
        )
        async with httpx2.AsyncClient(base_url=platform.url, timeout=15, trust_env=False) as client:
            writing = Writing(platform, client)
            writing.customer = (await writing.insists('{ customer(id: "123") { id } }'))["customer"]["id"]
            since = (await writing.insists(CHANGES, since="now"))["changes"]["pageInfo"]["endCursor"]
            async with asyncio.TaskGroup() as group:
                for _ in range(PEOPLE):
                    group.create_task(writing.write())
                await kill_in_turn(writing, seed)
                while len(writing.acknowledged) < ENOUGH_WRITES and not LONG:
                    await asyncio.sleep(0.1)
                writing.done = True
            told = await writing.told(since, until=len(writing.acknowledged), seconds=300)
    finally:
        await asyncio.to_thread(stop, platform)
    acknowledged = set(writing.acknowledged)
    report = {
        "seed": seed,
        "kills": writing.kills,
        "killed": sum(writing.kills.values()),
        "acknowledged": len(writing.acknowledged),
        "requests": writing.asked,
        "lost": len(acknowledged - set(told)),
        "unexpected": len(set(told) - acknowledged),
        "told twice": len(told) - len(set(told)),
        "longest wait in seconds": round(writing.longest_seconds, 1),
    }
    record_property("figure", json.dumps(report))
    assert report | {"lost": 0, "unexpected": 0, "told twice": 0, "acknowledged": len(acknowledged)} == report
    assert set(writing.kills) == set(VICTIMS)
