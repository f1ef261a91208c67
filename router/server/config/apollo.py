"""The settings of Apollo's `router.yaml`, mapped onto ours: a stranger's file works as it is.

Many keys are called the same here. The rest stands in two tables: where a key of theirs goes, and what has no effect here and
why. `*` is any name, that of a subgraph for example. What is in neither is left where it stands, so that a misspelt key is
refused as one of ours would be. What would silently protect less than its author thinks is refused, not ignored.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from router.server.config.places import Remark
from router.server.config.tree import RouterConfig

Path = tuple[str, ...]
Ours = Mapping[str, Any]
Convert = Callable[[Any], Ours]
"""From a value of theirs to values of ours, by dotted keys."""

_NO_LIMIT: Final = 1_000_000


class Untranslatable(Exception):
    """A key means something that we can't do; the message says what."""


@dataclass(slots=True)
class Translation:
    """Settings of ours, and what became of keys that have no effect or can't have the one that is meant."""

    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[Remark] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    """What a key of ours is called in the file."""

    def as_written(self, key: str) -> str:
        """Return what a key of ours is called in the file."""
        steps = key.split(".")
        for length in range(len(steps), 0, -1):
            theirs = self.origins.get(".".join(steps[:length]))
            if theirs is not None:
                return ".".join([theirs, *steps[length:]])
        return key


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


def _never(why: str) -> Convert:
    """Accept what is off."""

    def convert(value: Any) -> Ours:
        if value not in (False, None):
            raise Untranslatable(why)
        return {}

    return convert


_OTLP: Final = "telemetry.exporters.tracing.otlp"
_SHOWN_ID: Final = "telemetry.exporters.tracing.experimental_response_trace_id"
_TRACING: Final = (
    *(
        f"telemetry.exporters.tracing.common.{key}"
        for key in ("service_name", "sampler", "parent_based_sampler", "resource")
    ),
    *(f"{_OTLP}.{key}" for key in ("enabled", "protocol", "http.headers", "grpc.metadata")),
    *(
        f"{_OTLP}.batch_processor.{key}"
        for key in ("scheduled_delay", "max_export_batch_size", "max_export_timeout", "max_queue_size")
    ),
)


def _in_redis(key: str) -> Convert:
    def convert(value: Any) -> Ours:
        return {**_first(f"response_cache.redis.{key}")(value), "response_cache.storage": "redis"}

    return convert


_CACHE_ONCE: Final = "preview_entity_cache"
_CACHE_NOW: Final = "response_cache"
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

_MOVED: Final[Mapping[str, Convert]] = {
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
    "limits.http_max_request_bytes": _to("limits.body_bytes"),
    "limits.router.http_max_request_bytes": _to("limits.body_bytes"),
    "limits.http1_max_request_buf_size": _to("limits.header_bytes"),
    "limits.http2_max_headers_list_bytes": _to("limits.header_bytes"),
    "limits.parser_max_tokens": _to("limits.tokens"),
    "limits.parser_max_recursion": _to("limits.recursion"),
    "limits.max_depth": _to("limits.depth"),
    "limits.max_height": _to("limits.height"),
    "limits.max_aliases": _to("limits.aliases"),
    "limits.max_root_fields": _to("limits.root_fields"),
    "limits.introspection_max_depth": _introspection_depth,
    "authentication.router.jwt.jwks": _jwks,
    **{
        f"authentication.router.jwt.{key}": _to(f"jwt.{key}")
        for key in ("header_name", "header_value_prefix", "ignore_other_prefixes", "sources", "on_error")
    },
    "subscription.enabled": _to("subscriptions.enabled"),
    "subscription.max_opened_subscriptions": _to("subscriptions.max_opened_subscriptions"),
    "subscription.queue_capacity": _to("subscriptions.queue_capacity"),
    "subscription.enable_deduplication": _to("subscriptions.deduplication.enabled"),
    "subscription.deduplication.enabled": _to("subscriptions.deduplication.enabled"),
    "subscription.deduplication.ignored_headers": _to("subscriptions.deduplication.ignored_headers"),
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
    "experimental_batching.enabled": _to("batching.enabled"),
    "experimental_batching.mode": _to("batching.mode"),
    "tls.supergraph.certificate": _to("tls.supergraph.certificate_chain"),
    "health_check.path": _to("health.path"),
    "health_check.listen": lambda value: {"health.listen": str(value)},
    "telemetry.exporters.metrics.prometheus.listen": lambda value: {"metrics.listen": str(value)},
    "telemetry.exporters.metrics.prometheus.path": _to("metrics.path"),
    **{f"{_CACHE_NOW}.{key}": convert for key, convert in _CACHE.items()},
    **{key: _to(key) for key in _TRACING},
    f"{_SHOWN_ID}.enabled": _to(f"{_SHOWN_ID}.enabled"),
    f"{_SHOWN_ID}.header_name": _to(f"{_SHOWN_ID}.header_name"),
    f"{_SHOWN_ID}.format": _to(f"{_SHOWN_ID}.format"),
    f"{_OTLP}.endpoint": lambda value: {} if value == "default" else {f"{_OTLP}.endpoint": value},
}

