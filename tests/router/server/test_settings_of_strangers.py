"""A `router.yaml` that was written for Apollo's router works here as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from router.__main__ import cli
from router.server.config import Misconfigured, RouterConfig, read, read_with_notes, schema
from router.server.config.apollo import targets, translate

STRANGER = """
supergraph:
  listen: 0.0.0.0:4000
  path: /
  introspection: false
  redact_query_validation_errors: true
  defer_support: true
  query_planning: {cache: {in_memory: {limit: 512}}, warmed_up_queries: 100}
apq: {enabled: true, router: {cache: {in_memory: {limit: 300}}}, subgraph: {all: {enabled: false}}}
persisted_queries: {enabled: false, log_unknown: true, local_manifests: null, safelist: {enabled: false, require_id: false}}
batching: {enabled: true, mode: batch_http_link, maximum_size: 7, subgraph: {all: {enabled: true}}}
cors:
  allow_any_origin: false
  allow_credentials: true
  methods: [GET, POST, OPTIONS]
  max_age: 2h
  expose_headers: null
  policies: [{origins: ["https://app.example"], match_origins: ["^https://.*[.]app[.]example$"]}]
csrf: {required_headers: [x-mine]}
headers:
  all:
    request:
      - propagate: {named: x-tenant, rename: x-customer, default: none}
      - insert: {name: x-router, value: psa}
      - remove: {matching: "^x-secret-.*"}
  subgraphs: {crm: {request: [{propagate: {matching: "^x-crm-.*"}}]}}
include_subgraph_errors: {all: true, subgraphs: {crm: false}}
traffic_shaping:
  router: {timeout: 50s, concurrency_limit: 100, global_rate_limit: {capacity: 10, interval: 5s}}
  all: {timeout: 20s, deduplicate_query: true, compression: gzip, experimental_http2: disable}
  subgraphs: {crm: {timeout: 500ms}}
limits:
  http_max_request_bytes: 3000000
  parser_max_tokens: 15000
  parser_max_recursion: 500
  max_depth: 30
  max_height: 200
  max_aliases: 30
  max_root_fields: 20
  introspection_max_depth: true
  warn_only: true
authorization: {require_authentication: false, directives: {enabled: true, dry_run: false, reject_unauthorized: true}}
authentication:
  router:
    jwt:
      jwks: [{url: "https://auth.example/jwks.json", issuers: ["https://auth.example"], audiences: [psa]}]
      header_name: Authorization
      header_value_prefix: Bearer
