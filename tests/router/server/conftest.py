"""Real subgraphs (Strawberry), a real router around them, and tokens of an issuer that belongs to the test."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import strawberry
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from on_the_wire import OnTheWire
from small_graph import Subgraph
from starlette.applications import Starlette
from strawberry import federation
from strawberry.asgi import GraphQL
from strawberry.federation.schema_directives import Key
from strawberry.file_uploads import Upload

from deploy.local.serving import take
from router.registry.registry import Registration
from router.server.app import build
from router.server.cache_events import Inside
from router.server.config import RouterConfig

SEED = 'query { customer(id: "123") { name tickets(status: "open") { id title priority } assets { name type } } }'
SEED_ANSWER = {
    "customer": {
        "name": "ACME",
        "tickets": [{"id": "t1", "title": "Printer", "priority": 2}],
        "assets": [{"name": "srv-1", "type": "SERVER"}],
    }
}
ISSUER, AUDIENCE = "https://auth.example", "psa"
TENANT, USER = "0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002"


async def hash_of(file: Any) -> str:
    """Read a file to its end; whoever reads it closes it."""
    await file.seek(0)
    content = await file.read()
    await file.close()
    return hashlib.sha256(content).hexdigest()


def crm() -> federation.Schema:
    @federation.type(name="Customer", keys=["id"])
    class Customer:
        id: strawberry.ID
        name: str

        @classmethod
        def resolve_reference(cls, id: strawberry.ID) -> "Customer":  # noqa: A002 - the key's name
            return cls(id=id, name="ACME")

    @strawberry.type
    class Query:
        @strawberry.field
        def customer(self, id: strawberry.ID) -> Customer | None:  # noqa: A002 - the argument's name
            return Customer(id=id, name="ACME") if id == "123" else None

        @strawberry.field
        def fails(self) -> str | None:
            raise ValueError("the password is hunter2")

        @strawberry.field
        def headers(self, info: strawberry.Info) -> str:
            return json.dumps(dict(info.context["request"].headers))

        @strawberry.field
        async def sleeps(self, seconds: float) -> str | None:
            await asyncio.sleep(seconds)
            return "awake"

    @strawberry.input
    class Attachment:
        file: Upload

    @strawberry.type
    class Mutation:
        @strawberry.mutation
        def rename(self, name: str) -> Customer:
            return Customer(id=strawberry.ID("123"), name=name)

        @strawberry.mutation
        async def store(self, files: list[Upload], note: str | None = None) -> list[str]:
            hashes = {number: await hash_of(file) for number, file in {id(file): file for file in files}.items()}
            return [f"{file.filename} {file.content_type} {hashes[id(file)]} {note}" for file in files]

        @strawberry.mutation
        async def attach(self, input: Attachment) -> str:  # noqa: A002 - the argument's name
            return await hash_of(input.file)

    return _schema(Query, Mutation)


def tickets() -> federation.Schema:
    @federation.type(name="Ticket", keys=["id"])
    class Ticket:
        id: strawberry.ID
        title: str
        priority: int

    @federation.type(name="Customer", keys=[Key(fields="id", resolvable=True)])
    class Customer:
        id: strawberry.ID

        @strawberry.field
        def tickets(self, status: str | None = None) -> list[Ticket] | None:
            found = [Ticket(id=strawberry.ID("t1"), title="Printer", priority=2)]
            return found if status in (None, "open") else []

        @classmethod
        def resolve_reference(cls, id: strawberry.ID) -> "Customer":  # noqa: A002 - the key's name
            return cls(id=id)

    @strawberry.type
    class Query:
        @strawberry.field
        def ticket(self, id: strawberry.ID) -> Ticket | None:  # noqa: A002 - the argument's name
            return Ticket(id=id, title="Printer", priority=2)

    return _schema(Query, types=[Customer])


def assets() -> federation.Schema:
    @strawberry.type
    class Asset:
        name: str
        type: str

    @federation.type(name="Customer", keys=["id"])
    class Customer:
        id: strawberry.ID

        @strawberry.field
        def assets(self) -> list[Asset] | None:
            return [Asset(name="srv-1", type="SERVER")]

        @classmethod
        def resolve_reference(cls, id: strawberry.ID) -> "Customer":  # noqa: A002 - the key's name
            return cls(id=id)

    # No root field of its own: it composes only beside somebody who has one.
    return _schema(None, types=[Customer])


def _schema(query: Any, mutation: Any = None, types: Any = ()) -> federation.Schema:
    return federation.Schema(query=query, mutation=mutation, types=types, federation_version="2.7")


@dataclass
class Module:
    """One subgraph: its application, what it says of itself, and the requests that it got."""

    name: str
    schema: federation.Schema
    requests: list[dict[str, str]] = field(default_factory=list)

    def registration(self, url: str | None = None) -> Registration:
        """Return what it announces."""
        return Registration(self.name, url or f"inprocess://{self.name}/graphql", "1", self.schema.as_str())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and remember the headers."""
        self.requests.append({key.decode(): value.decode() for key, value in scope["headers"]})
        await GraphQL[Any, Any](self.schema, graphql_ide=None, multipart_uploads_enabled=True)(scope, receive, send)


