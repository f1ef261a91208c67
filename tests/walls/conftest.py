"""One platform for all walls, and tenants that look alike, made when they are first asked for."""

from __future__ import annotations

import dataclasses
import functools
import io
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from router.planner.planner import PlanLimits, Planner
from router.server import reload
from subgraphs.kit import caller, graph, references, tenancy
from subgraphs.kit.caller import Caller
from tests.walls.platform import Platform, listening, running
from tests.walls.twins import Twin, built

Tenant = Callable[[str], Awaitable[Twin]]


@pytest.fixture(scope="session")
async def platform(postgres_admin_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """The whole platform, on a database of its own."""
    name = f"walls_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(postgres_admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(postgres_admin_url)._replace(path=f"/{name}"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(graph, "DOCUMENTS", 3000)  # which every wall asks again
            # A collection of everything that this process holds may fall into the planning of one probe.
            patch.setattr(reload, "Planner", functools.partial(Planner, limits=PlanLimits(timeout_seconds=120)))
            async with running(url, tmp_path_factory.mktemp("walls")) as platform:
                yield platform
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture(scope="session")
async def tenant(platform: Platform) -> Tenant:
    """The tenant whose marks have this letter; each test names those that it needs, and says what may become of them."""
    known: dict[str, Twin] = {}

    async def named(letter: str) -> Twin:
        if letter not in known:
            known[letter] = await built(platform, letter)
        return known[letter]

    return named


@pytest.fixture(autouse=True)
def heard() -> Iterator[io.StringIO]:
    """Everything that is logged during a test."""
    with listening() as collected:
        yield collected


class Deceived(Caller):
    """A caller whom the application takes for somebody else; only the database is told the truth."""

    __slots__ = ("truth",)
    truth: Caller


@pytest.fixture
def deceive(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make the application believe something else of every caller: all its own filters fail, or point elsewhere."""
    from_claims, settings = caller.from_claims, tenancy.settings

    def believing(**lies: object) -> None:
        def deceived(claims: Mapping[str, object], **known: object) -> Caller:
            truth = from_claims(claims, **known)
            believed = {one.name: getattr(truth, one.name) for one in dataclasses.fields(Caller)} | lies
            made = Deceived(**believed)
            object.__setattr__(made, "truth", truth)
            return made

        monkeypatch.setattr(caller, "from_claims", deceived)
        monkeypatch.setattr(tenancy, "settings", lambda one: settings(one.truth if isinstance(one, Deceived) else one))

    return believing


@pytest.fixture(autouse=True)
def nothing_arrives_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that name something unknown wait for its event; here no event is on its way."""
    monkeypatch.setattr(references, "_PATIENCE_SECONDS", 0.001)
    monkeypatch.setattr(references, "_POLL_SECONDS", 0.001)
