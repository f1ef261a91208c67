"""What traces and figures have in common on their way to a collector: its address, the protocol, and who we say we are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from opentelemetry.sdk.resources import Resource

from router.server.config import Misconfigured
from router.server.config.telemetry import Common, Otlp

Signal = Literal["traces", "metrics"]

_SECTION: Final[dict[Signal, str]] = {
    "traces": "telemetry.exporters.tracing.otlp",
    "metrics": "telemetry.exporters.metrics.otlp",
}


def resource(settings: Common) -> Resource:
    """Say who we are."""
    said = {**settings.resource, "service.name": settings.service_name}
    if settings.service_namespace:
        said["service.namespace"] = settings.service_namespace
    return Resource.create(said)


def exporter(settings: Otlp, signal: Signal, **more: Any) -> Any:
    """Make what sends one signal, as the settings say; raises `Misconfigured` where the extra for it isn't installed."""
    make, given = _over_grpc(settings, signal) if settings.over_grpc else _over_http(settings, signal)
    return make(**given, **more, timeout=int(settings.batch_processor.max_export_timeout) or 1)


def _over_grpc(settings: Otlp, signal: Signal) -> tuple[Callable[..., Any], dict[str, Any]]:
    try:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - an extra
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise Misconfigured(f"{_SECTION[signal]}.protocol: grpc needs the extra `otlp-grpc`.") from missing
    metadata = tuple((name.lower(), value.get_secret_value()) for name, value in settings.grpc.metadata.items())
    return OTLPSpanExporter if signal == "traces" else OTLPMetricExporter, {
        "endpoint": settings.address,
        "insecure": not settings.address.startswith("https:"),
        "headers": metadata,
    }


def _over_http(settings: Otlp, signal: Signal) -> tuple[Callable[..., Any], dict[str, Any]]:
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - an extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise Misconfigured(f"{_SECTION[signal]}: install the extra `otlp`.") from missing
    base, path = settings.address.rstrip("/"), f"/v1/{signal}"
    return OTLPSpanExporter if signal == "traces" else OTLPMetricExporter, {
        "endpoint": base if base.endswith(path) else f"{base}{path}",
        "headers": {name: value.get_secret_value() for name, value in settings.http.headers.items()},
    }
