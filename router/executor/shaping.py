"""The way of a request to a service, layer by layer, each service with settings of its own.

    send ─► timeout ─► shared ─► retried ─► circuit breaker ─► place in line ─► told how long we wait, compressed,
            (what remains of both: the fetch's and the client's)                signed ─► the wire

What is shared is retried once for all; each attempt is seen by the breaker and needs a place of its own.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from router.executor import clock
from router.executor.circuit_breaker import Breaker, BreakerPolicy, Guarded
from router.executor.concurrency import ConcurrencyPolicy, Limiter, Queued
from router.executor.dedupe import Deduplicated
from router.executor.retries import Budget, Retried, RetryPolicy
from router.executor.signatures import Signed, SigningKey
from router.executor.throttle import RatePolicy, Throttled
from router.executor.transport import (
    Answer,
    Carrier,
    Exchange,
    Post,
    SubgraphRequest,
    SubgraphResponse,
    graphql_response,
)

Observe = Callable[[str, str], None]
"""Told of a service and what happened to a request: retried, shared, rejected, open, half_open, closed, crowded, throttled."""

Coding = Literal["gzip", "deflate"]


@dataclass(frozen=True, slots=True)
class Shape:
    """How one service is talked to."""

    timeout_seconds: float = 15.0
    deduplicate: bool = True
    retry: RetryPolicy | None = None
    breaker: BreakerPolicy | None = None
    concurrency: ConcurrencyPolicy | None = None
    rate: RatePolicy | None = None
    compression: Coding | None = None
    deadline_header: str | None = None
    signing: SigningKey | None = None


class Compressed:
    """A layer that makes the body smaller."""

    def __init__(self, inner: Carrier, coding: Coding) -> None:
        self._inner = inner
        self._coding = coding

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Send the body in another coding; files are sent piece by piece, as they are."""
        if not isinstance(request.body, bytes):
            return await self._inner.carry(request, deadline)
        headers = {**request.headers, "content-encoding": self._coding}
        return await self._inner.carry(
            replace(request, body=_CODERS[self._coding](request.body), headers=headers), deadline
        )


_CODERS: Mapping[Coding, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, 6),
    "deflate": zlib.compress,
}


class Hurried:
    """A layer that tells the service how many milliseconds are left: what comes later is for nobody."""

    def __init__(self, inner: Carrier, header: str) -> None:
        self._inner = inner
        self._header = header

    def carry(self, request: SubgraphRequest, deadline: float) -> Coroutine[Any, Any, Answer]:
        """Add the header."""
        left = max(1, int((deadline - clock.now()) * 1000))
        return self._inner.carry(request.with_headers({**request.headers, self._header: str(left)}), deadline)


def layers(shape: Shape, exchange: Exchange, observe: Observe) -> Carrier:
    """Put the way to one service together, from the wire up."""
    carrier: Carrier = Post(exchange)
    if shape.signing:
        carrier = Signed(carrier, shape.signing)
    if shape.compression:
        carrier = Compressed(carrier, shape.compression)
    if shape.deadline_header:
        carrier = Hurried(carrier, shape.deadline_header)
    if shape.rate:
        carrier = Throttled(carrier, shape.rate, observe)
    if shape.concurrency:
        carrier = Queued(carrier, Limiter(shape.concurrency), observe)
    if shape.breaker:
        carrier = Guarded(carrier, shape.breaker, Breaker(shape.breaker), observe)
    if shape.retry:
        carrier = Retried(carrier, shape.retry, Budget(shape.retry), observe)
    if shape.deduplicate:
        carrier = Deduplicated(carrier, observe)
    return carrier


class ShapedTransport:
    """Sends each request on the way of its service; what a service is like is remembered across schemas."""

    def __init__(
        self, shape_of: Callable[[str], Shape], exchange_for: Callable[[str], Exchange], observe: Observe
    ) -> None:
        self._shape_of = shape_of
        self._exchange_for = exchange_for
        self._observe = observe
        self._ways: dict[str, tuple[float, Carrier]] = {}

    async def send(self, request: SubgraphRequest, deadline: float) -> SubgraphResponse:
        """Send it, within the service's own timeout too."""
        timeout, carrier = self._ways.get(request.service) or self._way(request.service)
        deadline = min(deadline, clock.now() + timeout)
        return graphql_response(await carrier.carry(request, deadline))

    def _way(self, service: str) -> tuple[float, Carrier]:
        if service not in self._ways:
            shape = self._shape_of(service)
            carrier = layers(shape, self._exchange_for(service), self._observe)
            self._ways[service] = (shape.timeout_seconds, carrier)
        return self._ways[service]
