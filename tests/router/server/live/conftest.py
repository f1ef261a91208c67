"""A service whose events a test makes itself, another one that knows the rest, and a router around them."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from strawberry import federation
from strawberry.asgi import GraphQL
from strawberry.federation.schema_directives import Key

from router.registry.registry import Registration
from router.server.access_log import Facts
from router.server.app import build
from router.server.config import RouterConfig
from router.server.pipeline import Client
from router.server.request import graphql_request
from router.server.tracing import Trace

PROTOCOLS = ("graphql-transport-ws", "graphql-sse")
OURS = {"access_log": False, "include_subgraph_errors": {"all": True}}
SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { id title customer { name } } }'


@dataclass
class Feed:
    """Events of one service: whoever listens now gets what is emitted now."""

    listening: list["asyncio.Queue[Any]"] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)
    """The headers of whoever subscribed."""

    def emit(self, title: Any) -> None:
        """Let something happen; an exception is raised in the service, None is the end."""
        for queue in self.listening:
            queue.put_nowait(title)

    async def events(self) -> AsyncGenerator[Any, None]:
        """Listen."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self.listening.append(queue)
        try:
            while (title := await queue.get()) is not None:
                if isinstance(title, Exception):
                    raise title
                yield title
        finally:
            self.listening.remove(queue)

    async def heard_by(self, count: int, seconds: float = 60) -> None:
        """Wait until so many listen."""
        async with asyncio.timeout(seconds):
            while len(self.listening) != count:
                await asyncio.sleep(0.005)


def tickets(feed: Feed, *, with_more: bool = False, moved: bool = False) -> federation.Schema:
    """The service with events; with a field more, or with its subscription under another name."""

    @federation.type(name="Customer", keys=[Key(fields="id", resolvable=False)])
    class Customer:
        id: strawberry.ID

    @federation.type(name="Ticket", keys=["id"])
    class Ticket:
        id: strawberry.ID
        title: str

        @strawberry.field
        def customer(self) -> Customer | None:
            return Customer(id=strawberry.ID("c1"))

        if with_more:

            @strawberry.field
            def extra(self) -> str:
                return "more"

    @strawberry.type
    class Query:
        @strawberry.field
        def ticket(self, id: strawberry.ID) -> Ticket | None:  # noqa: A002 - the argument's name
            return Ticket(id=id, title="Printer")

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        async def rename(self, title: str) -> str:
            feed.emit(title)
            return title

    async def listen(
        info: strawberry.Info,
        id: strawberry.ID,  # noqa: A002 - the argument's name
    ) -> AsyncGenerator[Ticket, None]:
        feed.seen.append(dict(info.context["request"].headers))
        if id == "secret":
            raise PermissionError("not yours")
        async for title in feed.events():
            yield Ticket(id=id, title=title)

    @strawberry.type
    class Subscription:
        if moved:
            ticket_moved = strawberry.subscription(listen)
        else:
            ticket_updated = strawberry.subscription(listen)

    return federation.Schema(query=Query, mutation=Mutation, subscription=Subscription, federation_version="2.7")


def crm(names: dict[str, str]) -> federation.Schema:
    """The service that knows customers' names."""

    @federation.type(name="Customer", keys=["id"])
    class Customer:
        id: strawberry.ID
        name: str | None

        @classmethod
        def resolve_reference(cls, id: strawberry.ID) -> "Customer":  # noqa: A002 - the key's name
            if id not in names:
                raise LookupError("nobody of this id")
            return cls(id=id, name=names[id])

    @strawberry.type
    class Query:
        @strawberry.field
        def customer(self, id: strawberry.ID) -> Customer | None:  # noqa: A002 - the argument's name
            return Customer(id=id, name=names.get(id))

    return federation.Schema(query=Query, federation_version="2.7")


