"""Runs that are thrown away: what was on their drafts can be billed again, at once or by a worker, and nothing of others is touched."""

from __future__ import annotations

import json
from uuid import UUID

from subgraphs.billing.service import long_runs, runs
from tests.subgraphs.billing.asking import card, contract, customer, done, rated, refused, told
from tests.subgraphs.house import staff
from tests.subgraphs.long_jobs import worked


async def test_a_run_that_is_discarded_can_be_made_again(store):
    buyer = await customer(store)
    await contract(store, buyer)
    first = await done(store, "runBilling", until="2026-03-02", customerIds=[buyer])
    gone = await done(store, "discardBillingRun", id=first["id"])
    again = await done(store, "runBilling", until="2026-03-02", customerIds=[buyer])

    assert (gone["status"], gone["drafts"]) == ("DISCARDED", [])
    assert again["totalNet"] == first["totalNet"]
    assert await refused(store, "discardBillingRun", id=first["id"]) == "INVALID_TRANSITION"


async def test_who_sees_some_customers_only_neither_discards_nor_approves_a_run_of_all(store):
    mine, theirs = await customer(store), await customer(store)
    for buyer in (mine, theirs):
        await contract(store, buyer)
    made = await done(store, "runBilling", until="2026-03-02", customerIds=[mine, theirs])
    only_mine, all_but_theirs = staff(customers=frozenset({UUID(mine)})), staff(denied=frozenset({UUID(theirs)}))

    for command in ("discardBillingRun", "approveBillingRun"):
        assert await refused(store, command, only_mine, id=made["id"]) == "NOT_FOUND"
        assert await refused(store, command, all_but_theirs, id=made["id"]) == "FORBIDDEN"

    states = "SELECT document_status FROM invoice WHERE billing_run_id = $1"
    assert [row["document_status"] for row in await store.rows(states, UUID(made["id"]))] == ["DRAFT", "DRAFT"]


OF_ITEMS = "SELECT id, source, status, invoice_id, version FROM billable_item WHERE customer_id = ANY ($1) ORDER BY id"


async def test_what_was_on_the_drafts_of_a_discarded_run_is_released_once_and_recorded(store):
    await card(store)
    buyers = [await customer(store), await customer(store)]
    for buyer in buyers:
        await contract(store, buyer, startDate="2026-02-01")
        await rated(store, buyer, minutes=90)
        for price in ("25.00", "75.00"):
            more = {"source": "MANUAL", "quantity": "1", "unitPrice": price, "serviceFrom": "2026-03-01"}
            await done(store, "createBillableItem", customerId=buyer, description="Kabel", **more)
    whose = [UUID(buyer) for buyer in buyers]
    ready = await store.rows(OF_ITEMS, whose)
    made = await done(store, "runBilling", until="2026-03-02", customerIds=buyers)
    drafts = [UUID(one["id"]) for one in made["drafts"]]
    periods = [row["id"] for row in await store.rows(OF_ITEMS, whose) if row["source"] == "CONTRACT_LINE"]

    gone = await done(store, "discardBillingRun", id=made["id"])

    assert (made["draftCount"], made["lines"], made["totalNet"]["amount"]) == (2, 10, "5960.00")
    assert (gone["status"], gone["draftCount"], gone["drafts"]) == ("DISCARDED", 2, [])
    assert [row["status"] for row in ready] == ["READY"] * 6
    # Put onto a draft and taken off it again: two changes of each, and nothing else is another than it was.
    assert await store.rows(OF_ITEMS, whose) == [{**row, "version": row["version"] + 2} for row in ready]
    for table in ("invoice", "invoice_line"):
        of_drafts = "id" if table == "invoice" else "invoice_id"
        assert await store.rows(f"SELECT id FROM {table} WHERE {of_drafts} = ANY ($1)", drafts) == []
    assert await told(store, f"BillingRun/{made['id']}") == ["billing_run.completed", "billing_run.discarded"]
    recorded = await store.rows(
        "SELECT change, resource, resource_id, customer_id, before, after FROM audit WHERE command = 'discardBillingRun'"
        " AND (customer_id = ANY ($1) OR resource_id = $2)", whose, UUID(made["id"]),
    )  # fmt: skip
    assert {(row["change"], row["resource"], row["resource_id"]) for row in recorded} == {
        ("CHANGED", "BillingRun", UUID(made["id"])),
        *(("REMOVED", "Invoice", one) for one in drafts),
        *(("REMOVED", "BillableItem", one) for one in periods),
        *(("CHANGED", "BillableItem", row["id"]) for row in ready),
    }
    assert len(recorded) == 1 + 2 + 4 + 6
    item = next(row for row in recorded if row["resource_id"] == ready[0]["id"])
    assert json.loads(item["after"]) == {"status": "READY", "invoice_id": None}
    assert UUID(json.loads(item["before"]).pop("invoice_id")) in drafts
    again = await done(store, "runBilling", until="2026-03-02", customerIds=buyers)
    assert (again["draftCount"], again["lines"], again["totalNet"]) == (2, 10, made["totalNet"])
    assert await refused(store, "discardBillingRun", id=made["id"]) == "INVALID_TRANSITION"


