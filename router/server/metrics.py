"""The router's figures: rate, errors and duration of requests and of fetches.

What happens at every request is counted here, under the names of OpenTelemetry's conventions: that costs half a microsecond,
the histogram of Prometheus' own client two, that of OpenTelemetry's SDK ten, and a small request has several of them. What is
rarer goes through the OpenTelemetry API.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from prometheus_client import CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from router.errors import CATALOGUE
from router.executor.fetch import FetchRecord
from router.later import later
from router.server.config.telemetry import MetricsExporters
from router.server.otlp import resource
from router.server.tally import Tally

if TYPE_CHECKING:
    from router.server import otlp_metrics
else:
    otlp_metrics = later("router.server.otlp_metrics")

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BESIDE: Final = "psa.beside"
"""Stands in the scope of a request that came to an address beside the main one (`side_doors.py`)."""

_COSTS = (0, 10, 100, 1000, 10_000, 100_000, 1_000_000)


class Metrics:
    """The figures of one router; several in one process keep theirs apart."""

    def __init__(self, settings: MetricsExporters | None = None) -> None:
        """Count for Prometheus, and for a collector where the settings name one; raises `Misconfigured`."""
        settings = settings or MetricsExporters()
        self._registry = CollectorRegistry()
        buckets = settings.common.buckets
        self._requests = Tally(
            "http.server.request.duration",
            "s",
            "How long requests took.",
            ("http.response.status_code", "graphql.operation.type"),
            buckets,
            self._registry,
        )
        self._fetches = Tally(
            "http.client.request.duration",
            "s",
            "How long fetches took.",
            ("subgraph.name", "outcome"),
            buckets,
            self._registry,
        )
        # OpenTelemetry's own histograms know no negative values, which are the usual ones here: an estimate is a bound.
        self._delta = Tally(
            "cost.delta",
            "1",
            "What operations did cost, less what they were to cost.",
            ("cost.result",),
            (*(-cost for cost in reversed(_COSTS[1:])), *_COSTS),
            self._registry,
        )
        readers: list[MetricReader] = [PrometheusMetricReader(registry=self._registry)]
        if settings.otlp.enabled:
            readers.append(otlp_metrics.reader(settings.otlp, (self._requests, self._fetches, self._delta)))
        self._provider = MeterProvider(readers, resource(settings.common), shutdown_on_exit=False)
        meter = self._provider.get_meter("psa.router")
        self.meter = meter
        """For what is counted elsewhere."""
        self._active = 0
        meter.create_observable_gauge(
            "http.server.active_requests",
            [lambda _options: [Observation(self._active)]],
            "{request}",
            "Requests at work now.",
        )
        self._shared = 0
        meter.create_observable_counter(
            "psa.router.shared_queries",
            [lambda _options: [Observation(self._shared)]],
            "{query}",
            "Queries of clients that were answered together with an equal one.",
        )
        self._subscriptions = meter.create_up_down_counter(
            "apollo.router.opened.subscriptions", "1", "Subscriptions that are open now."
        )
        self._errors = meter.create_counter("psa.router.graphql_error", "1", "GraphQL errors in answers, by code.")
        bounds = {"explicit_bucket_boundaries_advisory": _COSTS}
        self._estimated = meter.create_histogram("cost.estimated", "1", "What operations were to cost.", **bounds)
        self._actual = meter.create_histogram("cost.actual", "1", "What operations did cost.", **bounds)
        self._limits = meter.create_counter("psa.router.limits", "1", "Requests beyond a limit, refused or measured.")
        self._events = meter.create_counter(
            "psa.router.subgraph.events", "1", "Retries, shared queries and circuit breakers, by subgraph."
        )

    def shared(self) -> None:
        """Count a query that was answered with what an equal one brought."""
        self._shared += 1

    def subscriptions(self, change: int) -> None:
        """Count subscriptions in and out."""
        self._subscriptions.add(change)

    def subgraph_event(self, service: str, event: str) -> None:
        """Count what happened on the way to a subgraph: retried, shared, rejected, open, half_open, closed, crowded."""
        self._events.add(1, {"subgraph.name": service, "event": event})

    def cost(self, estimated: int, actual: int | None, result: str) -> None:
        """Count what an operation cost."""
        said = {"cost.result": result}
        self._estimated.record(estimated, said)
        if actual is not None:
            self._actual.record(actual, said)
            self._delta.observe((result,), actual - estimated)

    def began(self) -> None:
        """Count a request in."""
        self._active += 1

    def ended(self, seconds: float, status: int, operation_type: str) -> None:
        """Count a request out."""
        self._active -= 1
        self._requests.observe((str(status), operation_type), seconds)

    def errors(self, codes: Iterable[str]) -> None:
        """Count the errors of one answer; codes that a subgraph made up share one name, or figures would grow forever."""
        for code in codes:
            self._errors.add(1, {"code": code if code in CATALOGUE else "OTHER"})

    def limit(self, name: str, outcome: str) -> None:
        """Count a request beyond a limit."""
        self._limits.add(1, {"limit": name, "outcome": outcome})

    def fetched(self, record: FetchRecord) -> None:
        """Count a request to a subgraph."""
        self._fetches.observe((record.service, record.outcome), record.seconds)

    def flush(self) -> None:
        """Send everything now."""
        self._provider.force_flush()

    def close(self) -> None:
        """Send what waits, and stop; takes as long as the collector does."""
        self._provider.shutdown()

    def routes(self, path: str, *, only_beside: bool = False) -> list[Route]:
        """`/metrics`, and another path, in Prometheus' text format; only at an address of their own, where they have one."""

        async def show(request: Request) -> Response:
            if only_beside and BESIDE not in request.scope:
                return PlainTextResponse("Not Found", 404)
            return Response(generate_latest(self._registry), media_type=_CONTENT_TYPE)

        return [Route(name, show) for name in dict.fromkeys(("/metrics", path))]
