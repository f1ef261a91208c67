"""Settings: how each subgraph is talked to. What stands under `subgraphs.<name>` goes before what stands under `all`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field

from contracts.deadline import DEADLINE_HEADER
from router.server.config.section import Section
from router.server.config.units import Bytes, Seconds


def _share(value: Any) -> Any:
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value)):
        return float(found[1]) / 100
    return value


def _status(value: str) -> str:
    if not re.fullmatch(r"[1-5]\d\d|[1-5]xx", value, re.IGNORECASE):
        raise ValueError(f"{value!r} is neither a status such as 503 nor a class such as 5xx")
    return value.lower()


Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
"""A number from 0 to 1, or a percentage such as `50%`."""

Status = Annotated[str, BeforeValidator(str), AfterValidator(_status)]


class Retry(Section):
    """When a query is sent again that a service could not take; a mutation never is."""

    enabled: bool = Field(default=True, description="Whether queries are sent again.")
    attempts: int = Field(1, ge=0, le=10, description="How often, at most.")
    min_per_second: float = Field(10, ge=0, description="So many retries each second are always allowed.")
    retry_percent: Share = Field(0.2, description="And this share of all requests (`20%` or 0.2).")
    ttl: Seconds = Field(10.0, gt=0, description="For how long a request counts.")
    first_pause: Seconds = Field(0.05, ge=0, description="The pause before the first retry; a random part of it.")
    longest_pause: Seconds = Field(2.0, ge=0, description="Pauses double up to this.")


class CircuitBreaker(Section):
    """When a service that keeps failing is left alone."""

    enabled: bool = Field(default=True, description="Whether it is; without this section it isn't.")
    error_threshold: Share = Field(0.5, description="The share of failures that opens the circuit.")
    volume_threshold: int = Field(5, ge=1, description="So many requests have to be seen first.")
    reset_timeout: Seconds = Field(30.0, ge=0, description="How long the service is left alone.")
    half_open_attempts: int = Field(10, ge=1, description="So many requests have to succeed after that.")
    error_status_codes: tuple[Status, ...] = Field(("5xx",), description="What is a failure besides no answer.")


class Concurrency(Section):
    """How many requests a service gets at the same time; the limit adapts between `least` and `most`."""

    enabled: bool = Field(default=True, description="Whether there is a limit.")
    initial: int = Field(50, ge=1, description="Where it begins.")
    least: int = Field(4, ge=1, description="It shrinks no further.")
    most: int = Field(200, ge=1, description="It grows no further.")
    waiting: int = Field(1000, ge=0, description="So many requests may wait for a place.")


class GlobalRateLimit(Section):
    """So many requests of all clients together, for each replica."""

    capacity: int = Field(ge=1, description="Requests in any interval.")
    interval: Seconds = Field(1.0, gt=0, description="Its length.")


class RouterShaping(Section):
    """What the router takes."""

    global_rate_limit: GlobalRateLimit | None = None
    deduplicate_query: bool | None = Field(
        None,
        description="Whether equal queries of one caller that are at work at the same time are executed once; by default "
        "those are for which no subgraph has it switched off.",
    )


def _over(own: Any, other: Any) -> Any:
    if not isinstance(own, Section) or other is None:
        return own
    return other.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


class Shaping(Section):
    """How a subgraph is talked to; what is not given here is as it is for all."""

    timeout: Annotated[Seconds, Field(gt=0)] | None = Field(
        None, description="How long one fetch may take, retries included."
    )
    deduplicate_query: bool | None = Field(
        None, description="Whether equal queries of one caller that are on their way go once; on by default."
    )
    compression: Literal["gzip", "deflate", "identity"] | None = Field(
        None, description="How requests are compressed; not at all by default."
    )
    retry: Retry | None = None
    circuit_breaker: CircuitBreaker | None = None
    concurrency: Concurrency | None = None
    global_rate_limit: GlobalRateLimit | None = None
    connections: int | None = Field(None, ge=1, description="Connections of its own that are open at once.")
    answer_bytes: Annotated[Bytes, Field(ge=1)] | None = Field(
        None, description="Bytes of one answer; as `subgraphs.answer_bytes` says when absent."
    )

    def over(self, other: Self) -> Self:
        """Return these settings, and the other's where these say nothing, within their sections too."""
        given = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        return other.model_copy(update={name: _over(value, getattr(other, name)) for name, value in given.items()})


class TrafficShaping(Section):
    """How subgraphs are talked to."""

    router: RouterShaping = RouterShaping()
    all: Shaping = Shaping()
    subgraphs: dict[str, Shaping] = Field(default_factory=dict)
    deadline_header: str | None = Field(
        DEADLINE_HEADER,
        description="The header that tells a subgraph how many milliseconds are left; none if null.",
    )

    def shares(self, services: Iterable[str]) -> bool:
        """Whether equal queries of clients that need these subgraphs are executed once."""
        given = self.router.deduplicate_query
        return all(self.of(name).deduplicate_query is not False for name in services) if given is None else given

    def of(self, service: str) -> Shaping:
        """Return what holds for one subgraph."""
        own = self.subgraphs.get(service)
        return own.over(self.all) if own else self.all
