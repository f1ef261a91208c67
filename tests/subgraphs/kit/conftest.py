"""A schema with outbox, inbox and jobs in it, and the ways in that a process of the module has."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events.tickets import TicketAssigned
from subgraphs.kit import database as databases
from subgraphs.kit import migrate, wire, work
from subgraphs.kit.broker import Broker, LocalBroker, RabbitBroker
from subgraphs.kit.caller import Caller
from subgraphs.kit.inbox import Begin
from subgraphs.kit.work import Work
from tests.subgraphs.house import address

A = UUID("0192f000-0000-7000-8000-00000000000a")
B = UUID("0192f000-0000-7000-8000-00000000000b")
SOMEBODY = UUID("0192f000-0000-7000-8000-0000000000ff")

# What consumers and jobs of the tests do: a row for each time that they did it.
_EFFECT = """
CREATE TABLE effect (tenant_id uuid NOT NULL, position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL);
ALTER TABLE effect ENABLE ROW LEVEL SECURITY;
ALTER TABLE effect FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON effect USING (tenant_id = NULLIF(current_setting('psa.tenant', true), '')::uuid);
GRANT SELECT, INSERT ON effect TO tickets;
"""


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of tickets, as its three roles and a superuser reach it."""

    runtime_url: str
    owner_url: str
    relay_url: str
    admin_url: str
    engine: AsyncEngine

    @property
    def begin(self) -> Begin:
        """Opens a work of tickets."""
        return functools.partial(work.begin, self.engine, module="tickets")

    async def emit(self, *, tenant: UUID = A, count: int = 1) -> list[UUID]:
        """Commit events about tickets that were assigned; the ids of the tickets."""
        async with self.begin(staff(tenant), command="test") as job:
            tickets = [uuid4() for _ in range(count)]
            for ticket in tickets:
                await job.emit(TicketAssigned(id=ticket), subject=ticket)
        return tickets

    async def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """What a superuser sees, walls or no walls."""
        async with wire.connection(self.admin_url, application="test", search_path="tickets") as connection:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]

    async def effects(self) -> list[str]:
        """What was done, in the order in which it was done."""
        return [row["what"] for row in await self.rows("SELECT what FROM effect ORDER BY position")]


def staff(tenant: UUID = A, **facts: Any) -> Caller:
    """Somebody of the tenant."""
    return Caller(tenant=tenant, subject=SOMEBODY, kind="STAFF", **facts)


async def do(job: Work, what: str) -> None:
    """Have an effect that can be counted."""
    await job.session.execute(
        text("INSERT INTO effect (tenant_id, what) VALUES (:tenant, :what)"),
        {"tenant": job.caller.tenant, "what": what},
    )


@pytest.fixture(scope="module")
async def migrated(database: str) -> AsyncIterator[Schema]:
    secret = SecretStr("test")
    await databases.provision(database, "tickets", databases.RolePasswords(secret, secret, secret))
    owner_url = address(database, "tickets_owner")
    await migrate.upgrade("tickets", owner_url)
    async with wire.connection(owner_url, application="test") as connection:
        await connection.execute(_EFFECT)
    url = address(database, "tickets")
    schema = Schema(
        runtime_url=url,
        owner_url=owner_url,
        relay_url=address(database, "tickets_relay"),
        admin_url=database,
        engine=databases.engine(url, application="test"),
    )
    yield schema
    await schema.engine.dispose()


@pytest.fixture
async def schema(migrated: Schema) -> Schema:
    """The schema, with nothing in it."""
    await migrated.rows("TRUNCATE outbox, inbox, job, job_log, effect, dead_letter, settlement, long_job")
    return migrated


@pytest.fixture(scope="module")
async def installed_broker(database: str) -> LocalBroker:
    secret = SecretStr("test")
    await databases.provision(database, "broker", databases.RolePasswords(secret, secret, secret))
    broker = LocalBroker(address(database, "broker_owner"))
    await broker.install()
    return broker


@pytest.fixture
async def local_broker(installed_broker: LocalBroker) -> LocalBroker:
    """Our own broker, with nothing in it."""
    async with wire.connection(installed_broker.url, application="test") as connection:
        await connection.execute("DELETE FROM message; DELETE FROM queue WHERE name <> 'q.dlq.unrouted'")
    return installed_broker


@pytest.fixture(params=["local", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Every broker that there is, one after the other."""
    if request.param == "local":
        local: LocalBroker = request.getfixturevalue("local_broker")
        return local
    return RabbitBroker(request.getfixturevalue("amqp_url"))
