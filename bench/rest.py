"""What a REST call costs beside the GraphQL call that it is: `python -m bench.rest [--requests 2000]`.

One router in this process over the platform's own supergraph; the modules are stubs that answer the same bytes at once, so
that what is measured is ours. Both ways ask for the same fields by the same operation, as ASGI requests without sockets.
CPU time of the process, the least of several rounds that take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from graphql import GraphQLObjectType
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codegen.rest import examples
from router.rest.api import Api, Call, Request
from router.rest.routes import Lock
from router.rest.view import View
from router.server.app import build
from router.server.config import RouterConfig, Subgraphs

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """The same question both ways."""

    name: str
    path: str
    query: str
    body: bytes


def answers(api: Api, rows: int) -> bytes:
    """The bytes that every module answers."""
    kind = cast("GraphQLObjectType", api.view.schema.type_map["Ticket"])
    known = examples.thing(api.representations.standard(kind), {}, "ticket")
    nodes = [{**known, "__typename": "Ticket", "id": examples.identity(str(number))} for number in range(rows)]
    place = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": "a", "endCursor": "b"}
    return json.dumps({"data": {"ticket": nodes[0], "ticketsConnection": {"nodes": nodes, "pageInfo": place}}}).encode()


def stub(content: bytes) -> ASGIApp:
    """A module that answers the same bytes to everything."""

    async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": content})

    return answer


async def call(app: ASGIApp, method: str, path: str, query: bytes, body: bytes) -> bytes:
    """One ASGI request."""
    headers = [(b"host", b"bench"), (b"accept", b"application/json"), (b"content-type", b"application/json")]
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    said = bytearray()
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        said.extend(message.get("body", b""))

    await app(scope, receive, send)
    if status != 200:
        raise SystemExit(f"{method} {path}: {status} {said.decode()[:500]}")
    return bytes(said)


def pairs(api: Api) -> list[Pair]:
    """The questions: one thing, a page of fifty, a page of fifty with three fields."""
    asked = [
        ("one ticket", "/tickets/T-2026-000001", ""),
        ("50 tickets", "/tickets", "limit=50"),
        ("50 tickets, 3 fields", "/tickets", "limit=50&fields=number,title,status"),
    ]
    return [_pair(api, name, path, query) for name, path, query in asked]


def _pair(api: Api, name: str, path: str, query: str) -> Pair:
    route, params = api.find("GET", path)
    made = api.call(route, params, Request(query.encode(), {}, b"", path))
    if not isinstance(made, Call):
        raise TypeError(f"{path} asks nothing of the graph")
    body = json.dumps({"query": made.document, "variables": made.variables}).encode()
    return Pair(name, f"/api/v1{path}", query, body)


async def measured(work: Callable[[], Awaitable[bytes]], requests: int) -> float:
    """CPU seconds of one request."""
    started = time.process_time()
    for _ in range(requests):
        await work()
    return (time.process_time() - started) / requests


async def main(requests: int) -> None:
    """Measure, and print a table."""
    sdl = (ROOT / "contracts/graph/supergraph.graphql").read_text(encoding="utf-8")
    lock = Lock.loads((ROOT / "contracts/rest/v1.lock.json").read_text(encoding="utf-8"))
    view = View.of(sdl)
    urls = {name: f"inprocess://{name}/graphql" for name in view.supergraph.subgraphs}
    inside: dict[str, ASGIApp] = {}
    config = RouterConfig(
        supergraph_file=ROOT / "contracts/graph/supergraph.graphql", subgraphs=Subgraphs(urls=urls), access_log=False
    )
    app = build(config, in_process=inside)
    print(f"load average before: {os.getloadavg()[0]:.1f}; {requests} requests, the least of {ROUNDS} rounds\n")
    print("| | GraphQL, CPU ms | REST, CPU ms | ratio |\n|---|---|---|---|")
    async with app.router.lifespan_context(app):
        api = Api(view, lock)
        inside.update({name: stub(answers(api, 50)) for name in urls})
        for pair in pairs(api):
            ways = (
                lambda pair=pair: call(app, "POST", "/graphql", b"", pair.body),
                lambda pair=pair: call(app, "GET", pair.path, pair.query.encode(), b""),
            )
            for way in ways:
                await measured(way, 20)
            times = [[await measured(way, requests) for way in ways] for _ in range(ROUNDS)]
            graphql, rest = (min(one[at] for one in times) for at in (0, 1))
            print(f"| {pair.name} | {graphql * 1000:.3f} | {rest * 1000:.3f} | {rest / graphql:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=500)
    asyncio.run(main(parser.parse_args().requests))
