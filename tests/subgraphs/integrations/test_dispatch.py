"""From an event to a receiver: exact counts, whatever the receiver does."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from contracts.events.auth import ApiKeyRevoked
from subgraphs.integrations.service import dispatch, sending
from tests.subgraphs.house import SOMEBODY
from tests.subgraphs.integrations.conftest import Hub, a_ticket
from tests.subgraphs.integrations.receiver import (
    OK,
    answers,
    drips,
    hangs,
    has_huge_headers,
    is_a_bomb,
    listening,
    never_ends,
    resets,
    speaks_no_http,
)


@pytest.fixture(autouse=True)
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are exactly what the ladder says."""
    monkeypatch.setattr(dispatch.random, "uniform", lambda _low, _high: 0.0)


async def test_an_event_is_posted_once_thin_and_signed(hub: Hub) -> None:
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url, event_patterns=["ticket.*"])
        ticket = a_ticket()
        envelope = await hub.happens(ticket, subject=ticket.id, customer=ticket.customer_id)
        await hub.arrives(envelope)
        await hub.deliver(hook["id"])
        await hub.deliver(hook["id"])

    (request,) = receiver.requests
    assert request.line == "POST /hook HTTP/1.1"
    assert json.loads(request.body) == {
        "id": str(envelope.id),
        "type": "ticket.created",
        "timestamp": "2026-03-02T09:00:00Z",
        "data": {
            "id": str(ticket.id),
            "type": "Ticket",
            "customerId": str(ticket.customer_id),
            "correlationId": "request-7",
        },
    }
    assert request.headers["webhook-id"] == str(envelope.id)
    (delivery,) = await hub.deliveries(hook["id"])
    assert (delivery["status"], delivery["attempt"], delivery["response_code"]) == ("DELIVERED", 1, 200)
    assert json.loads(delivery["log"])[0]["responseBody"] == "thank you"


async def test_the_reference_library_of_the_specification_believes_us(hub: Hub) -> None:
    hub.service.moment = datetime.now(UTC)
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])
    (request,) = receiver.requests

    assert Webhook(hook["secret"]).verify(request.body, request.headers)["type"] == "ticket.created"


async def test_an_endpoint_that_answers_500_four_times_gets_four_calls_and_leaves_one_dead_letter_that_is_replayable(
    hub: Hub,
) -> None:
    """AT-EVT-1."""
    async with listening(answers(500, "no")) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        for minutes in (0, 1, 5, 30, 60, 600):
            hub.passes(minutes=minutes)
            await hub.deliver(hook["id"])
            await hub.deliver(hook["id"])
        assert len(receiver.requests) == 4
        (dead,) = await hub.deliveries(hook["id"])
        assert (dead["status"], dead["attempt"], dead["error"]) == ("DEAD", 4, "The receiver answered 500.")
        assert [entry["responseCode"] for entry in json.loads(dead["log"])] == [500] * 4

        receiver.behaves(OK)
        answer = await hub.service.data(
            "mutation ($id: ID!) { replayDelivery(input: {id: $id}) { webhookDelivery { id kind status replayOf eventId }"
            " errors { code } } }",
            id=str(dead["id"]),
        )
        replayed = answer["replayDelivery"]["webhookDelivery"]
        assert (replayed["kind"], replayed["status"], replayed["replayOf"]) == ("REPLAY", "PENDING", str(dead["id"]))
        await hub.deliver(hook["id"])

    assert [request.headers["webhook-id"] for request in receiver.requests] == [str(dead["event_id"])]
    assert [row["status"] for row in await hub.deliveries(hook["id"])] == ["DEAD", "DELIVERED"]


async def test_the_pauses_are_those_of_the_ladder_and_nothing_is_sent_between_them(hub: Hub, record_property) -> None:
    """Standard Webhooks' own schedule: ten attempts over three days."""
    pauses = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    async with listening(answers(503)) as receiver:
        hook = await hub.subscribe(receiver.url, retry_seconds=pauses)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])
        for number, pause in enumerate(pauses, start=1):
            hub.passes(seconds=pause - 1)
            await hub.deliver(hook["id"])
            assert len(receiver.requests) == number
            hub.passes(seconds=1)
            await hub.deliver(hook["id"])
            assert len(receiver.requests) == number + 1

    (delivery,) = await hub.deliveries(hook["id"])
    record_property("figure", json.dumps({"attempts": delivery["attempt"], "over seconds": sum(pauses)}))
    assert (delivery["status"], delivery["attempt"]) == ("DEAD", 10)


