"""The way in for files to import, which come in parts: a link with a signature takes them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute

from subgraphs.crm.service import csv_uploads
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.file_doors import Asked, taking
from subgraphs.kit.files import Part, Received


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one route."""

    async def upload(asked: Asked, part: Part) -> Received | None:
        begun = work.begin(engine, system(asked.tenant), module="crm", command="upload", clock=clock, settings=settings)
        async with begun as job:
            return await csv_uploads.take_part(job, asked.id, asked.proof, part)

    return [taking("/crm/imports/{tenant}/{id}", upload)]
