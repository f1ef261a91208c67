"""Who may see only their own tickets sees those that they opened, that are about them, or that they work on."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.subgraphs.house import staff

CREATE = """mutation($i: CreateTicketInput!) { createTicket(input: $i) { ticket { id } errors { code message } } }"""
REPLY = """mutation($i: ReplyToTicketInput!) { replyToTicket(input: $i) { ticket { id } errors { code } } }"""
ALL = "{ ticketsConnection { totalCount nodes { id messages { bodyText } } } }"
OWN = frozenset({"tickets:read.own", "tickets:write.own"})


@pytest.fixture
async def desk(start):
    return await start("tickets")


@pytest.fixture
async def scene(desk):
    """A customer with a ticket of nobody's, and somebody of that customer."""
    tenant, customer, contact = uuid4(), uuid4(), uuid4()
    await desk.knows("Customer", customer, tenant=tenant)
    await desk.knows("Contact", contact, tenant=tenant, customer=customer)
    person = staff(
        tenant, subject=uuid4(), kind="CUSTOMER", customers=frozenset({customer}), scopes=OWN, contact=contact
    )
    boss = staff(tenant)
    strange = await opened(desk, boss, customer)
    return person, boss, customer, contact, strange


async def opened(desk, asking, customer, **more):
    answer = await desk.data(CREATE, asking, i={"customerId": str(customer), "title": "Printer", **more})
    assert answer["createTicket"]["errors"] == []
    return answer["createTicket"]["ticket"]["id"]


async def seen(desk, asking):
    page = (await desk.data(ALL, asking))["ticketsConnection"]
    assert page["totalCount"] == len(page["nodes"])
    return {one["id"] for one in page["nodes"]}


async def test_ones_own_are_those_that_one_opened_and_those_about_the_contact_that_one_is(desk, scene):
    person, boss, customer, contact, strange = scene
    mine = await opened(desk, person, customer)
    about_me = await opened(desk, boss, customer, contactId=str(contact))

    assert await seen(desk, person) == {mine, about_me}
    assert await seen(desk, boss) == {mine, about_me, strange}


async def test_another_ticket_of_the_same_customer_is_not_there_on_any_path(desk, scene):
    person, _, _, _, strange = scene
    reference = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Ticket { id title } } }"
    before = await desk.rows("SELECT * FROM ticket_message")

    answer = await desk.data(REPLY, person, i={"id": strange, "bodyText": "hello"})

    assert [one["code"] for one in answer["replyToTicket"]["errors"]] == ["NOT_FOUND"]
    assert await desk.data("query($id: ID!) { ticket(id: $id) { id } }", person, id=strange) == {"ticket": None}
    found = await desk.data(reference, person, r=[{"__typename": "Ticket", "id": strange}])
    assert found == {"_entities": [None]}
    assert await desk.rows("SELECT * FROM ticket_message") == before


async def test_who_may_read_all_and_write_only_their_own_is_refused_the_rest_by_the_database(desk, scene):
    person, _, customer, _, strange = scene
    reader = staff(
        person.tenant,
        subject=person.subject,
        kind="CUSTOMER",
        customers=frozenset({customer}),
        scopes=frozenset({"tickets:read", "tickets:write.own"}),
    )

    answer = await desk.data(REPLY, reader, i={"id": strange, "bodyText": "hello"})

    assert [one["code"] for one in answer["replyToTicket"]["errors"]] == ["NOT_FOUND"]
    assert strange in await seen(desk, reader)


async def test_the_mutant_a_narrowed_caller_without_the_wall_sees_everything(desk, scene):
    person, _, _, _, strange = scene
    await desk.rows("ALTER POLICY own_reads ON ticket USING (true)")
    try:
        assert strange in await seen(desk, person)
    finally:
        await desk.rows("DROP POLICY own_reads ON ticket")
        await desk.rows(
            "CREATE POLICY own_reads ON ticket AS RESTRICTIVE FOR SELECT USING ('tickets:read' <> ALL"
            " (string_to_array(COALESCE(current_setting('psa.narrowed', true), ''), ','))"
            " OR created_by = NULLIF(current_setting('psa.subject', true), '')::uuid"
            " OR contact_id = NULLIF(current_setting('psa.contact', true), '')::uuid)"
        )
    assert strange not in await seen(desk, person)
