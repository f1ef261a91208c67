"""The sites of customers and the people who work there, as a caller meets them."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from tests.subgraphs.crm.asking import (
    CONTACT,
    SITE,
    asked,
    company,
    done,
    person,
    place,
    refused,
    run,
    told,
)
from tests.subgraphs.house import staff


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
    person = {
        "name": "Inga Petersen",
        "email": "inga@nordwind.example",
        "isVip": True,
        "roles": ["DECISION_MAKER", "GDPR"],
        "active": True,
    }
    told_of = {"id": contact["id"], "customerId": customer["id"], **person, "changed": []}
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
