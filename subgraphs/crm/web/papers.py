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
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.crm.models.sales import Quote
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import Paper
from subgraphs.crm.service import quote_files, quotes
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed
from subgraphs.kit.work import Work

_HEADERS = {
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_LONGEST_TOKEN = 100


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """All of them."""

    def begin(tenant: UUID) -> AbstractAsyncContextManager[Work]:
        return work.begin(engine, system(tenant), module="crm", clock=clock, settings=settings)

    async def behind(request: Request) -> Response:
        tenant, token = parsed(request.path_params["tenant"]), request.path_params["token"]
        if tenant is None or len(token) > _LONGEST_TOKEN:
            return _nothing()
        async with begin(tenant) as job:
            quote = await quotes.behind(job, token)
            if quote is None or await quotes.is_over(job, quote):
                return _nothing()
            return _paper(quote, await quote_files.content(job, quote))

    async def sent(request: Request) -> Response:
        return await signed(request, Paper.SENT)

    async def accepted(request: Request) -> Response:
        return await signed(request, Paper.ACCEPTED)

    async def signed(request: Request, paper: Paper) -> Response:
        tenant, quote = (parsed(request.path_params[name]) for name in ("tenant", "quote"))
        expires, signature = request.query_params.get("expires", ""), request.query_params.get("signature", "")
        if tenant is None or quote is None or not expires.isdecimal() or len(expires) > 12:
            return _nothing()
        async with begin(tenant) as job:
            found = await quote_files.opened(job, quote, expires=int(expires), signed=signature, paper=paper)
        return _paper(*found, paper) if found else _nothing()

    return [
        Route("/quotes/{tenant}/files/{quote}", sent, methods=["GET"]),
        Route("/quotes/{tenant}/files/{quote}/accepted", accepted, methods=["GET"]),
        Route("/quotes/{tenant}/{token}/pdf", behind, methods=["GET"]),
    ]


def _paper(quote: Quote, content: bytes, paper: Paper = Paper.SENT) -> Response:
    named = {"content-disposition": f'inline; filename="{rules.filename(quote.number, quote.revision, paper)}"'}
    return Response(content, media_type=rules.PDF, headers={**_HEADERS, **named})


def _nothing() -> Response:
    return PlainTextResponse("There is no such quote, or the link to it has expired.\n", 404, headers=_HEADERS)
