"""Identity behind a real port, for programs and browsers that know nothing of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import uvicorn

from deploy.local.serving import take
from subgraphs.auth.service import people
from subgraphs.kit import app, database
from subgraphs.kit.clock import now
from subgraphs.kit.module import load
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.house import A, B, Service, prepared


@asynccontextmanager
async def served(admin_url: str) -> AsyncIterator[tuple[Auth, str]]:
    """The module behind a real port, under the name that passkeys need."""
    listener = take(0)
    origin = f"http://localhost:{listener.getsockname()[1]}"
    settings = (await prepared("auth", admin_url)).model_copy(update={"issuer": origin})
    engine = database.engine(settings.needed("database_url"), application="test")
    service = Service(load("auth"), settings, admin_url, engine, moment=now())

    async def keys() -> dict[str, Any]:
        return {"keys": []}

    application = app.build(service.module, settings, keys=keys)
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False, lifespan="on"))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    async with httpx2.AsyncClient(base_url=origin, timeout=60) as service.client:
        auth = Auth(service)
        for tenant, slug in ((A, "a"), (B, "b")):
            async with auth.work(tenant) as job:
                await people.found_tenant(job, slug=slug, name=f"Tenant {slug}")
        yield auth, origin
    server.should_exit = True
    await serving
    await engine.dispose()
