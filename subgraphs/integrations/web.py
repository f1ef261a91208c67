"""The way in for other systems: `/webhooks/in/<endpoint>`, behind the router's door, and no GraphQL."""

from __future__ import annotations

import functools
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.integrations.rules import inbound as rules
from subgraphs.integrations.rules.inbound import InboundAuth, NotProven
from subgraphs.integrations.service import inbound
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.ids import parsed

_NOBODY = UUID(int=0)
"""In whose name an endpoint is looked up before anybody knows whose it is: no tenant."""

log = structlog.get_logger(__name__)


class _TooLarge(Exception):
    """More came than anybody may send."""


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> list[BaseRoute]:
    """The one route."""
    begin = functools.partial(
        work.begin, engine, module="integrations", command="receive", clock=clock, settings=settings
    )

    async def receive(request: Request) -> Response:
        try:
            return await _received(request, begin)
        except _TooLarge:
            return _said(413, "TOO_LARGE", "This is larger than the endpoint takes.")
        except ClientDisconnect:
            return Response(status_code=400)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            # A sender tries again after 5xx, and only then: nothing of its message was kept.
            log.warning("webhook.not_kept", reason=type(error).__name__)
            return _said(503, "UNAVAILABLE", "Not now; please send it again.", {"retry-after": "30"})

    return [Route("/webhooks/in/{endpoint}", receive, methods=["POST", "PUT"])]


async def _received(request: Request, begin: functools.partial) -> Response:  # type: ignore[type-arg]
    endpoint = parsed(request.path_params["endpoint"])
    if endpoint is None:
        return _nothing()
    body = await _body(request, inbound.MOST_BYTES)
    headers = dict(request.headers)
    async with begin(system(_NOBODY)) as job:
        tenant = await inbound.tenant_of(job, endpoint)
    if tenant is None:
        return _nothing()
    async with begin(system(tenant, correlation=headers.get("x-request-id"))) as job:
        found = await inbound.lock(job, endpoint)
        if found is None:
            return _nothing()
        row, lock = found
        if len(body) > row.max_bytes:
            raise _TooLarge
        try:
            rules.check(lock, headers, body, job.at)
        except NotProven as reason:
            log.info("webhook.not_proven", endpoint=str(row.id), reason=str(reason))
            basic = {"www-authenticate": 'Basic realm="webhooks"'} if row.auth is InboundAuth.BASIC else None
            return _said(401, "UNAUTHENTICATED", "This endpoint does not know you.", basic)
        kept = await inbound.receive(job, row, headers, body)
    status = "accepted" if kept.is_new else "duplicate"
    return JSONResponse({"id": str(kept.id), "status": status}, 202 if kept.is_new else 200)


async def _body(request: Request, most: int) -> bytes:
    collected = bytearray()
    async for piece in request.stream():
        collected += piece
        if len(collected) > most:
            raise _TooLarge
    return bytes(collected)


def _nothing() -> Response:
    return _said(404, "NOT_FOUND", "There is no such endpoint.")


def _said(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status, {"cache-control": "no-store", **(headers or {})})
