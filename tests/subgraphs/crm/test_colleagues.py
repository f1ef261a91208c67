"""Who looks after what: people who are there, what they have, and what contracts and quotes point at."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from contracts.events import auth, billing
from tests.subgraphs.crm.asking import company, hear
from tests.subgraphs.house import B


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody waits here for events that do not come."""
    monkeypatch.setattr("subgraphs.kit.references._PATIENCE_SECONDS", 0.0)


async def person(crm, kind="STAFF", **more):
    identity = uuid4()
    plain = {"user_id": identity, "customer_id": None, "display_name": "Jule", "email": "jule@x.example"}
    await hear(crm, auth.UserCreated(kind=kind, **plain), **more)
    return str(identity), plain


async def assigned(crm, customer, manager):
    text = """mutation($i: UpdateCustomerInput!) { updateCustomer(input: $i) {
        customer { accountManagerId accountManager { id } } errors { code field } } }"""
    return (await crm.data(text, i={"id": customer["id"], "accountManagerId": manager}))["updateCustomer"]


async def test_a_customer_is_given_to_somebody_who_is_there_and_to_nobody_else(crm):
    customer = await company(crm, "Werft Kiel")
    (mine, _), (theirs, _), (left, about) = [await person(crm, kind) for kind in ("STAFF", "CUSTOMER", "STAFF")]
    await hear(crm, auth.UserUpdated(status="DISABLED", changed=("status",), **about))
    await hear(crm, auth.UserCreated(kind="STAFF", **about), ago=60)

    assert await assigned(crm, customer, mine) == {
        "customer": {"accountManagerId": mine, "accountManager": {"id": mine}}, "errors": [],
    }  # fmt: skip
    for nobody, code in ((str(uuid4()), "NOT_FOUND"), (left, "NOT_FOUND"), (theirs, "VALIDATION")):
        refused = await assigned(crm, customer, nobody)
        assert refused == {"customer": None, "errors": [{"code": code, "field": "accountManagerId"}]}
    stayed = await crm.data("query($id: ID!) { customer(id: $id) { accountManagerId } }", id=customer["id"])
    assert stayed["customer"]["accountManagerId"] == mine


async def test_somebody_leads_to_their_customers_and_open_opportunities(crm):
    mine, _ = await person(crm)
    first = await company(crm, "Zander KG", accountManagerId=mine)
    second = await company(crm, "Aal GmbH", accountManagerId=mine)
    make = "mutation($i: CreateOpportunityInput!) { createOpportunity(input: $i) { opportunity { id owner { id } } errors { code field } } }"
    for title, close in (("Later", "2026-09-01"), ("Sooner", "2026-04-01")):
        wanted = {"customerId": first["id"], "title": title, "ownerId": mine, "expectedClose": close}
        made = (await crm.data(make, i=wanted))["createOpportunity"]
        assert made["opportunity"]["owner"] == {"id": mine}
    nobody = {"customerId": first["id"], "title": "x", "ownerId": str(uuid4())}
    assert (await crm.data(make, i=nobody))["createOpportunity"]["errors"] == [
        {"code": "NOT_FOUND", "field": "ownerId"}
    ]

    query = """query($r: [_Any!]!) { _entities(representations: $r) { ... on User {
        ownedCustomers { id } openOpportunities { title } } } }"""
    (found,) = (await crm.data(query, r=[{"__typename": "User", "id": mine}]))["_entities"]
    assert found == {
        "ownedCustomers": [{"id": second["id"]}, {"id": first["id"]}],
        "openOpportunities": [{"title": "Sooner"}, {"title": "Later"}],
    }
    task = "mutation($i: LogActivityInput!) { logActivity(input: $i) { activity { id } errors { code field } } }"
    given = {"customerId": first["id"], "kind": "TASK", "subject": "Anrufen", "ownerId": str(uuid4())}
    assert (await crm.data(task, i=given))["logActivity"]["errors"] == [{"code": "NOT_FOUND", "field": "ownerId"}]


async def test_a_contract_leads_to_the_assets_and_products_of_its_lines_of_today(crm):
    customer = await company(crm, "Reeder AG")
    first, second, former, product = (uuid4() for _ in range(4))
    for one in (first, second, former):
        await crm.knows("Asset", one, customer=UUID(customer["id"]))
    await hear(crm, billing.ProductCreated(id=product, sku="W-1", name="Wartung", active=True))
    make = """mutation($i: CreateContractInput!) { createContract(input: $i) { contract {
        coveredAssets { id } lines { product { id } assets { id } } } errors { code field message } } }"""
    line = {"description": "Wartung", "quantity": "1", "unitPrice": "10.00"}
    lines = [
        line | {"assetIds": [str(first), str(second)], "productId": str(product)},
        line | {"assetIds": [str(second)]},
        line | {"assetIds": [str(former)], "validFrom": "2026-01-01", "validTo": "2026-01-31"},
    ]
    given = {
        "customerId": customer["id"], "title": "Geräte", "type": "PER_DEVICE", "startDate": "2026-01-01",
        "billingInterval": "MONTHLY", "lines": lines,
    }  # fmt: skip

    made = (await crm.data(make, i=given))["createContract"]
    assert made["errors"] == []
    assert made["contract"]["coveredAssets"] == [{"id": str(first)}, {"id": str(second)}]
    assert [one["product"] for one in made["contract"]["lines"]] == [{"id": str(product)}, None, None]
    assert made["contract"]["lines"][2]["assets"] == [{"id": str(former)}]


async def entered(crm, command, given):
    """Give a command; why it was refused."""
    text = f"mutation($i: {command[0].upper()}{command[1:]}Input!) {{ {command}(input: $i) {{ errors {{ code field }} }} }}"
    return (await crm.data(text, i=given))[command]["errors"]


async def test_a_line_names_no_product_that_is_not_there_or_is_another_tenants(crm):
    customer = await company(crm, "Kutter AG")
    mine, theirs = uuid4(), uuid4()
    await hear(crm, billing.ProductUpdated(id=mine, sku="W-1", name="Wartung", active=True, changed=("name",)))
    await hear(crm, billing.ProductCreated(id=theirs, sku="W-1", name="Wartung", active=True), tenant=B)
    line = {"description": "Wartung", "quantity": "1", "unitPrice": "10.00"}
    offer = {"customerId": customer["id"], "title": "Angebot", "validUntil": "2026-12-31"}
    agreement = {
        "customerId": customer["id"], "title": "Wartung", "type": "FLAT_RATE", "startDate": "2026-01-01",
        "billingInterval": "MONTHLY",
    }  # fmt: skip
    before = [await crm.count(table) for table in ("quote", "contract", "contract_line", "outbox")]

    for product in (str(uuid4()), str(theirs), "rubbish"):
        lines = [line | {"productId": str(mine)}, line | {"productId": product}]
        for command, given in (("createQuote", offer), ("createContract", agreement)):
            found = await entered(crm, command, given | {"lines": lines})
            assert found == [{"code": "NOT_FOUND", "field": "productId"}]
    assert [await crm.count(table) for table in ("quote", "contract", "contract_line", "outbox")] == before
    assert await entered(crm, "createQuote", offer | {"lines": [line | {"productId": str(mine)}]}) == []
    assert (await crm.rows("SELECT lines FROM quote WHERE title = 'Angebot'"))[0]["lines"].count(str(mine)) == 1
