"""Who belongs to which request: W3C trace context and a request id, taken from the client or made here."""

from __future__ import annotations

import random
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import Headers

from router.executor.http1 import header_lines

_TRACEPARENT = re.compile(
    r"^(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})"
)
_ID_BITS: Final = 128 + 128 + 64
"""Of a request, a trace and a span."""
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")


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
        # Names and no secrets: nobody is let in for knowing one.
        made = f"{random.getrandbits(_ID_BITS):0{_ID_BITS // 4}x}"
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
        return header_lines(self.headers())

    def headers(self) -> dict[str, str]:
        """Return what a subgraph is told."""
        told = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{self.flags}", "x-request-id": self.request_id}
        if self.state:
            told["tracestate"] = self.state
        return told
