"""What is laid down of an issued document, and what happens on the day after it had to be paid."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from subgraphs.billing import consumers
from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.billing.asking import customer, done, issued, told
from tests.subgraphs.house import A


async def files(store, identity: str) -> Any:
    query = "query($id: ID!) { invoiceFiles(id: $id) { fileName format pdfBase64 xml archivedAt pdfSha256 xmlSha256 } }"
    return (await store.data(query, id=identity))["invoiceFiles"]


def at(store, moment: datetime):
    return work.begin(store.engine, system(A), module="billing", clock=lambda: moment)


async def test_what_is_served_later_is_what_was_issued(store):
    buyer = await customer(store)
    document = await issued(store, buyer)
    before = await files(store, document["id"])
    for _ in range(2):  # the job may come twice
        async with at(store, store.moment) as job:
            await consumers.issued(job, {"invoice": document["id"]})
    await done(store, "updateBillingAccount", customerId=buyer, name="Ganz anders GmbH", language="en")
    kept = await files(store, document["id"])

    assert before["archivedAt"] is None
    assert kept["xml"] == before["xml"]
    assert "Musterkunde GmbH" in kept["xml"]
    assert hashlib.sha256(base64.b64decode(kept["pdfBase64"])).hexdigest() == kept["pdfSha256"]
    assert hashlib.sha256(kept["xml"].encode()).hexdigest() == kept["xmlSha256"]
    assert await files(store, document["id"]) == kept
    for change in ("UPDATE invoice_file SET pdf = ''", "DELETE FROM invoice_file"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with at(store, store.moment) as job:
                await job.session.execute(text(change))


async def test_a_draft_is_not_laid_down(store):
    draft = await done(
        store, "createInvoice", customerId=await customer(store), lines=[{"description": "Arbeit", "unitPrice": "1.00"}]
    )
    async with at(store, store.moment) as job:
        await consumers.issued(job, {"invoice": draft["id"]})

    assert await store.rows("SELECT 1 FROM invoice_file WHERE invoice_id = $1", draft["id"]) == []
    assert (await files(store, draft["id"]))["archivedAt"] is None


async def test_a_document_that_nobody_paid_is_told_on_the_day_after(store):
    late, buyer = await issued(store), await customer(store)
    paid = await issued(store, buyer)
    money = {"amount": "801.66", "valueDate": "2026-03-02", "allocateOldest": True}
    await done(store, "recordPayment", customerId=buyer, **money)
    due = datetime.fromisoformat(f"{late['dueDate']}T12:00:00+00:00")
    for moment in (due, datetime(2026, 3, 17, tzinfo=UTC)):
        for document in (late, paid):
            async with at(store, moment) as job:
                await consumers.fell_due(job, {"invoice": document["id"]})

    assert (await told(store, f"Invoice/{late['id']}")).count("invoice.overdue") == 1
    assert "invoice.overdue" not in await told(store, f"Invoice/{paid['id']}")
