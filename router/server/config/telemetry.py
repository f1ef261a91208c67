"""Settings: where traces and figures go. Without an exporter nothing is measured for them, and no request is slower."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, SecretStr, field_validator

from router.server.config.section import Section
from router.server.config.units import Seconds

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets that OpenTelemetry's conventions recommend for HTTP; its default ones are meant for milliseconds."""


class Common(Section):
    """Who we say we are."""

    service_name: str = Field("psa-router", description="What we are called.")
    service_namespace: str | None = Field(None, description="To what we belong.")
    resource: dict[str, str] = Field(default_factory=dict, description="What is said of us besides.")


class TracingCommon(Common):
    """What holds for every exporter of traces."""

    sampler: Literal["always_on", "always_off"] | Annotated[float, Field(ge=0, le=1)] = Field(
        "always_on", description="Which traces that begin here are sent: all, none, or this share."
    )
    parent_based_sampler: bool = Field(
        default=True, description="Whether whoever began a trace elsewhere decides about our part of it."
    )


class MetricsCommon(Common):
    """What holds for every exporter of figures."""

    buckets: tuple[float, ...] = Field(
        _SECONDS, min_length=1, description="The bounds into which durations are counted, in seconds."
    )

    @field_validator("buckets")
    @classmethod
    def _ascend(cls, buckets: tuple[float, ...]) -> tuple[float, ...]:
        if list(buckets) != sorted(set(buckets)):
            raise ValueError("each has to be larger than the one before")
        return buckets


class BatchProcessor(Section):
    """How spans are put together before they are sent; figures are sent all at once, with each delay."""

    scheduled_delay: Seconds = Field(5.0, gt=0, description="How long one may wait for others.")
    max_export_batch_size: int = Field(512, ge=1, description="How many are sent at once.")
    max_export_timeout: Seconds = Field(30.0, gt=0, description="How long sending may take.")
    max_queue_size: int = Field(2048, ge=1, description="How many may wait; what comes when there are more is lost.")


class OtlpHttp(Section):
    """OTLP over HTTP."""

    headers: dict[str, SecretStr] = Field(default_factory=dict, description="What the collector wants to see.")


class OtlpGrpc(Section):
    """OTLP over gRPC."""

    metadata: dict[str, SecretStr] = Field(default_factory=dict, description="What the collector wants to see.")


class Otlp(Section):
    """The OpenTelemetry protocol, as protobuf over HTTP or gRPC."""

    enabled: bool = Field(default=False, description="Whether anything is sent.")
    endpoint: str | None = Field(None, description="The collector; on this machine, when absent.")
    protocol: Literal["grpc", "http", "http/protobuf"] | None = Field(
        None, description="How; by gRPC where the endpoint has its usual port 4317, by HTTP otherwise, when absent."
    )
    http: OtlpHttp = OtlpHttp()
    grpc: OtlpGrpc = OtlpGrpc()
    batch_processor: BatchProcessor = BatchProcessor()

    @property
    def over_grpc(self) -> bool:
        """Whether it goes by gRPC."""
        return self.protocol == "grpc" if self.protocol else (self.endpoint or "").rstrip("/").endswith(":4317")

    @property
    def address(self) -> str:
        """Where the collector is."""
        return self.endpoint or f"http://127.0.0.1:{4317 if self.over_grpc else 4318}"


class OtlpMetrics(Otlp):
    """The same for figures."""

    temporality: Literal["cumulative", "delta"] = Field(
        "cumulative", description="Whether sums since the start are sent, or what came since the last time."
    )


class ResponseTraceId(Section):
    """The trace's id in answers, for support."""

    enabled: bool = Field(default=False, description="Whether answers tell it.")
    header_name: str = Field("apollo-trace-id", pattern=r"^[A-Za-z0-9-]+$", description="In which header.")
    format: Literal["hexadecimal", "open_telemetry", "decimal", "datadog", "uuid"] = Field(
        "hexadecimal", description="How it's written."
    )

    def headers(self, trace_id: str) -> dict[str, str]:
        """Return the header."""
        match self.format:
            case "hexadecimal" | "open_telemetry":
                written = trace_id
            case "decimal":
                written = str(int(trace_id, 16))
            case "datadog":
                written = str(int(trace_id[16:], 16))
            case "uuid":
                written = str(UUID(trace_id))
        return {self.header_name.lower(): written}


class Tracing(Section):
    """Traces."""

    common: TracingCommon = TracingCommon()
    otlp: Otlp = Otlp()
    experimental_response_trace_id: ResponseTraceId = ResponseTraceId()


class MetricsExporters(Section):
    """Figures; Prometheus fetches them at /metrics, see `metrics`."""

    common: MetricsCommon = MetricsCommon()
    otlp: OtlpMetrics = OtlpMetrics()


class Exporters(Section):
    """Where what we measure goes."""

    metrics: MetricsExporters = MetricsExporters()
    tracing: Tracing = Tracing()


class Telemetry(Section):
    """What others learn of how we are."""

    exporters: Exporters = Exporters()
