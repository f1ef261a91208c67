"""What each key of Apollo's `router.yaml` becomes: one of ours, a sentence why it has no effect here, or why it's refused.

`*` is any name, that of a subgraph for example. How files are read by these tables is in `apollo.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Ours = Mapping[str, Any]
Convert = Callable[[Any], Ours]
"""From a value of theirs to values of ours, by dotted keys."""

_NO_LIMIT: Final = 1_000_000


class Untranslatable(Exception):
    """A key means something that we can't do; the message says what."""


def _to(*keys: str) -> Convert:
    return lambda value: dict.fromkeys(keys, value)


def _address(value: Any) -> Ours:
    host, colon, port = str(value).rpartition(":")
    if not colon or not port.isdigit():
        raise Untranslatable(f"{value!r} is no address such as 127.0.0.1:4000")
    return {"listen.host": host.strip("[]") or "0.0.0.0", "listen.port": int(port)}  # noqa: S104 - what `:4000` means


def _first(key: str) -> Convert:
    def convert(value: Any) -> Ours:
        urls = [value] if isinstance(value, str) else value
        if len(urls) != 1:
            raise Untranslatable("one address of Redis is expected")
        return {key: urls[0]}

    return convert


def _introspection_depth(value: Any) -> Ours:
    return {} if value else {"limits.introspection_depth": _NO_LIMIT}


def _origins(key: str) -> Convert:
    return lambda value: {"cors.policies": [{key: value}]} if value else {}


def _on_error(value: Any) -> Ours:
    """What is wrong with a token is never told in detail, so that it's redacted anyway."""
    return {"jwt.on_error": {"error": "Error", "redactederror": "Error", "continue": "Continue"}.get(
        str(value).replace("_", "").lower(), value
    )}  # fmt: skip


def _jwks(value: Any) -> Ours:
    if not isinstance(value, list) or not value:
        raise Untranslatable("a list of key sets is expected, such as [{url: https://auth.example/jwks.json}]")
    return {"jwt.jwks": [_issuers(one) if isinstance(one, dict) else one for one in value]}


def _issuers(one: dict[str, Any]) -> dict[str, Any]:
    """Take the one `issuer` of older files."""
    given = {key: value for key, value in one.items() if value is not None}
    if "issuer" in given:
        given.setdefault("issuers", [given.pop("issuer")])
    return given


def _only(expected: Any, key: str) -> Convert:
    """Accept the one value that we have, too."""

    def convert(value: Any) -> Ours:
        if str(value).lower() != str(expected).lower():
            raise Untranslatable(f"{key} can't be other than {expected}")
        return {}

    return convert


def _compression(key: str) -> Convert:
    """Requests are compressed by gzip or deflate: what wants the smaller br gets gzip."""
    return lambda value: {key: "gzip" if value == "br" else value}


def _endpoint(key: str) -> Convert:
    return lambda value: {} if value == "default" else {key: value}


def _never(why: str) -> Convert:
    """Accept what is off."""

    def convert(value: Any) -> Ours:
        if value not in (False, None):
            raise Untranslatable(why)
        return {}

    return convert


_OTLP: Final = "telemetry.exporters.tracing.otlp"
_OTLP_METRICS: Final = "telemetry.exporters.metrics.otlp"
_SHOWN_ID: Final = "telemetry.exporters.tracing.experimental_response_trace_id"
_TRACING: Final = (
    *(
        f"telemetry.exporters.tracing.common.{key}"
        for key in ("service_name", "service_namespace", "sampler", "parent_based_sampler", "resource")
    ),
    *(
        f"{otlp}.{key}"
        for otlp in (_OTLP, _OTLP_METRICS)
        for key in ("enabled", "protocol", "http.headers", "grpc.metadata")
    ),
    *(
        f"telemetry.exporters.metrics.common.{key}"
        for key in ("service_name", "service_namespace", "resource", "buckets")
    ),
    f"{_OTLP_METRICS}.temporality",
    *(f"{_OTLP_METRICS}.batch_processor.{key}" for key in ("scheduled_delay", "max_export_timeout")),
    *(
        f"{_OTLP}.batch_processor.{key}"
        for key in ("scheduled_delay", "max_export_batch_size", "max_export_timeout", "max_queue_size")
    ),
)


