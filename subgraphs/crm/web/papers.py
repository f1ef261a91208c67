"""The ways to a quote on paper: behind the link of its page while it can be answered, and by a link with a signature.

/quotes/<tenant>/<token>/pdf                             for whoever has the link that was sent
/quotes/<tenant>/files/<quote>?expires=…&signature=…     for five minutes, for whoever was given that link
/quotes/<tenant>/files/<quote>/accepted?…                the same for the paper of what was chosen
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from subgraphs.crm.models.sales import Quote
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import Paper
from subgraphs.crm.service import quote_files, quotes
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.file_doors import Asked, answer, nothing, opening
from subgraphs.kit.files import File
from subgraphs.kit.ids import parsed
from subgraphs.kit.work import Work

_LONGEST_TOKEN = 100


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """All of them."""

    def begin(tenant: UUID) -> AbstractAsyncContextManager[Work]:
        return work.begin(engine, system(tenant), module="crm", clock=clock, settings=settings)

    async def behind(request: Request) -> Response:
        tenant, token = parsed(request.path_params["tenant"]), request.path_params["token"]
        if tenant is None or len(token) > _LONGEST_TOKEN:
            return nothing("quote")
        async with begin(tenant) as job:
            quote = await quotes.behind(job, token)
            if quote is None or await quotes.is_over(job, quote):
                return nothing("quote")
            return answer(_file(quote, await quote_files.content(job, quote)))

    async def sent(asked: Asked) -> File | None:
        return await signed(asked, Paper.SENT)

    async def accepted(asked: Asked) -> File | None:
        return await signed(asked, Paper.ACCEPTED)

    async def signed(asked: Asked, paper: Paper) -> File | None:
        async with begin(asked.tenant) as job:
            found = await quote_files.opened(job, asked.id, asked.proof, paper)
        return _file(*found, paper) if found else None

    return [
        opening("/quotes/{tenant}/files/{id}", sent),
        opening("/quotes/{tenant}/files/{id}/accepted", accepted),
        Route("/quotes/{tenant}/{token}/pdf", behind, methods=["GET"]),
    ]


def _file(quote: Quote, content: bytes, paper: Paper = Paper.SENT) -> File:
    return File(rules.filename(quote.number, quote.revision, paper), rules.PDF, content, inline=True)
