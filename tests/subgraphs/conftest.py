"""Fixtures for modules: start one, and watch what it asks of the database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import structlog
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.subgraphs.house import Service, running

# Tracebacks with all local variables take seconds to draw.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])

Start = Callable[[str], Awaitable[Service]]


@pytest.fixture(scope="module")
async def start(database: str) -> AsyncIterator[Start]:
    """Start a module by its name, in the test module's own database."""
    async with contextlib.AsyncExitStack() as stack:
        services: dict[str, Service] = {}

        async def started(name: str) -> Service:
            if name not in services:
                services[name] = await stack.enter_async_context(running(name, database))
            return services[name]

        yield started


@pytest.fixture
def statements() -> Callable[[Service], contextlib.AbstractContextManager[list[str]]]:
    """Collect the SQL that is executed while a block runs."""

    @contextlib.contextmanager
    def collected(_service: Service) -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection, _cursor, statement, _parameters, _context, _many) -> None:
            seen.append(" ".join(statement.split()))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    return collected