override_subgraph_url: {crm: "http://localhost:4001/graphql"}
health_check: {enabled: true, listen: "0.0.0.0:8088", path: /healthy}
homepage: {enabled: false}
sandbox: {enabled: false}
preview_file_uploads: {enabled: true, protocols: {multipart: {enabled: true, mode: stream, limits: {max_file_size: 15mb, max_files: 10}}}}
telemetry: {exporters: {metrics: {prometheus: {enabled: true, listen: "0.0.0.0:9090", path: /metrics}}}}
plugins: {experimental.expose_query_plan: true}
experimental_type_conditioned_fetching: true
forbid_mutations: true
"""


def file_of(folder: Path, text: str) -> Path:
    file = folder / "router.yaml"
    file.write_text(text)
    return file


def test_a_strangers_file_means_here_what_it_means_there(tmp_path: Path) -> None:
    found = read_with_notes(file_of(tmp_path, STRANGER), {})
    config = found.config

    assert (config.listen.host, config.listen.port, config.listen.path) == ("0.0.0.0", 4000, "/")  # noqa: S104
    assert (config.introspection, config.redact_query_validation_errors) == (False, True)
    assert (config.apq.enabled, config.apq.entries, config.operation_cache_entries) == (True, 300, 512)
    assert (config.persisted_queries.log_unknown, config.persisted_queries.local_manifests) == (True, ())
    assert (config.batching.enabled, config.batching.maximum_size) == (True, 7)
    assert (config.cors.allow_credentials, config.cors.max_age, len(config.cors.policies)) == (True, 7200, 1)
    assert (config.csrf.required_headers, config.csrf.strict) == (("x-mine",), True)
    assert config.headers.all.request[0].propagate is not None
    assert config.headers.all.request[0].propagate.rename == "x-customer"
    assert (config.include_subgraph_errors.all, config.include_subgraph_errors.subgraphs) == (True, {"crm": False})
    assert (config.request_timeout_seconds, config.overload.concurrent_requests) == (50, 100)
    assert config.traffic_shaping.of("crm").timeout == 0.5
    assert config.traffic_shaping.router.global_rate_limit is not None
    assert config.traffic_shaping.router.global_rate_limit.capacity == 10
    limits = config.limits
    assert (limits.body_bytes, limits.depth, limits.height, limits.aliases, limits.root_fields, limits.warn_only) == (
        3_000_000,
        30,
        200,
        30,
        20,
        True,
    )
    assert config.authorization.directives.reject_unauthorized is True
    assert config.authentication is None
    assert config.jwt is not None
    assert (config.jwt.jwks[0].issuers, config.jwt.jwks[0].audiences) == (("https://auth.example",), ("psa",))
    assert config.subgraphs.urls == {"crm": "http://localhost:4001/graphql"}
    assert (config.health.path, config.health.listen) == ("/healthy", "0.0.0.0:8088")
    assert (config.metrics.path, config.metrics.listen) == ("/metrics", "0.0.0.0:9090")
    assert config.defer_support is True
    assert (config.uploads.max_file_size, config.uploads.max_files) == (15_000_000, 10)
    assert (config.expose_query_plan, config.forbid_mutations) == (True, True)
    assert {note.split()[1] for note in found.notes} == {
        "apq.subgraph",
        "batching.subgraph",
        "traffic_shaping.all.experimental_http2",
        "preview_file_uploads.protocols.multipart.mode",
        "experimental_type_conditioned_fetching",
    }


def test_demand_control_and_rates_are_called_the_same(tmp_path: Path) -> None:
    text = """
demand_control:
  enabled: true
  mode: enforce
  strategy: {static_estimated: {list_size: 5, max: 40, subgraph: {all: {max: 20}, subgraphs: {crm: {max: 30, list_size: 2}}}}}
traffic_shaping: {all: {global_rate_limit: {capacity: 3, interval: 2s}}}
authentication: {router: {jwt: {jwks: [{url: "https://a/jwks", issuers: [a], audiences: [b]}]}}}
"""
    found = read_with_notes(file_of(tmp_path, text), {})
    demand = found.config.demand_control.strategy.static_estimated

    assert found.notes == ()
    assert (found.config.demand_control.mode, demand.max, demand.list_size) == ("enforce", 40, 5)
    assert (demand.subgraph.most("crm"), demand.subgraph.most("tickets")) == (30, 20)
    assert found.config.traffic_shaping.all.global_rate_limit is not None
    assert found.config.traffic_shaping.all.global_rate_limit.interval == 2
    assert found.config.authorization.require_authentication is False


def test_every_key_that_something_is_mapped_to_exists() -> None:
    for dotted in targets():
        known: Any = RouterConfig
        for key in dotted.split("."):
            assert key in getattr(known, "model_fields", ()), dotted
            field = known.model_fields[key]
            kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
            known = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)


def test_our_own_files_pass_untouched() -> None:
    ours = {"limits": {"depth": 3, "warn_only": ["depth"]}, "listen": {"port": 1}, "redis": {"url": None}}

    assert translate(ours).settings == ours
    assert translate(ours).notes == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits: {max_dept: 1}", "limits.max_dept is no setting; did you mean limits.max_depth?"),
        ("suprgraph: {}", "suprgraph is no setting; did you mean supergraph?"),
        ("supergraph: {listn: x}", "supergraph.listn"),
        ("supergraph: {listen: nowhere}", "supergraph.listen: 'nowhere' is no address"),
        ("coprocessor: {url: http://x}", "coprocessor"),
        ("rhai: {main: x}", "rhai"),
        (
            "authentication: {router: {jwt: {jwks: []}}}",
            "authentication.router.jwt.jwks: a list of key sets is expected",
        ),
        (
            "authentication: {router: {jwt: {jwks: [{url: x, algoritms: [RS256]}]}}}",
            "algoritms is no setting; did you mean authentication.router.jwt.jwks.0.algorithms?",
        ),
        ("limits: {max_depth: many}", "limits.max_depth: Input should be a valid integer"),
        ("traffic_shaping: {all: {timeout: soon}}", "is not a duration"),
    ],
)
def test_what_can_not_be_done_is_refused_by_its_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(file_of(tmp_path, text), {})

    assert message in str(refused.value)


WRONG = """\
# a comment
suprgraph: {path: /}
limits:
  max_depth: many

  max_dept: 3
