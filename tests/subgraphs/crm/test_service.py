"""Customer management as a caller meets it."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from tests.subgraphs.house import A, B, staff

CUSTOMER = (
    "id number name legalName kind status vatId isBusiness currency language timeZone website industry invoiceEmail "
    "billingAddress { line1 line2 postalCode city country } tags accountManagerId version parent { id } archivedAt"
)
SITE = "id customerId name address { line1 city country } timeZone isHeadquarters accessNotes version"
CONTACT = (
    "id customerId siteId salutation firstName lastName email phone mobile position roles isPrimary isVip active leftAt "
    "version"
)
THINGS = {"Customer": CUSTOMER, "Site": SITE, "Contact": CONTACT}
MANAGER = str(uuid4())


@pytest.fixture(scope="module")
async def crm(start):
    return await start("crm")


async def run(crm, command, asking=None, **given):
    thing = next(name for name in THINGS if command.endswith(name))
    query = (
        f"mutation($input: {command[0].upper()}{command[1:]}Input!) {{ {command}(input: $input) "
        f"{{ it: {thing.lower()} {{ {THINGS[thing]} }} errors {{ code message field }} }} }}"
    )
    answer = await crm.ask(query, asking, input=given)
    assert "errors" not in answer, answer
    return answer["data"][command]


async def done(crm, command, asking=None, **given):
    payload = await run(crm, command, asking, **given)
    assert payload["errors"] == []
    return payload["it"]


async def company(crm, name="Nordwind", asking=None, **given):
    return await done(crm, "createCustomer", asking, name=name, **given)


async def place(crm, customer, name="Office", **given):
    given = {"address": {"city": "Hamburg"}} | given
    return await done(crm, "createSite", customerId=customer["id"], name=name, **given)


async def person(crm, customer, last_name="Petersen", **given):
    return await done(crm, "createContact", customerId=customer["id"], lastName=last_name, **given)


async def everything(crm):
    """A fingerprint of every table, of all tenants."""
    tables = ("customer", "site", "contact", "outbox", "audit", "idempotency", "number_series")
    hashes = (f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t) AS {name}" for name in tables)
    return await crm.rows(f"SELECT {', '.join(hashes)}")


async def refused(crm, command, asking=None, **given):
    """Run a command that must be refused; what it answers, after checking that it changed and told nothing."""
    before = await everything(crm)
    payload = await run(crm, command, asking, **given)
    assert await everything(crm) == before
    assert payload["it"] is None
    assert len(payload["errors"]) == 1
    return payload["errors"][0]["code"], payload["errors"][0]["field"]


async def told(crm, thing, identity):
    """The events about a thing, oldest first: type, customer and data."""
    rows = await crm.rows(
        "SELECT envelope FROM outbox WHERE envelope->>'subject' = $1 ORDER BY position", f"{thing}/{identity}"
    )
    envelopes = [json.loads(row["envelope"]) for row in rows]
    return [(one["type"], one["customerid"], one["data"]) for one in envelopes]


async def asked(crm, query, asking=None, **variables):
    return await crm.data(query, asking, **variables)


def limited(*customers, **changes):
    """Somebody who may do everything, but only with these customers."""
    own = frozenset(UUID(customer["id"]) for customer in customers)
    return staff(kind="CUSTOMER", customers=own, **changes)


# --- customers


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
    copy = {"id": customer["id"], "number": customer["number"], "name": "Nordwind", "changed": ["status"]}
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


@pytest.mark.parametrize("identity", [str(uuid4()), "4711-is-nobody", "", "'; DROP TABLE customer"])
async def test_a_customer_that_is_not_there_is_null(crm, identity):
    assert (await asked(crm, "query($id: ID!) { customer(id: $id) { id } }", id=identity))["customer"] is None


# --- sites


async def test_a_site_is_where_a_customer_is(crm):
    customer = await company(crm)

    site = await place(crm, customer, "Lager", timeZone="Europe/Vienna", accessNotes=" Ring twice. ")

    assert site == {
        "id": site["id"],
        "customerId": customer["id"],
        "name": "Lager",
        "address": {"line1": None, "city": "Hamburg", "country": None},
        "timeZone": "Europe/Vienna",
        "isHeadquarters": False,
        "accessNotes": "Ring twice.",
        "version": 1,
    }
    told_of = {"id": site["id"], "customerId": customer["id"], "name": "Lager", "changed": []}
    assert await told(crm, "Site", site["id"]) == [("site.created", customer["id"], told_of)]
    query = f"query($id: ID!) {{ site(id: $id) {{ {SITE} customer {{ name }} }} }}"
    assert (await asked(crm, query, id=site["id"]))["site"] == site | {"customer": {"name": "Nordwind"}}


async def test_a_new_headquarters_takes_over(crm):
    customer = await company(crm)
    first = await place(crm, customer, "First", isHeadquarters=True)
    second = await place(crm, customer, "Second", isHeadquarters=True)
    third = await place(crm, customer, "Third")

    await done(crm, "updateSite", id=third["id"], isHeadquarters=True)

    query = "query($id: ID!) { customer(id: $id) { sites { name isHeadquarters } } }"
    assert (await asked(crm, query, id=customer["id"]))["customer"]["sites"] == [
        {"name": "Third", "isHeadquarters": True},
        {"name": "First", "isHeadquarters": False},
        {"name": "Second", "isHeadquarters": False},
    ]
    for site, kinds in (
        (first, ["created", "updated"]),
        (second, ["created", "updated"]),
        (third, ["created", "updated"]),
    ):
        events = await told(crm, "Site", site["id"])
        assert [event[0] for event in events] == [f"site.{kind}" for kind in kinds]
        assert events[-1][2]["changed"] == ["isHeadquarters"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"address": {"country": "DE"}}, "address"),
        ({"address": None}, "address"),
        ({"timeZone": "Mars"}, "timeZone"),
        ({"isHeadquarters": None}, "isHeadquarters"),
    ],
)
async def test_a_site_that_makes_no_sense_stays_as_it_was(crm, given, field):
    site = await place(crm, await company(crm))

    assert await refused(crm, "updateSite", id=site["id"], **given) == ("VALIDATION", field)


async def test_a_site_needs_a_customer_that_is_there(crm):
    given = {"name": "Office", "address": {"city": "Hamburg"}}

    assert await refused(crm, "createSite", customerId=str(uuid4()), **given) == ("NOT_FOUND", "customerId")
    assert await refused(crm, "createSite", customerId="10000", **given) == ("NOT_FOUND", "customerId")
    assert await refused(crm, "updateSite", id=str(uuid4()), name="x") == ("NOT_FOUND", "id")


# --- contacts


async def test_everything_that_is_said_about_a_person_is_kept(crm):
    customer = await company(crm)
    site = await place(crm, customer)
    said = {
        "siteId": site["id"],
        "salutation": "Frau",
        "firstName": "Inga",
        "lastName": "Petersen",
        "email": "inga@nordwind.example",
        "phone": "+49 40 1234",
        "mobile": "+49 170 1234",
        "position": "Managing director",
        "roles": ["DECISION_MAKER", "GDPR"],
        "isPrimary": True,
        "isVip": True,
    }

    contact = await done(crm, "createContact", customerId=customer["id"], **said)

    assert contact == said | {
        "id": contact["id"],
        "customerId": customer["id"],
        "active": True,
        "leftAt": None,
        "version": 1,
    }
    told_of = {"id": contact["id"], "customerId": customer["id"], "changed": []}
    assert await told(crm, "Contact", contact["id"]) == [("contact.created", customer["id"], told_of)]
    query = (
        f"query($id: ID!) {{ contact(id: $id) {{ {CONTACT} customer {{ primaryContact {{ id }} }} site {{ name }} }} }}"
    )
    assert (await asked(crm, query, id=contact["id"]))["contact"] == contact | {
        "customer": {"primaryContact": {"id": contact["id"]}},
        "site": {"name": "Office"},
    }


async def test_a_new_primary_contact_takes_over(crm):
    customer = await company(crm)
    first = await person(crm, customer, "First", isPrimary=True)
    second = await person(crm, customer, "Second", isPrimary=True)
    await done(crm, "updateContact", id=first["id"], isPrimary=True, phone="1")

    query = "query($id: ID!) { customer(id: $id) { primaryContact { lastName } contacts { lastName isPrimary } } }"
    assert (await asked(crm, query, id=customer["id"]))["customer"] == {
        "primaryContact": {"lastName": "First"},
        "contacts": [{"lastName": "First", "isPrimary": True}, {"lastName": "Second", "isPrimary": False}],
    }
    assert [event[2]["changed"] for event in await told(crm, "Contact", first["id"])] == [
        [],
        ["isPrimary"],
        ["phone", "isPrimary"],
    ]
    assert [event[2]["changed"] for event in await told(crm, "Contact", second["id"])] == [[], ["isPrimary"]]


async def test_ten_who_want_to_be_primary_leave_one(crm):
    customer = await company(crm)
    people = [await person(crm, customer, f"P{n}") for n in range(5)]

    answers = await asyncio.gather(
        *(run(crm, "updateContact", id=one["id"], isPrimary=True) for one in people),
        *(run(crm, "createContact", customerId=customer["id"], lastName=f"N{n}", isPrimary=True) for n in range(5)),
    )

    assert [answer["errors"] for answer in answers] == [[]] * 10
    rows = await crm.rows("SELECT id FROM contact WHERE customer_id = $1 AND is_primary", UUID(customer["id"]))
    assert len(rows) == 1


async def test_somebody_who_left_is_kept_but_no_longer_called_first(crm):
    customer = await company(crm)
    contact = await person(crm, customer, isPrimary=True)

    gone = await done(crm, "deactivateContact", id=contact["id"], version=1)

    assert (gone["active"], gone["leftAt"], gone["isPrimary"], gone["version"]) == (
        False,
        "2026-03-02T09:00:00+00:00",
        False,
        2,
    )
    assert (await told(crm, "Contact", contact["id"]))[1:] == [
        ("contact.deactivated", customer["id"], {"id": contact["id"], "customerId": customer["id"]})
    ]
    assert await refused(crm, "deactivateContact", id=contact["id"]) == ("CONTACT_INACTIVE", "id")
    assert await refused(crm, "updateContact", id=contact["id"], isPrimary=True) == ("CONTACT_INACTIVE", "isPrimary")
    query = "query($id: ID!) { customer(id: $id) { primaryContact { id } contacts(active: true) { id } left: contacts(active: false) { id } } }"
    assert (await asked(crm, query, id=customer["id"]))["customer"] == {
        "primaryContact": None,
        "contacts": [],
        "left": [{"id": contact["id"]}],
    }


async def test_a_person_works_at_a_site_of_their_own_customer(crm):
    customer, other = await company(crm), await company(crm)
    elsewhere = await place(crm, other)
    contact = await person(crm, customer)

    for command, who in (
        ("createContact", {"customerId": customer["id"], "lastName": "x"}),
        ("updateContact", {"id": contact["id"]}),
    ):
        assert await refused(crm, command, **who, siteId=elsewhere["id"]) == ("VALIDATION", "siteId")
        assert await refused(crm, command, **who, siteId=str(uuid4())) == ("NOT_FOUND", "siteId")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"lastName": " "}, "lastName"),
        ({"lastName": None}, "lastName"),
        ({"email": "inga"}, "email"),
        ({"phone": "1" * 201}, "phone"),
        ({"isPrimary": None}, "isPrimary"),
        ({"isVip": None}, "isVip"),
    ],
)
async def test_a_person_who_makes_no_sense_stays_as_they_were(crm, given, field):
    contact = await person(crm, await company(crm))

    assert await refused(crm, "updateContact", id=contact["id"], **given) == ("VALIDATION", field)


async def test_null_removes_and_absence_keeps(crm):
    contact = await person(crm, await company(crm), firstName="Inga", phone="1", roles=["BILLING"])

    after = await done(crm, "updateContact", id=contact["id"], phone=None, roles=None)

    assert (after["firstName"], after["phone"], after["roles"]) == ("Inga", None, [])


async def test_people_are_found_by_words_and_filter(crm):
    mine = staff(uuid4())
    customer = await company(crm, asking=mine)
    for last, given in (
        ("Petersen", {"firstName": "Inga", "roles": ["BILLING", "GDPR"], "isVip": True}),
        ("Abel", {"email": "Abel@nordwind.example", "roles": ["TECHNICAL"]}),
    ):
        await done(crm, "createContact", mine, customerId=customer["id"], lastName=last, **given)

    async def found(**variables):
        query = (
            "query($f: ContactFilter, $s: String) { contactsConnection(filter: $f, search: $s) { nodes { lastName } } }"
        )
        return [one["lastName"] for one in (await asked(crm, query, mine, **variables))["contactsConnection"]["nodes"]]

    assert await found() == ["Abel", "Petersen"]
    assert await found(s="inga") == ["Petersen"]
    assert await found(s="NORDWIND") == ["Abel"]
    assert await found(f={"role": "GDPR", "customerId": customer["id"]}) == ["Petersen"]
    assert await found(f={"isVip": False, "active": True}) == ["Abel"]
    assert await found(f={"customerId": str(uuid4())}) == []
    query = "query($id: ID!) { customer(id: $id) { all: contacts { lastName } some: contacts(role: TECHNICAL) { lastName } } }"
    assert (await asked(crm, query, mine, id=customer["id"]))["customer"] == {
        "all": [{"lastName": "Abel"}, {"lastName": "Petersen"}],
        "some": [{"lastName": "Abel"}],
    }


# --- walls


@pytest.fixture(scope="module")
async def neighbours(crm):
    """Two customers of one tenant under one holding, each with a site and a contact."""
    holding = await company(crm, "Holding of both")
    made = {}
    for name in ("mine", "theirs"):
        customer = await company(crm, f"Neighbour {name}", parentId=holding["id"], tags=["neighbour"])
        made[name] = customer, await place(crm, customer), await person(crm, customer, isPrimary=True)
    return made | {"holding": holding}


async def test_a_customers_user_sees_that_customer_on_every_path_and_no_other(crm, neighbours):
    customer, site, contact = neighbours["mine"]
    portal = limited(customer)

    seen = await asked(
        crm,
        """query($id: ID!, $number: ID!) {
            customer(id: $id) { name parent { id name } sites { id } contacts { id } primaryContact { id } }
            byNumber: customer(id: $number) { id }
            customers(search: "o") { id }
            customersConnection(filter: {tag: "neighbour"}) { totalCount nodes { id } }
            contactsConnection { totalCount nodes { id customer { id parent { id } } } }
        }""",
        portal,
        id=customer["id"],
        number=customer["number"],
    )

    assert seen == {
        "customer": {
            "name": "Neighbour mine",
            "parent": None,
            "sites": [{"id": site["id"]}],
            "contacts": [{"id": contact["id"]}],
            "primaryContact": {"id": contact["id"]},
        },
        "byNumber": {"id": customer["id"]},
        "customers": [{"id": customer["id"]}],
        "customersConnection": {"totalCount": 1, "nodes": [{"id": customer["id"]}]},
        "contactsConnection": {
            "totalCount": 1,
            "nodes": [{"id": contact["id"], "customer": {"id": customer["id"], "parent": None}}],
        },
    }


def outsiders(neighbours):
    """Everybody who must not see `theirs`: another tenant, another customer's user, staff who are kept away."""
    mine, theirs = neighbours["mine"][0], neighbours["theirs"][0]
    return {
        "another tenant": staff(B),
        "another customer": limited(mine),
        "nobody's user": limited(),
        "kept away": staff(denied=frozenset({UUID(theirs["id"])})),
        "own and denied": limited(mine, theirs, denied=frozenset({UUID(theirs["id"])})),
    }


