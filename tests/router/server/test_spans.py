"""Traces reach a collector: which spans there are, how they hang together, and that nothing exists when they're off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collector import collecting, collecting_by_grpc
from small_graph import Subgraph, says
from structlog.testing import capture_logs

from router.server.config.telemetry import Otlp

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def settings(url: str, **common: Any) -> dict[str, Any]:
    otlp = {"enabled": True, "endpoint": url, "http": {"headers": {"api-key": "k"}}}
    return {"exporters": {"tracing": {"common": common, "otlp": otlp}}}


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


QUERY = 'query Who { customer(id: "123") { name tickets { id } } }'


async def test_a_request_its_preparation_and_its_fetches_are_one_trace(platform: Any) -> None:
    with collecting() as collector:
        async with platform(telemetry=settings(collector.url)) as psa:
            await psa.ask(QUERY, headers={"traceparent": PARENT})
            await psa.ask(QUERY, headers={"traceparent": PARENT})
            told = [one["traceparent"] for one in psa.modules["crm"].requests]

    first, second = collector.named("request")
    fetches = collector.named("subgraph crm") + collector.named("subgraph tickets")
    assert {span.trace_id.hex() for span in collector.spans} == {PARENT.split("-")[1]}
    assert {first.parent_span_id.hex(), second.parent_span_id.hex()} == {PARENT.split("-")[2]}
    assert {span.parent_span_id for span in fetches} == {first.span_id, second.span_id}
    assert told == [f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for span in collector.named("subgraph crm")]
    prepared = [collector.named(name) for name in ("query_parsing", "query_validation", "query_planning")]
    assert [len(spans) for spans in prepared] == [1, 1, 1]
    assert {span.parent_span_id for (span,) in prepared} <= {first.span_id, second.span_id}
    assert attributes(first)["graphql.operation.name"] == "Who"
    assert attributes(first)["http.response.status_code"] == 200
    assert {(one["path"], one["api-key"]) for one in collector.headers} == {("/v1/traces", "k")}
    assert "123" not in str([attributes(span) for span in collector.spans])


@pytest.mark.parametrize(("sampler", "expected"), [("always_off", 0), (0.0, 0), (1.0, 1), ("always_on", 1)])
async def test_sampling_decides_about_whole_traces(platform: Any, sampler: Any, expected: int) -> None:
    with collecting() as collector:
        async with platform(telemetry=settings(collector.url, sampler=sampler)) as psa:
            answer = await psa.ask("{ customer(id: 1) { name } }")
            told = psa.modules["crm"].requests[0]["traceparent"]

    assert answer == {"data": {"customer": None}}
    assert len(collector.named("request")) == len(collector.named("subgraph crm")) == expected
    assert int(told[-2:], 16) & 1 == expected


async def test_a_collector_that_is_away_costs_no_request(platform: Any) -> None:
    with collecting() as collector:
        away = collector.url
    batch = {"max_export_timeout": 1}
    given = settings(away)
    given["exporters"]["tracing"]["otlp"]["batch_processor"] = batch
    async with platform(telemetry=given) as psa:
        answer = await psa.ask("{ __typename }")

    assert answer == {"data": {"__typename": "Query"}}


async def test_nothing_is_wrapped_and_no_span_exists_when_it_is_off(platform: Any) -> None:
    async with platform() as psa:
        transport = psa.app.state.graphs.current.services.transport
        (observed, *_) = psa.app.user_middleware

        assert type(transport).__module__ != "router.server.spans"
        assert "begin" not in observed.kwargs


async def test_the_trace_id_of_a_masked_error_leads_to_its_log_line_and_to_its_spans(small: Any) -> None:
    error = {"message": "the password is hunter2", "extensions": {"code": "INTERNAL", "stacktrace": ["hunter2"]}}
    crm = Subgraph("type Query { fails: String }", {})
    crm.before = says(200, json.dumps({"data": {"fails": None}, "errors": [error]}).encode())
    with collecting() as collector, capture_logs() as lines:
        async with small({"crm": crm}, telemetry=settings(collector.url)) as router:
            answer = await router.ask("{ fails }")

    (request,) = collector.named("request")
    (masked,) = [line for line in lines if line["event"] == "subgraph.error_masked"]
    assert "hunter2" not in str(answer)
    assert answer["errors"][0]["extensions"]["traceId"] == request.trace_id.hex() == masked["trace.id"]
    assert masked["error.message"] == "the password is hunter2"


async def test_spans_go_by_grpc_where_the_settings_say_so(platform: Any) -> None:
    with collecting_by_grpc() as collector:
        otlp = {"enabled": True, "endpoint": collector.url, "protocol": "grpc", "grpc": {"metadata": {"Api-Key": "k"}}}
        async with platform(telemetry={"exporters": {"tracing": {"otlp": otlp}}}) as psa:
            await psa.ask(QUERY)

    assert {span.name for span in collector.spans} >= {"request", "subgraph crm", "subgraph tickets"}
    assert collector.headers[0]["api-key"] == "k"


@pytest.mark.parametrize(
    ("otlp", "expected"),
    [
        ({}, ("http://127.0.0.1:4318", False)),
        ({"protocol": "grpc"}, ("http://127.0.0.1:4317", True)),
        ({"endpoint": "http://collector:4317"}, ("http://collector:4317", True)),
        ({"endpoint": "http://collector:4317", "protocol": "http"}, ("http://collector:4317", False)),
        ({"endpoint": "http://collector:4318/v1/traces"}, ("http://collector:4318/v1/traces", False)),
    ],
)
def test_the_port_tells_the_protocol_where_nothing_else_does(otlp: Any, expected: Any) -> None:
    made = Otlp.model_validate(otlp)

    assert (made.address, made.over_grpc) == expected
