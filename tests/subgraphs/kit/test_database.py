"""The pool of connections hands out none that has died, whether it said so or died in silence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from subgraphs.kit import database, work
from subgraphs.kit.caller import system

_MINE = text("SELECT pg_backend_pid()")


class Wall:
    """Stands between a module and PostgreSQL; whoever was connected before it was `raised` is dropped at the next word, not before."""

    def __init__(self, url: str) -> None:
        there = make_url(url)
        self._there = there.host, there.port or 5432
        self._raised = 0
        self.held = 0

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


async def test_where_nobody_listens_one_is_told_so_as_it_is() -> None:
    """What the graph answers as `UNAVAILABLE`."""
    pool = database.engine("postgresql://nobody@127.0.0.1:1/nothing", application="test", pool_size=1)

    with pytest.raises(ConnectionRefusedError):
        await _backend(pool)

    await pool.dispose()
