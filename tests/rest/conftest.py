"""The whole platform, asked through its REST interface: one tenant with a bit of everything, and a client for each caller."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import pytest
from joserfc import jwt

from subgraphs.kit import references
from subgraphs.kit.caller import Caller
from tests.walls.platform import AUDIENCE, ISSUER, Platform, claims_of, listening, running
from tests.walls.twins import Twin, built


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody with a token."""

    platform: Platform
    caller: Caller
    token: str

    async def __call__(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Ask; the path is below `/api/v1` unless it begins with `/api`."""
        headers = {"authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        url = path if path.startswith("/api/") else f"/api/v1{path}"
        return await self.platform.clients["router"].request(method, url, headers=headers, **more)

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask the graph."""
        headers = {"authorization": f"Bearer {self.token}"}
        body = {"query": query, "variables": variables}
        answer = await self.platform.clients["router"].post("/graphql", json=body, headers=headers)
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="session")
async def platform(postgres_admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """The whole platform, on a database of its own."""
    name = f"rest_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(postgres_admin_url)._replace(path=f"/{name}"))
    try:
        async with running(url, tmp_path_factory.mktemp("rest")) as platform:
            yield platform
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture(scope="session")
async def twin(platform: Platform) -> Twin:
    """A tenant with a bit of everything."""
    return await built(platform, "r")


@pytest.fixture(scope="session")
async def stranger(platform: Platform) -> Twin:
    """Another tenant, whose things nobody of ours may see."""
    return await built(platform, "s")


@pytest.fixture
def partner(platform: Platform) -> Callable[[Caller], Partner]:
    """Give somebody a token."""

    def of(caller: Caller) -> Partner:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now - 10, "exp": now + 3600, **claims_of(caller)}
        header = {"alg": "ES256", "kid": platform.issuer.kid, "typ": "at+jwt"}
        return Partner(platform, caller, jwt.encode(header, claims, platform.issuer))

    return of


@pytest.fixture
def api(twin: Twin, partner: Callable[[Caller], Partner]) -> Partner:
    """Somebody who may do everything."""
    return partner(twin.staff())


@pytest.fixture(autouse=True)
def heard() -> Iterator[io.StringIO]:
    """Everything that is logged during a test."""
    with listening() as collected:
        yield collected


@pytest.fixture(autouse=True)
def nothing_arrives_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that name something unknown wait for its event; here no event is on its way."""
    monkeypatch.setattr(references, "_PATIENCE_SECONDS", 0.001)
    monkeypatch.setattr(references, "_POLL_SECONDS", 0.001)
