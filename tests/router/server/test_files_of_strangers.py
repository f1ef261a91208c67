"""Twelve files as users of Apollo's router write them: each key works, or is named in a sentence that says why it doesn't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from small_graph import Subgraph
from typer.testing import CliRunner

from router.__main__ import cli
from router.server.app import build
from router.server.config import Misconfigured, RouterConfig, read_with_notes

FILES = Path(__file__).parent / "strangers"
HARMLESS = {
    "01-shop-in-kubernetes": {"telemetry.apollo", "telemetry.instrumentation"},
    "02-local-development": set[str](),
    "03-auth0-and-azure": set[str](),
    "04-hardened-edge": {
        "supergraph.early_cancel",
        "supergraph.query_planning.experimental_plans_limit",
        "limits.http1_max_request_headers",
    },
    "05-traffic-shaping": {
        "traffic_shaping.deduplicate_variables",
        "traffic_shaping.all.experimental_http2",
        "traffic_shaping.all.dns_resolution_strategy",
        "traffic_shaping.subgraphs.reports.experimental_http2",
        "batching.subgraph",
        "apq.subgraph",
    },
    "07-trusted-documents": {"persisted_queries.experimental_prewarm_query_plan_cache"},
    "08-telemetry": {
        "telemetry.apollo",
        "telemetry.exporters.logging",
        "telemetry.exporters.tracing.propagation",
        "telemetry.exporters.tracing.otlp.batch_processor.max_concurrent_exports",
        "telemetry.instrumentation",
    },
    "09-errors-and-uploads": {
        "preview_file_uploads.protocols.multipart.mode",
        "experimental_type_conditioned_fetching",
        "experimental_hoist_orphan_errors",
        "experimental_chaos",
    },
    "10-headers": set[str](),
    "13-newest-names": {
        "supergraph.log_on_broken_pipe",
        "supergraph.validate_default_values",
        "limits.router.http1_max_request_headers",
        "limits.connector",
        "headers.connector",
        "subscription.deduplication.all.ignore_auth_context",
        "subscription.deduplication.subgraphs",
        "circuit_breaker.all.window_size",
        "circuit_breaker.connector",
        "traffic_shaping.all.http2",
        "telemetry.exporters.metrics.common.views",
    },
}
REFUSED = {
    "06-subscriptions": [
        "subscription.mode.passthrough.subgraphs.reviews.protocol: the older protocol of subscriptions-transport-ws is not"
    ],
    "12-scripts": ["rhai: no scripts are run here; write what they do as a hook", "coprocessor: nobody else is asked"],
}


def file_of(folder: Path, name: str) -> Path:
    for made in ("cert.pem", "key.pem"):
        (folder / made).touch()
    file = folder / f"{name}.yaml"
    file.write_text((FILES / file.name).read_text().replace("FOLDER", str(folder)))
    return file


@pytest.mark.parametrize("name", HARMLESS)
def test_what_has_no_effect_is_named_and_the_rest_has_one(tmp_path: Path, name: str) -> None:
    file = file_of(tmp_path, name)

    assert {note.split()[1] for note in read_with_notes(file, {}).notes} == HARMLESS[name]

    said = CliRunner().invoke(cli, ["config", "validate", str(file)])
    assert (said.exit_code, said.stdout.splitlines()[-1]) == (0, f"{file} is valid.")


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_done_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    said = CliRunner().invoke(cli, ["config", "validate", str(file_of(tmp_path, name))])

    assert said.exit_code == 2
    assert isinstance(said.exception, SystemExit)
    for sentence in REFUSED[name]:
        assert sentence in said.stderr


def test_certificates_are_given_by_their_contents_there_and_by_their_files_here(tmp_path: Path) -> None:
    tls = read_with_notes(file_of(tmp_path, "04-hardened-edge"), {}).config.tls.supergraph

    assert tls is not None
    assert (tls.certificate_chain, tls.key) == (tmp_path / "cert.pem", tmp_path / "key.pem")


def test_the_names_of_the_newest_version_mean_the_same(tmp_path: Path) -> None:
    config = read_with_notes(file_of(tmp_path, "13-newest-names"), {}).config

    limits = config.limits
    assert (limits.body_bytes, limits.depth, limits.height, limits.aliases, limits.root_fields, limits.warn_only) == (
        3_000_000,
        33,
        201,
        31,
        21,
        True,
    )
    assert [config.answer_bytes(name) for name in ("products", "others")] == [20_000_000, 10 * 2**20]
    assert len(config.headers.to_services().of("products")) == 2
    assert len(config.headers.to_client().of("products")) == 1
    through = config.subscriptions.mode.passthrough.all
    assert through is not None
    assert (through.path, through.heartbeat_interval) == ("/subs", 5)
    assert config.subscriptions.deduplication.ignored_headers == {"x-request-id"}
    breakers = [config.traffic_shaping.of(name).circuit_breaker for name in ("products", "others")]
    assert [(one.error_threshold, one.volume_threshold, one.reset_timeout) for one in breakers if one] == [
        (0.4, 3, 31),
        (0.4, 10, 31),
    ]
    assert config.jwt is not None
    assert (config.jwt.on_error, config.expose_query_plan) == ("Error", True)
    assert config.telemetry.exporters.tracing.experimental_response_trace_id.enabled is True
    assert (config.health.enabled, config.metrics.listen) == (False, "127.0.0.1:9090")
    assert config.telemetry.exporters.metrics.otlp.temporality == "delta"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "headers: {all: {request: {operations: [{propagate: {nmaed: a}}]}}}",
            "headers.all.request.operations.0.propagate.nmaed",
        ),
        (
            "apq: {router: {cache: {redis: {urls: ['redis://r'], password: x}}}}",
            "stands in the address here, as redis://:pass",
        ),
        ("circuit_breaker: {all: {consecutive_failures: 3}}", "write failure_rate_threshold and min_requests"),
        (
            "limits: {router: {max_dept: 3}}",
            "limits.router.max_dept is no setting; did you mean limits.router.max_depth?",
        ),
        ("telemetry: {exporters: {metrics: {common: {buckets: [1, 0.5]}}}}", "larger than the one before"),
        ("preview_operation_limits: {max_depth: 1}", "it's called limits now"),
        ("server: {listen: '127.0.0.1:1'}", "server.listen is no setting; did you mean supergraph.listen?"),
        ("health_check: 8088", "health_check: a section with keys of its own is expected here"),
        ("csrf: {required_headers: x}", "csrf.required_headers: a list is expected here"),
        ("headers: {all: {request: [{insert: {name: x, from_context: mine}}]}}", "a hook can insert anything else"),
        ("telemetry: {exporters: {tracing: {datadog: {enabled: true}}}}", "write telemetry.exporters.tracing.otlp"),
        ("tls: {supergraph: {certificate: '${file./nope}', key: /no}}", "tls.supergraph.certificate: /nope is no file"),
    ],
)
def test_a_newer_or_older_name_that_can_not_be_followed_says_what_to_write(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "router.yaml").write_text(text)

    with pytest.raises(Misconfigured) as refused:
        read_with_notes(tmp_path / "router.yaml", {})

    assert str(refused.value).startswith(f"{tmp_path / 'router.yaml'}:1: ")
    assert said in str(refused.value)


def test_only_the_fault_is_told_and_not_what_follows_from_it(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text("authentication: {router: {jwt: {jwks: [{url: x, urls: y}]}}}")

    with pytest.raises(Misconfigured) as refused:
        read_with_notes(tmp_path / "router.yaml", {})

    (line,) = str(refused.value).splitlines()
    assert "jwks.0.urls is no setting; did you mean" in line


def test_an_alias_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text("limits: &all\n  router: *all\n")

    with pytest.raises(Misconfigured, match="an alias repeats what it stands in, which begins in line 1"):
        read_with_notes(tmp_path / "router.yaml", {})


@pytest.mark.parametrize("text", ["plugins: {}", "coprocessor: null", "rhai:", "experimental_mock_subgraphs: null"])
def test_an_empty_section_means_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "router.yaml").write_text(text)

    assert read_with_notes(tmp_path / "router.yaml", {}).notes == ()


async def answers(settings: Any, method: str, path: str, **more: Any) -> httpx2.Response:
    app = build(RouterConfig.model_validate(settings), in_process={"a": Subgraph("type Query { a: Int }", {})})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client:
        return await client.request(method, path, **more)


async def test_without_a_sandbox_there_is_no_page_and_get_belongs_to_graphql(tmp_path: Path) -> None:
    text = "supergraph: {path: /}\nsandbox: {enabled: false}\nhomepage: {enabled: true}"
    (tmp_path / "router.yaml").write_text(text)
    off = read_with_notes(tmp_path / "router.yaml", {}).config.model_dump()
    (tmp_path / "router.yaml").write_text("supergraph: {path: /}\nsandbox: {enabled: true}\nhomepage: {enabled: false}")
    on = read_with_notes(tmp_path / "router.yaml", {}).config.model_dump()

    shown = await answers(on, "GET", "/", headers={"accept": "text/html"})
    hidden = await answers(off, "GET", "/", headers={"accept": "text/html"})
    asked = await answers(off, "GET", "/?query={a}", headers={"apollo-require-preflight": "1"})

    assert (shown.status_code, shown.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert hidden.status_code == 406
    assert asked.json()["errors"][0]["extensions"]["code"] == "SUPERGRAPH_UNAVAILABLE"


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({}, "apollo-trace-id", "0af7651916cd43dd8448eb211c80319c"),
        ({"header_name": "my-trace-id", "format": "uuid"}, "my-trace-id", "0af76519-16cd-43dd-8448-eb211c80319c"),
        ({"format": "decimal"}, "apollo-trace-id", "14576827793038113322513871894673895836"),
        ({"format": "datadog"}, "apollo-trace-id", "9532127138774266268"),
    ],
)
async def test_answers_tell_the_trace_where_it_is_wanted(settings: Any, name: str, value: str) -> None:
    shown = {"enabled": True, **settings}
    config = {"telemetry": {"exporters": {"tracing": {"experimental_response_trace_id": shown}}}}
    traced = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}

    answer = await answers(config, "POST", "/graphql", json={"query": "{ a }"}, headers=traced)

    assert answer.headers[name] == value
