"""Four figures per module (rate, errors, duration, saturation), by the OpenTelemetry API, read by Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets that OpenTelemetry's conventions recommend for HTTP; its default ones are meant for milliseconds."""


class Metrics:
    """The figures of one module; several modules in one process keep theirs apart."""

    def __init__(self, module: str) -> None:
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(registry=self._registry)
        provider = MeterProvider([reader], Resource({"service.name": f"psa-{module}"}))
        self._meter: Meter = provider.get_meter("psa")
        self._duration = self._meter.create_histogram(
            "psa.subgraph.duration", "s", "How long requests took.", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._errors = self._meter.create_counter("psa.subgraph.errors", "1", "Requests whose answer had errors.")
        self._busy = self._meter.create_up_down_counter("psa.subgraph.busy", "1", "Requests at work now.")

    @contextmanager
    def request(self) -> Iterator[None]:
        """Measure one request."""
        began = time.perf_counter()
        self._busy.add(1)
        try:
            yield
        except BaseException:
            self.failed()
            raise
        finally:
            self._busy.add(-1)
            self._duration.record(time.perf_counter() - began)

    def failed(self) -> None:
        """Count an answer with errors."""
        self._errors.add(1)

    def route(self) -> Route:
        """`/metrics`, in Prometheus' text format."""

        async def metrics(_request: Request) -> Response:
            return Response(generate_latest(self._registry), media_type=_CONTENT_TYPE)

        return Route("/metrics", metrics)
