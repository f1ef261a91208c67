"""Time entries through the graph: booked, rounded, approved by somebody else, and told to billing."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from contracts.events import billing
from subgraphs.kit.errors import Invalid
from subgraphs.tickets.service import time_entries
from tests.subgraphs.house import staff
from tests.subgraphs.tickets.desk import at, desk_of

ENTRY = """timeEntry { id version status actualMinutes billableMinutes afterHoursMinutes chargedAfterHoursMinutes
    isBillable localDate note internalNote rejection workItem { type id } workType { key } ticket { id } customerId }"""


@pytest.fixture
async def desk(start):
    found = await desk_of(await start("tickets"))
    found.it_is("2026-05-05 20:00")
    return found


@pytest.fixture
def boss(desk):
    return staff(desk.tenant, subject=uuid4())


def span(begins, ends, day="2026-05-05"):
    return {"startedAt": at(f"{day} {begins}").isoformat(), "endedAt": at(f"{day} {ends}").isoformat()}


async def booked(desk, ticket, begins="10:00", ends="10:16", asking=None, **more):
    given = {"ticketId": ticket, "note": "Changed the toner", **span(begins, ends), **more}
    return await desk.do("bookTime", ENTRY, asking, **given)


async def test_booked_time_is_rounded_and_told_with_what_billing_needs(desk):
    ticket = await desk.opened()
    entry = await booked(desk, ticket)

    assert (entry["actualMinutes"], entry["billableMinutes"], entry["status"]) == (16, 30, "DRAFT")
    assert entry["workItem"] == {"type": "TICKET", "id": ticket}
    [(kind, data)] = await desk.events("time_entry.")
    assert kind == "time_entry.booked"
    assert data["workItem"] == {"type": "TICKET", "id": ticket}
    wanted = (
        "userId",
        "customerId",
        "workTypeKey",
        "serviceDate",
        "actualMinutes",
        "billableMinutes",
        "multiplier",
        "contractId",
    )
    assert {key: data[key] for key in wanted} == {
        "userId": str(desk.caller.subject),
        "customerId": str(desk.customer),
        "workTypeKey": data["workTypeKey"],
        "serviceDate": "2026-05-05",
        "actualMinutes": 16,
        "billableMinutes": 30,
        "multiplier": "1.000",
        "contractId": None,
    }


async def test_an_entry_goes_through_approval_and_each_step_is_told(desk, boss):
    entry = await booked(desk, await desk.opened(), submit=True)
    back = await desk.do("rejectTime", ENTRY, boss, id=entry["id"], reason="Which toner?")
    again = await desk.do("updateTime", ENTRY, id=entry["id"], note="Changed the black toner")
    await desk.do("submitTime", ENTRY, id=entry["id"])
    done = await desk.do("approveTime", ENTRY, boss, id=entry["id"])

    assert (back["status"], back["rejection"]) == ("REJECTED", "Which toner?")
    assert (again["status"], again["rejection"], done["status"]) == ("DRAFT", None, "APPROVED")
    events = await desk.events("time_entry.")
    assert [kind for kind, _ in events] == [
        "time_entry.booked", "time_entry.submitted", "time_entry.rejected", "time_entry.booked", "time_entry.submitted",
        "time_entry.approved",
    ]  # fmt: skip
    assert (events[-1][1]["approvedBy"], events[-1][1]["billableMinutes"]) == (str(boss.subject), 30)


async def test_AT_TIM_4_what_lies_after_hours_is_split_and_rounding_goes_to_the_cheaper_part(desk):
    week = [{"weekday": day, "from": "08:00", "to": "18:00"} for day in range(1, 6)]
    calendar = await desk.do("createCalendar", "calendar { id }", name="Day", weekly=week)
    kind = await desk.do(
        "createWorkType", "workType { id key }", name="Field work", afterHoursCalendarId=calendar["id"],
        afterHoursMultiplier="1.5",
    )  # fmt: skip
    entry = await booked(desk, await desk.opened(), "17:35", "18:15", workTypeId=kind["id"])

    assert (entry["actualMinutes"], entry["afterHoursMinutes"]) == (40, 15)
    assert (entry["billableMinutes"], entry["chargedAfterHoursMinutes"]) == (45, 15)
    [(_, data)] = await desk.events("time_entry.")
    assert (data["multiplier"], data["afterHoursMultiplier"], data["workTypeKey"]) == ("1.000", "1.500", "field_work")


async def test_AT_TIM_3_entries_of_one_ticket_and_day_may_be_rounded_together(desk, boss):
    fields = "roundingRule { scope isDefault }"
    await desk.do("setRounding", fields, name="Day", scope="PER_TICKET_DAY")
    ticket = await desk.opened()
    entries = [await booked(desk, ticket, f"{hour}:00", f"{hour}:10", submit=True) for hour in (10, 11, 12)]
    approved = [await desk.do("approveTime", ENTRY, boss, id=one["id"]) for one in entries]

    assert [one["billableMinutes"] for one in entries] == [15, 15, 0]
    assert [one["billableMinutes"] for one in approved] == [15, 15, 0]


async def test_nobody_approves_their_own_time_nor_time_that_overlaps(desk, boss):
    ticket = await desk.opened()
    first = await booked(desk, ticket, "10:00", "11:00", submit=True)
    await booked(desk, ticket, "10:30", "11:30")
    told = len(await desk.events("time_entry."))

    assert await desk.run("approveTime", ENTRY, id=first["id"]) == (None, [("FOUR_EYES", "id")])
    assert await desk.run("approveTime", ENTRY, boss, id=first["id"]) == (None, [("TIME_ENTRY_OVERLAPS", "id")])
    [row] = await desk.service.rows("SELECT status FROM time_entry WHERE id::text = $1", first["id"])
    assert (row["status"], len(await desk.events("time_entry."))) == ("SUBMITTED", told)


@pytest.mark.parametrize("status", ["LOCKED", "BILLED"])
async def test_AT_TIM_5_what_a_billing_run_has_taken_is_immutable(desk, boss, status):
    entry = await booked(desk, await desk.opened())
    await desk.service.rows("UPDATE time_entry SET status = $1 WHERE id::text = $2", status, entry["id"])

    assert await desk.run("updateTime", ENTRY, id=entry["id"], note="x") == (None, [("IMMUTABLE", "id")])
    assert await desk.run("rejectTime", ENTRY, boss, id=entry["id"], reason="x") == (None, [("IMMUTABLE", "id")])


async def test_AT_TIM_6_what_the_platform_says_creates_no_time(desk):
    ticket = await desk.opened()
    await desk.ticket("replyToTicket", id=ticket, bodyText="Hello.")
    await desk.ticket("resolveTicket", id=ticket, resolution="Done.")
    desk.it_is("2026-06-05 20:00")
    [timer] = await desk.timers("ticket.close")
    await desk.fire("ticket.close", ticket=timer["ticket"], resolvedAt=timer["resolvedAt"])

    rows = await desk.service.rows("SELECT id FROM time_entry WHERE tenant_id = $1", desk.tenant)
    assert rows == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (span("10:00", "10:00"), ("VALIDATION", "endedAt")),
        (span("10:00", "21:00"), ("VALIDATION", "endedAt")),
        ({"startedAt": "2026-05-04T00:00:00Z", "endedAt": "2026-05-04T16:01:00Z"}, ("VALIDATION", "endedAt")),
        ({"startedAt": "2026-05-04T00:00:00Z"}, ("VALIDATION", "endedAt")),
        ({**span("10:00", "11:00"), "workTypeId": str(uuid4())}, ("NOT_FOUND", "workTypeId")),
        ({**span("10:00", "11:00"), "note": "  "}, ("VALIDATION", "note")),
    ],
)
async def test_time_that_nobody_can_have_worked_is_refused(desk, given, error):
    ticket = await desk.opened()

    assert await desk.run("bookTime", ENTRY, **{"ticketId": ticket, "note": "x", **given}) == (None, [error])
    assert await desk.events("time_entry.") == []


async def test_a_timer_counts_and_keeps_the_ticket_from_being_resolved(desk):
    desk.it_is("2026-05-05 10:00")
    ticket = await desk.opened()
    await desk.do("startTimer", "timer { id }", ticketId=ticket)
    await desk.do("startTimer", "timer { id }", ticketId=ticket)
    desk.it_is("2026-05-05 10:20")

    refused = await desk.run("resolveTicket", "ticket { id }", id=ticket, resolution="Done.")
    entry = await desk.do("stopTimer", ENTRY, ticketId=ticket, note="Looked at it")
    again = await desk.run("stopTimer", ENTRY, ticketId=ticket, note="Looked at it")

    assert refused == (None, [("TICKET_STILL_OPEN", "id")])
    assert (entry["actualMinutes"], entry["billableMinutes"]) == (20, 30)
    assert again == (None, [("NOT_FOUND", "ticketId")])
    assert (await desk.ticket("resolveTicket", id=ticket, resolution="Done."))["status"] == "RESOLVED"


async def test_whoever_sees_only_their_own_time_sees_and_books_only_that(desk, boss):
    ticket = await desk.opened()
    hers = await booked(desk, ticket, asking=boss)
    own = {"tickets:read", "tickets:write", "time:read.own", "time:write.own"}
    me = staff(desk.tenant, subject=uuid4(), scopes=frozenset(own))
    mine = await booked(desk, ticket, "11:00", "11:30", asking=me)

    shown = await desk.ask(
        "query($id: ID!) { ticket(id: $id) { timeEntries { id } } timeEntries { id } }", me, id=ticket
    )

    assert shown == {"ticket": {"timeEntries": [{"id": mine["id"]}]}, "timeEntries": [{"id": mine["id"]}]}
    assert await desk.run("updateTime", ENTRY, me, id=hers["id"], note="x") == (None, [("NOT_FOUND", "id")])
    other = str(boss.subject)
    _, errors = await desk.run("bookTime", ENTRY, me, ticketId=ticket, note="x", userId=other, **span("12:00", "12:30"))
    assert errors == [("FORBIDDEN", None)]


async def test_what_billing_tells_fixes_an_entry_and_a_cancelled_invoice_frees_it(desk, boss):
    entry = await booked(desk, await desk.opened(), submit=True)
    await desk.do("approveTime", ENTRY, boss, id=entry["id"])
    invoice, other = uuid4(), uuid4()
    facts = {"id": invoice, "number": "RE-1", "customer_id": desk.customer, "cancellation_id": uuid4(),
             "cancellation_number": "ST-1", "reason": "x", "time_entry_ids": (UUID(entry["id"]),)}  # fmt: skip
    states = []
    for happened in (
        billing.TimeEntryBilled(ids=(UUID(entry["id"]),), invoice_id=invoice),
        billing.TimeEntryBilled(ids=(UUID(entry["id"]),), invoice_id=other),
        billing.InvoiceCancelled.model_construct(**{**facts, "id": other}),
        billing.InvoiceCancelled.model_construct(**facts),
    ):
        await desk.hear(happened)
        [row] = await desk.service.rows("SELECT status, billed_in FROM time_entry WHERE id::text = $1", entry["id"])
        states.append((row["status"], row["billed_in"]))

    assert states == [("BILLED", invoice), ("BILLED", invoice), ("BILLED", invoice), ("APPROVED", None)]


def test_work_that_ends_after_the_last_year_is_refused():
    with pytest.raises(Invalid) as refused:
        time_entries.end_of(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), 45)

    assert refused.value.field == "startedAt"
