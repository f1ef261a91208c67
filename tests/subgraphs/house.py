"""A module as it runs in production, for tests to ask: real PostgreSQL, real roles, real tokens, no network."""

from __future__ import annotations

import base64
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from contracts.identity import INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE
from contracts.scopes import PERMISSIONS
from subgraphs.kit import app, database, migrate, references, work
from subgraphs.kit.caller import Caller, system
from subgraphs.kit.config import Settings
from subgraphs.kit.module import Module, load

A = UUID("0192f000-0000-7000-8000-00000000000a")
B = UUID("0192f000-0000-7000-8000-00000000000b")
SOMEBODY = UUID("0192f000-0000-7000-8000-0000000000ff")

PASSWORD = "test"
ISSUER = "http://localhost:4000"


def _sealing_key() -> Path:
    """A key with which secrets are sealed in tests; the same in every process of one run, for they share a database."""
    file = Path(tempfile.gettempdir()) / f"psa-test-sealing-key-{os.getuid()}"
    if not file.exists():
        file.write_text(base64.b64encode(os.urandom(32)).decode())
    return file


def but_refusals(table: str) -> str:
    """The condition that leaves out what is written because something was refused: its record, and the news of it."""
    conditions = {"audit": " WHERE change <> 'REFUSED'", "outbox": " WHERE type <> 'audit.recorded'"}
    return conditions.get(table, "")


def staff(tenant: UUID = A, **changes: Any) -> Caller:
    """Somebody who may do everything in a tenant, unless `changes` says otherwise."""
    plain: dict[str, Any] = {"tenant": tenant, "subject": SOMEBODY, "kind": "STAFF", "scopes": frozenset(PERMISSIONS)}
    return Caller(**plain | changes)


@dataclass(slots=True)
class Service:
    """One module that runs, with its addresses and a moment that the test may move."""

    module: Module
    settings: Settings
    admin_url: str
    engine: AsyncEngine
    moment: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    client: httpx2.AsyncClient = field(init=False)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "test"}))

    def token(self, caller: Caller, **claims: Any) -> str:
        """The internal token that the router would sign for this caller; `claims` overwrite."""
        plain = {
            "iss": INTERNAL_ISSUER,
            "aud": self.module.name,
            "exp": int(time.time()) + 300,
            "tid": str(caller.tenant),
            "sub": str(caller.subject),
            "kind": caller.kind,
            "scope": " ".join(sorted(caller.scopes)),
            "customers": "*" if caller.customers is None else [str(one) for one in caller.customers],
            "deny": [str(one) for one in caller.denied],
            **({"contact": str(caller.contact)} if caller.contact else {}),
            **({"act": {"sub": str(caller.impersonator)}} if caller.impersonator else {}),
            **({"ip": caller.address} if caller.address else {}),
            **({"sid": str(caller.session)} if caller.session else {}),
            **({"key": str(caller.key)} if caller.key else {}),
        }
        return jwt.encode({"alg": "ES256", "kid": "test", "typ": INTERNAL_TOKEN_TYPE}, plain | claims, self.key)

    async def ask(
        self, query: str, caller: Caller | None = None, *, key: str | None = None, **variables: Any
    ) -> dict[str, Any]:
        """The whole GraphQL answer to `query` asked by `caller`."""
        headers = {"Authorization": f"Bearer {self.token(caller or staff())}"}
        headers |= {"Idempotency-Key": key} if key else {}
        response = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def data(self, query: str, caller: Caller | None = None, **variables: Any) -> Any:
        """The data of an answer that has no errors."""
        answer = await self.ask(query, caller, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def knows(self, kind: str, identity: UUID, *, tenant: UUID = A, customer: UUID | None = None) -> None:
        """Let the module know something of another module, as if its event had arrived."""
        async with work.begin(self.engine, system(tenant), module=self.module.name) as job:
            await references.learn(job, kind, identity, name=str(identity), customer=customer or identity)

    async def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """What a superuser sees, walls or no walls."""
        connection = await asyncpg.connect(self.admin_url, server_settings={"search_path": self.module.name})
        try:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]
        finally:
            await connection.close()

    async def count(self, table: str) -> int:
        """How many rows a table has, of all tenants; records of refusals are not counted."""
        return int((await self.rows(f"SELECT count(*) AS n FROM {table}{but_refusals(table)}"))[0]["n"])


def address(admin_url: str, role: str) -> str:
    """The database's address for another role."""
    parts = urlsplit(admin_url)
    return urlunsplit(parts._replace(netloc=f"{role}:{PASSWORD}@{parts.hostname}:{parts.port}"))


@contextlib.asynccontextmanager
async def running(name: str, admin_url: str) -> AsyncIterator[Service]:
    settings = await prepared(name, admin_url)
    url = settings.needed("database_url")
    service = Service(load(name), settings, admin_url, database.engine(url, application="test"))

    async def keys() -> Mapping[str, Any]:
        return KeySet([service.key]).as_dict(private=False)

    application: Starlette = app.build(service.module, settings, keys=keys, clock=lambda: service.moment)
    transport = httpx2.ASGITransport(application)
    async with (
        application.router.lifespan_context(application),
        httpx2.AsyncClient(transport=transport, base_url="http://subgraph") as service.client,
    ):
        yield service
    await service.engine.dispose()


async def prepared(name: str, admin_url: str) -> Settings:
    """Make the module's roles, schema and tables; the settings of a process that may use them."""
    secret = SecretStr(PASSWORD)
    await database.provision(admin_url, name, database.RolePasswords(secret, secret, secret))
    settings = Settings(
        issuer=ISSUER,
        password_hashing="m=64,t=1,p=1",
        vies_url="http://127.0.0.1:9/vies",  # nobody listens there
        sealing_key_file=str(_sealing_key()),
        mail_url=SecretStr(f"file://{Path(tempfile.gettempdir()) / 'psa-test-mails'}"),
        database_url=SecretStr(address(admin_url, name)),
        database_owner_url=SecretStr(address(admin_url, f"{name}_owner")),
        database_relay_url=SecretStr(address(admin_url, f"{name}_relay")),
    )
    await migrate.upgrade(name, settings.needed("database_owner_url"))
    return settings
