"""Two customers become one: a module moves what it keeps of the source, once, and within its tenant."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contracts.events import crm
from contracts.events.envelope import Envelope
from subgraphs.kit import references, work
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from tests.subgraphs.house import A, B

CREATE = """mutation($i: CreateTicketInput!) { createTicket(input: $i) { ticket { id version } errors { code } } }"""


@pytest.fixture(scope="module")
async def desk(start):
    return await start("tickets")


def envelope(source, target, tenant):
    told = crm.CustomerMerged(source_id=source, target_id=target)
    return Envelope(
        id=uuid7(), source="/psa/crm", type=told.type, subject=f"Customer/{source}", time=datetime.now(UTC), tenantid=tenant,
        dataschema=told.dataschema(), actorkind="SYSTEM", actorid=uuid4(), schemaversion=1, data=told.model_dump(mode="json"),
    )  # fmt: skip


async def hear(desk, source, target, tenant=A):
    (consumer,) = (one for one in desk.module.consumers if one.name == "merged_customers")
    async with work.begin(desk.engine, system(tenant), module="tickets") as job:
        await consumer.handle(job, envelope(source, target, tenant))


async def test_what_belongs_to_the_source_belongs_to_the_target_from_now_on(desk):
    source, target, contact = uuid4(), uuid4(), uuid4()
    for kind, identity, customer in (
        ("Customer", source, source),
        ("Customer", target, target),
        ("Contact", contact, source),
    ):
        await desk.knows(kind, identity, customer=customer)
    made = (await desk.data(CREATE, i={"customerId": str(source), "title": "Printer"}))["createTicket"]
    assert made["errors"] == []

    await hear(desk, source, target, tenant=B)
    assert (await desk.rows("SELECT count(*) AS n FROM ticket WHERE customer_id = $1", source))[0]["n"] == 1
    await hear(desk, source, target)
    await hear(desk, source, target)

    query = "query($id: ID!) { ticket(id: $id) { customerId version } }"
    ticket = (await desk.data(query, id=made["ticket"]["id"]))["ticket"]
    assert ticket == {"customerId": str(target), "version": made["ticket"]["version"] + 1}
    assert (await desk.rows("SELECT count(*) AS n FROM sla_clock WHERE customer_id = $1", source))[0]["n"] == 0
    async with work.begin(desk.engine, system(A), module="tickets") as job:
        assert (await references.require(job, "Contact", contact, field="x")).customer_id == target
        assert (await references.require(job, "Customer", source, field="x")).customer_id == source
