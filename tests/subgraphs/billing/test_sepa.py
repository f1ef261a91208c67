"""Direct debits: from the mandate to the money, and back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest

from tests.subgraphs.billing.asking import customer, done, issued, refused, run

ONE = ({"description": "Wartung", "quantity": "1", "unitPrice": "100.00"},)
IBAN = "DE02500105170137075030"


@pytest.fixture(autouse=True, scope="module")
async def creditor(store):
    (entity,) = (await store.data("{ legalEntities { id } }"))["legalEntities"]
    assert await refused(store, "createSepaBatch") == "PRECONDITION_FAILED"
    assert (
        await refused(store, "updateLegalEntity", id=entity["id"], sepaCreditorId="DE97ZZZ09999999999") == "VALIDATION"
    )
    await done(store, "updateLegalEntity", id=entity["id"], sepaCreditorId="DE98ZZZ09999999999")


@pytest.fixture
def later(store):
    before = store.moment

    def move(*date: int) -> None:
        store.moment = datetime(*date, 9, tzinfo=UTC)

    yield move
    store.moment = before


async def with_mandate(store, **more) -> tuple[str, dict]:
    buyer = await customer(store)
    plain = {"iban": "DE02 5001 0517 0137 0750 30", "signedOn": "2026-01-15"}
    return buyer, await done(store, "recordSepaMandate", customerId=buyer, **plain | more)


async def state(store, document) -> tuple[str, str]:
    query = "query($id: ID!) { invoice(id: $id) { paymentStatus openAmount { amount } } }"
    found = (await store.data(query, id=document["id"]))["invoice"]
    return found["paymentStatus"], found["openAmount"]["amount"]


async def test_what_a_mandate_names_is_told_collected_paid_and_may_come_back(store, later):
    buyer, mandate = await with_mandate(store)
    first, second = [await issued(store, buyer, ONE) for _ in range(2)]
    (kept,) = await store.rows("SELECT buyer_snapshot FROM invoice WHERE id = $1", UUID(first["id"]))
    assert f'"reference": "{mandate["reference"]}"' in kept["buyer_snapshot"]
    assert await refused(store, "createSepaBatch", invoiceIds=[first["id"]]) == "PRECONDITION_FAILED"  # not due

    later(2026, 3, 13)
    batch = await done(store, "createSepaBatch", collectionDate="2026-03-16")
    assert (batch["debitCount"], batch["total"]["amount"], batch["status"]) == (2, "238.00", "CREATED")
    assert [(one["sequence"], one["amount"]["amount"]) for one in batch["debits"]] == [
        ("FRST", "119.00"),
        ("RCUR", "119.00"),
    ]
    text = base64.b64decode(batch["contentBase64"]).decode()
    assert (text.count("<DrctDbtTxInf>"), text.count(IBAN), text.count(mandate["reference"])) == (2, 2, 2)
    assert await refused(store, "createSepaBatch", invoiceIds=[first["id"]]) == "PRECONDITION_FAILED"  # in a file
    assert await refused(store, "revokeSepaMandate", id=mandate["id"]) == "INVALID_TRANSITION"
    assert await refused(store, "bookSepaBatch", id=batch["id"]) == "PRECONDITION_FAILED"  # it is not the day

    later(2026, 3, 30)
    skipped = (await done(store, "runDunning", customerIds=[buyer]))["skipped"]
    assert [one["reason"] for one in skipped] == ["BEING_COLLECTED"] * 2
    booked = await done(store, "bookSepaBatch", id=batch["id"])
    assert [await state(store, one) for one in (first, second)] == [("PAID", "0.00")] * 2
    assert await refused(store, "cancelSepaBatch", id=batch["id"]) == "INVALID_TRANSITION"
    returned = next(one for one in booked["debits"] if one["invoiceId"] == first["id"])
    await done(store, "reversePayment", id=returned["paymentId"], reason="Rücklastschrift")
    assert await state(store, first) == ("OPEN", "119.00")
    again = await done(store, "createSepaBatch", invoiceIds=[first["id"]])
    assert ([one["sequence"] for one in again["debits"]], again["collectionDate"]) == (["RCUR"], "2026-03-31")


async def test_a_file_that_is_not_handed_in_leaves_everything_as_it_was(store, later):
    buyer, _ = await with_mandate(store, prenotificationDays=5)
    made = await issued(store, buyer, ONE)
    later(2026, 3, 17)
    batch = await done(store, "createSepaBatch", invoiceIds=[made["id"]])
    await done(store, "cancelSepaBatch", id=batch["id"])

    assert await state(store, made) == ("OPEN", "119.00")
    again = await done(store, "createSepaBatch", invoiceIds=[made["id"]])
    assert [one["sequence"] for one in again["debits"]] == ["FRST"]


async def test_nothing_is_collected_without_a_mandate_or_from_one_that_was_told_nothing(store, later):
    buyer = await customer(store)
    made = await issued(store, buyer, ONE)
    later(2026, 3, 20)
    before = [await store.count(table) for table in ("sepa_batch", "sepa_debit", "sepa_file")]
    assert await refused(store, "createSepaBatch", invoiceIds=[made["id"]]) == "PRECONDITION_FAILED"
    await done(store, "recordSepaMandate", customerId=buyer, iban=IBAN, signedOn="2026-03-20")
    payload = await run(store, "createSepaBatch", invoiceIds=[made["id"]])
    assert [(error["field"], "NOT_YET_TOLD" in error["message"]) for error in payload["errors"]] == [
        ("invoiceIds", True)
    ]
    assert await refused(store, "createSepaBatch", collectionDate="2026-03-22") == "VALIDATION"
    assert await refused(store, "createSepaBatch", invoiceIds=["rubbish"]) == "NOT_FOUND"
    assert [await store.count(table) for table in ("sepa_batch", "sepa_debit", "sepa_file")] == before

    told = await done(store, "createSepaBatch", invoiceIds=[made["id"]], toldOn="2026-03-06")
    assert told["total"]["amount"] == "119.00"


async def test_a_mandate_is_one_that_a_customer_could_give(store):
    consumer = await customer(store, isBusiness=False)
    given = {"customerId": consumer, "iban": IBAN, "signedOn": "2026-01-15"}

    assert await refused(store, "recordSepaMandate", **given | {"type": "B2B"}) == "PRECONDITION_FAILED"
    assert await refused(store, "recordSepaMandate", **given | {"iban": IBAN[:-1] + "9"}) == "VALIDATION"
    assert await refused(store, "recordSepaMandate", **given | {"signedOn": "2030-01-01"}) == "VALIDATION"
    assert await refused(store, "recordSepaMandate", **given | {"signedOn": "2020-01-01"}) == "PRECONDITION_FAILED"
    assert await refused(store, "recordSepaMandate", **given | {"reference": "Ü"}) == "VALIDATION"
    assert await refused(store, "recordSepaMandate", **given | {"prenotificationDays": 0}) == "VALIDATION"
    first = await done(store, "recordSepaMandate", **given)
    second = await done(store, "recordSepaMandate", **given, reference="M/1")
    assert await refused(store, "recordSepaMandate", **given, reference="M/1") in {"VALIDATION", "CONFLICT"}
    rows = await store.rows("SELECT id, status FROM sepa_mandate WHERE customer_id = $1 ORDER BY id", UUID(consumer))
    assert {str(row["id"]): row["status"] for row in rows} == {first["id"]: "REVOKED", second["id"]: "ACTIVE"}
    assert await refused(store, "revokeSepaMandate", id=first["id"]) == "INVALID_TRANSITION"
    await done(store, "revokeSepaMandate", id=second["id"])
