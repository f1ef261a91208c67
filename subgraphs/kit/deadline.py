"""Ends work that nobody waits for any more: the router says with each request how long it does."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.deadline import DEADLINE_HEADER


class InTime:
    """Runs an application no longer than the request's deadline; its transaction is rolled back when it's over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 504 when the time is over and nothing was answered yet."""
        seconds = _seconds(scope)
        if seconds is None:
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(seconds) as limit:
                await self._app(scope, receive, noted)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            error = {"message": "The time is over.", "extensions": {"code": "UPSTREAM_TIMEOUT"}}
            await JSONResponse({"errors": [error]}, 504)(scope, receive, send)


def _seconds(scope: Scope) -> float | None:
    if scope["type"] != "http":
        return None
    said = Headers(scope=scope).get(DEADLINE_HEADER, "")
    # Nine digits are eleven days: whoever says more says nothing.
    return int(said) / 1000 if said.isascii() and said.isdecimal() and len(said) < 10 else None
