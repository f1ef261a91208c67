"""What a module knows of other modules' things: told by events, never older than what it knew, and walled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.events import crm
from contracts.events.envelope import Envelope
from subgraphs.kit import references, work
from subgraphs.kit.caller import system
from subgraphs.kit.errors import NotFound
from subgraphs.kit.ids import uuid7
from tests.subgraphs.house import A, B, staff

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
async def desk(start):
    return await start("tickets")


def envelope(identity, name, *, at=NOON, tenant=A, event=crm.CustomerCreated):
    told = event(id=identity, number="1", name=name, status="ACTIVE")
    return Envelope(
        id=uuid7(),
        source="/psa/crm",
        type=event.type,
        subject=f"Customer/{identity}",
        time=at,
        tenantid=tenant,
        dataschema=event.dataschema(),
        actorkind="SYSTEM",
        actorid=uuid4(),
        schemaversion=1,
        data=told.model_dump(mode="json"),
    )


async def learn(desk, told):
    (consumer,) = references.consumers(("Customer",))
    async with work.begin(desk.engine, system(told.tenantid), module="tickets") as job:
        await consumer.handle(job, told)


async def known(desk, identity, asking=None):
    async with work.begin(desk.engine, asking or staff(), module="tickets") as job:
        return await references.require(job, "Customer", identity, field="customerId")


async def test_what_an_event_told_is_known(desk):
    identity = uuid4()
    await learn(desk, envelope(identity, "Nord"))

    assert await known(desk, identity) == references.Known(id=identity, customer_id=identity, name="Nord")


async def test_an_older_event_does_not_overwrite_a_newer_one(desk):
    identity = uuid4()
    await learn(desk, envelope(identity, "New", at=NOON, event=crm.CustomerUpdated))
    await learn(desk, envelope(identity, "Old", at=NOON - timedelta(minutes=1)))

    assert (await known(desk, identity)).name == "New"


async def test_what_nobody_told_is_not_found_and_names_the_field(desk):
    with pytest.raises(NotFound) as refused:
        await known(desk, uuid4())

    assert refused.value.field == "customerId"


@pytest.mark.parametrize("asking", [staff(B), staff(customers=frozenset({uuid4()}))], ids=["tenant", "customer"])
async def test_what_is_behind_a_wall_is_not_found(desk, asking):
    identity = uuid4()
    await learn(desk, envelope(identity, "Nord"))

    with pytest.raises(NotFound):
        await known(desk, identity, asking)


async def test_a_command_waits_a_little_for_the_event_that_is_on_its_way(desk, monkeypatch):
    monkeypatch.setattr(references, "_PATIENCE_SECONDS", 60)
    identity = uuid4()
    waiting = asyncio.create_task(known(desk, identity))
    await asyncio.sleep(0.2)
    assert not waiting.done()

    await learn(desk, envelope(identity, "Nord"))

    assert (await waiting).name == "Nord"


async def test_nobody_waits_for_what_would_have_been_told_long_ago(desk, monkeypatch, statements):
    monkeypatch.setattr(references, "_PATIENCE_SECONDS", 60)
    of_last_year = UUID("019a20b4-0000-7000-8000-000000000000")

    with statements(desk) as seen, pytest.raises(NotFound):
        await known(desk, of_last_year)

    assert sum("FROM reference" in statement for statement in seen) == 1


async def test_many_wrong_ids_do_not_hold_many_connections(desk, statements):
    """Three wait and look forty times each; the others look once."""
    with statements(desk) as seen:
        refused = await asyncio.gather(*(known(desk, uuid4()) for _ in range(10)), return_exceptions=True)

    assert {type(one) for one in refused} == {NotFound}
    assert sum("FROM reference" in statement for statement in seen) == 10 + 3 * 40


def test_every_kind_that_a_module_may_reference_has_a_consumer():
    names = [consumer.name for consumer in references.consumers(("Customer", "Asset"))]

    assert names == ["customer_references", "asset_references"]
