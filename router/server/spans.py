"""Traces for OpenTelemetry: a span for each request, for what had to be prepared, and for each fetch.

    request ─┬─ query_parsing, query_validation, query_planning     only where the operation was not ready yet
             ├─ subgraph <name>                                     carries its own `traceparent` on to the service
             └─ subscription_event ── subgraph <name>               one for each event, whoever shares it

Each operation over a WebSocket is a request of its own; one that streams lasts as long as its stream.

Exists only where an exporter is set: requests are then begun by `Spans`, and the transport is wrapped. Where none is,
neither is in the way. Names of operations are attributes and never in the names of spans, of which there are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers

from router.executor.transport import SubgraphRequest, SubgraphResponse, Transport, TransportFailure
from router.server import otlp
from router.server.access_log import Facts
from router.server.config.telemetry import Otlp, Tracing, TracingCommon
from router.server.tracing import Trace

_PROPAGATOR: Final = TraceContextTextMapPropagator()


@dataclass(slots=True)
class SpannedTrace(Trace):
    """The trace of a request whose span is being measured."""

    span: Span
    tracer: otel.Tracer

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Measure a part of the request, in whatever thread it happens."""
        return self.tracer.start_as_current_span(name, otel.set_span_in_context(self.span))


class Spans:
    """Begins and ends the spans of requests."""

    def __init__(self, settings: TracingCommon, exporter: SpanExporter, batch: dict[str, Any]) -> None:
        self._provider = TracerProvider(
            sampler=_sampler(settings), resource=otlp.resource(settings), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, **batch))
        self._tracer = self._provider.get_tracer("psa.router")

    @staticmethod
    def of(settings: Tracing) -> Spans:
        """Make it as the settings say; raises `Misconfigured`."""
        return Spans(settings.common, otlp.exporter(settings.otlp, "traces"), _batch(settings.otlp))

    @property
    def watching(self) -> dict[str, Any]:
        """What `Observed` needs for it."""
        return {"begin": self.begin, "end": self.end}

    def begin(self, headers: Headers) -> Trace:
        """Begin a request's span, in the client's trace if it sent one."""
        known = Trace.of(headers)
        context = _PROPAGATOR.extract(dict(headers))
        span = self._tracer.start_span("request", context, SpanKind.SERVER)
        ours = span.get_span_context()
        ids = (f"{ours.trace_id:032x}", f"{ours.span_id:016x}", f"{ours.trace_flags:02x}")
        return SpannedTrace(*ids, known.state, known.request_id, span, self._tracer)

    def end(self, method: str, path: str, facts: Facts, status: int) -> None:
        """End it; neither a document nor a value of a variable is ever told."""
        if not isinstance(facts.trace, SpannedTrace):
            return
        span = facts.trace.span
        told: dict[str, Any] = {
            "http.request.method": method,
            "url.path": path,
            "http.response.status_code": status,
            "graphql.operation.name": facts.operation_name,
            "graphql.operation.type": facts.operation_type,
            "graphql.operation.hash": facts.operation_hash,
            "tenant": facts.tenant,
            "graphql.errors": tuple(sorted(set(facts.error_codes))) or None,
        }
        span.set_attributes({name: value for name, value in told.items() if value is not None})
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def traced(self, transport: Transport) -> Transport:
        """Wrap what carries fetches."""
        return _Traced(transport, self._tracer)

    def close(self) -> None:
        """Send what waits, and stop; takes as long as the collector does."""
        self._provider.shutdown()


class _Traced:
    """Measures each fetch, and tells the service that it belongs to this span."""

    def __init__(self, inner: Transport, tracer: otel.Tracer) -> None:
        self._inner = inner
        self._tracer = tracer

    async def send(self, request: SubgraphRequest, deadline: float) -> SubgraphResponse:
        """Send one request."""
        context = _above(request.headers)
        attributes = {"subgraph.name": request.service, "url.full": request.url}
        with self._tracer.start_as_current_span(
            f"subgraph {request.service}", context, SpanKind.CLIENT, attributes, record_exception=False
        ) as span:
            headers = {**request.headers, **_carried(span)}
            try:
                response = await self._inner.send(replace(request, headers=headers), deadline)
            except TransportFailure as failure:
                span.set_attribute("error.type", failure.code)
                raise
            if response.errors:
                span.set_attribute("graphql.errors.count", len(response.errors))
            return response


def _above(headers: Mapping[str, str]) -> Context | None:
    """Hang a fetch under what is being measured around it, an event for example; else under its request."""
    context = _PROPAGATOR.extract(dict(headers))
    around, request = (otel.get_current_span(of).get_span_context() for of in (None, context))
    return None if around.is_valid and around.trace_id == request.trace_id else context


def _carried(span: Span) -> dict[str, str]:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, otel.set_span_in_context(span))
    return carrier


def _sampler(settings: TracingCommon) -> Sampler:
    root: Sampler
    match settings.sampler:
        case "always_on":
            root = ALWAYS_ON
        case "always_off":
            root = ALWAYS_OFF
        case share:
            root = TraceIdRatioBased(share)
    return ParentBased(root) if settings.parent_based_sampler else root


def _batch(settings: Otlp) -> dict[str, Any]:
    batch = settings.batch_processor
    size = min(batch.max_export_batch_size, batch.max_queue_size)
    return {
        "max_queue_size": batch.max_queue_size,
        "schedule_delay_millis": batch.scheduled_delay * 1000,
        "max_export_batch_size": size,
        "export_timeout_millis": batch.max_export_timeout * 1000,
    }
