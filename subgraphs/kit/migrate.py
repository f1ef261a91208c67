"""Bring a module's schema up to date: one Alembic environment for all modules.

Two lines of revisions meet in every schema: the kit's own (`subgraphs/kit/migrations`: audit, idempotency, numbers,
references, outbox, inbox, jobs) and the module's (`subgraphs/<name>/migrations`). Both are hand-written SQL, forward
only, and run as the schema's owner, one at a time, each in a transaction of its own.

A revision is a file `0001_what_it_does.py`:

    revision, down_revision = "tickets_0001", None
    depends_on = "kit_0002"

    def upgrade() -> None:
        migrate.run("CREATE TABLE ticket (…)")
        migrate.protect("ticket", customer="customer_id")
"""

from __future__ import annotations

from pathlib import Path

from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from subgraphs.kit import tenancy
from subgraphs.kit.database import sqlalchemy_url

_KIT = Path(__file__).parent / "migrations"
_MODULES = Path(__file__).parent.parent


async def upgrade(module: str, owner_url: str) -> list[str]:
    """Run what is missing in the module's schema; the names of the revisions that ran, oldest first."""
    engine = create_async_engine(sqlalchemy_url(owner_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_upgrade, module)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, module: str) -> list[str]:
    scripts = ScriptDirectory.from_config(configuration(module))
    ran: list[str] = []

    def steps(current: tuple[str, ...], _context: object) -> list[object]:
        found = scripts._upgrade_revs("heads", current)  # type: ignore[arg-type]  # noqa: SLF001 - Alembic's documented recipe
        ran.extend(step.revision.revision for step in found)
        return list(found)

    # Two processes may start at once: the second waits, and finds nothing left to do.
    connection.execute(text("SELECT pg_advisory_lock(hashtext(:schema))"), {"schema": f"psa.migrate.{module}"})
    connection.commit()
    with EnvironmentContext(configuration(module), scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table_schema=module, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
    connection.execute(text("SELECT pg_advisory_unlock(hashtext(:schema))"), {"schema": f"psa.migrate.{module}"})
    connection.commit()
    return ran


def configuration(module: str) -> Config:
    """Alembic's configuration, without a file: the kit's revisions and the module's."""
    config = Config()
    config.set_main_option("script_location", str(_KIT))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join([str(_KIT), str(_MODULES / module / "migrations")]))
    return config


def schema() -> str:
    """The schema that is being migrated, which is also the name of the module and of its runtime role."""
    name: str = op.get_bind().execute(text("SELECT current_schema()")).scalar_one()
    return name


def run(sql: str) -> None:
    """Execute SQL as it is written, several statements and function bodies included."""
    connection = op.get_bind()
    connection.exec_driver_sql("SELECT 1")  # makes SQLAlchemy open the transaction that the next line runs in
    asyncpg_connection = connection.connection.driver_connection
    await_only(asyncpg_connection.execute(sql))  # type: ignore[union-attr]


def protect(table: str, *, customer: str | None = None, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Put a table behind the walls and let the module's runtime role in: see `kit.tenancy.protect`."""
    run(tenancy.protect(table, role=schema(), customer=customer, grants=grants))


def narrow(table: str, *, read: str, write: str, own: str) -> None:
    """Show those who hold `read` or `write` for own rows only the rows for which the SQL `own` is true."""
    run(tenancy.narrow(table, read=read, write=write, own=f"({own})"))
