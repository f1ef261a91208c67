"""Customers as a caller meets them: made, changed, blocked, moved and found; once, recorded, and in few statements."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from tests.subgraphs.crm.asking import (
    CUSTOMER,
    MANAGER,
    asked,
    company,
    done,
    limited,
    manager,
    person,
    refused,
    run,
    told,
)
from tests.subgraphs.house import A, B, staff


def billed_at(**address):
    """What events say for those who write documents."""
    empty = dict.fromkeys(("line1", "line2", "postalCode", "city", "country"))
    plain = {
        "legalName": None,
        "vatId": None,
        "isBusiness": True,
        "currency": "EUR",
        "language": "de-DE",
        "invoiceEmail": None,
        "buyerReference": None,
        "taxNumber": None,
        "smallBusiness": False,
    }
    return {**plain, "address": {**empty, **address}}


async def test_a_customer_needs_no_more_than_a_name(crm):
    customer = await company(crm, "  Nordwind \n GmbH ")

    assert customer == {
        "id": customer["id"],
        "number": customer["number"],
        "name": "Nordwind GmbH",
        "legalName": None,
        "kind": "CUSTOMER",
        "status": "ACTIVE",
        "vatId": None,
        "isBusiness": True,
        "currency": "EUR",
        "language": "de-DE",
        "timeZone": "Europe/Berlin",
        "website": None,
        "industry": None,
        "invoiceEmail": None,
        "billingAddress": {"line1": None, "line2": None, "postalCode": None, "city": None, "country": None},
        "tags": [],
        "accountManagerId": None,
        "version": 1,
        "parent": None,
        "archivedAt": None,
    }
    assert await told(crm, "Customer", customer["id"]) == [
        (
            "customer.created",
            customer["id"],
            {
                "id": customer["id"],
                "number": customer["number"],
                "name": "Nordwind GmbH",
                "status": "ACTIVE",
                "parentId": None,
                "billedAt": billed_at(),
                "groupId": None,
                "holidayRegion": None,
                "avvSignedAt": None,
                "changed": [],
            },
        )
    ]


async def test_everything_that_is_said_about_a_customer_is_kept(crm):
    holding = await company(crm, "Holding")
    said = {
        "legalName": "Nordwind Handels GmbH",
        "kind": "PARTNER",
        "isBusiness": False,
        "currency": "CHF",
        "language": "de-CH",
        "timeZone": "Europe/Zurich",
        "website": "https://nordwind.example",
        "industry": "Shipping",
        "invoiceEmail": "invoices@nordwind.example",
        "tags": ["north", "ships"],
        "accountManagerId": MANAGER,
    }
    address = {"line1": "Kai 1", "line2": None, "postalCode": "8001", "city": "Zürich", "country": "CH"}

    customer = await company(
        crm, number="K-7", vatId="che 123.456.788", parentId=holding["id"], billingAddress=address, **said
    )

    kept = said | {"number": "K-7", "vatId": "CHE123456788", "parent": {"id": holding["id"]}, "billingAddress": address}
    assert {name: customer[name] for name in kept} == kept
    query = f"query($id: ID!) {{ customer(id: $id) {{ {CUSTOMER} }} }}"
    assert (await asked(crm, query, id=customer["id"]))["customer"] == customer
    assert (await asked(crm, query, id="K-7"))["customer"] == customer


async def test_numbers_begin_at_10000_and_step_over_those_that_an_import_took(crm):
    newcomer = staff(uuid4())
    for taken in ("10001", "10002"):
        assert (await company(crm, asking=newcomer, number=taken))["number"] == taken

    assert [(await company(crm, asking=newcomer))["number"] for _ in range(3)] == ["10000", "10003", "10004"]


async def test_a_number_that_this_caller_cannot_see_is_stepped_over_too(crm):
    tenant = uuid4()
    hidden = await company(crm, asking=staff(tenant), number="10000")
    kept_away = staff(tenant, denied=frozenset({UUID(hidden["id"])}))

    assert (await company(crm, asking=kept_away))["number"] == "10001"
    assert await refused(crm, "createCustomer", kept_away, name="x", number="10000") == (
        "CUSTOMER_NUMBER_TAKEN",
        "number",
    )


async def test_a_number_is_given_once_in_a_tenant(crm):
    await company(crm, number="123")

    assert await refused(crm, "createCustomer", name="Other", number="123") == ("CUSTOMER_NUMBER_TAKEN", "number")
    assert (await company(crm, asking=staff(B), number="123"))["number"] == "123"


async def test_twenty_who_want_the_same_number_make_one_customer(crm):
    answers = await asyncio.gather(*(run(crm, "createCustomer", name=f"Race {n}", number="R-1") for n in range(20)))

    codes = sorted(answer["errors"][0]["code"] if answer["errors"] else "done" for answer in answers)
    assert codes == ["CUSTOMER_NUMBER_TAKEN"] * 19 + ["done"]
    assert len(await crm.rows("SELECT id FROM customer WHERE number = 'R-1'")) == 1


async def test_twenty_at_once_get_twenty_numbers_without_a_gap(crm):
    newcomer = staff(uuid4())

    made = await asyncio.gather(*(company(crm, f"Many {n}", newcomer) for n in range(20)))

    assert sorted(one["number"] for one in made) == [str(10_000 + n) for n in range(20)]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": " "}, "VALIDATION", "name"),
        ({"name": "x" * 201}, "VALIDATION", "name"),
        ({"number": "1 2"}, "VALIDATION", "number"),
        ({"number": ""}, "VALIDATION", "number"),
        ({"currency": "EURO"}, "VALIDATION", "currency"),
        ({"language": "German"}, "VALIDATION", "language"),
        ({"timeZone": "Berlin"}, "VALIDATION", "timeZone"),
        ({"website": "javascript:alert(1)"}, "VALIDATION", "website"),
        ({"vatId": "123"}, "VALIDATION", "vatId"),
        ({"invoiceEmail": "nobody"}, "VALIDATION", "invoiceEmail"),
        ({"billingAddress": {"country": "Germany"}}, "VALIDATION", "billingAddress"),
        ({"tags": [""]}, "VALIDATION", "tags"),
        ({"parentId": str(uuid4())}, "NOT_FOUND", "parentId"),
        ({"parentId": "10000"}, "NOT_FOUND", "parentId"),
        ({"accountManagerId": "me"}, "NOT_FOUND", "accountManagerId"),
    ],
)
async def test_a_customer_that_makes_no_sense_is_not_made(crm, given, code, field):
    assert await refused(crm, "createCustomer", **{"name": "Nordwind"} | given) == (code, field)


async def test_a_change_tells_what_it_changed_and_nothing_else(crm):
    customer = await company(crm, industry="Shipping", tags=["north"])

    after = await done(
        crm,
        "updateCustomer",
        id=customer["id"],
        version=1,
        name="Südwind",
        industry=None,
        tags=["north"],
        billingAddress={"city": "Kiel", "country": "de"},
    )

    assert (after["name"], after["industry"], after["tags"], after["version"]) == ("Südwind", None, ["north"], 2)
    assert (after["billingAddress"]["city"], after["billingAddress"]["country"]) == ("Kiel", "DE")
    assert (await told(crm, "Customer", customer["id"]))[1:] == [
        (
            "customer.updated",
            customer["id"],
            {
                "id": customer["id"],
                "number": customer["number"],
                "name": "Südwind",
                "status": "ACTIVE",
                "parentId": None,
                "billedAt": billed_at(city="Kiel", country="DE"),
                "groupId": None,
                "holidayRegion": None,
                "avvSignedAt": None,
                "changed": ["name", "industry", "billingAddress"],
            },
        )
    ]


async def test_a_change_that_changes_nothing_tells_nothing(crm):
    customer = await company(crm)

    after = await done(crm, "updateCustomer", id=customer["id"], name="Nordwind", status="ACTIVE", vatId=None)

    assert after == customer
    assert len(await told(crm, "Customer", customer["id"])) == 1


@pytest.mark.parametrize("name", ["name", "kind", "status", "isBusiness", "currency", "language", "timeZone"])
async def test_what_every_customer_has_cannot_be_removed(crm, name):
    customer = await company(crm)

    assert await refused(crm, "updateCustomer", id=customer["id"], **{name: None}) == ("VALIDATION", name)


async def test_an_old_version_is_refused(crm):
    customer = await company(crm)
    await done(crm, "updateCustomer", id=customer["id"], name="Other")

    for command, change in (("updateCustomer", {"name": "Mine"}), ("blockCustomer", {})):
        assert await refused(crm, command, id=customer["id"], version=1, **change) == ("CONFLICT", "version")


async def test_a_blocked_customer_is_told_at_once_and_can_come_back(crm):
    customer = await company(crm)

    blocked = await done(crm, "blockCustomer", id=customer["id"], reason=" Does not pay. ")

    assert (blocked["status"], blocked["version"]) == ("BLOCKED", 2)
    copy = {
        "id": customer["id"],
        "number": customer["number"],
        "name": "Nordwind",
        "parentId": None,
        "billedAt": billed_at(),
        "groupId": None,
        "holidayRegion": None,
        "avvSignedAt": None,
        "changed": ["status"],
    }
    assert (await told(crm, "Customer", customer["id"]))[1:] == [
        ("customer.blocked", customer["id"], {"id": customer["id"], "reason": "Does not pay."}),
        ("customer.updated", customer["id"], copy | {"status": "BLOCKED"}),
    ]
    assert await refused(crm, "blockCustomer", id=customer["id"]) == ("CUSTOMER_WRONG_STATUS", "id")
    assert (await done(crm, "updateCustomer", id=customer["id"], status="ACTIVE"))["status"] == "ACTIVE"
    assert (await told(crm, "Customer", customer["id"]))[3:] == [
        ("customer.updated", customer["id"], copy | {"status": "ACTIVE"})
    ]


async def test_blocking_needs_its_own_command(crm):
    customer = await company(crm)

    assert await refused(crm, "updateCustomer", id=customer["id"], status="BLOCKED") == (
        "CUSTOMER_WRONG_STATUS",
        "status",
    )
    assert (await done(crm, "updateCustomer", id=customer["id"], status="ON_HOLD"))["status"] == "ON_HOLD"


async def test_nobody_becomes_part_of_itself(crm):
    top = await company(crm, "Top")
    middle = await company(crm, "Middle", parentId=top["id"])
    low = await company(crm, "Low", parentId=middle["id"])

    for above in (top, middle, low):
        assert await refused(crm, "updateCustomer", id=top["id"], parentId=above["id"]) == (
            "CUSTOMER_PARENT_CIRCLE",
            "parentId",
        )
    alone = await done(crm, "updateCustomer", id=middle["id"], parentId=None)
    assert alone["parent"] is None
    assert (await done(crm, "updateCustomer", id=top["id"], parentId=low["id"]))["parent"] == {"id": low["id"]}
    assert [event[2]["changed"] for event in await told(crm, "Customer", middle["id"])] == [[], ["parent"]]


async def test_two_moves_at_once_make_no_circle(crm):
    one, other = await company(crm, "One"), await company(crm, "Other")

    answers = await asyncio.gather(
        run(crm, "updateCustomer", id=one["id"], parentId=other["id"]),
        run(crm, "updateCustomer", id=other["id"], parentId=one["id"]),
    )

    codes = sorted(answer["errors"][0]["code"] if answer["errors"] else "done" for answer in answers)
    assert codes == ["CUSTOMER_PARENT_CIRCLE", "done"]


async def test_who_does_not_see_every_customer_neither_adds_one_nor_moves_a_branch(crm):
    mine, other = await company(crm, "Mine"), await company(crm, "Other")
    portal = limited(mine, other)
    kept_away = staff(denied=frozenset({uuid4()}))

    assert await refused(crm, "createCustomer", portal, name="New") == ("FORBIDDEN", None)
    for asking in (portal, kept_away):
        assert await refused(crm, "updateCustomer", asking, id=mine["id"], parentId=other["id"]) == (
            "FORBIDDEN",
            "parentId",
        )


async def test_customers_are_found_by_words_status_and_filter(crm):
    mine = staff(uuid4())
    north = await company(crm, "Nordwind", mine, legalName="Nordwind Handels GmbH", tags=["ships"], number="77")
    south = await company(crm, "Südwind", mine, kind="LEAD", parentId=north["id"])
    await manager(crm, mine.tenant)
    held = await company(crm, "Ostwind", mine, accountManagerId=MANAGER)
    await done(crm, "updateCustomer", mine, id=held["id"], status="ON_HOLD")

    async def names(arguments=""):
        found = (await asked(crm, f"{{ customers{arguments} {{ name }} }}", mine))["customers"]
        return [customer["name"] for customer in found]

    assert await names() == ["Nordwind", "Ostwind", "Südwind"]
    assert await names('(search: "gmbh NORD")') == ["Nordwind"]
    assert await names('(search: "77")') == ["Nordwind"]
    assert await names('(search: "%")') == []
    assert await names("(status: ON_HOLD)") == ["Ostwind"]
    assert await names("(limit: 1, offset: 1)") == ["Ostwind"]

    async def filtered(wanted):
        query = "query($f: CustomerFilter) { customersConnection(filter: $f) { totalCount nodes { name } } }"
        found = (await asked(crm, query, mine, f=wanted))["customersConnection"]
        assert found["totalCount"] == len(found["nodes"])
        return [customer["name"] for customer in found["nodes"]]

    assert await filtered({"status": ["ACTIVE"], "kind": ["LEAD", "PROSPECT"]}) == ["Südwind"]
    assert await filtered({"parentId": north["id"]}) == ["Südwind"]
    assert await filtered({"accountManagerId": MANAGER}) == ["Ostwind"]
    assert await filtered({"tag": "ships"}) == ["Nordwind"]
    assert await filtered({"isBusiness": False}) == []
    assert south["parent"] == {"id": north["id"]}


async def test_pages_of_customers_follow_each_other_by_name(crm):
    mine = staff(uuid4())
    for name in ("c", "a", "b", "a", "d"):
        await company(crm, name, mine)
    query = "query($after: String) { customersConnection(first: 2, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } } }"

    seen, cursor = [], None
    for _ in range(3):
        found = (await asked(crm, query, mine, after=cursor))["customersConnection"]
        seen.append([customer["name"] for customer in found["nodes"]])
        cursor = found["pageInfo"]["endCursor"]

    assert seen == [["a", "a"], ["b", "c"], ["d"]]
    assert found["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    "identity", ["019a0000-0000-7000-8000-00000000dead", "4711-is-nobody", "", "'; DROP TABLE customer"]
)
async def test_a_customer_that_is_not_there_is_null(crm, identity):
    assert (await asked(crm, "query($id: ID!) { customer(id: $id) { id } }", id=identity))["customer"] is None


async def test_text_that_no_database_holds_is_refused(crm):
    customer = await company(crm)

    assert await refused(crm, "createCustomer", name="a\0b") == ("VALIDATION", None)
    assert await refused(crm, "updateCustomer", id=customer["id"], tags=["\0"]) == ("VALIDATION", None)
    answer = await crm.ask("query($n: ID!) { customer(id: $n) { id } }", n="1\0")
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_a_command_with_a_key_is_done_once(crm):
    given = {"name": "Once", "billingAddress": {"city": "Kiel"}, "tags": ["a"]}

    first = await run(crm, "createCustomer", clientMutationId="c-1", **given)
    await done(crm, "updateCustomer", id=first["it"]["id"], name="Later")
    again = await run(crm, "createCustomer", clientMutationId="c-1", **given)

    assert again == first
    assert len(await told(crm, "Customer", first["it"]["id"])) == 2
    assert await refused(crm, "createCustomer", clientMutationId="c-1", name="Other") == (
        "IDEMPOTENCY_KEY_REUSED",
        "clientMutationId",
    )


async def test_a_person_is_replayed_with_everything(crm):
    customer = await company(crm)
    given = {"customerId": customer["id"], "lastName": "Once", "roles": ["GDPR"], "isVip": True}

    first = await run(crm, "createContact", clientMutationId="c-2", **given)
    await done(crm, "deactivateContact", id=first["it"]["id"])

    assert await run(crm, "createContact", clientMutationId="c-2", **given) == first
    gone = await run(crm, "deactivateContact", clientMutationId="c-3", id=(await person(crm, customer))["id"])
    assert await run(crm, "deactivateContact", clientMutationId="c-3", id=gone["it"]["id"]) == gone


async def test_to_remove_a_value_and_to_leave_it_are_two_requests(crm):
    customer = await company(crm, industry="Ships")
    await run(crm, "updateCustomer", clientMutationId="c-4", id=customer["id"], name="New")

    code, field = await refused(
        crm, "updateCustomer", clientMutationId="c-4", id=customer["id"], name="New", industry=None
    )

    assert (code, field) == ("IDEMPOTENCY_KEY_REUSED", "clientMutationId")


async def test_every_change_is_recorded_with_who_and_what(crm):
    customer = await company(crm, industry="Ships")
    await done(crm, "updateCustomer", id=customer["id"], industry="Trains", tags=["a"])

    rows = await crm.rows(
        "SELECT tenant_id, command, change, resource, before, after FROM audit WHERE resource_id = $1 ORDER BY id",
        UUID(customer["id"]),
    )

    created, changed = rows
    assert (created["tenant_id"], created["command"], created["change"], created["resource"], created["before"]) == (
        A,
        "createCustomer",
        "CREATED",
        "Customer",
        None,
    )
    after = json.loads(created["after"])
    assert (after["number"], after["name"], after["industry"]) == (customer["number"], "Nordwind", "Ships")
    assert (changed["command"], changed["change"]) == ("updateCustomer", "CHANGED")
    assert json.loads(changed["before"]) == {"industry": "Ships", "tags": []}
    assert json.loads(changed["after"]) == {"industry": "Trains", "tags": ["a"]}


async def test_a_list_costs_one_statement_for_each_level(crm, statements):
    mine = staff(uuid4())
    holding = await company(crm, "0 Holding", mine)
    for n in range(10):
        customer = await company(crm, f"Branch {n}", mine, parentId=holding["id"])
        for m in range(3):
            given = {"customerId": customer["id"], "lastName": f"P{m}", "isPrimary": m == 0}
            await done(crm, "createContact", mine, **given)
            given = {"customerId": customer["id"], "name": f"S{m}", "address": {"city": "Kiel"}}
            await done(crm, "createSite", mine, **given)
    query = """{ customers { name parent { name } sites(limit: 2) { name customer { name } }
        contacts(limit: 2) { lastName customer { name } } primaryContact { lastName } } }"""

    with statements(crm) as seen:
        found = (await asked(crm, query, mine))["customers"]

    reads = [statement for statement in seen if statement.startswith("SELECT") and "set_config" not in statement]
    # customers, their parents, sites, contacts and primary contacts, and once more the customers of these
    assert len(reads) == 6
    assert len(found) == 11
    assert found[1] == {
        "name": "Branch 0",
        "parent": {"name": "0 Holding"},
        "sites": [{"name": name, "customer": {"name": "Branch 0"}} for name in ("S0", "S1")],
        "contacts": [{"lastName": name, "customer": {"name": "Branch 0"}} for name in ("P0", "P1")],
        "primaryContact": {"lastName": "P0"},
    }


async def test_references_of_one_level_cost_one_statement(crm, statements):
    customers = [await company(crm, f"Reference {n}") for n in range(20)]
    wanted = [{"__typename": "Customer", "id": customer["id"]} for customer in customers]
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { id name } } }"

    with statements(crm) as seen:
        found = await asked(crm, query, r=[*wanted, {"__typename": "Customer", "id": str(uuid4())}])

    assert [one and one["name"] for one in found["_entities"]] == [*(f"Reference {n}" for n in range(20)), None]
    assert len([statement for statement in seen if "FROM customer" in statement]) == 1
