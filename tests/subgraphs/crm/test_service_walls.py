"""What is not yours is not there, on every path to a customer, its sites and its people."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.subgraphs.crm.asking import (
    asked,
    company,
    done,
    limited,
    refused,
)
from tests.subgraphs.house import B, staff


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


async def test_to_whom_a_customer_belongs_is_no_answer_to_those_who_do_not_see_both(crm, neighbours):
    """A known identifier must not be a question: whether it is the holding's is as hidden as the holding."""
    customer, holding = neighbours["mine"][0], neighbours["holding"]
    text = "query($f: CustomerFilter) { customersConnection(filter: $f) { totalCount nodes { id } } }"
    nobody = {"customersConnection": {"totalCount": 0, "nodes": []}}

    for asking in (limited(customer), staff(denied=frozenset({UUID(holding["id"])}))):
        assert await asked(crm, text, asking, f={"parentId": holding["id"]}) == nobody
        assert await asked(crm, text, asking, f={"parentId": str(uuid4())}) == nobody
    both = await asked(crm, text, limited(customer, holding), f={"parentId": holding["id"]})
    assert both == {"customersConnection": {"totalCount": 1, "nodes": [{"id": customer["id"]}]}}


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
