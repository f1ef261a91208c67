"""One line per request, and the request's id on every answer. Never a token, a document or a variable's value."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from router.executor.fetch import FetchRecord
from router.server import ecs
from router.server.client_address import Network, client_address
from router.server.client_name import client_name
from router.server.config.telemetry import ResponseTraceId
from router.server.head import head_of
from router.server.metrics import Metrics
from router.server.request_line import LONGEST_NAME, request_line
from router.server.tracing import Trace

log = structlog.get_logger(__name__)

CLIENT_GONE: Final = 499
"""What proxies write when nobody waits for the answer any more."""
_QUIET: Final = ("/health", "/readiness", "/metrics", "/explorer/")


@dataclass(slots=True)
class Facts:
    """What is learned about a request on its way."""

    trace: Trace
    operation_name: str | None = None
    operation_type: str = "none"
    operation_hash: str | None = None
    tenant: str | None = None
    caller: str | None = None
    error_codes: list[str] = field(default_factory=list)
    fetches: list[FetchRecord] = field(default_factory=list)
    shared: bool = False
    """Whether the answer is that of an equal query that was at work."""
    address: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """What the answer's headers say besides, whatever the answer is."""
    returned: list[Callable[[], Iterable[tuple[str, str]]]] = field(default_factory=list)
    """Give what the subgraphs of each operation say in headers of theirs, when the answer begins."""


Begin = Callable[[Headers], Trace]
End = Callable[[str, str, Facts, int], None]
"""Told of method, path, what was learned, and status when a request is over."""


def facts_of(scope: Scope) -> Facts:
    """Return the facts of the request that is at work."""
    facts: Facts = scope["psa.facts"]
    return facts


def internal_error(trace: Trace) -> Response:
    """Answer what nobody foresaw; the trace id leads to the log."""
    extensions = {"code": "INTERNAL", "traceId": trace.trace_id}
    return JSONResponse({"errors": [{"message": "An internal error happened.", "extensions": extensions}]}, 500)


class Observer:
    """Sees requests begin and end, on whichever way they go: figures, one line, and whoever else wants to know."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        access_log: bool,
        trusted_proxies: Sequence[Network] = (),
        begin: Begin = Trace.of,
        end: End | None = None,
        shown_id: ResponseTraceId | None = None,
    ) -> None:
        self._metrics = metrics
        self._access_log = access_log
        self.trusted = trusted_proxies
        self._begin = begin
        self._end = end
        self._shown_id = shown_id if shown_id and shown_id.enabled else None

    def began(self, scope: Scope, address: str | None = None) -> Facts:
        """Count a request in, from an address if that is known; what is learned about it goes into what is returned."""
        facts = Facts(self._begin(head_of(scope)), address=address or client_address(scope, self.trusted) or "")
        if self._shown_id is not None:
            facts.headers |= self._shown_id.headers(facts.trace.trace_id)
        self._metrics.began()
        return facts

    def ended(self, scope: Scope, facts: Facts, status: int, seconds: float) -> None:
        """Count it out, and write its line."""
        self._metrics.ended(seconds, status, facts.operation_type)
        if facts.error_codes:
            self._metrics.errors(facts.error_codes)
        if self._end is not None:
            self._end(scope["method"], scope["path"], facts, status)
        if self._access_log and not scope["path"].startswith(_QUIET):
            sink, name = ecs.sink(), _short(client_name(head_of(scope)))
            if sink is None:
                log.info("request", **_line(scope, facts, status, seconds))
            else:
                sink.soon(request_line(scope["method"], scope["path"], name, facts, status, seconds))


class Observed:
    """Wraps the whole application: ids in, figures and one line out."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Observe one request; lifespan messages pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        facts = self._observer.began(scope)
        scope["psa.facts"] = facts
        status = CLIENT_GONE

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                stamp(MutableHeaders(scope=message), facts)
            await send(message)

        try:
            await self._app(scope, receive, stamped)
        except Exception:
            log.exception("request.failed", **{"trace.id": facts.trace.trace_id})
            if status != CLIENT_GONE:
                raise
            facts.error_codes.append("INTERNAL")
            await internal_error(facts.trace)(scope, receive, stamped)
        finally:
            self._observer.ended(scope, facts, status, time.perf_counter() - started)


def stamp(headers: MutableHeaders, facts: Facts) -> None:
    """Write what was said by others first, so that nobody speaks over us."""
    several = set[str]()
    for name, value in chain.from_iterable(lines() for lines in facts.returned):
        if name in several or name == "set-cookie":
            headers.append(name, value)
        else:
            headers[name] = value
        several.add(name)
    for name, value in facts.headers.items():
        headers[name] = value
    headers["x-request-id"] = facts.trace.request_id


def _line(scope: Scope, facts: Facts, status: int, seconds: float) -> dict[str, Any]:
    return operation_line(
        scope, facts, seconds, {"http.request.method": scope["method"], "http.response.status_code": status}
    )


def operation_line(
    scope: Scope, facts: Facts, seconds: float, wire: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Tell of one operation, whatever wire carried it."""
    headers = head_of(scope)
    line = {
        **wire,
        "url.path": scope["path"],
        "event.duration": int(seconds * 1e9),
        "http.request.id": facts.trace.request_id,
        "trace.id": facts.trace.trace_id,
        "client.address": facts.address,
        "client.name": _short(client_name(headers)),
        "graphql.operation.name": _short(facts.operation_name),
        "graphql.operation.type": facts.operation_type,
        "graphql.operation.hash": facts.operation_hash,
        "graphql.operation.shared": facts.shared or None,
        "tenant": facts.tenant,
        "caller": facts.caller,
        "errors": sorted(set(facts.error_codes)) if facts.error_codes else None,
        "subgraphs": [_fetch(record) for record in facts.fetches] or None,
    }
    return {name: value for name, value in line.items() if value is not None}


def _fetch(record: FetchRecord) -> dict[str, Any]:
    return {"name": record.service, "ms": round(record.seconds * 1000, 1), "outcome": record.outcome}


def _short(name: str | None) -> str | None:
    return name[:LONGEST_NAME] if name else None
