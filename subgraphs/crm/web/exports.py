"""The way in for the file of an export: a link with a signature opens it, for five minutes, and needs no other proof."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.crm.service import exports
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one route."""

    async def download(request: Request) -> Response:
        """Answer the file, or that there is none: a link that is wrong, old or foreign looks like one to nothing."""
        tenant, export = (parsed(request.path_params[name]) for name in ("tenant", "export"))
        expires, signed = request.query_params.get("expires", ""), request.query_params.get("signature", "")
        if tenant is None or export is None or not expires.isdecimal() or len(expires) > 12:
            return _nothing()
        address = request.headers.get("x-forwarded-for")
        async with work.begin(engine, system(tenant), module="crm", clock=clock, settings=settings) as job:
            content = await exports.opened(job, export, expires=int(expires), signed=signed, address=address)
        if content is None:
            return _nothing()
        named = {"Content-Disposition": f'attachment; filename="crm-{export}.zip"'}
        return Response(content, media_type="application/zip", headers={**_HEADERS, **named})

    return [Route("/crm/exports/{tenant}/{export}", download, methods=["GET"])]


def _nothing() -> Response:
    return PlainTextResponse("There is no such file, or the link to it has expired.\n", 404, headers=_HEADERS)
