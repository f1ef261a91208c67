"""Assets as a caller meets them: created, changed, and moved through their life."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest

from contracts.events.crm import SiteCreated
from subgraphs.kit import outbox, process, work
from subgraphs.kit.caller import system
from tests.subgraphs.assets.asking import (
    ABROAD,
    ANNEX,
    MOVES,
    NORD,
    NOW,
    PERSON,
    SITE,
    SUED,
    created,
    deployed,
    done,
    in_status,
    refused,
    run,
    told,
)
from tests.subgraphs.house import A, staff

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
        "installedAt": "2026-03-02T09:00:00Z",
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
        ({"siteId": ABROAD, "customerId": str(NORD)}, "VALIDATION", "siteId"),
        ({"siteId": str(uuid4()), "customerId": str(NORD)}, "NOT_FOUND", "siteId"),
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
    await run(store, "updateAsset", id=asset["id"], name="SRV-02", clientMutationId="k-2")

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

    moved = await done(store, "moveAsset", asset, customerId=str(SUED), siteId=ABROAD)

    assert (moved["customerId"], moved["siteId"], moved["contactId"]) == (str(SUED), ABROAD, None)
    [*_, (kind, envelope)] = await told(store, asset)
    assert (kind, envelope["customerid"]) == ("asset.updated", str(SUED))
    assert envelope["data"]["changed"] == ["customerId", "siteId", "contactId"]


async def test_an_asset_that_moves_within_a_customer_keeps_what_is_not_said(store):
    asset = await deployed(store, siteId=SITE, contactId=PERSON)

    moved = await done(store, "moveAsset", asset, siteId=ANNEX)
    assert (moved["customerId"], moved["siteId"], moved["contactId"]) == (str(NORD), ANNEX, PERSON)

    removed = await done(store, "moveAsset", asset, contactId=None)
    assert (removed["siteId"], removed["contactId"]) == (ANNEX, None)


async def test_an_asset_stands_at_a_site_of_its_own_customer(store):
    asset, stock = await deployed(store, siteId=SITE), await created(store)

    for command, given in (
        ("moveAsset", {"id": asset["id"], "siteId": ABROAD}),
        ("moveAsset", {"id": asset["id"], "customerId": str(SUED), "siteId": SITE}),
        ("deployAsset", {"id": stock["id"], "customerId": str(SUED), "siteId": SITE}),
        ("moveAsset", {"id": stock["id"], "siteId": SITE}),
    ):
        error = await refused(store, command, **given)
        assert (error["code"], error["field"]) == ("VALIDATION", "siteId")


async def test_a_site_is_known_as_soon_as_crm_has_told_of_it(store):
    site = uuid4()
    told_of = SiteCreated(id=site, customer_id=NORD, name="Harbour")
    async with work.begin(store.engine, system(A), module="crm") as elsewhere:
        envelope = await outbox.append(elsewhere, told_of, subject=site, customer=NORD)
    [consumer] = [one for one in process.consumers(store.module) if "site.created" in one.events]

    async with work.begin(store.engine, system(A), module="assets") as job:
        await consumer.handle(job, envelope)

    assert (await deployed(store, siteId=str(site)))["siteId"] == str(site)


async def test_only_what_is_not_in_use_goes_back_to_our_own_stock(store):
    reserved = await created(store, customerId=str(NORD), siteId=SITE)
    free = await done(store, "moveAsset", reserved, customerId=None)
    assert (free["customerId"], free["siteId"]) == (None, None)

    in_use = await deployed(store)
    error = await refused(store, "moveAsset", id=in_use["id"], customerId=None)
    assert (error["code"], error["field"]) == ("ASSET_NEEDS_CUSTOMER", "customerId")
