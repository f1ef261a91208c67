"""What else is known of an asset: what is in it, what was paid for it and who may know that; and in whose night its end is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from contracts.events import billing
from contracts.events.envelope import Envelope
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules.assets import Threshold
from subgraphs.assets.service import zones
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from tests.subgraphs.assets.asking import NORD, created, deployed, done, refused, told
from tests.subgraphs.house import B, staff

SAID = {
    "cpu": "AMD EPYC 4464P", "ramMb": 65536, "diskGb": 3840, "supplier": "Großhandel AG", "invoiceRef": "R-4711",
    "lastSeenSource": "agent", "rmmRef": "agent-0815", "purchasePrice": "2499.995", "secretsRef": "vault/42",
}  # fmt: skip
SHOWN = "query($id: ID!) { asset(id: $id) { cpu ramMb diskGb supplier invoiceRef lastSeenSource rmmRef purchasePrice secretsRef } }"
PLAIN = {name: value for name, value in SAID.items() if name not in {"purchasePrice", "secretsRef"}}


async def test_what_is_known_is_shown_and_prices_and_the_vault_only_to_whom_they_concern(store):
    asset = await deployed(store, **SAID)
    assert (await store.data(SHOWN, id=asset["id"]))["asset"] == {
        **PLAIN,
        "purchasePrice": "2500.00",
        "secretsRef": "vault/42",
    }

    few = frozenset({"assets:read"})
    for asking in (staff(scopes=few), staff(kind="CUSTOMER", customers=frozenset({NORD}), scopes=few)):
        answer = await store.ask(SHOWN, asking, id=asset["id"])
        assert answer["data"]["asset"] == {**PLAIN, "purchasePrice": None, "secretsRef": None}
        assert sorted(one["path"][-1] for one in answer["errors"]) == ["purchasePrice", "secretsRef"]
        assert {one["extensions"]["code"] for one in answer["errors"]} == {"FORBIDDEN"}


async def test_what_a_licence_costs_and_where_its_key_is_only_to_whom_they_concern(store):
    text = """mutation($i: CreateLicenseInput!) { createLicense(input: $i) { license { id costPerUnit keyRef } errors { code } } }"""
    given = {"customerId": str(NORD), "product": "secretive", "purchased": 1, "costPerUnit": "9.5", "keyRef": "vault/7"}
    made = (await store.data(text, i=given))["createLicense"]["license"]
    assert (made["costPerUnit"], made["keyRef"]) == ("9.5", "vault/7")

    query = "query($id: ID!) { license(id: $id) { product costPerUnit keyRef } }"
    answer = await store.ask(query, staff(scopes=frozenset({"licenses:read"})), id=made["id"])
    assert answer["data"]["license"] == {"product": "secretive", "costPerUnit": None, "keyRef": None}
    assert sorted(one["path"][-1] for one in answer["errors"]) == ["costPerUnit", "keyRef"]


async def test_a_change_tells_the_names_of_what_changed_and_no_price(store):
    asset = await created(store)
    await done(store, "updateAsset", asset, **SAID)
    await done(store, "updateAsset", asset, **dict.fromkeys(SAID))

    changes = [one["data"] for type_, one in await told(store, asset) if type_ == "asset.updated"]
    assert [set(one["changed"]) for one in changes] == [set(SAID), set(SAID)]
    assert "purchasePrice" not in changes[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ramMb", -1),
        ("diskGb", 2_000_000_001),
        ("purchasePrice", "-0.01"),
        ("purchasePrice", "1e15"),
        ("cpu", "x" * 201),
    ],
)
async def test_rubbish_is_refused_by_name_and_changes_nothing(store, field, value):
    asset = await created(store)
    error = await refused(store, "updateAsset", id=asset["id"], **{field: value})
    assert (error["code"], error["field"]) == ("VALIDATION", field)


async def test_it_is_found_by_what_the_remote_management_calls_it(store):
    asset = await deployed(store, rmmRef="agent-of-one")
    query = '{ assetsConnection(filter: {rmmRef: "agent-of-one"}) { nodes { id } } }'
    assert (await store.data(query))["assetsConnection"]["nodes"] == [{"id": asset["id"]}]


def test_an_end_is_told_at_two_in_the_tenants_night():
    eol, honolulu = date(2026, 10, 14), ZoneInfo("Pacific/Honolulu")
    at = datetime(2026, 10, 14, 3, tzinfo=UTC)  # 02:00 in UTC and in Berlin is over, in Honolulu it is the day before

    assert rules.moment(eol, 0, ZoneInfo("Europe/Berlin")) == datetime(2026, 10, 14, 0, tzinfo=UTC)
    assert rules.fired(eol, 30, 0, at, zone=honolulu) == rules.Telling(
        None, Threshold(0, datetime(2026, 10, 14, 12, tzinfo=UTC))
    )
    assert rules.fired(eol, 30, 0, at + timedelta(hours=9), zone=honolulu) == rules.Telling(0, None)
    assert rules.next_threshold(eol, None, at, zone=honolulu) == Threshold(30, datetime(2026, 10, 14, 12, tzinfo=UTC))
    night = rules.moment(date(2026, 3, 29), 0, ZoneInfo("Europe/Berlin"))  # the hour that is skipped
    assert night == datetime(2026, 3, 29, 1, tzinfo=UTC)


async def test_the_night_is_where_the_first_company_of_the_tenant_sells(store):
    async def where():
        async with work.begin(store.engine, system(B), module="assets") as job:
            return (await zones.of(job)).key

    async def hear(identity, zone, *, ago=0):
        plain = {"name": "x", "address": {}, "contact_name": "x", "contact_email": "x@x.example"}
        event = billing.LegalEntityUpdated(id=identity, time_zone=zone, **plain)
        envelope = Envelope(
            id=uuid7(), source="/psa/billing", type=event.type, subject=f"LegalEntity/{identity}",
            time=datetime.now(UTC) - timedelta(minutes=ago), tenantid=B, dataschema=event.dataschema(), actorkind="SYSTEM",
            actorid=uuid4(), schemaversion=1, data=event.model_dump(mode="json"),
        )  # fmt: skip
        async with work.begin(store.engine, system(B), module="assets") as job:
            await zones.learn(job, envelope)

    first, second = UUID(int=1), UUID(int=2)
    assert await where() == "Europe/Berlin"
    await hear(second, "Asia/Tokyo")
    assert await where() == "Asia/Tokyo"
    await hear(first, "America/New_York")
    await hear(first, "Europe/Vienna", ago=5)
    assert await where() == "America/New_York"
