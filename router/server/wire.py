"""HTTP on the wire, against those who are slow on purpose: bounds that hold before there is a request at all.

    nothing, or a header now and then         header_seconds, then 408 and gone
    headers without end                       what the limits allow, then 431 and gone
    reads nothing of the answer               the kernel gives up after stalled_seconds
    more connections than allowed             503 and gone

A body that drips has its deadline in `http.py`, where it's read.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from router.server.config import RouterConfig
from router.server.config.overload import Overload
from router.server.refusals import Refused

_REASONS: Final = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}
_MEASURED_AT_MOST: Final = 16
_ROOM: Final = 4096
"""The first line besides its URL, and what separates the headers."""


class Guarded(HttpToolsProtocol):
    """One connection; `guarded` gives it its bounds."""

    overload = Overload()
    most_head_bytes = 0

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Begin; whoever connects and says nothing is not waited for, either."""
        super().connection_made(transport)
        if len(self.connections) > self.overload.connections:
            retry = {"retry-after": str(self.overload.retry_after_seconds)}
            self._refuse(Refused("REQUEST_CONCURRENCY_LIMITED", "There are too many connections.", headers=retry))
            return
        _give_up_after(transport.get_extra_info("socket"), self.overload.stalled_seconds)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as a request's head is allowed to be."""
        if self._in_head and self._timer is None:
            self._wait()
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.most_head_bytes:
                message = "The request's URL and headers are too large."
                self._refuse(Refused("REQUEST_HEADER_FIELDS_TOO_LARGE", message))

    def on_headers_complete(self) -> None:
        """Take the head as complete; what follows has other bounds."""
        self._stop_waiting()
        self._in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Expect another head; for how long, the server's own timer says until its first byte."""
        self._in_head = True
        super().on_response_complete()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.overload.header_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._refuse(Refused("REQUEST_TIMEOUT", "The request did not arrive in time."))

    def _refuse(self, refused: Refused) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.write(_response(refused))
            self.transport.close()


def guarded(config: RouterConfig) -> type[HttpToolsProtocol]:
    """Return the protocol with these settings; the server makes one for each connection."""
    limits = config.limits
    measures = limits.only_measures("header_bytes") or limits.only_measures("url_bytes")
    most = (limits.header_bytes + limits.url_bytes) * (_MEASURED_AT_MOST if measures else 1) + _ROOM
    return type("Guarded", (Guarded,), {"overload": config.overload, "most_head_bytes": most})


def _response(refused: Refused) -> bytes:
    body = orjson.dumps({"errors": refused.errors})
    status = refused.code.status
    headers = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}"]
    lines += [f"{name}: {value}" for name, value in {**headers, **refused.headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _give_up_after(connection: Any, seconds: float) -> None:
    """Let the kernel end a connection whose other side takes nothing, or is gone without a word."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