@dataclass
class Live:
    """A router whose service `tickets` streams, and a client."""

    app: Starlette
    feed: Feed
    names: dict[str, str]
    running: dict[str, Any]
    client: httpx2.AsyncClient
    url: str
    asked: list[str]
    tickets: "Process | None" = None

    async def stop_tickets(self) -> None:
        """Kill the service that streams."""
        assert self.tickets is not None
        await self.tickets.stop()

    async def restart_tickets(self) -> None:
        """Kill the service that streams, and start it again at the same address."""
        await self.stop_tickets()
        assert self.tickets is not None
        await self.tickets.start()

    @staticmethod
    def now() -> float:
        """Return the time of the wall."""
        return time.time()

    @staticmethod
    async def prepared(pipeline: Any, query: str) -> tuple[Any, Any, Any]:
        """Prepare an operation of an anonymous client, as a wire does."""
        request = graphql_request({"query": query})
        client = Client(Headers({}), Facts(Trace.of(Headers({}))))
        return await pipeline.prepare(request, client), request, client

    async def caught_up(self) -> None:
        """Wait until every source follows the supergraph that is served."""
        async with asyncio.timeout(60):
            while any(
                source.prepared.graph is not self.app.state.graphs.current
                for source in self.subscriptions._sources.values()
            ):
                await asyncio.sleep(0.005)

    @property
    def subscriptions(self) -> Any:
        """Whatever is open."""
        return self.app.state.live.subscriptions

    async def register(self, name: str, schema: federation.Schema, url: str | None = None) -> Any:
        """Announce a service."""
        address = url or f"inprocess://{name}/graphql"
        return await self.app.state.registry.register(Registration(name, address, "1", schema.as_str()))

    async def quiet_but_connected(self) -> None:
        """Wait until there is no subscription, no stream, and no listener at the service."""
        async with asyncio.timeout(60):
            while self.subscriptions.sources or self.subscriptions.opened or self.feed.listening:
                await asyncio.sleep(0.005)

    async def quiet(self) -> None:
        """Wait until nothing is left, and nobody is connected either."""
        await self.quiet_but_connected()
        async with asyncio.timeout(60):
            while self.app.state.live.presence.count or self.app.state.live.callbacks.open:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(app: Any, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback."""
    config = uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=2, ws_max_size=1_000_000)
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True


class Process:
    """An application behind a port, which can be killed and started again."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._port = 0
        self._server: Any = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Listen; at the same port as before."""
        config = uvicorn.Config(self._app, port=self._port, log_config=None, timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        self._port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Break all connections and listen no more."""
        if self._task is not None:
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()
            self._server.should_exit = True
            await self._task
            self._task = None


Start = Callable[..., Any]


@pytest.fixture
def live() -> Start:
    """Return what starts it: `over` is how tickets streams, `settings` are the router's."""

    @asynccontextmanager
    async def start(
        over: str = "inside", address: str | None = None, port: int = 0, **settings: Any
    ) -> AsyncIterator[Live]:
        feed, names = Feed(), {"c1": "ACME"}
        schemas = {"tickets": tickets(feed), "crm": crm(names)}
        running: dict[str, Any] = {}
        asked: list[str] = []
        async with AsyncExitStack() as stack:
            for name, schema in schemas.items():
                running[name] = counted(name, schema, asked)
            process = Process(running["tickets"])
            if over != "inside":
                address = await process.start() + "/graphql"
                stack.push_async_callback(process.stop)
            app = build(RouterConfig.model_validate({**OURS, **settings}), in_process=running)
            base = await stack.enter_async_context(serving(app, port))
            client = await stack.enter_async_context(httpx2.AsyncClient(base_url=base, timeout=20))
            made = Live(app, feed, names, running, client, base, asked, process)
            await made.register("tickets", schemas["tickets"], address)
            await made.register("crm", schemas["crm"])
            yield made
            await made.quiet()

    return start


def counted(name: str, schema: federation.Schema, asked: list[str]) -> Any:
    """Serve a schema, and remember that it was asked."""
    graphql = GraphQL[Any, Any](schema, graphql_ide=None, subscription_protocols=PROTOCOLS)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        asked.append(name)
        await graphql(scope, receive, send)

    return app


@dataclass
class Events:
    """Reads Server-Sent Events from an answer."""

    response: httpx2.Response
    _lines: Any = None

    async def next(self) -> tuple[str, str]:
        """Return kind and data of the next event that is none of the heartbeats."""
        if self._lines is None:
            self._lines = self.response.aiter_lines()
        kind, data = "", ""
        async with asyncio.timeout(60):
            async for line in self._lines:
                if line.startswith("event:"):
                    kind = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    data = line.removeprefix("data:").strip()
                elif not line and kind:
                    return kind, data
        raise EOFError


@pytest.fixture
def events() -> Callable[[httpx2.Response], Events]:
    """Return what reads Server-Sent Events."""
    return Events


@pytest.fixture(name="serving")
def _serving() -> Callable[[Any], Any]:
    """Return what serves an application over loopback."""
    return serving


@pytest.fixture
def subgraphs() -> Any:
    """Return what makes the services' schemas anew, for a change of the schema."""
    return tickets
