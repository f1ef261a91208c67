"""What is written down in the outbox, by whom, and who may do what with it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.events.tickets import TicketClosed
from subgraphs.kit import outbox, wire, work
from tests.subgraphs.kit.conftest import SOMEBODY, A, B, Schema, staff

TICKET = UUID("0192f000-0000-7000-8000-000000000001")
CUSTOMER = UUID("0192f000-0000-7000-8000-000000000002")
CAUSE = UUID("0192f000-0000-7000-8000-000000000003")
MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_an_event_says_who_did_what_to_whom_and_why(schema: Schema) -> None:
    caller = staff(correlation="request-7")
    async with work.begin(schema.engine, caller, module="tickets", clock=lambda: MOMENT, causation=CAUSE) as job:
        await job.emit(TicketClosed(id=TICKET, resolution_code="DONE"), subject=TICKET, customer=CUSTOMER)

    [row] = await schema.rows("SELECT * FROM outbox")
    envelope = json.loads(row["envelope"])
    assert (row["tenant_id"], row["type"], row["published_at"], row["attempts"]) == (A, "ticket.closed", None, 0)
    assert envelope.pop("id") == str(row["id"])
    assert envelope == {
        "specversion": "1.0",
        "source": "/psa/tickets",
        "type": "ticket.closed",
        "subject": f"Ticket/{TICKET}",
        "time": "2026-03-02T09:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:psa:event:ticket.closed:1",
        "tenantid": str(A),
        "customerid": str(CUSTOMER),
        "actorkind": "USER",
        "actorid": str(SOMEBODY),
        "correlationid": "request-7",
        "causationid": str(CAUSE),
        "schemaversion": 1,
        "data": {"id": str(TICKET), "resolutionCode": "DONE", "documentable": False, "replyTo": None},
    }


async def test_what_is_rolled_back_did_not_happen(schema: Schema) -> None:
    with pytest.raises(RuntimeError, match="no"):
        async with schema.begin(staff(), command="test") as job:
            await job.emit(TicketClosed(id=TICKET), subject=TICKET)
            raise RuntimeError("no")

    assert await schema.rows("SELECT * FROM outbox") == []


async def test_events_of_one_work_keep_their_order(schema: Schema) -> None:
    tickets = await schema.emit(count=20)

    rows = await schema.rows("SELECT envelope FROM outbox ORDER BY position")
    assert [json.loads(row["envelope"])["data"]["id"] for row in rows] == [str(ticket) for ticket in tickets]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM outbox",
        "UPDATE outbox SET published_at = now()",
        "DELETE FROM outbox",
        f"INSERT INTO outbox (tenant_id, id, type, envelope, published_at) VALUES ('{A}', '{A}', 't', '{{}}', now())",
        f"INSERT INTO outbox (tenant_id, id, type, envelope) VALUES ('{B}', '{A}', 't', '{{}}')",
        "SELECT 1 FROM inbox",
        "DELETE FROM inbox",
        "UPDATE job SET payload = ''",
        "DELETE FROM job",
        "SELECT payload FROM job",
    ],
)
async def test_the_runtime_role_may_only_append(schema: Schema, statement: str) -> None:
    await schema.emit()

    async with wire.connection(schema.runtime_url, application="test") as connection:
        await connection.execute(f"SET psa.tenant = '{A}'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    assert await schema.rows("SELECT count(*) AS rows, count(published_at) AS published FROM outbox") == [
        {"rows": 1, "published": 0}
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM ticket",
        "SELECT 1 FROM audit",
        "SELECT event_id FROM inbox",
        f"INSERT INTO inbox (tenant_id, consumer, event_id) VALUES ('{A}', 'x', '{A}')",
        f"UPDATE inbox SET tenant_id = '{A}'",
    ],
)
async def test_the_relay_role_sees_nothing_but_what_it_drains(schema: Schema, statement: str) -> None:
    async with wire.connection(schema.relay_url, application="test") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_the_relay_role_cannot_change_what_was_said(schema: Schema) -> None:
    await schema.emit()

    async with wire.connection(schema.relay_url, application="test") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE outbox SET envelope = '{}'")


async def test_the_relay_role_sees_the_events_of_all_tenants(schema: Schema) -> None:
    await schema.emit(tenant=A, count=2)
    await schema.emit(tenant=B)

    async with wire.connection(schema.relay_url, application="test") as connection:
        rows = await connection.fetch("SELECT tenant_id FROM outbox ORDER BY position")
    assert [row["tenant_id"] for row in rows] == [A, A, B]


async def test_appending_wakes_whoever_listens(schema: Schema) -> None:
    async with wire.connection(schema.relay_url, application="test") as connection:
        heard = asyncio.Event()
        await connection.add_listener(outbox.channel("tickets"), lambda *_: heard.set())
        await schema.emit()

        async with asyncio.timeout(60):
            await heard.wait()
        assert heard.is_set()


async def test_the_depth_of_the_outbox_counts_what_is_not_published(schema: Schema) -> None:
    await schema.emit(count=3)
    await schema.rows("UPDATE outbox SET published_at = now() WHERE position = (SELECT min(position) FROM outbox)")
    await schema.rows("UPDATE outbox SET written_at = now() - interval '1 hour' WHERE published_at IS NULL")

    async with wire.connection(schema.relay_url, application="test") as connection:
        found = await outbox.waiting(connection)
    assert found.events == 2
    assert found.oldest_seconds == pytest.approx(3600, abs=60)


async def test_only_what_was_published_long_ago_is_swept(schema: Schema) -> None:
    await schema.emit(count=7)
    positions = [row["position"] for row in await schema.rows("SELECT position FROM outbox ORDER BY position")]
    old = "UPDATE outbox SET published_at = now() - interval '8 days' WHERE position = ANY($1)"
    await schema.rows(old, positions[:5])
    await schema.rows("UPDATE outbox SET published_at = now() WHERE position = $1", positions[5])

    async with wire.connection(schema.relay_url, application="test") as connection:
        assert await outbox.sweep(connection, keep=timedelta(days=7), batch=2) == 5
    rows = await schema.rows("SELECT position FROM outbox ORDER BY position")
    assert [row["position"] for row in rows] == positions[5:]


async def test_an_event_for_another_tenant_is_refused_by_the_database(schema: Schema) -> None:
    with pytest.raises(Exception, match="not yours to write"):
        async with schema.begin(staff(A), command="test") as job:
            foreign = work.Work(session=job.session, caller=staff(B), module="tickets", at=job.at)
            await foreign.emit(TicketClosed(id=uuid4()), subject=uuid4())

    assert await schema.rows("SELECT * FROM outbox") == []
