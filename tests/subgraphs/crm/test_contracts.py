"""Contracts as a caller meets them: drawn up, put into force, amended, indexed, left and renewed; told, timed and walled."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from subgraphs.crm.service import terms
from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.crm.asking import company, limited, place, told
from tests.subgraphs.crm.asking import everything as whole
from tests.subgraphs.house import A, B, staff

CONTRACT = """
    id number status title startDate endDate noticeDeadline noticeGivenOn noticeBy autoRenew version currency
    agreedMonthlyValue { amount currency }
    coverage { effect workTypes siteIds calendarPart } indexation { type percent nextDate }
    lines { id replacesId position description quantity unitPrice tiers { fromQuantity unitPrice } validFrom validTo }
"""
LINE = {"description": "Managed user", "unitPrice": "45.00", "quantity": "10"}


async def run(crm, command, asking=None, **given):
    kind = f"{command[0].upper()}{command[1:]}Input"
    query = f"mutation($input: {kind}!) {{ {command}(input: $input) {{ it: contract {{ {CONTRACT} }} errors {{ code field }} }} }}"
    return (await crm.data(query, asking, input=given))[command]


async def done(crm, command, asking=None, **given):
    payload = await run(crm, command, asking, **given)
    assert payload["errors"] == []
    return payload["it"]


async def refused(crm, command, asking=None, **given):
    before = await whole(crm), await crm.rows("SELECT * FROM contract ORDER BY id"), await crm.count("contract_line")
    payload = await run(crm, command, asking, **given)
    after = await whole(crm), await crm.rows("SELECT * FROM contract ORDER BY id"), await crm.count("contract_line")
    assert after == before
    assert payload["it"] is None
    return payload["errors"][0]["code"], payload["errors"][0]["field"]


async def draft(crm, customer, **given):
    plain = {"title": "Managed workplace", "type": "PER_USER", "startDate": "2026-01-01", "lines": [LINE]}
    return await done(crm, "createContract", customerId=customer["id"], **plain | given)


async def term(crm, customer, **given):
    """A contract in force for 2026 that renews itself for a year, with three months of notice."""
    terms_ = {"termMonths": 12, "autoRenew": True, "renewalMonths": 12, "noticeMonths": 3}
    made = await draft(crm, customer, **terms_ | given)
    return await done(crm, "activateContract", id=made["id"])


@pytest.fixture(scope="module")
async def customer(crm):
    return await company(crm, "Contracts AG")


async def test_a_draft_has_lines_coverage_and_a_number(crm, customer):
    site = await place(crm, customer)
    tiers = [{"fromQuantity": "50", "unitPrice": "38"}, {"fromQuantity": "20", "unitPrice": "42"}]
    made = await draft(
        crm,
        customer,
        termMonths=12,
        lines=[LINE | {"tiers": tiers, "minQuantity": "20"}],
        coverage=[{"effect": "COVERED", "workTypes": ["Remote"], "siteIds": [site["id"]]}],
    )

    assert made["number"].startswith("V-2026-")
    assert (made["status"], made["endDate"], made["noticeDeadline"]) == ("DRAFT", "2026-12-31", None)
    assert made["agreedMonthlyValue"] == {"amount": "840.00", "currency": "EUR"}
    assert made["coverage"] == [
        {"effect": "COVERED", "workTypes": ["Remote"], "siteIds": [site["id"]], "calendarPart": "ANY"}
    ]
    assert [(one["position"], one["validFrom"], one["validTo"]) for one in made["lines"]] == [(1, "2026-01-01", None)]
    assert [one["fromQuantity"] for one in made["lines"][0]["tiers"]] == ["20.0000", "50.0000"]


async def test_a_draft_is_rewritten_and_what_holds_is_not(crm, customer):
    made = await draft(crm, customer)
    two = [LINE, LINE | {"description": "Backup", "unitPrice": "9.90"}]
    changed = await done(crm, "updateContract", id=made["id"], lines=two, startDate="2026-02-01")
    assert [one["description"] for one in changed["lines"]] == ["Managed user", "Backup"]

    await done(crm, "activateContract", id=made["id"])

    assert await refused(crm, "updateContract", id=made["id"], startDate="2026-03-01") == ("CONTRACT_IN_FORCE", "id")
    renamed = await done(crm, "updateContract", id=made["id"], title="Workplace", poNumber="4711")
    assert renamed["title"] == "Workplace"


async def test_what_makes_no_sense_is_refused(crm, customer):
    plain = {"customerId": customer["id"], "title": "x", "type": "PER_USER", "startDate": "2026-01-01"}
    other = await place(crm, await company(crm, "Elsewhere"))

    assert await refused(crm, "createContract", **plain, autoRenew=True) == ("VALIDATION", "autoRenew")
    assert await refused(crm, "createContract", **plain, endDate="2025-12-31") == ("VALIDATION", "endDate")
    assert await refused(crm, "createContract", **plain, lines=[LINE | {"quantity": "-1"}]) == (
        "VALIDATION",
        "quantity",
    )
    there = [{"effect": "COVERED", "siteIds": [other["id"]]}]
    assert await refused(crm, "createContract", **plain, coverage=there) == ("NOT_FOUND", "siteIds")
    rubbish = [{"effect": "COVERED", "siteIds": ["123"]}]
    assert await refused(crm, "createContract", **plain, coverage=rubbish) == ("NOT_FOUND", "siteIds")
    assert await refused(crm, "createContract", **plain, lines=[LINE | {"productId": "123"}]) == (
        "NOT_FOUND",
        "productId",
    )
    empty = await draft(crm, customer, lines=[])
    assert await refused(crm, "activateContract", id=empty["id"]) == ("CONTRACT_INCOMPLETE", "id")
    assert await refused(crm, "giveNotice", id=empty["id"], by="CUSTOMER") == ("CONTRACT_WRONG_STATUS", "id")


async def test_whoever_keeps_a_copy_is_told_the_whole_contract(crm, customer):
    active = await term(crm, customer)
    events = await told(crm, "Contract", active["id"])

    assert [one[0] for one in events] == ["contract.created", "contract.activated", "contract.updated"]
    data = events[1][2]
    assert (data["type"], data["status"], data["effectiveDate"]) == ("PER_USER", "ACTIVE", "2026-01-01")
    assert data["noticeDeadline"] == "2026-09-30"
    assert [(one["unitPrice"], one["quantity"], one["validFrom"]) for one in data["lines"]] == [
        ("45.0000", "10.0000", "2026-01-01")
    ]
    assert events[2][2] == data
    jobs = await crm.rows(
        "SELECT entrypoint FROM job WHERE payload::text LIKE $1 OR encode(payload, 'escape') LIKE $1",
        f"%{active['id']}%",
    )
    assert sorted(one["entrypoint"] for one in jobs) == ["contract.reminder"] * 3 + ["contract.term"]


async def test_an_amendment_makes_another_version_and_leaves_the_former(crm, customer):
    active = await term(crm, customer)
    line = active["lines"][0]["id"]
    amended = await done(
        crm,
        "amendContract",
        id=active["id"],
        effectiveDate="2026-04-11",
        change=[{"lineId": line, "quantity": "15"}],
        add=[{"description": "Backup", "unitPrice": "9.90"}],
    )

    assert [(one["quantity"], one["validFrom"], one["validTo"], one["replacesId"]) for one in amended["lines"]] == [
        ("10.0000", "2026-01-01", "2026-04-10", None),
        ("15.0000", "2026-04-11", None, line),
        ("1.0000", "2026-04-11", None, None),
    ]
    assert (await told(crm, "Contract", active["id"]))[-2][0] == "contract.amended"
    ended = await done(
        crm, "amendContract", id=active["id"], effectiveDate="2026-05-01", end=[amended["lines"][2]["id"]]
    )
    assert ended["lines"][2]["validTo"] == "2026-04-30"


async def test_an_amendment_of_what_may_be_billed_is_refused(crm, customer):
    active = await term(crm, customer)
    before = {"id": active["id"], "effectiveDate": "2026-02-28"}

    assert await refused(crm, "amendContract", **before) == ("CONTRACT_TERM", "effectiveDate")
    stranger = [{"lineId": str(UUID(int=1)), "quantity": "1"}]
    wrong = before | {"effectiveDate": "2026-03-01", "change": stranger}
    assert await refused(crm, "amendContract", **wrong) == ("NOT_FOUND", "lineId")
    assert await refused(crm, "amendContract", **before, version=1) == ("CONFLICT", "version")


async def test_prices_follow_the_times_from_a_day_on(crm, customer):
    active = await term(crm, customer, indexation={"type": "FIXED_PERCENT", "percent": "3.5", "nextDate": "2026-07-01"})
    indexed = await done(crm, "indexContract", id=active["id"])

    assert [(one["unitPrice"], one["validFrom"], one["validTo"]) for one in indexed["lines"]] == [
        ("45.0000", "2026-01-01", "2026-06-30"),
        ("46.5800", "2026-07-01", None),
    ]
    assert indexed["indexation"]["nextDate"] == "2027-07-01"


async def test_notice_in_time_ends_it_with_its_term_and_a_renewal_takes_it_back(crm, customer):
    active = await term(crm, customer)
    left = await done(crm, "giveNotice", id=active["id"], by="CUSTOMER", receivedOn="2026-02-27")
    assert (left["status"], left["endDate"], left["noticeDeadline"], left["noticeBy"]) == (
        "NOTICE_GIVEN",
        "2026-12-31",
        None,
        "CUSTOMER",
    )

    back = await done(crm, "renewContract", id=active["id"])

    assert (back["status"], back["endDate"], back["noticeDeadline"]) == ("ACTIVE", "2027-12-31", "2027-09-30")
    assert [one[0] for one in await told(crm, "Contract", active["id"])][3::2] == [
        "contract.notice_given",
        "contract.renewed",
    ]


async def test_it_rests_and_holds_again_and_ends_under_notice_only(crm, customer):
    active = await term(crm, customer)
    assert (await done(crm, "suspendContract", id=active["id"]))["status"] == "SUSPENDED"
    assert (await done(crm, "resumeContract", id=active["id"]))["status"] == "ACTIVE"
    assert await refused(crm, "endContract", id=active["id"]) == ("CONTRACT_WRONG_STATUS", "id")
    await done(crm, "giveNotice", id=active["id"], by="PROVIDER")

    ended = await done(crm, "endContract", id=active["id"], endDate="2026-02-28")

    assert (ended["status"], ended["endDate"]) == ("ENDED", "2026-02-28")
    cancelled = await done(crm, "cancelContract", id=(await draft(crm, customer))["id"])
    assert cancelled["status"] == "CANCELLED"


async def at(crm, moment, act, *arguments):
    async with work.begin(crm.engine, system(A), module="crm", clock=lambda: moment) as job:
        await act(job, *arguments)


async def state(crm, contract):
    query = "query($id: ID!) { contract(id: $id) { status endDate noticeDeadline } }"
    return tuple((await crm.data(query, id=contract["id"]))["contract"].values())


async def test_the_day_after_its_term_it_renews_itself_once(crm, customer):
    active = await term(crm, customer)
    identity, end = UUID(active["id"]), date(2026, 12, 31)
    await at(crm, datetime(2026, 12, 31, 12, tzinfo=UTC), terms.term_over, identity, end)
    assert await state(crm, active) == ("ACTIVE", "2026-12-31", "2026-09-30")

    for _ in range(2):
        await at(crm, datetime(2027, 1, 1, 1, tzinfo=UTC), terms.term_over, identity, end)

    assert await state(crm, active) == ("ACTIVE", "2027-12-31", "2027-09-30")
    names = [one[0] for one in await told(crm, "Contract", active["id"])]
    assert names.count("contract.renewed") == 1


async def test_the_day_after_its_term_what_does_not_renew_itself_is_over(crm, customer):
    active = await term(crm, customer, autoRenew=False)
    await at(crm, datetime(2027, 1, 1, 1, tzinfo=UTC), terms.term_over, UUID(active["id"]), date(2026, 12, 31))

    assert (await state(crm, active))[0] == "ENDED"


async def test_somebody_is_reminded_once_of_each_distance(crm, customer):
    active = await term(crm, customer)
    deadline = date(2026, 9, 30)
    for _ in range(2):
        await at(crm, datetime(2026, 8, 31, 6, tzinfo=UTC), terms.remind, UUID(active["id"]), deadline, 30)
    await at(crm, datetime(2026, 8, 31, 6, tzinfo=UTC), terms.remind, UUID(active["id"]), date(2027, 9, 30), 30)

    due = [one for one in await told(crm, "Contract", active["id"]) if one[0] == "contract.renewal_due"]
    assert [(one[2]["noticeDeadline"], one[2]["daysLeft"]) for one in due] == [("2026-09-30", 30)]


async def test_what_expires_next_comes_first(crm):
    own = await company(crm, "Expiring GmbH")
    late = await term(crm, own)
    soon = await term(crm, own, autoRenew=False, termMonths=4)
    query = "query($until: Date!) { expiringContracts(until: $until, limit: 200) { id customerId } }"

    found = await crm.data(query, until="2026-09-30")

    mine = [one["id"] for one in found["expiringContracts"] if one["customerId"] == own["id"]]
    assert mine == [soon["id"], late["id"]]
    names = "query($id: ID!) { customer(id: $id) { contracts(status: ACTIVE) { id customer { name } } } }"
    assert (await crm.data(names, id=own["id"]))["customer"]["contracts"] == [
        {"id": one["id"], "customer": {"name": "Expiring GmbH"}} for one in sorted((late, soon), key=lambda x: x["id"])
    ]


async def test_a_customers_people_see_what_they_have_and_no_drafts(crm, customer):
    active, hidden = await term(crm, customer), await draft(crm, customer)
    query = "query($id: ID!) { contract(id: $id) { id lines { id } } }"
    theirs, stranger = limited(customer), limited(await company(crm, "Stranger"))

    assert (await crm.data(query, theirs, id=active["id"]))["contract"]["lines"]
    assert (await crm.data(query, theirs, id=hidden["number"]))["contract"] is None
    assert (await crm.data(query, stranger, id=active["number"]))["contract"] is None
    assert (await crm.data(query, staff(B), id=active["id"]))["contract"] is None
