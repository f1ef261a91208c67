"""The feed of changes: whoever follows it misses nothing, and is told nothing that they may not know."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

from contracts.events.assets import AssetUpdated
from contracts.events.tickets import TicketReplied
from subgraphs.integrations.service import changes
from subgraphs.kit.caller import Caller
from subgraphs.kit.ids import uuid7
from tests.subgraphs.house import B, staff
from tests.subgraphs.integrations.conftest import Hub, a_ticket, follow

FEED = """query ($since: String, $first: Int! = 50, $types: [String!]) { changes(since: $since, first: $first, types: $types) {
    nodes { type subjectId eventType customerId deleted changed } pageInfo { endCursor hasNextPage } } }"""


async def page(hub: Hub, caller: Caller | None = None, **arguments: Any) -> Any:
    return (await hub.service.data(FEED, caller, **arguments))["changes"]


async def refusals(hub: Hub, caller: Caller | None = None, **arguments: Any) -> list[str]:
    answer = await hub.service.ask(FEED, caller, **arguments)
    assert answer["data"] is None
    return [error["extensions"]["code"] for error in answer["errors"]]


async def test_a_partner_who_follows_the_feed_sees_everything_once_and_in_order(hub: Hub) -> None:
    begun = await page(hub, since="now")
    tickets = [a_ticket() for _ in range(7)]
    for ticket in tickets:
        await hub.happens(ticket, subject=ticket.id, customer=ticket.customer_id)

    seen, cursor, more = [], begun["pageInfo"]["endCursor"], True
    while more:
        part = await page(hub, since=cursor, first=3)
        seen += part["nodes"]
        cursor, more = part["pageInfo"]["endCursor"], part["pageInfo"]["hasNextPage"]

    assert begun["nodes"] == []
    assert [one["subjectId"] for one in seen] == [str(ticket.id) for ticket in tickets]
    assert seen[0] == {
        "type": "Ticket",
        "subjectId": str(tickets[0].id),
        "eventType": "ticket.created",
        "customerId": str(tickets[0].customer_id),
        "deleted": False,
        "changed": [],
    }
    rest = await page(hub, since=cursor)
    assert rest == {"nodes": [], "pageInfo": {"endCursor": cursor, "hasNextPage": False}}


async def test_the_same_event_twice_is_one_change(hub: Hub) -> None:
    envelope = await hub.happens(a_ticket())
    await hub.arrives(envelope)

    assert len((await page(hub))["nodes"]) == 1


async def test_whoever_takes_the_next_number_waits_for_the_one_before(hub: Hub) -> None:
    assert await follow(hub) == ["first", "second"]


async def test_many_who_write_at_once_leave_no_gap_for_one_who_reads_meanwhile(hub: Hub) -> None:
    seen: list[int] = []

    async def read() -> None:
        while len(seen) < 30:
            async with hub.begin(staff(), command="read") as job:
                after = changes.rules.cursor(seen[-1]) if seen else None
                seen.extend(row.position for row in (await changes.since(job, after, first=5, types=None)).changes)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(read())
        for _ in range(30):
            group.create_task(hub.happens(a_ticket()))

    assert seen == list(range(1, 31))


async def test_a_thing_that_moves_leaves_a_tombstone_where_it_was(hub: Hub) -> None:
    mine, yours, asset = uuid4(), uuid4(), uuid4()
    for customer in (mine, yours):
        moved = AssetUpdated(asset_id=asset, customer_id=customer, name="x", type_key="server", changed=("customerId",))
        await hub.happens(moved, subject=asset, customer=customer)
        hub.passes(seconds=1)

    async def told(customer: UUID) -> list[bool]:
        limited = staff(customers=frozenset({customer}), kind="SERVICE")
        return [one["deleted"] for one in (await page(hub, limited))["nodes"]]

    assert (await told(mine), await told(yours)) == ([False, True], [False])


async def test_nobody_is_told_what_they_may_not_see(hub: Hub) -> None:
    mine = uuid4()
    ticket = a_ticket(customer_id=mine)
    await hub.happens(ticket, subject=ticket.id, customer=mine)
    note = TicketReplied(id=ticket.id, message_id=uuid7(), kind="INTERNAL_NOTE")
    await hub.happens(note, subject=ticket.id, customer=mine)
    await hub.happens(a_ticket(), customer=uuid4())
    await hub.happens(
        AssetUpdated(asset_id=uuid4(), customer_id=mine, name="x", type_key="server", changed=()), customer=mine
    )

    def reader(*scopes: str, **more: Any) -> Caller:
        return staff(scopes=frozenset({"changes:read", *scopes}), **more)

    async def events(caller: Caller) -> list[str]:
        return [one["eventType"] for one in (await page(hub, caller))["nodes"]]

    every = ["ticket.created", "ticket.replied", "ticket.created", "asset.updated"]
    assert await events(staff()) == every
    assert await events(reader("tickets:read")) == ["ticket.created", "ticket.created"]
    assert await events(reader("tickets:read_internal")) == []
    assert await events(reader("tickets:read.own", "assets:read")) == ["asset.updated"]
    limited = {"customers": frozenset({mine}), "kind": "CUSTOMER"}
    assert await events(reader("tickets:read", "assets:read", **limited)) == ["ticket.created", "asset.updated"]
    assert await events(reader("tickets:read", denied=frozenset({mine}))) == ["ticket.created"]
    assert await events(staff(B)) == []
    assert await refusals(hub, reader("assets:read"), types=["ticket"]) == ["FORBIDDEN"]
    assert await refusals(hub, staff(scopes=frozenset({"tickets:read"}))) == ["FORBIDDEN"]


async def test_only_some_types_can_be_followed(hub: Hub) -> None:
    await hub.happens(a_ticket())
    await hub.happens(AssetUpdated(asset_id=uuid4(), customer_id=None, name="x", type_key="server", changed=()))

    part = await page(hub, types=["asset"])

    assert [one["type"] for one in part["nodes"]] == ["Asset"]
    assert await refusals(hub, types=["tickte"]) == ["BAD_USER_INPUT"]
    assert await refusals(hub, since="nonsense") == ["BAD_USER_INPUT"]
    assert await refusals(hub, first=0) == ["BAD_USER_INPUT"]


async def test_a_cursor_before_what_is_kept_is_refused_and_one_at_its_edge_is_not(hub: Hub) -> None:
    cursors = []
    for _ in range(4):
        await hub.happens(a_ticket())
        cursors.append((await page(hub))["pageInfo"]["endCursor"])
        hub.passes(days=40)
    async with hub.begin(staff(), command="sweep") as job:
        await changes.sweep(job, {})

    # What is older than 90 days: the first two.
    assert [row["position"] for row in await hub.service.rows("SELECT position FROM change ORDER BY 1")] == [3, 4]
    assert await refusals(hub, since=cursors[0]) == ["CURSOR_EXPIRED"]
    assert len((await page(hub, since=cursors[1]))["nodes"]) == 2
    assert len((await page(hub))["nodes"]) == 2
