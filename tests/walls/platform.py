"""The whole platform in this process, with everything that it says within reach: answers, logs, tables.

caller ─ access token ─► router ─ internal token ─► module ─► PostgreSQL ◄─ a superuser, who looks at the tables
                            └────────────── log ───────┴──► heard

Nothing is replaced: real roles, real tokens of both kinds, the router's own composition; only the sockets are missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import structlog
from graphql import GraphQLSchema
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from pydantic import SecretStr
from starlette.applications import Starlette

from contracts.identity import EVERY_CUSTOMER, INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE
from router.registry.registry import Registration
from router.server import memory
from router.server.app import build as build_router
from router.server.config import Authentication, Limits, RouterConfig
from router.server.config.rate_limit import RateLimit
from router.server.config.registry import RegistrySettings
from router.server.config.subgraphs import Subgraphs
from subgraphs import MODULES
from subgraphs.kit import app, database, graph, references, work
from subgraphs.kit.caller import Caller, system
from subgraphs.kit.config import Settings
from subgraphs.kit.module import load
from subgraphs.tickets.models.people import UserCopy
from tests.subgraphs.house import prepared
from tests.walls.search import tokens

_NO_REFUSALS: Mapping[str, str] = {
    "audit": " AND change <> 'REFUSED'",
    "outbox": " AND type <> 'audit.recorded'",
    "audit_head": " AND false",
}

ISSUER, AUDIENCE = "https://auth.example", "psa"
REGISTRY_TOKEN = "the registry of the tests"


@dataclass(slots=True)
class Platform:
    """Router and modules that answer, and a superuser's connection."""

    admin: asyncpg.Connection
    settings: Mapping[str, Settings]
    issuer: ECKey
    router_key: ECKey
    clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)
    api: GraphQLSchema = field(init=False)
    subgraphs: Mapping[str, GraphQLSchema] = field(
        default_factory=lambda: {name: graph.schema(load(name))._schema for name in MODULES}
    )
    requests: int = 0
    router: Starlette = field(init=False)

    async def ask(self, caller: Caller, query: str, variables: Mapping[str, Any] | None = None) -> str:
        """All bytes of the router's answer."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now - 10, "exp": now + 3600, **claims_of(caller)}
        token = jwt.encode({"alg": "ES256", "kid": self.issuer.kid, "typ": "at+jwt"}, claims, self.issuer)
        return await self._post("router", token, query, variables)

    async def ask_module(
        self, module: str, caller: Caller, query: str, variables: Mapping[str, Any] | None = None
    ) -> str:
        """All bytes of a module's answer to whom the router has vouched for."""
        claims = {"iss": INTERNAL_ISSUER, "aud": module, "exp": int(time.time()) + 300, **claims_of(caller)}
        header = {"alg": "ES256", "kid": self.router_key.kid, "typ": INTERNAL_TOKEN_TYPE}
        return await self._post(module, jwt.encode(header, claims, self.router_key), query, variables)

    async def _post(self, door: str, token: str, query: str, variables: Mapping[str, Any] | None) -> str:
        self.requests += 1
        response = await self.clients[door].post(
            "/graphql",
            json={"query": query, "variables": variables or {}},
            headers={"authorization": f"Bearer {token}"},
        )
        assert response.status_code in {200, 400}, response.text
        return response.text

    async def data(self, caller: Caller, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = json.loads(await self.ask(caller, query, variables))
        assert "errors" not in answer, answer
        return answer["data"]

    async def teach(self, kind: str, identity: str, *, tenant: UUID, customer: str | None) -> None:
        """Let the modules that copy things of this kind know one, as if its event had arrived."""
        for name, settings in self.settings.items():
            if kind in load(name).references:
                engine = database.engine(settings.needed("database_url"), application="test")
                async with work.begin(engine, system(tenant), module=name) as job:
                    owner = UUID(customer) if customer else None
                    await references.learn(job, kind, UUID(identity), name=identity, customer=owner)
                await engine.dispose()
        if kind == "User":
            await self._introduce(UUID(identity), tenant)

    async def _introduce(self, user: UUID, tenant: UUID) -> None:
        """Let the desk know somebody who may be given work, whoever they are in truth."""
        engine = database.engine(self.settings["tickets"].needed("database_url"), application="test")
        async with work.begin(engine, system(tenant), module="tickets") as job:
            colleague = {"kind": "STAFF", "status": "ACTIVE", "at": job.at, "sees": []}
            await job.session.merge(UserCopy(tenant_id=tenant, user_id=user, **colleague))
        await engine.dispose()

    # --- what a superuser sees

    async def tables(self, *, with_column: str = "tenant_id") -> list[str]:
        """All tables of all modules that have this column."""
        found = await self.admin.fetch(
            "SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1) AND a.attname = $2 ORDER BY 1",
            list(MODULES),
            with_column,
        )
        names = [row["name"] for row in found]
        # A record is about a customer and nobody of that customer's reads it, so it says nothing of what they may see.
        return names if with_column == "tenant_id" else [name for name in names if not name.endswith(".audit")]

    async def text(self, table: str, where: str, *arguments: Any) -> str:
        """The rows of a table, walls or no walls, as one text; without what is recorded because something was refused."""
        # Who belongs to whom is nothing that the one who belongs may ask for.
        # The links of the audit differ with the refusals between them.
        row = "(to_jsonb(t) - '{parent_id,strand,position,previous,hash}'::text[])::text"
        where = f"({where}){_NO_REFUSALS.get(table.rpartition('.')[2], '')}"
        sql = f"SELECT coalesce(string_agg({row}, E'\n' ORDER BY {row}), '') FROM {table} t WHERE {where}"
        rows: str = await self.admin.fetchval(sql, *arguments)
        return rows

    async def state(self, where: str, *arguments: Any, with_column: str = "tenant_id") -> dict[str, int]:
        """A fingerprint of the selected rows of each table, to compare with a later one."""
        tables = await self.tables(with_column=with_column)
        return {table: hash(await self.text(table, where, *arguments)) for table in tables}

    async def tokens(self, where: str, *arguments: Any, with_column: str = "tenant_id") -> set[str]:
        """Every token in the selected rows of all tables that have this column."""
        tables = await self.tables(with_column=with_column)
        return set().union(*[tokens(await self.text(table, where, *arguments)) for table in tables])


def claims_of(caller: Caller) -> dict[str, Any]:
    """What a token says of a caller."""
    return {
        "tid": str(caller.tenant),
        "sub": str(caller.subject),
        "kind": caller.kind,
        "scope": " ".join(sorted(caller.scopes)),
        "customers": EVERY_CUSTOMER if caller.customers is None else sorted(map(str, caller.customers)),
        "deny": sorted(map(str, caller.denied)),
    }


@contextlib.asynccontextmanager
async def running(admin_url: str, directory: Path, address: str | None = None) -> AsyncIterator[Platform]:
    """Run the platform for the length of the block; modules reach the router at the address, if it will listen at one."""
    async with contextlib.AsyncExitStack() as stack:
        reached = {"router_url": address, "registry_token": SecretStr(REGISTRY_TOKEN)} if address else {}
        settings = {name: (await prepared(name, admin_url)).model_copy(update=reached) for name in MODULES}
        issuer, router_key = _key(directory, "issuer"), _key(directory, "router")
        (directory / "issuer.jwks").write_text(json.dumps(KeySet([issuer]).as_dict(private=False)))
        admin = await asyncpg.connect(admin_url)
        stack.push_async_callback(admin.close)
        platform = Platform(admin, settings, issuer, router_key)
        inside: dict[str, Any] = {}
        router = build_router(_router_config(directory), in_process=inside)
        platform.router = router
        platform.clients["router"] = await _client(stack, router)
        for name in MODULES:
            inside[name] = await _module(stack, name, settings[name], router)
            platform.clients[name] = await _client(stack, inside[name])
        known = (Registration(name, f"inprocess://{name}/graphql", "1", graph.sdl(load(name))) for name in MODULES)
        await asyncio.gather(*map(router.state.registry.register, known))
        platform.api = router.state.graphs.needed().schema
        with _settled():
            yield platform


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """Keep what stays out of the collector's sight, as router and modules do.

    Eight services in one process are some gigabytes with all that they have planned: to look through them takes seconds, in
    which nothing is answered, and which are counted to whom it meets, a plan among them.
    """
    before = gc.get_threshold()
    memory.settle()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _module(stack: contextlib.AsyncExitStack, name: str, settings: Settings, router: Starlette) -> Starlette:
    async def keys() -> dict[str, Any]:
        known: dict[str, Any] = router.state.public_keys()
        return known

    built = app.build(load(name), settings, keys=keys)
    await stack.enter_async_context(built.router.lifespan_context(built))
    return built


async def _client(stack: contextlib.AsyncExitStack, application: Starlette) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(application)
    client = httpx2.AsyncClient(transport=transport, base_url="http://platform", timeout=30)
    return await stack.enter_async_context(client)


def _key(directory: Path, name: str) -> ECKey:
    key = ECKey.generate_key("P-256", {"kid": name})
    (directory / f"{name}.jwk").write_text(json.dumps(key.as_dict(private=True)))
    return key


def _router_config(directory: Path) -> RouterConfig:
    return RouterConfig(
        authentication=Authentication(
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks=str(directory / "issuer.jwks"),
            signing_key_file=directory / "router.jwk",
        ),
        limits=Limits(selections=1_000_000, tokens=100_000, height=100_000),
        registry=RegistrySettings(token=SecretStr(REGISTRY_TOKEN)),
        # Every wall asks the same thousands of questions.
        operation_cache_entries=3000,
        operation_cache_bytes=50_000_000,
        rate_limit=RateLimit(enabled=False),  # thousands of probes in the name of a handful of people
        # A busy machine must not make a refusal of an answer that is only slow.
        request_timeout_seconds=600,
        subgraphs=Subgraphs(timeout_seconds=500),
    )


@contextlib.contextmanager
def listening() -> Iterator[io.StringIO]:
    """Collect everything that is logged meanwhile, as text."""
    heard = io.StringIO()
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(heard),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    try:
        yield heard
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.configure(**before)
