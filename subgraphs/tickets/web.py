"""The way in for files: a link with a signature opens one, for five minutes, and needs no other proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed
from subgraphs.tickets.service import files

if TYPE_CHECKING:
    from subgraphs.tickets.models.content import Attachment

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one page there is."""

    async def download(request: Request) -> Response:
        """Answer the file, or that there is none: a link that is wrong, old or foreign looks like one to nothing."""
        tenant, attachment = (parsed(request.path_params[name]) for name in ("tenant", "attachment"))
        expires, signed = request.query_params.get("expires", ""), request.query_params.get("signature", "")
        if tenant is None or attachment is None or not expires.isdecimal() or len(expires) > 12:
            return _nothing()
        async with work.begin(engine, system(tenant), module="tickets", clock=clock, settings=settings) as job:
            found = await files.opened(job, attachment, int(expires), signed)
        return _file(*found) if found else _nothing()

    return [Route("/files/{tenant}/{attachment}", download, methods=["GET"])]


def _file(row: Attachment, content: bytes) -> Response:
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}"}
    return Response(content, media_type=row.mime_type, headers={**_HEADERS, **named, "ETag": f'"{row.sha256}"'})


def _nothing() -> Response:
    return PlainTextResponse("There is no such file, or the link to it has expired.\n", 404, headers=_HEADERS)