def _in_redis(key: str) -> Convert:
    def convert(value: Any) -> Ours:
        return {**_first(f"response_cache.redis.{key}")(value), "response_cache.storage": "redis"}

    return convert


CACHE_ONCE: Final = "preview_entity_cache"
CACHE_NOW: Final = "response_cache"
_CACHE: Final[Mapping[str, Convert]] = {
    "subgraph.all.redis.urls": _in_redis("url"),
    "subgraph.all.redis.timeout": _to("response_cache.redis.timeout"),
    "subgraph.all.redis.fetch_timeout": _to("response_cache.redis.timeout"),
    "subgraph.all.redis.namespace": _to("response_cache.redis.namespace"),
    "subgraph.all.redis.ttl": _to("response_cache.redis.ttl"),
}
_CACHE_IDLE: Final[Mapping[str, str]] = {
    "subgraph.all.redis": "there is one Redis, with one timeout",
    "subgraph.subgraphs.*.redis": "all subgraphs' answers lie in one Redis",
    "expose_keys_in_context": "`debug` shows what was decided",
    "metrics": "figures are always kept",
    "private_queries_buffer_size": "no memory of them is needed",
    "invalidation.concurrent_requests": "it is one step",
    "invalidation.scan_count": "nothing is scanned",
}

_LIMITS: Final[Mapping[str, Convert]] = {
    "http_max_request_bytes": _to("limits.body_bytes"),
    "http1_max_request_buf_size": _to("limits.header_bytes"),
    "http2_max_headers_list_bytes": _to("limits.header_bytes"),
    "parser_max_tokens": _to("limits.tokens"),
    "parser_max_recursion": _to("limits.recursion"),
    "max_depth": _to("limits.depth"),
    "max_height": _to("limits.height"),
    "max_aliases": _to("limits.aliases"),
    "max_root_fields": _to("limits.root_fields"),
    "warn_only": _to("limits.warn_only"),
    "introspection_max_depth": _introspection_depth,
}
_BREAKER: Final[Mapping[str, str]] = {
    "enabled": "enabled",
    "failure_rate_threshold": "error_threshold",
    "min_requests": "volume_threshold",
    "open_duration": "reset_timeout",
}

