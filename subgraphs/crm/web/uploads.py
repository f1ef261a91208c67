"""The way in for files that come in parts: a link with a signature takes them, and needs no other proof."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.crm.rules import uploads as rules
from subgraphs.crm.service import csv_uploads
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed

_HEADERS = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one route."""

    async def upload(request: Request) -> Response:
        """Take a part of a file, and say how much of it there is: whoever was interrupted goes on from there."""
        tenant, of = (parsed(request.path_params[name]) for name in ("tenant", "upload"))
        expires, signed, offset = (request.query_params.get(name, "") for name in ("expires", "signature", "offset"))
        offset = offset or "0"
        if tenant is None or of is None or not all(one.isdecimal() and len(one) <= 12 for one in (expires, offset)):
            return _nothing()
        part = await _part(request)
        if part is None:
            return PlainTextResponse(f"A part has at most {rules.PART} bytes.\n", 413, headers=_HEADERS)
        begun = work.begin(engine, system(tenant), module="crm", command="upload", clock=clock, settings=settings)
        async with begun as job:
            said = await csv_uploads.take_part(
                job, of, expires=int(expires), signed=signed, offset=int(offset), part=part
            )
        if said is None:
            return _nothing()
        return JSONResponse({"receivedBytes": said.received, "sizeBytes": said.size}, said.status, headers=_HEADERS)

    return [Route("/crm/imports/{tenant}/{upload}", upload, methods=["PUT"])]


async def _part(request: Request) -> bytes | None:
    """The body, or None when it is longer than a part may be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > rules.PART:
            return None
    return bytes(body)


def _nothing() -> Response:
    return PlainTextResponse("There is no such upload, or the link to it has expired.\n", 404, headers=_HEADERS)