@pytest.mark.parametrize(
    ("manner", "status", "error"),
    [
        (resets, None, "ReadError"),
        (speaks_no_http, None, "RemoteProtocolError"),
        (has_huge_headers, None, "RemoteProtocolError"),
        (answers(301, location="http://127.0.0.1:1/"), 301, "Redirects are not followed."),
        (answers(404), 404, "The receiver answered 404."),
    ],
    ids=["resets", "no http", "huge headers", "redirects", "not found"],
)
async def test_a_receiver_that_misbehaves_costs_one_attempt(hub: Hub, manner, status, error) -> None:
    async with listening(manner) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    (delivery,) = await hub.deliveries(hook["id"])
    assert len(receiver.requests) == 1
    assert (delivery["status"], delivery["attempt"], delivery["response_code"]) == ("PENDING", 1, status)
    assert delivery["error"].startswith(error)
    assert delivery["next_retry_at"] == hub.service.moment + timedelta(minutes=1)


async def test_a_receiver_that_says_nothing_is_waited_for_no_longer_than_is_fair(hub: Hub, monkeypatch) -> None:
    monkeypatch.setitem(sending.send.__kwdefaults__, "seconds", 0.5)
    async with listening(hangs) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    (delivery,) = await hub.deliveries(hook["id"])
    assert (delivery["status"], delivery["attempt"]) == ("PENDING", 1)
    assert delivery["error"] == "No answer within 0.5 seconds."


async def test_of_a_body_without_end_only_the_beginning_is_read(hub: Hub) -> None:
    pieces: list[int] = []
    async with listening(never_ends(200, pieces)) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    (delivery,) = await hub.deliveries(hook["id"])
    assert delivery["status"] == "DELIVERED"
    assert json.loads(delivery["log"])[0]["responseBody"] == "z" * 4096
    assert sum(pieces) < 10_000_000


@pytest.mark.parametrize(("status", "outcome"), [(204, "DELIVERED"), (200, "DELIVERED"), (500, "PENDING")])
async def test_a_body_that_drips_for_ever_does_not_change_what_its_status_said(
    hub: Hub, monkeypatch, status: int, outcome: str
) -> None:
    monkeypatch.setattr(sending, "_BODY_SECONDS", 0.2)
    async with listening(drips(status)) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    (delivery,) = await hub.deliveries(hook["id"])
    assert (delivery["status"], delivery["response_code"]) == (outcome, status)
    assert len(receiver.requests) == 1


async def test_what_a_receiver_packed_is_not_unpacked(hub: Hub) -> None:
    async with listening(is_a_bomb(gzip.compress(b"\0" * 10_000_000))) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    assert receiver.requests[0].headers["accept-encoding"] == "identity"
    (delivery,) = await hub.deliveries(hook["id"])
    assert delivery["status"] == "DELIVERED"
    assert len(json.loads(delivery["log"])[0]["responseBody"]) <= 4096


async def test_a_certificate_that_nobody_vouches_for_is_no_receiver(hub: Hub, self_signed) -> None:
    async with listening(OK, tls=self_signed) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    (delivery,) = await hub.deliveries(hook["id"])
    assert receiver.requests == []
    assert delivery["error"].startswith("ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED]")


async def test_nobody_at_the_door_is_an_attempt_too(hub: Hub) -> None:
    async with listening(OK) as receiver:
        url = receiver.url
    hook = await hub.subscribe(url)
    await hub.happens(a_ticket())
    await hub.deliver(hook["id"])

    (delivery,) = await hub.deliveries(hook["id"])
    assert (delivery["status"], delivery["attempt"]) == ("PENDING", 1)
    assert delivery["error"].startswith("ConnectError")


async def test_a_receiver_that_says_it_is_gone_is_switched_off_at_once(hub: Hub) -> None:
    async with listening(answers(410)) as receiver:
        hook = await hub.subscribe(receiver.url, ordered=True)
        for _ in range(3):
            await hub.happens(a_ticket())
        await hub.deliver(hook["id"])
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    assert len(receiver.requests) == 1
    rows = await hub.deliveries(hook["id"])
    assert [row["status"] for row in rows] == ["DEAD"] * 4
    shown = await hub.service.data(
        "query ($id: ID!) { webhookSubscription(id: $id) { active disabledReason disabledAt } }", id=str(hook["id"])
    )
    assert shown["webhookSubscription"] == {
        "active": False,
        "disabledReason": "GONE",
        "disabledAt": "2026-03-02T09:00:00+00:00",
    }
    assert await hub.told() == ["webhook.disabled"]


