"""Money that comes in, money that is late, and what bookkeeping gets."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from subgraphs.billing import consumers
from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.billing.asking import customer, done, draft, issued, money, refused, run, told
from tests.subgraphs.billing.conftest import COMPANY
from tests.subgraphs.house import A

ONE = ({"description": "Wartung", "quantity": "1", "unitPrice": "1000.00"},)


@pytest.fixture
def later(store):
    """Move the clock on, and back after the test: documents may not be dated before the last one."""
    before = store.moment

    def move(*date: int) -> None:
        store.moment = datetime(*date, 9, tzinfo=UTC)

    yield move
    store.moment = before


async def invoice(store, identity: str):
    query = "query($id: ID!) { invoice(id: $id) { paymentStatus openAmount { amount } dunningLevel overdue } }"
    return (await store.data(query, id=identity))["invoice"]


async def test_a_payment_pays_a_part_and_then_the_rest_with_skonto(store):
    buyer = await customer(store)
    made = await issued(store, buyer)
    part = [{"invoiceId": made["id"], "amount": "300.00"}]
    await done(store, "recordPayment", customerId=buyer, amount="300.00", valueDate="2026-03-01", allocations=part)
    assert (await invoice(store, made["id"]))["paymentStatus"] == "PARTIALLY_PAID"

    rest = [{"invoiceId": made["id"], "amount": "485.63", "skontoAmount": "16.03"}]
    paid = await done(
        store, "recordPayment", customerId=buyer, amount="500.00", valueDate="2026-03-02", allocations=rest
    )

    assert await invoice(store, made["id"]) == {
        "paymentStatus": "PAID", "openAmount": {"amount": "0.00"}, "dunningLevel": None, "overdue": False,
    }  # fmt: skip
    assert money(paid, "unallocated") == [Decimal("14.37")]
    assert (await told(store, f"Invoice/{made['id']}"))[-2:] == ["invoice.partially_paid", "invoice.paid"]
    assert await told(store, f"Payment/{paid['id']}") == ["payment.received"]


async def test_what_came_in_pays_what_is_open_longest(store):
    buyer = await customer(store)
    first, second = [await issued(store, buyer, ONE) for _ in range(2)]
    await done(store, "recordPayment", customerId=buyer, amount="1200.00", valueDate="2026-03-02", allocateOldest=True)

    states = [(await invoice(store, one["id"]))["openAmount"]["amount"] for one in (first, second)]
    assert sorted(states) == ["0.00", "1180.00"]


async def test_nobody_pays_more_than_there_is(store):
    buyer = await customer(store)
    made = await issued(store, buyer, ONE)
    given = {"customerId": buyer, "valueDate": "2026-03-02"}
    too_much = [{"invoiceId": made["id"], "amount": "1190.01"}]
    before = await store.count("payment")

    assert await refused(store, "recordPayment", **given, amount="2000.00", allocations=too_much) == "OVER_ALLOCATED"
    assert await refused(store, "recordPayment", **given, amount="5.00", allocations=[{**too_much[0], "amount": "6.00"}]) == "OVER_ALLOCATED"  # fmt: skip
    other = await issued(store)
    theirs = [{"invoiceId": other["id"], "amount": "1.00"}]
    assert await refused(store, "recordPayment", **given, amount="5.00", allocations=theirs) == "NOT_FOUND"
    assert await store.count("payment") == before


async def test_a_payment_that_is_reversed_opens_what_it_paid_and_is_never_deleted(store):
    buyer = await customer(store)
    made = await issued(store, buyer, ONE)
    paid = await done(
        store, "recordPayment", customerId=buyer, amount="1190.00", valueDate="2026-03-02", allocateOldest=True
    )
    await done(store, "reversePayment", id=paid["id"], reason="Rücklastschrift")

    found = await invoice(store, made["id"])
    assert (found["paymentStatus"], found["openAmount"]["amount"]) == ("OPEN", "1190.00")
    assert await refused(store, "reversePayment", id=paid["id"], reason="x") == "INVALID_TRANSITION"
    assert await told(store, f"Payment/{paid['id']}") == ["payment.received", "payment.reversed"]


async def test_a_cancelled_invoice_with_two_payments_gives_back_both(store):
    buyer = await customer(store)
    made = await issued(store, buyer, ONE)
    for amount in ("100.00", "200.00"):
        await done(store, "recordPayment", customerId=buyer, amount=amount, valueDate="2026-03-02", allocateOldest=True)
    gone = await done(store, "cancelInvoice", id=made["id"], reason="Storno")

    rows = await store.rows("SELECT unallocated FROM payment WHERE customer_id = $1 ORDER BY amount", buyer)
    assert [row["unallocated"] for row in rows] == [Decimal("100.00"), Decimal("200.00")]
    assert money(gone, "openAmount", "paidAmount") == [0, 0]


async def test_what_nobody_expects_any_more_is_written_off(store):
    made = await issued(store, lines=ONE)
    gone = await done(store, "writeOff", id=made["id"], reason="Insolvenz")

    assert (gone["paymentStatus"], gone["openAmount"]["amount"]) == ("WRITTEN_OFF", "0.00")
    assert await refused(store, "writeOff", id=made["id"], reason="x") == "INVALID_TRANSITION"


# --- dunning


async def test_a_customer_who_is_late_is_asked_level_by_level(store, later):
    buyer = await customer(store)
    made = await issued(store, buyer, ONE)
    levels = []
    for day in ((2026, 3, 20), (2026, 3, 23), (2026, 4, 6), (2026, 4, 8), (2026, 4, 20), (2026, 5, 4)):
        later(*day)
        found = await done(store, "runDunning", customerIds=[buyer])
        levels.append([(one["level"], one["flatFee40"]["amount"]) for one in found["notices"]])

    assert levels == [[], [(0, "0.00")], [(1, "40.00")], [], [(2, "0.00")], [(3, "0.00")]]
    assert (await invoice(store, made["id"]))["dunningLevel"] == 3
    assert found["notices"][0]["interest"]["amount"] == "16.07"  # 48 days of 1,190.00 at 10.27 %


async def test_what_is_disputed_blocked_or_paid_is_left_alone(store, later):
    buyer = await customer(store)
    disputed, blocked, paid = [await issued(store, buyer, ONE) for _ in range(3)]
    await done(store, "setDisputed", id=disputed["id"], disputed=True)
    await done(store, "setDunningBlock", invoiceId=blocked["id"], until="2026-12-31")
    allocations = [{"invoiceId": paid["id"], "amount": "1190.00"}]
    await done(
        store, "recordPayment", customerId=buyer, amount="1190.00", valueDate="2026-03-02", allocations=allocations
    )
    later(2026, 4, 10)

    found = await done(store, "runDunning", customerIds=[buyer])

    assert found["noticeCount"] == 0
    assert sorted(one["reason"] for one in found["skipped"]) == ["BLOCKED", "DISPUTED"]


async def test_a_letter_is_sent_once_and_tells(store, later):
    buyer = await customer(store)
    await issued(store, buyer, ONE)
    later(2026, 3, 30)
    (letter,) = (await done(store, "runDunning", customerIds=[buyer]))["notices"]
    await done(store, "sendDunningNotice", id=letter["id"])

    assert await told(store, f"DunningNotice/{letter['id']}") == ["dunning.notice_sent"]
    assert await refused(store, "sendDunningNotice", id=letter["id"]) == "INVALID_TRANSITION"


async def test_a_customer_who_owes_in_two_currencies_gets_two_letters_and_one_balance(store, later):
    buyer = await customer(store)
    await issued(store, buyer, ONE)
    await done(store, "updateBillingAccount", customerId=buyer, currency="CHF")
    francs = await draft(store, buyer, [{**ONE[0], "unitPrice": "100.00"}])
    await done(store, "approveInvoice", id=francs["id"])
    await done(store, "issueInvoice", id=francs["id"], exchangeRate="0.95")
    await done(store, "recordPayment", customerId=buyer, amount="9.50", currency="CHF", valueDate="2026-03-01")
    later(2026, 3, 23)
    await done(store, "runDunning", customerIds=[buyer])
    later(2026, 4, 6)
    found = await done(store, "runDunning", customerIds=[buyer])

    letters = await store.rows(
        "SELECT currency, open_amount, flat_fee FROM dunning_notice WHERE customer_id = $1 AND level = 1 ORDER BY currency",
        buyer,
    )
    assert [tuple(row.values()) for row in letters] == [
        ("CHF", Decimal("119.00"), Decimal("38.00")),
        ("EUR", Decimal("1190.00"), Decimal("40.00")),
    ]
    assert (found["noticeCount"], found["totalOpen"]) == (2, "1315.26")
    query = 'query($id: ID!) { _entities(representations: [{__typename: "Customer", id: $id}]) { ... on Customer { openBalance { amount currency } } } }'  # fmt: skip
    (seen,) = (await store.data(query, id=buyer))["_entities"]
    assert seen["openBalance"] == {"amount": "1305.26", "currency": "EUR"}


async def test_what_is_left_of_a_credit_note_covers_what_is_late(store, later):
    buyer = await customer(store)
    paid = await issued(store, buyer, ONE)
    await done(store, "recordPayment", customerId=buyer, amount="1190.00", valueDate="2026-03-01", allocateOldest=True)
    credited = [{"lineId": paid["lines"][0]["id"], "quantity": "1"}]
    note = await done(store, "createCreditNote", id=paid["id"], lines=credited, reason="Kulanz")
    await done(store, "approveInvoice", id=note["id"])
    await issued(store, buyer, [{**ONE[0], "unitPrice": "500.00"}])
    later(2026, 3, 30)

    assert (await done(store, "runDunning", customerIds=[buyer]))["noticeCount"] == 0


async def test_with_a_policy_of_ones_own_payments_must_be_fresh(store, later):
    level = {"level": 0, "daysAfterDue": 3, "fee": "2.50"}
    await done(store, "setDunningPolicy", levels=[level])
    later(2026, 6, 1)
    assert await refused(store, "runDunning") == "PAYMENTS_STALE"
    await done(store, "setDunningPolicy", levels=[level], requireFreshPayments=False)
    buyer = await customer(store)

    assert (await done(store, "runDunning", customerIds=[buyer]))["noticeCount"] == 0
    payload = await run(store, "setDunningPolicy", levels=[{**level, "level": 1}])
    assert [error["field"] for error in payload["errors"]] == ["levels"]
    connection = await store.rows("DELETE FROM dunning_policy RETURNING 1")
    assert len(connection) == 1


async def test_what_is_due_on_a_day_of_rest_is_late_after_the_next_working_day_where_the_tenant_says_so(store, later):
    levels = [{"level": 0, "daysAfterDue": 1}, {"level": 1, "daysAfterDue": 20, "interest": True}]
    await done(store, "setDunningPolicy", levels=levels, requireFreshPayments=False, restDays=True)
    buyer = await customer(store, paymentDays=13)
    made = await issued(store, buyer, ONE)  # on 1 March, due on Saturday the 14th
    await store.rows("DELETE FROM dunning_policy")
    seen = []
    for day in (14, 16, 17):
        later(2026, 3, day)
        found = await store.data("query($id: ID!) { invoice(id: $id) { overdue inTimeUntil } }", id=made["id"])
        late = await store.data('query { invoices(status: "overdue", limit: 200) { id } }')
        seen.append((found["invoice"]["overdue"], made["id"] in {one["id"] for one in late["invoices"]}))
    later(2026, 4, 16)
    await done(store, "runDunning", customerIds=[buyer])
    later(2026, 4, 23)
    (letter,) = (await done(store, "runDunning", customerIds=[buyer]))["notices"]

    assert seen == [(False, False), (False, False), (True, True)]
    assert found["invoice"]["inTimeUntil"] == "2026-03-16"
    assert letter["interest"]["amount"] == "12.39"  # 37 days of 1,190.00 at 10.27 %, from the 17th on


async def test_work_under_a_contract_with_another_company_of_the_tenant_is_billed_and_dunned_by_that_one(store, later):
    (home,) = (await store.data("{ legalEntities { id } }"))["legalEntities"]
    other = await done(
        store, "createLegalEntity", **COMPANY | {"name": "Südlicht GmbH", "iban": "DE75512108001245126199"}
    )
    try:
        buyer = await customer(store)
        agreed = {"title": "Betreuung", "type": "TIME_AND_MATERIAL", "startDate": "2026-01-01", "hourlyRate": "100.00"}
        number = f"V-{uuid4().hex[:8]}"
        await done(store, "registerContract", customerId=buyer, number=number, legalEntityId=other["id"], **agreed)
        entry = {"timeEntryId": str(uuid4()), "serviceDate": "2026-03-01", "minutes": 60, "description": "Arbeit"}
        await done(store, "rateTime", customerId=buyer, **entry)
        given = {"until": "2026-03-02", "customerIds": [buyer]}
        here = await done(store, "runBilling", legalEntityId=home["id"], **given)
        there = await done(store, "runBilling", legalEntityId=other["id"], **given)
        assert (here["draftCount"], there["draftCount"]) == (0, 1)

        await done(store, "approveInvoice", id=there["drafts"][0]["id"])
        made = await draft(store, buyer, ONE, legalEntityId=home["id"])
        await done(store, "approveInvoice", id=made["id"])
        later(2026, 3, 30)
        found = await done(store, "runDunning", customerIds=[buyer])
        assert sorted(len(one["claims"]) for one in found["notices"]) == [1, 1]
        rows = await store.rows(
            "SELECT paper->'seller'->>'name' AS name FROM dunning_notice WHERE customer_id = $1", buyer
        )
        assert sorted(row["name"] for row in rows) == ["Nordlicht Systemhaus GmbH", "Südlicht GmbH"]
    finally:
        await store.rows("DELETE FROM legal_entity WHERE id = $1 RETURNING id", other["id"])


PAPERS = """query($id: ID!, $c: ID!) { invoice(id: $id) { pdf { ...file } xml { ...file } }
    dunningNotices(customerId: $c) { level pdf { ...file } } }
    fragment file on FileRef { filename mimeType sizeBytes sha256 url }"""


async def test_letters_and_documents_are_files_behind_links_that_hold_for_five_minutes(store, later):
    buyer = await customer(store)
    plain = await customer(store, einvoiceFormat="NONE_PDF")
    made, page_alone = await issued(store, buyer, ONE), await issued(store, plain, ONE)
    later(2026, 4, 1)
    await done(store, "runDunning", customerIds=[buyer])
    before = await store.data(PAPERS, id=made["id"], c=buyer)
    (row,) = await store.rows("SELECT id FROM dunning_notice WHERE customer_id = $1", buyer)
    async with work.begin(store.engine, system(A), module="billing", clock=lambda: store.moment) as job:
        await consumers.asked_for(job, {"notice": str(row["id"])})
        await job.session.flush()
        await consumers.asked_for(job, {"notice": str(row["id"])})
    after = await store.data(PAPERS, id=made["id"], c=buyer)

    (early,), (letter,) = before["dunningNotices"], after["dunningNotices"]
    kept = await store.client.get(letter["pdf"]["url"])
    assert (early["pdf"]["sha256"], (await store.client.get(early["pdf"]["url"])).status_code) == (None, 200)
    assert (kept.status_code, kept.headers["content-type"]) == (200, "application/pdf")
    assert (len(kept.content), hashlib.sha256(kept.content).hexdigest()) == (
        letter["pdf"]["sizeBytes"], letter["pdf"]["sha256"],
    )  # fmt: skip
    page, data = after["invoice"]["pdf"], after["invoice"]["xml"]
    assert (page["filename"], data["filename"]) == (f"{made['number']}.pdf", f"{made['number']}.xml")
    assert (await store.client.get(page["url"])).content.startswith(b"%PDF")
    assert b"CrossIndustryInvoice" in (await store.client.get(data["url"])).content
    assert (await store.data(PAPERS, id=page_alone["id"], c=plain))["invoice"]["xml"] is None

    url = letter["pdf"]["url"]
    wrong = [
        url.replace("signature=", "signature=0"), url.replace("/letter/", "/page/"), url.replace(str(A), str(uuid4())),
        url.partition("&")[0], url.replace(str(row["id"]), made["id"]), "/billing/files/x/letter/y?expires=1&signature=2",
    ]  # fmt: skip
    assert [(await store.client.get(one)).status_code for one in wrong] == [404] * 6
    store.moment += timedelta(minutes=6)
    assert (await store.client.get(url)).status_code == 404


# --- DATEV


async def test_at_dtv_1_and_4_the_file_of_a_period_and_its_sums(store, later):
    later(2027, 7, 10)
    buyer = await customer(store, name="Łódź GmbH")
    made = await issued(store, buyer)
    await done(store, "cancelInvoice", id=made["id"], reason="Storno")
    await issued(store, buyer)
    given = {"periodStart": "2027-07-01", "periodEnd": "2027-07-31"}

    found = await done(store, "exportDatev", **given)
    header, _columns, *rows = base64.b64decode(found["contentBase64"]).decode("cp1252").rstrip("\r\n").split("\r\n")

    assert header.startswith('"EXTF";700;21;"Buchungsstapel";13;20270710090000000;;"RE";"PSA";"";1001;42;20270101;4;')
    assert rows[0].startswith(f'748,27;"S";"EUR";;;"";10001;8400;"";1007;"{made["number"]}";"";;"Lódz GmbH"')
    assert rows[1].startswith('53,39;"S";"EUR";;;"";10001;8300;"";1007;')
    assert [row.split(";")[1] for row in rows] == ['"S"', '"S"', '"H"', '"H"', '"S"', '"S"']
    assert (found["rows"], found["debit"], found["credit"]) == (6, "1603.32", "801.66")
    assert found["fileName"] == "EXTF_Buchungsstapel_20270701_20270731.csv"


async def test_at_dtv_2_a_second_export_of_a_period_is_a_marked_duplicate(store, later):
    later(2028, 8, 10)
    await issued(store)
    given = {"periodStart": "2028-08-01", "periodEnd": "2028-08-31"}
    first = await done(store, "exportDatev", **given)

    assert await refused(store, "exportDatev", **given) == "DUPLICATE_EXPORT"
    again = await done(store, "exportDatev", **given, again=True)

    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["id"] != again["id"]


async def test_an_export_needs_accounts_of_the_right_length_and_something_to_export(store, later):
    later(2029, 9, 10)
    await issued(store, await customer(store, debtorAccount="7"))

    assert await refused(store, "exportDatev", periodStart="2029-09-01", periodEnd="2029-09-30") == "EXPORT_INVALID"
    assert await refused(store, "exportDatev", periodStart="2020-09-01", periodEnd="2020-09-30") == "NOTHING_TO_BILL"


async def test_a_document_of_midnight_has_the_date_and_the_number_of_the_place_where_it_is_written(store, later):
    """In UTC it is still the year before; the range of that year gets nothing more."""
    entity = (await store.data("{ legalEntities { id timeZone } }"))["legalEntities"][0]
    later(2030, 12, 31)
    store.moment = datetime(2030, 12, 31, 23, 30, tzinfo=UTC)
    made = await issued(store)
    code = await refused(store, "updateLegalEntity", id=entity["id"], timeZone="Mars/Crater")
    await done(store, "updateLegalEntity", id=entity["id"], timeZone="Atlantic/Azores")
    there = (await store.data("{ legalEntities { timeZone } }"))["legalEntities"][0]["timeZone"]
    await done(store, "updateLegalEntity", id=entity["id"], timeZone=None)

    assert (made["issueDate"], made["number"]) == ("2031-01-01", "RE-2031-000001")
    assert (entity["timeZone"], there, code) == ("Europe/Berlin", "Atlantic/Azores", "VALIDATION")


async def test_money_comes_in_in_a_currency_that_is_one(store):
    buyer = await customer(store)
    given = {"customerId": buyer, "amount": "10.00", "valueDate": "2026-03-01"}
    payload = await run(store, "recordPayment", currency="rubbish", **given)

    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("VALIDATION", "currency")]
    assert (await run(store, "recordPayment", currency="chf", **given))["errors"] == []
