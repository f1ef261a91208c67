"""Server-Sent Events over one reserved stream: reservations, operations, and who may use them."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { title } }'
HEADER = "x-graphql-event-stream-token"
STREAM = {"accept": "text/event-stream"}


def operation(query: str, identity: str = "1") -> dict[str, Any]:
    return {"query": query, "extensions": {"operationId": identity}}


@asynccontextmanager
async def reserved(psa: Any, events: Any, path: str = "/graphql", **headers: str) -> Any:
    answer = await psa.client.put(path, headers=headers)
    assert answer.status_code == 201
    token = {HEADER: answer.text}
    async with psa.client.stream("GET", path, headers={**STREAM, **token}) as response:
        assert response.status_code == 200
        yield {**headers, **token}, events(response)


@pytest.mark.parametrize("path", ["/graphql", "/graphql/stream"])
async def test_all_operations_are_answered_over_one_stream(live: Any, events: Any, path: str) -> None:
    async with live() as psa, reserved(psa, events, path) as (token, reading):
        asked = await psa.client.post(path, json=operation(SUBSCRIPTION), headers=token)
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        first = await reading.next()
        query = operation('{ ticket(id: "t1") { title } }', "2")
        assert (await psa.client.post(path, json=query, headers=token)).status_code == 202
        second, third = await reading.next(), await reading.next()
        stopped = await psa.client.delete(path, params={"operationId": "1"}, headers=token)
        await psa.feed.heard_by(0)

    assert (asked.status_code, asked.content, stopped.status_code) == (202, b"", 200)
    assert (first[0], json.loads(first[1])) == (
        "next",
        {"id": "1", "payload": {"data": {"ticketUpdated": {"title": "Printer"}}}},
    )
    assert json.loads(second[1]) == {"id": "2", "payload": {"data": {"ticket": {"title": "Printer"}}}}
    assert (third[0], json.loads(third[1])) == ("complete", {"id": "2"})


async def test_the_token_may_stand_in_the_url_and_opens_one_stream(live: Any, events: Any) -> None:
    async with live() as psa:
        token = (await psa.client.put("/graphql")).text
        async with psa.client.stream("GET", "/graphql", params={"token": token}, headers=STREAM) as response:
            assert response.status_code == 200
            again = await psa.client.get("/graphql", params={"token": token}, headers=STREAM)
        assert (again.status_code, again.json()["errors"][0]["extensions"]["code"]) == (409, "SUBSCRIPTION_STREAM_OPEN")
        await psa.quiet()
        gone = await psa.client.post("/graphql", json=operation(SUBSCRIPTION), headers={HEADER: token})

    assert (gone.status_code, gone.json()["errors"][0]["extensions"]["code"]) == (404, "SUBSCRIPTION_STREAM_NOT_FOUND")


async def test_what_is_wrong_is_answered_at_once_and_runs_nothing(live: Any, events: Any) -> None:
    async with live() as psa, reserved(psa, events) as (token, _reading):
        post = psa.client.post
        answers = [
            await post("/graphql", json={"query": SUBSCRIPTION}, headers=token),
            await post("/graphql", json=operation("subscription { nothing }"), headers=token),
            await post("/graphql", json=operation(SUBSCRIPTION), headers={HEADER: "guessed"}),
        ]
        await post("/graphql", json=operation(SUBSCRIPTION), headers=token)
        answers.append(await post("/graphql", json=operation(SUBSCRIPTION), headers=token))
        await psa.feed.heard_by(1)

    codes = [answer.json()["errors"][0]["extensions"]["code"] for answer in answers]
    assert codes == [
        "BAD_REQUEST",
        "GRAPHQL_VALIDATION_FAILED",
        "SUBSCRIPTION_STREAM_NOT_FOUND",
        "SUBSCRIPTION_STREAM_OPEN",
    ]


async def test_a_reservation_belongs_to_who_made_it(live: Any, events: Any, issuer: Any) -> None:
    async with live(authentication=issuer.settings()) as psa:
        assert (await psa.client.put("/graphql")).status_code == 401
        async with reserved(psa, events, **issuer.bearer()) as (token, _reading):
            mine = await psa.client.post("/graphql", json=operation(SUBSCRIPTION), headers=token)
            stolen = {**token, **issuer.bearer(sub="0190a000-0000-7000-8000-00000000000b")}
            theirs = await psa.client.post("/graphql", json=operation(SUBSCRIPTION, "2"), headers=stolen)
            await psa.feed.heard_by(1)

    assert (mine.status_code, theirs.status_code) == (202, 404)


async def test_a_reservation_that_nobody_uses_is_forgotten(live: Any) -> None:
    async with live(subscriptions={"init_seconds": 0.05}) as psa:
        token = (await psa.client.put("/graphql")).text
        await psa.quiet()
        answer = await psa.client.get("/graphql", params={"token": token}, headers=STREAM)

    assert answer.status_code == 404


async def test_a_put_with_a_body_is_no_reservation(live: Any) -> None:
    async with live() as psa:
        answer = await psa.client.put("/graphql", json={"query": "{ __typename }"})

    assert answer.status_code == 405
