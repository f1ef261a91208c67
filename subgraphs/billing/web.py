"""The way in for the files of documents and letters: a link with a signature opens one, for five minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute

from subgraphs.billing.service import files
from subgraphs.billing.service.files import FileKind
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.file_doors import Asked, opening
from subgraphs.kit.files import File

_KINDS: Final = {one.value: one for one in FileKind}


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one route."""

    async def download(asked: Asked) -> File | None:
        kind = _KINDS.get(asked.request.path_params["kind"])
        if kind is None:
            return None
        async with work.begin(engine, system(asked.tenant), module="billing", clock=clock, settings=settings) as job:
            return await files.opened(job, kind, asked.id, asked.proof)

    return [opening("/billing/files/{tenant}/{kind}/{id}", download)]
