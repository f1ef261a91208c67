"""HTTP callback protocol 1.0: a service that takes a subscription and calls back, word by word."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deploy.local.children import free_port

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { id title customer { name } } }'
STREAM = {"accept": "text/event-stream"}


class Emitter:
    """A service that calls back; what it's told is kept."""

    def __init__(self) -> None:
        self.terms: dict[str, Any] = {}
        self.accept = ""
        self.checked: int | None = None
        self.asked = asyncio.Event()
        self.refuses: Any = None
        self.client = httpx2.AsyncClient(timeout=60)

    async def graphql(self, request: Request) -> JSONResponse:
        self.terms = (await request.json())["extensions"]["subscription"]
        self.accept = request.headers["accept"]
        if self.refuses is not None:
            return JSONResponse(self.refuses)
        answer = await self.call("check")
        self.checked = answer.status_code
        self.asked.set()
        return JSONResponse({"data": None})

    async def call(self, action: str, **more: Any) -> Any:
        told = {"id": self.terms["subscriptionId"], "verifier": self.terms["verifier"]}
        message = {"kind": "subscription", "action": action, **told, **more}
        headers = {"subscription-protocol": "callback/1.0"}
        return await self.client.post(self.terms["callbackUrl"], json=message, headers=headers)


@pytest.fixture
def calling(live: Any, serving: Any) -> Any:
    """Return what starts a router whose tickets call back."""

    @asynccontextmanager
    async def start(**callback: Any) -> Any:
        emitter, port = Emitter(), free_port()
        app = Starlette(routes=[Route("/graphql", emitter.graphql, methods=["POST"])])
        mode = {"callback": {"public_url": f"http://127.0.0.1:{port}/callback", "subgraphs": ["tickets"], **callback}}
        async with serving(app) as url, live(address=f"{url}/graphql", port=port, subscriptions={"mode": mode}) as psa:
            yield emitter, psa
        await emitter.client.aclose()

    return start


async def test_a_service_calls_back_for_each_event(calling: Any, events: Any) -> None:
    async with (
        calling() as (emitter, psa),
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        reading = events(response)
        await emitter.asked.wait()
        data = {"ticketUpdated": {"__typename": "Ticket", "id": "t1", "title": "Printer", "customer": {"id": "c1"}}}
        data["ticketUpdated"]["customer"]["__typename"] = "Customer"
        told = await emitter.call("next", payload={"data": data})
        first = json.loads((await reading.next())[1])
        checked = await emitter.call("check")
        completed = await emitter.call("complete")
        last = await reading.next()
        await psa.quiet()
        afterwards = await emitter.call("check")

    assert emitter.terms["heartbeatIntervalMs"] == 5000
    assert emitter.terms["callbackUrl"].endswith(f"/callback/{emitter.terms['subscriptionId']}")
    assert "callbackSpec=1.0" in emitter.accept
    assert first == {"data": {"ticketUpdated": {"id": "t1", "title": "Printer", "customer": {"name": "ACME"}}}}
    assert (emitter.checked, told.status_code, checked.status_code, completed.status_code) == (204, 200, 204, 202)
    assert checked.headers["subscription-protocol"] == "callback/1.0"
    assert last == ("complete", "")
    assert afterwards.status_code == 404


async def test_who_does_not_know_the_verifier_changes_nothing(calling: Any, events: Any) -> None:
    async with (
        calling() as (emitter, psa),
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        await emitter.asked.wait()
        forged = [
            await emitter.call("next", payload={"data": {"ticketUpdated": None}}, verifier="guessed"),
            await emitter.call("complete", verifier="guessed"),
            await emitter.call("check", id="another"),
            await emitter.call("dance"),
            await emitter.call("next", payload=7),
            await emitter.client.post(emitter.terms["callbackUrl"], content=b"no JSON"),
        ]
        await emitter.call("next", payload={"data": {"ticketUpdated": None}, "errors": [{"message": "gone"}]})
        first = json.loads((await events(response).next())[1])

    assert [answer.status_code for answer in forged] == [400, 400, 404, 400, 400, 400]
    assert first["errors"][0]["message"] == "gone"


async def test_a_service_that_falls_silent_is_given_up(calling: Any, events: Any) -> None:
    async with (
        calling(heartbeat_interval="50ms") as (emitter, psa),
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        await emitter.asked.wait()
        emitter.refuses = {"errors": [{"message": "not any more"}]}
        first = json.loads((await events(response).next())[1])

    assert first["errors"][0]["message"] == "not any more"  # it was asked again, after the silence


async def test_a_service_may_refuse(calling: Any, events: Any) -> None:
    async with calling() as (emitter, psa):
        emitter.refuses = {"data": None, "errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}
        async with psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response:
            first = json.loads((await events(response).next())[1])

    assert first["errors"] == [{"message": "no", "extensions": {"code": "FORBIDDEN", "service": "tickets"}}]


async def test_an_end_with_errors_is_passed_on(calling: Any, events: Any) -> None:
    async with (
        calling() as (emitter, psa),
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=STREAM) as response,
    ):
        await emitter.asked.wait()
        await emitter.call("complete", errors=[{"message": "the queue is gone"}])
        first = json.loads((await events(response).next())[1])

    assert first["errors"][0]["message"] == "the queue is gone"
