"""Software on devices: inventories compared, products of a release, and where they are."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.assets.rules import software as rules
from subgraphs.assets.rules.software import Software
from tests.subgraphs.assets.asking import NORD, PERSON, SITE, SUED, created, deployed, done, portal, run
from tests.subgraphs.house import A, B, staff

REPORT = """mutation($i: ReportSoftwareInput!) { reportSoftware(input: $i) {
    asset { id software { source product { id name vendor release installCount } } } errors { code field } } }"""

ids = st.frozensets(st.uuids(), max_size=6)


def test_a_product_is_the_same_however_an_agent_writes_it_and_another_in_another_release():
    office = Software("Office  Pro", "Microsoft", "16.0")

    assert Software("office pro", "MICROSOFT", "16.0").identity(A) == office.identity(A)
    assert Software("Office Pro", "Microsoft", "15.0").identity(A) != office.identity(A)
    assert Software("Office Pro", None, "16.0").identity(A) != office.identity(A)
    assert office.identity(B) != office.identity(A)


@given(known=ids, reported=ids)
def test_after_a_complete_report_exactly_what_it_names_is_there(known, reported):
    found = rules.changes(known, reported, complete=True)

    assert (known | found.appeared) - found.gone == reported
    assert rules.changes(reported, reported, complete=True) == rules.Changes(frozenset(), frozenset())
    assert rules.changes(known, reported, complete=False) == rules.Changes(reported - known, frozenset())


async def report(store, asset, *names, **more):
    items = [{"name": name, "vendor": "Maker", "release": release} for name, release in names]
    given = {"assetId": asset["id"], "source": "agent", "items": items} | more
    payload = (await store.data(REPORT, i=given))["reportSoftware"]
    assert payload["errors"] == []
    return sorted((one["product"]["name"], one["product"]["release"]) for one in payload["asset"]["software"])


async def test_a_report_adds_what_is_new_and_takes_away_what_is_gone(store):
    asset, other = await deployed(store), await deployed(store)
    first = await report(store, asset, ("Office", "16.0"), ("7-Zip", "23.01"))
    again = await report(store, asset, ("OFFICE", "16.0"), ("7-Zip", "24.09"))
    more = await report(store, asset, ("Chrome", "120"), complete=False)
    await report(store, other, ("Office", "16.0"))

    assert first == [("7-Zip", "23.01"), ("Office", "16.0")]
    assert again == [("7-Zip", "24.09"), ("Office", "16.0")]
    assert more == [("7-Zip", "24.09"), ("Chrome", "120"), ("Office", "16.0")]
    query = """query($s: String) { softwareProductsConnection(search: $s, first: 5) { nodes: edges { node {
        id name installCount installs { asset { id } } } } } }"""
    (office,) = (await store.data(query, s="Office"))["softwareProductsConnection"]["nodes"]
    assert (office["node"]["name"], office["node"]["installCount"]) == ("Office", 2)
    assert [one["asset"]["id"] for one in office["node"]["installs"]] == [asset["id"], other["id"]]

    eol = "mutation($i: SetSoftwareEolInput!) { setSoftwareEol(input: $i) { softwareProduct { eolDate } errors { code } } }"
    assert (await store.data(eol, i={"id": office["node"]["id"], "eolDate": "2026-10-13"}))["setSoftwareEol"] == {
        "softwareProduct": {"eolDate": "2026-10-13"}, "errors": [],
    }  # fmt: skip
    ends = 'query { softwareProductsConnection(filter: {eolDate: {since: "2026-10-01", until: "2026-11-01"}}) { edges { node { name } } } }'
    assert (await store.data(ends))["softwareProductsConnection"]["edges"] == [{"node": {"name": "Office"}}]


async def test_software_goes_with_its_device_and_ends_with_it(store):
    asset = await deployed(store)
    await report(store, asset, ("Tool", "1"))
    await done(store, "moveAsset", asset, customerId=str(SUED))
    owner = "SELECT DISTINCT customer_id FROM software_install WHERE asset_id::text = $1"
    assert [row["customer_id"] for row in await store.rows(owner, asset["id"])] == [SUED]

    await done(store, "retireAsset", asset)
    await done(store, "disposeAsset", asset)
    query = "query($id: ID!) { asset(id: $id) { software { source } } }"
    assert (await store.data(query, id=asset["id"]))["asset"]["software"] == []


async def test_nobody_sees_or_reports_software_of_devices_that_are_not_theirs(store):
    asset = await deployed(store)
    await report(store, asset, ("Secret", "1"))
    stranger = staff(B)
    given = {"assetId": asset["id"], "source": "agent", "items": []}
    query = '{ softwareProductsConnection(search: "Secret") { edges { node { name } } } }'

    refused = (await store.data(REPORT, stranger, i=given))["reportSoftware"]
    assert refused == {"asset": None, "errors": [{"code": "NOT_FOUND", "field": "assetId"}]}
    assert (await store.data(query, stranger))["softwareProductsConnection"]["edges"] == []
    customer = staff(kind="CUSTOMER", customers=frozenset({SUED}), scopes=frozenset({"assets:read"}))
    assert (await store.data(query, customer))["softwareProductsConnection"]["edges"] == []
    theirs = staff(kind="CUSTOMER", customers=frozenset({NORD}), scopes=frozenset({"assets:read"}))
    assert (await store.data(query, theirs))["softwareProductsConnection"]["edges"] == [{"node": {"name": "Secret"}}]


async def test_people_and_places_lead_to_what_they_have(store):
    used = await deployed(store, name="LAP-77", siteId=SITE, contactId=PERSON)
    await created(store, status="IN_STOCK", customerId=str(NORD))
    query = """query($r: [_Any!]!) { _entities(representations: $r) {
        ... on Contact { used: assets(status: DEPLOYED) { name } } ... on Site { there: assets(type: "server") { name } } } }"""
    asked = [
        {"__typename": "Contact", "id": PERSON},
        {"__typename": "Site", "id": SITE},
        {"__typename": "Site", "id": str(uuid4())},
    ]
    person, place, nowhere = (await store.data(query, r=asked))["_entities"]

    assert used["name"] in {one["name"] for one in person["used"]}
    assert used["name"] in {one["name"] for one in place["there"]}
    assert nowhere["there"] == []


async def test_time_alone_makes_a_licence_end_and_looking_again_tells_it(store):
    make = "mutation($i: CreateLicenseInput!) { createLicense(input: $i) { license { id } errors { code } } }"
    bought = {"customerId": str(NORD), "product": "Ends", "metric": "USER", "purchased": 1, "endDate": "2020-01-01"}
    made = (await store.data(make, i=bought))["createLicense"]["license"]
    text = """mutation($i: RecomputeComplianceInput!) { recomputeCompliance(input: $i) {
        license { compliance { status } } errors { code } } }"""

    found = (await store.data(text, i={"id": made["id"]}))["recomputeCompliance"]
    assert found == {"license": {"compliance": {"status": "EXPIRED"}}, "errors": []}
    assert (await run(store, "retireAsset", id=str(uuid4())))["errors"][0]["code"] == "NOT_FOUND"


async def test_software_that_its_maker_drops_ends_once_for_each_customer_who_has_it(store):
    found = []
    for customer in (NORD, NORD, SUED):
        asset = await deployed(store, customerId=str(customer))
        await report(store, asset, ("Dropped", "2012"))
        found.append(asset)
    retired = await deployed(store)
    await report(store, retired, ("Dropped", "2012"))
    await done(store, "retireAsset", retired)
    query = '{ softwareProductsConnection(search: "Dropped") { edges { node { id } } } }'
    (product,) = (await store.data(query))["softwareProductsConnection"]["edges"]
    eol = "mutation($i: SetSoftwareEolInput!) { setSoftwareEol(input: $i) { errors { code } } }"
    end = (store.moment + timedelta(days=80)).date().isoformat()
    await store.data(eol, i={"id": product["node"]["id"], "eolDate": end})

    fields = "kind name day devices software { id } asset { id } license { id } customer { id }"
    ends = (await store.data(f"{{ expiringItems(withinDays: 85, limit: 200) {{ {fields} }} }}"))["expiringItems"]
    plain = {
        "kind": "SOFTWARE_END_OF_LIFE", "name": "Maker Dropped 2012", "day": end, "software": product["node"], "asset": None,
        "license": None,
    }  # fmt: skip
    assert [one for one in ends if one["name"] == "Maker Dropped 2012"] == [
        plain | {"devices": count, "customer": {"id": str(whose)}} for whose, count in sorted([(NORD, 2), (SUED, 1)])
    ]
    theirs = (await store.data(f"{{ expiringItems(withinDays: 85, limit: 200) {{ {fields} }} }}", portal(SUED)))[
        "expiringItems"
    ]
    assert [one["devices"] for one in theirs if one["name"] == "Maker Dropped 2012"] == [1]
    sooner = (await store.data(f"{{ expiringItems(withinDays: 79, limit: 200) {{ {fields} }} }}"))["expiringItems"]
    assert "Maker Dropped 2012" not in [one["name"] for one in sooner]
