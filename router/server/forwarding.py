"""Doors: paths of the router behind which a module answers itself, because what happens there is no GraphQL.

The router is the only door to the platform, for a browser that signs in as well. A request to one of the paths below goes
to the module as it came, and the answer comes back as it is: status, body, cookies, redirects. The module is found where
it registered, in this process or elsewhere. Only the headers below go in; where the client is, the router says.

    browser ── /auth/sign-in ──► router ── where auth registered + /auth/sign-in ──► auth

Behind a door for machines, that of webhooks, all headers go in: every sender proves itself in another one. What a proxy
says of the client's certificate goes in only when it is our proxy that says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from router.executor.transport import Exchange, TransportFailure
from router.registry.registry import Registry
from router.server.client_address import Network, inside, written
from router.server.refusals import Refused
from router.server.request import ClientGone, read_body

log = structlog.get_logger(__name__)

_SECONDS: Final = 15.0
_LARGEST: Final = 1_000_000
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_GRAPHQL: Final = "/graphql"

_IN: Final = frozenset(
    {
        "accept",
        "accept-language",
        "authorization",
        "content-type",
        "cookie",
        "if-match",
        "if-none-match",
        "origin",
        "referer",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "traceparent",
        "tracestate",
        "user-agent",
    }
)
_NEVER_IN: Final = frozenset(
    {
        *(
            "connection",
            "content-length",
            "expect",
            "host",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
        ),
        *("proxy-authorization", "proxy-connection", "forwarded", "x-forwarded-for", "x-request-id"),
    }
)
"""What is between us and the client, and what the router says itself."""
_FROM_PROXIES: Final = "x-ssl-"
"""How the headers begin in which a proxy names the client's certificate."""
_NOT_OUT: Final = frozenset(
    {"connection", "content-encoding", "content-length", "date", "keep-alive", "server", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class Door:
    """A path, and the module behind it; a path that ends in a slash stands for all below it."""

    path: str
    module: str
    every_header: bool = False
    """Whether all headers go in, because nobody knows which ones matter."""


DOORS: Final = (
    Door("/auth/", "auth"),
    Door("/scim/", "auth"),
    Door("/.well-known/openid-configuration", "auth"),
    Door("/.well-known/oauth-authorization-server", "auth"),
    Door("/files/", "tickets"),
    Door("/quotes/", "crm"),
    Door("/crm/exports/", "crm"),
    Door("/billing/files/", "billing"),
    Door("/crm/imports/", "crm"),
    Door("/webhooks/in/", "integrations", every_header=True),
    Door("/notify/", "notify"),
)
"""All doors there are."""


def routes(
    registry: Registry,
    exchange: Callable[[str], Exchange],
    trusted: Sequence[Network] = (),
    doors: Sequence[Door] = DOORS,
) -> list[BaseRoute]:
    """Return a route for each door; `exchange` gives the way to a module, and `trusted` are our proxies."""
    ways = {door.module: exchange(door.module) for door in doors}

    def through(door: Door) -> Route:
        async def answer(request: Request) -> Response:
            headers = _every_header_in(request, trusted) if door.every_header else _headers_in(request)
            return await _forwarded(request, door.module, registry, ways[door.module], headers)

        path = f"{door.path}{{rest:path}}" if door.path.endswith("/") else door.path
        return Route(path, answer, methods=_METHODS)

    return [through(door) for door in doors]


async def _forwarded(
    request: Request, module: str, registry: Registry, exchange: Exchange, headers: dict[str, str]
) -> Response:
    base = address(registry, module)
    if base is None:
        return _away(module)
    try:
        body = await read_body(request.receive, request.headers, _LARGEST)
    except ClientGone:
        return Response(status_code=400)
    except Refused:
        return _problem("The request is too large.", 413)
    deadline = asyncio.get_running_loop().time() + _SECONDS
    url = f"{base}{_target(request)}"
    try:
        answer = await exchange.exchange(request.method, url, body=body, headers=headers, deadline=deadline)
    except TransportFailure as fault:
        log.warning("door.failed", module=module, path=request.url.path, reason=fault.reason)
        return _away(module)
    response = Response(b"" if request.method == "HEAD" else answer.body, answer.status)
    response.raw_headers = [
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers if name not in _NOT_OUT),
        (b"content-length", str(len(response.body)).encode()),
    ]
    return response


def address(registry: Registry, module: str) -> str | None:
    """Where the module answers: beside its graph."""
    for entry in registry.entries():
        if entry.registration.name == module and entry.verdict.state == "active":
            return entry.registration.url.removesuffix(_GRAPHQL)
    return None


def _target(request: Request) -> str:
    """Return path and query; the path is written anew, so that nothing in it can mean another host."""
    query = request.scope["query_string"].decode("latin-1")
    return quote(request.url.path, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")


def _headers_in(request: Request) -> dict[str, str]:
    """Pick what the module may know; a header that came several times is joined, as HTTP has it."""
    given: dict[str, str] = {}
    for name, value in request.headers.items():
        if name in _IN:
            given[name] = f"{given[name]}{'; ' if name == 'cookie' else ', '}{value}" if name in given else value
    return given | _facts(request)


def _every_header_in(request: Request, trusted: Sequence[Network]) -> dict[str, str]:
    """Pick all that the client said itself, and what our own proxy says of its certificate."""
    peer = written(request.client.host) if request.client else None
    by_proxy = peer is not None and inside(peer, trusted)
    given: dict[str, str] = {}
    for name, value in request.headers.items():
        if name not in _NEVER_IN and (by_proxy or not name.startswith(_FROM_PROXIES)):
            given[name] = f"{given[name]}, {value}" if name in given else value
    return given | _facts(request)


def _facts(request: Request) -> dict[str, str]:
    """What the router knows of the request: where the client is, and how the request is called."""
    facts = request.scope.get("psa.facts")
    return {"x-forwarded-for": facts.address, "x-request-id": facts.trace.request_id} if facts is not None else {}


def _away(module: str) -> Response:
    return _problem(f"The service {module} is not available at the moment. Please try again.", 503)


def _problem(message: str, status: int) -> Response:
    error = {"message": message, "extensions": {"code": "UPSTREAM_UNAVAILABLE" if status == 503 else "BAD_REQUEST"}}
    return JSONResponse({"errors": [error]}, status, headers={"cache-control": "no-store"})
