"""Reloads a router many times under load and with open subscriptions: counts what failed, what was lost, and what stays in memory.

.venv/bin/python tests/router/server/reload_drill.py 100

Every reload changes what is asked, but not the stream of the subscriptions: after each of them an event has to arrive at every
subscriber, in its order. At the end their field is taken away, and each has to be told so.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).parents[1]))

from small_graph import LINK, Subgraph

from router.registry.registry import Registration
from router.server.app import build
from router.server.config import RouterConfig

_FIRST = 10
"""Reloads before we measure: caches fill up, and the history has all the versions that it keeps."""
_CLIENTS = 4
_PAUSE_SECONDS = 0.01
_SUBSCRIBERS = 5
CRM = 'type Query { customer: Customer } type Customer @key(fields: "id") { id: ID! name: String }'
ASSETS = 'type Query { count: Int } type Customer @key(fields: "id") { id: ID! assets: Int }'
QUERY = {"query": "{ customer { name assets } }"}
ANSWER = {"data": {"customer": {"name": "ACME", "assets": 3}}}


@dataclass(frozen=True, slots=True)
class Drill:
    """What came of it; `grown_bytes` is by how much the memory in use is larger than before.

    `events` reached a subscriber, `lost` did not or came in another order; `told` are the subscribers who learned why it ended.
    """

    reloads: int
    requests: int
    failed: int
    baseline_bytes: int
    grown_bytes: int
    subscribers: int
    events: int
    lost: int
    told: int


@dataclass
class News:
    """A subgraph that streams: what is told now goes to everybody who listens."""

    text: str = LINK + "type Query { n: Int } type Subscription { news(to: Int): Int }"
    without: str = LINK + "type Query { n: Int } type Subscription { other: Int }"
    listening: set[asyncio.Queue[int]] = field(default_factory=set)

    def tell(self, number: int) -> None:
        """Let something happen."""
        for queue in self.listening:
            queue.put_nowait(number)

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        """Stream until the router leaves."""
        await receive()
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        queue: asyncio.Queue[int] = asyncio.Queue()
        self.listening.add(queue)
        try:
            while True:
                event = json.dumps({"data": {"news": await queue.get()}})
                body = f"event: next\ndata: {event}\n\n".encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})
        finally:
            self.listening.discard(queue)


@dataclass
class Subscribers:
    """Clients behind one WebSocket."""

    socket: ClientConnection
    events: int = 0
    lost: int = 0
    told: int = 0

    async def subscribe(self) -> None:
        """Open them all."""
        await self.socket.send(json.dumps({"type": "connection_init"}))
        await self.socket.recv()
        for number in range(_SUBSCRIBERS):
            payload = {"query": f"subscription {{ news(to: {number}) }}"}
            await self.socket.send(json.dumps({"type": "subscribe", "id": str(number), "payload": payload}))

    async def hear(self, number: int) -> None:
        """Count who got this event."""
        for _ in range(_SUBSCRIBERS):
            heard = await self._next()
            right = heard.get("payload") == {"data": {"news": number}}
            self.events += right
            self.lost += not right

    async def hear_the_end(self) -> None:
        """Count who was told why there is no more."""
        for _ in range(_SUBSCRIBERS):
            heard = await self._next()
            errors = heard["payload"] if heard["type"] == "error" else []
            self.told += [one["extensions"]["code"] for one in errors] == ["SUBSCRIPTION_SCHEMA_RELOAD"]

    async def _next(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(await self.socket.recv())
        return heard


@asynccontextmanager
async def _subscribers(app: Any) -> AsyncIterator[Subscribers]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=2))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=["graphql-transport-ws"], proxy=None) as socket:  # type: ignore[list-item]
            yield Subscribers(socket)
        server.should_exit = True


async def drill(reloads: int, *, measured: bool = True) -> Drill:
    """Run it; that memory is measured makes everything several times slower."""
    crm = Subgraph(CRM, {"customer": {"__typename": "Customer", "id": "1", "name": "ACME"}})
    assets = Subgraph(ASSETS, {}, {"Customer:1": {"assets": 3}})
    settings = {"registry": {"token": "s3cret", "history": {"entries": 5}}, "access_log": False}
    news = News()
    app = build(RouterConfig.model_validate(settings), in_process={"crm": crm, "assets": assets, "news": news})
    registry = app.state.registry
    await registry.register(Registration("news", "inprocess://news/graphql", "0", news.text))
    await registry.register(Registration("crm", "inprocess://crm/graphql", "0", crm.text))
    await registry.register(Registration("assets", "inprocess://assets/graphql", "0", assets.text))
    answers = [0, 0]
    stop = asyncio.Event()

    async def swap(version: int) -> None:
        sdl = f"{crm.text} type Version{version} {{ a: Int }}"
        await registry.register(Registration("crm", "inprocess://crm/graphql", str(version), sdl))

    async def ask(client: httpx2.AsyncClient) -> None:
        while not stop.is_set():
            answer = await client.post("/graphql", json=QUERY)
            answers[0] += 1
            answers[1] += answer.json() != ANSWER
            await asyncio.sleep(_PAUSE_SECONDS)

    async def answered_again() -> None:
        before = answers[0]
        while answers[0] < before + _CLIENTS:
            await asyncio.sleep(_PAUSE_SECONDS)

    async with (
        _subscribers(app) as subscribers,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client,
        asyncio.TaskGroup() as group,
    ):
        await subscribers.subscribe()
        for _ in range(_CLIENTS):
            group.create_task(ask(client))
        if measured:
            for version in range(_FIRST):
                await swap(version)
            tracemalloc.start()
            await swap(_FIRST)
            await swap(_FIRST + 1)  # what was made before tracing began is gone now
        baseline = _in_use(crm, assets)
        for version in range(reloads):
            await swap(_FIRST + 2 + version)
            await _caught_up(app, news)
            news.tell(version)
            await subscribers.hear(version)
            await answered_again()
        grown = _in_use(crm, assets) - baseline
        tracemalloc.stop()
        await registry.register(Registration("news", "inprocess://news/graphql", "1", news.without))
        await subscribers.hear_the_end()
        stop.set()
    heard = (_SUBSCRIBERS, subscribers.events, subscribers.lost, subscribers.told)
    return Drill(reloads, answers[0], answers[1], baseline, grown, *heard)


async def _caught_up(app: Any, news: News) -> None:
    """Wait until everything that is open belongs to what is served now."""
    sources = app.state.live.subscriptions._sources
    while len(news.listening) < _SUBSCRIBERS or any(
        one.prepared.graph is not app.state.graphs.current for one in sources.values()
    ):
        await asyncio.sleep(0.005)


def _in_use(*remembering: Subgraph) -> int:
    for one in remembering:
        for record in (one.asked, one.bodies, one.headers):
            record.clear()  # what the subgraphs remember is theirs
    if not tracemalloc.is_tracing():
        return 0
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _main(arguments: list[str]) -> Any:
    done = asyncio.run(drill(int(arguments[0]) if arguments else 100))
    print(json.dumps(asdict(done)))  # noqa: T201 - it's what one runs it for
    bad = done.failed or done.lost or done.told < done.subscribers
    return int(bool(bad) or done.grown_bytes > max(done.baseline_bytes // 4, 1_000_000))


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
