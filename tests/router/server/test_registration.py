"""The registry over HTTP, and the swap under load."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from router.registry.registry import Registration
from router.server.app import build
from router.server.config import RouterConfig

TOKEN = {"authorization": "Bearer s3cret"}


def announcement(module: Any, url: str) -> dict[str, str]:
    return {"url": url, "version": "1", "sdl": module.schema.as_str()}


async def test_modules_announce_themselves_over_http_and_are_reached_over_http(platform: Any, served: Any) -> None:
    async with platform() as other:
        modules = other.modules
    router = build(RouterConfig.model_validate({"registry": {"token": "s3cret"}}))
    async with (
        served(modules["crm"]) as crm,
        served(modules["tickets"]) as tickets,
        served(modules["assets"]) as assets,
        served(router) as url,
        httpx2.AsyncClient(base_url=url, timeout=60) as client,
    ):
        early = await client.get("/health/ready")
        answers = []
        for name, address in (("assets", assets), ("tickets", tickets), ("crm", crm), ("assets", assets)):
            body = announcement(modules[name], f"{address}/graphql")
            answers.append(await client.post(f"/registry/subgraphs/{name}", json=body, headers=TOKEN))
        query = '{ customer(id: "123") { name tickets { id } assets { name } } }'
        response = await client.post("/graphql", json={"query": query})
        listed = await client.get("/registry/subgraphs", headers=TOKEN)

    assert early.status_code == 503
    assert [one.status_code for one in answers][1:] == [200, 200, 200]
    assert answers[-1].json() == {"state": "active"}
    assert response.json() == {
        "data": {"customer": {"name": "ACME", "tickets": [{"id": "t1"}], "assets": [{"name": "srv-1"}]}}
    }
    assert [(one["name"], one["state"]) for one in listed.json()["subgraphs"]] == [
        ("assets", "active"),
        ("crm", "active"),
        ("tickets", "active"),
    ]


async def test_a_refused_announcement_is_409_and_shown(platform: Any) -> None:
    async with platform(registry={"token": "s3cret"}) as psa:
        body = {"url": "inprocess://crm/graphql", "version": "2", "sdl": "type Query {"}
        refused = await psa.client.post("/registry/subgraphs/crm", json=body, headers=TOKEN)
        listed = await psa.client.get("/registry/subgraphs", headers=TOKEN)
        answer = await psa.ask('{ customer(id: "123") { name } }')

    assert refused.status_code == 409
    assert refused.json()["state"] == "rejected"
    assert refused.json()["errors"][0]["code"] == "INVALID_GRAPHQL"
    shown = [one for one in listed.json()["subgraphs"] if one["state"] == "rejected"]
    assert [(one["name"], one["version"], one["errors"]) for one in shown] == [("crm", "2", refused.json()["errors"])]
    assert answer == {"data": {"customer": {"name": "ACME"}}}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "s3cret"}])
async def test_without_the_registrys_token_nothing_is_taken_or_shown(platform: Any, headers: Any) -> None:
    async with platform(registry={"token": "s3cret"}) as psa:
        body = {"url": "http://evil/graphql", "version": "9", "sdl": "type Query { a: Int }"}
        posted = await psa.client.post("/registry/subgraphs/evil", json=body, headers=headers)
        listed = await psa.client.get("/registry/subgraphs", headers=headers)

    assert (posted.status_code, listed.status_code) == (401, 401)
    assert [entry.registration.name for entry in psa.app.state.registry.entries()] == ["assets", "crm", "tickets"]


async def test_without_a_configured_token_there_is_no_way_to_register(platform: Any) -> None:
    async with platform() as psa:
        posted = await psa.client.post("/registry/subgraphs/x", json={}, headers={"authorization": "Bearer "})

    assert posted.status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"url": "file:///etc/passwd", "version": "1", "sdl": "x"}, {"url": "http://x", "version": "1", "sdl": ""}, []],
)
async def test_an_announcement_of_the_wrong_shape_is_400(platform: Any, body: Any) -> None:
    async with platform(registry={"token": "s3cret"}) as psa:
        posted = await psa.client.post("/registry/subgraphs/x", json=body, headers=TOKEN)

    assert posted.status_code == 400
    assert [entry.registration.name for entry in psa.app.state.registry.entries()] == ["assets", "crm", "tickets"]


async def test_a_restarted_router_serves_at_once_and_misses_only_who_is_away(platform: Any, tmp_path: Path) -> None:
    settings = {"registry": {"state_file": str(tmp_path / "state.json")}}
    async with platform(**settings) as psa:
        running = {name: app for name, app in psa.running.items() if name != "tickets"}
    again = build(RouterConfig.model_validate(settings), in_process=running)
    transport = httpx2.ASGITransport(again)
    async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
        ready = await client.get("/health/ready")
        query = '{ customer(id: "123") { name tickets { id } } }'
        body = (await client.post("/graphql", json={"query": query})).json()

    assert ready.status_code == 200
    assert body["data"] == {"customer": {"name": "ACME", "tickets": None}}
    assert [one["path"] for one in body["errors"]] == [["customer", "tickets"]]


async def test_a_swap_disturbs_no_request(platform: Any) -> None:
    query = '{ customer(id: "123") { name tickets { id } assets { name } } }'
    async with platform() as psa:
        crm = psa.modules["crm"].registration()
        expected = await psa.ask(query)
        answers: list[Any] = []
        swapped = asyncio.Event()

        async def keep_asking() -> None:
            while not swapped.is_set():
                answers.append(await psa.ask(query))

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(keep_asking())
            for version in range(5):
                changed = f"{crm.sdl}\ntype Version{version} {{ a: Int }}"
                await psa.app.state.registry.register(Registration("crm", crm.url, str(version), changed))
            swapped.set()
        introspected = await psa.ask('{ __type(name: "Version4") { name } }')

    assert len(answers) > 8
    assert [answer for answer in answers if answer != expected] == []
    assert introspected == {"data": {"__type": {"name": "Version4"}}}