_PATTERNS: Final = {tuple(key.split(".")): convert for key, convert in _MOVED.items() if "*" in key}

_ELSEWHERE: Final = "it's at the main address"
_WITHOUT: Final = "it's not needed here"
_NOT_YET: Final = "nothing corresponds to it"
_PLANNED_ANEW: Final = "there is one planner, which writes its own operations"
_IDLE: Final[Mapping[str, str]] = {
    "supergraph.early_cancel": "requests always end when their client leaves",
    "supergraph.generate_query_fragments": _WITHOUT,
    "supergraph.query_planning": _WITHOUT,
    "supergraph.experimental_log_on_broken_pipe": _WITHOUT,
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
    "traffic_shaping.all.experimental_http2": _WITHOUT,
    "traffic_shaping.subgraphs.*.experimental_http2": _WITHOUT,
    "traffic_shaping.all.dns_resolution_strategy": _WITHOUT,
    "traffic_shaping.subgraphs.*.dns_resolution_strategy": _WITHOUT,
    "traffic_shaping.all.pool_idle_timeout": _WITHOUT,
    "traffic_shaping.deduplicate_variables": _WITHOUT,
    "traffic_shaping.connector": _NOT_YET,
    "limits.http1_max_request_headers": "header_bytes bounds them",
    "limits.max_recursive_selections": "fragments are measured without being expanded",
    "limits.subgraph": "subgraphs.answer_bytes bounds them",
    "authentication.connector": _NOT_YET,
    "subscription.mode.callback.listen": _ELSEWHERE,
    "preview_file_uploads.protocols.multipart.mode": _WITHOUT,
    "health_check.enabled": "it always is",
    "health_check.readiness": _WITHOUT,
    "homepage.graph_ref": "nothing is reported to anybody",
    "sandbox.endpoint": "the explorer asks the router that it came from",
    "telemetry.apollo": "nothing is reported to anybody",
    "telemetry.instrumentation": "metrics have the names of OpenTelemetry",
    "telemetry.exporters.metrics.prometheus.enabled": "it always is",
    "telemetry.exporters.metrics": "metrics are at /metrics, where a collector can fetch them",
    "telemetry.exporters.logging": "logs are lines of JSON",
    "telemetry.exporters.tracing.propagation": "traces follow the W3C headers, and ids of requests x-request-id",
    "telemetry.exporters.tracing.jaeger": "spans go by OTLP, which Jaeger takes",
    "telemetry.exporters.tracing.otlp.grpc": "the certificates of this machine are believed",
    "telemetry.exporters.tracing.zipkin": "spans go by OTLP, which its collector takes",
    "telemetry.exporters.tracing.datadog": "spans go by OTLP, which its agent takes",
    "telemetry": "metrics are at /metrics, logs are lines of JSON, traces follow the W3C headers",
    "license_enforcement": "there is no licence",
    "fleet_detector": "nothing is reported to anybody",
    "connectors": _NOT_YET,
    **{f"{_CACHE_NOW}.{key}": why for key, why in _CACHE_IDLE.items()},
    "progressive_override": "override_labels does it",
    "experimental_chaos": _NOT_YET,
    "experimental_hoist_orphan_errors": "errors of entities always have their place",
    "experimental_type_conditioned_fetching": "it always is",
}
_REFUSED: Final[Mapping[str, str]] = {
    "coprocessor": "nobody else is asked on the way; write what it does as a hook in Python (`hooks`, or authorization.policies.hooks)",
    "rhai": "no scripts are run here; write what they do as a hook in Python (`hooks`, or authorization.policies.hooks)",
    "plugins": "no plugins are loaded here; write what they do as a hook in Python (`hooks`)",
    "preview_persisted_queries": "it's called persisted_queries now, with the same keys",
    "preview_demand_control": "it's called demand_control now, with the same keys",
    "subscription.mode.preview_callback": "it's called subscription.mode.callback now, with the same keys",
    "telemetry.tracing": "it's telemetry.exporters.tracing since version 1.30, with its settings under `common`",
    "telemetry.metrics": "it's telemetry.exporters.metrics since version 1.30, with its settings under `common`",
    "experimental_mock_subgraphs": "no subgraph is made up; start one, or a server with made-up answers",
    "authentication.subgraph": "requests aren't signed for AWS; `signatures` signs them for whoever can verify HTTP message signatures",
}
_NULL_IS_ABSENT: Final = frozenset(
    {"batching", "cors", "csrf", "persisted_queries", "apq", "limits", "supergraph", "subscription", "tls"}
)


