"""From the settings to the way on which each subgraph is reached: shapes, keys, and connections with their certificates."""

from __future__ import annotations

from router.executor.circuit_breaker import BreakerPolicy
from router.executor.concurrency import ConcurrencyPolicy
from router.executor.http1 import Http1Exchange
from router.executor.retries import RetryPolicy
from router.executor.shaping import Observe, Shape, ShapedTransport
from router.executor.signatures import SigningKey
from router.executor.throttle import RatePolicy
from router.executor.transport import ByScheme, Exchange, HttpExchange
from router.server.config import Misconfigured, RouterConfig
from router.server.config.tls import SubgraphTls
from router.server.config.traffic_shaping import CircuitBreaker, Concurrency, GlobalRateLimit, Retry

_Kind = tuple[SubgraphTls, int, int]


def shape(config: RouterConfig, service: str) -> Shape:
    """Return how one subgraph is talked to."""
    given = config.traffic_shaping.of(service)
    key = config.signatures.of(service)
    return Shape(
        timeout_seconds=given.timeout or config.subgraphs.timeout_seconds,
        deduplicate=given.deduplicate_query is not False,
        retry=_retry(given.retry or Retry()),
        breaker=_breaker(given.circuit_breaker),
        concurrency=_concurrency(given.concurrency or Concurrency()),
        rate=_rate(given.global_rate_limit),
        compression=given.compression if given.compression != "identity" else None,
        deadline_header=config.traffic_shaping.deadline_header,
        signing=SigningKey(key.key_id, key.secret.get_secret_value().encode()) if key else None,
    )


def longest_timeout(config: RouterConfig) -> float:
    """Return the longest that any subgraph may take: its own way ends it earlier."""
    shaping = config.traffic_shaping
    own = (one.timeout for one in (shaping.all, *shaping.subgraphs.values()))
    return max(config.subgraphs.timeout_seconds, *(timeout or 0 for timeout in own))


def _retry(given: Retry) -> RetryPolicy | None:
    if not given.enabled or not given.attempts:
        return None
    return RetryPolicy(
        given.attempts, given.first_pause, given.longest_pause, given.min_per_second, given.retry_percent, given.ttl
    )


def _breaker(given: CircuitBreaker | None) -> BreakerPolicy | None:
    if given is None or not given.enabled:
        return None
    statuses = frozenset(status for text in given.error_status_codes for status in _statuses(text))
    return BreakerPolicy(
        given.error_threshold, given.volume_threshold, given.reset_timeout, given.half_open_attempts, statuses
    )


def _statuses(text: str) -> range:
    if text.endswith("xx"):
        return range(int(text[0]) * 100, int(text[0]) * 100 + 100)
    return range(int(text), int(text) + 1)


def _concurrency(given: Concurrency) -> ConcurrencyPolicy | None:
    if not given.enabled:
        return None
    most = max(given.most, given.least)
    return ConcurrencyPolicy(min(max(given.initial, given.least), most), given.least, most, given.waiting)


def _rate(given: GlobalRateLimit | None) -> RatePolicy | None:
    return RatePolicy(given.capacity, given.interval) if given else None


class Connections:
    """The HTTP connections of a router: one pool for all subgraphs, and others for those with settings of their own."""

    def __init__(self, config: RouterConfig, in_process: Exchange) -> None:
        self._config = config
        self._in_process = in_process
        self._pools: dict[_Kind, tuple[HttpExchange, Http1Exchange]] = {}
        for service in ("", *config.tls.subgraph.subgraphs, *config.traffic_shaping.subgraphs):
            self._pool(service)  # a certificate that can't be read is better found now

    def exchange(self, service: str = "") -> ByScheme:
        """Return what carries requests to a subgraph."""
        http, plain = self._pool(service)
        return ByScheme(http, self._in_process, plain)

    def transport(self, observe: Observe) -> ShapedTransport:
        """Return what sends GraphQL to all subgraphs."""
        return ShapedTransport(lambda service: shape(self._config, service), self.exchange, observe)

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            for exchange in pool:
                await exchange.close()

    def _pool(self, service: str) -> tuple[HttpExchange, Http1Exchange]:
        config = self._config
        tls = config.tls.subgraph.of(service)
        connections = config.traffic_shaping.of(service).connections or config.subgraphs.connections
        kind = (tls, connections, config.answer_bytes(service))
        if kind not in self._pools:
            plain = Http1Exchange(max_answer_bytes=kind[2], max_connections=connections)
            self._pools[kind] = (self._new(*kind), plain)
        return self._pools[kind]

    def _new(self, tls: SubgraphTls, connections: int, answer_bytes: int) -> HttpExchange:
        settings, ours = self._config.subgraphs, tls.client_authentication
        try:
            return HttpExchange(
                max_answer_bytes=answer_bytes,
                max_connections=connections,
                ca_file=tls.certificate_authorities or settings.ca_file,
                certificate=(ours.certificate_chain, ours.key) if ours else None,
            )
        except OSError as fault:
            where = "tls.subgraph" if ours or tls.certificate_authorities else "subgraphs.ca_file"
            raise Misconfigured(f"{where}: {fault}") from fault
