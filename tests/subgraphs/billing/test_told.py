"""Contracts that crm tells: what billing keeps of them, and what becomes of it when they change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import crm
from contracts.events.assets import AssetDeployed
from contracts.events.tickets import TimeEntryApproved, WorkItem
from subgraphs.billing import consumers
from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.billing.asking import customer, done, refused
from tests.subgraphs.billing.test_runs import handled, preview
from tests.subgraphs.house import A


def line(**changes: Any) -> crm.ContractLineTold:
    plain: dict[str, Any] = {
        "id": uuid4(), "kind": "RECURRING", "description": "Arbeitsplatz", "quantity_mode": "FIXED",
        "quantity_policy": "PRORATED_CHANGES", "quantity": Decimal(30), "unit_code": "MON", "unit_price": Decimal("45.00"),
        "discount_percent": Decimal(0), "tax_code": "DE19", "prorate": "DAILY", "valid_from": date(2026, 4, 1),
    }  # fmt: skip
    return crm.ContractLineTold(**plain | changes)


def contract(buyer: str, *lines: crm.ContractLineTold, **changes: Any) -> crm.ContractUpdated:
    plain: dict[str, Any] = {
        "id": uuid4(), "customer_id": buyer, "number": f"V-{uuid4().hex[:8]}", "title": "Betreuung",
        "contract_type": "PER_USER", "status": "ACTIVE", "start_date": date(2026, 4, 1), "auto_renew": False,
        "billing_interval": "MONTHLY", "bill_in_advance": True, "currency": "EUR", "priority": 10, "overage": "BILL_RATE",
        "lines": lines,
    }  # fmt: skip
    return crm.ContractUpdated(**plain | changes)


def changed(told: crm.ContractUpdated, **values: Any) -> crm.ContractUpdated:
    return crm.ContractUpdated(**told.model_dump(by_alias=False) | values)


@pytest.fixture
def tell(store):
    """Let crm tell, each time a minute later."""
    moment = store.moment

    async def say(told: crm.ContractUpdated, *, minutes: int = 1) -> str:
        nonlocal moment
        moment += timedelta(minutes=minutes)
        await handled(store, consumers.contract_told, told, at=moment)
        return str(told.id)

    return say


async def billing(store, contract_id: str) -> Any:
    query = """query($ids: [_Any!]!) { _entities(representations: $ids) { ... on Contract { balance nextBillingDate billing {
        number status lines { description quantity unitPrice validFrom validTo } } } } }"""
    return (await store.data(query, ids=[{"__typename": "Contract", "id": contract_id}]))["_entities"][0]


async def net_of(store, buyer: str, until: str) -> list[tuple[str, str]]:
    found = await preview(store, buyer, until)
    return [(one["description"], one["netAmount"]) for each in found["drafts"] for one in each["lines"]]


async def test_a_draft_has_no_lines_until_it_holds_and_an_older_event_changes_nothing(store, tell):
    buyer = await customer(store)
    told = contract(buyer, line(), status="DRAFT")
    await tell(told)
    draft = (await billing(store, str(told.id)))["billing"]
    await tell(changed(told, status="ACTIVE", title="Rundum"), minutes=5)
    held = (await billing(store, str(told.id)))["billing"]
    await tell(changed(told, status="CANCELLED"), minutes=-3)

    assert (draft["status"], draft["lines"]) == ("DRAFT", [])
    assert (held["status"], [one["quantity"] for one in held["lines"]]) == ("ACTIVE", ["30.0000"])
    assert (await billing(store, str(told.id)))["billing"] == held


async def test_an_amendment_within_a_billed_month_gives_back_and_asks_anew(store, tell):
    buyer, first = await customer(store), line()
    told = contract(buyer, first)
    await tell(told)
    await done(store, "runBilling", until="2026-04-01", customerIds=[buyer])
    former = first.model_copy(update={"valid_to": date(2026, 4, 10)})
    follower = line(quantity=Decimal(35), valid_from=date(2026, 4, 11), replaces_id=first.id)
    await tell(changed(told, lines=(former, follower)))

    assert await net_of(store, buyer, "2026-04-20") == [
        ("Arbeitsplatz (11.04.2026-30.04.2026)", "-900.00"),
        ("Arbeitsplatz (11.04.2026-30.04.2026)", "1050.00"),
    ]
    late = await done(store, "runBilling", until="2026-04-20", customerIds=[buyer])
    assert late["totalNet"]["amount"] == "150.00"
    assert await net_of(store, buyer, "2026-04-20") == []
    assert await net_of(store, buyer, "2026-05-01") == [("Arbeitsplatz (01.05.2026-31.05.2026)", "1575.00")]


async def test_what_was_counted_more_stays_when_only_the_price_changes(store, tell):
    buyer, first = await customer(store), line()
    told = contract(buyer, first)
    await tell(told)
    more = {"effectiveDate": "2026-04-01", "delta": "2", "reason": "gezählt"}
    await done(store, "changeContractQuantity", contractLineId=str(first.id), **more)
    former = first.model_copy(update={"valid_to": date(2026, 4, 30)})
    dearer = line(unit_price=Decimal(50), valid_from=date(2026, 5, 1), replaces_id=first.id)
    await tell(changed(told, lines=(former, dearer)))

    assert [net for _, net in await net_of(store, buyer, "2026-05-01")] == ["1440.00", "1600.00"]


async def test_who_leaves_an_annual_contract_that_was_paid_gets_a_credit_note(store, tell):
    buyer = await customer(store)
    yearly = line(quantity=Decimal(1), unit_price=Decimal(1200), valid_from=date(2026, 3, 15))
    told = contract(buyer, yearly, billing_interval="ANNUAL", start_date=date(2026, 3, 15))
    await tell(told)
    run = await done(store, "runBilling", until="2026-03-15", customerIds=[buyer])
    await tell(changed(told, status="ENDED", end_date=date(2026, 9, 30), effective_date=date(2026, 9, 30)))

    waits = await preview(store, buyer, "2026-10-01")
    invoice = await done(store, "approveInvoice", id=run["drafts"][0]["id"])
    back = await done(store, "runBilling", until="2026-10-01", customerIds=[buyer])
    note = await done(store, "approveInvoice", id=back["drafts"][0]["id"])

    assert (waits["draftCount"], waits["warnings"]) == (
        0, ["Arbeitsplatz (01.10.2026-14.03.2027): WAITS, it would come to -645.54"],
    )  # fmt: skip
    assert (note["kind"], note["totalNet"]["amount"], note["totalGross"]["amount"]) == (
        "CREDIT_NOTE",
        "542.47",
        "645.54",
    )
    assert note["precedingInvoice"] == {"number": invoice["number"]}
    assert await net_of(store, buyer, "2026-12-01") == []


async def test_a_contract_that_rests_neither_bills_nor_covers_and_goes_on_later(store, tell):
    buyer = await customer(store)
    told = contract(buyer, line(), coverage=(crm.ContractCoverage(effect="COVERED", calendar_part="ANY"),))
    await tell(told)
    await tell(changed(told, status="SUSPENDED", effective_date=date(2026, 5, 1)))
    april = await net_of(store, buyer, "2026-06-15")
    await tell(changed(told, status="ACTIVE", effective_date=date(2026, 6, 1)))

    assert april == [("Arbeitsplatz (01.04.2026-30.04.2026)", "1350.00")]
    assert [what for what, _ in await net_of(store, buyer, "2026-06-15")] == [
        "Arbeitsplatz (01.04.2026-30.04.2026)",
        "Arbeitsplatz (01.06.2026-30.06.2026)",
    ]
    effects = [
        (await done(store, "rateTime", timeEntryId=str(uuid4()), customerId=buyer, serviceDate=day, minutes=60,
                    description="Arbeit"))["effect"]["effect"]
        for day in ("2026-04-30", "2026-05-20", "2026-06-01")
    ]  # fmt: skip
    assert effects == ["COVERED", "BILLABLE", "COVERED"]


async def test_a_block_for_each_month_is_there_when_the_month_begins_and_once(store, tell):
    buyer = await customer(store)
    hours = line(kind="PREPAID", description="Kontingent", quantity=Decimal(1), included_hours=Decimal(10),
                 unit_price=Decimal(1100), unit_code="LS", valid_from=date(2026, 2, 1))  # fmt: skip
    told = contract(buyer, hours, contract_type="BLOCK_HOURS", start_date=date(2026, 2, 1))
    await tell(told)
    both = (await billing(store, str(told.id)))["balance"]
    await tell(changed(told, title="Kontingent"))
    async with work.begin(
        store.engine, system(A), module="billing", clock=lambda: datetime(2026, 4, 1, tzinfo=UTC)
    ) as job:
        await consumers.period_begins(job, {"contract": str(told.id), "day": "2026-04-01"})
        await consumers.period_begins(job, {"contract": str(told.id), "day": "2026-04-01"})

    assert both == "20.0000"
    assert (await billing(store, str(told.id)))["balance"] == "30.0000"
    assert [net for _, net in await net_of(store, buyer, "2026-04-01")] == ["1100.00", "1100.00", "1100.00"]


async def test_a_contract_of_crm_is_changed_there_and_one_of_the_same_number_is_told_apart(store, tell):
    buyer = await customer(store)
    entered = await done(store, "registerContract", customerId=buyer, number="V-1", title="Alt", type="PER_USER",
                         startDate="2026-01-01")  # fmt: skip
    told = contract(buyer, line(), number="V-1")
    await tell(told)
    await tell(changed(told, title="Neu"))
    number = (await billing(store, str(told.id)))["billing"]["number"]

    assert (entered["number"], number) == ("V-1", f"V-1-{str(told.id)[-6:]}")
    assert await refused(
        store, "registerContract", customerId=buyer, number=number, title="Neu", type="PER_USER", startDate="2026-04-01"
    ) == "CONFLICT"  # fmt: skip
    added = {"description": "Mehr", "unitPrice": "1.00"}
    assert await refused(store, "addContractLine", contractId=str(told.id), **added) == "CONFLICT"
    gone = {"id": (await store.rows("SELECT id FROM contract_line WHERE contract_id = $1", told.id))[0]["id"]}
    assert await refused(store, "endContractLine", id=str(gone["id"]), validTo="2026-12-31") == "CONFLICT"


async def test_a_rule_for_a_kind_of_device_covers_work_on_such_a_device(store, tell):
    buyer, server = await customer(store), uuid4()
    deployed = AssetDeployed(asset_id=server, customer_id=UUID(buyer), type_key="server", counts_as_device=True,
                             at=datetime(2026, 4, 2, tzinfo=UTC), installed_at=datetime(2026, 3, 5, tzinfo=UTC))  # fmt: skip
    await handled(store, consumers.device_told, deployed)
    rule = crm.ContractCoverage(effect="COVERED", asset_types=("server",), calendar_part="ANY")
    counted = line(quantity_mode="ACTIVE_DEVICES", quantity_policy="SNAPSHOT_START", unit_price=Decimal("8.50"))
    await tell(contract(buyer, counted, coverage=(rule,)))
    entry = TimeEntryApproved(
        id=uuid4(), user_id=uuid4(), work_item=WorkItem(type="TICKET", id=uuid4()), customer_id=UUID(buyer),
        work_type_id=uuid4(), work_type_key="remote", started_at=datetime(2026, 4, 8, 8, tzinfo=UTC),
        ended_at=datetime(2026, 4, 8, 9, tzinfo=UTC), service_date=date(2026, 4, 8), actual_minutes=60,
        billable_minutes=60, after_hours_minutes=0, charged_after_hours_minutes=0, multiplier=Decimal(1),
        is_billable=True, asset_id=server, note="Platte getauscht", approved_by=uuid4(),
    )  # fmt: skip
    await handled(store, consumers.time_approved, entry)
    found = await store.rows("SELECT status, effect FROM billable_item WHERE source_id = $1", entry.id)

    assert [(row["status"], row["effect"]) for row in found] == [("COVERED", "COVERED")]
    assert await net_of(store, buyer, "2026-04-01") == [("Arbeitsplatz (01.04.2026-30.04.2026)", "8.50")]


async def test_what_documents_need_to_know_of_a_customer_comes_from_crm_and_what_was_entered_for_them_stays(store):
    buyer, moment = uuid4(), store.moment
    told = crm.CustomerCreated(
        id=buyer, number="4711", name="Werft", status="ACTIVE",
        billed_at=crm.BilledAt(legal_name="Werft GmbH & Co. KG", vat_id="DE123456789", is_business=True, currency="EUR",
                               language="fr", invoice_email="a@werft.example", buyer_reference="991-33333TEST-33",
                               address=crm.PostalAddress(line1="Kai 1", postal_code="24103", city="Kiel", country="DE")),
    )  # fmt: skip
    await handled(store, consumers.customer_told, told, at=moment)
    await done(store, "updateBillingAccount", customerId=str(buyer), invoiceEmail="rechnung@werft.example")
    assert told.billed_at is not None
    moved = told.billed_at.model_copy(update={"address": crm.PostalAddress(city="Lübeck", country="DE")})
    update = crm.CustomerUpdated(
        **told.model_dump(by_alias=False) | {"billed_at": moved, "changed": ("billingAddress",)}
    )
    await handled(store, consumers.customer_told, update, at=moment + timedelta(minutes=1))
    (row,) = await store.rows("SELECT * FROM billing_account WHERE id = $1", buyer)

    assert (row["name"], row["number"], row["vat_id"], row["language"]) == (
        "Werft GmbH & Co. KG",
        "4711",
        "DE123456789",
        "de",
    )
    assert row["invoice_email"] == "rechnung@werft.example"
    assert row["buyer_reference"] == "991-33333TEST-33"
    assert '"Lübeck"' in row["address"]
    assert "Kai 1" not in row["address"]