def translate(given: Mapping[str, Any]) -> Translation:
    """Map a tree that may have keys of Apollo's."""
    done = Translation()
    if _CACHE_ONCE in given and _CACHE_NOW in given:
        done.faults.append(Remark(_CACHE_ONCE, f" and {_CACHE_NOW} are the same; one of them has to go."))
        return done
    for path, value in _leaves(_under_its_name_now(given), ()):
        if value is None and path[0] in _NULL_IS_ABSENT:
            continue
        _translate(path, value, done)
    if _CACHE_ONCE in given:
        _call_it_as_before(done)
    if isinstance(given.get("sandbox"), dict) and "enabled" in given["sandbox"]:
        _put(done.settings, ["explorer", "enabled"], given["sandbox"]["enabled"])  # the homepage only leads to it
    if "router" in (given.get("authentication") or {}):
        # There whoever shows no token is anonymous, unless the file says otherwise.
        done.settings.setdefault("authorization", {}).setdefault("require_authentication", False)
    return done


def _under_its_name_now(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if _CACHE_ONCE not in given:
        return given
    return {_CACHE_NOW if key == _CACHE_ONCE else key: value for key, value in given.items()}


def _call_it_as_before(done: Translation) -> None:
    """What is said of the cache is said by the name that it has in the file."""

    def before(key: str) -> str:
        first, dot, rest = key.partition(".")
        return f"{_CACHE_ONCE}{dot}{rest}" if first == _CACHE_NOW else key

    done.notes = [Remark(before(note.key), note.said) for note in done.notes]
    done.faults = [Remark(before(fault.key), fault.said) for fault in done.faults]
    done.origins = {ours: before(theirs) for ours, theirs in done.origins.items()}
    done.origins.setdefault(_CACHE_NOW, _CACHE_ONCE)


def _translate(path: Path, value: Any, done: Translation) -> None:
    dotted = ".".join(path)
    convert = _MOVED.get(dotted) or _PATTERNS.get((*path[:2], "*", *path[3:]))
    if convert is not None:
        _move(convert, path, value, done)
        return
    refused = _found(path, _REFUSED)
    if refused is not None:
        key, why = refused
        if key not in {fault.key for fault in done.faults}:
            done.faults.append(Remark(key, f": {why}."))
        return
    idle = _found(path, _IDLE)
    if idle is not None:
        done.notes.append(Remark(dotted, f" has no effect: {idle[1]}."))
    elif _leads_on(path[:-1]) and not _is_ours(path[:-1]):
        done.faults.append(Remark(dotted, f" is no setting{_suggestion(path)}"))
    else:
        _put(done.settings, list(path), value)


def _move(convert: Convert, path: Path, value: Any, done: Translation) -> None:
    dotted = ".".join(path)
    try:
        ours = {key.replace("*", path[2]) if "*" in key else key: moved for key, moved in convert(value).items()}
    except Untranslatable as fault:
        done.faults.append(Remark(dotted, f": {fault}."))
        return
    for key, moved in ours.items():
        if moved is not None:
            _put(done.settings, key.split("."), moved)
            done.origins[key] = dotted


def _leaves(tree: Mapping[str, Any], above: Path) -> Iterator[tuple[Path, Any]]:
    """Walk down as far as there are tables for it; what is below is handed over whole."""
    for key, value in tree.items():
        path = (*above, *str(key).split(".")) if above == ("plugins",) else (*above, str(key))
        if isinstance(value, dict) and value and _leads_on(path):
            yield from _leaves(value, path)
        else:
            yield path, value


def _is_ours(path: Path) -> bool:
    """Whether we have a section of this name, too: its keys are looked at later."""
    known: Any = RouterConfig
    for key in path:
        if key not in known.model_fields:
            return False
        annotation = known.model_fields[key].annotation
        if get_origin(annotation) is dict:
            return True
        kinds = (annotation, *get_args(annotation))
        known = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if known is None:
            return True
    return True


def _suggestion(path: Path) -> str:
    close = difflib.get_close_matches(path[-1], sorted(names(path[:-1])), n=1)
    return f"; did you mean {'.'.join([*path[:-1], close[0]])}?" if close else "."


def _leads_on(path: Path) -> bool:
    return any(
        len(known) > len(path) and all(want in ("*", step) for want, step in zip(known, path, strict=False))
        for known in _KNOWN
    )


def _found(path: Path, table: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the key of which a table says something, that of the path or one above it, and what it says."""
    for key, said in table.items():
        known = key.split(".")
        if len(known) <= len(path) and all(want in ("*", step) for want, step in zip(known, path, strict=False)):
            return ".".join(path[: len(known)]), said
    return None


_KNOWN: Final = tuple(tuple(key.split(".")) for table in (_MOVED, _IDLE, _REFUSED) for key in table)


def names(above: Path) -> set[str]:
    """Return the keys of Apollo's that may stand below a path; for suggestions."""
    size = len(above)
    return {
        known[size]
        for known in _KNOWN
        if len(known) > size and all(want in ("*", step) for want, step in zip(known, above, strict=False))
    }


def targets() -> set[str]:
    """Return every key of ours to which one of theirs goes; for the proof that there is such a key."""
    probes: dict[str, Any] = {"supergraph.listen": "127.0.0.1:1", "apq.router.cache.redis.urls": ["redis://x"]}
    probes["response_cache.subgraph.all.redis.urls"] = ["redis://x"]
    fixed = {"authentication.router.jwt.jwks": [{"url": "u"}]}
    found: set[str] = set()
    for key, convert in _MOVED.items():
        try:
            found |= {ours for ours in convert({**probes, **fixed}.get(key, True)) if "*" not in ours}
        except Untranslatable:
            continue
    return found


def _put(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    *above, last = keys
    for key in above:
        inner = tree.get(key)
        tree[key] = inner if isinstance(inner, dict) else {}
        tree = tree[key]
    if isinstance(value, list) and isinstance(tree.get(last), list):
        tree[last] = [*tree[last], *value]
    elif isinstance(value, dict) and isinstance(tree.get(last), dict):
        tree[last] |= value
    else:
        tree[last] = value
