"""Whether the process lives, and whether it can do its work: two different questions with two different answers.

Live means: do not restart me. Ready means: send me requests, because the database answers.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_DATABASE_SECONDS = 2.0


def routes(engine: AsyncEngine) -> list[Route]:
    """`/health/live` and `/health/ready`."""

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "UP"})

    async def ready(_request: Request) -> JSONResponse:
        if await _answers(engine):
            return JSONResponse({"status": "UP"})
        return JSONResponse({"status": "DOWN", "reason": "the database does not answer"}, status_code=503)

    return [Route("/health/live", live), Route("/health/ready", ready)]


async def _answers(engine: AsyncEngine) -> bool:
    try:
        async with asyncio.timeout(_DATABASE_SECONDS), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return False
    return True