coprocessor:
  url: http://x
headers:
  all:
    request:
      - propagate: {named: a}
      - propagate:
          nmaed: b
include_subgraph_errors: yes please
traffic_shaping: {all: {experimental_retry: {min_per_sec: 3, retry_mutations: true}}}
preview_entity_cache: {enabled: true, storge: redis}
plugins: {my.plugin: {}}
"""


def test_all_that_is_wrong_is_said_at_once_each_with_its_line(tmp_path: Path) -> None:
    file = file_of(tmp_path, WRONG)

    with pytest.raises(Misconfigured) as refused:
        read(file, {"PSA_ROUTER_LIMITS__ALIASES": "few"})

    said = str(refused.value).splitlines()
    assert said[0].startswith("limits.aliases: Input should be a valid integer")
    places = [line.removeprefix(f"{file}:").split(": ", 2)[:2] for line in said[1:]]
    assert [(place, text.split()[0]) for place, text in places] == [
        ("2", "suprgraph"),
        ("4", "limits.max_depth"),
        ("6", "limits.max_dept"),
        ("7", "coprocessor"),
        ("14", "headers.all.request.1.propagate.nmaed"),
        ("15", "include_subgraph_errors"),
        ("16", "traffic_shaping.all.experimental_retry.retry_mutations"),
        ("17", "preview_entity_cache.storge"),
        ("18", "plugins"),
    ]
    assert said[8].endswith("did you mean preview_entity_cache.storage?")


def test_a_key_that_stands_twice_is_refused_since_only_one_could_count(tmp_path: Path) -> None:
    file = file_of(tmp_path, "limits:\n  max_depth: 5\nhot_reload: true\nlimits: {max_height: 3}\n")

    with pytest.raises(Misconfigured) as refused:
        read(file, {})

    assert str(refused.value) == f"{file}:1: limits stands in line 1 and in line 4; only one of them can count."


def test_anchors_and_merges_are_keys_like_others(tmp_path: Path) -> None:
    text = "traffic_shaping:\n  subgraphs:\n    a: &slow {timeout: 5m}\n    b: *slow\n    c: {<<: *slow, compression: br}\n"

    shaping = read(file_of(tmp_path, text), {}).traffic_shaping

    assert [shaping.of(name).timeout for name in "abc"] == [300, 300, 300]
    assert shaping.of("c").compression == "gzip"


def test_what_has_no_effect_is_said_with_its_line_by_the_name_that_it_has_in_the_file(tmp_path: Path) -> None:
    file = file_of(tmp_path, "preview_entity_cache:\n  expose_keys_in_context: true\n")

    assert read_with_notes(file, {}).notes == (
        f"{file}:2: preview_entity_cache.expose_keys_in_context has no effect: `debug` shows what was decided.",
    )


@pytest.mark.parametrize(
    ("written", "seconds"), [("5secs", 5), ("2mins", 120), ("1h 30m", 5400), ("250millis", 0.25), ("disabled", 0)]
)
def test_durations_are_understood_as_apollos_router_does(tmp_path: Path, written: str, seconds: float) -> None:
    text = f"subscription: {{mode: {{callback: {{public_url: 'http://r/callback', heartbeat_interval: {written}}}}}}}"

    callback = read(file_of(tmp_path, text), {}).subscriptions.mode.callback

    assert callback is not None
    assert callback.heartbeat_interval == seconds


def test_retries_of_the_first_version_are_retries_here(tmp_path: Path) -> None:
    retry = "{min_per_sec: 3, ttl: 20s, retry_percent: 0.5, retry_mutations: false}"
    text = f"traffic_shaping: {{all: {{experimental_retry: {retry}}}, subgraphs: {{a: {{experimental_retry: {{ttl: 1s}}}}}}}}"

    shaping = read(file_of(tmp_path, text), {}).traffic_shaping

    assert shaping.all.retry is not None
    assert (shaping.all.retry.min_per_second, shaping.all.retry.ttl, shaping.all.retry.retry_percent) == (3, 20, 0.5)
    assert shaping.subgraphs["a"].retry is not None
    assert shaping.subgraphs["a"].retry.ttl == 1


def test_values_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    text = (
        "listen: {port: '${env.PORT:-4001}', host: '${env.HOST}'}\n"
        f"registry: {{token: '${{file.{secret}}}'}}\n"
        "supergraph: {introspection: '${env.OPEN:-false}'}\n"
        "subgraphs: {urls: {crm: 'http://${env.HOST}:${env.CRM:-81}/graphql'}}\n"
    )

    config = read(file_of(tmp_path, text), {"HOST": "127.0.0.2", "CRM": ""})

    assert (config.listen.host, config.listen.port, config.introspection) == ("127.0.0.2", 4001, False)
    assert config.registry.token is not None
    assert config.registry.token.get_secret_value() == "s3cret"
    assert config.subgraphs.urls == {"crm": "http://127.0.0.2:81/graphql"}


@pytest.mark.parametrize("text", ["listen: {host: '${env.NOBODY}'}", "listen: {host: '${file./no/such/file}'}"])
def test_a_value_that_is_nowhere_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured, match=r"NOBODY|/no/such/file"):
        read(file_of(tmp_path, text), {})


def test_redis_comes_from_the_variable_that_the_platform_has() -> None:
    config = read(None, {"PSA_REDIS_URL": "redis://r:1/0"})

    assert config.redis.url is not None
    assert config.redis.url.get_secret_value() == "redis://r:1/0"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["config", *arguments])


def test_the_schema_fits_what_is_shown_and_refuses_unknown_keys() -> None:
    printed = json.loads(run("schema").stdout)
    shown = yaml.safe_load(run("show").stdout)

    assert printed == json.loads(json.dumps(schema()))
    jsonschema.Draft202012Validator.check_schema(printed)
    jsonschema.validate({"limits": {"depth": 3}, "uploads": {"max_file_size": "15mb"}}, printed)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"limits": {"deepth": 3}}, printed)
    assert shown["limits"]["depth"] == 50


def test_validate_says_yes_or_why_not(tmp_path: Path) -> None:
    good = run("validate", str(file_of(tmp_path, STRANGER)))
    bad = run("validate", str(file_of(tmp_path, "limits: {deepth: 1}\nlisten: {port: x}\n")))

    assert (good.exit_code, good.stdout.splitlines()[-1]) == (0, f"{tmp_path / 'router.yaml'} is valid.")
    assert "has no effect" in good.stderr
    assert bad.exit_code == 2
    assert "did you mean limits.depth?" in bad.stderr
    assert "listen.port" in bad.stderr


def test_upgrade_prints_a_file_of_ours_with_references_untouched(tmp_path: Path) -> None:
    text = "supergraph: {listen: 127.0.0.1:4000}\nlimits: {max_depth: '${env.DEPTH:-9}'}\n"
    done = run("upgrade", str(file_of(tmp_path, text)))

    assert yaml.safe_load(done.stdout) == {
        "listen": {"host": "127.0.0.1", "port": 4000},
        "limits": {"depth": "${env.DEPTH:-9}"},
    }
    assert read(file_of(tmp_path, done.stdout), {}).limits.depth == 9
