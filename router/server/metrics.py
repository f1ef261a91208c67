"""The router's figures: rate, errors and duration of requests and of fetches, by the OpenTelemetry API."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.errors import CATALOGUE
from router.executor.fetch import FetchRecord

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets that OpenTelemetry's conventions recommend for HTTP; its default ones are meant for milliseconds."""


_COSTS = (0, 10, 100, 1000, 10_000, 100_000, 1_000_000)


class Metrics:
    """The figures of one router; several in one process keep theirs apart."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(registry=self._registry)
        meter = MeterProvider([reader], Resource({"service.name": "psa-router"})).get_meter("psa.router")
        self._requests = meter.create_histogram(
            "http.server.request.duration", "s", "How long requests took.", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._active = meter.create_up_down_counter("http.server.active_requests", "1", "Requests at work now.")
        self._errors = meter.create_counter("psa.router.graphql_error", "1", "GraphQL errors in answers, by code.")
        buckets = {"explicit_bucket_boundaries_advisory": _COSTS}
        self._estimated = meter.create_histogram("cost.estimated", "1", "What operations were to cost.", **buckets)
        self._actual = meter.create_histogram("cost.actual", "1", "What operations did cost.", **buckets)
        self._delta = meter.create_histogram("cost.delta", "1", "How far the estimates were off.", **buckets)
        self._limits = meter.create_counter("psa.router.limits", "1", "Requests beyond a limit, refused or measured.")
        self._events = meter.create_counter(
            "psa.router.subgraph.events", "1", "Retries, shared queries and circuit breakers, by subgraph."
        )
        self._fetches = meter.create_histogram(
            "http.client.request.duration", "s", "How long fetches took.", explicit_bucket_boundaries_advisory=_SECONDS
        )

    def subgraph_event(self, service: str, event: str) -> None:
        """Count what happened on the way to a subgraph: retried, shared, rejected, open, half_open, closed, crowded."""
        self._events.add(1, {"subgraph.name": service, "event": event})

    def cost(self, estimated: int, actual: int | None, result: str) -> None:
        """Count what an operation cost."""
        said = {"cost.result": result}
        self._estimated.record(estimated, said)
        if actual is not None:
            self._actual.record(actual, said)
            self._delta.record(actual - estimated, said)

    def began(self) -> None:
        """Count a request in."""
        self._active.add(1)

    def ended(self, seconds: float, status: int, operation_type: str) -> None:
        """Count a request out."""
        self._active.add(-1)
        self._requests.record(seconds, {"http.response.status_code": status, "graphql.operation.type": operation_type})

    def errors(self, codes: Iterable[str]) -> None:
        """Count the errors of one answer; codes that a subgraph made up share one name, or figures would grow forever."""
        for code in codes:
            self._errors.add(1, {"code": code if code in CATALOGUE else "OTHER"})

    def limit(self, name: str, outcome: str) -> None:
        """Count a request beyond a limit."""
        self._limits.add(1, {"limit": name, "outcome": outcome})

    def fetched(self, record: FetchRecord) -> None:
        """Count a request to a subgraph."""
        self._fetches.record(record.seconds, {"subgraph.name": record.service, "outcome": record.outcome})

    def route(self) -> Route:
        """`/metrics` in Prometheus' text format."""

        async def show(_request: Request) -> Response:
            return Response(generate_latest(self._registry), media_type=_CONTENT_TYPE)

        return Route("/metrics", show)
