"""Who sees and changes whose assets."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.subgraphs.assets.asking import COMMON, MOVES, NORD, SUED, created, deployed, portal, refused
from tests.subgraphs.house import A, B, staff


@pytest.mark.parametrize("identity", ["019a0000-0000-7000-8000-00000000dead", "SRV-01", "", "'; DROP TABLE asset"])
async def test_an_asset_that_is_not_there_is_not_found_by_any_command(store, identity):
    for command in ("updateAsset", "setEolDates", *MOVES):
        error = await refused(store, command, id=identity)
        assert (error["code"], error["field"]) == ("NOT_FOUND", "id")


async def test_another_tenants_asset_is_as_absent_as_none(store):
    asset = await deployed(store, customerId=str(COMMON))

    for command in ("updateAsset", "setEolDates", *MOVES):
        theirs = await refused(store, command, staff(B), id=asset["id"])
        assert theirs == await refused(store, command, staff(B), id=str(uuid4()))
        assert theirs["code"] == "NOT_FOUND"
    query = f'{{ asset(id: "{asset["id"]}") {{ id }} assets(customerId: "{COMMON}") {{ id }} }}'
    assert await store.data(query, staff(B)) == {"asset": None, "assets": []}


async def test_a_customers_user_sees_that_customers_assets_and_never_our_own_stock(store):
    mine, theirs, ours = await deployed(store), await deployed(store, customerId=str(SUED)), await created(store)
    identities = [one["id"] for one in (mine, theirs, ours)]
    user = portal(NORD)

    for identity, found in zip(identities, [{"id": mine["id"]}, None, None], strict=True):
        assert (await store.data(f'{{ asset(id: "{identity}") {{ id }} }}', user))["asset"] == found
    references = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Asset { id } } }"
    found = await store.data(references, user, r=[{"__typename": "Asset", "id": one} for one in identities])
    assert found["_entities"] == [{"id": mine["id"]}, None, None]
    listed = await store.data("{ assets(limit: 200) { customerId } }", user)
    assert {one["customerId"] for one in listed["assets"]} == {str(NORD)}
    counted = "{ assetsConnection { totalCount } }"
    everything, visible = await store.data(counted), await store.data(counted, user)
    [row] = await store.rows(
        "SELECT count(*) AS all, count(*) FILTER (WHERE customer_id = $2) AS own FROM asset WHERE tenant_id = $1",
        A,
        NORD,
    )
    assert everything["assetsConnection"]["totalCount"] == row["all"]
    assert visible["assetsConnection"]["totalCount"] == row["own"]
    children = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer { assets { id } } } }"
    [of_theirs] = (await store.data(children, user, r=[{"__typename": "Customer", "id": str(SUED)}]))["_entities"]
    assert of_theirs == {"assets": []}


async def test_who_works_for_some_customers_can_neither_reach_others_nor_our_own(store):
    partner = staff(kind="COMANAGED", customers=frozenset({NORD}))
    mine, theirs = await deployed(store, partner), await deployed(store, customerId=str(SUED))
    fresh = {"name": "SRV-01", "type": "server"}

    async def code(command, **given):
        error = await refused(store, command, partner, **given)
        return error["code"], error["field"]

    assert await code("retireAsset", id=theirs["id"]) == ("NOT_FOUND", "id")
    assert await code("createAsset", **fresh) == ("FORBIDDEN", "customerId")
    assert await code("createAsset", **fresh, customerId=str(SUED)) == ("NOT_FOUND", "customerId")
    assert await code("moveAsset", id=mine["id"], customerId=str(SUED)) == ("NOT_FOUND", "customerId")
    reserved = await created(store, partner, customerId=str(NORD))
    assert await code("moveAsset", id=reserved["id"], customerId=None) == ("FORBIDDEN", "customerId")
    assert await code("createAssetType", key="beamer", name="Beamer") == ("FORBIDDEN", "key")


async def test_a_customer_that_is_denied_stays_hidden(store):
    asset = await deployed(store, customerId=str(SUED))
    kept_away = staff(denied=frozenset({SUED}))

    assert await store.data(f'{{ asset(id: "{asset["id"]}") {{ id }} }}', kept_away) == {"asset": None}
    assert (await refused(store, "retireAsset", kept_away, id=asset["id"]))["code"] == "NOT_FOUND"


async def test_without_the_permission_nothing_is_told(store):
    asset = await deployed(store)
    reader, nobody = staff(scopes=frozenset({"assets:read"})), staff(scopes=frozenset())

    for command in ("updateAsset", "setEolDates", *MOVES):
        assert (await refused(store, command, reader, id=asset["id"]))["code"] == "FORBIDDEN"
    assert (await refused(store, "createAsset", reader, name="x", type="nas"))["code"] == "FORBIDDEN"
    assert (await refused(store, "createAssetType", reader, key="x", name="x"))["code"] == "FORBIDDEN"
    for query in ("{ assets { id } }", "{ assetTypes { key } }", "{ assetsConnection { nodes { id } } }"):
        blind = await store.ask(query, nobody)
        assert blind["data"] is None
        assert blind["errors"][0]["extensions"]["code"] == "FORBIDDEN"
