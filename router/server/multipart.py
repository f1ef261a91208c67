"""Answers that come in parts (`multipart/mixed`): each is written when it is ready, and its end along with it.

A reader knows that a part has ended when it meets the delimiter behind it. So the delimiter is written with the part that it
ends and not with the one that it begins: nobody waits for the next part to be able to read this one. The last delimiter
has two hyphens more and ends the answer.

    ---                                     the boundary is `-`: a delimiter is two hyphens and that
    content-type: application/json

    {"data":{"a":1},"hasNext":true}
    ---                                     written together with the part above
    content-type: application/json

    {"incremental":[...],"hasNext":false}
    -----
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Part = Mapping[str, Any] | orjson.Fragment

_PART_HEAD: Final = b"\r\ncontent-type: application/json\r\n\r\n"
_ENDED: Final = float("inf")


class Parts(Protocol):
    """Where the parts come from, one after the other: an async generator, or what can be read and closed like one."""

    def __aiter__(self) -> AsyncIterator[Part]:
        """Read the parts."""

    def __anext__(self) -> Awaitable[Part]:
        """Read the next one."""

    def aclose(self) -> Awaitable[object]:
        """End what makes them."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A part that says nothing, sent whenever nothing else was for so long: proxies close what is silent."""

    seconds: float
    part: Part = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Framing:
    """The bytes around the parts."""

    boundary: str = "-"

    def opening(self) -> bytes:
        """What stands before the first part."""
        return f"\r\n--{self.boundary}".encode()

    def part(self, part: Part) -> bytes:
        """One part with the delimiter that ends it."""
        return _PART_HEAD + orjson.dumps(part) + self.opening()

    def closing(self) -> bytes:
        """What turns the last delimiter into the last of all."""
        return b"--\r\n"


class MultipartResponse(Response):
    """Writes the parts as they come; when the client leaves, what makes them is closed where it stands.

    `parameter` is that of the media type by which the client knows the protocol, such as `deferSpec=20220824`.
    """

    def __init__(
        self,
        parts: Parts,
        parameter: str,
        *,
        boundary: str = "-",
        heartbeat: Heartbeat | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._parts = parts
        self._framing = Framing(boundary)
        self._heartbeat = heartbeat
        self._writing = asyncio.Lock()
        self._written_at = 0.0
        self.status_code = 200
        self.background = None
        # Quoted only where it has to be: gql for Python knows `boundary=graphql` as just this text.
        quoted = boundary if boundary.isalnum() else f'"{boundary}"'
        content_type = f"multipart/mixed;boundary={quoted};{parameter}"
        # Not `Response.__init__`, which would say how long a body is that nobody knows yet.
        self.init_headers({"content-type": content_type, "cache-control": "no-store", **(headers or {})})
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write part after part until there are no more, or nobody reads them."""
        del scope
        async with aclosing(self._parts), asyncio.TaskGroup() as group:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            writing = group.create_task(self._write(send))
            others = {group.create_task(_left(receive))}
            if self._heartbeat is not None:
                group.create_task(self._beat(send, self._heartbeat, writing))
            await asyncio.wait({writing, *others}, return_when=asyncio.FIRST_COMPLETED)
            for task in (writing, *others):
                task.cancel()

    async def _write(self, send: Send) -> None:
        await self._body(send, self._framing.opening())
        async for part in self._parts:
            await self._body(send, self._framing.part(part))
        await self._body(send, self._framing.closing(), more=False)

    async def _beat(self, send: Send, heartbeat: Heartbeat, writing: asyncio.Task[None]) -> None:
        now = asyncio.get_running_loop().time
        while not writing.done():
            silent_for = now() - self._written_at
            if silent_for >= heartbeat.seconds:
                await self._body(send, self._framing.part(heartbeat.part))
                silent_for = 0.0
            await asyncio.wait({writing}, timeout=heartbeat.seconds - silent_for)

    async def _body(self, send: Send, body: bytes, *, more: bool = True) -> None:
        # One at a time: a heartbeat must not stand in the middle of a part, nor behind the last one.
        async with self._writing:
            if self._written_at == _ENDED:
                return
            await send({"type": "http.response.body", "body": body, "more_body": more})
            self._written_at = asyncio.get_running_loop().time() if more else _ENDED


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
