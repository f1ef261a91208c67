"""What belongs to a ticket: links, merging, steps, watchers, files, ratings, appointments, templates and articles."""

from __future__ import annotations

import base64
import hashlib
from uuid import uuid4

import pytest

from tests.subgraphs.house import staff
from tests.subgraphs.tickets.desk import at, desk_of, told

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
SHOWN = """query($id: ID!) { ticket(id: $id) { id status mergedIntoId messages { bodyText kind } watchers { userId email }
    links { kind ticketId otherId ticket { number } } checklist { id text required doneAt } attachments { filename mimeType
    sizeBytes sha256 url isInternal } csat { score comment } timeEntries { note } children { id }
    appointments { state startsAt } scheduledFor slaClocks { metric startedAt } } }"""


@pytest.fixture
async def desk(start):
    found = await desk_of(await start("tickets"))
    found.it_is("2026-05-04 09:00")
    return found


@pytest.fixture
def portal(desk):
    scopes = frozenset({"tickets:read", "tickets:write", "kb:read"})
    return staff(desk.tenant, subject=uuid4(), kind="CUSTOMER", customers=frozenset({desk.customer}), scopes=scopes)


async def shown(desk, ticket, asking=None):
    return (await desk.ask(SHOWN, asking, id=ticket))["ticket"]


async def test_a_merged_ticket_goes_on_in_the_other_with_all_that_belongs_to_it(desk):
    older = await desk.opened(title="Printer")
    desk.it_is("2026-05-04 09:30")
    newer = await desk.opened(title="Printer again")
    await desk.ticket("replyToTicket", id=older, bodyText="Which one?")
    await desk.ticket("watchTicket", id=older, email="Boss@Nord.example")
    span = {"startedAt": at("2026-05-04 09:00").isoformat(), "minutes": 10, "note": "Looked"}
    await desk.do("bookTime", "timeEntry { id }", ticketId=older, **span)

    merged = await desk.ticket("mergeTicket", id=older, targetId=newer)
    [event] = [data for kind, data in await desk.events("ticket.merged")]
    await desk.fire("ticket.move_time", **{"from": older, "to": newer})
    left, kept = await shown(desk, older), await shown(desk, newer)

    assert (merged["status"], left["mergedIntoId"], event) == ("MERGED", newer, {"id": older, "targetId": newer})
    assert (left["messages"], left["watchers"], left["timeEntries"]) == ([], [], [])
    assert [one["bodyText"] for one in kept["messages"]] == ["Which one?"]
    assert kept["watchers"] == [{"userId": None, "email": "boss@nord.example"}]
    assert kept["timeEntries"] == [{"note": "Looked"}]
    started = {one["metric"]: told(one["startedAt"]) for one in kept["slaClocks"]}
    assert (started["FIRST_RESPONSE"], started["RESOLUTION"]) == ("2026-05-04 09:00", "2026-05-04 09:30")
    assert (await desk.run("reopenTicket", "ticket { id }", id=older))[1] == [("TICKET_WRONG_STATUS", "id")]


async def test_only_tickets_of_one_customer_can_be_merged(desk):
    other = uuid4()
    await desk.service.knows("Customer", other, tenant=desk.tenant)
    mine, theirs = await desk.opened(), await desk.opened(customerId=str(other))
    before = await desk.service.count("outbox")

    assert await desk.run("mergeTicket", "ticket { id }", id=mine, targetId=theirs) == (
        None,
        [("VALIDATION", "targetId")],
    )
    assert await desk.run("mergeTicket", "ticket { id }", id=mine, targetId=mine) == (
        None,
        [("VALIDATION", "targetId")],
    )
    assert await desk.service.count("outbox") == before


async def test_a_part_of_a_ticket_becomes_a_ticket_with_what_was_said_about_it(desk):
    whole = await desk.opened()
    await desk.ticket("replyToTicket", id=whole, bodyText="The printer.")
    await desk.ticket("replyToTicket", id=whole, bodyText="And the phone.")
    rows = await desk.service.rows("SELECT id, body_text FROM ticket_message WHERE ticket_id::text = $1", whole)
    phone = next(str(row["id"]) for row in rows if "phone" in row["body_text"])

    part = await desk.ticket("splitTicket", id=whole, title="Phone", messageIds=[phone])
    there = await shown(desk, part["id"])

    assert [one["bodyText"] for one in there["messages"]] == ["And the phone."]
    assert [(one["kind"], one["otherId"]) for one in there["links"]] == [("RELATED", whole)]
    assert [one["ticket"]["number"] for one in (await shown(desk, whole))["links"]] == [part["number"]]


