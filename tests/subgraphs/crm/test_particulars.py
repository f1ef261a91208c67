"""What offices, bookkeepers and other systems know a customer by: entered, shown to whom it concerns, found by, told."""

from __future__ import annotations

import pytest

from tests.subgraphs.crm.asking import asked, company, limited, refused, told

FIELDS = """taxNumber leitwegId smallBusiness shippingAddress { city country } employees holidayRegion creditLimit { amount currency }
    healthScore avvSignedAt source externalIds { system id }"""
SHOWN = f"query($id: ID!) {{ customer(id: $id) {{ {FIELDS} }} }}"
SAID = {
    "taxNumber": "20/123/45678", "leitwegId": "04011000-1234512345-06", "smallBusiness": True, "employees": 42,
    "shippingAddress": {"city": "Kiel", "country": "DE"}, "holidayRegion": "de-sh", "creditLimit": "25000", "healthScore": 31,
    "avvSignedAt": "2026-03-01T10:00:00+01:00", "source": "Messe Hannover",
    "externalIds": [{"system": "datev", "id": "K-7"}],
}  # fmt: skip
INTERNAL = {"creditLimit": {"amount": "25000.00", "currency": "EUR"}, "healthScore": 31, "source": "Messe Hannover"}
FOUND = "query($filter: CustomerFilter!) { customersConnection(filter: $filter) { nodes { id } } }"


@pytest.fixture(scope="module")
async def known(crm):
    return await company(crm, "Bekannt AG", **SAID)


async def test_what_is_said_of_a_customer_is_shown_and_some_of_it_only_in_the_house(crm, known):
    shown = (await asked(crm, SHOWN, id=known["id"]))["customer"]
    outside = (await asked(crm, SHOWN, limited(known), id=known["id"]))["customer"]
    plain = SAID | {"holidayRegion": "DE-SH", "avvSignedAt": "2026-03-01T09:00:00+00:00"}

    assert shown == plain | INTERNAL
    assert outside == plain | dict.fromkeys(INTERNAL)


async def test_nothing_is_said_of_a_new_one(crm):
    shown = (await asked(crm, SHOWN, id=(await company(crm, "Neu AG"))["id"]))["customer"]
    empty = {"smallBusiness": False, "shippingAddress": {"city": None, "country": None}, "externalIds": []}
    assert shown == dict.fromkeys(shown) | empty


async def test_it_is_found_by_what_others_call_it_and_by_what_is_missing(crm, known):
    async def found(asking=None, **wanted):
        answer = await asked(crm, FOUND, asking, filter=wanted)
        return [one["id"] for one in answer["customersConnection"]["nodes"]]

    assert await found(externalId={"system": "DATEV", "id": "K-7"}) == [known["id"]]
    assert await found(externalId={"system": "datev", "id": "K-8"}) == []
    assert await found(avvSigned=True) == [known["id"]]
    assert known["id"] not in await found(avvSigned=False)
    assert await found(holidayRegion="DE-SH") == [known["id"]]
    assert await found(healthScoreAtMost=31) == [known["id"]]
    assert await found(limited(known), healthScoreAtMost=31) == []


async def test_others_hear_what_they_need_of_it(crm, known):
    type_, _, data = (await told(crm, "Customer", known["id"]))[0]
    assert (type_, data["holidayRegion"], data["billedAt"]["buyerReference"], data["billedAt"]["smallBusiness"]) == (
        "customer.created", "DE-SH", "04011000-1234512345-06", True,
    )  # fmt: skip
    assert {"creditLimit", "healthScore"}.isdisjoint(data)


async def test_a_change_names_what_changed_and_null_takes_it_away(crm):
    made = await company(crm, "Anders AG", **SAID)
    text = (
        "mutation($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } errors { code } } }"
    )
    gone = {name: None for name in SAID if name != "smallBusiness"} | {"smallBusiness": False}
    assert (await asked(crm, text, input={"id": made["id"], **gone}))["updateCustomer"]["errors"] == []

    assert set((await told(crm, "Customer", made["id"]))[-1][2]["changed"]) == set(SAID)
    shown = (await asked(crm, SHOWN, id=made["id"]))["customer"]
    assert {name: value for name, value in shown.items() if value} == {
        "shippingAddress": {"city": None, "country": None}
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("leitwegId", "04011000-1234512345-07"), ("holidayRegion", "Bayern"), ("healthScore", 101), ("employees", -1),
        ("creditLimit", "-1"), ("avvSignedAt", "2999-01-01T00:00:00Z"), ("taxNumber", "x" * 40), ("smallBusiness", None),
        ("externalIds", [{"system": "a b", "id": "1"}]),
    ],
)  # fmt: skip
async def test_rubbish_is_refused_by_name_and_changes_nothing(crm, known, field, value):
    assert await refused(crm, "updateCustomer", id=known["id"], **{field: value}) == ("VALIDATION", field)
