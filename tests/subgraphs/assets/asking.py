"""How tests of assets ask: a command and its answer, an asset in some state, a refusal that leaves no trace."""

from __future__ import annotations

import json
from uuid import uuid4

from tests.subgraphs.house import but_refusals, staff

NORD, SUED, COMMON = uuid4(), uuid4(), uuid4()
SITE, ANNEX, ABROAD, PERSON = (str(uuid4()) for _ in range(4))

FIELDS = "id name type customerId siteId contactId status managed criticality installedAt retiredAt eolDate version"
TYPE_FIELDS = "key name countsAsDevice icon parent { key }"

NOW = "2026-03-02T09:00:00+00:00"

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


async def run(store, command, asking=None, repeatable=None, **given):
    if command == "disposeAsset":
        given = {"wipeCertificate": "W-2026-1"} | given
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
    hashes = (
        f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t{but_refusals(table)}) AS {table}"
        for table in tables
    )
    sql = f"SELECT {', '.join(hashes)}"
    before = await store.rows(sql)
    payload = await run(store, command, asking, **given)
    assert await store.rows(sql) == before
    [error] = payload.pop("errors")
    assert list(payload.values()) == [None]
    return error


def portal(*customers):
    return staff(kind="CUSTOMER", customers=frozenset(customers))
