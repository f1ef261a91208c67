"""Rubbish at every place of every command of billing: a refusal, and never a fault."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.subgraphs import rubbish
from tests.subgraphs.billing.asking import TOT_2, contract, customer, done, draft, issued


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits here for events that do not come."""
    monkeypatch.setattr("subgraphs.kit.references._PATIENCE_SECONDS", 0.0)


@pytest.mark.timeout(240)  # some thousand questions, one after another, on a machine that may be busy
async def test_rubbish_is_refused_wherever_it_stands(store):
    buyer = await customer(store)
    block = await contract(store, buyer, type="BLOCK_HOURS")
    document, written = await issued(store, buyer), await draft(store, buyer)
    balance = await done(store, "purchasePrepaid", contractId=block["id"], quantity="10", price="1100.00")
    item = await done(store, "rateTime", timeEntryId=str(uuid4()), customerId=buyer, serviceDate="2026-02-02", minutes=60,
                      description="Arbeit", contractId=block["id"])  # fmt: skip
    paid = await done(store, "recordPayment", customerId=buyer, amount="5.00", valueDate="2026-03-01")
    entity = (await store.data("{ legalEntities { id } }"))["legalEntities"][0]["id"]
    known = {
        "customerId": buyer, "contractId": block["id"], "contractLineId": block["lines"][0]["id"], "customerIds": [buyer],
        "legalEntityId": entity, "lines": [dict(TOT_2[0])], "unitPrice": "1.00", "country": "DE", "validFrom": "2026-01-01",
        "until": "2026-03-01", "timeEntryId": str(uuid4()), "minutes": 30, "levels": [{"level": 0, "daysAfterDue": 7}],
        "allocations": [], "valueDate": "2026-03-01", "entries": [{"hourlyRate": "100.00"}], "iban": "DE02120300000000202051",
        "updateLegalEntity.id": entity, "endContractLine.id": block["lines"][0]["id"], "adjustPrepaid.id": balance["id"],
        "allocatePayment.id": paid["id"], "reversePayment.id": paid["id"],
        "createCreditNote.lines": [{"lineId": document["lines"][0]["id"]}], "registerContract.lines": [],
        **{f"{name}.id": item["id"] for name in ("holdBillableItem", "releaseBillableItem", "writeOffBillableItem")},
        **{f"{name}.id": written["id"] for name in ("updateDraftInvoice", "deleteDraftInvoice", "approveInvoice")},
        "id": document["id"],
    }  # fmt: skip

    assert await rubbish.faults(store, "billing", known) == []