MOVED: Final[Mapping[str, Convert]] = {
    "supergraph.listen": _address,
    "supergraph.path": _to("listen.path"),
    "supergraph.introspection": _to("introspection"),
    "supergraph.defer_support": _to("defer_support"),
    "supergraph.redact_query_validation_errors": _to("redact_query_validation_errors"),
    "supergraph.connection_shutdown_timeout": _to("shutdown.deadline_seconds"),
    "supergraph.query_planning.cache.in_memory.limit": _to("operation_cache_entries"),
    "supergraph.query_planning.warmed_up_queries": _to("warm_up.operations"),
    "supergraph.strict_variable_validation": _only("enforce", "strict_variable_validation"),
    "apq.router.cache.in_memory.limit": _to("apq.entries"),
    "apq.router.cache.redis.urls": _first("redis.url"),
    "apq.router.cache.redis.timeout": _to("redis.timeout_seconds"),
    "apq.router.cache.redis.ttl": _to("apq.ttl_seconds"),
    "cors.origins": _origins("origins"),
    "cors.match_origins": _origins("match_origins"),
    "mask_internal_errors": lambda value: {} if value else {"include_subgraph_errors.all": True},
    "traffic_shaping.router.timeout": _to("request_timeout_seconds"),
    "traffic_shaping.router.concurrency_limit": _to("overload.concurrent_requests"),
    **{
        f"traffic_shaping.{whose}.compression": _compression(f"traffic_shaping.{whose}.compression")
        for whose in ("all", "subgraphs.*")
    },
    "homepage.enabled": _to("explorer.enabled"),
    "sandbox.enabled": _to("explorer.enabled"),
    **{f"limits.{above}{key}": convert for above in ("", "router.") for key, convert in _LIMITS.items()},
    "limits.subgraph.all.http_max_response_size": _to("traffic_shaping.all.answer_bytes"),
    "limits.subgraph.subgraphs.*.http_max_response_size": _to("traffic_shaping.subgraphs.*.answer_bytes"),
    "authentication.router.jwt.jwks": _jwks,
    **{
        f"authentication.router.jwt.{key}": _to(f"jwt.{key}")
        for key in ("header_name", "header_value_prefix", "ignore_other_prefixes", "sources")
    },
    "authentication.router.jwt.on_error": _on_error,
    "subscription.enabled": _to("subscriptions.enabled"),
    "subscription.max_opened_subscriptions": _to("subscriptions.max_opened_subscriptions"),
    "subscription.queue_capacity": _to("subscriptions.queue_capacity"),
    "subscription.enable_deduplication": _to("subscriptions.deduplication.enabled"),
    **{
        f"subscription.deduplication.{above}{key}": _to(f"subscriptions.deduplication.{key}")
        for above in ("", "all.")
        for key in ("enabled", "ignored_headers")
    },
    "subscription.mode.passthrough.all": _to("subscriptions.mode.passthrough.all"),
    "subscription.mode.passthrough.subgraphs": _to("subscriptions.mode.passthrough.subgraphs"),
    "subscription.mode.callback.public_url": _to("subscriptions.mode.callback.public_url"),
    "subscription.mode.callback.path": _to("subscriptions.mode.callback.path"),
    "subscription.mode.callback.heartbeat_interval": _to("subscriptions.mode.callback.heartbeat_interval"),
    "subscription.mode.callback.subgraphs": _to("subscriptions.mode.callback.subgraphs"),
    "override_subgraph_url": _to("subgraphs.urls"),
    "preview_file_uploads.protocols.multipart.enabled": _to("uploads.enabled"),
    "preview_file_uploads.enabled": _to("uploads.enabled"),
    "preview_file_uploads.protocols.multipart.limits.max_file_size": _to("uploads.max_file_size"),
    "preview_file_uploads.protocols.multipart.limits.max_files": _to("uploads.max_files"),
    "plugins.experimental.expose_query_plan": _to("expose_query_plan"),
    "server.http.header_read_timeout": _to("overload.header_seconds"),
    **{
        f"traffic_shaping.{whose}.experimental_retry.{theirs}": _to(f"traffic_shaping.{whose}.retry.{ours}")
        for whose in ("all", "subgraphs.*")
        for theirs, ours in {"min_per_sec": "min_per_second", "ttl": "ttl", "retry_percent": "retry_percent"}.items()
    },
    **{
        f"traffic_shaping.{whose}.experimental_retry.retry_mutations": _never("mutations are never sent twice")
        for whose in ("all", "subgraphs.*")
    },
    **{
        f"circuit_breaker.{whose}.{theirs}": _to(f"traffic_shaping.{whose}.circuit_breaker.{ours}")
        for whose in ("all", "subgraphs.*")
        for theirs, ours in _BREAKER.items()
    },
    "persisted_queries.experimental_local_manifests": _to("persisted_queries.local_manifests"),
    "experimental_batching.enabled": _to("batching.enabled"),
    "experimental_batching.mode": _to("batching.mode"),
    "tls.supergraph.certificate": _to("tls.supergraph.certificate_chain"),
    "health_check.enabled": _to("health.enabled"),
    "health_check.path": _to("health.path"),
    "health_check.listen": lambda value: {"health.listen": str(value)},
    "telemetry.exporters.metrics.prometheus.enabled": _to("metrics.enabled"),
    "telemetry.exporters.metrics.prometheus.listen": lambda value: {"metrics.listen": str(value)},
    "telemetry.exporters.metrics.prometheus.path": _to("metrics.path"),
    **{f"{CACHE_NOW}.{key}": convert for key, convert in _CACHE.items()},
    **{key: _to(key) for key in _TRACING},
    **{
        f"telemetry.exporters.tracing.{name}.{key}": _to(f"{_SHOWN_ID}.{key}")
        for name in ("experimental_response_trace_id", "response_trace_id")
        for key in ("enabled", "header_name", "format")
    },
    **{
        f"telemetry.exporters.tracing.{name}.enabled": _never(
            f"spans go by OTLP, which {taker} takes: write telemetry.exporters.tracing.otlp, with its address there"
        )
        for name, taker in {"zipkin": "a collector", "datadog": "Datadog's agent", "jaeger": "Jaeger"}.items()
    },
    **{f"{otlp}.endpoint": _endpoint(f"{otlp}.endpoint") for otlp in (_OTLP, _OTLP_METRICS)},
}

