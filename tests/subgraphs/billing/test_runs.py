"""Contracts, work and balances on their way to documents: a month at a service provider."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from contracts.events.assets import AssetDeployed, AssetRetired
from contracts.events.envelope import Envelope
from contracts.events.tickets import TimeEntryApproved, WorkItem
from subgraphs.billing import consumers
from subgraphs.billing.service import runs
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.errors import Conflict
from tests.subgraphs.billing.asking import card, contract, customer, done, draft, rated, refused, told
from tests.subgraphs.house import A, staff
from tests.subgraphs.long_jobs import begun, seen, worked


async def preview(store, buyer: str, until: str):
    query = """query($until: Date!, $ids: [ID!]!) { previewBilling(until: $until, customerIds: $ids) {
        draftCount totalNet warnings held { holdReason } drafts { totalGross { amount }
        lines { description quantity unitPrice netAmount explanation } } } }"""
    return (await store.data(query, until=until, ids=[buyer]))["previewBilling"]


async def explained(store, item: str):
    query = (
        "query($id: ID!) { explainCharge(billableItemId: $id) { steps netAmount contractNumber coverage { effect } } }"
    )
    return (await store.data(query, id=item))["explainCharge"]


async def handled(store, handle, happened, *, at=None):
    """Let a consumer handle an event as it arrives."""
    moment = at or store.moment
    subject = f"{happened.subject_type}/{uuid4()}"
    envelope = Envelope(
        id=uuid4(), source="/psa/test", type=happened.type, subject=subject, time=moment, dataschema=happened.dataschema(),
        tenantid=A, actorkind="SYSTEM", actorid=uuid4(), schemaversion=1, data=happened.model_dump(mode="json"),
    )  # fmt: skip
    async with work.begin(store.engine, system(A), module="billing", clock=lambda: store.moment) as job:
        await handle(job, envelope)


async def test_at_per_2_the_second_run_has_nothing_to_bill(store):
    buyer = await customer(store)
    await contract(store, buyer)
    seen = await preview(store, buyer, "2026-03-02")
    first = await done(store, "runBilling", until="2026-03-02", customerIds=[buyer])
    second = await done(store, "runBilling", until="2026-03-02", customerIds=[buyer])

    assert (seen["draftCount"], seen["totalNet"]) == (1, "4050.00")
    assert (first["draftCount"], first["lines"], first["totalNet"]["amount"]) == (1, 3, "4050.00")
    assert (second["draftCount"], second["lines"]) == (0, 0)
    assert (await told(store, f"BillingRun/{first['id']}")) == ["billing_run.completed"]


async def test_a_worker_makes_the_same_run_and_says_how_far_it_is(store):
    buyer = await customer(store)
    await contract(store, buyer)
    job = (await begun(store, "startBillingRun", until="2026-03-02", customerIds=[buyer]))["job"]
    assert (job["kind"], job["status"]) == ("billing.run", "QUEUED")

    assert await worked(store) == 1

    ended = await seen(store, job["id"])
    assert (ended["status"], ended["total"], ended["resultType"]) == ("SUCCEEDED", 1, "BillingRun")
    query = "query($id: ID!) { billingRun(id: $id) { status draftCount lines totalNet { amount } } }"
    made = (await store.data(query, id=ended["resultId"]))["billingRun"]
    assert (made["status"], made["draftCount"], made["lines"]) == ("REVIEW", 1, 3)
    assert made["totalNet"]["amount"] == "4050.00"
    assert (await begun(store, "startBillingRun", until="2026-03-02", legalEntityId=str(uuid4())))["job"] is None


async def test_a_run_that_a_worker_cannot_make_is_there_as_failed_and_is_told_once(store, monkeypatch):
    buyer = await customer(store)
    await contract(store, buyer)

    async def breaks(*_: object) -> None:
        raise Conflict("Somebody else is at it.")

    monkeypatch.setattr(runs, "_write", breaks)
    job = (await begun(store, "startBillingRun", until="2026-03-02", customerIds=[buyer]))["job"]
    assert await worked(store) == 1

    query = "query($id: ID!) { billingRun(id: $id) { status draftCount lines warnings totalNet { amount } } }"
    assert (await store.data(query, id=job["id"]))["billingRun"] == {
        "status": "FAILED", "draftCount": 0, "lines": 0, "warnings": ["Somebody else is at it."],
        "totalNet": {"amount": "0.00"},
    }  # fmt: skip
    assert await told(store, f"BillingRun/{job['id']}") == ["billing_run.failed"]
    discard = "mutation($id: ID!) { discardBillingRun(input: {id: $id}) { billingRun { id } errors { code } } }"
    refusal = (await store.data(discard, id=job["id"]))["discardBillingRun"]
    assert (refusal["billingRun"], len(refusal["errors"])) == (None, 1)


async def test_a_preview_writes_nothing(store):
    buyer = await customer(store)
    await contract(store, buyer)
    before = [await store.count(table) for table in ("invoice", "billable_item", "outbox", "billing_run")]

    await preview(store, buyer, "2026-03-02")

    assert [await store.count(table) for table in ("invoice", "billable_item", "outbox", "billing_run")] == before


async def test_at_pro_1_five_users_more_from_the_11th_are_caught_up_with(store):
    buyer = await customer(store)
    made = await contract(store, buyer, startDate="2026-04-01")
    store.moment = datetime(2026, 4, 1, 9, tzinfo=UTC)
    await done(store, "runBilling", until="2026-04-01", customerIds=[buyer])
    store.moment = datetime(2026, 4, 20, 9, tzinfo=UTC)
    change = {"effectiveDate": "2026-04-11", "delta": "5", "reason": "Neue Abteilung"}
    await done(store, "changeContractQuantity", contractLineId=made["lines"][0]["id"], **change)

    seen = await preview(store, buyer, "2026-04-30")
    late = await done(store, "generateInvoice", customerId=buyer, until="2026-04-30")
    may = await preview(store, buyer, "2026-05-01")
    store.moment = datetime(2026, 3, 2, 9, tzinfo=UTC)

    assert seen["totalNet"] == "150.00"
    assert late["totalNet"]["amount"] == "150.00"
    assert may["drafts"][0]["lines"][0]["quantity"] == "35.0000"


async def test_an_approved_run_is_posted_and_a_cancelled_document_can_be_billed_again(store):
    buyer = await customer(store)
    await contract(store, buyer)
    made = await done(store, "runBilling", until="2026-02-01", customerIds=[buyer])
    posted = await done(store, "approveBillingRun", id=made["id"])
    (one,) = posted["drafts"]

    assert posted["status"] == "POSTED"
    await done(store, "cancelInvoice", id=one["id"], reason="Falsche Menge")
    assert (await preview(store, buyer, "2026-02-01"))["totalNet"] == "2700.00"


async def test_at_vat_4_support_abroad_and_work_at_a_hotel_here_are_two_invoices(store):
    address = {"line1": "Seestraße 1", "postalCode": "8001", "city": "Zürich", "country": "CH"}
    buyer = await customer(store, address=address)
    for more in ({}, {"suppliedIn": "DE"}):
        await done(
            store, "createBillableItem", customerId=buyer, source="MANUAL", quantity="1", unitPrice="100.00",
            description="Leistung", serviceFrom="2026-03-01", **more,
        )  # fmt: skip

    seen = await preview(store, buyer, "2026-03-02")

    assert sorted(one["totalGross"]["amount"] for one in seen["drafts"]) == ["100.00", "119.00"]


async def test_what_nobody_can_tax_is_held_and_told(store):
    buyer = await customer(store, address={"city": "Kiel"})
    await contract(store, buyer, startDate="2026-03-01")
    made = await done(store, "runBilling", until="2026-03-02", customerIds=[buyer])

    assert (made["draftCount"], len(made["warnings"])) == (0, 1)
    assert made["warnings"][0].endswith("TAX_REVIEW: NO_COUNTRY")
    query = "query($id: ID!) { billableItems(status: HELD, customerId: $id) { id holdReason } }"
    (item,) = (await store.data(query, id=buyer))["billableItems"]
    await done(store, "updateBillingAccount", customerId=buyer, address={"city": "Kiel", "country": "DE"})
    assert (await done(store, "releaseBillableItem", id=item["id"]))["status"] == "READY"
    assert (await preview(store, buyer, "2026-03-02"))["totalNet"] == "1350.00"


# --- work


async def test_at_tim_4_work_until_after_hours_comes_to_105(store):
    await card(store)
    buyer = await customer(store)
    entry = str(uuid4())
    await rated(store, buyer, minutes=45, afterHoursMinutes=15, timeEntryId=entry)

    seen = await preview(store, buyer, "2026-03-02")

    assert [line["netAmount"] for line in seen["drafts"][0]["lines"]] == ["60.00", "45.00"]
    assert seen["totalNet"] == "105.00"


async def test_at_cov_1_through_the_graph_with_its_explanation(store):
    await card(store)
    buyer = await customer(store)
    rule = {"effect": "COVERED", "workTypes": ["remote"]}
    await contract(store, buyer, (), title="Pauschale", priority=10, coverage=[rule])
    entry = str(uuid4())
    item = await rated(store, buyer, workType="remote", timeEntryId=entry)
    other = await rated(store, buyer, workType="training")

    assert (item["status"], item["effect"]["effect"]) == ("COVERED", "COVERED")
    assert other["status"] == "READY"
    query = "query($id: ID!) { explainCoverage(timeEntryId: $id) { effect reasons contract { id } } }"
    found = (await store.data(query, id=entry))["explainCoverage"]
    assert found["reasons"] == ["matched: Pauschale has a rule for it"]
    assert (await explained(store, other["id"]))["steps"][-1] == "1 HUR at 120 is 120.00"
    assert await refused(
        store, "rateTime", customerId=buyer, timeEntryId=entry, serviceDate="2026-03-01", minutes=1, description="x"
    ) == "CONFLICT"  # fmt: skip


async def test_at_pre_1_a_block_of_ten_hours_is_used_up_and_the_rest_is_billed(store):
    await card(store)
    buyer = await customer(store)
    rule = {"effect": "COVERED"}
    made = await contract(
        store, buyer, (), type="BLOCK_HOURS", title="Kontingent", coverage=[rule], hourlyRate="130.00"
    )
    await done(store, "purchasePrepaid", contractId=made["id"], quantity="10", price="1100.00", boughtOn="2026-02-01")
    await rated(store, buyer, minutes=435)
    await rated(store, buyer, minutes=120, afterHoursMinutes=120)

    balance = await store.data(
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Contract { balance balances { remaining"
        " movements { kind quantity } } } } }",
        r=[{"__typename": "Contract", "id": made["id"]}],
    )
    seen = await preview(store, buyer, "2026-03-02")

    assert balance["_entities"][0]["balance"] == "0.0000"
    assert [one["quantity"] for one in balance["_entities"][0]["balances"][0]["movements"]] == [
        "10.0000",
        "-7.2500",
        "-2.7500",
    ]
    assert sorted(line["netAmount"] for line in seen["drafts"][0]["lines"]) == ["1100.00", "32.50"]
    assert (await told(store, f"Contract/{made['id']}")).count("prepaid.exhausted") == 1


async def test_at_pre_3_what_expired_is_a_movement_and_no_negative_balance(store):
    buyer = await customer(store)
    made = await contract(store, buyer, (), type="BLOCK_HOURS", coverage=[{"effect": "COVERED"}])
    block = await done(
        store, "purchasePrepaid", contractId=made["id"], quantity="5", boughtOn="2026-02-01", expiresOn="2026-02-28"
    )
    async with work.begin(store.engine, system(A), module="billing", clock=lambda: store.moment) as job:
        await consumers.block_expired(job, {"contract": made["id"]})
        await job.session.flush()
        await consumers.block_expired(job, {"contract": made["id"]})

    rows = await store.rows(
        "SELECT kind, quantity FROM prepaid_movement WHERE balance_id = $1 ORDER BY id", UUID(block["id"])
    )
    assert [(row["kind"], row["quantity"]) for row in rows] == [("PURCHASE", Decimal(5)), ("EXPIRE", Decimal(-5))]
    assert await refused(store, "adjustPrepaid", id=block["id"], quantity="-1", reason="x") == "INSUFFICIENT_BALANCE"
    assert (await told(store, f"Contract/{made['id']}")) == ["prepaid.expired"]


async def test_work_of_a_day_before_a_block_expired_is_taken_from_it_whenever_it_is_approved(store):
    buyer = await customer(store)
    made = await contract(store, buyer, (), type="BLOCK_HOURS", hourlyRate="100.00")
    block = await done(
        store, "purchasePrepaid", contractId=made["id"], quantity="5", boughtOn="2026-02-01", expiresOn="2026-02-28"
    )
    async with work.begin(store.engine, system(A), module="billing", clock=lambda: store.moment) as job:
        await consumers.block_expired(job, {"contract": made["id"]})
    await rated(store, buyer, minutes=90, serviceDate="2026-02-28")
    await rated(store, buyer, minutes=60, serviceDate="2026-03-01")
    await rated(store, buyer, minutes=240, serviceDate="2026-02-20")

    rows = await store.rows(
        "SELECT kind, quantity FROM prepaid_movement WHERE balance_id = $1 ORDER BY id", UUID(block["id"])
    )
    assert [(row["kind"], row["quantity"]) for row in rows] == [
        ("PURCHASE", Decimal(5)), ("EXPIRE", Decimal(-5)),
        ("EXPIRE", Decimal("1.5")), ("CONSUME", Decimal("-1.5")),
        ("EXPIRE", Decimal("3.5")), ("CONSUME", Decimal("-3.5")),
    ]  # fmt: skip
    seen = await preview(store, buyer, "2026-03-02")
    assert sorted(line["netAmount"] for line in seen["drafts"][0]["lines"]) == ["100.00", "50.00"]


async def test_approved_time_becomes_an_item_on_the_ticket_once(store):
    await card(store)
    buyer, ticket, entry = await customer(store), uuid4(), uuid4()
    happened = TimeEntryApproved(
        id=entry, user_id=uuid4(), work_item=WorkItem(type="TICKET", id=ticket), customer_id=UUID(buyer),
        work_type_id=uuid4(), work_type_key="remote", started_at=store.moment, ended_at=store.moment,
        service_date="2026-03-01", actual_minutes=40, billable_minutes=45, after_hours_minutes=15,
        charged_after_hours_minutes=15, multiplier=Decimal(1), after_hours_multiplier=Decimal("1.5"), is_billable=True,
        ticket_number="T-2026-000001", note="Server neu gestartet", approved_by=uuid4(),
    )  # fmt: skip
    for _ in range(2):
        await handled(store, consumers.time_approved, happened)

    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Ticket { charges { quantity unitPrice description } } } }"
    found = await store.data(query, r=[{"__typename": "Ticket", "id": str(ticket)}])
    assert found["_entities"][0]["charges"] == [
        {"quantity": "0.5000", "unitPrice": "120.0000", "description": "T-2026-000001 Server neu gestartet"},
        {"quantity": "0.2500", "unitPrice": "180.0000", "description": "T-2026-000001 Server neu gestartet"},
    ]


# --- quantities


async def test_devices_that_come_and_go_are_counted(store):
    buyer = await customer(store)
    line = {"description": "Gerät", "quantityMode": "ACTIVE_DEVICES", "quantityPolicy": "MAX", "unitPrice": "8.50"}
    await contract(store, buyer, [line], type="PER_DEVICE", startDate="2026-02-01", billInAdvance=False)
    assets = [uuid4() for _ in range(3)]
    for number, asset in enumerate(assets):
        at = datetime(2026, 2, 1 + number * 10, 9, tzinfo=UTC)
        happened = AssetDeployed(
            asset_id=asset, customer_id=UUID(buyer), type_key="server", counts_as_device=True, at=at
        )
        await handled(store, consumers.device_told, happened)
    gone = AssetRetired(
        asset_id=assets[0], customer_id=UUID(buyer), type_key="server", counts_as_device=True,
        at=datetime(2026, 2, 25, 9, tzinfo=UTC),
    )  # fmt: skip
    await handled(store, consumers.device_told, gone)

    (one,) = (await preview(store, buyer, "2026-03-01"))["drafts"]

    assert [(line["quantity"], line["netAmount"]) for line in one["lines"]] == [("3.0000", "25.50")]


async def test_at_rec_1_a_source_that_counts_more_is_a_variance_until_somebody_accepts_it(store):
    buyer = await customer(store)
    line = {"description": "Gerät", "quantity": "680", "unitPrice": "8.50"}
    made = await contract(store, buyer, [line], type="PER_DEVICE")
    line_id = made["lines"][0]["id"]
    found = await done(store, "reconcileQuantity", contractLineId=line_id, source="RMM", quantity="712")

    assert (found["status"], found["difference"], found["estimatedMonthlyImpact"]["amount"]) == (
        "OPEN",
        "32.0000",
        "272.00",
    )
    assert (await told(store, f"Contract/{made['id']}")) == ["contract.quantity_variance_detected"]
    accepted = await done(store, "acceptVariance", id=found["id"], effectiveDate="2026-03-01")
    assert accepted["status"] == "ACCEPTED"
    same = await done(store, "reconcileQuantity", contractLineId=line_id, source="RMM", quantity="712")
    assert (same["status"], Decimal(same["difference"])) == ("FIXED", 0)


async def test_what_a_contract_earns(store):
    await card(store)
    buyer = await customer(store)
    made = await contract(store, buyer, type="FLAT_RATE", startDate="2026-03-01", coverage=[{"effect": "COVERED"}])
    await rated(store, buyer, minutes=600, costRate="50.00", serviceDate="2026-03-02")
    run = await done(store, "runBilling", until="2026-03-02", customerIds=[buyer])
    await done(store, "approveBillingRun", id=run["id"])

    query = """query($r: [_Any!]!) { _entities(representations: $r) { ... on Contract { mrr { amount } nextBillingDate
        effectiveHourlyRate(from: "2026-03-01", to: "2026-03-31") { amount }
        profitability(from: "2026-03-01", to: "2026-03-31") { revenue { amount } cost { amount } margin { amount } hours
        notionalValue { amount } } } } }"""
    representations = [{"__typename": "Contract", "id": made["id"]}]
    (found,) = (await store.data(query, r=representations))["_entities"]
    blind = staff(scopes=frozenset({"invoices:read"}))
    hidden = await store.ask(query, blind, r=representations)

    assert found["mrr"]["amount"] == "1350.00"
    assert found["nextBillingDate"] == "2026-04-01"
    assert found["effectiveHourlyRate"]["amount"] == "135.00"
    assert found["profitability"] == {
        "revenue": {"amount": "1350.00"}, "cost": {"amount": "500.00"}, "margin": {"amount": "850.00"},
        "hours": "10.0000", "notionalValue": {"amount": "1200.00"},
    }  # fmt: skip
    assert {error["extensions"]["code"] for error in hidden["errors"]} == {"FORBIDDEN"}
    assert hidden["data"]["_entities"][0]["mrr"] == {"amount": "1350.00"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": []}, "NOTHING_TO_BILL"),
        ({"lines": [{"description": "x", "unitPrice": "-1"}]}, "VALIDATION"),
        ({"lines": [{"description": "x", "unitPrice": "NaN"}]}, "VALIDATION"),
        ({"lines": [{"description": "x"}]}, "VALIDATION"),
        ({"lines": [{"description": "x", "unitPrice": "1", "unitCode": "FOO"}]}, "VALIDATION"),
        ({"customerId": str(uuid4())}, "NOT_FOUND"),
        ({"kind": "CANCELLATION"}, "VALIDATION"),
    ],
)
async def test_a_draft_that_makes_no_sense_is_refused_and_leaves_nothing(store, change, code):
    buyer = await customer(store)
    before = [await store.count(table) for table in ("invoice", "billable_item", "outbox")]
    given = {"customerId": buyer, "lines": [{"description": "x", "unitPrice": "1.00"}], **change}

    assert await refused(store, "createInvoice", **given) == code
    assert [await store.count(table) for table in ("invoice", "billable_item", "outbox")] == before


async def test_a_price_list_and_its_steps_give_the_price(store):
    product = await done(store, "upsertProduct", sku="LIC-1", name="Lizenz", kind="SOFTWARE", salesPrice="20.00")
    buyer = await customer(store)
    tiers = [{"fromQuantity": "10", "unitPrice": "15.00"}]
    items = [{"productId": product["id"], "unitPrice": "18.00", "tiers": tiers}]
    await done(store, "upsertPriceList", name=f"Liste {buyer}", customerId=buyer, items=items)
    few = await draft(store, buyer, [{"productId": product["id"], "quantity": "2"}])
    many = await draft(store, buyer, [{"productId": product["id"], "quantity": "10"}])

    assert [few["totalNet"]["amount"], many["totalNet"]["amount"]] == ["36.00", "150.00"]


SIMULATE = """query($id: ID!, $since: Date, $until: Date) { simulateContract(id: $id, since: $since, until: $until) {
    since until totalNet { amount currency } charges { due billed line { description quantity netAmount } } } }"""


async def test_a_simulation_says_what_a_contract_would_bill_whatever_was_billed(store):
    buyer = await customer(store)
    made = await contract(store, buyer, startDate="2026-01-01")
    await done(store, "runBilling", until="2026-01-31", customerIds=[buyer])
    items = await store.count("billable_item")

    found = (await store.data(SIMULATE, id=made["id"], since="2026-01-01", until="2026-03-31"))["simulateContract"]
    half = (await store.data(SIMULATE, id=made["id"], until="2026-03-02"))["simulateContract"]

    assert [(one["due"], one["billed"], one["line"]["netAmount"]) for one in found["charges"]] == [
        ("2026-01-01", True, "1350.00"),
        ("2026-02-01", False, "1350.00"),
        ("2026-03-01", False, "1350.00"),
    ]
    assert found["totalNet"] == {"amount": "4050.00", "currency": "EUR"}
    assert (half["since"], half["until"], len(half["charges"])) == ("2025-12-02", "2026-03-02", 3)
    assert await store.count("billable_item") == items
    for nothing in (str(uuid4()), "rubbish"):
        assert (await store.data(SIMULATE, id=nothing))["simulateContract"] is None
    answer = await store.ask(SIMULATE, id=made["id"], since="2026-05-01", until="2026-03-31")
    assert answer["errors"][0]["extensions"]["field"] == "since"


async def test_blocks_that_are_bought_anew_cost_what_the_last_one_did_and_are_as_many_as_the_work_needs(store):
    await card(store)
    buyer = await customer(store)
    hours = await contract(store, buyer, (), type="BLOCK_HOURS", overage="AUTO_REPLENISH", hourlyRate="130.00")
    await done(store, "purchasePrepaid", contractId=hours["id"], quantity="2", price="200.00", boughtOn="2026-02-01")
    await rated(store, buyer, minutes=435, contractId=hours["id"])
    other = await customer(store)
    money = await contract(store, other, (), type="RETAINER", overage="AUTO_REPLENISH", hourlyRate="100.00")
    await done(store, "purchasePrepaid", contractId=money["id"], quantity="150", boughtOn="2026-02-01")
    await rated(store, other, minutes=120, contractId=money["id"])

    for who, wanted in ((buyer, ["200.00"] * 4), (other, ["150.00"])):
        seen = await preview(store, who, "2026-03-02")
        assert sorted(line["netAmount"] for line in seen["drafts"][0]["lines"]) == wanted


async def test_phones_and_tablets_of_one_draft_are_one_transaction_however_they_got_there(store):
    tablets = {"sku": f"TAB-{uuid4()}", "name": "Tablet", "kind": "HARDWARE", "supply": "GOODS"}
    product = await done(store, "upsertProduct", **tablets, salesPrice="260.00", reverseChargeGoods=True)
    buyer = await customer(store, vatId="DE999999999")
    made = await done(store, "createInvoice", customerId=buyer, lines=[{"productId": product["id"], "quantity": "19"}])
    assert [one["category"] for one in made["taxBreakdown"]] == ["S"]

    more = [{"productId": product["id"], "quantity": "1"}]
    whole = await done(store, "updateDraftInvoice", id=made["id"], addLines=more)
    assert [(one["category"], one["taxable"]["amount"]) for one in whole["taxBreakdown"]] == [("AE", "5200.00")]

    less = await done(store, "updateDraftInvoice", id=made["id"], discountPercent="5")
    assert [(one["category"], one["tax"]["amount"]) for one in less["taxBreakdown"]] == [("S", "938.60")]
