"""Figures for an OpenTelemetry collector: every few seconds all of them are sent, those that OpenTelemetry counts and ours.

Exists only where `telemetry.exporters.metrics.otlp` is set; Prometheus fetches the same figures besides.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.metrics import Counter, ObservableCounter
from opentelemetry.sdk.metrics import Histogram as HistogramInstrument
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
    ScopeMetrics,
)

from router.server.config.telemetry import OtlpMetrics
from router.server.otlp import exporter
from router.server.tally import Taken, Tally


def reader(settings: OtlpMetrics, tallies: Sequence[Tally]) -> MetricReader:
    """Return what sends all figures again and again; raises `Misconfigured`."""
    delta = settings.temporality == "delta"
    kind = AggregationTemporality.DELTA if delta else AggregationTemporality.CUMULATIVE
    # What goes up and down is told as it stands, whatever is wanted of the rest.
    preferred: dict[type, AggregationTemporality] = dict.fromkeys(
        (Counter, ObservableCounter, HistogramInstrument), kind
    )
    inner = exporter(settings, "metrics", preferred_temporality=preferred)
    batch = settings.batch_processor
    return PeriodicExportingMetricReader(
        _WithTallies(inner, preferred, tallies, delta=delta),
        export_interval_millis=batch.scheduled_delay * 1000,
        export_timeout_millis=batch.max_export_timeout * 1000,
    )


class _WithTallies(MetricExporter):
    """Adds our own histograms to what is sent."""

    def __init__(
        self,
        inner: MetricExporter,
        preferred: dict[type, AggregationTemporality],
        tallies: Sequence[Tally],
        *,
        delta: bool,
    ) -> None:
        super().__init__(preferred_temporality=preferred)
        self._inner = inner
        self._tallies = [(tally, Taken() if delta else None) for tally in tallies]

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Send everything; there is one resource and one scope, since there is one meter."""
        until = time.time_ns()
        (first, *others) = metrics_data.resource_metrics
        (scope, *scopes) = first.scope_metrics
        own = [tally.metric(until, taken) for tally, taken in self._tallies]
        more = ScopeMetrics(scope.scope, [*scope.metrics, *own], scope.schema_url)
        data = MetricsData([replace(first, scope_metrics=[more, *scopes]), *others])
        return self._inner.export(data, timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Send what waits."""
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Stop."""
        self._inner.shutdown(timeout_millis, **kwargs)
