"""A seeded tenant is one that commands could have made: it can be read, worked on, verified and billed, and nobody else sees it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest

from contracts.identity import CallerKind
from deploy.local.home import Trouble
from deploy.local.people import SCALE
from deploy.local.scale import seeding
from deploy.local.scale.seeding import Seeded
from deploy.local.scale.sizes import Sizes, identity, shares, weights
from subgraphs.kit.caller import Caller
from tests.subgraphs.house import A, Service, running, staff

pytestmark = pytest.mark.timeout(300)  # five modules are started by whichever test comes first

SIZES = Sizes(customers=8, tickets=60, time_entries=300, assets=40)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MODULES = ("crm", "tickets", "billing", "assets", "auth")

MANY = {"customer", "site", "contact", "contract", "ticket", "sla", "time_entry", "asset", "invoice", "payment"}
"""What there are thousands of: nobody is told of them."""

LISTS = {
    "crm": ("customer", "contact", "site", "contract", "contract_line"),
    "tickets": ("ticket", "ticket_message", "time_entry", "sla_clock"),
    "billing": ("billing_account", "contract", "billable_item", "invoice", "payment"),
    "assets": ("asset", "asset_stay", "license"),
}


@pytest.fixture(scope="module")
async def services(database: str) -> AsyncIterator[Mapping[str, Service]]:
    async with contextlib.AsyncExitStack() as stack:
        found = {name: await stack.enter_async_context(running(name, database)) for name in MODULES}
        for one in found.values():
            one.moment = NOW
        yield found


@pytest.fixture(scope="module")
async def seeded(services: Mapping[str, Service]) -> Seeded:
    return await _seed(services)


async def _seed(services: Mapping[str, Service]) -> Seeded:
    modules = {name: one.settings for name, one in services.items()}
    return await seeding.seed(modules, SCALE, SIZES, "a password", lambda _: None, NOW)


def _owner(**changes: Any) -> Caller:
    return staff(SCALE.id, subject=SCALE.with_role("owner").id, **changes)


@pytest.mark.usefixtures("seeded")
async def test_there_is_exactly_as_much_as_was_asked_for(services: Mapping[str, Service]) -> None:
    counted = {table: await services[module].count(table) for module, table in (
        ("crm", "customer"), ("tickets", "ticket"), ("tickets", "time_entry"), ("assets", "asset"), ("billing", "billing_account"),
    )}  # fmt: skip
    assert counted == {"customer": 8, "ticket": 60, "time_entry": 300, "asset": 40, "billing_account": 8}
    contracts = await services["crm"].rows("SELECT id FROM contract")
    assert len(contracts) == 8
    assert {row["id"] for row in contracts} == {
        row["id"] for row in await services["billing"].rows("SELECT id FROM contract")
    }


@pytest.mark.usefixtures("seeded")
async def test_each_module_knows_what_the_events_of_the_others_would_have_told(services: Mapping[str, Service]) -> None:
    crm, assets = services["crm"], services["assets"]
    real = {
        "Customer": await crm.rows("SELECT id FROM customer"),
        "Contact": await crm.rows("SELECT id FROM contact"),
        "Site": await crm.rows("SELECT id FROM site"),
        "Contract": await crm.rows("SELECT id FROM contract"),
        "Asset": await assets.rows("SELECT id FROM asset"),
    }
    for module in services.values():
        for kind in module.module.references:
            known = await module.rows("SELECT id FROM reference WHERE type = $1", kind)
            assert {row["id"] for row in known} == {row["id"] for row in real[kind]}, (module.module.name, kind)
        told = await module.rows("SELECT DISTINCT type FROM outbox")
        assert not {row["type"].partition(".")[0] for row in told} & MANY, told


@pytest.mark.usefixtures("seeded")
async def test_the_clocks_are_what_the_facts_make_of_them(services: Mapping[str, Service]) -> None:
    tickets = services["tickets"]
    query = "{ tickets(limit: 200) { id dueAt slaClocks { id metric state dueAt metAt breachedAt } } }"
    asked = (await tickets.data(query, _owner()))["tickets"]
    derived = {
        UUID(clock["id"]): (clock["metric"], clock["state"], *(_moment(clock[name]) for name in ("dueAt", "metAt", "breachedAt")))
        for ticket in asked
        for clock in ticket["slaClocks"]
    }  # fmt: skip
    kept = await tickets.rows("SELECT id, metric, state, due_at, met_at, breached_at FROM sla_clock")
    assert derived == {row["id"]: tuple(row.values())[1:] for row in kept}
    assert len(derived) == 120
    assert {ticket["id"]: _moment(ticket["dueAt"]) for ticket in asked} == {
        str(row["id"]): row["due_at"] for row in await tickets.rows("SELECT id, due_at FROM ticket")
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@pytest.mark.usefixtures("seeded")
async def test_numbers_go_on_where_the_seed_ended(services: Mapping[str, Service]) -> None:
    tickets = services["tickets"]
    customer = str((await tickets.rows("SELECT customer_id FROM ticket LIMIT 1"))[0]["customer_id"])
    used = (await tickets.rows("SELECT count(*) AS n FROM ticket WHERE number LIKE 'T-2026-%'"))[0]["n"]
    query = (
        "mutation ($input: CreateTicketInput!) { createTicket(input: $input) { ticket { number } errors { message } } }"
    )
    made = await tickets.data(query, _owner(), input={"customerId": customer, "title": "One more"})
    assert made["createTicket"]["ticket"] == {"number": f"T-2026-{used + 1:06}"}
    await _gone(tickets, made["createTicket"]["ticket"]["number"])


async def _gone(tickets: Service, number: str) -> None:
    """Take a ticket away again, as nobody may: the others count."""
    of = "(SELECT id FROM ticket WHERE number = $1)"
    for table in ("sla_clock", "sla_terms"):
        await tickets.rows(f"DELETE FROM {table} WHERE ticket_id IN {of}", number)
    await tickets.rows("DELETE FROM ticket WHERE number = $1", number)
    await tickets.rows("DELETE FROM outbox WHERE type IN ('ticket.created', 'sla.started')")


async def test_the_documents_hang_together_and_the_next_month_can_be_billed(
    services: Mapping[str, Service], seeded: Seeded
) -> None:
    billing = services["billing"]
    ranges = (await billing.data("{ numberRanges(verify: true) { year next gaps broken } }", _owner()))["numberRanges"]
    assert [(one["gaps"], one["broken"]) for one in ranges] == [([], [])] * len(ranges)
    assert sum(one["next"] - 1 for one in ranges) == seeded.invoices == await billing.count("invoice")

    query = (
        """{ previewBilling(until: "2026-03-02") { draftCount totalNet warnings drafts { lines { description } } } }"""
    )
    preview = (await billing.data(query, _owner()))["previewBilling"]
    lines = [line["description"] for draft in preview["drafts"] for line in draft["lines"]]
    ready = await billing.rows("SELECT count(*) AS n FROM billable_item WHERE status = 'READY'")
    agreed = await billing.rows("SELECT count(*) AS n FROM contract_line WHERE quantity > 0")
    devices = await billing.rows("SELECT DISTINCT l.id FROM contract_line l JOIN billed_device USING (customer_id) WHERE quantity_mode = 'ACTIVE_DEVICES'")  # fmt: skip
    assert (preview["draftCount"], preview["warnings"]) == (8, [])
    assert sum("(01.03.2026-31.03.2026)" in line for line in lines) == agreed[0]["n"] + len(devices)
    assert len(lines) == agreed[0]["n"] + len(devices) + ready[0]["n"]


@pytest.mark.usefixtures("seeded")
async def test_every_timer_is_in_the_log_where_its_worker_finds_whose_it_is(services: Mapping[str, Service]) -> None:
    assets = services["assets"]
    waiting = {row["id"] for row in await assets.rows("SELECT id FROM job WHERE status = 'queued'")}
    logged = {row["job_id"] for row in await assets.rows("SELECT job_id FROM job_log WHERE status = 'queued'")}

    assert len(waiting) > 5
    assert waiting <= logged


@pytest.mark.usefixtures("seeded")
async def test_another_tenant_sees_nothing_and_a_customer_only_what_is_theirs(services: Mapping[str, Service]) -> None:
    customer = (await services["crm"].rows("SELECT id FROM customer ORDER BY number LIMIT 1"))[0]["id"]
    for module, tables in LISTS.items():
        for table in tables:
            assert await _seen(services[module], table, A, "*", "STAFF") == 0, (module, table)
            everything = await services[module].count(table)
            assert await _seen(services[module], table, SCALE.id, "*", "STAFF") == everything > 0, (module, table)
            own = "id" if table == "customer" else "customer_id"
            mine = await services[module].rows(f"SELECT count(*) AS n FROM {table} WHERE {own} = $1", customer)
            assert await _seen(services[module], table, SCALE.id, str(customer), "STAFF") == mine[0]["n"] < everything


async def _seen(service: Service, table: str, tenant: UUID, customers: str, kind: CallerKind) -> int:
    """What a caller sees of a table, asked as the module's own role."""
    async with service.engine.begin() as connection:
        for name, value in (("tenant", str(tenant)), ("customers", customers), ("kind", kind), ("denied", "")):
            await connection.exec_driver_sql(f"SELECT set_config('psa.{name}', '{value}', true)")
        return int((await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one())


@pytest.mark.usefixtures("seeded")
async def test_a_tenant_is_seeded_once(services: Mapping[str, Service]) -> None:
    before = {(name, table): await services[name].count(table) for name, tables in LISTS.items() for table in tables}
    with pytest.raises(Trouble, match="has 8 customers here already"):
        await _seed(services)
    assert before == {
        (name, table): await services[name].count(table) for name, tables in LISTS.items() for table in tables
    }


async def test_time_without_tickets_is_refused_before_anything_is_written() -> None:
    with pytest.raises(Trouble, match="Time is worked on tickets"):
        await seeding.seed({}, SCALE, Sizes(1, 0, 5, 0), "a password", lambda _: None)


def test_shares_add_up_to_the_last_one() -> None:
    sizes = weights(7, Random(3))
    assert sum(shares(1000, sizes)) == 1000
    assert shares(3, [1.0, 1.0, 1.0]) == [1, 1, 1]
    assert shares(5, []) == []


def test_identities_sort_by_time_and_differ_by_kind_and_number() -> None:
    earlier, later = NOW.replace(year=2025), NOW
    assert identity("ticket", earlier, 9) < identity("ticket", later, 1)
    assert len({identity(kind, NOW, number) for kind in ("ticket", "message") for number in (1, 2)}) == 4
    assert identity("ticket", NOW, 1).version == 7
