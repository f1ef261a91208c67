"""The ways for files: a link with a signature opens one, or takes the parts of one, and needs no other proof."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed
from subgraphs.tickets.rules import files as rules
from subgraphs.tickets.service import files, uploads

if TYPE_CHECKING:
    from subgraphs.tickets.models.content import Attachment

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The page that gives a file out, and the one that takes it in."""
    begin = functools.partial(work.begin, engine, module="tickets", clock=clock, settings=settings)

    async def download(request: Request) -> Response:
        """Answer the file, or that there is none: a link that is wrong, old or foreign looks like one to nothing."""
        tenant, attachment = (parsed(request.path_params[name]) for name in ("tenant", "attachment"))
        expires, signed = request.query_params.get("expires", ""), request.query_params.get("signature", "")
        if tenant is None or attachment is None or not expires.isdecimal() or len(expires) > 12:
            return _nothing()
        async with begin(system(tenant)) as job:
            found = await files.opened(job, attachment, int(expires), signed)
        return _file(*found) if found else _nothing()

    async def upload(request: Request) -> Response:
        """Take a part of a file, and say how much of it there is: whoever was interrupted goes on from there."""
        tenant, of = (parsed(request.path_params[name]) for name in ("tenant", "upload"))
        expires, signed = request.query_params.get("expires", ""), request.query_params.get("signature", "")
        offset = request.query_params.get("offset", "0")
        if tenant is None or of is None or not all(one.isdecimal() and len(one) <= 12 for one in (expires, offset)):
            return _nothing()
        part = await _part(request)
        if part is None:
            return PlainTextResponse(f"A part has at most {rules.PART} bytes.\n", 413, headers=_HEADERS)
        async with begin(system(tenant), command="upload") as job:
            said = await uploads.take_part(job, of, int(expires), signed, int(offset), part)
        if said is None:
            return _nothing()
        return JSONResponse({"receivedBytes": said.received, "sizeBytes": said.size}, said.status, headers=_HEADERS)

    return [
        Route("/files/{tenant}/uploads/{upload}", upload, methods=["PUT"]),
        Route("/files/{tenant}/{attachment}", download, methods=["GET"]),
    ]


async def _part(request: Request) -> bytes | None:
    """The body, or None when it is longer than a part may be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > rules.PART:
            return None
    return bytes(body)


def _file(row: Attachment, content: bytes) -> Response:
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}"}
    return Response(content, media_type=row.mime_type, headers={**_HEADERS, **named, "ETag": f'"{row.sha256}"'})


def _nothing() -> Response:
    return PlainTextResponse("There is no such file, or the link to it has expired.\n", 404, headers=_HEADERS)
