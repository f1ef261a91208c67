"""The way in for those who follow the link below a mail: `/notify/unsubscribe`, without signing in, for one category.

A look at the page changes nothing, because mail programs look at links by themselves; what counts is the POST, by the
button or by the mail program itself (RFC 8058). The link is signed, and says who refuses what.
"""

from __future__ import annotations

import functools
import html
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.kit import sealing, work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.service import preferences
from subgraphs.notify.service.dispatch import UNSUBSCRIBE

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
}


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> list[BaseRoute]:
    """The one route."""
    begin = functools.partial(
        work.begin, engine, module="notify", command="unsubscribe", clock=clock, settings=settings
    )

    async def unsubscribe(request: Request) -> Response:
        said = _said(settings, request)
        if said is None:
            return _page("Dieser Link gilt nicht. / This link does not hold.", 400)
        if request.method == "GET":
            return _page(_button(), 200)
        tenant, user, category = said
        async with begin(system(tenant)) as job:
            await preferences.refuse(job, user, category)
        return _page("Erledigt: Sie erhalten diese Mails nicht mehr. / Done: you get no more of these mails.", 200)

    return [Route("/notify/unsubscribe", unsubscribe, methods=["GET", "POST"])]


def _said(settings: Settings, request: Request) -> tuple[UUID, UUID, Category] | None:
    """Who refuses what, if we signed it."""
    of, proof = request.query_params.get("of", ""), request.query_params.get("proof", "")
    if not sealing.of(settings).signed(of, proof, purpose=UNSUBSCRIBE):
        return None
    tenant, _, rest = of.partition(".")
    user, _, category = rest.partition(".")
    first, second = parsed(tenant), parsed(user)
    return None if first is None or second is None else (first, second, Category(category))


def _button() -> str:
    words = html.escape("Diese Benachrichtigungen abbestellen / Unsubscribe")
    return f'<form method="post"><button type="submit">{words}</button></form>'


def _page(body: str, status: int) -> Response:
    head = '<!DOCTYPE html>\n<html lang="de"><head><meta charset="utf-8"><title>Benachrichtigungen</title></head>'
    return HTMLResponse(f"{head}<body>{body}</body></html>", status, _HEADERS)
