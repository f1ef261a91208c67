"""Histograms that are counted at every request, and the two ways in which they are looked at: Prometheus' and OpenTelemetry's.

Counting takes half a microsecond, since it takes no lock and adding up waits until somebody looks: they belong to the event
loop's thread. Whoever looks from another one copies the lines first.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from opentelemetry.sdk.metrics.export import AggregationTemporality, Histogram, HistogramDataPoint, Metric
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

_PROMETHEUS_UNIT = {"s": "_seconds"}


class _Line:
    """What was counted for one combination of attributes: how many fell into each bucket, and their sum."""

    __slots__ = ("buckets", "sum")

    def __init__(self, buckets: int) -> None:
        self.buckets = [0] * buckets
        self.sum = 0.0


class Tally(Collector):
    """A histogram under OpenTelemetry's name; Prometheus sees it under the one that follows from that."""

    def __init__(
        self,
        name: str,
        unit: str,
        description: str,
        attributes: tuple[str, ...],
        bounds: tuple[float, ...],
        registry: CollectorRegistry,
    ) -> None:
        self._name = name
        self._unit = unit
        self._description = description
        self._attributes = attributes
        self._bounds = bounds
        self._began = time.time_ns()
        self._lines: defaultdict[tuple[str, ...], _Line] = defaultdict(lambda: _Line(len(bounds) + 1))
        registry.register(self)

    def observe(self, labels: tuple[str, ...], value: float) -> None:
        """Count one."""
        line = self._lines[labels]
        line.buckets[bisect_left(self._bounds, value)] += 1
        line.sum += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Add up, as Prometheus has it: a bucket holds what is in the smaller ones, too."""
        name = self._name.replace(".", "_") + _PROMETHEUS_UNIT.get(self._unit, "")
        labels = [attribute.replace(".", "_") for attribute in self._attributes]
        family = HistogramMetricFamily(name, self._description, labels=labels)
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        for values, line in list(self._lines.items()):
            family.add_metric(values, list(zip(bounds, map(float, accumulate(line.buckets)), strict=True)), line.sum)
            if self._bounds[0] < 0:  # the client leaves both out then, since such a sum may fall
                said = dict(zip(labels, values, strict=True))
                family.add_sample(f"{name}_count", said, sum(line.buckets))
                family.add_sample(f"{name}_sum", said, line.sum)
        yield family

    def metric(self, until: int, before: Taken | None = None) -> Metric:
        """Return it as OpenTelemetry has it: all that was counted, or with `before` what came since the last time."""
        since = before.at if before and before.at else self._began
        points = [
            self._point(values, list(line.buckets), line.sum, since, until, before)
            for values, line in list(self._lines.items())
        ]
        if before is not None:
            before.at = until
        kind = AggregationTemporality.CUMULATIVE if before is None else AggregationTemporality.DELTA
        return Metric(self._name, self._description, self._unit, Histogram(points, kind))

    def _point(
        self, values: tuple[str, ...], buckets: list[int], total: float, since: int, until: int, before: Taken | None
    ) -> HistogramDataPoint:
        if before is not None:
            told, told_sum = before.lines.get(values, ([0] * len(buckets), 0.0))
            before.lines[values] = buckets, total
            buckets = [now - then for now, then in zip(buckets, told, strict=True)]
            total -= told_sum
        return HistogramDataPoint(
            attributes=dict(zip(self._attributes, values, strict=True)),
            start_time_unix_nano=since,
            time_unix_nano=until,
            count=sum(buckets),
            sum=total,
            bucket_counts=buckets,
            explicit_bounds=self._bounds,
            min=None,  # type: ignore[arg-type] # optional in the protocol, and nobody has counted it
            max=None,  # type: ignore[arg-type]
        )


class Taken:
    """What of a histogram was told already, for those who want to hear of what came since."""

    __slots__ = ("at", "lines")

    def __init__(self) -> None:
        self.at = 0
        self.lines: dict[tuple[str, ...], tuple[list[int], float]] = {}