@dataclass
class Platform:
    """A router with its modules, and a client."""

    app: Starlette
    modules: dict[str, Module]
    running: dict[str, Any]
    client: httpx2.AsyncClient

    async def ask(self, query: str, **more: Any) -> dict[str, Any]:
        """POST an operation; returns the body."""
        headers = more.pop("headers", {})
        response = await self.client.post("/graphql", json={"query": query, **more}, headers=headers)
        body: dict[str, Any] = response.json()
        return body


@pytest.fixture
def platform() -> Callable[..., Any]:
    """Return what starts a router over three in-process modules."""

    @asynccontextmanager
    async def start(**settings: Any) -> AsyncIterator[Platform]:
        modules = {
            name: Module(name, make()) for name, make in (("assets", assets), ("crm", crm), ("tickets", tickets))
        }
        running: dict[str, Any] = dict(modules)
        app = build(RouterConfig.model_validate(settings), in_process=running)
        for module in modules.values():
            await app.state.registry.register(module.registration())
        transport = OnTheWire(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://router") as client,
        ):
            yield Platform(app, modules, running, client)

    return start


@dataclass
class Small:
    """A router over subgraphs that are made of SDL, and a client."""

    app: Starlette
    subgraphs: dict[str, Subgraph]
    running: dict[str, Any]
    client: httpx2.AsyncClient

    async def ask(self, query: str, **more: Any) -> dict[str, Any]:
        """POST an operation; returns the body."""
        body: dict[str, Any] = (await self.post(query, **more)).json()
        return body

    async def post(self, query: str, **more: Any) -> httpx2.Response:
        """POST an operation; returns the response."""
        headers = more.pop("headers", {})
        return await self.client.post("/graphql", json={"query": query, **more}, headers=headers)


@asynccontextmanager
async def routing(
    subgraphs: dict[str, Subgraph], /, *, events: Inside | None = None, **settings: Any
) -> AsyncIterator[Small]:
    """Run a router over these subgraphs; `events` is a broker in this process."""
    running: dict[str, Any] = dict(subgraphs)
    app = build(RouterConfig.model_validate(settings), in_process=running, events=events)
    for name, subgraph in subgraphs.items():
        registered = Registration(name, f"inprocess://{name}/graphql", "1", subgraph.text)
        await app.state.registry.register(registered)
    assert app.state.graphs.current is not None, "the subgraphs do not compose"
    transport = OnTheWire(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://router") as client,
    ):
        yield Small(app, subgraphs, running, client)


@pytest.fixture
def small() -> Callable[..., Any]:
    """Return what starts a router over subgraphs that are made of SDL."""
    return routing


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback."""
    listening = take(0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="auto", timeout_graceful_shutdown=2))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True


@pytest.fixture
def served() -> Callable[[Any], Any]:
    """Return what serves an application over loopback."""
    return serving


@dataclass
class Issuer:
    """The identity provider of a test: a key, a file with its public half, and tokens."""

    file: Path
    key: Any = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    def publish(self, *more: Any) -> None:
        """Write the key set."""
        keys = [key.as_dict(private=False) for key in (self.key, *more)]
        self.file.write_text(json.dumps({"keys": keys}))

    def settings(self) -> dict[str, Any]:
        """Return the router's `authentication` section."""
        return {"issuer": ISSUER, "audience": AUDIENCE, "jwks": str(self.file), "refetch_seconds": 0}

    def token(self, *, key: Any = None, alg: str = "ES256", typ: str | None = "at+jwt", **claims: Any) -> str:
        """Sign a token; claims given as None are left out."""
        key = key or self.key
        now = int(time.time())
        standard = {"iss": ISSUER, "aud": AUDIENCE, "sub": USER, "tid": TENANT, "exp": now + 60, "iat": now}
        standard |= {"kind": "STAFF", "scope": "customers:read", "roles": ["TECHNICIAN"], "customers": "*"}
        chosen = {name: value for name, value in {**standard, **claims}.items() if value is not None}
        header = {"alg": alg, "kid": key.kid, **({"typ": typ} if typ else {})}
        return jwt.encode(header, chosen, key, algorithms=[alg], default_type=None)

    def bearer(self, **claims: Any) -> dict[str, str]:
        """Return the header with a token."""
        return {"authorization": f"Bearer {self.token(**claims)}"}


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """Return an issuer whose key is published."""
    made = Issuer(tmp_path / "jwks.json")
    made.publish()
    return made


@pytest.fixture(scope="session")
def rsa_key() -> Any:
    """Return an RSA key; making one takes a while."""
    return RSAKey.generate_key(2048, auto_kid=True)
