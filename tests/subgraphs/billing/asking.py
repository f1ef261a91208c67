"""How tests of billing ask: a command and its answer, a customer with an account, a draft, an issued document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from tests.subgraphs.house import staff

USER_LINE = {"description": "Arbeitsplatz", "quantity": "30", "unitPrice": "45.00"}
ENTITIES = {
    "LegalEntity": "legalEntity { id name fourEyes }",
    "Product": "product { id sku salesPrice }",
    "TaxCode": "taxCode { id key rate }",
    "PriceList": "priceList { id }",
    "RateCard": "rateCard { id }",
    "BaseRate": "baseRate { id percent }",
    "BillingAccount": "billingAccount { id vatIdStatus version }",
    "BilledContract": "contract { id number lines { id } }",
    "BilledContractLine": "contractLine { id validTo }",
    "QuantityChange": "quantityChange { id effectiveDate delta }",
    "QuantityVariance": "variance { id status difference estimatedMonthlyImpact { amount } }",
    "PrepaidBalance": "balance { id remaining }",
    "BillableItem": "billableItem { id status effect: coverage { effect reasons } quantity unitPrice holdReason invoiceId }",
    "BillingRun": "billingRun { id status draftCount lines warnings totalNet { amount } drafts { id totalNet { amount } } }",
    "Payment": "payment { id unallocated { amount } version }",
    "DunningPolicy": "dunningPolicy { minAmount }",
    "DunningRun": "dunningRun { id noticeCount totalOpen notices { id level flatFee40 { amount } interest { amount }"
    " claims { number level } } skipped { reason } }",
    "DunningNotice": "dunningNotice { id sentAt }",
    "InboundInvoice": "inboundInvoice { id format status number supplier gross valid reason xml contentBase64"
    " findings { rule severity } }",
    "SepaMandate": "sepaMandate { id reference status version }",
    "SepaBatch": "sepaBatch { id status collectionDate debitCount total { amount } contentBase64"
    " debits { invoiceId sequence amount { amount } paymentId } }",
    "ExportBatch": "exportBatch { id fileName rows debit credit duplicate contentBase64 }",
    "Invoice": "invoice { id number kind documentStatus paymentStatus issueDate dueDate version totalNet { amount }"
    " totalTax { amount } totalGross { amount } openAmount { amount } paidAmount { amount } contentHash"
    " taxBreakdown { category rate taxable { amount } tax { amount } exemptionReason }"
    " lines { id position description quantity unitPrice netAmount taxCode }"
    " precedingInvoice { number } cancelledBy { id number kind totalNet { amount } totalTax { amount }"
    " totalGross { amount } lines { quantity unitPrice netAmount } } }",
}

PAYLOADS = {
    "createLegalEntity": "LegalEntity", "updateLegalEntity": "LegalEntity", "upsertProduct": "Product",
    "upsertTaxCode": "TaxCode", "upsertPriceList": "PriceList", "upsertRateCard": "RateCard", "setBaseRate": "BaseRate",
    "updateBillingAccount": "BillingAccount", "checkVatId": "BillingAccount", "registerContract": "BilledContract",
    "addContractLine": "BilledContractLine", "endContractLine": "BilledContractLine",
    "changeContractQuantity": "QuantityChange", "reconcileQuantity": "QuantityVariance",
    "acceptVariance": "QuantityVariance", "ignoreVariance": "QuantityVariance", "purchasePrepaid": "PrepaidBalance",
    "adjustPrepaid": "PrepaidBalance", "rateTime": "BillableItem", "createBillableItem": "BillableItem",
    "holdBillableItem": "BillableItem", "releaseBillableItem": "BillableItem", "writeOffBillableItem": "BillableItem",
    "runBilling": "BillingRun", "discardBillingRun": "BillingRun", "approveBillingRun": "BillingRun",
    "recordPayment": "Payment", "allocatePayment": "Payment", "reversePayment": "Payment",
    "setDunningPolicy": "DunningPolicy", "runDunning": "DunningRun", "sendDunningNotice": "DunningNotice",
    "exportDatev": "ExportBatch", "recordSepaMandate": "SepaMandate", "revokeSepaMandate": "SepaMandate",
    "receiveInboundInvoice": "InboundInvoice", "acceptInboundInvoice": "InboundInvoice",
    "rejectInboundInvoice": "InboundInvoice", "createSepaBatch": "SepaBatch", "bookSepaBatch": "SepaBatch", "cancelSepaBatch": "SepaBatch",
}  # fmt: skip
"""The payload of each command; what is not here gives back an invoice."""

TOT_2 = (
    {"description": "Beratung", "quantity": "3.25", "unitCode": "HUR", "unitPrice": "120.00"},
    {"description": "Fachbuch", "quantity": "2", "unitPrice": "24.95", "taxCode": "DE7"},
    {"description": "Lizenz", "quantity": "12", "unitPrice": "19.90"},
)
"""The lines of the second worked example of totals: 678.70 + 122.96 = 801.66."""


async def run(store, command: str, asking: Any = None, repeatable: str | None = None, **given: Any) -> dict[str, Any]:
    """Give a command; its payload."""
    kind = command[0].upper() + command[1:] + "Input"
    entity = ENTITIES[PAYLOADS.get(command, "Invoice")]
    query = f"mutation($input: {kind}!) {{ {command}(input: $input) {{ {entity} errors {{ code message field }} }} }}"
    answer = await store.ask(query, asking, key=repeatable, input=given)
    assert "errors" not in answer, answer
    return answer["data"][command]


async def done(store, command: str, asking: Any = None, **given: Any) -> dict[str, Any]:
    """Give a command that must be done; its entity."""
    payload = await run(store, command, asking, **given)
    assert payload["errors"] == [], (command, payload["errors"])
    (entity,) = [value for key, value in payload.items() if key != "errors"]
    return entity


async def refused(store, command: str, asking: Any = None, **given: Any) -> str:
    """Give a command that must be refused; the code."""
    payload = await run(store, command, asking, **given)
    (error,) = payload["errors"]
    assert [value for key, value in payload.items() if key != "errors"] == [None]
    return error["code"]


async def customer(store, **account: Any) -> str:
    """A customer whom billing knows, with an address."""
    identity = uuid4()
    await store.knows("Customer", identity)
    plain = {
        "name": "Musterkunde GmbH",
        "address": {"line1": "Markt 1", "postalCode": "24103", "city": "Kiel", "country": "DE"},
        "debtorAccount": "10001",
        "invoiceEmail": "rechnung@musterkunde.example",
    }
    await done(store, "updateBillingAccount", customerId=str(identity), **{**plain, **account})
    return str(identity)


async def draft(store, customer_id: str, lines: Any = TOT_2, **more: Any) -> dict[str, Any]:
    """A draft with these lines."""
    return await done(store, "createInvoice", customerId=customer_id, lines=list(lines), **more)


async def issued(store, customer_id: str | None = None, lines: Any = TOT_2, **more: Any) -> dict[str, Any]:
    """An issued document with these lines."""
    made = await draft(store, customer_id or await customer(store), lines, **more)
    return await done(store, "approveInvoice", id=made["id"])


def money(found: dict[str, Any], *names: str) -> list[Decimal]:
    """Amounts of an answer."""
    return [Decimal(found[name]["amount"]) for name in names]


async def told(store, subject: str) -> list[str]:
    """The events about a thing, oldest first."""
    rows = await store.rows("SELECT type FROM outbox WHERE envelope->>'subject' = $1 ORDER BY position", subject)
    return [row["type"] for row in rows]


def somebody(**changes: Any) -> Any:
    """Another member of staff."""
    return staff(subject=UUID("0192f000-0000-7000-8000-0000000000fe"), **changes)


async def contract(store, buyer: str, lines: Any = (USER_LINE,), **more: Any) -> Any:
    """A contract that billing knows: thirty workplaces, unless `more` says otherwise."""
    plain = {"number": f"V-{uuid4().hex[:8]}", "title": "Betreuung", "type": "PER_USER", "startDate": "2026-01-01"}
    return await done(store, "registerContract", customerId=buyer, lines=list(lines), **{**plain, **more})


async def rated(store, buyer: str, **more: Any) -> Any:
    """An hour of work, as billing rates it."""
    plain = {"serviceDate": "2026-03-01", "minutes": 60, "description": "Arbeit", "timeEntryId": str(uuid4())}
    return await done(store, "rateTime", customerId=buyer, **{**plain, **more})


async def card(store, **more: Any) -> None:
    """A rate card of the tenant: 120.00 an hour, unless `more` says otherwise."""
    entry = {"hourlyRate": "120.00", "multiplierAfterHours": "1.5", **more}
    await done(store, "upsertRateCard", name="Standard", scope="TENANT", entries=[entry])
