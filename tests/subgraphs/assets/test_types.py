"""Asset types: those that every tenant knows, and those of one's own."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.subgraphs.assets.asking import TYPE_FIELDS, deployed, refused, run, told
from tests.subgraphs.house import B, staff


async def test_every_tenant_knows_the_system_types_without_a_row(store):
    before = await store.count("asset_type")
    stranger = staff(uuid4())

    types = (await store.data(f"{{ assetTypes {{ {TYPE_FIELDS} }} }}", stranger))["assetTypes"]

    by_key = {one["key"]: one for one in types}
    assert {"server", "workstation", "notebook", "printer", "switch", "firewall"} <= by_key.keys()
    assert {"access_point", "ups", "nas", "mobile", "virtual_machine"} <= by_key.keys()
    assert by_key["notebook"] == {
        "key": "notebook",
        "name": "Notebook",
        "countsAsDevice": True,
        "icon": "notebook",
        "parent": {"key": "computer"},
    }
    assert await store.count("asset_type") == before


async def test_a_type_of_ones_own_is_used_like_any_other(store):
    payload = await run(
        store, "createAssetType", key="camera", name=" Door  camera ", countsAsDevice=True, parent="other"
    )
    assert payload == {
        "assetType": {
            "key": "camera",
            "name": "Door camera",
            "countsAsDevice": True,
            "icon": None,
            "parent": {"key": "other"},
        },
        "errors": [],
    }
    await run(store, "createAssetType", key="dome_camera", name="Dome camera", parent="camera")
    asset = await deployed(store, type="dome_camera")

    query = f'{{ asset(id: "{asset["id"]}") {{ type assetType {{ key parent {{ key parent {{ key }} }} }} }} }}'
    assert (await store.data(query))["asset"] == {
        "type": "dome_camera",
        "assetType": {"key": "dome_camera", "parent": {"key": "camera", "parent": {"key": "other"}}},
    }
    assert (await told(store, asset))[1][1]["data"]["countsAsDevice"] is False
    listed = (await store.data("{ assetTypes(limit: 200) { key } }"))["assetTypes"]
    assert {"camera", "dome_camera", "server"} <= {one["key"] for one in listed}
    assert (await store.data("{ assetTypes(limit: 2, offset: 1) { key } }"))["assetTypes"] == listed[1:3]


async def test_a_type_of_ones_own_is_nobody_elses(store):
    await run(store, "createAssetType", key="till", name="Till")

    keys = {one["key"] for one in (await store.data("{ assetTypes { key } }", staff(B)))["assetTypes"]}
    error = await refused(store, "createAsset", staff(B), name="Till 1", type="till")

    assert "till" not in keys
    assert (error["code"], error["field"]) == ("NOT_FOUND", "type")
    assert (await run(store, "createAssetType", staff(B), key="till", name="Kasse"))["errors"] == []


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"key": "server"}, "ASSET_TYPE_KEY_TAKEN", "key"),
        ({"key": "Big Screen"}, "VALIDATION", "key"),
        ({"name": " "}, "VALIDATION", "name"),
        ({"parent": "toaster"}, "NOT_FOUND", "parent"),
    ],
)
async def test_a_type_that_cannot_be_is_not_made(store, given, code, field):
    error = await refused(store, "createAssetType", **{"key": "screen", "name": "Screen"} | given)

    assert (error["code"], error["field"]) == (code, field)


async def test_of_many_who_make_the_same_type_one_does(store):
    payloads = await asyncio.gather(
        *(run(store, "createAssetType", key="scanner", name=f"Scanner {number}") for number in range(8))
    )

    refusals = [error["code"] for payload in payloads for error in payload["errors"]]
    assert refusals == ["ASSET_TYPE_KEY_TAKEN"] * 7


async def test_types_of_ones_own_have_an_end(store):
    tenant = staff(uuid4())
    for number in range(200):
        assert (await run(store, "createAssetType", tenant, key=f"t{number}", name="One more"))["errors"] == []

    error = await refused(store, "createAssetType", tenant, key="t200", name="One too many")

    assert (error["code"], error["field"]) == ("ASSET_TYPE_LIMIT", "key")
