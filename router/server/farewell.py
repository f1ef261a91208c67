"""Uvicorn, except that whoever is connected for longer than a request is told that the router stops before it does."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import uvicorn


class Farewell(uvicorn.Server):
    """Uvicorn waits until all answers are finished; those that go on have to be asked to come to their end."""

    def __init__(self, config: uvicorn.Config, dismiss: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._dismiss = dismiss

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let everybody take their leave, then close what is left."""
        await self._dismiss()
        await super().shutdown(sockets)
