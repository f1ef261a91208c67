"""The registered modules: what the router's registry says, and how a module is doing by that."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import uvicorn
from pydantic import SecretStr

from deploy.local.serving import take
from router.registry.registry import Registration
from router.server.app import build
from router.server.config import RegistrySettings, RouterConfig
from subgraphs.integrations.rules.registry import ServiceStatus, judged
from subgraphs.integrations.service import registry
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Unavailable
from tests.subgraphs.house import staff
from tests.subgraphs.integrations.conftest import Hub

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SDL = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5") type Query { who: String }'


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A router whose registry knows one module that is served, and one that does not fit."""
    app = build(RouterConfig(registry=RegistrySettings(token=SecretStr("token"))))
    await app.state.registry.register(Registration("people", "http://127.0.0.1:9/graphql", "1.2", SDL))
    await app.state.registry.register(
        Registration("broken", "http://127.0.0.1:9/graphql", "0.1", SDL.replace("String", "Int"))
    )
    listener = take(0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    await serving
    listener.close()


async def test_every_module_is_shown_as_the_registry_knows_it(url: str) -> None:
    settings = Settings(router_url=url, registry_token=SecretStr("token"))
    before = datetime.now(UTC) - timedelta(seconds=30)

    broken, people = await registry.registered(settings, datetime.now(UTC))

    assert (people.name, people.version, people.status) == ("people", "1.2", ServiceStatus.UP)
    assert people.schema_hash == hashlib.sha256(SDL.encode()).hexdigest()
    assert people.heartbeat_at is not None
    assert people.heartbeat_at > before
    assert (broken.name, broken.status) == ("broken", ServiceStatus.DEGRADED)
    assert broken.problems != ()


async def test_a_registry_that_cannot_be_asked_is_said_to_be_away(url: str, hub: Hub) -> None:
    for settings in (Settings(), Settings(router_url=url, registry_token=SecretStr("another"))):
        with pytest.raises(Unavailable):
            await registry.registered(settings, AT)
    question = "{ registeredModules { name } }"
    codes = [
        (await hub.service.ask(question, caller))["errors"][0]["extensions"]["code"]
        for caller in (staff(), staff(scopes=frozenset({"webhooks:read"})))
    ]

    assert codes == ["UNAVAILABLE", "FORBIDDEN"]


@pytest.mark.parametrize(
    ("url", "state", "age", "status"),
    [
        ("http://crm/graphql", "active", 60, "UP"),
        ("http://crm/graphql", "active", 61, "DOWN"),
        ("http://crm/graphql", "active", None, "DOWN"),
        ("http://crm/graphql", "rejected", 1, "DEGRADED"),
        ("http://crm/graphql", "rejected", 61, "DOWN"),
        ("inprocess://crm/graphql", "active", 9999, "UP"),
    ],
)
def test_who_is_silent_for_a_minute_is_down(url, state, age, status):
    seen = None if age is None else AT.timestamp() - age
    found = judged({"name": "crm", "version": "1", "url": url, "state": state, "seen": seen}, AT)

    assert found.status.value == status
