"""Two customers become one: what billing keeps of the one is found with the other, and what was issued stays as it was issued."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.events import crm
from contracts.events.envelope import Envelope
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from tests.subgraphs.billing.asking import customer, done, draft, issued, refused
from tests.subgraphs.house import A


async def hear(store, source, target):
    (consumer,) = (one for one in store.module.consumers if one.name == "merged_customers")
    told = crm.CustomerMerged(source_id=UUID(source), target_id=UUID(target))
    envelope = Envelope(
        id=uuid7(), source="/psa/crm", type=told.type, subject=f"Customer/{source}", time=datetime.now(UTC), tenantid=A,
        dataschema=told.dataschema(), actorkind="SYSTEM", actorid=uuid4(), schemaversion=1, data=told.model_dump(mode="json"),
    )  # fmt: skip
    async with work.begin(store.engine, system(A), module="billing", clock=lambda: store.moment) as job:
        await consumer.handle(job, envelope)


async def picture(store, identity):
    query = (
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { openBalance { amount }"
        " invoices { id number customerId } } } }"
    )
    found = await store.data(query, r=[{"__typename": "Customer", "id": identity}])
    return found["_entities"][0]


async def test_what_was_the_sources_is_found_with_the_survivor_and_documents_stay_as_issued(store):
    source = await customer(store, name="Doppelt GmbH", debtorAccount="10077", buyerReference="B-77")
    target = await customer(store, name="Bleibt GmbH", debtorAccount=None)
    made = await issued(store, source)
    open_draft = await draft(store, source)
    await done(store, "recordPayment", customerId=source, amount="100.00", valueDate="2026-03-01", allocateOldest=True)
    contract = await done(
        store, "registerContract", customerId=source, number="V-merge", title="Wartung", type="BLOCK_HOURS",
        startDate="2026-03-01", billingInterval="MONTHLY", coverage=[{"effect": "COVERED"}],
        lines=[{"description": "Wartung", "quantity": "1", "unitPrice": "10.00"}],
    )  # fmt: skip
    await done(store, "purchasePrepaid", contractId=contract["id"], quantity="5", boughtOn="2026-03-01")
    frozen = "SELECT content_hash, buyer_snapshot, total_gross FROM invoice WHERE id = $1"
    before = await store.rows(frozen, UUID(made["id"]))

    await hear(store, source, target)
    await hear(store, source, target)

    found = await picture(store, target)
    assert {one["id"] for one in found["invoices"]} == {made["id"], open_draft["id"]}
    assert {one["customerId"] for one in found["invoices"]} == {target}
    assert Decimal(found["openBalance"]["amount"]) == Decimal("701.66")
    assert (await picture(store, source))["invoices"] == []
    assert await store.rows(frozen, UUID(made["id"])) == before
    ranges = "{ numberRanges { broken gaps } }"
    assert [one["broken"] for one in (await store.data(ranges))["numberRanges"]] == [[]]
    for table in (
        "invoice_line",
        "payment",
        "allocation",
        "contract",
        "contract_line",
        "prepaid_balance",
        "prepaid_movement",
    ):
        assert await store.rows(f"SELECT 1 FROM {table} WHERE customer_id = $1", UUID(source)) == [], table
    (account,) = await store.rows(
        "SELECT debtor_account, buyer_reference FROM billing_account WHERE id = $1", UUID(target)
    )
    assert tuple(account.values()) == ("10077", "B-77")

    late = await done(
        store,
        "createBillableItem",
        customerId=source,
        source="MANUAL",
        quantity="1",
        unitPrice="5.00",
        description="Spät",
    )
    (item,) = await store.rows("SELECT customer_id FROM billable_item WHERE id = $1", UUID(late["id"]))
    assert item["customer_id"] == UUID(target)
    gone = await done(store, "cancelInvoice", id=made["id"], reason="Storno")
    (counter,) = await store.rows(
        "SELECT customer_id, buyer_snapshot->>'name' AS name FROM invoice WHERE id = $1",
        UUID(gone["cancelledBy"]["id"]),
    )
    assert (counter["customer_id"], counter["name"]) == (UUID(target), "Doppelt GmbH")
    assert [one["broken"] for one in (await store.data(ranges))["numberRanges"]] == [[]]


async def test_an_issued_document_follows_a_merge_and_nothing_else(store):
    source, other = await customer(store), await customer(store)
    made = await issued(store, source)
    connection = await asyncpg.connect(store.settings.needed("database_url"))
    try:
        await connection.execute(
            f"SELECT set_config('psa.tenant', '{A}', false), set_config('psa.customers', '*', false)"
        )
        await connection.execute("SELECT set_config('psa.kind', 'STAFF', false)")
        for table, key in (("invoice", "id"), ("invoice_line", "invoice_id")):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(
                    f"UPDATE {table} SET customer_id = $1 WHERE {key} = $2", UUID(other), UUID(made["id"])
                )
    finally:
        await connection.close()

    assert (await picture(store, source))["invoices"][0]["id"] == made["id"]


async def test_merges_after_merges_end_with_the_last_one(store):
    first, second, third = [await customer(store) for _ in range(3)]
    made = await issued(store, first)
    await hear(store, first, second)
    await hear(store, second, third)
    await hear(store, first, second)

    assert [one["id"] for one in (await picture(store, third))["invoices"]] == [made["id"]]
    again = await draft(store, first)
    assert {one["id"] for one in (await picture(store, third))["invoices"]} == {made["id"], again["id"]}
    assert await refused(store, "createInvoice", customerId=str(uuid4()), lines=[]) == "NOT_FOUND"
