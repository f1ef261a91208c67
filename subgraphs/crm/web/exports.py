"""The way in for the file of an export: a link with a signature opens it, for five minutes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute

from subgraphs.crm.service import exports
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.file_doors import Asked, opening
from subgraphs.kit.files import File


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one route."""

    async def download(asked: Asked) -> File | None:
        address = asked.request.headers.get("x-forwarded-for")
        async with work.begin(engine, system(asked.tenant), module="crm", clock=clock, settings=settings) as job:
            content = await exports.opened(job, asked.id, asked.proof, address=address)
        return File(f"crm-{asked.id}.zip", "application/zip", content) if content is not None else None

    return [opening("/crm/exports/{tenant}/{id}", download)]
