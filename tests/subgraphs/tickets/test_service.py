"""The service desk as a caller meets it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.subgraphs.house import A, B, but_refusals, staff

NORD, SUED, NEWCOMER = uuid4(), uuid4(), uuid4()
SOMEBODY = str(uuid4())

FIELDS = "id number title status statusCategory priority assigneeId customerId resolution reopenCount version"


@pytest.fixture(scope="module")
async def desk(start):
    service = await start("tickets")
    await service.knows("Customer", NORD)
    await service.knows("Customer", SUED)
    await service.knows("Customer", NORD, tenant=B)
    await service.knows("Customer", NORD, tenant=NEWCOMER)
    known = "INSERT INTO user_copy (tenant_id, user_id, kind, status, at) VALUES ($1, $2, 'STAFF', 'ACTIVE', now())"
    await service.rows(known, A, UUID(SOMEBODY))
    return service


async def run(desk, command, asking=None, key=None, **given):
    kind = command[0].upper() + command[1:] + "Input"
    query = f"mutation($input: {kind}!) {{ {command}(input: $input) {{ ticket {{ {FIELDS} }} errors {{ code message field }} }} }}"
    answer = await desk.ask(query, asking, key=key, input=given)
    assert "errors" not in answer, answer
    return answer["data"][command]


async def opened(desk, asking=None, **fields):
    given = {"customerId": str(NORD), "title": "Printer is on fire"} | fields
    payload = await run(desk, "createTicket", asking, **given)
    assert payload["errors"] == []
    return payload["ticket"]


async def moved(desk, command, ticket, **fields):
    payload = await run(desk, command, id=ticket["id"], **fields)
    assert payload["errors"] == []
    return payload["ticket"]


async def told(desk, ticket):
    rows = await desk.rows(
        "SELECT type FROM outbox WHERE envelope->>'subject' = $1 ORDER BY position", f"Ticket/{ticket['id']}"
    )
    return [row["type"] for row in rows]


async def refused(desk, command, asking=None, **given):
    """Run a command that must be refused; what it answers, after checking that it changed and told nothing."""
    tables = ("ticket", "ticket_message", "outbox", "audit", "idempotency")
    before = [
        await desk.rows(
            f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) AS hash FROM {name} t{but_refusals(name)}"
        )
        for name in tables
    ]
    payload = await run(desk, command, asking, **given)
    after = [
        await desk.rows(
            f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) AS hash FROM {name} t{but_refusals(name)}"
        )
        for name in tables
    ]
    assert after == before
    assert payload["ticket"] is None
    assert len(payload["errors"]) == 1
    return payload["errors"][0]


async def test_a_new_ticket_has_a_number_and_waits_for_somebody(desk):
    ticket = await opened(desk, priority="P1", title="  Printer\n is on   fire ")

    assert ticket["title"] == "Printer is on fire"
    assert (ticket["status"], ticket["statusCategory"], ticket["priority"], ticket["version"]) == (
        "NEW",
        "OPEN",
        "P1",
        1,
    )
    assert ticket["number"].startswith("T-2026-")
    assert await told(desk, ticket) == ["ticket.created"]


async def test_numbers_have_no_gaps_and_belong_to_a_tenant(desk):
    first, second = await opened(desk), await opened(desk)
    elsewhere = await opened(desk, staff(NEWCOMER))

    assert int(second["number"][-6:]) == int(first["number"][-6:]) + 1
    assert elsewhere["number"] == "T-2026-000001"


async def test_a_ticket_goes_from_new_to_closed(desk):
    ticket = await opened(desk)
    assert (await moved(desk, "assignTicket", ticket, assigneeId=SOMEBODY))["status"] == "OPEN"
    assert (await moved(desk, "startTicket", ticket))["status"] == "IN_PROGRESS"
    assert (await moved(desk, "waitForCustomer", ticket, reply="Which printer?"))["status"] == "WAITING_CUSTOMER"
    resolved = await moved(desk, "resolveTicket", ticket, resolution="Put it out.", resolutionCode="FIXED")
    assert (resolved["status"], resolved["statusCategory"], resolved["resolution"]) == (
        "RESOLVED",
        "DONE",
        "Put it out.",
    )
    again = await moved(desk, "reopenTicket", ticket, reason="Still smoking.")
    assert (again["status"], again["reopenCount"]) == ("OPEN", 1)
    await moved(desk, "resolveTicket", ticket, resolution="Replaced it.")
    closed = await moved(desk, "closeTicket", ticket)

    assert (closed["status"], closed["resolution"]) == ("CLOSED", "Replaced it.")
    assert await told(desk, ticket) == [
        "ticket.created",
        "ticket.assigned",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.status_changed",
        "ticket.replied",
        "ticket.status_changed",
        "ticket.resolved",
        "ticket.status_changed",
        "ticket.reopened",
        "ticket.status_changed",
        "ticket.resolved",
        "ticket.status_changed",
        "ticket.closed",
    ]


@pytest.mark.parametrize(
    ("command", "given", "code"),
    [
        ("startTicket", {}, "TICKET_NOBODY_ASSIGNED"),
        ("closeTicket", {}, "TICKET_WRONG_STATUS"),
        ("reopenTicket", {}, "TICKET_WRONG_STATUS"),
        ("waitForCustomer", {"reply": "?"}, "TICKET_WRONG_STATUS"),
        ("waitForVendor", {"vendorReference": "V-1"}, "TICKET_WRONG_STATUS"),
        ("resolveTicket", {"resolution": "  "}, "VALIDATION"),
        ("cancelTicket", {"reason": ""}, "VALIDATION"),
        ("replyToTicket", {"bodyText": "\n"}, "VALIDATION"),
        ("updateTicket", {"title": ""}, "VALIDATION"),
        ("updateTicket", {"title": "x" * 201}, "VALIDATION"),
        ("updateTicket", {"title": "new", "version": 7}, "CONFLICT"),
    ],
)
async def test_what_a_new_ticket_does_not_allow_changes_nothing(desk, command, given, code):
    ticket = await opened(desk)

    assert (await refused(desk, command, id=ticket["id"], **given))["code"] == code


@pytest.mark.parametrize(
    "identity", ["019a0000-0000-7000-8000-00000000dead", "T-2026-000001", "", "'; DROP TABLE ticket"]
)
async def test_a_ticket_that_is_not_there_is_not_found_by_any_command(desk, identity):
    error = await refused(desk, "startTicket", id=identity)

    assert (error["code"], error["field"]) == ("NOT_FOUND", "id")


@pytest.mark.parametrize("command", ["startTicket", "closeTicket", "reopenTicket"])
async def test_another_tenants_ticket_is_as_absent_as_none(desk, command):
    ticket = await opened(desk)

    theirs = await refused(desk, command, staff(B), id=ticket["id"])
    none = await refused(desk, command, staff(B), id=str(uuid4()))

    assert theirs == none
    assert theirs["code"] == "NOT_FOUND"


async def test_a_customers_user_opens_tickets_for_that_customer_only(desk):
    portal = staff(kind="CUSTOMER", customers=frozenset({NORD}))

    assert (await opened(desk, portal))["customerId"] == str(NORD)
    error = await refused(desk, "createTicket", portal, customerId=str(SUED), title="Let me in")
    assert (error["code"], error["field"]) == ("NOT_FOUND", "customerId")


async def test_too_late_is_too_late(desk):
    ticket = await opened(desk)
    await moved(desk, "resolveTicket", ticket, resolution="Done.")
    before = desk.moment
    desk.moment += timedelta(days=15)
    try:
        error = await refused(desk, "reopenTicket", id=ticket["id"])
    finally:
        desk.moment = before

    assert error["code"] == "TICKET_TOO_LATE_TO_REOPEN"


async def test_a_customers_answer_opens_a_waiting_ticket_again(desk):
    ticket = await opened(desk, assigneeId=SOMEBODY)
    await moved(desk, "waitForCustomer", ticket, reply="Which printer?")
    portal = staff(kind="CUSTOMER", customers=frozenset({NORD}))

    payload = await run(desk, "replyToTicket", portal, id=ticket["id"], bodyText="The blue one.")

    assert payload["ticket"]["status"] == "OPEN"


async def test_a_customer_never_reads_an_internal_note(desk):
    ticket = await opened(desk)
    await moved(desk, "addNote", ticket, bodyText="He forgot the toner again.")
    await moved(desk, "replyToTicket", ticket, bodyText="We are looking into it.")
    query = f'{{ ticket(id: "{ticket["id"]}") {{ messages {{ kind bodyText }} }} }}'
    note, reply = (
        {"kind": "INTERNAL_NOTE", "bodyText": "He forgot the toner again."},
        {
            "kind": "PUBLIC_REPLY",
            "bodyText": "We are looking into it.",
        },
    )

    assert (await desk.data(query))["ticket"]["messages"] == [note, reply]
    assert (await desk.data(query, staff(kind="CUSTOMER", customers=frozenset({NORD}))))["ticket"]["messages"] == [
        reply
    ]


async def test_a_customer_never_writes_an_internal_note(desk):
    ticket = await opened(desk)
    portal = staff(kind="CUSTOMER", customers=frozenset({NORD}))

    assert (await refused(desk, "addNote", portal, id=ticket["id"], bodyText="Hi."))["code"] == "FORBIDDEN"


async def test_a_word_for_a_status_finds_the_tickets_that_it_means(desk):
    customer = uuid4()
    await desk.knows("Customer", customer)
    new = await opened(desk, customerId=str(customer), title="new")
    waiting = await opened(desk, customerId=str(customer), title="waiting", assigneeId=SOMEBODY)
    await moved(desk, "waitForCustomer", waiting, reply="?")
    done = await opened(desk, customerId=str(customer), title="done")
    await moved(desk, "cancelTicket", done, reason="A mistake.")

    async def titles(status):
        query = f"query($c: ID!) {{ tickets(status: {status}, customerId: $c) {{ title }} }}"
        return {ticket["title"] for ticket in (await desk.data(query, c=str(customer)))["tickets"]}

    assert await titles('"open"') == {"new", "waiting"}
    assert await titles('"WAITING"') == {"waiting"}
    assert await titles('"closed"') == {"done"}
    assert await titles('"all"') == await titles("null") == {"new", "waiting", "done"}
    assert await titles('"new"') == {"new"}
    assert new["status"] == "NEW"


async def test_an_unknown_word_for_a_status_is_refused_with_the_words_that_exist(desk):
    answer = await desk.ask('{ tickets(status: "opne") { id } }')

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": "status"}
    assert "open, waiting, closed, all" in answer["errors"][0]["message"]


async def test_without_the_permission_nothing_is_told(desk):
    reader = staff(scopes=frozenset({"tickets:read"}))
    await opened(desk)

    error = await refused(desk, "createTicket", reader, customerId=str(NORD), title="x")
    blind = await desk.ask("{ tickets { id } }", staff(scopes=frozenset()))

    assert error["code"] == "FORBIDDEN"
    assert blind["data"] is None
    assert blind["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_command_with_a_key_is_done_once(desk):
    before = await desk.count("ticket")
    given = {"customerId": str(NORD), "title": "Once"}

    first = await run(desk, "createTicket", key="k-1", **given)
    await run(desk, "changePriority", id=first["ticket"]["id"], priority="P1")
    second = await run(desk, "createTicket", key="k-1", **given)
    assert second == first
    assert await desk.count("ticket") == before + 1


async def test_the_key_may_also_come_with_the_input(desk):
    given = {"customerId": str(NORD), "title": "Once more", "clientMutationId": "k-7"}

    assert await run(desk, "createTicket", **given) == await run(desk, "createTicket", **given)


async def test_one_key_serves_all_commands_of_a_request(desk):
    query = """mutation($one: CreateTicketInput!, $two: CreateTicketInput!) {
        one: createTicket(input: $one) { ticket { id } errors { code } }
        two: createTicket(input: $two) { ticket { id } errors { code } } }"""
    given = {name: {"customerId": str(NORD), "title": name} for name in ("one", "two")}

    first, again = [await desk.ask(query, key="k-8", **given) for _ in range(2)]

    assert again == first
    assert first["data"]["one"]["ticket"]["id"] != first["data"]["two"]["ticket"]["id"]


async def test_the_same_key_for_another_request_is_refused(desk):
    await run(desk, "createTicket", clientMutationId="k-2", customerId=str(NORD), title="One")

    error = await refused(desk, "createTicket", clientMutationId="k-2", customerId=str(NORD), title="Other")

    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_a_key_belongs_to_its_caller(desk):
    given = {"customerId": str(NORD), "title": "Mine"}
    mine = await run(desk, "createTicket", key="k-3", **given)
    theirs = await run(desk, "createTicket", staff(B), key="k-3", **given)
    colleagues = await run(desk, "createTicket", staff(A, subject=UUID(int=9)), key="k-3", **given)

    assert len({payload["ticket"]["id"] for payload in (mine, theirs, colleagues)}) == 3


async def test_a_refused_command_leaves_its_key_free(desk):
    assert (await run(desk, "createTicket", key="k-4", customerId=str(NORD), title=""))["errors"][0][
        "code"
    ] == "VALIDATION"

    assert (await run(desk, "createTicket", key="k-4", customerId=str(NORD), title="Now right"))["errors"] == []


async def test_fifty_twins_have_one_effect(desk):
    before = await desk.count("ticket")

    answers = await asyncio.gather(
        *(run(desk, "createTicket", key="k-5", customerId=str(NORD), title="Twins") for _ in range(50))
    )

    assert len({answer["ticket"]["id"] for answer in answers}) == 1
    assert await desk.count("ticket") == before + 1


@pytest.mark.parametrize("key", ["a\0b", "a\nb", "x" * 256])
async def test_what_is_no_key_is_refused_and_nothing_is_done(desk, key):
    before = await desk.count("ticket")
    given = {"customerId": str(NORD), "title": "No key", "clientMutationId": key}

    payload = await run(desk, "createTicket", **given)

    assert (payload["ticket"], [error["field"] for error in payload["errors"]]) == (None, ["clientMutationId"])
    assert await desk.count("ticket") == before


async def test_a_key_is_kept_for_a_day(desk):
    given = {"customerId": str(NORD), "title": "Daily"}
    first = await run(desk, "createTicket", key="k-6", **given)
    before = desk.moment
    desk.moment += timedelta(hours=25)
    try:
        later = await run(desk, "createTicket", key="k-6", **given)
    finally:
        desk.moment = before

    assert later["ticket"]["id"] != first["ticket"]["id"]


async def test_every_change_is_recorded_with_who_and_what(desk):
    ticket = await opened(desk)
    await moved(desk, "changePriority", ticket, priority="P1")

    rows = await desk.rows(
        "SELECT command, change, resource, actor_id, before, after FROM audit WHERE resource_id = $1 ORDER BY id",
        UUID(ticket["id"]),
    )

    assert [(row["command"], row["change"], row["resource"]) for row in rows] == [
        ("createTicket", "CREATED", "Ticket"),
        ("changePriority", "CHANGED", "Ticket"),
    ]
    assert json.loads(rows[1]["before"]) == {"priority": "P3", "due_at": "2026-03-04T15:00:00+00:00"}
    assert json.loads(rows[1]["after"]) == {"priority": "P1", "due_at": "2026-03-02T13:00:00+00:00"}
    assert rows[1]["actor_id"] == staff().subject


async def test_what_is_absent_stays_and_null_removes(desk):
    ticket = await opened(desk, description="Smoke.", dueAt="2026-03-09T12:00:00Z")

    changed = await moved(desk, "updateTicket", ticket, description=None)

    assert changed["title"] == ticket["title"]
    row = (await desk.data(f'{{ ticket(id: "{ticket["number"]}") {{ description dueAt }} }}'))["ticket"]
    assert row == {"description": None, "dueAt": "2026-03-09T12:00:00+00:00"}


async def test_the_tickets_of_many_customers_take_one_statement(desk, statements):
    customers = [uuid4() for _ in range(20)]
    for customer in customers:
        await desk.knows("Customer", customer)
        await opened(desk, customerId=str(customer))
    representations = [{"__typename": "Customer", "id": str(one)} for one in customers]
    query = """query($r: [_Any!]!) { _entities(representations: $r) {
        ... on Customer { tickets(status: "open", limit: 3) { title customer { id } messages { id } } } } }"""

    with statements(desk) as seen:
        found = await desk.data(query, r=representations)

    assert [one["tickets"][0]["customer"]["id"] for one in found["_entities"]] == [str(one) for one in customers]
    assert sum("FROM ticket " in statement or "ticket.title" in statement for statement in seen) == 1
    assert sum("ticket_message" in statement for statement in seen) == 1


async def test_the_pages_of_many_customers_take_one_statement_and_one_to_count(desk, statements):
    customers = [uuid4() for _ in range(8)]
    for customer in customers:
        await desk.knows("Customer", customer)
    for customer in (*customers, customers[0], customers[0]):
        await opened(desk, customerId=str(customer))
    page = "totalCount nodes { customerId } pageInfo { hasNextPage hasPreviousPage endCursor }"
    query = f'query($r: [_Any!]!, $a: String) {{ _entities(representations: $r) {{ ... on Customer {{ all: ticketsConnection(first: 2, after: $a) {{ {page} }} none: ticketsConnection(status: "closed") {{ totalCount nodes {{ id }} }} }} }} }}'
    keys = [{"__typename": "Customer", "id": str(one)} for one in (*customers, "nobody")]

    with statements(desk) as seen:
        found = (await desk.data(query, r=keys))["_entities"]

    assert [one["all"]["totalCount"] for one in found] == [3, *[1] * 7, 0]
    assert [[node["customerId"] for node in one["all"]["nodes"]] for one in found] == [
        *([str(customers[0])] * 2, *[[str(one)] for one in customers[1:]], []),
    ]
    assert [one["all"]["pageInfo"]["hasNextPage"] for one in found] == [True, *[False] * 8]
    assert [one["none"] for one in found] == [{"totalCount": 0, "nodes": []}] * 9
    assert sum("FROM ticket" in statement for statement in seen) == 4

    rest = await desk.data(query, r=keys[:1], a=found[0]["all"]["pageInfo"]["endCursor"])
    [first] = [one["all"] for one in rest["_entities"]]
    assert (len(first["nodes"]), first["totalCount"]) == (1, 3)
    assert first["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "endCursor": first["pageInfo"]["endCursor"],
    }


async def test_references_to_tickets_are_looked_up_together_and_foreign_ones_are_null(desk, statements):
    mine = [await opened(desk) for _ in range(5)]
    foreign = await opened(desk, staff(B))
    identities = [ticket["id"] for ticket in mine] + [foreign["id"], str(uuid4()), "nonsense"]
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Ticket { id title } } }"

    with statements(desk) as seen:
        found = await desk.data(query, r=[{"__typename": "Ticket", "id": one} for one in identities])

    assert [one and one["id"] for one in found["_entities"]] == [ticket["id"] for ticket in mine] + [None, None, None]
    assert sum("FROM ticket" in statement for statement in seen) == 1


async def test_pages_add_up_to_the_list_in_both_directions(desk):
    customer = uuid4()
    await desk.knows("Customer", customer)
    titles = [(await opened(desk, customerId=str(customer), title=f"Page {number}"))["title"] for number in range(7)]
    query = """query($first: Int, $after: String, $last: Int, $before: String, $c: ID!) {
        ticketsConnection(first: $first, after: $after, last: $last, before: $before, filter: {customerId: $c}) {
            totalCount nodes { title } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

    async def pages(size, step, cursor, start):
        found, place = [], None
        while True:
            page = (await desk.data(query, c=str(customer), **{size: 3, step: place}))["ticketsConnection"]
            assert page["totalCount"] == 7
            found.append([node["title"] for node in page["nodes"]])
            if not page["pageInfo"][cursor]:
                return found
            place = page["pageInfo"][start]

    forwards = await pages("first", "after", "hasNextPage", "endCursor")
    backwards = await pages("last", "before", "hasPreviousPage", "startCursor")

    newest_first = sum(forwards, [])
    assert sorted(newest_first) == sorted(titles)
    assert [len(page) for page in forwards] == [3, 3, 1]
    assert sum(reversed(backwards), []) == newest_first


async def test_a_cursor_that_is_none_is_refused(desk):
    for cursor in ("", "nonsense", "W10", "WyJhIiwiYiJd", "bnVsbA"):
        answer = await desk.ask(f'{{ ticketsConnection(after: "{cursor}") {{ nodes {{ id }} }} }}')

        assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": "after"}