async def test_a_run_of_which_something_is_approved_is_not_discarded_and_nothing_is_released(store):
    buyers = [await customer(store), await customer(store)]
    for buyer in buyers:
        await contract(store, buyer)
    made = await done(store, "runBilling", until="2026-03-02", customerIds=buyers)
    await done(store, "approveInvoice", id=made["drafts"][0]["id"])
    whose = [UUID(buyer) for buyer in buyers]
    before = await store.rows(OF_ITEMS, whose)

    assert await refused(store, "discardBillingRun", id=made["id"]) == "INVALID_TRANSITION"

    assert await store.rows(OF_ITEMS, whose) == before
    assert [row["status"] for row in before] == ["INVOICED"] * 6
    assert await told(store, f"BillingRun/{made['id']}") == ["billing_run.completed"]


async def two_drafts(store):
    buyers = [await customer(store), await customer(store)]
    for buyer in buyers:
        await contract(store, buyer)
    return await done(store, "runBilling", until="2026-03-02", customerIds=buyers)


async def test_a_run_of_many_drafts_is_thrown_away_by_a_worker(store, monkeypatch):
    monkeypatch.setattr(long_runs, "_MOST_IN_A_REQUEST", 1)
    monkeypatch.setattr(runs, "_AT_ONCE", 1)
    made = await two_drafts(store)
    query = "query($id: ID!) { billingRun(id: $id) { status draftCount drafts { id } } }"

    asked = await done(store, "discardBillingRun", id=made["id"])

    assert (asked["status"], len(asked["drafts"])) == ("DISCARDING", 2)
    for command in ("discardBillingRun", "approveBillingRun"):
        assert await refused(store, command, id=made["id"]) == "INVALID_TRANSITION"
    assert await worked(store) == 1
    assert (await store.data(query, id=made["id"]))["billingRun"] == {
        "status": "DISCARDED",
        "draftCount": 2,
        "drafts": [],
    }
    assert await store.rows("SELECT id FROM invoice WHERE billing_run_id = $1", UUID(made["id"])) == []
    assert await told(store, f"BillingRun/{made['id']}") == ["billing_run.completed", "billing_run.discarded"]


async def test_a_worker_leaves_a_run_alone_of_which_a_draft_was_approved_meanwhile(store, monkeypatch):
    monkeypatch.setattr(long_runs, "_MOST_IN_A_REQUEST", 1)
    made = await two_drafts(store)
    await done(store, "discardBillingRun", id=made["id"])
    await done(store, "approveInvoice", id=made["drafts"][0]["id"])

    assert await worked(store) == 1

    query = "query($id: ID!) { billingRun(id: $id) { status drafts { id } } }"
    found = (await store.data(query, id=made["id"]))["billingRun"]
    assert (found["status"], len(found["drafts"])) == ("REVIEW", 2)
    assert await told(store, f"BillingRun/{made['id']}") == ["billing_run.completed"]
