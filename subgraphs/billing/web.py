"""The way in for files: a link with a signature opens one, for five minutes, and needs no other proof."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.billing.service import files
from subgraphs.billing.service.files import FileKind
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed

_HEADERS = {
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_KINDS = {one.value: one for one in FileKind}


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one route."""

    async def download(request: Request) -> Response:
        """Answer the file, or that there is none: a link that is wrong, old or foreign looks like one to nothing."""
        tenant, identity = (parsed(request.path_params[name]) for name in ("tenant", "id"))
        kind = _KINDS.get(request.path_params["kind"])
        expires, signature = request.query_params.get("expires", ""), request.query_params.get("signature", "")
        if tenant is None or identity is None or kind is None or not expires.isdecimal() or len(expires) > 12:
            return _nothing()
        async with work.begin(engine, system(tenant), module="billing", clock=clock, settings=settings) as job:
            found = await files.opened(job, kind, identity, expires=int(expires), signature=signature)
        if found is None:
            return _nothing()
        named = {"content-disposition": f'inline; filename="{found.filename}"'}
        return Response(found.content, media_type=found.mime_type, headers={**_HEADERS, **named})

    return [Route("/billing/files/{tenant}/{kind}/{id}", download, methods=["GET"])]


def _nothing() -> Response:
    return PlainTextResponse("There is no such file, or the link to it has expired.\n", 404, headers=_HEADERS)
