"""The probes can fail: take any wall down, and they find what was behind it."""

from __future__ import annotations

import contextlib
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from subgraphs import MODULES
from subgraphs.kit import database, tenancy, work
from subgraphs.kit.errors import Forbidden
from tests.walls.attack import glance
from tests.walls.probes import Probe, operation
from tests.walls.search import tokens
from tests.walls.test_customers import OTHERS, household
from tests.walls.test_tenants import known_of, secrets_of

pytestmark = pytest.mark.timeout(900)

STAMPED = {"job", "job_log", "audit_head"}
"""A trigger writes there, or says whose it is what is written; and there is nothing of interest to read."""


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


async def by_hand(platform, module, caller, victim, secrets, only=None):
    """Read the tables that the runtime role may read, and begin to write a row of the victim, if there is one."""
    found = []
    engine = database.engine(platform.settings[module].needed("database_url"), application="test")
    for table in await platform.tables():
        schema, name = table.split(".")
        if schema == module and name not in STAMPED and only in {None, table}:
            with contextlib.suppress(Denied):
                text = await as_role(engine, caller, module, f"SELECT string_agg(t::text, ' ') FROM {table} t")
                found += [f"read {table}: {one}" for one in tokens(str(text)) & secrets]
            if victim is not None and await may_write(engine, caller, module, table, victim):
                found.append(f"write {table}: only the rest of the row was missed")
    await engine.dispose()
    return found


async def may_write(engine, caller, module, table, victim):
    """Whether a row of the victim passes the walls; without its other columns it gets no further in any case."""
    try:
        await as_role(engine, caller, module, f"INSERT INTO {table} (tenant_id) VALUES ('{victim}') RETURNING 1")
    except Denied:
        return False
    except asyncpg.NotNullViolationError:
        return True
    raise AssertionError(f"a row of nothing but a tenant fits into {table}")


class Denied(Exception):
    """PostgreSQL refuses: no privilege, or a wall."""


async def as_role(engine, caller, module, sql):
    try:
        async with work.begin(engine, caller, module=module) as job:
            connection = await job.session.connection()
            return (await connection.exec_driver_sql(sql)).scalar()
    except Forbidden as error:
        raise Denied(str(error)) from error
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
    """By hand in any case; through the graph where no other wall and no filter stands before the same rows."""
    platform, a, b, secrets, foreign = scene
    tables = await walled(platform, "tenant_wall")
    survivors, answered = [], set()
    for table in tables:
        off = f"ALTER TABLE {table['name']} DISABLE ROW LEVEL SECURITY"
        async with mutated(platform, off, off.replace("DISABLE", "ENABLE")):
            found = await by_hand(platform, table["module"], a.staff(), b.tenant, secrets, table["name"])
            if table["name"] in ASKED and await answers(platform, a.staff(), secrets, foreign, table["module"]):
                answered.add(table["name"])
        if not any(table["name"] in one for one in found):
            survivors.append(table["name"])

    assert survivors == []
    assert answered == ASKED


ASKED = {"crm.customer", "tickets.ticket", "assets.asset"}
"""Tables that questions read; of the rest, which are many, the bare hands are enough."""


async def answers(platform, caller, secrets, foreign, module):
    """Whether the module's own questions bring what is another's."""
    return (await glance(platform, caller, secrets, foreign, [module])).findings != []


@pytest.mark.parametrize("module", MODULES)
async def test_a_role_that_bypasses_row_level_security_is_noticed(scene, module):
    platform, a, _, secrets, foreign = scene
    fresh = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{module}'"
    broken, repaired = (f"ALTER ROLE {module} {word}; {fresh}" for word in ("BYPASSRLS", "NOBYPASSRLS"))
    async with mutated(platform, broken, repaired):
        assert await answers(platform, a.staff(), secrets, foreign, module)


@pytest.mark.parametrize("module", MODULES)
async def test_an_owner_whose_walls_are_not_forced_is_noticed(scene, module):
    platform, a, _, secrets, foreign = scene
    tables = [row["name"] for row in await walled(platform, "tenant_wall") if row["module"] == module]
    unforced = "; ".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY" for table in tables)
    # Whoever is a member of the owner counts as the owner.
    broken = f"GRANT {module}_owner TO {module}; {unforced}"
    repaired = f"REVOKE {module}_owner FROM {module}; {unforced.replace('NO FORCE', 'FORCE')}"
    async with mutated(platform, broken, repaired):
        assert await answers(platform, a.staff(), secrets, foreign, module)


async def test_a_transaction_that_is_opened_for_another_tenant_is_noticed(scene, monkeypatch):
    platform, a, b, secrets, foreign = scene
    settings = tenancy.settings
    monkeypatch.setattr(tenancy, "settings", lambda one: settings(one) | {"psa.tenant": str(b.tenant)})

    attack = await glance(platform, a.staff(), secrets, foreign)

    assert len(attack.findings) > 100


TWICE = {"auth.customer_access"}
"""Tables behind a second wall that shows no more."""


async def something_hidden(platform, twin, table):
    """Whether there are rows of others: a module that points at nobody keeps no copies of anybody."""
    return await platform.text(table, OTHERS, twin.tenant, UUID(twin.x.ids["Customer"])) != ""


async def test_a_table_without_a_customer_wall_is_noticed_whichever_it_is(platform, tenant, deceive):
    d = await tenant("n")
    secrets, foreign, _ = await household(platform, d)
    tables = [
        one
        for one in await walled(platform, "customer_wall")
        if one["name"] not in TWICE and one["bare"] != "audit" and await something_hidden(platform, d, one["name"])
    ]
    # Behind a wall against everybody outside, only who works inside, for some customers, comes as far as this one.
    limited = d.staff(customers=d.portal().customers)
    deceive(kind="STAFF", customers=None)
    assert (await glance(platform, d.portal(), secrets, foreign)).findings == []
    survivors, answered = [], set()
    for table in tables:
        off = f"ALTER POLICY customer_wall ON {table['name']} USING (true) WITH CHECK (true)"
        async with mutated(platform, off, off.replace("(true)", f"({tenancy.customer_wall()})")):
            found = [
                one
                for caller in (d.portal(), limited)
                for one in await by_hand(platform, table["module"], caller, None, secrets, table["name"])
            ]
            if table["name"] in ASKED and await answers(platform, d.portal(), secrets, foreign, table["module"]):
                answered.add(table["name"])
        if not any(table["name"] in one for one in found):
            survivors.append(table["name"])

    assert survivors == []
    assert answered == ASKED
    assert len(tables) >= 8


async def test_internal_notes_without_their_wall_are_noticed(platform, tenant, deceive):
    d = await tenant("n")
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
