"""What goes wrong around subscriptions: everything stays bounded, everybody is told, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { id title customer { name } } }'
STREAM = {"accept": "text/event-stream"}
QUICK = {"reconnect": {"first_seconds": 0.05, "attempts": 3}}


def titles(text: str) -> Any:
    return json.loads(text)["data"]["ticketUpdated"]["title"]


@pytest.mark.parametrize("mode", [{}, {"passthrough": {"all": {"path": "/graphql"}}}])
async def test_a_stream_that_breaks_is_opened_again_and_the_client_notices_nothing(
    live: Any, events: Any, serving: Any, mode: Any
) -> None:
    async with (
        live("http", subscriptions={**QUICK, "mode": mode}) as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        reading = events(response)
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        before = await reading.next()
        await psa.restart_tickets()
        await psa.feed.heard_by(1)
        psa.feed.emit("Scanner")
        after = await reading.next()

    assert [titles(before[1]), titles(after[1])] == ["Printer", "Scanner"]


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ({}, "UPSTREAM_UNAVAILABLE"),
        ({"passthrough": {"all": {"path": "/graphql"}}}, "WEBSOCKET_CONNECTION_ERROR"),
    ],
)
async def test_a_service_that_stays_away_is_given_up_and_the_client_is_told(
    live: Any, events: Any, mode: Any, code: str
) -> None:
    async with (
        live("http", subscriptions={**QUICK, "mode": mode}) as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        reading = events(response)
        await psa.feed.heard_by(1)
        await psa.stop_tickets()
        first, last = await reading.next(), await reading.next()

    error = json.loads(first[1])["errors"][0]
    assert (error["extensions"]["code"], error["extensions"]["service"]) == (code, "tickets")
    assert last[0] == "complete"


async def test_a_client_that_takes_nothing_is_disconnected_and_the_others_get_everything(
    live: Any, events: Any
) -> None:
    async with live(subscriptions={"queue_capacity": 5}) as psa:
        parts = urlsplit(psa.url)
        body = json.dumps({"query": SUBSCRIPTION}).encode()
        slow = socket.socket()
        slow.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
        )  # before it's connected, or the kernel takes megabytes
        slow.connect((parts.hostname, parts.port))
        head = "POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
        slow.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        await psa.feed.heard_by(1)
        async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response:
            reading = events(response)
            got = 0
            while psa.subscriptions.opened < 2:
                await asyncio.sleep(0.01)
            async with asyncio.timeout(60):
                while psa.subscriptions.opened == 2:
                    psa.feed.emit("x" * 200_000)
                    got += len(titles((await reading.next())[1])) // 200_000
            psa.feed.emit("still here")
            assert titles((await reading.next())[1]) == "still here"
        slow.close()

    assert got > 5


async def test_a_client_that_reads_too_late_finds_the_reason(live: Any) -> None:
    from router.server.subscriptions import TOO_SLOW, Subscription  # noqa: PLC0415

    left: list[Subscription] = []
    subscription = Subscription(3, left.append)
    for number in range(4):
        subscription.offer(str(number).encode())

    assert subscription.overflowed.is_set()
    assert await subscription.next() is TOO_SLOW
    assert left == []


async def test_a_thousand_clients_of_one_event_cost_one_stream_and_one_fetch(live: Any, events: Any) -> None:
    async with live() as psa:
        hub, before = psa.subscriptions, len(asyncio.all_tasks())
        pipeline = psa.app.state.live.subscriptions._pipeline
        prepared, request, client = await psa.prepared(pipeline, SUBSCRIPTION)
        clients = [hub.open(prepared, request, client) for _ in range(1000)]
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        answers = {await one.next() for one in clients}
        for one in clients:
            one.close()
        await psa.quiet()
        after = len(asyncio.all_tasks())

    assert [titles(answer) for answer in answers] == ["Printer"]
    assert psa.asked.count("crm") == 1
    assert after <= before


async def test_subscriptions_survive_a_schema_that_changes_something_else(
    live: Any, events: Any, subgraphs: Any
) -> None:
    async with (
        live() as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        reading = events(response)
        await psa.feed.heard_by(1)
        old = psa.app.state.graphs.current
        await psa.register("tickets", subgraphs(psa.feed, with_more=True))
        new = psa.app.state.graphs.current
        await psa.caught_up()
        (source,) = psa.subscriptions._sources.values()
        psa.feed.emit("Printer")
        first = await reading.next()

    assert new is not old
    assert source.prepared.graph is new
    assert titles(first[1]) == "Printer"
    assert len(psa.feed.seen) == 1


async def test_a_subscription_whose_stream_is_gone_from_the_schema_ends_with_a_reason(
    live: Any, events: Any, subgraphs: Any
) -> None:
    async with (
        live() as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        reading = events(response)
        await psa.feed.heard_by(1)
        await psa.register("tickets", subgraphs(psa.feed, moved=True))
        first = await reading.next()

    assert json.loads(first[1])["errors"][0]["extensions"]["code"] == "SUBSCRIPTION_SCHEMA_RELOAD"


async def test_a_stream_ends_with_its_token(live: Any, events: Any, issuer: Any) -> None:
    async with live(authentication=issuer.settings()) as psa:
        headers = {**STREAM, **issuer.bearer(exp=int(psa.now()) + 2)}
        async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=headers) as response:
            first = json.loads((await events(response).next())[1])
        await psa.quiet()

    assert first["errors"] == [{"message": "The token has expired.", "extensions": {"code": "UNAUTHENTICATED"}}]


async def test_a_stream_ends_when_its_token_is_revoked(live: Any, events: Any, issuer: Any) -> None:
    async with live(authentication=issuer.settings()) as psa:
        headers = {**STREAM, **issuer.bearer()}
        async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=headers) as response:
            await psa.feed.heard_by(1)
            assert psa.app.state.live.presence.revoke(lambda _caller: True) == 1
            first = json.loads((await events(response).next())[1])
        await psa.quiet()

    assert first["errors"] == [{"message": "The token was revoked.", "extensions": {"code": "UNAUTHENTICATED"}}]


async def test_an_event_that_is_no_graphql_response_ends_nothing_but_its_stream(
    live: Any, events: Any, serving: Any
) -> None:
    async def garbage(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"event: next\ndata: no JSON\n\n", "more_body": True})

    async with live(subscriptions={"reconnect": {"attempts": 0}}) as psa:
        psa.running["tickets"] = garbage
        async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response:
            first = json.loads((await events(response).next())[1])

    assert first["errors"][0]["extensions"]["code"] == "UPSTREAM_MALFORMED"
