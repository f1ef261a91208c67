"""Settings: where traces go. Without an exporter nothing is measured for them, and no request is slower."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr

from router.server.config.section import Section
from router.server.config.units import Seconds


class Common(Section):
    """What holds for every exporter."""

    service_name: str = Field("psa-router", description="What we are called in traces.")
    sampler: Literal["always_on", "always_off"] | Annotated[float, Field(ge=0, le=1)] = Field(
        "always_on", description="Which traces that begin here are sent: all, none, or this share."
    )
    parent_based_sampler: bool = Field(
        default=True, description="Whether whoever began a trace elsewhere decides about our part of it."
    )
    resource: dict[str, str] = Field(default_factory=dict, description="What is said of us besides.")


class BatchProcessor(Section):
    """How spans are put together before they are sent."""

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

    enabled: bool = Field(default=False, description="Whether traces are sent.")
    endpoint: str | None = Field(None, description="The collector; on this machine, when absent.")
    protocol: Literal["grpc", "http", "http/protobuf"] | None = Field(
        None, description="How; by gRPC where the endpoint has its usual port 4317, by HTTP otherwise, when absent."
    )
    http: OtlpHttp = OtlpHttp()
    grpc: OtlpGrpc = OtlpGrpc()
    batch_processor: BatchProcessor = BatchProcessor()

    @property
    def over_grpc(self) -> bool:
        """Whether spans go by gRPC."""
        return self.protocol == "grpc" if self.protocol else (self.endpoint or "").rstrip("/").endswith(":4317")

    @property
    def address(self) -> str:
        """Where the collector is."""
        return self.endpoint or f"http://127.0.0.1:{4317 if self.over_grpc else 4318}"


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

    common: Common = Common()
    otlp: Otlp = Otlp()
    experimental_response_trace_id: ResponseTraceId = ResponseTraceId()


class Exporters(Section):
    """Where what we measure goes."""

    tracing: Tracing = Tracing()


class Telemetry(Section):
    """What others learn of how we are."""

    exporters: Exporters = Exporters()
