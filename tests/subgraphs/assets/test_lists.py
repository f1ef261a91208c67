"""Assets in lists: narrowed, batched, page by page."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.subgraphs.assets.asking import created, deployed, run
from tests.subgraphs.house import B, staff


async def test_assets_are_listed_by_name_and_narrowed_by_type_status_and_customer(store):
    customer = uuid4()
    await store.knows("Customer", customer)
    mine = {"customerId": str(customer)}
    await deployed(store, **mine, name="b", type="notebook")
    await deployed(store, **mine, name="a", type="server")
    await created(store, **mine, name="c", type="server")

    async def names(arguments=""):
        root = f'{{ assets(customerId: "{customer}" {arguments}) {{ name }} }}'
        added = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { assets %s { name } } } }"
        listed = (await store.data(root))["assets"]
        extended = added % (f"({arguments})" if arguments else "")
        [owner] = (await store.data(extended, r=[{"__typename": "Customer", "id": str(customer)}]))["_entities"]
        assert owner["assets"] == listed
        return [one["name"] for one in listed]

    assert await names() == ["a", "b", "c"]
    assert await names('type: "server"') == ["a", "c"]
    assert await names("status: DEPLOYED") == ["a", "b"]
    assert await names('type: "server", status: IN_STOCK') == ["c"]
    assert await names('type: "toaster"') == []
    assert await names("limit: 1") == ["a"]
    assert await names("limit: 2, offset: 1") == ["b", "c"]
    assert await store.data('{ assets(customerId: "123") { id } }') == {"assets": []}


@pytest.mark.parametrize(
    ("argument", "field"), [("limit: 0", "limit"), ("limit: 201", "limit"), ("offset: -1", "offset")]
)
async def test_no_list_is_without_end(store, argument, field):
    for query in (f"{{ assets({argument}) {{ id }} }}", f"{{ assetTypes({argument}) {{ key }} }}"):
        answer = await store.ask(query)
        assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": field}


async def test_the_assets_of_many_customers_take_one_statement_per_level(store, statements):
    customers = [uuid4() for _ in range(20)]
    await run(store, "createAssetType", key="kiosk", name="Kiosk")
    for customer in customers:
        await store.knows("Customer", customer)
        await deployed(store, customerId=str(customer), type="kiosk")
        await deployed(store, customerId=str(customer), name="SRV-02")
    query = """query($r: [_Any!]!) { _entities(representations: $r) {
        ... on Customer { assets(status: DEPLOYED, limit: 3) { name customer { id } assetType { key } } } } }"""

    with statements(store) as seen:
        found = await store.data(query, r=[{"__typename": "Customer", "id": str(one)} for one in customers])

    for customer, entity in zip(customers, found["_entities"], strict=True):
        assert entity["assets"] == [
            {"name": "SRV-01", "customer": {"id": str(customer)}, "assetType": {"key": "kiosk"}},
            {"name": "SRV-02", "customer": {"id": str(customer)}, "assetType": {"key": "server"}},
        ]
    assert sum("asset.name" in statement for statement in seen) == 1
    assert sum("asset_type.name" in statement for statement in seen) == 1
    assert sum("FROM" in statement for statement in seen) == 2


async def test_references_to_assets_are_looked_up_together_and_foreign_ones_are_null(store, statements):
    mine = [await created(store) for _ in range(5)]
    foreign = await created(store, staff(B))
    identities = [asset["id"] for asset in mine] + [foreign["id"], str(uuid4()), "nonsense"]
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Asset { id name } } }"

    with statements(store) as seen:
        found = await store.data(query, r=[{"__typename": "Asset", "id": one} for one in identities])

    assert [one and one["id"] for one in found["_entities"]] == [asset["id"] for asset in mine] + [None, None, None]
    assert sum("FROM asset" in statement for statement in seen) == 1


async def test_pages_add_up_to_the_list_in_both_directions(store):
    customer = uuid4()
    await store.knows("Customer", customer)
    for name in ("d", "a", "c", "c", "b", "e", "c"):
        await created(store, customerId=str(customer), name=name)
    query = """query($first: Int, $after: String, $last: Int, $before: String, $c: ID!) {
        assetsConnection(first: $first, after: $after, last: $last, before: $before, filter: {customerId: $c}) {
            totalCount nodes { id name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

    async def pages(size, step, more, cursor):
        found, place = [], None
        while True:
            page = (await store.data(query, c=str(customer), **{size: 3, step: place}))["assetsConnection"]
            assert page["totalCount"] == 7
            found.append(page["nodes"])
            if not page["pageInfo"][more]:
                return found
            place = page["pageInfo"][cursor]

    forwards = await pages("first", "after", "hasNextPage", "endCursor")
    backwards = await pages("last", "before", "hasPreviousPage", "startCursor")

    by_name = [node for page in forwards for node in page]
    assert [node["name"] for node in by_name] == ["a", "b", "c", "c", "c", "d", "e"]
    assert len({node["id"] for node in by_name}) == 7
    assert [node for page in reversed(backwards) for node in page] == by_name


async def test_a_filter_and_words_find_what_they_mean(store):
    customer, site = uuid4(), uuid4()
    await store.knows("Customer", customer)
    await store.knows("Site", site, customer=customer)
    mine = {"customerId": str(customer)}
    await created(store, **mine, name="one", type="nas", eolDate="2027-01-31", serialNumber="XYZ-1")
    await created(store, **mine, name="two", eolDate="2027-02-01", criticality="HIGH", managed=False)
    await deployed(store, **mine, name="three", hostname="xyz.example", siteId=str(site))

    async def names(wanted="", search=""):
        narrowed = f'filter: {{customerId: "{customer}" {wanted}}} {search}'
        found = await store.data(f"{{ assetsConnection({narrowed}) {{ nodes {{ name }} }} }}")
        return {one["name"] for one in found["assetsConnection"]["nodes"]}

    assert await names() == {"one", "two", "three"}
    assert await names('type: ["nas", "ups"]') == {"one"}
    assert await names("status: [DEPLOYED, MAINTENANCE]") == {"three"}
    assert await names("managed: false") == {"two"}
    assert await names("criticality: [HIGH]") == {"two"}
    assert await names(f'siteId: "{site}"') == {"three"}
    assert await names('eolDate: {since: "2027-01-01", until: "2027-02-01"}') == {"one"}
    assert await names(search='search: "xyz"') == {"one", "three"}
    assert await names(search='search: "xyz one"') == {"one"}
    assert await names(search='search: "%"') == set()
