"""Modules that come up in any order, announce themselves again, and announce what does not fit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.federation.supergraph import InvalidSupergraph, Supergraph
from router.registry.registry import ACTIVE, Registration, Registry

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n'
CRM = LINK + 'type Query { customer: Customer } type Customer @key(fields: "id") { id: ID! name: String }'
TICKETS = LINK + 'type Customer @key(fields: "id") { id: ID! tickets: [String] }'
ASSETS = LINK + 'type Customer @key(fields: "id") { id: ID! assets: Int }'
CLASHING = LINK + 'type Customer @key(fields: "id") { id: ID! name: Int }'


def of(name: str, sdl: str, version: str = "1") -> Registration:
    return Registration(name, f"http://{name}/graphql", version, sdl)


class Served:
    """What would be served: every supergraph that was published, unless this test says that it can't be."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.refuse = False

    async def __call__(self, sdl: str) -> None:
        """Publish."""
        if self.refuse:
            raise InvalidSupergraph("INVALID_FEDERATION_SUPERGRAPH", "No.")
        self.published.append(sdl)

    @property
    def subgraphs(self) -> list[str]:
        """The subgraphs of the last supergraph."""
        return list(Supergraph.parse(self.published[-1]).subgraphs)


@pytest.fixture
def served() -> Served:
    return Served()


def states(registry: Registry) -> list[tuple[str, str, str]]:
    entries = registry.entries()
    return [(one.registration.name, one.registration.version, one.verdict.state) for one in entries]


async def test_a_module_is_served_and_its_heartbeat_changes_nothing(served: Served) -> None:
    registry = Registry(served)

    assert await registry.register(of("crm", CRM)) == ACTIVE
    assert await registry.register(of("crm", CRM)) == ACTIVE

    assert len(served.published) == 1
    assert served.subgraphs == ["crm"]


async def test_what_needs_others_waits_for_them(served: Served) -> None:
    registry = Registry(served)

    first = await registry.register(of("tickets", TICKETS))
    second = await registry.register(of("assets", ASSETS))
    assert (first.state, second.state, served.published) == ("rejected", "rejected", [])
    third = await registry.register(of("crm", CRM))

    assert third == ACTIVE
    assert served.subgraphs == ["assets", "crm", "tickets"]
    assert len(served.published) == 1
    assert [state for _, _, state in states(registry)] == ["active"] * 3


async def test_those_who_announce_themselves_together_are_composed_once(served: Served) -> None:
    registry = Registry(served)

    verdicts = await asyncio.gather(*(registry.register(one) for one in (of("tickets", TICKETS), of("crm", CRM))))

    assert verdicts == [ACTIVE, ACTIVE]
    assert [version.why for version in registry.history.versions] == ["tickets 1, with crm"]
    assert len(served.published) == 1
    assert served.subgraphs == ["crm", "tickets"]


async def test_who_cannot_be_served_does_not_hold_up_those_who_came_together(served: Served) -> None:
    registry = Registry(served)

    verdicts = await asyncio.gather(*(registry.register(one) for one in (of("assets", "type Query {"), of("crm", CRM))))

    assert [one.state for one in verdicts] == ["rejected", "active"]
    assert states(registry) == [("assets", "1", "rejected"), ("crm", "1", "active")]
    assert served.subgraphs == ["crm"]


async def test_what_does_not_compose_leaves_the_last_good_supergraph(served: Served) -> None:
    registry = Registry(served)
    await registry.register(of("crm", CRM))
    await registry.register(of("tickets", TICKETS))

    refused = await registry.register(of("tickets", CLASHING, "2"))

    assert refused.state == "rejected"
    assert "FIELD_TYPE_MISMATCH" in [error.code for error in refused.errors]
    assert len(served.published) == 2
    assert states(registry) == [("crm", "1", "active"), ("tickets", "1", "active"), ("tickets", "2", "rejected")]


async def test_a_refused_module_does_not_hold_up_the_others(served: Served) -> None:
    registry = Registry(served)
    await registry.register(of("crm", CRM))
    await registry.register(of("tickets", CLASHING))

    assert await registry.register(of("assets", ASSETS)) == ACTIVE

    assert served.subgraphs == ["assets", "crm"]
    assert states(registry)[-1] == ("tickets", "1", "rejected")


async def test_going_back_to_the_version_that_is_served_ends_the_refusal(served: Served) -> None:
    registry = Registry(served)
    await registry.register(of("crm", CRM))
    await registry.register(of("crm", "type Query {", "2"))

    assert await registry.register(of("crm", CRM)) == ACTIVE

    assert states(registry) == [("crm", "1", "active")]
    assert len(served.published) == 1


async def test_a_supergraph_that_cannot_be_served_is_a_refusal_too(served: Served) -> None:
    registry = Registry(served)
    served.refuse = True

    verdict = await registry.register(of("crm", CRM))

    assert [error.code for error in verdict.errors] == ["INVALID_FEDERATION_SUPERGRAPH"]
    assert states(registry) == [("crm", "1", "rejected")]


async def test_registrations_outlive_a_restart(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "new" / "registry.json"
    first = Registry(served, file)
    await first.register(of("crm", CRM))
    await first.register(of("tickets", TICKETS))

    second = Registry(served, file)
    restored = second.restore()

    assert restored == served.published[-1]
    assert states(second) == [("crm", "1", "active"), ("tickets", "1", "active")]
    assert await second.register(of("crm", CRM)) == ACTIVE
    assert len(served.published) == 2
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"registrations": [1], "supergraph_sdl": ""}'])
async def test_a_broken_state_file_is_an_empty_start(served: Served, tmp_path: Path, text: str) -> None:
    file = tmp_path / "registry.json"
    file.write_text(text)
    registry = Registry(served, file)

    assert registry.restore() is None
    assert registry.entries() == []


async def test_a_state_that_cannot_be_written_does_not_stop_the_registration(served: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    registry = Registry(served, tmp_path / "file" / "registry.json")

    assert await registry.register(of("crm", CRM)) == ACTIVE
    assert served.subgraphs == ["crm"]


async def test_a_fault_of_ours_is_a_refusal_and_not_the_end(served: Served) -> None:
    async def broken(_sdl: str) -> None:
        raise RuntimeError("oh")

    registry = Registry(broken)

    verdict = await registry.register(of("crm", CRM))

    assert [error.code for error in verdict.errors] == ["INTERNAL"]
    assert states(registry) == [("crm", "1", "rejected")]
