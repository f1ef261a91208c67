"""Long jobs in the graph, in each module that has some: begun by a command, done by the worker, seen by those who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events.tickets import TicketAssigned
from contracts.scopes import PERMISSIONS
from tests.subgraphs.conftest import Start
from tests.subgraphs.house import B, staff
from tests.subgraphs.integrations.conftest import Hub
from tests.subgraphs.long_jobs import begun, seen, worked

ROW = {"name": "printer", "type": "printer", "serialNumber": "X-1", "warrantyUntil": "2027-05-01"}
DOUBT = {"name": "maybe", "type": "server", "hostname": "PC-7", "purchaseDate": "2025-01-31"}


async def test_devices_are_taken_in_by_a_worker(start: Start) -> None:
    store = await start("assets")
    customer = uuid4()
    await store.knows("Customer", customer)
    store_input = {"customerId": str(customer), "source": "rmm"}
    await begun(store, "startAssetImport", **store_input, rows=[{"name": "pc", "type": "server", "hostname": "pc-7"}])
    assert await worked(store) == 1

    made = await begun(store, "startAssetImport", **store_input, rows=[ROW, DOUBT])
    job = made["job"]
    assert (job["kind"], job["status"], job["percent"]) == ("assets.import", "QUEUED", 0)
    assert await worked(store) == 1

    done = await seen(store, job["id"])
    assert done is not None
    assert (done["status"], done["percent"], done["resultType"]) == ("SUCCEEDED", 100, "AssetImport")
    query = "query($id: ID!) { assetImport(id: $id) { items } }"
    items = (await store.data(query, id=done["resultId"]))["assetImport"]["items"]
    assert [item["decision"] for item in items] == ["CREATE", "REVIEW"]
    (asset,) = await store.rows("SELECT warranty_until, created_by FROM asset WHERE id = $1", UUID(items[0]["assetId"]))
    assert (str(asset["warranty_until"]), asset["created_by"]) == ("2027-05-01", staff().subject)

    decide = """mutation($id: ID!) { decideMatch(input: {id: $id, decision: UPDATE}) {
        matchCandidate { decidedAssetId } errors { code } } }"""
    decided = (await store.data(decide, id=items[1]["candidateId"]))["decideMatch"]
    assert decided["errors"] == []
    (device,) = await store.rows("SELECT purchase_date FROM asset WHERE hostname ILIKE 'pc-7'")
    assert str(device["purchase_date"]) == "2025-01-31"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"customerId": str(uuid4()), "rows": [ROW]}, ("NOT_FOUND", "customerId")),
        ({"customerId": "rubbish", "rows": [ROW]}, ("NOT_FOUND", "customerId")),
        ({"rows": []}, ("VALIDATION", "rows")),
    ],
)
async def test_what_can_be_known_before_is_refused_at_once(
    start: Start, given: dict[str, Any], code: tuple[str, str]
) -> None:
    store, customer = await start("assets"), uuid4()
    await store.knows("Customer", customer)

    answer = await begun(store, "startAssetImport", **{"customerId": str(customer), "source": "rmm"} | given)

    assert (answer["job"], [(one["code"], one["field"]) for one in answer["errors"]]) == (None, [code])
    assert await worked(store) == 0


async def test_a_job_is_seen_by_who_began_it_and_who_might_have(start: Start) -> None:
    store, customer = await start("assets"), uuid4()
    await store.knows("Customer", customer)
    job = (await begun(store, "startAssetImport", customerId=str(customer), source="rmm", rows=[ROW]))["job"]["id"]

    assert await seen(store, job, staff(subject=uuid4())) is not None
    assert await seen(store, job, staff(B)) is None
    assert await seen(store, "rubbish") is None
    answer = await store.ask(
        f'{{ assetsJob(id: "{job}") {{ id }} assetsJobs {{ id }} }}',
        staff(scopes=frozenset(PERMISSIONS) - {"assets:write"}),
    )
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}
    listed = (await store.data("{ assetsJobs(status: QUEUED, limit: 1) { id } }"))["assetsJobs"]
    assert listed == [{"id": job}]
    await worked(store)


async def test_what_a_receiver_missed_is_sent_again_by_a_worker(start: Start) -> None:
    service = await start("integrations")
    hub = Hub(service)
    hook = await hub.subscribe("https://example.com/hook")
    for _ in range(3):
        await hub.happens(TicketAssigned(id=uuid4()))
    await service.rows("UPDATE webhook_delivery SET status = 'DEAD', next_retry_at = NULL, finished_at = now()")
    since = service.moment - timedelta(hours=1)
    hub.passes(hours=1)

    job = (await begun(service, "startDeliveryReplay", subscriptionId=str(hook["id"]), since=since.isoformat()))["job"]
    assert await worked(service) == 1

    done = await seen(service, job["id"])
    assert done is not None
    assert (done["status"], done["resultId"]) == ("SUCCEEDED", str(hook["id"]))
    kinds = [row["kind"] for row in await hub.deliveries(hook["id"])]
    assert (kinds.count("EVENT"), kinds.count("REPLAY")) == (3, 3)


async def test_progress_itself_is_an_event_for_those_who_look_after_the_tenant(start: Start) -> None:
    store, customer = await start("assets"), uuid4()
    await store.knows("Customer", customer)
    job = (await begun(store, "startAssetImport", customerId=str(customer), source="rmm", rows=[ROW]))["job"]["id"]
    await worked(store)
    rows = await store.rows(
        "SELECT envelope->'data'->>'status' AS status FROM outbox WHERE envelope->>'subject' = $1 ORDER BY position",
        f"Job/{job}",
    )
    statuses = [row["status"] for row in rows]
    assert (statuses[0], statuses[-1], set(statuses[1:-1])) == ("QUEUED", "SUCCEEDED", {"RUNNING"})
