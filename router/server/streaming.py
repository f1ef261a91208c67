"""An HTTP answer that goes on: written piece by piece, until there is no more, nobody reads it, or nobody may.

Three things end it, and whichever comes first takes the others with it: the pieces come to their end, the client leaves,
or the client is so slow that what waits for it has overflowed, and then it gets a moment to take the last words.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from router.server.presence import Parting, Presence
from router.server.subscriptions import End, Subscription

if TYPE_CHECKING:
    from router.server.authentication import Caller

_LAST_WORDS_SECONDS: Final = 5.0
_PARTINGS: Final[Mapping[Parting, End]] = {
    Parting.EXPIRED: End.because("UNAUTHENTICATED", "The token has expired."),
    Parting.REVOKED: End.because("UNAUTHENTICATED", "The token was revoked."),
    Parting.STOPPING: End.because("SHUTTING_DOWN", "The router is being stopped; subscribe again."),
    Parting.RELOADED: End.because("SUBSCRIPTION_CONFIG_RELOAD", "The router got other settings; subscribe again."),
}

NOT_BUFFERED: Final[Mapping[str, str]] = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""Asks proxies to pass on each piece at once."""


class Pieces(Response):
    """Writes the pieces that a generator yields, and closes it whatever happens."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], content_type: str) -> None:
        self._pieces = pieces
        self.status_code = 200
        self.background = None
        # Not `Response.__init__`, which would say how long a body is that nobody knows yet.
        self.init_headers({"content-type": content_type, **NOT_BUFFERED})
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until there is no more, or nobody is there."""
        del scope
        async with asyncio.TaskGroup() as group:
            writing, leaving = group.create_task(self._write(send)), group.create_task(left(receive))
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            writing.cancel()
            leaving.cancel()

    async def _write(self, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def left(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Attended(Response):
    """Writes an answer for one subscription while its client may have it and takes it fast enough."""

    def __init__(self, inner: Response, subscription: Subscription, presence: Presence, caller: Caller | None) -> None:
        self._inner = inner
        self._subscription = subscription
        self._presence = presence
        self._caller = caller
        self.status_code = inner.status_code
        self.background = None
        self.raw_headers = inner.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write; the subscription is left at the end, whatever ends it."""
        try:
            with self._presence.of(self._caller, self._part):
                await self._attended(self._inner(scope, receive, send))
        finally:
            self._subscription.close()

    def _part(self, parting: Parting) -> None:
        self._subscription.end(_PARTINGS[parting], at_once=True)

    async def _attended(self, answer: Coroutine[Any, Any, None]) -> None:
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(answer)
            overflowing = group.create_task(self._subscription.overflowed.wait())
            await asyncio.wait({writing, overflowing}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                await asyncio.wait({writing}, timeout=_LAST_WORDS_SECONDS)
            writing.cancel()
            overflowing.cancel()
