"""What was acknowledged has its effect, and has it once, whatever is killed, and whenever.

Two ways to look for a moment at which something is lost. One is luck, and much of it: writers, relays, consumers,
workers, broker and database are killed at random for as long as it takes. The other is to know the moments: each part
kills itself exactly where a wrong order of steps would lose something, and its mutant, which has the wrong order, does
lose it there. A test that cannot fail proves nothing.

Not shown: partitions, clusters, power loss (`kill -9` leaves the page cache), and hours instead of minutes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from deploy.local import services
from tests.faults.house import House, a_seed, house, monkey
from tests.faults.parts import TOGETHER, Part

pytestmark = pytest.mark.faults

KILLS = {"relay": 11, "writer": 8, "consumer": 9, "worker": 4, "database": 2}
ENOUGH = 5_000
"""Acknowledged entries, at least."""

WRITER = Part("writer", limit=20, pause_seconds=0.02)
RELAY, CONSUMER, WORKER = Part("relay"), Part("consumer"), Part("worker")

NOTHING_LOST = {
    "lost": 0,
    "unexpected": 0,
    "effects_twice": 0,
    "rows_without_event": 0,
    "events_without_row": 0,
    "jobs_lost": 0,
    "jobs_twice": 0,
    "sums_differ": False,
    "dead_letters": 0,
}


@pytest.mark.timeout(600)
async def test_whatever_is_killed_nothing_is_lost_and_nothing_is_done_twice(
    tmp_path: Path, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    rabbitmq, seed = services.RABBITMQ.exists(), a_seed()
    kills = KILLS | ({"broker": 2} if rabbitmq else {})
    victims = [kind for kind, times in kills.items() for _ in range(times)]
    async with house(tmp_path, rabbitmq=rabbitmq) as built:
        async with built.running(RELAY, RELAY, CONSUMER, CONSUMER, WORKER):
            async with built.running(Part("writer"), Part("writer")):
                await monkey(built, victims, every=(0.1, 1.0), seed=seed)
                while len(built.ledger("acked")) < ENOUGH:
                    await asyncio.sleep(0.5)
            await built.quiet(seconds=300)
        count = await built.count()
        kills = dict(built.kills)

    report = {"broker": "rabbitmq" if rabbitmq else "local", "seed": seed, "kills": kills, **asdict(count)}
    record_property("figure", json.dumps(report | {"killed": sum(kills.values())}))
    with capsys.disabled():
        print(f"\n{json.dumps(report)}")
    assert sum(kills.values()) >= 30
    assert count.acknowledged >= ENOUGH
    assert asdict(count) | NOTHING_LOST == asdict(count), report


@pytest.fixture(scope="module")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("house"), rabbitmq=False) as built:
        yield built


async def count_after(standing: House, **changed: Part) -> dict[str, Any]:
    """Let everything run until nothing moves, with some parts changed; what became of the facts."""
    await standing.empty()
    parts = {"writer": WRITER, "relay": RELAY, "consumer": CONSUMER, "worker": WORKER} | changed
    async with standing.running(*parts.values()):
        while len(standing.ledger("tried")) < WRITER.limit * TOGETHER:
            await asyncio.sleep(0.05)
        await standing.quiet(seconds=300)
        return asdict(await standing.count()) | {"deaths": standing.graves}


MOMENTS = {
    "relay before publish": Part("relay", dies="before publish", deaths=3),
    "relay after publish": Part("relay", dies="after publish", deaths=3),
    "writer after commit": Part("writer", dies="after commit", deaths=3, survives=2, limit=20, pause_seconds=0.02),
    "consumer in the work": Part("consumer", dies="in the work", deaths=3, survives=5),
    "consumer before the acknowledgement": Part("consumer", dies="before the acknowledgement", deaths=3, survives=5),
    "worker before it is done": Part("worker", dies="before it is done", deaths=1, survives=1),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.timeout(600)
async def test_dying_at_the_worst_moment_loses_nothing_and_does_nothing_twice(
    standing: House, moment: str, record_property: Callable[[str, object], None]
) -> None:
    part = MOMENTS[moment]

    count = await count_after(standing, **{part.role: part})
    told = ("acknowledged", "lost", "duplicated", "effects_twice", "jobs_twice", "sums_differ")
    record_property("figure", json.dumps({"moment": moment} | {name: count[name] for name in told}))
    assert count["deaths"] == part.deaths
    assert count["acknowledged"] >= 60
    assert count | NOTHING_LOST == count


MUTANTS = {
    "a relay that marks before it publishes": (
        Part("relay", mutant="forgets", dies="before publish", deaths=1),
        "lost",
    ),
    "a writer that publishes after its commit, without an outbox": (
        Part("writer", mutant="after_commit", dies="after commit", deaths=1, survives=2, limit=20, pause_seconds=0.02),
        "lost",
    ),
    "a consumer that acknowledges before it has done anything": (
        Part("consumer", mutant="hasty", dies="in the work", deaths=1, survives=5),
        "lost",
    ),
    "a consumer without an inbox": (
        Part("consumer", mutant="forgetful", dies="before the acknowledgement", deaths=1, survives=5),
        "effects_twice",
    ),
    "a worker without an inbox": (
        Part("worker", mutant="forgetful", dies="before it is done", deaths=1, survives=1),
        "jobs_twice",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.timeout(600)
async def test_a_mutant_is_caught(standing: House, mutant: str) -> None:
    part, symptom = MUTANTS[mutant]

    count = await count_after(standing, **{part.role: part})
    assert count["deaths"] == 1
    assert count[symptom] >= 1
