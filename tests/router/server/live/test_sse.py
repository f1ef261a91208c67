"""Subscriptions over Server-Sent Events: what a client reads, and what is left when it goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { id title customer { name } } }'
STREAM = {"accept": "text/event-stream"}


def answer(title: str, name: str | None = "ACME") -> dict[str, Any]:
    return {"data": {"ticketUpdated": {"id": "t1", "title": title, "customer": {"name": name}}}}


@pytest.mark.parametrize(
    ("over", "mode"),
    [
        ("inside", {}),
        ("http", {}),
        ("http", {"passthrough": {"all": {"protocol": "sse"}}}),
        ("http", {"passthrough": {"all": {"path": "/ws"}}}),
        ("http", {"passthrough": {"subgraphs": {"tickets": {"protocol": "graphql_ws", "heartbeat_interval": "5s"}}}}),
    ],
)
async def test_each_event_is_answered_with_the_fields_of_other_services(
    live: Any, events: Any, over: str, mode: Any
) -> None:
    async with (
        live(over, subscriptions={"mode": mode}) as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        reading = events(response)
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        first = await reading.next()
        psa.names["c1"] = "ACME Ltd"
        psa.feed.emit("Scanner")
        second = await reading.next()
        psa.feed.emit(None)
        last = await reading.next()

    assert (first[0], json.loads(first[1])) == ("next", answer("Printer"))
    assert (second[0], json.loads(second[1])) == ("next", answer("Scanner", "ACME Ltd"))
    assert last == ("complete", "")


async def test_errors_belong_to_the_event_that_has_them(live: Any, events: Any) -> None:
    async with (
        live() as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        reading = events(response)
        await psa.feed.heard_by(1)
        del psa.names["c1"]
        psa.feed.emit("Printer")
        first = json.loads((await reading.next())[1])
        psa.names["c1"] = "ACME"
        psa.feed.emit("Scanner")
        second = json.loads((await reading.next())[1])

    assert first["data"] == {"ticketUpdated": {"id": "t1", "title": "Printer", "customer": {"name": None}}}
    assert [(error["path"], error["extensions"]["service"]) for error in first["errors"]] == [
        (["ticketUpdated", "customer", "name"], "crm")
    ]
    assert second == answer("Scanner")


async def test_when_the_client_leaves_the_service_is_told(live: Any) -> None:
    async with live() as psa:
        async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM):
            await psa.feed.heard_by(1)
        await psa.quiet()

    assert psa.feed.listening == []


async def test_a_service_that_refuses_ends_the_stream_with_its_error(live: Any, events: Any) -> None:
    query = 'subscription { ticketUpdated(id: "secret") { id } }'
    async with (
        live() as psa,
        psa.client.stream("POST", "/graphql", json={"query": query}, headers=STREAM) as response,
    ):
        reading = events(response)
        first, last = await reading.next(), await reading.next()

    body = json.loads(first[1])
    assert body["errors"][0]["message"] == "not yours"
    assert body["errors"][0]["extensions"]["service"] == "tickets"
    assert last[0] == "complete"


async def test_a_get_subscribes_too(live: Any, events: Any) -> None:
    async with (
        live() as psa,
        psa.client.stream("GET", "/graphql", params={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        assert json.loads((await events(response).next())[1]) == answer("Printer")


async def test_a_query_over_an_event_stream_has_one_answer(live: Any) -> None:
    async with live() as psa:
        response = await psa.client.post("/graphql", json={"query": '{ ticket(id: "t1") { title } }'}, headers=STREAM)

    assert response.text == 'event: next\ndata: {"data":{"ticket":{"title":"Printer"}}}\n\nevent: complete\ndata:\n\n'


async def test_what_is_wrong_with_an_operation_is_told_inside_of_the_stream(live: Any, events: Any) -> None:
    async with (
        live() as psa,
        psa.client.stream("POST", "/graphql", json={"query": "subscription { nothing }"}, headers=STREAM) as response,
    ):
        assert response.status_code == 200
        reading = events(response)
        first, last = await reading.next(), await reading.next()

    assert json.loads(first[1])["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert (first[0], last[0]) == ("next", "complete")
    assert psa.feed.seen == []


async def test_a_client_that_takes_no_stream_is_told_so_and_nothing_is_opened(live: Any) -> None:
    async with live() as psa:
        response = await psa.client.post("/graphql", json={"query": SUBSCRIPTION})

    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "SUBSCRIPTION_BAD_HEADER"
    assert psa.feed.seen == []


async def test_subscriptions_can_be_switched_off(live: Any) -> None:
    async with live(subscriptions={"enabled": False}) as psa:
        response = await psa.client.post(
            "/graphql", json={"query": SUBSCRIPTION}, headers={"accept": "multipart/mixed;subscriptionSpec=1.0"}
        )

    assert response.json()["errors"][0]["extensions"]["code"] == "SUBSCRIPTION_DISABLED"
    assert psa.feed.seen == []


async def test_a_silent_stream_says_that_it_lives(live: Any) -> None:
    async with (
        live(subscriptions={"heartbeat_seconds": 0.05}) as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        read = response.aiter_text()
        beats = [await anext(read) for _ in range(3)]

    assert set("".join(beats)) == {":", "\n"}


async def test_equal_subscriptions_share_one_stream_and_the_last_one_closes_it(live: Any, events: Any) -> None:
    async with live() as psa:
        async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as one:
            await psa.feed.heard_by(1)
            async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as other:
                assert psa.subscriptions.opened == 2
                psa.feed.emit("Printer")
                read = [(await events(response).next())[1] for response in (one, other)]
            assert len(psa.feed.listening) == 1
        await psa.quiet()

    assert [json.loads(text) for text in read] == [answer("Printer")] * 2
    assert len(psa.feed.seen) == 1
    assert psa.asked.count("crm") == 1


@pytest.mark.parametrize(
    ("settings", "other"),
    [
        ({"subscriptions": {"deduplication": {"enabled": False}}}, {"query": SUBSCRIPTION}),
        ({}, {"query": SUBSCRIPTION.replace("t1", "t2")}),
        ({}, {"query": SUBSCRIPTION, "variables": {"a": 1}}),
        ({"subgraphs": {"forwarded_headers": ["x-region"]}}, {"query": SUBSCRIPTION}),
    ],
)
async def test_what_may_be_answered_differently_is_not_shared(live: Any, settings: Any, other: Any) -> None:
    async with (
        live(**settings) as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM),
        psa.client.stream("POST", "/graphql", json=other, headers={**STREAM, "x-region": "north"}),
    ):
        await psa.feed.heard_by(2)
        assert (psa.subscriptions.sources, psa.subscriptions.opened) == (2, 2)


async def test_no_more_subscriptions_are_opened_than_allowed(live: Any) -> None:
    async with (
        live(subscriptions={"max_opened_subscriptions": 1}) as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM),
    ):
        response = await psa.client.post("/graphql", json={"query": SUBSCRIPTION}, headers=STREAM)
        assert response.status_code == 503
        assert response.json()["errors"][0] == {
            "message": "can't open new subscription, limit reached",
            "extensions": {"code": "SUBSCRIPTION_MAX_LIMIT"},
        }
