"""Other systems at the platform as it runs: the feed, the doors, and where nobody is sent."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import httpx2
import pytest

from subgraphs import MODULES
from tests.deploy.local.processes import wait_until
from tests.e2e.conftest import START_SECONDS, Platform

pytestmark = pytest.mark.timeout(START_SECONDS + 120)

_FEED = 'query ($since: String) { changes(since: $since, types: ["ticket"]) { nodes { eventType subjectId } pageInfo { endCursor } } }'


def test_all_modules_are_registered_and_well(platform: Platform) -> None:
    answer = platform.ask("{ registeredModules { name healthy schemaHash } }")

    shown = {one["name"]: one["healthy"] for one in answer["data"]["registeredModules"]}
    assert shown == dict.fromkeys(MODULES, True)
    assert all(len(one["schemaHash"]) == 64 for one in answer["data"]["registeredModules"])


def test_a_ticket_appears_in_the_feed_for_whoever_follows_it(platform: Platform) -> None:
    cursor = platform.ask(_FEED, since="now")["data"]["changes"]["pageInfo"]["endCursor"]
    # Not of the customer whose open tickets others count.
    customers = platform.ask("{ customers(limit: 2) { id number } }")["data"]["customers"]
    customer = next(one["id"] for one in customers if one["number"] != "123")
    made = platform.ask(
        'mutation ($id: ID!) { createTicket(input: {customerId: $id, title: "Followed"}) { ticket { id } } }',
        id=customer,
    )
    seen: list[Any] = []

    def arrived() -> bool:
        seen[:] = platform.ask(_FEED, since=cursor)["data"]["changes"]["nodes"]
        return bool(seen)

    assert wait_until(arrived, 60)
    assert seen == [{"eventType": "ticket.created", "subjectId": made["data"]["createTicket"]["ticket"]["id"]}]


def test_another_system_knocks_at_the_routers_door(platform: Platform) -> None:
    made = platform.ask(
        'mutation { createInboundEndpoint(input: {name: "repositories", auth: HMAC, signatureStyle: GITHUB})'
        " { inboundEndpoint { id path secret } } }"
    )["data"]["createInboundEndpoint"]["inboundEndpoint"]
    body = b'{"action": "opened"}'
    signature = "sha256=" + hmac.new(made["secret"].encode(), body, hashlib.sha256).hexdigest()

    def knock(proof: str) -> int:
        headers = {"x-hub-signature-256": proof, "x-github-delivery": "1", "content-type": "application/json"}
        return httpx2.post(
            f"{platform.url}{made['path']}", content=body, headers=headers, timeout=60, trust_env=False
        ).status_code

    assert [knock("sha256=00"), knock(signature), knock(signature)] == [401, 202, 200]
    shown = platform.ask("query ($id: ID!) { inboundEndpoint(id: $id) { messages { payload } } }", id=made["id"])
    assert shown["data"]["inboundEndpoint"]["messages"] == [{"payload": {"action": "opened"}}]


def test_a_webhook_to_this_machine_is_refused_where_it_would_be_sent(platform: Platform) -> None:
    """The name is a good one until it is looked up."""
    made = platform.ask(
        'mutation { createWebhookSubscription(input: {name: "here", url: "https://localhost/", eventPatterns: ["none.such"]})'
        " { webhookSubscription { id } } }"
    )["data"]["createWebhookSubscription"]["webhookSubscription"]["id"]
    sent = platform.ask(
        "mutation ($id: ID!) { testWebhookSubscription(input: {subscriptionId: $id}) { webhookDelivery { id } } }",
        id=made,
    )["data"]["testWebhookSubscription"]["webhookDelivery"]["id"]
    shown: dict[str, Any] = {}

    def ended() -> bool:
        answer = platform.ask("query ($id: ID!) { webhookDelivery(id: $id) { status error } }", id=sent)
        shown.update(answer["data"]["webhookDelivery"])
        return shown["status"] != "PENDING"

    assert wait_until(ended, 60)
    assert shown == {"status": "DEAD", "error": "Not allowed: localhost is not asked."}