_ELSEWHERE: Final = "it's at the main address"
_WITHOUT: Final = "it's not needed here"
_NOT_YET: Final = "nothing corresponds to it"
_PLANNED_ANEW: Final = "there is one planner, which writes its own operations"
IDLE: Final[Mapping[str, str]] = {
    "supergraph.early_cancel": "requests always end when their client leaves",
    "supergraph.generate_query_fragments": _WITHOUT,
    "supergraph.query_planning": _WITHOUT,
    "supergraph.experimental_log_on_broken_pipe": _WITHOUT,
    "supergraph.log_on_broken_pipe": _WITHOUT,
    "supergraph.validate_default_values": _WITHOUT,
    "supergraph.strict_deprecation_rules": _WITHOUT,
    "supergraph.reuse_query_fragments": _PLANNED_ANEW,
    "supergraph.experimental_reuse_query_fragments": _PLANNED_ANEW,
    "experimental_reuse_query_fragments": _PLANNED_ANEW,
    "experimental_query_planner_mode": _PLANNED_ANEW,
    "experimental_introspection_mode": _PLANNED_ANEW,
    "experimental_graphql_validation_mode": _PLANNED_ANEW,
    "experimental_apollo_metrics_generation_mode": "nothing is reported to anybody",
    "enhanced_client_awareness": "a client's name and version come in headers",
    "experimental_diagnostics": _NOT_YET,
    "experimental_plugins": _NOT_YET,
    "server.http.tls_handshake_timeout": _WITHOUT,
    "apq.subgraph": "subgraphs always get the text",
    "apq.router.cache.redis": _WITHOUT,
    "batching.subgraph": _NOT_YET,
    "persisted_queries.experimental_prewarm_query_plan_cache": _WITHOUT,
    **{
        f"traffic_shaping.{whose}.{key}": _WITHOUT
        for whose in ("all", "subgraphs.*")
        for key in (
            "http2",
            "experimental_http2",
            "experimental_http2_keep_alive_interval",
            "experimental_http2_keep_alive_timeout",
            "dns_resolution_strategy",
            "pool_idle_timeout",
        )
    },
    "traffic_shaping.deduplicate_variables": _WITHOUT,
    **{
        f"limits.{above}{key}": why
        for above in ("", "router.")
        for key, why in {
            "http1_max_request_headers": "header_bytes bounds them",
            "max_recursive_selections": "fragments are measured without being expanded",
        }.items()
    },
    **dict.fromkeys(
        (
            "connectors",
            "preview_connectors",
            "authentication.connector",
            "circuit_breaker.connector",
            "headers.connector",
            "limits.connector",
            "tls.connector",
            "traffic_shaping.connector",
        ),
        "there are no connectors; a service of its own can ask the REST interface, and be a subgraph",
    ),
    **{
        f"circuit_breaker.{whose}.window_size": "what the last ten seconds brought is counted"
        for whose in ("all", "subgraphs.*")
    },
    "subscription.deduplication.all.ignore_auth_context": "callers with different claims never share a stream",
    "subscription.deduplication.subgraphs": "what holds for all subgraphs holds for each: only equal callers share a stream",
    "subscription.mode.callback.listen": _ELSEWHERE,
    "preview_file_uploads.protocols.multipart.mode": _WITHOUT,
    "health_check.readiness": _WITHOUT,
    "homepage.graph_ref": "nothing is reported to anybody",
    "sandbox.endpoint": "the explorer asks the router that it came from",
    "telemetry.apollo": "nothing is reported to anybody",
    "telemetry.instrumentation": "metrics have the names of OpenTelemetry",
    "telemetry.exporters.metrics.common.views": "figures keep their names; a collector can rename or drop them",
    "telemetry.exporters.metrics.prometheus.resource_selector": "figures are not labelled with who we are; Prometheus does it",
    f"{_OTLP_METRICS}.batch_processor": "figures are sent all at once",
    f"{_OTLP_METRICS}.grpc": "the certificates of this machine are believed",
    f"{_OTLP}.temporality": "spans have none",
    f"{_OTLP}.batch_processor": "batches are sent one after the other",
    "telemetry.exporters.tracing.common": "spans are few and short, so that nothing is cut off",
    "telemetry.exporters.logging": "logs are lines of JSON",
    "telemetry.exporters.tracing.propagation": "traces follow the W3C headers, and ids of requests x-request-id",
    "telemetry.exporters.tracing.jaeger": "spans go by OTLP, which Jaeger takes",
    "telemetry.exporters.tracing.otlp.grpc": "the certificates of this machine are believed",
    "telemetry.exporters.tracing.zipkin": "spans go by OTLP, which a collector takes",
    "telemetry.exporters.tracing.datadog": "spans go by OTLP, which its agent takes",
    "telemetry": "metrics are at /metrics, logs are lines of JSON, traces follow the W3C headers",
    "license_enforcement": "there is no licence",
    "fleet_detector": "nothing is reported to anybody",
    **{f"{CACHE_NOW}.{key}": why for key, why in _CACHE_IDLE.items()},
    "progressive_override": "override_labels does it",
    "experimental_chaos": _NOT_YET,
    "experimental_hoist_orphan_errors": "errors of entities always have their place",
    "experimental_type_conditioned_fetching": "it always is",
}
REFUSED: Final[Mapping[str, str]] = {
    "coprocessor": "nobody else is asked on the way; write what it does as a hook in Python (`hooks`, or authorization.policies.hooks)",
    "rhai": "no scripts are run here; write what they do as a hook in Python (`hooks`, or authorization.policies.hooks)",
    "plugins": "no plugins are loaded here; write what they do as a hook in Python (`hooks`)",
    **{
        f"{above}.{key}": f"it stands in the address here, as {how}"
        for above in ("apq.router.cache.redis", "response_cache.subgraph.all.redis")
        for key, how in {
            "username": "redis://user:password@host:6379",
            "password": "redis://:password@host:6379",
            "tls": "rediss://host:6379",
        }.items()
    },
    **{
        f"circuit_breaker.{whose}.consecutive_failures": "failures are counted by their share here; write failure_rate_threshold"
        " and min_requests"
        for whose in ("all", "subgraphs.*")
    },
    "preview_operation_limits": "it's called limits now, with the same keys",
    "experimental_operation_limits": "it's called limits now, with the same keys",
    "experimental_demand_control": "it's called demand_control now, with the same keys",
    "experimental_response_cache": "it's called response_cache now; its answers are kept in memory or Redis",
    "authorization.preview_directives": "it's called authorization.directives now, with the same keys",
    "preview_persisted_queries": "it's called persisted_queries now, with the same keys",
    "preview_demand_control": "it's called demand_control now, with the same keys",
    "subscription.mode.preview_callback": "it's called subscription.mode.callback now, with the same keys",
    "telemetry.tracing": "it's telemetry.exporters.tracing since version 1.30, with its settings under `common`",
    "telemetry.metrics": "it's telemetry.exporters.metrics since version 1.30, with its settings under `common`",
    "experimental_mock_subgraphs": "no subgraph is made up; start one, or a server with made-up answers",
    "authentication.subgraph": "requests aren't signed for AWS; `signatures` signs them for whoever can verify HTTP message signatures",
}
