"""The router's figures: rate, errors and duration of requests and of fetches.

What happens at every request is counted here, under the names of OpenTelemetry's conventions: that costs half a microsecond,
the histogram of Prometheus' own client two, that of OpenTelemetry's SDK ten, and a small request has several of them. What is
rarer goes through the OpenTelemetry API.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from router.errors import CATALOGUE
from router.executor.fetch import FetchRecord

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets that OpenTelemetry's conventions recommend for HTTP; its default ones are meant for milliseconds."""


_COSTS = (0, 10, 100, 1000, 10_000, 100_000, 1_000_000)


class _Line:
    """What was counted for one combination of labels: how many fell into each bucket, and their sum."""

    __slots__ = ("buckets", "sum")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_SECONDS) + 1)
        self.sum = 0.0


class _Durations(Collector):
    """A histogram for the event loop's thread alone: counting takes no lock, and adding up waits until somebody looks."""

    def __init__(self, name: str, description: str, labels: tuple[str, ...], registry: CollectorRegistry) -> None:
        self._name = name
        self._description = description
        self._labels = labels
        self._lines: defaultdict[tuple[str, ...], _Line] = defaultdict(_Line)
        registry.register(self)

    def observe(self, labels: tuple[str, ...], seconds: float) -> None:
        """Count one."""
        line = self._lines[labels]
        line.buckets[bisect_left(_SECONDS, seconds)] += 1
        line.sum += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Add up, as Prometheus has it: a bucket holds what is in the smaller ones, too."""
        family = HistogramMetricFamily(self._name, self._description, labels=self._labels)
        for labels, line in self._lines.items():
            bounds = [*map(floatToGoString, _SECONDS), "+Inf"]
            family.add_metric(labels, list(zip(bounds, map(float, accumulate(line.buckets)), strict=True)), line.sum)
        yield family


class Metrics:
    """The figures of one router; several in one process keep theirs apart."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(registry=self._registry)
        meter = MeterProvider([reader], Resource({"service.name": "psa-router"})).get_meter("psa.router")
        self.meter = meter
        """For what is counted elsewhere."""
        self._requests = _Durations(
            "http_server_request_duration_seconds",
            "How long requests took.",
            ("http_response_status_code", "graphql_operation_type"),
            self._registry,
        )
        self._fetches = _Durations(
            "http_client_request_duration_seconds",
            "How long fetches took.",
            ("subgraph_name", "outcome"),
            self._registry,
        )
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
        buckets = {"explicit_bucket_boundaries_advisory": _COSTS}
        self._estimated = meter.create_histogram("cost.estimated", "1", "What operations were to cost.", **buckets)
        self._actual = meter.create_histogram("cost.actual", "1", "What operations did cost.", **buckets)
        # OpenTelemetry's histograms know no negative values, which are the usual ones here: an estimate is a bound.
        self._delta = Histogram(
            "cost_delta",
            "What operations did cost, less what they were to cost.",
            ("cost_result",),
            buckets=(*(-cost for cost in reversed(_COSTS[1:])), *_COSTS),
            registry=self._registry,
        )
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
            self._delta.labels(result).observe(actual - estimated)

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

    def routes(self, path: str) -> list[Route]:
        """`/metrics`, and another path, in Prometheus' text format."""

        async def show(_request: Request) -> Response:
            return Response(generate_latest(self._registry), media_type=_CONTENT_TYPE)

        return [Route(name, show) for name in dict.fromkeys(("/metrics", path))]
