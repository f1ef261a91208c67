"""Doors of the router: what goes in, what comes out, and that nothing of one person reaches another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deploy.local.serving import take
from router.registry.registry import Registration
from router.server.app import build
from router.server.config import RouterConfig

SDL = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key"]) type Query { who: String }'
)


async def _echo(request: Request) -> Response:
    heard = {
        "method": request.method,
        "path": request.url.path,
        "query": request.url.query,
        "headers": dict(request.headers),
        "body": (await request.body()).decode(),
    }
    response = JSONResponse(heard, 201)
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


async def _away(request: Request) -> Response:
    del request
    return RedirectResponse("https://elsewhere.example/?x=1", 303)


MODULE = Starlette(
    routes=[
        Route("/auth/away", _away),
        Route("/{path:path}", _echo, methods=["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]),
    ]
)


@pytest.fixture(params=["in process", "over http"])
async def router(request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A router with a module behind its doors, in this process or behind a port."""
    over_http = request.param == "over http"
    inside = {} if over_http else {"auth": MODULE, "integrations": MODULE}
    app = build(RouterConfig(), in_process=inside)
    listener = take(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}" if over_http else "inprocess://auth"
    server = uvicorn.Server(uvicorn.Config(MODULE, log_config=None, access_log=False))
    serving = asyncio.ensure_future(server.serve(sockets=[listener])) if over_http else None
    verdict = await app.state.registry.register(Registration("auth", f"{url}/graphql", "1", SDL))
    assert verdict.state == "active"
    hub = f"{url}/graphql" if over_http else "inprocess://integrations/graphql"
    await app.state.registry.register(Registration("integrations", hub, "1", SDL.replace("who", "what")))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client,
    ):
        yield client
    if serving is not None:
        server.should_exit = True
        await serving
    listener.close()


async def test_a_request_goes_in_as_it_came(router: httpx2.AsyncClient):
    answer = await router.post(
        "/auth/sign-in?x=%2F&y=1",
        content="a=1",
        headers={
            "cookie": "psa=1",
            "content-type": "application/x-www-form-urlencoded",
            "x-forwarded-for": "1.2.3.4",
            "x-psa-caller": "root",
            "accept-encoding": "identity",
        },
    )

    heard = answer.json()
    assert answer.status_code == 201
    assert (heard["method"], heard["path"], heard["query"], heard["body"]) == (
        "POST",
        "/auth/sign-in",
        "x=%2F&y=1",
        "a=1",
    )
    assert heard["headers"]["cookie"] == "psa=1"
    assert heard["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert "x-psa-caller" not in heard["headers"]
    assert [one.partition(";")[0] for one in answer.headers.get_list("set-cookie")] == ["one=1", "two=2"]


async def test_what_one_person_was_given_is_not_sent_with_anothers_request(router: httpx2.AsyncClient):
    await router.get("/auth/first")
    router.cookies.clear()

    second = await router.get("/auth/second")

    assert "cookie" not in second.json()["headers"]


async def test_a_redirect_comes_back_as_a_redirect(router: httpx2.AsyncClient):
    answer = await router.get("/auth/away")

    assert (answer.status_code, answer.headers["location"]) == (303, "https://elsewhere.example/?x=1")


@pytest.mark.parametrize(
    "path", ["/internal/api-keys", "/authx/y", "/.well-known/other", "/health/live/../../internal/api-keys"]
)
async def test_other_paths_are_no_doors(router: httpx2.AsyncClient, path):
    answer = await router.get(path)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path", ["/auth/../internal/api-keys", "/auth/%2e%2e/internal/api-keys", "/auth//evil.example/x"]
)
async def test_no_path_leads_around_the_door(router: httpx2.AsyncClient, path):
    answer = await router.get(path)

    assert answer.status_code == 404 or answer.json()["path"].startswith("/auth/")


async def test_a_huge_request_is_refused_and_an_absent_module_is_said_to_be_away(router: httpx2.AsyncClient):
    huge = await router.post("/auth/token", content=b"x" * 1_100_000)
    empty = build(RouterConfig(), in_process={})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(empty), base_url="http://router") as client:
        away = await client.get("/auth/sign-in")

    assert huge.status_code == 413
    assert (away.status_code, away.json()["errors"][0]["extensions"]["code"]) == (503, "UPSTREAM_UNAVAILABLE")


async def test_behind_the_door_for_machines_all_headers_go_in_but_what_only_a_proxy_of_ours_may_say(
    router: httpx2.AsyncClient,
):
    headers = {
        "x-hub-signature-256": "sha256=00",
        "authorization": "Basic eDp5",
        "x-forwarded-for": "1.2.3.4",
        "x-ssl-client-dn": "CN=somebody",
        "X-SSL-Client-Verify": "0",
        "content-encoding": "identity",
    }
    answer = await router.post("/webhooks/in/abc?x=1", content=b'{"a": 1}', headers=headers)

    heard = answer.json()
    assert (heard["path"], heard["query"], heard["body"]) == ("/webhooks/in/abc", "x=1", '{"a": 1}')
    assert heard["headers"]["x-hub-signature-256"] == "sha256=00"
    assert heard["headers"]["authorization"] == "Basic eDp5"
    assert heard["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert [name for name in heard["headers"] if name.startswith("x-ssl")] == []


async def test_what_our_own_proxy_says_of_a_certificate_goes_in():
    app = build(
        RouterConfig(listen={"trusted_proxies": ["127.0.0.0/8"]}), in_process={"auth": MODULE, "integrations": MODULE}
    )
    await app.state.registry.register(Registration("integrations", "inprocess://integrations/graphql", "1", SDL))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client:
        answer = await client.post("/webhooks/in/abc", headers={"x-ssl-client-dn": "CN=alertmanager"})

    assert answer.json()["headers"]["x-ssl-client-dn"] == "CN=alertmanager"
