"""The pool of connections hands out none that has died, whether it said so or died in silence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from subgraphs.kit import database, work
from subgraphs.kit.caller import system

_MINE = text("SELECT pg_backend_pid()")


class Wall:
    """Stands between a module and PostgreSQL; whoever was connected before it was `raised` is dropped at the next word, not before."""

    def __init__(self, url: str) -> None:
        there = make_url(url)
        self._there = there.host, there.port or 5432
        self._raised = 0
        self.held = self.heard = 0

    @contextlib.asynccontextmanager
    async def standing(self, url: str) -> AsyncIterator[str]:
        """The URL of the same database through the wall."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            yield make_url(url).set(host="127.0.0.1", port=port).render_as_string(hide_password=False)

    def raised(self) -> None:
        """From now on what was connected is dead, and nobody tells."""
        self._raised += 1

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        born = self._raised
        back, forth = await asyncio.open_connection(*self._there)
        answering = asyncio.ensure_future(_copied(back, writer))
        while (said := await reader.read(65536)) and born == self._raised:
            self.heard += 1
            forth.write(said)
        self.held += born != self._raised
        answering.cancel()
        forth.close()
        writer.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(65536):
        writer.write(said)
    writer.close()


async def _backend(pool: AsyncEngine) -> int:
    async with pool.connect() as connection:
        return int((await connection.execute(_MINE)).scalar_one())


@pytest.fixture
async def wall(postgres_admin_url: str) -> AsyncIterator[tuple[Wall, AsyncEngine]]:
    between = Wall(postgres_admin_url)
    async with between.standing(postgres_admin_url) as url:
        pool = database.engine(url, application="test", pool_size=1)
        yield between, pool
        await pool.dispose()


async def test_a_connection_that_was_closed_is_replaced(postgres_admin_url: str) -> None:
    pool = database.engine(postgres_admin_url, application="test", pool_size=1)
    other = database.engine(postgres_admin_url, application="test", pool_size=1)
    first = await _backend(pool)
    async with other.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})

    second = await _backend(pool)

    assert second != first
    assert await _backend(pool) == second
    await pool.dispose()
    await other.dispose()


async def test_a_connection_that_died_in_silence_is_asked_after_a_rest_and_replaced(
    wall: tuple[Wall, AsyncEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    between, pool = wall
    first = await _backend(pool)
    between.raised()
    monkeypatch.setattr(database, "_SILENT_SECONDS", -1.0)

    second = await _backend(pool)

    assert second != first
    assert between.held == 1


async def test_work_begins_on_another_connection_where_one_turns_out_to_be_dead(wall: tuple[Wall, AsyncEngine]) -> None:
    between, pool = wall
    first = await _backend(pool)
    between.raised()

    async with work.begin(pool, system(uuid4()), module="test") as job:
        second = await job.session.scalar(_MINE)

    assert second != first
    assert between.held == 1


@pytest.fixture
async def pool(postgres_admin_url: str) -> AsyncIterator[AsyncEngine]:
    pool = database.engine(postgres_admin_url, application="test", pool_size=1)
    yield pool
    await pool.dispose()


async def _told(connection: AsyncConnection) -> list[str | None]:
    said = text("SELECT current_setting('psa.tenant', true), current_setting('psa.kind', true)")
    return [one or None for one in (await connection.execute(said)).one()]


async def test_a_transaction_begins_with_its_settings_whatever_stands_in_them_and_they_end_with_it(
    pool: AsyncEngine,
) -> None:
    for value in ("a", "it's", "''; ROLLBACK; --", "\\", "\\'", "E'\\n'", "$1 %s {} :x", "ä€\U0001f600\n\t"):
        async with pool.connect() as connection:
            await connection.run_sync(database.begin, {"psa.tenant": value, "psa.kind": "STAFF"})
            assert await _told(connection) == [value, "STAFF"]
            await connection.rollback()
            assert await _told(connection) == [None, None]


async def test_a_transaction_that_could_not_begin_leaves_nothing_behind(pool: AsyncEngine) -> None:
    first = await _backend(pool)

    async with pool.connect() as connection:
        with pytest.raises(DBAPIError, match="unrecognized configuration parameter"):
            await connection.run_sync(database.begin, {"psa.tenant": "a", "no name": "b"})
    with pytest.raises(ValueError, match=r"U\+0000"):
        async with pool.connect() as connection:
            await connection.run_sync(database.begin, {"psa.tenant": "a\0"})

    async with pool.connect() as connection:
        assert await _told(connection) == [None, None]
    assert await _backend(pool) != first


async def test_who_asks_is_told_with_the_begin_and_costs_no_round_trip(wall: tuple[Wall, AsyncEngine]) -> None:
    between, pool = wall
    await _backend(pool)
    before = between.heard

    async with work.begin(pool, system(uuid4()), module="test") as job:
        assert between.heard - before == 1
        await job.session.scalar(_MINE)

    assert between.heard - before == 3  # and the question, and the commit


async def test_where_nobody_listens_one_is_told_so_as_it_is() -> None:
    """What the graph answers as `UNAVAILABLE`."""
    pool = database.engine("postgresql://nobody@127.0.0.1:1/nothing", application="test", pool_size=1)

    with pytest.raises(ConnectionRefusedError):
        await _backend(pool)

    await pool.dispose()
