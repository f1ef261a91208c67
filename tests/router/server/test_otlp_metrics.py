"""Figures reach a collector: ours and OpenTelemetry's, as sums since the start or since the last time."""

from __future__ import annotations

from typing import Any

import pytest
from collector import collecting, collecting_by_grpc

from router.server.config.telemetry import MetricsCommon, MetricsExporters, OtlpMetrics
from router.server.metrics import Metrics


def settings(url: str, **otlp: Any) -> MetricsExporters:
    common = {"service_name": "edge", "service_namespace": "shop", "resource": {"zone": "b"}, "buckets": [0.1, 1]}
    given = {"enabled": True, "endpoint": url, "batch_processor": {"scheduled_delay": "1h"}, **otlp}
    return MetricsExporters(common=MetricsCommon.model_validate(common), otlp=OtlpMetrics.model_validate(given))


def counted(metrics: Metrics) -> None:
    metrics.began()
    metrics.ended(0.05, 200, "query")
    metrics.began()
    metrics.ended(0.5, 200, "query")
    metrics.began()
    metrics.errors(["GRAPHQL_VALIDATION_FAILED"])
    metrics.cost(10, 4, "COST_OK")


def attributes(point: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in point.attributes}


def told(figure: Any) -> Any:
    (point,) = figure.histogram.data_points
    return list(point.explicit_bounds), list(point.bucket_counts), point.count, point.sum, attributes(point)


@pytest.mark.parametrize("way", ["http", "grpc"])
def test_all_figures_are_told_with_who_says_so(way: str) -> None:
    with collecting() if way == "http" else collecting_by_grpc() as collector:
        metrics = Metrics(
            settings(collector.url, protocol=way, **{way: {"headers" if way == "http" else "metadata": {"k": "v"}}})
        )
        counted(metrics)
        metrics.close()

    durations = told(collector.figure("http.server.request.duration"))
    assert durations == (
        [0.1, 1],
        [1, 1, 0],
        2,
        0.55,
        {"http.response.status_code": "200", "graphql.operation.type": "query"},
    )
    assert told(collector.figure("cost.delta"))[2:] == (1, -6, {"cost.result": "COST_OK"})
    (errors,) = collector.figure("psa.router.graphql_error").sum.data_points
    assert (errors.as_int, attributes(errors)) == (1, {"code": "GRAPHQL_VALIDATION_FAILED"})
    assert collector.figure("http.server.active_requests").gauge.data_points[0].as_int == 1
    (resource,) = {str(one.resource) for export in collector.exports for one in export.resource_metrics}
    assert all(f'"{said}"' in resource for said in ("edge", "shop", "b"))
    assert collector.headers[0]["k"] == "v"


@pytest.mark.parametrize(("temporality", "second"), [("cumulative", [2, 2, 0]), ("delta", [1, 1, 0])])
def test_sums_are_those_since_the_start_or_since_the_last_time(temporality: str, second: list[int]) -> None:
    with collecting() as collector:
        metrics = Metrics(settings(collector.url, temporality=temporality))
        counted(metrics)
        metrics.flush()
        first = told(collector.figure("http.server.request.duration"))[1]
        counted(metrics)
        metrics.close()

    errors = collector.figure("psa.router.graphql_error").sum
    assert (first, told(collector.figure("http.server.request.duration"))[1]) == ([1, 1, 0], second)
    assert errors.data_points[0].as_int == (2 if temporality == "cumulative" else 1)
    assert errors.aggregation_temporality == (2 if temporality == "cumulative" else 1)


async def test_the_router_tells_its_figures_at_its_end_at_the_latest(platform: Any) -> None:
    with collecting() as collector:
        telemetry = {"exporters": {"metrics": {"otlp": {"enabled": True, "endpoint": collector.url}}}}
        async with platform(telemetry=telemetry) as psa:
            await psa.ask("{ __typename }")

    assert {one["path"] for one in collector.headers} == {"/v1/metrics"}
    assert told(collector.figure("http.server.request.duration"))[2] == 1


def test_nobody_is_told_anything_unless_it_is_wanted() -> None:
    metrics = Metrics()
    counted(metrics)
    metrics.close()

    assert metrics.routes("/metrics")[0].path == "/metrics"
