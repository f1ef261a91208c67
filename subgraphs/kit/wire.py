"""One plain connection to PostgreSQL, for those who drain and listen instead of serving requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 30


@asynccontextmanager
async def connection(url: str, *, application: str, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection with deadlines on everything; `settings` are PostgreSQL's, for this session."""
    opened = await asyncpg.connect(
        url,
        timeout=_CONNECT_SECONDS,
        command_timeout=_ANSWER_SECONDS,
        server_settings={"application_name": application, **settings},
    )
    try:
        yield opened
    finally:
        # Not the polite way, which waits for an answer that a dead server never gives; the session ends either way.
        opened.terminate()