async def test_a_required_step_and_an_open_incident_below_keep_a_ticket_from_being_resolved(desk):
    ticket = await desk.opened()
    child = await desk.opened(parentId=ticket)
    await desk.ticket("addChecklistItem", id=ticket, text="Tell the boss", required=True)
    done = {"id": ticket, "resolution": "Done."}
    [step] = (await shown(desk, ticket))["checklist"]

    assert (await desk.run("resolveTicket", "ticket { id }", **done))[1] == [("TICKET_STILL_OPEN", "id")]
    await desk.ticket("tickChecklistItem", itemId=step["id"])
    assert (await desk.run("resolveTicket", "ticket { id }", **done))[1] == [("TICKET_STILL_OPEN", "id")]
    await desk.ticket("resolveTicket", id=child, resolution="Done.")
    assert (await desk.ticket("resolveTicket", **done))["status"] == "RESOLVED"


async def test_what_a_customer_says_to_a_closed_ticket_becomes_a_ticket_that_follows_it(desk, portal):
    ticket = await desk.opened()
    await desk.ticket("resolveTicket", id=ticket, resolution="Done.")
    await desk.ticket("closeTicket", id=ticket)

    follower = await desk.ticket("replyToTicket", portal, id=ticket, bodyText="It burns again.")

    found = await shown(desk, follower["id"])
    assert [(one["kind"], one["otherId"]) for one in found["links"]] == [("FOLLOW_UP_OF", ticket)]
    assert [one["bodyText"] for one in found["messages"]] == ["It burns again."]
    assert (await shown(desk, ticket))["status"] == "CLOSED"


async def test_a_ticket_is_rated_once_and_only_when_it_is_done(desk, portal):
    ticket = await desk.opened()
    assert (await desk.run("rateTicket", "csat { id }", portal, id=ticket, score=5))[1] == [
        ("TICKET_WRONG_STATUS", "id")
    ]
    await desk.ticket("resolveTicket", id=ticket, resolution="Done.")
    assert (await desk.run("rateTicket", "csat { id }", portal, id=ticket, score=6))[1] == [("VALIDATION", "score")]

    await desk.do("rateTicket", "csat { id }", portal, id=ticket, score=5, comment="Quick!")
    assert (await desk.run("rateTicket", "csat { id }", portal, id=ticket, score=1))[1] == [
        ("TICKET_ALREADY_RATED", "id")
    ]
    assert (await shown(desk, ticket))["csat"] == {"score": 5, "comment": "Quick!"}
    assert await desk.events("csat.") == [("csat.received", {"id": ticket, "score": 5, "comment": "Quick!"})]


