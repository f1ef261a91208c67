"""The probes can fail: take any wall down, and they find what was behind it."""

from __future__ import annotations

import contextlib

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from subgraphs import MODULES
from subgraphs.kit import database, tenancy, work
from tests.walls.attack import glance
from tests.walls.probes import Probe, operation
from tests.walls.search import tokens
from tests.walls.test_customers import household
from tests.walls.test_tenants import known_of, secrets_of

pytestmark = pytest.mark.timeout(300)

STAMPED = {"job", "job_log"}
"""A trigger overwrites the tenant of what is written there, and there is nothing of interest to read."""


@contextlib.asynccontextmanager
async def mutated(platform, broken, repaired):
    """A hole in the walls, for the length of the block; the modules run on, because they looked when they started."""
    await platform.admin.execute(broken)
    try:
        yield
    finally:
        await platform.admin.execute(repaired)


async def seen_as(platform, twin, victim, secrets, foreign):
    """What a glance through the graph and a look with the bare hands of each runtime role find."""
    attack = await glance(platform, twin.staff(), secrets, foreign)
    for module in MODULES:
        attack.findings += await by_hand(platform, module, twin.staff(), victim.tenant, secrets)
    return attack.findings


async def by_hand(platform, module, caller, victim, secrets):
    """Read every table that the runtime role may read, and write a row of another tenant into all that it may write."""
    found = []
    engine = database.engine(platform.settings[module].needed("database_url"), application="test")
    for table in await platform.tables():
        schema, name = table.split(".")
        if schema == module and name not in STAMPED:
            with contextlib.suppress(Denied):
                text = await as_role(engine, caller, module, f"SELECT string_agg(t::text, ' ') FROM {table} t")
                found += [f"read {table}: {one}" for one in tokens(str(text)) & secrets]
            try:
                await as_role(
                    engine, caller, module, f"INSERT INTO {table} (tenant_id) VALUES ('{victim}') RETURNING 1"
                )
            except Denied:
                continue
            except asyncpg.NotNullViolationError:
                found.append(f"write {table}: it is the rest of the row that was missed")
    await engine.dispose()
    return found


class Denied(Exception):
    """PostgreSQL refuses: no privilege, or a wall."""


async def as_role(engine, caller, module, sql):
    try:
        async with work.begin(engine, caller, module=module) as job:
            connection = await job.session.connection()
            return (await connection.exec_driver_sql(sql)).scalar()
    except DBAPIError as error:
        cause = error.orig.__cause__
        raise (Denied if isinstance(cause, asyncpg.InsufficientPrivilegeError) else type(cause))(str(cause)) from error


async def walled(platform, policy):
    """The tables that have this wall, with the names of the roles that serve and own them."""
    rows = await platform.admin.fetch(
        "SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname AS module, c.relname::text AS bare"
        " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE p.polname = $1 AND n.nspname = ANY ($2) ORDER BY 1",
        policy,
        list(MODULES),
    )
    return [row for row in rows if row["bare"] not in STAMPED]


@pytest.fixture
async def scene(platform, tenant):
    a, b = await tenant("a"), await tenant("b")
    return platform, a, b, await secrets_of(platform, b, a), await known_of(platform, b)


async def test_with_all_walls_up_nothing_is_found(scene):
    assert await seen_as(*scene) == []


async def test_a_table_without_walls_is_noticed_whichever_it_is(scene):
    platform, *_ = scene
    tables = await walled(platform, "tenant_wall")
    survivors = []
    for table in tables:
        off = f"ALTER TABLE {table['name']} DISABLE ROW LEVEL SECURITY"
        async with mutated(platform, off, off.replace("DISABLE", "ENABLE")):
            found = await seen_as(*scene)
        if not any(table["name"] in one for one in found) or (has_version(table) and not through_the_graph(found)):
            survivors.append(table["name"])

    assert survivors == []
    assert len(tables) >= 7 + 5 * len(MODULES)


def has_version(table) -> bool:
    """Whether the rows are what the module is about, so that a question of the graph must find them."""
    kits = {"audit", "idempotency", "inbox", "number_series", "outbox", "reference"}
    return table["bare"] not in kits


