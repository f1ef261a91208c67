"""Whose events a webhook hears, who may have a hand in it, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from subgraphs.integrations.service import changes, dispatch
from subgraphs.kit import jobs
from subgraphs.kit.caller import Caller
from subgraphs.kit.jobs import Pace
from tests.subgraphs.house import A, B, staff
from tests.subgraphs.integrations.conftest import Hub, a_ticket
from tests.subgraphs.integrations.receiver import OK, hangs, listening

CREATE = (
    "mutation ($input: CreateWebhookSubscriptionInput!) { createWebhookSubscription(input: $input)"
    " { webhookSubscription { id customerId scopes } errors { code field } } }"
)
UPDATE = (
    "mutation ($input: UpdateWebhookSubscriptionInput!) { updateWebhookSubscription(input: $input)"
    " { webhookSubscription { url version } errors { code field } } }"
)


async def created(hub: Hub, caller: Caller, **more: Any) -> Any:
    given = {"name": "hook", "url": "https://hook.example/", "eventPatterns": ["ticket.*"]} | more
    return (await hub.service.data(CREATE, caller, input=given))["createWebhookSubscription"]


async def heard(hub: Hub) -> dict[UUID, int]:
    """How many deliveries there are of each webhook."""
    rows = await hub.service.rows("SELECT subscription_id, count(*) AS n FROM webhook_delivery GROUP BY 1")
    return {row["subscription_id"]: row["n"] for row in rows}


async def test_a_webhook_hears_its_own_tenant_and_its_own_customer_and_none_that_its_maker_may_not_see(
    hub: Hub,
) -> None:
    mine, yours = uuid4(), uuid4()
    for customer in (mine, yours):
        await hub.service.knows("Customer", customer)
    everything = UUID((await created(hub, staff()))["webhookSubscription"]["id"])
    one = UUID((await created(hub, staff(), customerId=str(mine)))["webhookSubscription"]["id"])
    limited = staff(customers=frozenset({mine}), kind="SERVICE")
    refused = await created(hub, limited)
    its_own = UUID((await created(hub, limited, customerId=str(mine)))["webhookSubscription"]["id"])
    foreign = await created(hub, limited, customerId=str(yours))
    but_one = UUID((await created(hub, staff(denied=frozenset({yours}))))["webhookSubscription"]["id"])
    for customer in (mine, yours):
        await hub.happens(a_ticket(), customer=customer)
    await hub.happens(a_ticket(), customer=mine, tenant=B)

    assert refused["errors"] == [{"code": "FORBIDDEN", "field": "customerId"}]
    assert foreign["errors"] == [{"code": "NOT_FOUND", "field": "customerId"}]
    assert await heard(hub) == {everything: 2, one: 1, its_own: 1, but_one: 1}
    seen = await hub.service.data("{ webhookSubscriptions { id deliveries { eventType } } }", limited)
    assert {row["id"] for row in seen["webhookSubscriptions"]} == {str(one), str(its_own)}


async def test_nobody_gives_a_webhook_more_than_they_hold_and_nobody_who_holds_less_leads_it_elsewhere(
    hub: Hub,
) -> None:
    clerk = staff(scopes=frozenset({"webhooks:read", "webhooks:write", "tickets:read"}))
    too_much = await created(hub, clerk, scopes=["tickets:read", "invoices:read"])
    unknown = await created(hub, clerk, scopes=["webhooks:write"])
    plain = (await created(hub, clerk))["webhookSubscription"]
    owners = (await created(hub, staff()))["webhookSubscription"]
    stolen = await hub.service.data(UPDATE, clerk, input={"id": owners["id"], "url": "https://thief.example/"})

    assert too_much["errors"] == [{"code": "FORBIDDEN", "field": "scopes"}]
    assert unknown["errors"] == [{"code": "VALIDATION", "field": "scopes"}]
    assert plain["scopes"] == ["tickets:read", "webhooks:read"]
    assert [error["code"] for error in stolen["updateWebhookSubscription"]["errors"]] == ["FORBIDDEN"]
    urls = await hub.service.rows("SELECT DISTINCT url FROM webhook_subscription")
    assert [row["url"] for row in urls] == ["https://hook.example/"]


async def test_a_change_takes_what_is_given_and_leaves_the_rest(hub: Hub) -> None:
    made = (await created(hub, staff(), retrySeconds=[1]))["webhookSubscription"]
    given = {"id": made["id"], "version": 1, "url": "https://other.example/x", "retrySeconds": None}
    changed = (await hub.service.data(UPDATE, input=given))["updateWebhookSubscription"]
    stale = (await hub.service.data(UPDATE, input=given))["updateWebhookSubscription"]
    wrong = (await hub.service.data(UPDATE, input={"id": made["id"], "concurrency": 21}))["updateWebhookSubscription"]

    assert changed == {"webhookSubscription": {"url": "https://other.example/x", "version": 2}, "errors": []}
    assert stale["errors"] == [{"code": "CONFLICT", "field": "version"}]
    assert wrong["errors"] == [{"code": "VALIDATION", "field": "concurrency"}]
    (row,) = await hub.service.rows("SELECT name, retry_seconds, event_patterns FROM webhook_subscription")
    assert (row["name"], json.loads(row["retry_seconds"])) == ("hook", [60, 300, 1800])


async def test_the_secret_is_shown_once_and_lies_sealed(hub: Hub) -> None:
    question = "mutation ($input: CreateWebhookSubscriptionInput!) { createWebhookSubscription(input: $input) { webhookSubscription { id secret } errors { code } } }"
    given = {"name": "x", "url": "https://hook.example/", "eventPatterns": ["#"], "clientMutationId": "once"}
    first = (await hub.service.data(question, input=given))["createWebhookSubscription"]["webhookSubscription"]
    again = (await hub.service.data(question, input=given))["createWebhookSubscription"]["webhookSubscription"]
    shown = await hub.service.data("query ($id: ID!) { webhookSubscription(id: $id) { secret } }", id=first["id"])

    assert first["secret"].startswith("whsec_")
    assert (again["id"], again["secret"]) == (first["id"], None)
    assert shown == {"webhookSubscription": {"secret": None}}
    for table in ("webhook_state", "webhook_subscription", "audit", "idempotency", "outbox"):
        assert first["secret"] not in str(await hub.service.rows(f"SELECT * FROM {table}"))
    assert await hub.service.count("webhook_subscription") == 1


async def test_a_deleted_webhook_hears_nothing_and_cannot_be_brought_back(hub: Hub) -> None:
    made = (await created(hub, staff()))["webhookSubscription"]
    await hub.happens(a_ticket())
    for command in ("delete", "enable"):
        name = f"{command}WebhookSubscription"
        said = await hub.service.data(
            f"mutation ($id: ID!) {{ {name}(input: {{id: $id}}) {{ errors {{ code }} }} }}", id=made["id"]
        )
    await hub.happens(a_ticket())

    assert said["enableWebhookSubscription"]["errors"] == [{"code": "VALIDATION"}]
    assert [row["status"] for row in await hub.deliveries(UUID(made["id"]))] == ["DEAD"]
    assert await hub.service.data("{ webhookSubscriptions { id } }") == {"webhookSubscriptions": []}
    gone = await hub.service.data("query ($id: ID!) { webhookSubscription(id: $id) { id } }", id=made["id"])
    assert gone == {"webhookSubscription": None}


@pytest.mark.parametrize("state", ["PENDING", "disabled", "TEST"])
async def test_what_cannot_be_sent_again_is_not(hub: Hub, state: str) -> None:
    made = (await created(hub, staff()))["webhookSubscription"]
    code = {"PENDING": "DELIVERY_PENDING", "disabled": "WEBHOOK_DISABLED", "TEST": "VALIDATION"}[state]
    await hub.happens(a_ticket())
    if state == "disabled":
        off = "mutation ($id: ID!) { disableWebhookSubscription(input: {id: $id}) { errors { code } } }"
        await hub.service.data(off, id=made["id"])
    if state == "TEST":
        done = "UPDATE webhook_delivery SET kind = 'TEST', status = 'DEAD', next_retry_at = NULL, finished_at = now()"
        await hub.service.rows(done)
    (row,) = await hub.deliveries(UUID(made["id"]))
    answer = await hub.service.data(
        "mutation ($id: ID!) { replayDelivery(input: {id: $id}) { errors { code } } }", id=str(row["id"])
    )

    assert answer["replayDelivery"]["errors"] == [{"code": code}]
    assert len(await hub.deliveries(UUID(made["id"]))) == 1


async def test_receivers_that_hang_hold_up_no_other_however_many_they_are(hub: Hub) -> None:
    """A real worker with its twenty places, and thirty receivers that have failed before and hang."""
    bad = 30
    async with listening(hangs) as slow, listening(OK) as good:
        for _ in range(bad):
            await hub.subscribe(slow.url)
        await hub.service.rows("UPDATE webhook_state SET failing_since = now()")
        await hub.happens(a_ticket())
        worker = asyncio.create_task(
            jobs.work(
                hub.service.settings.needed("database_relay_url"),
                "integrations",
                (dispatch.DELIVER,),
                hub.begin,
                pace=Pace(poll_seconds=0.1),
            )
        )
        async with asyncio.timeout(60):
            while len(slow.requests) < dispatch._MOST_FAILING:
                await asyncio.sleep(0.02)
            await hub.subscribe(good.url)
            await hub.happens(a_ticket())
            while not good.requests:
                await asyncio.sleep(0.02)
        held = slow.most_at_once
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    assert held == dispatch._MOST_FAILING


async def test_what_is_kept_for_a_month_is_gone_after_it(hub: Hub) -> None:
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])
        hub.passes(days=20)
        await hub.happens(a_ticket())
        hub.passes(days=11)
    async with hub.begin(staff(), command="sweep") as job:
        await changes.sweep(job, {})

    assert [row["status"] for row in await hub.deliveries(hook["id"])] == ["PENDING"]
    assert [row["tenant_id"] for row in await hub.service.rows("SELECT tenant_id FROM change")] == [A, A]
