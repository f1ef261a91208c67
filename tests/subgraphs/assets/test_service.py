"""Assets as a caller meets them."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from tests.subgraphs.house import A, B, staff

NORD, SUED, COMMON = uuid4(), uuid4(), uuid4()
SITE, PERSON = str(uuid4()), str(uuid4())

FIELDS = "id name type customerId siteId contactId status managed criticality installedAt retiredAt eolDate version"
TYPE_FIELDS = "key name countsAsDevice icon parent { key }"

NOW = "2026-03-02T09:00:00+00:00"


@pytest.fixture(scope="module")
async def store(start):
    service = await start("assets")
    for customer, tenant in ((NORD, A), (SUED, A), (COMMON, A), (COMMON, B)):
        await service.knows("Customer", customer, tenant=tenant)
    return service


async def run(store, command, asking=None, repeatable=None, **given):
    kind = command[0].upper() + command[1:] + "Input"
    entity = f"assetType {{ {TYPE_FIELDS} }}" if command == "createAssetType" else f"asset {{ {FIELDS} }}"
    query = f"mutation($input: {kind}!) {{ {command}(input: $input) {{ {entity} errors {{ code message field }} }} }}"
    answer = await store.ask(query, asking, key=repeatable, input=given)
    assert "errors" not in answer, answer
    return answer["data"][command]


async def done(store, command, asset, asking=None, **given):
    payload = await run(store, command, asking, id=asset["id"], **given)
    assert payload["errors"] == []
    return payload["asset"]


async def created(store, asking=None, **fields):
    payload = await run(store, "createAsset", asking, **{"name": "SRV-01", "type": "server"} | fields)
    assert payload["errors"] == []
    return payload["asset"]


async def deployed(store, asking=None, **fields):
    return await created(store, asking, **{"status": "DEPLOYED", "customerId": str(NORD)} | fields)


async def in_status(store, status):
    """An asset that came to this status by commands."""
    if status in {"PLANNED", "ORDERED", "IN_STOCK"}:
        return await created(store, status=status, customerId=str(NORD))
    asset = await deployed(store)
    ways = {
        "DEPLOYED": (),
        "MAINTENANCE": ("startMaintenance",),
        "RETIRED": ("retireAsset",),
        "DISPOSED": ("retireAsset", "disposeAsset"),
        "LOST": ("reportLost",),
    }
    for command in ways[status]:
        asset = await done(store, command, asset)
    return asset


async def told(store, asset):
    """The events about an asset, oldest first, with what they say beside whose it is."""
    rows = await store.rows(
        "SELECT type, envelope FROM outbox WHERE envelope->>'subject' = $1 ORDER BY position", f"Asset/{asset['id']}"
    )
    return [(row["type"], json.loads(row["envelope"])) for row in rows]


async def refused(store, command, asking=None, **given):
    """Run a command that must be refused; what it answers, after checking that it changed and told nothing."""
    tables = ("asset", "asset_type", "outbox", "job", "audit", "idempotency")
    hashes = (f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t) AS {table}" for table in tables)
    sql = f"SELECT {', '.join(hashes)}"
    before = await store.rows(sql)
    payload = await run(store, command, asking, **given)
    assert await store.rows(sql) == before
    [error] = payload.pop("errors")
    assert list(payload.values()) == [None]
    return error


def portal(*customers):
    return staff(kind="CUSTOMER", customers=frozenset(customers))


# --- creating


async def test_a_new_asset_is_in_stock_and_nobodys_unless_more_is_said(store):
    asset = await created(store, name="  SRV\n 01 ")

    assert asset == {
        "id": asset["id"],
        "name": "SRV 01",
        "type": "server",
        "customerId": None,
        "siteId": None,
        "contactId": None,
        "status": "IN_STOCK",
        "managed": True,
        "criticality": "MEDIUM",
        "installedAt": None,
        "retiredAt": None,
        "eolDate": None,
        "version": 1,
    }
    [(kind, envelope)] = await told(store, asset)
    assert kind == "asset.created"
    assert "customerid" not in envelope
    assert envelope["data"] == {"assetId": asset["id"], "customerId": None, "name": "SRV 01", "typeKey": "server"}


async def test_an_asset_that_is_in_use_from_the_start_is_told_as_deployed(store):
    asset = await deployed(store, type="printer", siteId=SITE, contactId=PERSON)

    assert (asset["status"], asset["customerId"], asset["installedAt"]) == ("DEPLOYED", str(NORD), NOW)
    assert (asset["siteId"], asset["contactId"]) == (SITE, PERSON)
    [(first, _), (second, envelope)] = await told(store, asset)
    assert (first, second) == ("asset.created", "asset.deployed")
    assert envelope["customerid"] == str(NORD)
    assert envelope["data"] == {
        "assetId": asset["id"],
        "customerId": str(NORD),
        "typeKey": "printer",
        "countsAsDevice": False,
        "at": "2026-03-02T09:00:00Z",
    }


async def test_everything_that_is_entered_is_kept_in_one_spelling(store):
    entered = {
        "assetTag": " A-17 ",
        "serialNumber": "SN1",
        "manufacturer": "Dell",
        "model": "R760",
        "hostname": "srv01",
        "macAddresses": ["00-1A-2B-3C-4D-5E"],
        "ipAddresses": ["10.0.0.7", "2001:DB8::1"],
        "os": "Debian",
        "osVersion": "13",
        "managed": False,
        "criticality": "CRITICAL",
        "purchaseDate": "2023-08-31",
        "warrantyUntil": "2026-08-30",
        "usefulLifeMonths": 6,
        "eolDate": "2030-10-14",
        "eosDate": "2031-10-14",
        "lastSeenAt": "2026-03-01T10:00:00Z",
        "attributes": {"rack": {"row": 3}, "tags": ["a"]},
    }
    asset = await created(store, **entered)

    row = await store.data(f'{{ asset(id: "{asset["id"]}") {{ {" ".join(entered)} replacementDate }} }}')

    assert row["asset"] == entered | {
        "assetTag": "A-17",
        "macAddresses": ["00:1a:2b:3c:4d:5e"],
        "ipAddresses": ["10.0.0.7", "2001:db8::1"],
        "lastSeenAt": "2026-03-01T10:00:00+00:00",
        "replacementDate": "2024-02-29",
    }


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": " "}, "VALIDATION", "name"),
        ({"name": "x" * 201}, "VALIDATION", "name"),
        ({"type": "toaster"}, "NOT_FOUND", "type"),
        ({"status": "MAINTENANCE"}, "ASSET_WRONG_STATUS", "status"),
        ({"status": "DISPOSED", "customerId": str(NORD)}, "ASSET_WRONG_STATUS", "status"),
        ({"status": "DEPLOYED"}, "ASSET_NEEDS_CUSTOMER", "customerId"),
        ({"customerId": str(uuid4())}, "NOT_FOUND", "customerId"),
        ({"customerId": "123"}, "NOT_FOUND", "customerId"),
        ({"siteId": SITE}, "VALIDATION", "siteId"),
        ({"contactId": PERSON}, "VALIDATION", "contactId"),
        ({"macAddresses": ["00:1a"]}, "VALIDATION", "macAddresses"),
        ({"ipAddresses": ["10.0.0.256"]}, "VALIDATION", "ipAddresses"),
        ({"purchaseDate": "0001-01-01"}, "VALIDATION", "purchaseDate"),
        ({"eolDate": "9999-12-31"}, "VALIDATION", "eolDate"),
        ({"usefulLifeMonths": 0}, "VALIDATION", "usefulLifeMonths"),
        ({"attributes": ["no", "object"]}, "VALIDATION", "attributes"),
        ({"attributes": {"long": "x" * 20_000}}, "VALIDATION", "attributes"),
    ],
)
async def test_what_makes_no_sense_is_not_recorded(store, given, code, field):
    error = await refused(store, "createAsset", **{"name": "SRV-01", "type": "server"} | given)

    assert (error["code"], error["field"]) == (code, field)


async def test_a_command_with_a_key_is_done_once(store):
    before = await store.count("asset")
    given = {"name": "Once", "type": "nas", "eolDate": "2027-01-01", "attributes": {"a": 1}}

    first = await run(store, "createAsset", repeatable="k-1", **given)
    await run(store, "updateAsset", id=first["asset"]["id"], name="Twice")
    second = await run(store, "createAsset", repeatable="k-1", **given)

    assert second == first
    assert await store.count("asset") == before + 1


async def test_the_same_key_does_not_mistake_removing_for_leaving_alone(store):
    asset = await created(store, hostname="srv01")
    await run(store, "updateAsset", repeatable="k-2", id=asset["id"], name="SRV-02")

    error = await refused(store, "updateAsset", id=asset["id"], name="SRV-02", hostname=None, clientMutationId="k-2")

    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


# --- changing


async def test_what_is_absent_stays_and_null_removes(store):
    asset = await created(store, hostname="srv01", model="R760", macAddresses=["001a2b3c4d5e"], attributes={"a": 1})

    changed = await done(store, "updateAsset", asset, hostname=None, macAddresses=None, name="SRV-02")

    assert (changed["name"], changed["version"]) == ("SRV-02", 2)
    row = (await store.data(f'{{ asset(id: "{asset["id"]}") {{ hostname model macAddresses attributes }} }}'))["asset"]
    assert row == {"hostname": None, "model": "R760", "macAddresses": [], "attributes": {"a": 1}}


async def test_a_change_tells_what_changed_and_no_change_tells_nothing(store):
    asset = await deployed(store)
    before = await told(store, asset)

    same = await done(store, "updateAsset", asset, name="SRV-01", criticality="MEDIUM")
    assert (same["version"], await told(store, asset)) == (1, before)

    await done(store, "updateAsset", asset, name="SRV-01", criticality="HIGH", serialNumber="SN1")
    [*_, (kind, envelope)] = await told(store, asset)
    assert kind == "asset.updated"
    assert envelope["customerid"] == str(NORD)
    assert envelope["data"] == {
        "assetId": asset["id"],
        "customerId": str(NORD),
        "name": "SRV-01",
        "typeKey": "server",
        "changed": ["serialNumber", "criticality"],
    }


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": None}, "VALIDATION", "name"),
        ({"type": None}, "NOT_FOUND", "type"),
        ({"type": "toaster"}, "NOT_FOUND", "type"),
        ({"managed": None}, "VALIDATION", "managed"),
        ({"criticality": None}, "VALIDATION", "criticality"),
        ({"usefulLifeMonths": 601}, "VALIDATION", "usefulLifeMonths"),
        ({"name": "new", "version": 7}, "CONFLICT", "version"),
    ],
)
async def test_what_makes_no_sense_is_not_changed(store, given, code, field):
    asset = await created(store)

    error = await refused(store, "updateAsset", id=asset["id"], **given)

    assert (error["code"], error["field"]) == (code, field)


@pytest.mark.parametrize("command", ["updateAsset", "setEolDates"])
async def test_nothing_about_what_is_disposed_of_changes(store, command):
    asset = await in_status(store, "DISPOSED")

    assert (await refused(store, command, id=asset["id"]))["code"] == "ASSET_DISPOSED"


async def test_every_change_is_recorded_with_who_and_what(store):
    asset = await deployed(store)
    await done(store, "setEolDates", asset, eolDate="2027-05-01", eosDate="2028-05-01")

    rows = await store.rows(
        "SELECT command, change, resource, actor_id, before, after FROM audit WHERE resource_id = $1 ORDER BY id",
        UUID(asset["id"]),
    )

    assert [(row["command"], row["change"], row["resource"]) for row in rows] == [
        ("createAsset", "CREATED", "Asset"),
        ("setEolDates", "CHANGED", "Asset"),
    ]
    assert json.loads(rows[1]["before"]) == {"eol_date": None, "eos_date": None}
    assert json.loads(rows[1]["after"]) == {"eol_date": "2027-05-01", "eos_date": "2028-05-01"}
    assert rows[1]["actor_id"] == staff().subject


# --- life


async def test_an_asset_goes_from_planned_to_disposed(store):
    asset = await created(store, status="PLANNED")
    assert (await done(store, "orderAsset", asset))["status"] == "ORDERED"
    assert (await done(store, "receiveAsset", asset))["status"] == "IN_STOCK"
    in_use = await done(store, "deployAsset", asset, customerId=str(NORD), siteId=SITE)
    assert (in_use["status"], in_use["customerId"], in_use["siteId"]) == ("DEPLOYED", str(NORD), SITE)
    assert in_use["installedAt"] == NOW
    assert (await done(store, "startMaintenance", asset))["status"] == "MAINTENANCE"
    assert (await done(store, "endMaintenance", asset))["status"] == "DEPLOYED"
    retired = await done(store, "retireAsset", asset)
    assert (retired["status"], retired["retiredAt"]) == ("RETIRED", NOW)
    disposed = await done(store, "disposeAsset", asset)

    assert (disposed["status"], disposed["retiredAt"], disposed["version"]) == ("DISPOSED", NOW, 8)
    events = await told(store, asset)
    assert [kind for kind, _ in events] == [
        "asset.created",
        "asset.updated",
        "asset.updated",
        "asset.updated",
        "asset.deployed",
        "asset.updated",
        "asset.updated",
        "asset.updated",
        "asset.retired",
        "asset.updated",
        "asset.disposed",
    ]
    assert events[3][1]["data"]["changed"] == ["status", "installedAt", "customerId", "siteId"]
    assert events[7][1]["data"]["changed"] == ["status", "retiredAt"]
    assert events[10][1]["data"] == {
        "assetId": asset["id"],
        "customerId": str(NORD),
        "typeKey": "server",
        "countsAsDevice": True,
        "at": "2026-03-02T09:00:00Z",
    }


MOVES = {
    "orderAsset": {"PLANNED"},
    "receiveAsset": {"ORDERED"},
    "deployAsset": {"IN_STOCK"},
    "startMaintenance": {"DEPLOYED"},
    "endMaintenance": {"MAINTENANCE"},
    "retireAsset": {"DEPLOYED", "MAINTENANCE"},
    "disposeAsset": {"RETIRED"},
    "reportLost": {"PLANNED", "ORDERED", "IN_STOCK", "DEPLOYED", "MAINTENANCE"},
    "moveAsset": {"PLANNED", "ORDERED", "IN_STOCK", "DEPLOYED", "MAINTENANCE"},
}


@pytest.mark.parametrize(
    "status", ["PLANNED", "ORDERED", "IN_STOCK", "DEPLOYED", "MAINTENANCE", "RETIRED", "DISPOSED", "LOST"]
)
async def test_every_command_works_from_its_statuses_and_changes_nothing_from_others(store, status):
    asset = await in_status(store, status)

    for command, sources in MOVES.items():
        if status not in sources:
            error = await refused(store, command, id=asset["id"])
            assert (error["code"], error["field"]) == ("ASSET_WRONG_STATUS", "id")
        elif command not in {"reportLost", "moveAsset"}:
            await done(store, command, await in_status(store, status))


async def test_an_asset_is_deployed_at_the_customer_it_has_or_is_given(store):
    reserved = await created(store, customerId=str(NORD))
    assert (await done(store, "deployAsset", reserved))["customerId"] == str(NORD)

    other = await created(store, customerId=str(NORD))
    assert (await done(store, "deployAsset", other, customerId=str(SUED)))["customerId"] == str(SUED)


async def test_an_asset_that_was_installed_earlier_says_so(store):
    asset = await created(store, customerId=str(NORD))

    in_use = await done(store, "deployAsset", asset, installedAt="2026-02-20T08:00:00Z")

    assert in_use["installedAt"] == "2026-02-20T08:00:00+00:00"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "ASSET_NEEDS_CUSTOMER"),
        ({"customerId": None}, "ASSET_NEEDS_CUSTOMER"),
        ({"customerId": str(uuid4())}, "NOT_FOUND"),
    ],
)
async def test_stock_of_our_own_is_not_in_use(store, given, code):
    asset = await created(store)

    error = await refused(store, "deployAsset", id=asset["id"], **given)

    assert (error["code"], error["field"]) == (code, "customerId")


async def test_an_asset_that_moves_to_another_customer_leaves_site_and_person_behind(store):
    asset = await deployed(store, siteId=SITE, contactId=PERSON)
    elsewhere = str(uuid4())

    moved = await done(store, "moveAsset", asset, customerId=str(SUED), siteId=elsewhere)

    assert (moved["customerId"], moved["siteId"], moved["contactId"]) == (str(SUED), elsewhere, None)
    [*_, (kind, envelope)] = await told(store, asset)
    assert (kind, envelope["customerid"]) == ("asset.updated", str(SUED))
    assert envelope["data"]["changed"] == ["customerId", "siteId", "contactId"]


async def test_an_asset_that_moves_within_a_customer_keeps_what_is_not_said(store):
    asset = await deployed(store, siteId=SITE, contactId=PERSON)
    elsewhere = str(uuid4())

    moved = await done(store, "moveAsset", asset, siteId=elsewhere)
    assert (moved["customerId"], moved["siteId"], moved["contactId"]) == (str(NORD), elsewhere, PERSON)

    removed = await done(store, "moveAsset", asset, contactId=None)
    assert (removed["siteId"], removed["contactId"]) == (elsewhere, None)


async def test_only_what_is_not_in_use_goes_back_to_our_own_stock(store):
    reserved = await created(store, customerId=str(NORD), siteId=SITE)
    free = await done(store, "moveAsset", reserved, customerId=None)
    assert (free["customerId"], free["siteId"]) == (None, None)

    in_use = await deployed(store)
    error = await refused(store, "moveAsset", id=in_use["id"], customerId=None)
    assert (error["code"], error["field"]) == ("ASSET_NEEDS_CUSTOMER", "customerId")


# --- types


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


# --- walls


@pytest.mark.parametrize("identity", [str(uuid4()), "SRV-01", "", "'; DROP TABLE asset"])
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


# --- lists


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
    customer = uuid4()
    await store.knows("Customer", customer)
    mine = {"customerId": str(customer)}
    await created(store, **mine, name="one", type="nas", eolDate="2027-01-31", serialNumber="XYZ-1")
    await created(store, **mine, name="two", eolDate="2027-02-01", criticality="HIGH", managed=False)
    await deployed(store, **mine, name="three", hostname="xyz.example", siteId=SITE)

    async def names(wanted="", search=""):
        narrowed = f'filter: {{customerId: "{customer}" {wanted}}} {search}'
        found = await store.data(f"{{ assetsConnection({narrowed}) {{ nodes {{ name }} }} }}")
        return {one["name"] for one in found["assetsConnection"]["nodes"]}

    assert await names() == {"one", "two", "three"}
    assert await names('type: ["nas", "ups"]') == {"one"}
    assert await names("status: [DEPLOYED, MAINTENANCE]") == {"three"}
    assert await names("managed: false") == {"two"}
    assert await names("criticality: [HIGH]") == {"two"}
    assert await names(f'siteId: "{SITE}"') == {"three"}
    assert await names('eolDate: {since: "2027-01-01", until: "2027-02-01"}') == {"one"}
    assert await names(search='search: "xyz"') == {"one", "three"}
    assert await names(search='search: "xyz one"') == {"one"}
    assert await names(search='search: "%"') == set()
