"""A module that comes, goes or changes is told once, to each tenant; when nobody knows, nothing is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.events.tickets import TicketAssigned
from subgraphs.integrations.rules.registry import Registered, ServiceStatus, turns
from subgraphs.integrations.service import watching
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from tests.subgraphs.house import A
from tests.subgraphs.integrations.conftest import Hub

UP, DEGRADED, DOWN = ServiceStatus.UP, ServiceStatus.DEGRADED, ServiceStatus.DOWN
CRM = Registered("crm", "1.0", "http://crm/graphql", "ab", datetime(2026, 3, 2, tzinfo=UTC), UP, ())


@pytest.mark.parametrize(
    ("known", "now", "told"),
    [
        ({}, [CRM], UP),
        ({}, [replace(CRM, status=DOWN)], None),
        ({"crm": ("1.0", UP)}, [CRM], None),
        ({"crm": ("1.0", UP)}, [replace(CRM, version="1.1")], UP),
        ({"crm": ("1.0", UP)}, [replace(CRM, status=DEGRADED)], DEGRADED),
        ({"crm": ("1.0", UP)}, [replace(CRM, status=DOWN)], DOWN),
        ({"crm": ("1.0", UP)}, [], DOWN),
        ({"crm": ("1.0", DOWN)}, [], None),
        ({"crm": ("1.0", DOWN)}, [replace(CRM, version="1.1", status=DOWN)], None),
        ({"crm": ("1.0", DOWN)}, [CRM], UP),
    ],
)
def test_what_is_told_is_what_changed(
    known: Mapping[str, tuple[str, ServiceStatus]], now: list[Registered], told: ServiceStatus | None
) -> None:
    assert [turn.status for turn in turns(known, now)] == ([] if told is None else [told])


async def told(hub: Hub) -> list[dict[str, Any]]:
    rows = await hub.service.rows(
        "DELETE FROM outbox WHERE type LIKE 'service.%' RETURNING type, envelope->'data'->>'module' AS module,"
        " envelope->'data'->>'version' AS version"
    )
    return sorted(rows, key=lambda row: row["module"])


async def test_modules_that_come_and_go_are_told_once(hub: Hub) -> None:
    await hub.service.rows("TRUNCATE known_service")
    tickets = replace(CRM, name="tickets")
    for found, expected in (
        ([CRM, tickets], [("service.registered", "crm", "1.0"), ("service.registered", "tickets", "1.0")]),
        ([CRM, tickets], []),
        ([CRM, replace(tickets, status=DOWN)], [("service.down", "tickets", "1.0")]),
        ([CRM], []),
        ([CRM, replace(tickets, version="2.0")], [("service.registered", "tickets", "2.0")]),
    ):
        async with hub.begin(system(A), command="watch") as work:
            await watching.compare(work, found)
        assert [tuple(row.values()) for row in await told(hub)] == expected


async def test_a_registry_that_does_not_answer_says_nothing_and_is_asked_again(hub: Hub) -> None:
    await hub.service.rows("TRUNCATE known_service")
    async with hub.begin(system(A), command="watch") as work:
        await watching.compare(work, [CRM])
    await told(hub)
    await hub.service.rows("DELETE FROM job")

    await watching.look(hub.begin, system(A), {})
    await watching.look(hub.begin, system(A), {})

    assert await told(hub) == []
    (next_look,) = await hub.service.rows("SELECT entrypoint, dedupe_key FROM job")
    assert next_look["dedupe_key"].startswith("integrations.watch/2026-")


async def test_the_first_event_of_a_tenant_begins_the_watch(hub: Hub) -> None:
    await hub.service.rows("DELETE FROM job")
    tenant = uuid7()

    await hub.happens(TicketAssigned(id=uuid7()), tenant=tenant)

    rows = await hub.service.rows("SELECT tenant_id FROM job WHERE entrypoint = 'integrations.watch'")
    assert [row["tenant_id"] for row in rows] == [tenant]
