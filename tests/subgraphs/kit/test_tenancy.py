"""The walls hold, every hole in them is found, and a service with a hole does not start."""

from __future__ import annotations

import asyncio
import contextlib
import random
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from subgraphs.kit import app, database, tenancy, work
from subgraphs.kit.caller import Caller
from subgraphs.kit.ids import uuid7
from subgraphs.kit.tenancy import protect

A, B = uuid4(), uuid4()
NORD, SUED = uuid4(), uuid4()

SECRET = SecretStr("test")


class House:
    """A schema with one walled table, built without any module."""

    def __init__(self, admin_url: str, name: str) -> None:
        self.admin_url, self.name = admin_url, name

    async def built(self) -> House:
        await database.provision(self.admin_url, self.name, database.RolePasswords(SECRET, SECRET, SECRET))
        await self.as_owner(f"""
            CREATE TABLE thing (tenant_id uuid NOT NULL, id uuid NOT NULL, customer_id uuid, name text,
                                PRIMARY KEY (tenant_id, id));
            {protect("thing", role=self.name, customer="customer_id")}
        """)
        return self

    def url(self, role: str) -> str:
        return self.admin_url.replace(self.admin_url.split("//")[1].split("@")[0], f"{role}:test")

    async def as_owner(self, sql: str) -> None:
        await self._execute(self.url(f"{self.name}_owner"), sql)

    async def as_admin(self, sql: str) -> None:
        await self._execute(self.admin_url, f'SET search_path = "{self.name}";' + sql)

    async def _execute(self, url: str, sql: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def breaches(self) -> list[str]:
        engine = database.engine(self.url(self.name), application="test")
        try:
            async with engine.connect() as connection:
                return await tenancy.breaches(connection)
        finally:
            await engine.dispose()


@pytest.fixture
async def house(database: str):
    built = await House(database, f"h{uuid4().hex[:8]}").built()
    yield built
    role = built.name
    await built.as_admin(f'DROP SCHEMA "{role}" CASCADE')
    for name in (role, f"{role}_owner", f"{role}_relay"):
        await built.as_admin(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')


@pytest.fixture
async def engine(house: House):
    made = database.engine(house.url(house.name), application="test", pool_size=2)
    yield made
    await made.dispose()


def caller(tenant: UUID = A, **changes: object) -> Caller:
    return Caller(tenant=tenant, subject=uuid4(), kind="STAFF", **changes)  # type: ignore[arg-type]


INSERT = text("INSERT INTO thing (tenant_id, id, customer_id, name) VALUES (:tenant, :id, :customer, :name)")


async def put(
    engine, asking: Caller, *, tenant: UUID | None = None, customer: UUID | None = None, name: str = "x"
) -> UUID:
    identity = uuid7()
    async with work.begin(engine, asking, module="test") as job:
        values = {"tenant": tenant or asking.tenant, "id": identity, "customer": customer, "name": name}
        await job.session.execute(INSERT, values)
    return identity


async def seen(engine, asking: Caller) -> set[UUID]:
    async with work.begin(engine, asking, module="test") as job:
        return set((await job.session.scalars(text("SELECT id FROM thing"))).all())


async def test_a_house_built_by_the_rules_has_no_breach(house):
    assert await house.breaches() == []


HOLES = {
    "no wall at all": (
        "CREATE TABLE bare (tenant_id uuid PRIMARY KEY); GRANT SELECT ON bare TO {role}",
        "row-level security is off",
    ),
    "no tenant": (
        "CREATE TABLE shared (id bigint GENERATED ALWAYS AS IDENTITY); GRANT SELECT ON shared TO {role}",
        "there is no tenant_id",
    ),
    "not forced": ("ALTER TABLE thing NO FORCE ROW LEVEL SECURITY", "row-level security is not forced"),
    "switched off": ("ALTER TABLE thing DISABLE ROW LEVEL SECURITY", "row-level security is off"),
    "no policy": ("DROP POLICY tenant_wall ON thing", "the tenant wall is missing"),
    "a policy for everybody": (
        "CREATE POLICY open ON thing USING (true)",
        "the policy open lets other tenants through",
    ),
    "a policy that only looks like a wall": (
        "CREATE POLICY leak ON thing USING (tenant_id = NULLIF(current_setting('psa.tenant', true), '')::uuid OR name = 'x')",
        "the policy leak lets other tenants through",
    ),
    "writes unchecked": (
        "ALTER POLICY tenant_wall ON thing WITH CHECK (true)",
        "the policy tenant_wall lets other tenants through",
    ),
    "customers unchecked": ("DROP POLICY customer_wall ON thing", "the customer wall is missing"),
    "a customer wall for reading only": (
        "ALTER POLICY customer_wall ON thing WITH CHECK (true)",
        "the customer wall is missing",
    ),
    "a plain view": (
        "CREATE VIEW all_things AS SELECT * FROM thing; GRANT SELECT ON all_things TO {role}",
        "set security_invoker",
    ),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW copied AS SELECT 1 AS one; GRANT SELECT ON copied TO {role}",
        "cannot have walls",
    ),
    "a unique key without tenant": (
        "CREATE UNIQUE INDEX by_name ON thing (name)",
        "the unique key by_name has no tenant_id",
    ),
    "a superuser": ("ALTER ROLE {role} SUPERUSER", "is a superuser"),
    "BYPASSRLS": ("ALTER ROLE {role} BYPASSRLS", "may bypass row-level security"),
    "the owner's hat": ("GRANT {role}_owner TO {role}", "may become"),
    "the owner itself": ("ALTER TABLE thing OWNER TO {role}", "this role owns the table"),
    "DDL": ("GRANT CREATE ON SCHEMA {role} TO {role}", "may create objects"),
    "one column is enough": (
        "CREATE TABLE bare (tenant_id uuid PRIMARY KEY, secret text); GRANT SELECT (secret) ON bare TO {role}",
        "row-level security is off",
    ),
}


@pytest.mark.parametrize("hole", HOLES)
async def test_every_hole_is_found_and_keeps_the_service_from_starting(house, hole):
    sql, words = HOLES[hole]
    await house.as_admin(sql.replace("{role}", house.name))
    engine = database.engine(house.url(house.name), application="test")

    with pytest.raises(app.Breached) as refused:
        await app.inspect_walls("thing", engine)

    await engine.dispose()
    assert any(words in breach for breach in refused.value.breaches), refused.value.breaches
    await house.as_admin(f"ALTER ROLE {house.name} NOSUPERUSER NOBYPASSRLS")


async def test_a_view_with_its_readers_rights_is_no_breach(house):
    await house.as_owner(
        f"CREATE VIEW mine WITH (security_invoker = true) AS SELECT * FROM thing; GRANT SELECT ON mine TO {house.name}"
    )

    assert await house.breaches() == []


async def test_a_tenant_sees_its_own_rows_and_no_others(engine):
    mine, theirs = await put(engine, caller(A)), await put(engine, caller(B))

    assert await seen(engine, caller(A)) == {mine}
    assert await seen(engine, caller(B)) == {theirs}


async def test_a_row_for_another_tenant_is_refused(engine):
    with pytest.raises(Exception, match="row-level security|not yours to write"):
        await put(engine, caller(A), tenant=B)

    assert await seen(engine, caller(B)) == set()


async def test_without_a_tenant_there_is_no_row(engine):
    await put(engine, caller(A))

    async with engine.connect() as connection:
        assert (await connection.scalar(text("SELECT count(*) FROM thing"))) == 0


async def test_a_caller_limited_to_a_customer_sees_that_customers_rows(engine):
    nord = await put(engine, caller(A), customer=NORD)
    sued = await put(engine, caller(A), customer=SUED)
    internal = await put(engine, caller(A))

    assert await seen(engine, caller(A)) == {nord, sued, internal}
    assert await seen(engine, caller(A, customers=frozenset({NORD}))) == {nord}
    assert await seen(engine, caller(A, customers=frozenset())) == set()
    assert await seen(engine, caller(A, denied=frozenset({NORD}))) == {sued, internal}
    assert await seen(engine, caller(A, customers=frozenset({NORD, SUED}), denied=frozenset({NORD}))) == {sued}


async def test_a_caller_limited_to_a_customer_writes_for_no_other(engine):
    limited = caller(A, customers=frozenset({NORD}))

    with pytest.raises(Exception, match="row-level security|not yours to write"):
        await put(engine, limited, customer=SUED)
    with pytest.raises(Exception, match="row-level security|not yours to write"):
        await put(engine, limited, customer=None)

    assert await seen(engine, caller(A)) == set()


async def test_pooled_connections_never_mix_up_tenants(engine):
    """A thousand pieces of work of a hundred tenants, interleaved over two connections, some cancelled midway."""
    tenants = [uuid4() for _ in range(100)]
    for tenant in tenants:
        await put(engine, caller(tenant), name=str(tenant))
    dice = random.Random(7)

    async def look(tenant: UUID) -> bool:
        async with work.begin(engine, caller(tenant), module="test") as job:
            await job.session.execute(text("SELECT pg_sleep(:s)"), {"s": dice.random() / 500})
            return (await job.session.scalars(text("SELECT name FROM thing"))).all() == [str(tenant)]

    async def one(number: int) -> bool | None:
        tenant = tenants[number % len(tenants)]
        if number % 10:
            return await look(tenant)
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(dice.random() / 200):
                return await look(tenant)
        return None

    outcomes: list[bool | None] = []
    for start in range(0, 1000, 20):
        outcomes += await asyncio.gather(*(one(number) for number in range(start, start + 20)))

    assert outcomes.count(False) == 0
    assert outcomes.count(True) >= 900


async def test_a_tenant_set_for_the_session_instead_of_the_transaction_is_a_mix_up_that_we_would_notice(engine):
    """The mutant of the test above: a setting that outlives its transaction shows the next caller the wrong rows."""
    mine = await put(engine, caller(A))
    async with engine.connect() as connection:
        await connection.execute(text("SELECT set_config('psa.tenant', :tenant, false)"), {"tenant": str(A)})
        await connection.execute(text("SELECT set_config('psa.customers', '*', false)"))
        await connection.commit()
        assert (await connection.scalar(text("SELECT id FROM thing"))) == mine
        await connection.execute(text("RESET ALL"))
        await connection.commit()
