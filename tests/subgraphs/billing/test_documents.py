"""Documents from draft to cancellation, through the graph and the database."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from subgraphs.billing.models.invoices import Invoice
from subgraphs.billing.service import drafts, issuing
from subgraphs.billing.service.snapshots import document
from subgraphs.kit import work
from tests.subgraphs.billing.asking import TOT_2, customer, done, draft, issued, money, refused, run, somebody, told
from tests.subgraphs.house import A, staff


async def test_a_document_adds_up_as_the_worked_example_says(store):
    made = await draft(store, await customer(store))

    assert (made["number"], made["documentStatus"]) == (None, "DRAFT")
    assert money(made, "totalNet", "totalTax", "totalGross") == [
        Decimal("678.70"),
        Decimal("122.96"),
        Decimal("801.66"),
    ]
    assert [(part["rate"], part["tax"]["amount"]) for part in made["taxBreakdown"]] == [
        ("19.0000", "119.47"),
        ("7.0000", "3.49"),
    ]


async def test_at_inv_7_the_events_of_a_documents_life(store):
    made = await issued(store)

    assert await told(store, f"Invoice/{made['id']}") == ["invoice.generated", "invoice.approved", "invoice.issued"]
    (event,) = await store.rows(
        "SELECT envelope->'data' AS data FROM outbox WHERE type = 'invoice.issued' AND envelope->>'subject' = $1",
        f"Invoice/{made['id']}",
    )
    assert f'"number":"{made["number"]}"' in event["data"]


async def test_an_issued_document_is_due_in_fourteen_days_and_has_a_number(store):
    made = await issued(store)

    assert made["number"].startswith("RE-2026-")
    assert (made["issueDate"], made["dueDate"], made["documentStatus"]) == ("2026-03-02", "2026-03-16", "ISSUED")
    assert money(made, "openAmount") == [Decimal("801.66")]
    assert len(made["contentHash"]) == 64


async def test_at_inv_1_fifty_issue_at_once_and_ten_fail_after_the_number_was_drawn(store):
    buyer = UUID(await customer(store, einvoiceFormat="NONE_PDF"))
    await done(store, "updateLegalEntity", id=await entity(store), approveIssues=False)
    async with work.begin(store.engine, staff(), module="billing", clock=lambda: store.moment) as job:
        line = {"description": "Beratung", "unit_price": Decimal(120)}
        ids = [(await drafts.create(job, customer_id=buyer, lines=[line])).id for _ in range(50)]
        await job.session.flush()
        for identity in ids:
            await issuing.approve(job, identity)
    await done(store, "updateLegalEntity", id=await entity(store), approveIssues=True)
    before = await last_place(store)

    class Failed(Exception):
        pass

    async def one(place, identity):
        async with work.begin(store.engine, staff(), module="billing", clock=lambda: store.moment) as job:
            row = await issuing.issue(job, identity)
            assert row.number
            if place % 5 == 0:
                raise Failed

    results = await asyncio.gather(
        *(one(place, identity) for place, identity in enumerate(ids)), return_exceptions=True
    )

    assert sum(isinstance(one, Failed) for one in results) == 10
    assert [one for one in results if one is not None and not isinstance(one, Failed)] == []
    rows = await store.rows("SELECT range_place FROM invoice WHERE range_place > $1 ORDER BY 1", before)
    assert [row["range_place"] for row in rows] == list(range(before + 1, before + 41))


async def entity(store) -> str:
    return (await store.data("{ legalEntities { id } }"))["legalEntities"][0]["id"]


async def last_place(store) -> int:
    return (await store.rows("SELECT COALESCE(max(range_place), 0) AS n FROM invoice"))[0]["n"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE invoice SET total_net = 1 WHERE id = $1",
        "UPDATE invoice SET number = 'RE-1' WHERE id = $1",
        "UPDATE invoice SET document_status = 'DRAFT' WHERE id = $1",
        "DELETE FROM invoice WHERE id = $1",
        "UPDATE invoice_line SET quantity = 9 WHERE invoice_id = $1",
        "DELETE FROM invoice_line WHERE invoice_id = $1",
    ],
)
async def test_at_inv_2_the_database_refuses_to_change_what_was_issued(store, sql):
    made = await issued(store)
    before = await store.rows("SELECT * FROM invoice WHERE id = $1", UUID(made["id"]))
    connection = await asyncpg.connect(store.settings.needed("database_url"))
    try:
        await connection.execute(
            f"SELECT set_config('psa.tenant', '{A}', false), set_config('psa.customers', '*', false)"
        )
        await connection.execute("SELECT set_config('psa.kind', 'STAFF', false)")
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(sql, UUID(made["id"]))
    finally:
        await connection.close()

    assert await store.rows("SELECT * FROM invoice WHERE id = $1", UUID(made["id"])) == before


async def test_at_inv_3_a_cancellation_mirrors_the_document_and_there_is_only_one(store):
    buyer = await customer(store)
    made = await issued(store, buyer)
    gone = await done(store, "cancelInvoice", id=made["id"], reason="Falscher Empfänger")
    counter = gone["cancelledBy"]

    assert (gone["documentStatus"], counter["kind"]) == ("CANCELLED", "CANCELLATION")
    assert counter["number"] != made["number"]
    assert money(counter, "totalNet", "totalTax", "totalGross") == [
        Decimal("-678.70"),
        Decimal("-122.96"),
        Decimal("-801.66"),
    ]
    assert (counter["lines"][0]["quantity"], counter["lines"][0]["unitPrice"]) == ("-3.2500", "120.0000")
    assert await balance(store, buyer) == 0
    assert await refused(store, "cancelInvoice", id=made["id"], reason="Noch einmal") == "INVALID_TRANSITION"
    assert await refused(store, "cancelInvoice", id=counter["id"], reason="Zurück") == "INVALID_TRANSITION"
    assert (await told(store, f"Invoice/{made['id']}"))[-1] == "invoice.cancelled"


async def balance(store, buyer: str) -> Decimal:
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { openBalance { amount } } } }"
    found = await store.data(query, r=[{"__typename": "Customer", "id": buyer}])
    return Decimal(found["_entities"][0]["openBalance"]["amount"])


async def test_at_inv_4_what_was_paid_of_a_cancelled_invoice_is_the_customers_credit(store):
    buyer = await customer(store)
    made = await issued(store, buyer)
    allocations = [{"invoiceId": made["id"], "amount": "300.00"}]
    await done(
        store, "recordPayment", customerId=buyer, amount="300.00", valueDate="2026-03-01", allocations=allocations
    )
    assert await balance(store, buyer) == Decimal("501.66")

    await done(store, "cancelInvoice", id=made["id"], reason="Storno")

    assert await balance(store, buyer) == Decimal("-300.00")


async def test_at_inv_5_a_changed_line_is_found_with_everything_after_it(store):
    await issued(store)
    second = await issued(store)
    third = await issued(store)
    assert [one["broken"] for one in await ranges(store)] == [[]]

    connection = await asyncpg.connect(store.admin_url, server_settings={"search_path": "billing"})
    try:
        await connection.execute("ALTER TABLE invoice_line DISABLE TRIGGER refuse_change_of_issued_lines")
        sql = "UPDATE invoice_line SET quantity = quantity {} 1 WHERE invoice_id = $1 AND position = 1"
        await connection.execute(sql.format("+"), UUID(second["id"]))
        assert [one["broken"] for one in await ranges(store)] == [[second["number"], third["number"]]]
        await connection.execute(sql.format("-"), UUID(second["id"]))
        await connection.execute("ALTER TABLE invoice_line ENABLE TRIGGER refuse_change_of_issued_lines")
    finally:
        await connection.close()

    (report,) = await ranges(store)
    assert (report["gaps"], report["broken"]) == ([], [])


async def ranges(store):
    found = await store.data("{ numberRanges(verify: true) { prefix issued gaps broken } }")
    return [one for one in found["numberRanges"] if one["prefix"] == "RE"]


async def test_a_number_that_no_document_has_is_a_gap(store):
    last = await issued(store)
    prefix, _, place = last["number"].rpartition("-")
    further = "UPDATE number_range SET next = next + $1 WHERE prefix = 'RE'"
    assert [one["gaps"] for one in await ranges(store)] == [[]]

    await store.rows(further, 2)
    (report,) = await ranges(store)
    await store.rows(further, -2)

    assert report["gaps"] == [f"{prefix}-{int(place) + 1:06}", f"{prefix}-{int(place) + 2:06}"]
    assert report["issued"] == int(place)


async def test_at_inv_6_with_four_eyes_whoever_wrote_a_draft_does_not_approve_it(store):
    await done(store, "updateLegalEntity", id=await entity(store), fourEyes=True)
    made = await draft(store, await customer(store))

    assert await refused(store, "approveInvoice", id=made["id"]) == "FORBIDDEN"
    assert await told(store, f"Invoice/{made['id']}") == ["invoice.generated"]
    other = await done(store, "approveInvoice", somebody(), id=made["id"])

    assert other["documentStatus"] == "ISSUED"
    await done(store, "updateLegalEntity", id=await entity(store), fourEyes=False)


async def test_who_may_not_issue_only_approves(store):
    made = await draft(store, await customer(store))
    approver = staff(scopes=frozenset({"invoices:read", "invoices:approve"}))

    assert (await done(store, "approveInvoice", approver, id=made["id"]))["documentStatus"] == "APPROVED"
    assert (await done(store, "revokeApproval", approver, id=made["id"]))["documentStatus"] == "DRAFT"
    assert await refused(store, "issueInvoice", id=made["id"]) == "INVALID_TRANSITION"


async def test_a_document_can_not_be_dated_before_the_last_one_or_in_the_future(store):
    await issued(store)
    await done(store, "updateLegalEntity", id=await entity(store), approveIssues=False)
    made = await draft(store, await customer(store))
    await done(store, "approveInvoice", id=made["id"])

    assert await refused(store, "issueInvoice", id=made["id"], issueDate="2026-03-01") == "ISSUE_DATE_BACK_DATED"
    assert await refused(store, "issueInvoice", id=made["id"], issueDate="2026-03-03") == "VALIDATION"
    assert (await done(store, "issueInvoice", id=made["id"]))["documentStatus"] == "ISSUED"
    await done(store, "updateLegalEntity", id=await entity(store), approveIssues=True)


async def test_a_command_that_is_repeated_answers_what_it_answered(store):
    buyer = await customer(store)
    given = {"customerId": buyer, "lines": list(TOT_2)}
    first = await run(store, "createInvoice", repeatable="twice", **given)
    again = await run(store, "createInvoice", repeatable="twice", **given)

    assert first["invoice"]["id"] == again["invoice"]["id"]
    assert again["invoice"]["totalGross"] == {"amount": "801.66"}


async def test_a_draft_can_be_changed_and_thrown_away(store):
    made = await draft(store, await customer(store))
    changed = await done(
        store, "updateDraftInvoice", id=made["id"], version=made["version"], removeLineIds=[made["lines"][1]["id"]],
        addLines=[{"description": "Anfahrt", "quantity": "1", "unitPrice": "35.00"}], discountPercent="5",
    )  # fmt: skip

    assert [(line["position"], line["description"]) for line in changed["lines"]] == [
        (1, "Beratung"),
        (2, "Lizenz"),
        (3, "Anfahrt"),
    ]
    assert money(changed, "totalNet") == [Decimal("630.61")]
    assert await refused(store, "updateDraftInvoice", id=made["id"], version=made["version"], notes="x") == "CONFLICT"
    await done(store, "deleteDraftInvoice", id=made["id"])
    assert (await store.data("query($id: ID!) { invoice(id: $id) { id } }", id=made["id"]))["invoice"] is None


async def test_an_issued_document_can_neither_be_changed_nor_thrown_away(store):
    made = await issued(store)

    assert await refused(store, "updateDraftInvoice", id=made["id"], notes="x") == "INVALID_TRANSITION"
    assert await refused(store, "deleteDraftInvoice", id=made["id"]) == "INVALID_TRANSITION"


async def test_a_credit_note_settles_what_is_open_and_has_a_range_of_its_own(store):
    buyer = await customer(store)
    made = await issued(store, buyer)
    given = {"id": made["id"], "lines": [{"lineId": made["lines"][2]["id"], "quantity": "2"}], "reason": "Kulanz"}
    note = await done(store, "createCreditNote", **given)
    note = await done(store, "approveInvoice", id=note["id"])

    assert (note["kind"], note["number"][:8]) == ("CREDIT_NOTE", "GS-2026-")
    assert money(note, "totalGross") == [Decimal("47.36")]
    assert note["precedingInvoice"] == {"number": made["number"]}
    assert await balance(store, buyer) == Decimal("754.30")


async def test_a_line_with_a_negative_quantity_takes_off_but_no_invoice_gives_money_back(store):
    buyer = await customer(store)
    off = {"description": "Gutschein", "quantity": "-1", "unitPrice": "100.00"}
    made = await draft(store, buyer, [*TOT_2, off])

    assert money(made, "totalNet", "totalTax", "totalGross") == [
        Decimal("578.70"),
        Decimal("103.96"),
        Decimal("682.66"),
    ]
    assert await refused(store, "createInvoice", customerId=buyer, lines=[off]) == "VALIDATION"
    assert (
        await refused(store, "updateDraftInvoice", id=made["id"], addLines=[{**off, "quantity": "-7"}]) == "VALIDATION"
    )
    assert (await done(store, "approveInvoice", id=made["id"]))["number"] is not None


async def test_a_final_invoice_deducts_partial_ones_with_their_taxes_each_once(store):
    buyer = await customer(store)
    whole = [{"description": "Umzug", "quantity": "1", "unitPrice": "12000.00"}, {"description": "Fachbuch", "quantity": "10", "unitPrice": "20.00", "taxCode": "DE7"}]  # fmt: skip
    share = [{**whole[0], "unitPrice": "5000.00"}, {**whole[1], "quantity": "4"}]
    partial, other = [await issued(store, buyer, share, kind="PARTIAL", discountPercent=less) for less in ("0", "10")]
    given = {"customerId": buyer, "lines": whole, "kind": "FINAL", "partialInvoiceIds": [partial["id"], other["id"]]}

    assert await refused(store, "createInvoice", **given | {"kind": "INVOICE"}) == "VALIDATION"
    assert await refused(store, "createInvoice", **given, discountPercent="5") == "VALIDATION"
    assert await refused(store, "createInvoice", **given | {"lines": whole[1:]}) == "VALIDATION"
    assert await refused(store, "createInvoice", **given | {"partialInvoiceIds": [str(UUID(int=1))]}) == "NOT_FOUND"
    final = await done(store, "createInvoice", **given)
    assert [(one["quantity"], one["netAmount"], one["taxCode"]) for one in final["lines"][2:]] == [
        ("-1.0000", "-5000.00", "DE19"), ("-1.0000", "-80.00", "DE7"),
        ("-1.0000", "-4500.00", "DE19"), ("-1.0000", "-72.00", "DE7"),
    ]  # fmt: skip
    assert final["lines"][2]["description"] == f"abzüglich Abschlagsrechnung {partial['number']} vom 02.03.2026"
    assert money(final, "totalNet", "totalTax", "totalGross") == [2548, Decimal("478.36"), Decimal("3026.36")]

    assert await refused(store, "createInvoice", **given) == "VALIDATION"
    assert await refused(store, "cancelInvoice", id=partial["id"], reason="x") == "PRECONDITION_FAILED"
    final = await done(store, "approveInvoice", id=final["id"])
    await done(store, "cancelInvoice", id=final["id"], reason="Neu")
    again = await done(store, "createInvoice", **given)
    assert money(again, "totalGross") == [Decimal("3026.36")]


async def test_of_each_line_no_more_goes_back_than_was_paid_for_it_however_many_notes_there_are(store):
    buyer = await customer(store)
    made = await issued(store, buyer, discountPercent="5")
    first, book, _ = made["lines"]

    def part(line, quantity, **more):
        return {"id": made["id"], "reason": "Kulanz", "lines": [{"lineId": line["id"], "quantity": quantity, **more}]}

    note = await done(store, "createCreditNote", **part(book, "1"))
    assert money(note, "totalNet", "totalTax") == [Decimal("23.70"), Decimal("1.66")]  # 24.95 less 5 %, at 7 %
    assert await refused(store, "createCreditNote", **part(book, "2")) == "VALIDATION"
    await done(store, "createCreditNote", **part(book, "1"))
    assert await refused(store, "createCreditNote", **part(book, "0.01")) == "VALIDATION"
    await done(store, "createCreditNote", **part(first, "3.25", unitPrice="100.00"))
    assert await refused(store, "createCreditNote", **part(first, "3.25", unitPrice="20.01")) == "VALIDATION"
    assert await refused(store, "cancelInvoice", id=made["id"], reason="x") == "PRECONDITION_FAILED"
    assert len(await store.rows("SELECT 1 FROM invoice WHERE preceding_id = $1", UUID(made["id"]))) == 3


async def test_at_vat_2_a_buyer_abroad_with_a_valid_id_owes_the_tax_and_without_is_held(store):
    address = {"line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT"}
    buyer = await customer(store, address=address, vatId="ATU12345678", vatIdStatus="VALID")
    lines = [{"description": "Support", "quantity": "1", "unitPrice": "1000.00"}]
    made = await draft(store, buyer, lines)

    assert money(made, "totalTax", "totalGross") == [0, Decimal("1000.00")]
    assert made["taxBreakdown"][0]["category"] == "AE"
    assert made["taxBreakdown"][0]["exemptionReason"] == "Steuerschuldnerschaft des Leistungsempfängers"
    await done(store, "updateBillingAccount", customerId=buyer, vatIdStatus="INVALID")
    assert await refused(store, "createInvoice", customerId=buyer, lines=lines) == "TAX_REVIEW"


async def test_at_tot_4_a_document_in_francs_needs_the_rate_and_says_its_tax_in_euros(store):
    buyer = await customer(store, currency="CHF")
    made = await draft(store, buyer, [{"description": "Support", "quantity": "1", "unitPrice": "1000.00"}])
    approved = await done(store, "approveInvoice", id=made["id"])

    assert (approved["documentStatus"], approved["number"]) == ("APPROVED", None)
    assert await refused(store, "issueInvoice", id=made["id"]) == "PRECONDITION_FAILED"
    await done(store, "issueInvoice", id=made["id"], exchangeRate="0.95")

    (row,) = await store.rows("SELECT * FROM invoice WHERE id = $1", UUID(made["id"]))
    assert (row["total_tax"], row["tax_in_base_currency"]) == (Decimal("190.00"), Decimal("200.00"))
    assert str(row["exchange_rate_date"]) == "2026-03-02"


async def test_the_portal_sees_issued_documents_and_no_drafts(store):
    buyer = await customer(store)
    await draft(store, buyer)
    made = await issued(store, buyer)
    portal = staff(kind="CUSTOMER", customers=frozenset({UUID(buyer)}), scopes=frozenset({"invoices:read"}))

    assert (await store.data("{ invoices { id } }", portal))["invoices"] == [{"id": made["id"]}]


async def test_the_document_that_its_writers_get_says_what_was_issued(store):
    made = await issued(store)
    async with work.begin(store.engine, staff(), module="billing") as job:
        row = await job.find(Invoice, UUID(made["id"]))
        lines = await drafts.lines_of(job, row.id)

    found = document(row, lines)

    assert (found.number, found.gross, found.seller.name) == (
        made["number"],
        Decimal("801.66"),
        "Nordlicht Systemhaus GmbH",
    )
    assert (found.buyer.endpoint.value, found.type_code) == ("rechnung@musterkunde.example", "380")
    assert sum(line.net for line in found.lines) == found.net


async def test_at_ein_2_an_xrechnung_without_the_sellers_phone_is_refused_and_uses_no_number(store):
    buyer = await customer(store, einvoiceFormat="XRECHNUNG_UBL", buyerReference="04011000-12345-67")
    await done(store, "updateLegalEntity", id=await entity(store), contactPhone=None)
    made = await draft(store, buyer)
    before = await last_place(store)

    payload = await run(store, "approveInvoice", id=made["id"])

    assert [error["code"] for error in payload["errors"]] == ["EINVOICE_INVALID"]
    assert "BR-DE-6" in payload["errors"][0]["message"]
    assert await last_place(store) == before
    await done(store, "updateLegalEntity", id=await entity(store), contactPhone="+49 431 123456")
    assert (await done(store, "approveInvoice", id=made["id"]))["documentStatus"] == "ISSUED"
    query = "query($id: ID!) { invoiceFiles(id: $id) { format fileName pdfBase64 xml } }"
    found = (await store.data(query, id=made["id"]))["invoiceFiles"]
    assert found["format"] == "XRECHNUNG_UBL"
    assert "xrechnung_3.0" in found["xml"]
    assert found["pdfBase64"].startswith("JVBERi")
