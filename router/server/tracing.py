"""Who belongs to which request: W3C trace context and a request id, taken from the client or made here."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import Headers

from router.executor.http1 import header_lines

_TRACEPARENT = re.compile(
    r"^(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})"
)
_DIGITS: Final = 32 + 32 + 16
"""Of a request, a trace and a span, in hexadecimal."""
_DRAWN_AT_ONCE: Final = 64
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")


_drawn: list[str] = []
"""Digits of requests to come: to ask the kernel for randomness costs as much for many of them as for one."""
# Nobody may go on with the digits that another process drew.
os.register_at_fork(after_in_child=_drawn.clear)


def _draw() -> str:
    """Return digits that nobody else has: they name, and are no secret."""
    try:
        return _drawn.pop()
    except IndexError:
        digits = os.urandom(_DRAWN_AT_ONCE * _DIGITS // 2).hex()
        _drawn.extend([digits[at : at + _DIGITS] for at in range(0, len(digits), _DIGITS)])
        return _drawn.pop()


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Trace:
    """The trace that a request belongs to, with our own span in it."""

    trace_id: str
    span_id: str
    flags: str
    state: str | None
    request_id: str

    @staticmethod
    def of(headers: Headers) -> Trace:
        """Continue the client's trace when it sent a valid one; begin one otherwise."""
        made = _draw()
        said, parent = headers.get("x-request-id"), headers.get("traceparent")
        request_id = said if said and _REQUEST_ID.match(said) else made[:32]
        given = _TRACEPARENT.match(parent) if parent else None
        if given is None:
            return Trace(made[32:64], made[64:], "00", None, request_id)
        return Trace(given["trace"], made[64:], given["flags"], headers.get("tracestate"), request_id)

    def stage(self, _name: str) -> AbstractContextManager[Any]:
        """Measure a part of the request; nothing is measured here (see `spans`)."""
        return nullcontext()

    def lines(self) -> bytes:
        """Return the same as `headers`, as lines; raises `Unavailable` when the client's part of it can't be sent."""
        if self.state:
            return header_lines(self.headers())
        # All of these are digits and letters, or were held against a pattern.
        own = f"traceparent: 00-{self.trace_id}-{self.span_id}-{self.flags}\r\nx-request-id: {self.request_id}\r\n"
        return own.encode()

    def headers(self) -> dict[str, str]:
        """Return what a subgraph is told."""
        told = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{self.flags}", "x-request-id": self.request_id}
        if self.state:
            told["tracestate"] = self.state
        return told
