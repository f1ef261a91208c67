"""Sends what is written in one go in one piece: an answer's head and body take one system call, and wake their reader once.

Uvicorn writes the head of an answer and its body one after the other, and uvloop hands each to the kernel at once. That takes
longer than to put them together, and the router is woken twice: by the head, with which it can't do anything yet.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Joined:
    """A connection that holds a piece until the next one is written, the loop comes around, or it is closed."""

    def __init__(self, transport: Any, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it together with what is held; never hold two, so that whoever writes much hears when it is too much."""
        if self._held is None:
            self._held = data
            self._loop.call_soon(self._send)
        else:
            held, self._held = self._held, None
            self._transport.writelines((held, data))

    def close(self) -> None:
        """Send what is held, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._transport.write(held)


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with its answers in one piece."""

    def connection_made(self, transport: Any) -> None:
        """Talk to a connection that joins what is written."""
        super().connection_made(Joined(transport, self.loop))  # type: ignore[arg-type]
