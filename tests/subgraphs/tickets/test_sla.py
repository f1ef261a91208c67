"""Service levels through the graph: policies, clocks, explanations, and what is told once."""

from __future__ import annotations

import pytest

from tests.subgraphs.tickets.desk import desk_of, told

CLOCKS = """query($id: ID!) { ticket(id: $id) { dueAt slaClocks { metric state dueAt metAt breachedAt breachReason
    targetMinutes consumedSeconds pausedSeconds percent intervals { kind cause businessSeconds } } } }"""
EXPLAIN = """query($id: ID!) { explainSla(ticketId: $id) { because policy { name calendar { name } } history
    clocks { metric state explanation } } }"""
WEEK = [{"weekday": day, "from": "08:00", "to": "17:00"} for day in range(1, 6)]


@pytest.fixture
async def desk(start):
    found = await desk_of(await start("tickets"))
    found.it_is("2026-05-04 09:00")
    return found


async def clocks(desk, ticket):
    shown = (await desk.ask(CLOCKS, id=ticket))["ticket"]
    return shown, {one["metric"]: one for one in shown["slaClocks"]}


async def test_a_tenant_begins_with_calendars_of_all_states_and_a_standard_policy(desk):
    found = await desk.ask("""{ businessCalendars { name holidayRegion is24x7 weekly { weekday from to } }
        slaPolicies { name isDefault warnAt targets { priority metric minutes } calendar { name } }
        queues { name } deskSettings { priorityMatrix { impact urgency priority } } }""")

    assert len(found["businessCalendars"]) == 18
    assert {one["holidayRegion"] for one in found["businessCalendars"]} >= {"DE", "DE-BY", "DE-SH"}
    [policy] = found["slaPolicies"]
    assert (policy["name"], policy["isDefault"], policy["warnAt"]) == ("Standard", True, [50, 75, 90])
    assert [(one["priority"], one["minutes"]) for one in policy["targets"] if one["metric"] == "RESOLUTION"] == [
        ("P1", 240), ("P2", 480), ("P3", 1440), ("P4", 2400)
    ]  # fmt: skip
    assert [one["name"] for one in found["queues"]] == [
        "Alerts", "Projects", "Sales", "Security", "Service Desk", "Unmapped"
    ]  # fmt: skip
    assert len(found["deskSettings"]["priorityMatrix"]) == 9


async def test_a_ticket_runs_through_its_clocks_and_every_step_is_told(desk):
    ticket = await desk.opened(priority="P2")
    shown, first = await clocks(desk, ticket)
    assert (told(shown["dueAt"]), told(first["FIRST_RESPONSE"]["dueAt"])) == ("2026-05-04 17:00", "2026-05-04 10:00")

    await desk.ticket("assignTicket", id=ticket, assigneeId=str(desk.caller.subject))
    desk.it_is("2026-05-04 09:30")
    await desk.ticket("waitForCustomer", id=ticket, reply="Which printer?")
    desk.it_is("2026-05-05 09:30")
    shown, waiting = await clocks(desk, ticket)
    assert (shown["dueAt"], waiting["RESOLUTION"]["state"], waiting["FIRST_RESPONSE"]["state"]) == (
        None,
        "PAUSED",
        "MET",
    )
    assert (waiting["RESOLUTION"]["consumedSeconds"], waiting["RESOLUTION"]["pausedSeconds"]) == (1800, 9 * 3600)

    await desk.ticket("resolveTicket", id=ticket, resolution="Put it out.")
    _, done = await clocks(desk, ticket)
    assert (done["RESOLUTION"]["state"], done["RESOLUTION"]["percent"]) == ("MET", 6)
    assert [(kind, data["metric"]) for kind, data in await desk.events("sla.")] == [
        ("sla.started", "FIRST_RESPONSE"),
        ("sla.started", "RESOLUTION"),
        ("sla.paused", "RESOLUTION"),
        ("sla.met", "FIRST_RESPONSE"),
        ("sla.met", "RESOLUTION"),
    ]


