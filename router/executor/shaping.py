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
from router.executor.direct import Direct
from router.executor.http1 import Http1Exchange
from router.executor.retries import Budget, Retried, RetryPolicy
from router.executor.signatures import Signed, SigningKey
from router.executor.throttle import RatePolicy, Throttled
from router.executor.transport import (
    Answer,
    ByScheme,
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


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one service; `direct` is a short one for plain HTTP, where the shape has nothing that it can't do."""

    timeout_seconds: float
    carrier: Carrier
    direct: Direct | None = None


def way(service: str, shape: Shape, exchange: Exchange, observe: Observe) -> Way:
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
    limiter = Limiter(shape.concurrency) if shape.concurrency else None
    if limiter:
        carrier = Queued(carrier, limiter, observe)
    if shape.breaker:
        carrier = Guarded(carrier, shape.breaker, Breaker(shape.breaker), observe)
    retried = Retried(carrier, shape.retry, Budget(shape.retry), observe) if shape.retry else None
    carrier = retried or carrier
    direct = _direct(service, shape, exchange, carrier, limiter, retried, observe)
    if shape.deduplicate:
        carrier = Deduplicated(carrier, observe)
    return Way(shape.timeout_seconds, carrier, direct)


def _direct(
    service: str,
    shape: Shape,
    exchange: Exchange,
    carrier: Carrier,
    limiter: Limiter | None,
    retried: Retried | None,
    observe: Observe,
) -> Direct | None:
    plain = exchange.plain if isinstance(exchange, ByScheme) else None
    if not isinstance(plain, Http1Exchange) or shape.signing or shape.compression or shape.rate or shape.breaker:
        return None
    return Direct(
        service,
        plain,
        carrier,
        observe,
        limiter=limiter,
        retried=retried,
        timeout_seconds=shape.timeout_seconds,
        deadline_header=shape.deadline_header,
        shares=shape.deduplicate,
    )


class ShapedTransport:
    """Sends each request on the way of its service; what a service is like is remembered across schemas."""

    def __init__(
        self, shape_of: Callable[[str], Shape], exchange_for: Callable[[str], Exchange], observe: Observe
    ) -> None:
        self._shape_of = shape_of
        self._exchange_for = exchange_for
        self._observe = observe
        self._ways: dict[str, Way] = {}

    async def send(self, request: SubgraphRequest, deadline: float) -> SubgraphResponse:
        """Send it, within the service's own timeout too."""
        way = self._way(request.service)
        deadline = min(deadline, clock.now() + way.timeout_seconds)
        return graphql_response(await way.carrier.carry(request, deadline))

    def direct(self, service: str) -> Direct | None:
        """Return the short way to a service, if there is one for `http://`."""
        return self._way(service).direct

    def _way(self, service: str) -> Way:
        known = self._ways.get(service)
        if known is None:
            shape, exchange = self._shape_of(service), self._exchange_for(service)
            known = self._ways[service] = way(service, shape, exchange, self._observe)
        return known
