"""The estate around single assets: licences and seats, relations and impact, stays, own fields, imports, labels, what ends soon."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from subgraphs.assets import consumers
from subgraphs.kit import work
from tests.subgraphs.assets.asking import NORD, PERSON, SITE, SUED, created, deployed, done, in_status, portal, told
from tests.subgraphs.assets.asking import run as run_asset
from tests.subgraphs.house import staff, system

LICENSE = (
    "license { id product purchased version compliance { entitled consumed reclaimable effectiveNeed toBuy status } }"
)
SEAT = "licenseSeat { id principal revokedAt }"
RELATION = "assetRelation { id kind sourceId targetId }"
IMPORT = "assetImport { id items }"
MATCH = "matchCandidate { id decision decidedAssetId }"
ENTITIES = {
    "createLicense": LICENSE, "updateLicense": LICENSE, "assignLicense": SEAT, "revokeLicense": SEAT,
    "observeLicenseSeat": SEAT, "relateAssets": RELATION, "unrelateAssets": RELATION, "bulkImportAssets": IMPORT,
    "decideMatch": MATCH, "mergeAssets": "asset { id name serialNumber hostname macAddresses }",
}  # fmt: skip


async def run(store, command, asking=None, **given):
    kind = command[0].upper() + command[1:] + "Input"
    query = (
        f"mutation($input: {kind}!) {{ {command}(input: $input) {{ {ENTITIES[command]} errors {{ code field }} }} }}"
    )
    return (await store.data(query, asking, input=given))[command]


async def ok(store, command, asking=None, **given):
    payload = await run(store, command, asking, **given)
    assert payload.pop("errors") == []
    return next(iter(payload.values()))


async def code(store, command, asking=None, **given):
    payload = await run(store, command, asking, **given)
    [error] = payload.pop("errors")
    assert list(payload.values()) == [None]
    return error["code"], error["field"]


async def bought(store, purchased=2, **more):
    return await ok(store, "createLicense", customerId=str(NORD), product=f"P-{uuid4()}", purchased=purchased, **more)


async def compliance(store, one):
    query = "query($id: ID!) { license(id: $id) { compliance { entitled consumed toBuy status } seats { principal } } }"
    return (await store.data(query, id=one["id"]))["license"]


async def events(store, kind, subject):
    rows = await store.rows(
        "SELECT envelope FROM outbox WHERE type = $1 AND envelope->>'subject' = $2 ORDER BY position", kind, subject
    )
    return [json.loads(row["envelope"])["data"] for row in rows]


# --- licences


async def test_seats_are_given_and_taken_back_and_every_change_of_the_standing_is_told_once(store):
    one = await bought(store, 1)
    first = await ok(store, "assignLicense", licenseId=one["id"], principal="Anna@Example.com")
    await ok(store, "assignLicense", licenseId=one["id"], principal="ben@example.com")
    over = await compliance(store, one)
    await ok(store, "revokeLicense", id=first["id"])

    assert over["compliance"] == {"entitled": 1, "consumed": 2, "toBuy": 1, "status": "UNDER_LICENSED"}
    assert [seat["principal"] for seat in over["seats"]] == ["anna@example.com", "ben@example.com"]
    assert (await compliance(store, one))["compliance"]["status"] == "COMPLIANT"
    changes = await events(store, "license.compliance_changed", f"License/{one['id']}")
    assert [(told["status"], told["consumed"]) for told in changes] == [("UNDER_LICENSED", 2), ("COMPLIANT", 1)]


async def test_an_account_holds_one_seat_of_a_licence_and_the_same_name_elsewhere_is_another(store):
    one = await bought(store)
    await ok(store, "assignLicense", licenseId=one["id"], principal="a", directory="north")

    assert await code(store, "assignLicense", licenseId=one["id"], principal="A ", directory="North") == (
        "LICENSE_SEAT_TAKEN",
        "principal",
    )
    await ok(store, "assignLicense", licenseId=one["id"], principal="a", directory="south")
    assert (await compliance(store, one))["compliance"]["consumed"] == 2


async def test_a_suite_covers_what_it_includes(store):
    suite = await bought(store, 1)
    single = await bought(store, 0)
    await ok(store, "updateLicense", id=suite["id"], includes=[single["product"]])
    await ok(store, "assignLicense", licenseId=suite["id"], principal="a")
    await ok(store, "assignLicense", licenseId=single["id"], principal="a")

    assert (await compliance(store, single))["compliance"] == {
        "entitled": 1, "consumed": 1, "toBuy": 0, "status": "COMPLIANT",
    }  # fmt: skip


async def test_what_is_disabled_can_be_reclaimed_before_more_is_bought(store):
    one = await bought(store, 1)
    idle = await ok(store, "assignLicense", licenseId=one["id"], principal="gone")
    await ok(store, "assignLicense", licenseId=one["id"], principal="here")
    await ok(store, "observeLicenseSeat", id=idle["id"], principalDisabled=True)

    assert (await compliance(store, one))["compliance"] == {
        "entitled": 1, "consumed": 2, "toBuy": 0, "status": "UNDER_LICENSED",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"purchased": -1}, ("VALIDATION", "purchased")),
        ({"product": " "}, ("VALIDATION", "product")),
        ({"costPerUnit": "-1"}, ("VALIDATION", "costPerUnit")),
        ({"customerId": str(uuid4())}, ("NOT_FOUND", "customerId")),
    ],
)
async def test_what_makes_no_sense_is_not_bought(store, given, refusal):
    before = await store.count("license")

    assert await code(store, "createLicense", **{"customerId": str(NORD), "product": "P", "purchased": 1} | given) == refusal  # fmt: skip
    assert await store.count("license") == before


async def test_licences_of_another_customer_are_not_there(store):
    one = await bought(store)
    theirs = portal(SUED)

    assert (await store.data("query($id: ID!) { license(id: $id) { id } }", theirs, id=one["id"])) == {"license": None}
    assert await code(store, "assignLicense", theirs, licenseId=one["id"], principal="x") == ("NOT_FOUND", "licenseId")


async def test_a_renewal_is_told_sixty_and_fourteen_days_before(store):
    renewal = store.moment.date() + timedelta(days=90)
    one = await bought(store, renewalDate=renewal.isoformat())
    payloads = await store.rows(
        "SELECT convert_from(payload, 'UTF8') AS p FROM job WHERE convert_from(payload, 'UTF8')::jsonb->>'license' = $1",
        one["id"],
    )
    days = sorted(json.loads(row["p"])["days"] for row in payloads)
    async with work.begin(store.engine, system(staff().tenant), module="assets") as job:
        await consumers.renewal_due(job, {"license": one["id"], "renewal": renewal.isoformat(), "days": 60})
        await consumers.renewal_due(job, {"license": one["id"], "renewal": "2020-01-01", "days": 60})

    assert days == [14, 60]
    assert [told["thresholdDays"] for told in await events(store, "license.renewal_due", f"License/{one['id']}")] == [
        60
    ]


# --- relations


async def test_a_failure_is_followed_to_everybody_who_suffers(store):
    switch, host, machine, printer = [await deployed(store, name=name) for name in ("switch", "host", "vm", "printer")]
    for source, target, kind in (
        (host, switch, "CONNECTED_TO"), (machine, host, "RUNS_ON"), (printer, switch, "CONNECTED_TO"),
        (switch, printer, "USES"),
    ):  # fmt: skip
        await ok(store, "relateAssets", fromId=source["id"], toId=target["id"], kind=kind)
    query = (
        "query($id: ID!, $depth: Int!) { asset(id: $id) { impact(depth: $depth) { distance kind asset { name } } "
        "relations { kind source { name } target { name } } } }"
    )

    found = (await store.data(query, id=switch["id"], depth=5))["asset"]
    near = (await store.data(query, id=switch["id"], depth=1))["asset"]

    assert {(hit["asset"]["name"], hit["distance"]) for hit in found["impact"]} == {
        ("host", 1),
        ("printer", 1),
        ("vm", 2),
    }
    assert {hit["asset"]["name"] for hit in near["impact"]} == {"host", "printer"}
    assert len(found["relations"]) == 3


async def test_the_failures_of_many_take_one_statement_for_each_round(store, statements):
    """Around a ring, each from its own place: the rounds of all are asked together, and end each for itself."""
    ring = [(await deployed(store, name=f"n{number}"))["id"] for number in range(6)]
    for source, target in zip(ring, [*ring[1:], ring[0]], strict=True):
        await ok(store, "relateAssets", fromId=source, toId=target, kind="USES")
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Asset { impact(depth: 3, offset: 1) { assetId viaId distance } } } }"

    with statements(store) as seen:
        found = await store.data(query, r=[{"__typename": "Asset", "id": one} for one in ring])

    assert [one["impact"] for one in found["_entities"]] == [
        [
            {"assetId": ring[at - 2], "viaId": ring[at - 1], "distance": 2},
            {"assetId": ring[at - 3], "viaId": ring[at - 2], "distance": 3},
        ]
        for at in range(6)
    ]
    assert sum("asset_relation" in statement for statement in seen) == 3


async def test_relations_that_make_no_sense_are_refused(store):
    a, b, c = [await deployed(store) for _ in range(3)]
    other = await deployed(store, customerId=str(SUED))
    await ok(store, "relateAssets", fromId=a["id"], toId=b["id"], kind="PART_OF")
    made = await ok(store, "relateAssets", fromId=b["id"], toId=c["id"], kind="PART_OF")

    assert await code(store, "relateAssets", fromId=c["id"], toId=a["id"], kind="PART_OF") == (
        "ASSET_RELATION_CIRCLE",
        "toId",
    )
    assert await code(store, "relateAssets", fromId=a["id"], toId=b["id"], kind="PART_OF") == (
        "ASSET_RELATION_EXISTS",
        "toId",
    )
    assert await code(store, "relateAssets", fromId=a["id"], toId=a["id"], kind="USES") == ("VALIDATION", "toId")
    assert await code(store, "relateAssets", fromId=a["id"], toId=other["id"], kind="USES") == ("VALIDATION", "toId")
    await ok(store, "unrelateAssets", id=made["id"])
    await ok(store, "relateAssets", fromId=c["id"], toId=a["id"], kind="PART_OF")


# --- places, own fields, labels, ends


async def test_where_an_asset_was_is_remembered(store):
    asset = await created(store, status="IN_STOCK", customerId=None)
    await done(store, "deployAsset", asset, customerId=str(NORD), siteId=SITE)
    await done(store, "moveAsset", asset, contactId=PERSON)
    await done(store, "updateAsset", asset, name="renamed")
    query = "query($id: ID!) { asset(id: $id) { stays { customerId siteId contactId until } } }"

    stays = (await store.data(query, id=asset["id"]))["asset"]["stays"]
    seen = (await store.data(query, portal(NORD), id=asset["id"]))["asset"]["stays"]

    assert [(stay["customerId"], stay["siteId"], stay["contactId"], stay["until"] is None) for stay in stays] == [
        (str(NORD), SITE, PERSON, True),
        (str(NORD), SITE, None, False),
        (None, None, None, False),
    ]
    assert len(seen) == 2, "what was nobody's is not the customer's to know"


async def test_a_type_of_ones_own_says_which_fields_its_assets_have(store):
    schema = {"type": "object", "required": ["lumen"], "properties": {"lumen": {"type": "integer"}}}
    query = "mutation($i: CreateAssetTypeInput!) { createAssetType(input: $i) { assetType { key attributeSchema } errors { code field } } }"
    key = f"projector_{uuid4().hex[:8]}"
    made = await store.data(query, i={"key": key, "name": "Projector", "attributeSchema": schema})
    bad = await store.data(query, i={"key": f"{key}x", "name": "X", "attributeSchema": {"type": 7}})
    sly = await store.data(query, i={"key": f"{key}y", "name": "X", "attributeSchema": {"$ref": "http://evil/"}})

    assert made["createAssetType"] == {"assetType": {"key": key, "attributeSchema": schema}, "errors": []}
    for refused in (bad, sly):
        assert refused["createAssetType"]["errors"] == [{"code": "VALIDATION", "field": "attributeSchema"}]
    wrong = await run_asset(store, "createAsset", name="P", type=key, attributes={"lumen": "bright"})
    assert wrong["errors"] == [
        {"code": "VALIDATION", "field": "attributes", "message": "attributes/lumen: 'bright' is not of type 'integer'"}
    ]
    await created(store, type=key, attributes={"lumen": 3000})


async def test_what_may_hold_data_is_not_disposed_of_without_a_certificate(store):
    asset = await in_status(store, "RETIRED")
    refused = await run_asset(store, "disposeAsset", id=asset["id"], wipeCertificate=None)
    screen = await deployed(store, type="ups")
    await done(store, "retireAsset", screen)
    gone = await run_asset(store, "disposeAsset", id=screen["id"], wipeCertificate=None)

    assert [(one["code"], one["field"]) for one in refused["errors"]] == [("ASSET_WIPE_MISSING", "wipeCertificate")]
    assert [kind for kind, _ in await told(store, asset)][-1] == "asset.retired"
    assert gone["asset"]["status"] == "DISPOSED"


async def test_the_seats_of_what_is_gone_are_free_again(store):
    asset = await in_status(store, "RETIRED")
    one = await bought(store)
    await ok(store, "assignLicense", licenseId=one["id"], principal="srv", assetId=asset["id"])
    await done(store, "disposeAsset", asset)

    assert (await compliance(store, one))["compliance"]["consumed"] == 0


async def test_a_label_leads_back_to_its_asset_and_no_name_breaks_it(store):
    asset = await deployed(store, name="<script>&", assetTag="NL-7")
    label = (await store.data("query($id: ID!) { asset(id: $id) { label } }", id=asset["id"]))["asset"]["label"]

    assert label.startswith("<svg")
    assert "&lt;script&gt;&amp;" in label
    assert "NL-7" in label


async def test_what_ends_soon_is_one_list_by_day(store):
    customer = uuid4()
    await store.knows("Customer", customer)
    today = store.moment.date()

    def ahead(days):
        return (today + timedelta(days=days)).isoformat()

    await deployed(store, name="old", customerId=str(customer), warrantyUntil=ahead(-5), eolDate=ahead(20))
    await deployed(store, name="new", customerId=str(customer), warrantyUntil=ahead(400))
    await ok(store, "createLicense", customerId=str(customer), product="office", purchased=1, renewalDate=ahead(10))
    query = (
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Customer "
        "{ expiringItems(withinDays: 30) { kind name day asset { name } license { product } software { name } devices } } } }"
    )
    [found] = (await store.data(query, r=[{"__typename": "Customer", "id": str(customer)}]))["_entities"]

    assert [(one["kind"], one["name"], one["day"]) for one in found["expiringItems"]] == [
        ("WARRANTY", "old", ahead(-5)),
        ("LICENSE_RENEWAL", "office", ahead(10)),
        ("END_OF_LIFE", "old", ahead(20)),
    ]


async def test_the_end_of_a_warranty_is_told(store):
    until = date(2027, 6, 30)
    asset = await deployed(store, warrantyUntil=until.isoformat())
    begin = {"module": "assets", "clock": lambda: datetime(2027, 6, 1, 3, tzinfo=UTC)}
    for _ in range(2):
        async with work.begin(store.engine, system(staff().tenant), **begin) as job:
            await consumers.warranty_due(job, {"asset": asset["id"], "until": until.isoformat(), "days": 30})

    assert [
        data["thresholdDays"] for data in await events(store, "asset.warranty_expiring", f"Asset/{asset['id']}")
    ] == [30]


async def test_a_certificate_that_runs_out_is_told_as_what_it_is(store):
    until = date(2027, 6, 30)
    asset = await deployed(store, type="certificate", name="shop.example", eolDate=until.isoformat())
    begin = {"module": "assets", "clock": lambda: datetime(2027, 6, 1, 3, tzinfo=UTC)}
    for _ in range(2):
        async with work.begin(store.engine, system(staff().tenant), **begin) as job:
            await consumers.eol_due(job, {"asset": asset["id"], "eol": until.isoformat(), "days": 30})

    [told_of] = await events(store, "certificate.expiring", f"Asset/{asset['id']}")
    assert (told_of["name"], told_of["expiresOn"], told_of["thresholdDays"]) == ("shop.example", "2027-06-30", 30)


async def test_an_asset_that_nobody_has_seen_for_thirty_days_is_told_once_and_again_after_it_was_seen(store):
    first, later = datetime(2026, 2, 10, 8, tzinfo=UTC), datetime(2026, 2, 20, 8, tzinfo=UTC)

    async def timers():
        rows = await store.rows("SELECT dedupe_key FROM job WHERE dedupe_key LIKE '%asset.stale/' || $1 || '%'", one)
        return sorted(row["dedupe_key"].rpartition("/")[2] for row in rows)

    async def fires(at):
        async with work.begin(store.engine, system(staff().tenant), module="assets", clock=lambda: at) as job:
            await consumers.stale_due(job, {"asset": one})
        return [data["days"] for data in await events(store, "asset.stale", f"Asset/{one}")]

    asset = await deployed(store, lastSeenAt=first.isoformat())
    one = asset["id"]
    assert await timers() == ["2026-03-12T08:00:00+00:00"]
    await done(store, "updateAsset", asset, lastSeenAt=later.isoformat())
    assert await timers() == ["2026-03-12T08:00:00+00:00"]

    assert await fires(first + timedelta(days=30)) == []
    assert await timers() == ["2026-03-12T08:00:00+00:00", "2026-03-22T08:00:00+00:00"]
    assert await fires(later + timedelta(days=31)) == [31]
    assert len(await timers()) == 2

    began, store.moment = store.moment, datetime(2026, 4, 1, 8, tzinfo=UTC)
    await done(store, "updateAsset", asset, lastSeenAt=store.moment.isoformat())
    store.moment = began
    assert (await timers())[-1] == "2026-05-01T08:00:00+00:00"
    await done(store, "retireAsset", asset)
    assert await fires(datetime(2026, 6, 1, tzinfo=UTC)) == [31]


# --- imports


async def test_an_import_creates_updates_asks_and_skips_twins(store):
    customer = uuid4()
    await store.knows("Customer", customer)
    known = await deployed(store, customerId=str(customer), name="known", serialNumber="S-1", manufacturer="Dell")
    await deployed(store, customerId=str(customer), name="maybe", hostname="pc-7")
    rows = [
        {"name": "known again", "type": "server", "serialNumber": "s-1", "manufacturer": "DELL", "hostname": "srv"},
        {"name": "maybe again", "type": "server", "hostname": "PC-7"},
        {"name": "fresh", "type": "notebook", "serialNumber": "S-9", "manufacturer": "Dell"},
        {"name": "fresh twin", "type": "notebook", "serialNumber": "S-9", "manufacturer": "Dell"},
        {"name": "broken", "type": "spaceship"},
    ]
    before = await store.count("asset")
    dry = await ok(store, "bulkImportAssets", customerId=str(customer), source="rmm", rows=rows, dryRun=True)
    assert await store.count("asset") == before

    made = await ok(store, "bulkImportAssets", customerId=str(customer), source="rmm", rows=rows)

    assert [item["decision"] for item in dry["items"]] == ["UPDATE", "REVIEW", "CREATE", "IGNORE", "CREATE"]
    assert [item["decision"] for item in made["items"]] == ["UPDATE", "REVIEW", "CREATE", "IGNORE", "CREATE"]
    assert made["items"][0]["assetId"] == known["id"]
    assert made["items"][3] == {"decision": "IGNORE", "twinOf": 2}
    assert made["items"][4]["error"]["code"] == "NOT_FOUND"
    assert await store.count("asset") == before + 1
    again = await ok(store, "bulkImportAssets", customerId=str(customer), source="rmm", rows=rows[:1] + rows[2:3])
    assert [item["decision"] for item in again["items"]] == ["UPDATE", "UPDATE"]
    assert await store.count("asset") == before + 1


async def test_somebody_decides_once_what_something_is(store):
    customer = uuid4()
    await store.knows("Customer", customer)
    one = await deployed(store, customerId=str(customer), hostname="pc-1", name="before")
    row = {"name": "after", "type": "server", "hostname": "pc-1"}
    made = await ok(store, "bulkImportAssets", customerId=str(customer), source="rmm", rows=[row])
    candidate = made["items"][0]["candidateId"]

    assert await code(store, "decideMatch", id=candidate, decision="REVIEW") == ("VALIDATION", "decision")
    decided = await ok(store, "decideMatch", id=candidate, decision="UPDATE")
    assert (decided["decision"], decided["decidedAssetId"]) == ("UPDATE", one["id"])
    assert await code(store, "decideMatch", id=candidate, decision="CREATE") == ("ASSET_MATCH_DECIDED", "id")
    assert (await store.data("query($id: ID!) { asset(id: $id) { name } }", id=one["id"]))["asset"]["name"] == "after"


async def test_two_records_become_one_and_nothing_is_lost(store):
    keep = await deployed(store, name="keep", macAddresses=["00:11:22:33:44:55"])
    gone = await deployed(store, name="gone", serialNumber="S-77", macAddresses=["66:77:88:99:aa:bb"])
    neighbour = await deployed(store)
    await ok(store, "relateAssets", fromId=neighbour["id"], toId=gone["id"], kind="USES")
    await ok(store, "relateAssets", fromId=gone["id"], toId=keep["id"], kind="USES")
    merged = await ok(store, "mergeAssets", keepId=keep["id"], mergeId=gone["id"])
    after = (
        await store.data(
            "query($id: ID!) { asset(id: $id) { relations { source { id } target { id } } } }", id=keep["id"]
        )
    )["asset"]

    assert merged == {
        "id": keep["id"], "name": "keep", "serialNumber": "S-77", "hostname": None,
        "macAddresses": ["00:11:22:33:44:55", "66:77:88:99:aa:bb"],
    }  # fmt: skip
    assert after["relations"] == [{"source": {"id": neighbour["id"]}, "target": {"id": keep["id"]}}]
    assert (await told(store, gone))[-1][0] in {"asset.merged", "asset.updated"}
    assert await code(store, "mergeAssets", keepId=keep["id"], mergeId=keep["id"]) == ("VALIDATION", "mergeId")


async def test_assets_of_different_customers_are_never_one(store):
    one, other = await deployed(store), await deployed(store, customerId=str(SUED))

    assert await code(store, "mergeAssets", keepId=one["id"], mergeId=other["id"]) == ("VALIDATION", "mergeId")
    assert UUID(one["id"]) != UUID(other["id"])