async def test_an_explanation_says_which_promise_holds_and_how_each_stretch_counts(desk):
    ticket = await desk.opened(priority="P2")
    desk.it_is("2026-05-04 11:00")

    found = (await desk.ask(EXPLAIN, id=ticket))["explainSla"]

    assert found["policy"] == {"name": "Standard", "calendar": {"name": "DE Mo-Fr 08-17"}}
    assert found["because"] == "It is the default: nothing is agreed for the ticket, its contract, customer or queue."
    assert found["clocks"][0]["state"] == "BREACHED"
    assert found["clocks"][1]["explanation"] == [
        "The target is 8 h of business time, counted from Mon 2026-05-04 09:00.",
        "From Mon 2026-05-04 09:00 until now it ran for 2 h, because it was our turn.",
        "So 2 h are consumed (25 %), and it paused for 0 h.",
        "It is due Mon 2026-05-04 17:00.",
    ]


async def test_a_higher_priority_replays_and_may_break_the_promise_at_once(desk):
    desk.it_is("2026-05-05 08:00")
    ticket = await desk.opened(priority="P3")
    desk.it_is("2026-05-05 13:00")
    await desk.ticket("changePriority", id=ticket, priority="P1")

    shown, found = await clocks(desk, ticket)

    assert (told(shown["dueAt"]), found["RESOLUTION"]["state"]) == ("2026-05-05 12:00", "BREACHED")
    assert (told(found["RESOLUTION"]["breachedAt"]), found["RESOLUTION"]["breachReason"]) == (
        "2026-05-05 13:00",
        "POLICY_CHANGE",
    )
    breached = [data for kind, data in await desk.events("sla.breached")]
    assert [(one["metric"], one["reason"], one["percent"]) for one in breached] == [
        ("FIRST_RESPONSE", "DEADLINE", 100),
        ("RESOLUTION", "POLICY_CHANGE", 100),
    ]


async def test_timers_tell_each_threshold_once_however_often_they_fire(desk):
    ticket = await desk.opened(priority="P2")
    await desk.ticket("replyToTicket", id=ticket, bodyText="We look at it.")
    [*_, last] = await desk.timers("sla.check")
    assert (last["ticket"], last["wait"].total_seconds()) == (ticket, 4 * 3600 + 1)

    for moment in ("2026-05-04 13:00", "2026-05-04 13:00", "2026-05-04 16:50", "2026-05-04 17:00", "2026-05-04 17:01"):
        desk.it_is(moment)
        await desk.fire("sla.check", ticket=ticket)
        await desk.fire("sla.check", ticket=ticket)

    heard = [(kind, data["metric"], data["percent"]) for kind, data in await desk.events("sla.")]
    assert [one for one in heard if one[0] in {"sla.warning", "sla.breached"}] == [
        ("sla.warning", "RESOLUTION", 50),
        ("sla.warning", "RESOLUTION", 90),
        ("sla.breached", "RESOLUTION", 100),
    ]


async def test_what_is_agreed_with_a_customer_goes_before_the_queue_and_the_default(desk):
    calendar = await desk.do(
        "createCalendar", "calendar { id holidays(year: 2026) { name } }",
        name="Rund um die Uhr", is24x7=True,
    )  # fmt: skip
    gold = await desk.do(
        "createSlaPolicy", "policy { id }", name="Gold", calendarId=calendar["id"], updateTargetMinutes=120,
        targets=[{"priority": "P3", "metric": "RESOLUTION", "minutes": 60}],
    )  # fmt: skip
    ticket = await desk.opened()
    await desk.do("assignSlaPolicy", "policy { id }", policyId=gold["id"], customerId=str(desk.customer))
    desk.it_is("2026-05-04 09:10")
    await desk.fire("sla.replay", after=None)

    shown, found = await clocks(desk, ticket)
    because = (await desk.ask(EXPLAIN, id=ticket))["explainSla"]["because"]

    assert (because, told(shown["dueAt"])) == ("It is agreed with the customer.", "2026-05-04 10:00")
    assert set(found) == {"RESOLUTION"}
    await desk.ticket("replyToTicket", id=ticket, bodyText="We look at it.")
    _, found = await clocks(desk, ticket)
    assert told(found["NEXT_UPDATE"]["dueAt"]) == "2026-05-04 11:10"