ENTITIES = """query($r: [_Any!]!) { _entities(representations: $r) {
    ... on Customer { id } ... on Site { id } ... on Contact { id } } }"""


@pytest.mark.parametrize(
    "outsider", ["another tenant", "another customer", "nobody's user", "kept away", "own and denied"]
)
async def test_what_is_not_yours_is_as_absent_as_what_is_not_there(crm, neighbours, outsider):
    customer, site, contact = neighbours["theirs"]
    asking = outsiders(neighbours)[outsider]
    query = """query($c: ID!, $n: ID!, $s: ID!, $p: ID!) {
        customer(id: $c) { id } byNumber: customer(id: $n) { id } site(id: $s) { id } contact(id: $p) { id }
        customersConnection(filter: {parentId: $c}) { nodes { id } }
        contactsConnection(filter: {customerId: $c}) { totalCount nodes { id } }
        customers(search: "Neighbour theirs") { id } }"""

    seen = await asked(crm, query, asking, c=customer["id"], n=customer["number"], s=site["id"], p=contact["id"])
    things = (("Customer", customer), ("Site", site), ("Contact", contact))
    entities = await asked(crm, ENTITIES, asking, r=[{"__typename": kind, "id": one["id"]} for kind, one in things])

    assert seen == {
        "customer": None,
        "byNumber": None,
        "site": None,
        "contact": None,
        "customersConnection": {"nodes": []},
        "contactsConnection": {"totalCount": 0, "nodes": []},
        "customers": [],
    }
    assert entities == {"_entities": [None, None, None]}
    for command, given in (
        ("updateCustomer", {"id": customer["id"], "name": "x"}),
        ("blockCustomer", {"id": customer["id"]}),
        ("createSite", {"customerId": customer["id"], "name": "x", "address": {"city": "x"}}),
        ("updateSite", {"id": site["id"], "name": "x"}),
        ("createContact", {"customerId": customer["id"], "lastName": "x"}),
        ("updateContact", {"id": contact["id"], "lastName": "x"}),
        ("deactivateContact", {"id": contact["id"]}),
    ):
        code, field = await refused(crm, command, asking, **given)
        assert (code, field) == ("NOT_FOUND", "customerId" if "customerId" in given else "id")