async def test_after_three_days_without_success_a_receiver_is_switched_off_and_nothing_is_lost(
    hub: Hub, record_property
) -> None:
    async with listening(answers(500)) as receiver:
        hook = await hub.subscribe(receiver.url, retry_seconds=[])
        began = hub.service.moment
        while hub.service.moment < began + timedelta(days=3, hours=6):
            await hub.happens(a_ticket())
            await hub.deliver(hook["id"])
            hub.passes(hours=6)
        assert len(receiver.requests) == 13
        assert await hub.told() == ["webhook.disabled"]

        receiver.behaves(OK)
        enabled = (
            "mutation ($id: ID!) { enableWebhookSubscription(input: {id: $id}) { webhookSubscription { active"
            " failureCount } errors { code } } }"
        )
        said = await hub.service.data(enabled, id=str(hook["id"]))
        assert said["enableWebhookSubscription"]["webhookSubscription"] == {"active": True, "failureCount": 0}
        replay = (
            "mutation ($id: ID!, $since: DateTime!) { replayDeliveries(input: {subscriptionId: $id, since: $since})"
            " { errors { code } } }"
        )
        for _ in range(2):
            said = await hub.service.data(replay, id=str(hook["id"]), since=began.isoformat())
            assert said["replayDeliveries"]["errors"] == []
        for _ in range(2):
            await hub.deliver(hook["id"])

    rows = await hub.deliveries(hook["id"])
    events = {row["event_id"] for row in rows}
    arrived = {request.headers["webhook-id"] for request in receiver.requests}
    lost = len(set(map(str, events)) - arrived)
    record_property("figure", json.dumps({"days away": 3, "events": len(events), "lost": lost}))
    assert len(events) == 13
    assert sorted(request.headers["webhook-id"] for request in receiver.requests) == sorted(map(str, events))


async def test_a_success_ends_the_three_days(hub: Hub) -> None:
    async with listening(answers(500), OK, answers(500)) as receiver:
        hook = await hub.subscribe(receiver.url, retry_seconds=[])
        for days in (2, 2, 2):
            await hub.happens(a_ticket())
            await hub.deliver(hook["id"])
            hub.passes(days=days)

    assert len(receiver.requests) == 3
    assert await hub.told() == []
    state = await hub.state(hook["id"])
    assert (state["failing_since"], state["failure_count"]) == (hub.service.moment - timedelta(days=2), 1)


@pytest.mark.parametrize("asked", ["120", "Mon, 02 Mar 2026 09:02:00 GMT"])
async def test_a_receiver_that_asks_for_a_pause_gets_it_for_everything(hub: Hub, asked: str) -> None:
    async with listening(answers(429, retry_after=asked), OK) as receiver:
        hook = await hub.subscribe(receiver.url, concurrency=1)
        for _ in range(3):
            await hub.happens(a_ticket())
        await hub.deliver(hook["id"])
        hub.passes(seconds=119)
        await hub.deliver(hook["id"])
        assert len(receiver.requests) == 1
        hub.passes(seconds=1)
        await hub.deliver(hook["id"])

    assert len(receiver.requests) == 4
    assert [row["status"] for row in await hub.deliveries(hook["id"])] == ["DELIVERED"] * 3


async def test_where_order_matters_the_next_waits_for_the_one_before(hub: Hub) -> None:
    async with listening(answers(500), OK) as receiver:
        hook = await hub.subscribe(receiver.url, ordered=True)
        for _ in range(3):
            await hub.happens(a_ticket())
            hub.passes(seconds=1)
        await hub.deliver(hook["id"])
        assert len(receiver.requests) == 1
        hub.passes(minutes=1)
        await hub.deliver(hook["id"])

    first, second, third = [str(row["event_id"]) for row in await hub.deliveries(hook["id"])]
    assert [request.headers["webhook-id"] for request in receiver.requests] == [first, first, second, third]


async def test_no_more_are_on_their_way_than_the_receiver_takes(hub: Hub) -> None:
    async def takes_its_time(request, writer) -> None:
        await asyncio.sleep(0.02)
        await OK(request, writer)

    async with listening(takes_its_time) as receiver:
        hook = await hub.subscribe(receiver.url, concurrency=3)
        for _ in range(9):
            await hub.happens(a_ticket())
        await asyncio.gather(*(hub.deliver(hook["id"]) for _ in range(4)))

    assert len(receiver.requests) == 9
    assert receiver.most_at_once == 3


async def test_a_receiver_that_hangs_holds_no_transaction_and_nobody_else(hub: Hub) -> None:
    async with listening(hangs) as slow, listening(OK) as good:
        hung, hook = await hub.subscribe(slow.url, concurrency=20), await hub.subscribe(good.url)
        for _ in range(20):
            await hub.happens(a_ticket())
        waiting = asyncio.create_task(hub.deliver(hung["id"]))
        while len(slow.requests) < 20:
            await asyncio.sleep(0.01)
        idle = await hub.service.rows(
            "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
        )
        await hub.deliver(hook["id"])
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    assert idle == []
    assert len(good.requests) == 20


