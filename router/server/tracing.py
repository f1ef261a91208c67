"""Who belongs to which request: W3C trace context and a request id, taken from the client or made here."""

from __future__ import annotations

import re
import secrets
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers

_TRACEPARENT = re.compile(
    r"^(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})"
)
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")


@dataclass(frozen=True, slots=True)
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
        request_id = headers.get("x-request-id", "")
        if not _REQUEST_ID.match(request_id):
            request_id = secrets.token_hex(16)
        given = _TRACEPARENT.match(headers.get("traceparent", ""))
        if given is None:
            return Trace(secrets.token_hex(16), secrets.token_hex(8), "00", None, request_id)
        return Trace(given["trace"], secrets.token_hex(8), given["flags"], headers.get("tracestate"), request_id)

    def stage(self, _name: str) -> AbstractContextManager[Any]:
        """Measure a part of the request; nothing is measured here (see `spans`)."""
        return nullcontext()

    def headers(self) -> dict[str, str]:
        """Return what a subgraph is told."""
        told = {"traceparent": f"00-{self.trace_id}-{self.span_id}-{self.flags}", "x-request-id": self.request_id}
        if self.state:
            told["tracestate"] = self.state
        return told