def through_the_graph(found) -> bool:
    return any(not one.startswith(("read ", "write ")) for one in found)


@pytest.mark.parametrize("module", MODULES)
async def test_a_role_that_bypasses_row_level_security_is_noticed(scene, module):
    platform, *_ = scene
    fresh = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{module}'"
    broken, repaired = (f"ALTER ROLE {module} {word}; {fresh}" for word in ("BYPASSRLS", "NOBYPASSRLS"))
    async with mutated(platform, broken, repaired):
        found = await seen_as(*scene)

    assert through_the_graph(found)


@pytest.mark.parametrize("module", MODULES)
async def test_an_owner_whose_walls_are_not_forced_is_noticed(scene, module):
    platform, *_ = scene
    tables = [row["name"] for row in await walled(platform, "tenant_wall") if row["module"] == module]
    broken = "".join(f"ALTER TABLE {t} OWNER TO {module}; ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY;" for t in tables)
    repaired = "".join(
        f"ALTER TABLE {t} OWNER TO {module}_owner; ALTER TABLE {t} FORCE ROW LEVEL SECURITY;" for t in tables
    )
    async with mutated(platform, f"GRANT CREATE ON SCHEMA {module} TO {module}; {broken}", repaired):
        found = await seen_as(*scene)
    await platform.admin.execute(f"REVOKE CREATE ON SCHEMA {module} FROM {module}")

    assert through_the_graph(found)


async def test_a_transaction_that_is_opened_for_another_tenant_is_noticed(scene, monkeypatch):
    platform, a, b, secrets, foreign = scene
    settings = tenancy.settings
    monkeypatch.setattr(tenancy, "settings", lambda one: settings(one) | {"psa.tenant": str(b.tenant)})

    attack = await glance(platform, a.staff(), secrets, foreign)

    assert len(attack.findings) > 100


async def test_a_table_without_a_customer_wall_is_noticed_whichever_it_is(platform, tenant, deceive):
    d = await tenant("d")
    secrets, foreign, _ = await household(platform, d)
    tables = await walled(platform, "customer_wall")
    deceive(kind="STAFF", customers=None)
    assert (await glance(platform, d.portal(), secrets, foreign)).findings == []
    survivors = []
    for table in tables:
        if table["bare"] != "reference":
            off = f"ALTER POLICY customer_wall ON {table['name']} USING (true) WITH CHECK (true)"
            wall = tenancy.customer_wall()
            async with mutated(platform, off, off.replace("(true)", f"({wall})")):
                attack = await glance(platform, d.portal(), secrets, foreign)
            if attack.findings == []:
                survivors.append(table["name"])

    assert survivors == []


async def test_internal_notes_without_their_wall_are_noticed(platform, tenant, deceive):
    d = await tenant("d")
    secrets, foreign, _ = await household(platform, d)
    deceive(kind="STAFF", customers=None, scopes=d.staff().scopes)
    wall = "kind <> 'INTERNAL_NOTE' OR current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM')"
    off = "ALTER POLICY notes_are_internal ON tickets.ticket_message USING (true)"
    async with mutated(platform, off, off.replace("(true)", f"({wall})")):
        attack = await glance(platform, d.portal(), secrets, foreign)

    assert attack.findings != []


async def test_a_copy_of_anothers_customer_is_noticed_when_it_can_be_named(platform, tenant):
    """The copies that modules keep are never answered; without their wall a command could point at what is not there."""
    a, b = await tenant("a"), await tenant("b")
    named = {"customerId": b.x.ids["Customer"], "title": next(a.x.words)}
    text, variables = operation(platform.api, Probe("mutation", "createTicket", {"input": named}))
    off = "ALTER TABLE tickets.reference DISABLE ROW LEVEL SECURITY"
    async with mutated(platform, off, off.replace("DISABLE", "ENABLE")):
        behind = (await platform.data(a.staff(), text, **variables))["createTicket"]
    refused = (await platform.data(a.staff(), text, **variables))["createTicket"]

    assert behind["errors"] == []
    assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]
