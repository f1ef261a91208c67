"""Contracts per ticket: a resolved ticket takes one of the pack, once; what comes after the last one is time and material."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from contracts.events import tickets
from contracts.events.envelope import Envelope
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from tests.subgraphs.billing.asking import customer, done, told
from tests.subgraphs.house import A

LEFT = """query($r: [_Any!]!) { _entities(representations: $r) { ... on Contract { balances { remaining
    movements { kind quantity } } } } }"""


async def resolved(store, ticket, buyer):
    (consumer,) = (one for one in store.module.consumers if one.name == "ticket_packs")
    event = tickets.TicketResolved(id=UUID(ticket))
    envelope = Envelope(
        id=uuid7(), source="/psa/tickets", type=event.type, subject=f"Ticket/{ticket}", time=datetime.now(UTC), tenantid=A,
        customerid=UUID(buyer), dataschema=event.dataschema(), actorkind="SYSTEM", actorid=uuid4(), schemaversion=1,
        data=event.model_dump(mode="json"),
    )  # fmt: skip
    async with work.begin(store.engine, system(A), module="billing", clock=lambda: store.moment) as job:
        await consumer.handle(job, envelope)


async def rated(store, buyer, ticket):
    given = {"serviceDate": "2026-03-01", "minutes": 60, "description": "Arbeit", "timeEntryId": str(uuid4())}
    return await done(store, "rateTime", customerId=buyer, ticketId=ticket, **given)


async def left(store, made):
    found = await store.data(LEFT, r=[{"__typename": "Contract", "id": made["id"]}])
    (balance,) = found["_entities"][0]["balances"]
    return balance["remaining"], [one["quantity"] for one in balance["movements"]]


async def test_a_resolved_ticket_takes_one_and_the_last_one_is_followed_by_time_and_material(store):
    await done(store, "upsertRateCard", name="Packs", scope="TENANT", entries=[{"hourlyRate": "120.00"}])
    buyer = await customer(store)
    made = await done(
        store, "registerContract", customerId=buyer, number="V-packs", title="Zehnerkarte", type="PER_TICKET",
        startDate="2026-01-01", coverage=[{"effect": "COVERED"}], lines=[],
    )  # fmt: skip
    await done(store, "purchasePrepaid", contractId=made["id"], quantity="2", boughtOn="2026-02-01")
    first, second, third = (str(uuid4()) for _ in range(3))

    assert (await rated(store, buyer, first))["status"] == "COVERED"
    await resolved(store, first, buyer)
    await resolved(store, first, buyer)
    assert await left(store, made) == ("1.0000", ["2.0000", "-1.0000"])
    await resolved(store, second, buyer)
    assert await left(store, made) == ("0.0000", ["2.0000", "-1.0000", "-1.0000"])
    assert (await told(store, f"Contract/{made['id']}")).count("prepaid.exhausted") == 1

    late, other = await rated(store, buyer, second), await rated(store, buyer, third)
    assert late["status"] == "COVERED"
    assert (other["status"], other["unitPrice"], other["effect"]["effect"]) == ("READY", "120.0000", "BILLABLE")
    assert other["effect"]["reasons"][-1] == "no ticket is left in the pack of Zehnerkarte"


async def test_a_ticket_that_another_contract_pays_takes_nothing(store):
    buyer = await customer(store)
    plain = {"startDate": "2026-01-01", "coverage": [{"effect": "COVERED"}], "lines": []}
    pack = await done(
        store,
        "registerContract",
        customerId=buyer,
        number="V-p2",
        title="Karte",
        type="PER_TICKET",
        priority=20,
        **plain,
    )
    await done(
        store,
        "registerContract",
        customerId=buyer,
        number="V-f2",
        title="Pauschale",
        type="FLAT_RATE",
        priority=10,
        **plain,
    )
    await done(store, "purchasePrepaid", contractId=pack["id"], quantity="2", boughtOn="2026-02-01")

    await resolved(store, str(uuid4()), buyer)

    assert await left(store, pack) == ("2.0000", ["2.0000"])
