"""What only the router may ask: what was taken back, and whom an API key stands for.

Both lie behind the internal token of the platform itself, which no client can have.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.rules import api_keys as rules
from subgraphs.auth.service import api_keys
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings

_SINCE = text("SELECT kind, subject, at, expires_at FROM revoked_since(:since, :now)")
_LONGEST_BODY = 1_000


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> list[BaseRoute]:
    """The routes, below `/internal`."""
    desk = _Desk(settings, engine, clock)
    return [
        Route("/revocations", desk.revocations, methods=["GET"]),
        Route("/api-keys", desk.api_key, methods=["POST"]),
    ]


class _Desk:
    """Answers the router."""

    def __init__(self, settings: Settings, engine: AsyncEngine, clock: Clock) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock

    async def revocations(self, request: Request) -> Response:
        """Everything that was taken back since a moment (Unix time), in all tenants, as far as a token may still claim it."""
        try:
            since = datetime.fromtimestamp(float(request.query_params.get("since", "0")), UTC)
        except (ValueError, OverflowError, OSError):
            return JSONResponse({"error": "since is no moment"}, status_code=400)
        async with work.begin(self._engine, system(PLATFORM), module="auth", clock=self._clock) as job:
            rows = (await job.session.execute(_SINCE, {"since": since, "now": self._clock()})).all()
        told = [
            {
                "kind": row.kind,
                "subject": row.subject,
                "at": row.at.timestamp(),
                "expiresAt": row.expires_at.timestamp(),
            }
            for row in rows
        ]
        return JSONResponse({"now": self._clock().timestamp(), "revoked": told})

    async def api_key(self, request: Request) -> Response:
        """Whom a key stands for; 404 for one that opens nothing, whatever the reason."""
        body = await request.body()
        key = _key_in(body) if len(body) <= _LONGEST_BODY else None
        tenant = rules.tenant_of(key) if key else None
        if key is None or tenant is None:
            return _nothing()
        async with work.begin(
            self._engine,
            system(tenant),
            module="auth",
            command="exchangeApiKey",
            clock=self._clock,
            settings=self._settings,
        ) as job:
            found = await api_keys.exchanged(job, key)
        return JSONResponse(dict(found)) if found else _nothing()


def _key_in(body: bytes) -> str | None:
    try:
        key = json.loads(body)["key"]
    except (ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) else None


def _nothing() -> Response:
    return JSONResponse({"error": "this opens nothing"}, status_code=404)
