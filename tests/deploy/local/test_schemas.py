"""Roles and schemas on a PostgreSQL of our own: made once, brought up to date at every start, explained when that fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local import schemas
from deploy.local.home import Trouble
from deploy.local.postgres import embedded_postgres


@pytest.fixture(scope="module")
async def admin_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A server of its own: the roles are the whole server's, and other tests have them too, with other passwords."""
    home: Path = tmp_path_factory.mktemp("schemas")
    async with embedded_postgres(home, durable=False, say=lambda _: None) as server:
        yield await schemas.create_database(server.admin_url)


async def run(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_module_gets_its_three_roles_and_no_more_than_them(admin_url: str) -> None:
    schema = await schemas.bring_up(admin_url, "tickets")

    assert await run(schema.runtime_url, "select current_user::text") == "tickets"
    assert await run(schema.relay_url, "select current_user::text") == "tickets_relay"
    assert await run(schema.owner_url, "select current_user::text") == "tickets_owner"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(schema.runtime_url, "create table tickets.mine (id int)")


async def test_a_second_start_keeps_the_tables_and_changes_the_passwords(admin_url: str) -> None:
    first = await schemas.bring_up(admin_url, "tickets")
    tables = "select count(*) from pg_tables where schemaname = 'tickets'"
    before = await run(admin_url, tables)

    again = await schemas.bring_up(admin_url, "tickets")

    assert await run(admin_url, tables) == before
    assert await run(again.runtime_url, "select 1") == 1
    with pytest.raises(asyncpg.InvalidPasswordError):
        await run(first.runtime_url, "select 1")


async def test_the_database_is_made_once(admin_url: str) -> None:
    assert await schemas.create_database(admin_url) == admin_url


async def test_what_another_version_left_is_explained_and_kept(admin_url: str) -> None:
    await schemas.bring_up(admin_url, "crm")
    await run(admin_url, "insert into crm.alembic_version values ('of_tomorrow')")

    with pytest.raises(Trouble) as refused:
        await schemas.bring_up(admin_url, "crm")

    assert refused.value.problem.startswith("The schema crm cannot be brought up to date: ")
    assert refused.value.remedy == "If another version made this home, begin anew in another one: --home DIR"
    assert (
        await run(admin_url, "select count(*) from pg_tables where schemaname = 'crm' and tablename = 'customer'") == 1
    )
