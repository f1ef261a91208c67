"""Stored queries: asked in the name of the webhook's own account, and sent along."""

from __future__ import annotations

import json

import pytest

from subgraphs.integrations.service import selection
from tests.subgraphs.integrations.conftest import Hub, a_ticket
from tests.subgraphs.integrations.receiver import OK, Receiver, answers, listening

QUERY = "query ($id: ID!) { ticket(id: $id) { title } }"
TOKEN = json.dumps({"access_token": "opens", "expires_in": 300})
ANSWER = json.dumps({"data": {"ticket": {"title": "It burns"}}, "extensions": {"cost": 1}})


@pytest.fixture(autouse=True)
def no_tokens() -> None:
    """Nobody has a token yet."""
    selection._TOKENS.clear()


def with_router(hub: Hub, router: Receiver):
    url = router.url.removesuffix("/hook")
    settings = hub.service.settings.model_copy(update={"webhook_networks": "127.0.0.0/8", "router_url": url})
    return hub.begin_with(settings)


async def subscribed(hub: Hub, url: str):
    return await hub.subscribe(url, query=QUERY, client_id="account", client_secret="s3cret")


async def test_the_answer_of_the_graph_is_sent_along(hub: Hub) -> None:
    async with listening(answers(200, TOKEN), answers(200, ANSWER)) as router, listening(OK) as receiver:
        hook = await subscribed(hub, receiver.url)
        tickets = [a_ticket(), a_ticket()]
        for ticket in tickets:
            await hub.happens(ticket, subject=ticket.id)
            await hub.deliver(hook["id"], begin=with_router(hub, router))

    asked, first, second = router.requests
    assert (asked.line, asked.body) == ("POST /auth/token HTTP/1.1", b"grant_type=client_credentials")
    assert asked.headers["authorization"] == "Basic YWNjb3VudDpzM2NyZXQ="
    assert [request.headers["authorization"] for request in (first, second)] == ["Bearer opens"] * 2
    assert [json.loads(request.body) for request in (first, second)] == [
        {"query": QUERY, "variables": {"id": str(ticket.id)}} for ticket in tickets
    ]
    assert json.loads(receiver.requests[0].body)["graphql"] == {"data": {"ticket": {"title": "It burns"}}}
    assert b"s3cret" not in receiver.requests[0].body


@pytest.mark.parametrize(
    ("manners", "error"),
    [
        ((answers(401, "{}"),), "the service account gets no token (401)"),
        ((answers(200, TOKEN), answers(503)), "the router answered 503"),
        ((answers(200, TOKEN), answers(200, "no json")), "JSONDecodeError"),
        ((answers(200, TOKEN), answers(200, "x" * 300_000)), "the answer is larger than 256000 bytes"),
    ],
)
async def test_when_the_graph_cannot_be_asked_nothing_is_sent_and_nobody_is_blamed(hub: Hub, manners, error) -> None:
    async with listening(*manners) as router, listening(OK) as receiver:
        hook = await subscribed(hub, receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"], begin=with_router(hub, router))
        assert receiver.requests == []
        (delivery,) = await hub.deliveries(hook["id"])
        assert (delivery["status"], delivery["attempt"]) == ("PENDING", 1)
        assert delivery["error"] == f"The query could not be asked: {error}"
        assert (await hub.state(hook["id"]))["failing_since"] is None

        router.behaves(answers(200, TOKEN), answers(200, ANSWER))
        hub.passes(minutes=2)
        await hub.deliver(hook["id"], begin=with_router(hub, router))

    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("query {", "query is no GraphQL: Syntax Error: Expected Name, found <EOF>."),
        ("mutation { x }", "query must hold one query, and no other operation."),
        ("query A { x } query B { x }", "query must hold one query, and no other operation."),
        ("fragment F on Query { x }", "query must hold one query, and no other operation."),
        ("query ($name: String) { x }", "query can have the variables $id: ID! and $event: String!, and no other."),
        ("query ($id: String!) { x }", "query can have the variables $id: ID! and $event: String!, and no other."),
    ],
)
async def test_what_cannot_be_asked_is_not_stored(hub: Hub, query, message) -> None:
    answer = await hub.service.data(
        "mutation ($input: CreateWebhookSubscriptionInput!) { createWebhookSubscription(input: $input)"
        " { webhookSubscription { id } errors { message field } } }",
        input={
            "name": "x",
            "url": "https://hook.example/",
            "eventPatterns": ["#"],
            "query": query,
            "clientId": "a",
            "clientSecret": "b",
        },
    )

    assert answer["createWebhookSubscription"]["errors"] == [{"message": message, "field": "query"}]


async def test_a_query_needs_somebody_who_asks_it(hub: Hub) -> None:
    answer = await hub.service.data(
        "mutation ($input: CreateWebhookSubscriptionInput!) { createWebhookSubscription(input: $input)"
        " { errors { code field } } }",
        input={"name": "x", "url": "https://hook.example/", "eventPatterns": ["#"], "query": QUERY},
    )

    assert answer["createWebhookSubscription"]["errors"] == [{"code": "VALIDATION", "field": "clientId"}]
    assert await hub.service.count("webhook_subscription") == 0