async def test_a_worker_that_died_leaves_its_deliveries_to_the_next_one_when_its_lease_has_ended(hub: Hub) -> None:
    async with listening(hangs, OK) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        dying = asyncio.create_task(hub.deliver(hook["id"]))
        while not receiver.requests:
            await asyncio.sleep(0.01)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await hub.deliver(hook["id"])
        assert len(receiver.requests) == 1
        woken = await hub.service.rows("SELECT dedupe_key FROM job WHERE dedupe_key LIKE 'integrations.deliver%'")
        assert len(woken) == 1
        hub.passes(seconds=60)
        await hub.deliver(hook["id"])

    assert [request.headers["webhook-id"] for request in receiver.requests] == [
        str((await hub.deliveries(hook["id"]))[0]["event_id"])
    ] * 2
    assert [row["status"] for row in await hub.deliveries(hook["id"])] == ["DELIVERED"]


async def test_a_webhook_is_not_sent_where_only_we_can_go(hub: Hub) -> None:
    """The receiver listens on this machine; with the settings of production nobody is sent there."""
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"], begin=hub.begin_with(hub.service.settings))

    assert receiver.requests == []
    (delivery,) = await hub.deliveries(hook["id"])
    assert delivery["error"] == "Not allowed: 127.0.0.1 is not asked."


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://hook.example/", "Webhooks are sent over https only."),
        ("https://127.0.0.1/", "Webhooks are not sent to 127.0.0.1."),
        ("https://[::ffff:10.0.0.1]/", "Webhooks are not sent to ::ffff:10.0.0.1."),
        ("https://169.254.169.254/latest/meta-data", "Webhooks are not sent to 169.254.169.254."),
        ("https://me:secret@hook.example/", "url can have neither a user, nor a fragment, nor blanks."),
        ("file:///etc/passwd", "url must be an absolute https address of at most 2000 characters."),
    ],
)
async def test_where_nobody_is_sent_no_webhook_can_be_made(hub: Hub, url: str, message: str) -> None:
    answer = await hub.service.data(
        "mutation ($input: CreateWebhookSubscriptionInput!) { createWebhookSubscription(input: $input)"
        " { webhookSubscription { id } errors { code message field } } }",
        input={"name": "x", "url": url, "eventPatterns": ["#"]},
    )

    assert answer["createWebhookSubscription"] == {
        "webhookSubscription": None,
        "errors": [{"code": "URL_NOT_ALLOWED", "message": message, "field": "url"}],
    }
    assert await hub.service.count("webhook_subscription") == 0


async def test_a_test_is_sent_once_also_to_a_webhook_that_is_switched_off(hub: Hub) -> None:
    async with listening(answers(500)) as receiver:
        hook = await hub.subscribe(receiver.url)
        both = (
            "mutation ($id: ID!) { disableWebhookSubscription(input: {id: $id}) { errors { code } }"
            " testWebhookSubscription(input: {subscriptionId: $id}) { webhookDelivery { eventType } errors { code } } }"
        )
        said = await hub.service.data(both, id=str(hook["id"]))
        await hub.deliver(hook["id"])
        hub.passes(hours=1)
        await hub.deliver(hook["id"])

    assert said["testWebhookSubscription"]["webhookDelivery"] == {"eventType": "webhook.test"}
    assert [json.loads(request.body)["type"] for request in receiver.requests] == ["webhook.test"]
    assert (await hub.state(hook["id"]))["failure_count"] == 0


async def test_while_a_secret_is_replaced_both_sign(hub: Hub) -> None:
    rotate = (
        "mutation ($id: ID!) { rotateWebhookSecret(input: {id: $id, overlapHours: 2}) { webhookSubscription { secret }"
        " errors { code } } }"
    )
    hub.service.moment = datetime.now(UTC)
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url)
        answer = await hub.service.data(rotate, id=str(hook["id"]))
        new = answer["rotateWebhookSecret"]["webhookSubscription"]["secret"]
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])
        hub.passes(hours=2)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])
    during, after = receiver.requests

    assert new != hook["secret"]
    for secret in (new, hook["secret"]):
        assert Webhook(secret).verify(during.body, during.headers)
    assert len(during.headers["webhook-signature"].split()) == 2
    assert during.headers["x-psa-signature"].count("v1=") == 2
    assert len(after.headers["webhook-signature"].split()) == 1


async def test_what_a_subscription_may_not_hear_is_not_sent(hub: Hub) -> None:
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url, scopes=["tickets:read"])
        await hub.happens(a_ticket())
        await hub.happens(ApiKeyRevoked(id=SOMEBODY, owner_id=SOMEBODY, name="x", prefix="y"))
        await hub.deliver(hook["id"])

    assert [json.loads(request.body)["type"] for request in receiver.requests] == ["ticket.created"]
