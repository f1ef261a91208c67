"""A worker that does the jobs of identity, as it runs in production."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from subgraphs.kit import jobs, work
from subgraphs.kit.backoff import Backoff
from tests.subgraphs.auth.conftest import Auth

PACE = jobs.Pace(poll_seconds=0.1, retry=Backoff(first_seconds=0.1, most_seconds=0.2))
"""What fails is tried again at once: these tests wait for nobody."""


@asynccontextmanager
async def working(auth: Auth, **settings: Any) -> AsyncIterator[None]:
    """Have jobs done for the length of the block, with these settings changed."""
    service = auth.service
    changed = service.settings.model_copy(update=settings)
    begin = functools.partial(work.begin, service.engine, module="auth", settings=changed, clock=lambda: service.moment)
    url = changed.needed("database_relay_url")
    running = asyncio.create_task(jobs.work(url, "auth", service.module.jobs, begin, pace=PACE))
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def done(auth: Auth, name: str) -> None:
    """Wait until nothing of this name is queued: a job is gone when its transaction is."""
    async with asyncio.timeout(60):
        while await auth.service.rows("SELECT 1 FROM job WHERE entrypoint = $1", name):
            await asyncio.sleep(0.05)
