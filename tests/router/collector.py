"""Collectors of spans and figures for tests, on a port of loopback: one that listens to HTTP, one to gRPC."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)


class Collector:
    """A collector on a port of loopback; of figures it keeps what each export said."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.exports: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    def figure(self, name: str) -> Any:
        """Return the last one of this name that was told."""
        return next(
            metric
            for told in reversed(self.exports)
            for of in told.resource_metrics
            for scope in of.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        )


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
            if self.path == "/v1/metrics":
                collector.exports.append(ExportMetricsServiceRequest.FromString(body))
            else:
                told = ExportTraceServiceRequest.FromString(body)
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


@contextmanager
def collecting_by_grpc() -> Iterator[Collector]:
    collector = Collector()

    class Service(TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> ExportTraceServiceResponse:
            collector.headers.append(dict(context.invocation_metadata()))
            collector.spans += [
                span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans
            ]
            return ExportTraceServiceResponse()

    class Figures(MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> ExportMetricsServiceResponse:
            collector.headers.append(dict(context.invocation_metadata()))
            collector.exports.append(request)
            return ExportMetricsServiceResponse()

    with ThreadPoolExecutor(1) as threads:
        server = grpc.server(threads)
        add_TraceServiceServicer_to_server(Service(), server)
        add_MetricsServiceServicer_to_server(Figures(), server)
        collector.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield collector
        finally:
            server.stop(None).wait()