async def test_a_file_is_kept_as_what_it_is_and_opens_by_a_link_for_five_minutes(desk, portal):
    ticket = await desk.opened()
    given = {"id": ticket, "filename": "../../plan.html", "content": base64.b64encode(PNG).decode()}
    await desk.do("attachFile", "attachment { id }", **given)
    await desk.do("attachFile", "attachment { id }", **{**given, "filename": "inside.png", "isInternal": True})

    both = (await shown(desk, ticket))["attachments"]
    [file] = (await shown(desk, ticket, portal))["attachments"]
    answer = await desk.service.client.get(file["url"])
    forged = await desk.service.client.get(file["url"][:-1] + ("0" if file["url"][-1] != "0" else "1"))
    desk.it_is("2026-05-04 09:06")
    late = await desk.service.client.get(file["url"])

    assert [one["isInternal"] for one in both] == [False, True]
    assert (file["filename"], file["mimeType"], file["sizeBytes"]) == ("plan.html", "image/png", len(PNG))
    assert file["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert (forged.status_code, late.status_code) == (404, 404)


@pytest.mark.parametrize(
    ("filename", "content", "error"),
    [
        ("setup.exe", b"text", ("FILE_REFUSED", "content")),
        ("picture.png", b"MZ\x90\x00", ("FILE_REFUSED", "content")),
        ("empty.txt", b"", ("VALIDATION", "content")),
        ("..", b"x", ("VALIDATION", "filename")),
    ],
)
async def test_a_file_that_nobody_should_keep_is_refused(desk, filename, content, error):
    ticket = await desk.opened()
    given = {"id": ticket, "filename": filename, "content": base64.b64encode(content).decode()}
    before = [await desk.service.count(table) for table in ("attachment", "attachment_content", "outbox")]

    assert await desk.run("attachFile", "attachment { id }", **given) == (None, [error])
    assert [await desk.service.count(table) for table in ("attachment", "attachment_content", "outbox")] == before


async def test_a_scheduled_ticket_has_an_appointment_and_nobody_has_two_at_a_time(desk):
    ticket, worker = await desk.opened(), await desk.hires()
    span = {
        "userId": worker,
        "startsAt": at("2026-05-05 10:00").isoformat(),
        "endsAt": at("2026-05-05 11:00").isoformat(),
    }
    scheduled = await desk.ticket("scheduleTicket", id=ticket, **span)
    found = await shown(desk, ticket)
    calendar = await desk.ask("query($u: ID!) { appointments(userId: $u) { id ticketId } }", u=worker)

    assert (scheduled["status"], told(found["scheduledFor"])) == ("SCHEDULED", "2026-05-05 10:00")
    assert [one["ticketId"] for one in calendar["appointments"]] == [ticket]
    assert (await desk.run("createAppointment", "appointment { id }", **span))[1] == [("CONFLICT", "startsAt")]
    moved = await desk.do(
        "updateAppointment", "appointment { state }", id=calendar["appointments"][0]["id"], state="CANCELLED"
    )
    assert moved == {"state": "CANCELLED"}
    assert [kind for kind, _ in await desk.events("appointment.")] == ["appointment.created", "appointment.changed"]


async def test_a_template_becomes_a_ticket_by_hand_and_by_its_schedule(desk):
    made = await desk.do(
        "createTicketTemplate", "template { id checklist { text } }", name="Patchday", title="Install updates",
        impact="LOW", urgency="MEDIUM", tags=["Patch", "patch"], checklist=[{"text": "Snapshot", "required": True}],
    )  # fmt: skip
    ticket = await desk.ticket("createTicketFromTemplate", templateId=made["id"], customerId=str(desk.customer))
    rule = {"rrule": "FREQ=MONTHLY;BYDAY=2TU", "startsAt": at("2026-03-01 06:00").isoformat()}
    again = await desk.do(
        "createRecurringTicket", "recurringTicket { id nextAt }",
        templateId=made["id"], customerId=str(desk.customer), **rule,
    )  # fmt: skip
    [timer] = await desk.timers("ticket.recur")
    desk.it_is("2026-05-12 06:00")
    for _ in range(2):
        await desk.fire("ticket.recur", recurring=timer["recurring"], at=timer["at"])
    query = "{ recurringTickets { nextAt lastTicketId } tickets { source title checklist { text required } tags } }"
    found = await desk.ask(query)

    assert (ticket["priority"], told(again["nextAt"])) == ("P4", "2026-05-12 06:00")
    assert told(found["recurringTickets"][0]["nextAt"]) == "2026-06-09 06:00"
    assert [one["source"] for one in found["tickets"]] == ["RECURRING", "MANUAL"]
    assert found["tickets"][0]["checklist"] == [{"text": "Snapshot", "required": True}]
    assert found["tickets"][0]["tags"] == ["patch"]
    wrong = {"rrule": "FREQ=SECONDLY", "startsAt": rule["startsAt"]}
    _, errors = await desk.run(
        "createRecurringTicket", "recurringTicket { id }", templateId=made["id"], customerId=str(desk.customer), **wrong
    )
    assert errors == [("VALIDATION", "rrule")]


async def test_an_article_is_seen_by_those_whom_it_is_for_once_it_is_published(desk, portal):
    stranger = uuid4()
    await desk.service.knows("Customer", stranger, tenant=desk.tenant)
    ids = {}
    for name, whom in (("ours", {}), ("all", {"visibility": "CUSTOMERS"}),
                       ("theirs", {"visibility": "CUSTOMERS", "customerIds": [str(stranger)]}),
                       ("hers", {"visibility": "CUSTOMERS", "customerIds": [str(desk.customer)]})):  # fmt: skip
        made = await desk.do("createKbArticle", "article { id }", title=name, body="Turn it off and on.", **whom)
        ids[name] = made["id"]
    query = '{ kbArticlesConnection(search: "off on") { nodes { title customerIds } } }'
    drafts = await desk.ask(query, portal)
    for one in ids.values():
        await desk.do("publishKbArticle", "article { id }", id=one)
    seen = await desk.ask(query, portal)

    assert drafts["kbArticlesConnection"]["nodes"] == []
    assert [one["title"] for one in seen["kbArticlesConnection"]["nodes"]] == ["all", "hers"]
    one = await desk.ask("query($id: ID!) { kbArticle(id: $id) { id } }", portal, id=ids["theirs"])
    assert one == {"kbArticle": None}
    assert len((await desk.ask(query))["kbArticlesConnection"]["nodes"]) == 4


async def test_priority_follows_from_impact_and_urgency_and_from_who_asks(desk):
    made = await desk.ticket("createTicket", customerId=str(desk.customer), title="x", impact="HIGH", urgency="LOW")
    raised = await desk.ticket("changePriority", id=made["id"], urgency="HIGH")
    await desk.do(
        "updateDeskSettings", "settings { id }",
        priorityMatrix=[{"impact": "HIGH", "urgency": "LOW", "priority": "P4"}],
    )  # fmt: skip
    other = await desk.ticket("createTicket", customerId=str(desk.customer), title="x", impact="HIGH", urgency="LOW")

    assert (made["priority"], raised["priority"], other["priority"]) == ("P3", "P1", "P4")


async def test_the_graph_counts_what_there_is_to_do_for_customers_and_users(desk):
    me = str(desk.caller.subject)
    mine = await desk.opened(assigneeId=me)
    await desk.opened()
    await desk.ticket("waitForCustomer", id=mine, reply="?")
    query = """query($r: [_Any!]!) { _entities(representations: $r) {
        ... on Customer { ticketStats { open waiting unassigned resolved } ticketsConnection { totalCount } }
        ... on User { assignedTickets { id } workload { open } } } }"""
    keys = [{"__typename": "Customer", "id": str(desk.customer)}, {"__typename": "User", "id": me}]

    customer, user = (await desk.ask(query, r=keys))["_entities"]

    assert customer["ticketStats"] == {"open": 2, "waiting": 1, "unassigned": 1, "resolved": 0}
    assert customer["ticketsConnection"] == {"totalCount": 2}
    assert (user["assignedTickets"], user["workload"]) == ([{"id": mine}], {"open": 1})


async def test_a_customer_whom_somebody_must_not_see_counts_nothing_for_them(desk):
    """AT-RBAC-2: neither in lists, nor in numbers, nor behind the customer itself."""
    await desk.opened()
    query = """query($r: [_Any!]!) { tickets { id } ticketsConnection { totalCount }
        _entities(representations: $r) { ... on Customer { tickets { id } ticketsConnection { totalCount }
            ticketStats { open waiting unassigned resolved } } } }"""
    keys = [{"__typename": "Customer", "id": str(desk.customer)}]
    kept_away = staff(desk.tenant, denied=frozenset({desk.customer}))

    assert (await desk.ask(query, r=keys))["ticketsConnection"] == {"totalCount": 1}
    assert await desk.ask(query, kept_away, r=keys) == {
        "tickets": [],
        "ticketsConnection": {"totalCount": 0},
        "_entities": [
            {
                "tickets": [],
                "ticketsConnection": {"totalCount": 0},
                "ticketStats": {"open": 0, "waiting": 0, "unassigned": 0, "resolved": 0},
            }
        ],
    }


async def test_who_was_answered_before_the_merge_was_answered(desk):
    """The older ticket was answered in time; merging it into a newer one must not make that a broken promise."""
    older = await desk.opened(priority="P2")
    desk.it_is("2026-05-04 09:10")
    await desk.ticket("replyToTicket", id=older, bodyText="Wir sehen nach.")
    desk.it_is("2026-05-04 11:00")
    newer = await desk.opened(priority="P2")
    desk.it_is("2026-05-04 11:05")
    await desk.ticket("mergeTicket", id=older, targetId=newer)

    seen = await desk.ask(
        "query($id: ID!) { ticket(id: $id) { firstResponseAt slaClocks { metric state } } }", id=newer
    )
    first = next(one for one in seen["ticket"]["slaClocks"] if one["metric"] == "FIRST_RESPONSE")
    assert (told(seen["ticket"]["firstResponseAt"]), first["state"]) == ("2026-05-04 09:10", "MET")
    assert await desk.events("sla.breached") == []


async def test_a_merge_makes_no_ticket_a_part_of_itself_and_keeps_one_timer_for_each_person(desk):
    top = await desk.opened()
    middle = await desk.opened(parentId=top)
    bottom = await desk.opened(parentId=middle)
    other = await desk.opened(parentId=top)
    timer = "timer { id startedAt }"
    first = await desk.do("startTimer", timer, ticketId=top)
    desk.it_is("2026-05-04 09:20")
    await desk.do("startTimer", timer, ticketId=bottom)

    await desk.ticket("mergeTicket", id=top, targetId=bottom)

    query = "query($id: ID!) { ticket(id: $id) { parentId timers { id } children { id } } }"
    found = {one: (await desk.ask(query, id=one))["ticket"] for one in (middle, bottom, other)}
    assert [found[one]["parentId"] for one in (middle, bottom, other)] == [None, middle, bottom]
    assert found[bottom]["timers"] == [{"id": first["id"]}]