async def test_a_limited_caller_with_the_permission_changes_what_is_theirs(crm):
    customer = await company(crm)
    portal = limited(customer)

    after = await done(crm, "updateCustomer", portal, id=customer["id"], industry="Ships")
    site = await done(
        crm, "createSite", portal, customerId=customer["id"], name="Own", address={"city": "Kiel"}, isHeadquarters=True
    )

    assert (after["industry"], after["version"]) == ("Ships", 2)
    assert (await done(crm, "updateSite", portal, id=site["id"], name="Ours"))["name"] == "Ours"


async def test_a_parent_of_another_tenant_is_not_found(crm):
    theirs = await company(crm, asking=staff(B))

    assert await refused(crm, "createCustomer", name="x", parentId=theirs["id"]) == ("NOT_FOUND", "parentId")
    mine = await company(crm)
    assert await refused(crm, "updateCustomer", id=mine["id"], parentId=theirs["id"]) == ("NOT_FOUND", "parentId")


async def test_without_the_permission_nothing_is_told_and_nothing_done(crm):
    customer = await company(crm)
    reader, blind = staff(scopes=frozenset({"customers:read"})), staff(scopes=frozenset())

    assert await refused(crm, "createCustomer", reader, name="x") == ("FORBIDDEN", None)
    assert await refused(crm, "updateCustomer", reader, id=customer["id"], name="x") == ("FORBIDDEN", None)
    for field in (
        "customers { id }",
        f'customer(id: "{customer["id"]}") {{ id }}',
        f'contact(id: "{uuid4()}") {{ id }}',
    ):
        answer = await crm.ask(f"{{ {field} }}", blind)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# --- once, recorded, and in few statements


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
