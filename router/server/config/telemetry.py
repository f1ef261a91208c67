"""Settings: where traces go. Without an exporter nothing is measured for them, and no request is slower."""

from __future__ import annotations

from typing import Annotated, Literal

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


class Otlp(Section):
    """The OpenTelemetry protocol, as protobuf over HTTP."""

    enabled: bool = Field(default=False, description="Whether traces are sent.")
    endpoint: str = Field("http://127.0.0.1:4318", description="The collector.")
    http: OtlpHttp = OtlpHttp()
    batch_processor: BatchProcessor = BatchProcessor()


class Tracing(Section):
    """Traces."""

    common: Common = Common()
    otlp: Otlp = Otlp()


class Exporters(Section):
    """Where what we measure goes."""

    tracing: Tracing = Tracing()


class Telemetry(Section):
    """What others learn of how we are."""

    exporters: Exporters = Exporters()
