"""Traces reach a collector: which spans there are, how they hang together, and that nothing exists when they're off."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from small_graph import Subgraph, says
from structlog.testing import capture_logs

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """A collector of spans on a port of loopback."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            told = ExportTraceServiceRequest.FromString(body)
            collector.headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
            collector.spans += [
                span for one in told.resource_spans for scope in one.scope_spans for span in scope.spans
            ]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
