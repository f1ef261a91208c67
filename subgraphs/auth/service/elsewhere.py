"""Reading what is the platform's own (its clients, its keys) in the middle of a tenant's work.

The rows of the platform lie behind a wall of their own, as those of every tenant do. A tenant's work steps behind it for
the length of a block, on its own connection: a second one could not be had when all are taken by works that wait for a
second one. Nothing of the tenant's is written meanwhile; what the session has not flushed yet stays where it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import text

from subgraphs.auth.handles import PLATFORM
from subgraphs.kit.work import Work

_STEP = text("SELECT set_config('psa.tenant', :tenant, true)")


@asynccontextmanager
async def behind(work: Work, tenant: UUID = PLATFORM) -> AsyncIterator[None]:
    """Look behind another tenant's wall until the end of the block."""
    if tenant == work.caller.tenant:
        yield
        return
    await work.session.execute(_STEP, {"tenant": str(tenant)})
    try:
        yield
    finally:
        await work.session.execute(_STEP, {"tenant": str(work.caller.tenant)})
