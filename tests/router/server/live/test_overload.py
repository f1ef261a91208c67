"""Whoever comes when there is too much to do is refused at once, on every wire; those who are at work are not harmed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql_ws import opened

QUERY = '{ customer(id: "c1") { name } }'
ANSWER = {"data": {"customer": {"name": "ACME"}}}
REFUSAL = {
    "message": "Your request has been concurrency limited.",
    "extensions": {"code": "REQUEST_CONCURRENCY_LIMITED"},
}


@dataclass
class Held:
    """A service that answers nobody before it is let go."""

    service: Any
    go: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.waiting += 1
        await self.go.wait()
        await self.service(scope, receive, send)

    async def asked_by(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.waiting < count:
                await asyncio.sleep(0.005)


def hold(psa: Any) -> Held:
    psa.running["crm"] = Held(psa.running["crm"])
    held: Held = psa.running["crm"]
    return held


def settings(places: int) -> dict[str, Any]:
    overload = {"concurrent_requests": places, "retry_after_seconds": 3}
    return {"overload": overload, "traffic_shaping": {"all": {"deduplicate_query": False}}}


async def asks(psa: Any, query: str = QUERY, **headers: str) -> Any:
    return await psa.client.post("/graphql", json={"query": query}, headers=headers)


async def test_the_excess_is_refused_with_its_code_and_a_time_and_the_others_are_answered(live: Any) -> None:
    async with live(**settings(2)) as psa, asyncio.TaskGroup() as group:
        held = hold(psa)
        at_work = [group.create_task(asks(psa)) for _ in range(2)]
        await held.asked_by(2)

        refused = await asyncio.gather(*(asks(psa) for _ in range(20)))
        health = await psa.client.get("/health/live")
        held.go.set()
        answered = [await task for task in at_work] + [await asks(psa)]

    assert {(one.status_code, one.headers["retry-after"]) for one in refused} == {(503, "3")}
    assert [one.json() for one in refused] == [{"errors": [REFUSAL]}] * 20
    assert [(one.status_code, one.json()) for one in answered] == [(200, ANSWER)] * 3
    assert (health.status_code, held.waiting) == (200, 3)


async def test_an_operation_over_a_websocket_takes_a_place_and_may_find_none(live: Any) -> None:
    async with live(**settings(1)) as psa, opened(psa, init={}) as client:
        held = hold(psa)
        await client.subscribe("first", QUERY)
        await held.asked_by(1)

        await client.subscribe("second", QUERY)
        assert await client.hear() == {"id": "second", "type": "error", "payload": [REFUSAL]}
        assert (await asks(psa)).status_code == 503

        held.go.set()
        assert await client.hear() == {"id": "first", "type": "next", "payload": ANSWER}
        assert (await client.hear())["type"] == "complete"
        assert (await asks(psa)).status_code == 200
        assert held.waiting == 2


@pytest.mark.parametrize("ends", ["by itself", "with its client"])
async def test_a_place_is_free_again_when_an_operation_ends(live: Any, ends: str) -> None:
    async with live(**settings(1)) as psa, opened(psa, init={}) as client:
        held = hold(psa)
        await client.subscribe("first", QUERY)
        await held.asked_by(1)
        if ends == "by itself":
            held.go.set()
        else:
            await client.say(type="complete", id="first")
            # What is said next on a connection is read after what was said before.
            await client.say(type="ping")
            assert await client.hear() == {"type": "pong"}
            held.go.set()

        async with asyncio.timeout(60):
            while (await asks(psa)).status_code == 503:
                await asyncio.sleep(0.005)


async def test_a_subscription_takes_no_place_between_its_events(live: Any) -> None:
    async with live(**settings(1)) as psa, opened(psa, init={}) as client:
        await client.subscribe()
        await psa.feed.heard_by(1)

        assert (await asks(psa)).json() == ANSWER

        psa.feed.emit("Printer")
        assert (await client.hear())["payload"]["data"]["ticketUpdated"]["title"] == "Printer"


async def test_parts_that_come_later_keep_their_place(live: Any) -> None:
    deferred = '{ ticket(id: "t1") { id customer { id ... @defer { name } } } }'
    accept = "multipart/mixed;deferSpec=20220824"
    async with live(**settings(1)) as psa:
        held = hold(psa)
        body = {"query": deferred}
        async with psa.client.stream("POST", "/graphql", json=body, headers={"accept": accept}) as response:
            await held.asked_by(1)
            assert response.status_code == 200
            assert (await asks(psa)).status_code == 503

            held.go.set()
            text = (await response.aread()).decode()

        assert '"name":"ACME"' in text
        assert (await asks(psa)).status_code == 200
