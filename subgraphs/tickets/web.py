"""The ways for the files of tickets: a link with a signature opens one, or takes the parts of one."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute

from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.file_doors import Asked, opening, taking
from subgraphs.kit.files import File, Part, Received
from subgraphs.tickets.service import files, uploads


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one that takes files in, and the one that gives them out."""
    begin = functools.partial(work.begin, engine, module="tickets", clock=clock, settings=settings)

    async def upload(asked: Asked, part: Part) -> Received | None:
        async with begin(system(asked.tenant), command="upload") as job:
            return await uploads.take_part(job, asked.id, asked.proof, part)

    async def download(asked: Asked) -> File | None:
        async with begin(system(asked.tenant)) as job:
            return await files.opened(job, asked.id, asked.proof)

    return [taking("/files/{tenant}/uploads/{id}", upload), opening("/files/{tenant}/{id}", download)]