async def test_a_calendar_that_changes_replays_what_runs_in_it_and_keeps_its_past(desk):
    ticket = await desk.opened(priority="P2")
    [calendar] = [
        one for one in (await desk.ask("{ businessCalendars { id name } }"))["businessCalendars"]
        if one["name"] == "DE Mo-Fr 08-17"
    ]  # fmt: skip
    days = [{"date": "2026-05-04", "name": "Company outing"}]
    desk.it_is("2026-05-04 10:30")
    await desk.do("updateCalendar", "calendar { id }", id=calendar["id"], holidays=days)
    await desk.fire("sla.replay", after=None)

    shown, _ = await clocks(desk, ticket)

    assert told(shown["dueAt"]) == "2026-05-05 16:00"
    imported = await desk.do(
        "importHolidays", "calendar { holidays(year: 2027) { date name } }",
        calendarId=calendar["id"], region="DE-SH", years=[2027],
    )  # fmt: skip
    assert {"date": "2027-10-31", "name": "Reformationstag"} in imported["holidays"]


async def test_a_date_that_a_person_gave_is_moved_by_no_clock(desk):
    ticket = await desk.opened(priority="P2")
    given = await desk.ticket("setDueDate", id=ticket, dueAt="2026-06-01T12:00:00Z")
    await desk.ticket("changePriority", id=ticket, priority="P1")
    kept, _ = await clocks(desk, ticket)
    back = await desk.ticket("setDueDate", id=ticket, dueAt=None)

    assert (given["dueAt"], kept["dueAt"]) == ("2026-06-01T12:00:00+00:00", "2026-06-01T12:00:00+00:00")
    assert told(back["dueAt"]) == "2026-05-04 13:00"


async def test_a_sub_status_that_pauses_stops_the_resolution_and_leaves_with_the_status(desk):
    hold = await desk.do("createSubStatus", "subStatus { id }", label="Spare part", status="NEW", pausesSla=True)
    ticket = await desk.opened(priority="P2")
    await desk.ticket("setSubStatus", id=ticket, subStatusId=hold["id"])
    desk.it_is("2026-05-04 12:00")
    _, paused = await clocks(desk, ticket)
    await desk.ticket("assignTicket", id=ticket, assigneeId=str(desk.caller.subject))
    shown, running = await clocks(desk, ticket)

    assert (paused["RESOLUTION"]["state"], paused["RESOLUTION"]["pausedSeconds"]) == ("PAUSED", 3 * 3600)
    assert (running["RESOLUTION"]["state"], told(shown["dueAt"])) == ("RUNNING", "2026-05-05 11:00")


@pytest.mark.parametrize(
    ("command", "fields", "given", "error"),
    [
        ("createCalendar", "calendar { id }", {"name": "Never"}, ("VALIDATION", "weekly")),
        ("createCalendar", "calendar { id }", {"name": "DE Mo-Fr 08-17", "weekly": WEEK}, ("CONFLICT", "name")),
        ("createCalendar", "calendar { id }", {"name": "X", "weekly": WEEK, "timeZone": "Mars"}, ("VALIDATION", "timeZone")),
        ("importHolidays", "calendar { id }", {"calendarId": "7", "region": "DE", "years": [2026]}, ("NOT_FOUND", "calendarId")),
        ("createSlaPolicy", "policy { id }", {"name": "X", "calendarId": "7", "targets": []}, ("NOT_FOUND", "calendarId")),
        ("changeQueue", "ticket { id }", {"id": "7", "queueId": "7"}, ("NOT_FOUND", "id")),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_and_changes_nothing(desk, command, fields, given, error):
    await desk.ask("{ queues { id } }")
    tables = ("business_calendar", "calendar_revision", "sla_policy", "ticket", "outbox")
    before = [await desk.service.count(table) for table in tables]

    assert await desk.run(command, fields, **given) == (None, [error])
    assert [await desk.service.count(table) for table in tables] == before


async def test_a_ticket_that_nobody_reopened_closes_after_five_business_days(desk):
    desk.it_is("2026-04-30 12:00")
    ticket = await desk.opened()
    await desk.ticket("resolveTicket", id=ticket, resolution="Done.")
    [timer] = await desk.timers("ticket.close")
    desk.it_is("2026-05-09 00:00")
    await desk.fire("ticket.close", **{key: timer[key] for key in ("ticket", "resolvedAt")})

    assert timer["wait"].total_seconds() == (8 * 24 + 12) * 3600
    assert (await desk.ask("query($id: ID!) { ticket(id: $id) { status } }", id=ticket))["ticket"]["status"] == "CLOSED"
