"""The command line: a router over any supergraph, alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import Result
from typer.testing import CliRunner

from deploy.local.children import free_port
from router.__main__ import cli

SUBGRAPH = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { hello: String }
"""


def command(*arguments: str, **environment: str) -> Result:
    clean = {name: None for name in os.environ if name.startswith("PSA_")}
    return CliRunner().invoke(cli, arguments, env={**clean, **environment})


@pytest.fixture
def subgraphs(tmp_path: Path) -> Path:
    file = tmp_path / "subgraphs.json"
    file.write_text(json.dumps([{"name": "a", "url": "http://127.0.0.1:1/graphql", "sdl": SUBGRAPH}]))
    return file


async def test_serve_over_subgraphs_gets_ready_and_needs_no_token(subgraphs: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "router", "serve", "--subgraphs", str(subgraphs), "--port", str(port),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await ready(client)
            response = await client.post("/graphql", json={"query": "{ __typename hello }"})
    finally:
        process.terminate()
        _, log = await process.communicate()

    assert response.json()["data"] == {"__typename": "Query", "hello": None}
    assert response.json()["errors"][0]["path"] == ["hello"]
    assert response.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    lines = [json.loads(line) for line in log.splitlines()]
    requests = [line for line in lines if line["message"] == "request" and line["url"]["path"] == "/graphql"]
    assert len(requests) == 1
    assert requests[0]["http"]["response"]["status_code"] == 200
    assert requests[0]["errors"] == ["UPSTREAM_UNAVAILABLE"]
    assert b"hello" not in log


async def ready(client: Any) -> None:
    while True:
        try:
            if (await client.get("/health")).status_code == 200:
                return
        except httpx2.TransportError:
            await asyncio.sleep(0.05)


def test_config_shows_what_is_in_force_and_hides_secrets() -> None:
    done = command("config", PSA_ROUTER_REGISTRY__TOKEN="s3cret", PSA_ROUTER_LISTEN__PORT="4711")

    assert done.exit_code == 0
    assert "port: 4711" in done.stdout
    assert "s3cret" not in done.stdout


def test_a_misspelt_setting_is_refused_with_a_suggestion() -> None:
    done = command("config", PSA_ROUTER_LISTEN__PRT="1")

    assert done.exit_code == 2
    assert done.stderr == "listen.prt is no setting; did you mean listen.port?\n"


def test_compose_prints_the_supergraph_or_every_reason(subgraphs: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('[{"name": "a", "sdl": "type Query {"}]')

    good = command("compose", "--subgraphs", str(subgraphs))
    bad = command("compose", "--subgraphs", str(tmp_path / "broken.json"))

    assert good.exit_code == 0
    assert 'A @join__graph(name: "a", url: "http://127.0.0.1:1/graphql")' in good.stdout
    assert bad.exit_code == 1
    assert [error["code"] for error in json.loads(bad.stdout)["errors"]] == ["INVALID_GRAPHQL"]


def test_plan_and_explain_show_how_an_operation_would_be_answered(subgraphs: Path, tmp_path: Path) -> None:
    supergraph, query = tmp_path / "supergraph.graphql", tmp_path / "query.graphql"
    supergraph.write_text(command("compose", "--subgraphs", str(subgraphs)).stdout)
    query.write_text("{ hello }")

    planned = command("plan", "--supergraph", str(supergraph), str(query))
    as_json = command("plan", "--supergraph", str(supergraph), "--json", str(query))
    explained = command("explain", "--supergraph", str(supergraph), str(query))
    refused = command("plan", "--supergraph", str(supergraph), "{ nothing }")
    missing = command("plan", "--supergraph", str(supergraph), str(tmp_path / "nowhere"))

    assert planned.stdout.startswith('QueryPlan {\n  Fetch(service: "a")')
    assert json.loads(as_json.stdout)["node"]["serviceName"] == "a"
    assert explained.exit_code == 0
    assert "hello" in explained.stdout
    assert (refused.exit_code, refused.stderr) == (2, "Cannot query field 'nothing' on type 'Query'.\n")
    assert missing.exit_code == 2


def test_diff_exits_with_1_only_when_a_client_may_break(subgraphs: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.graphql", tmp_path / "new.graphql"
    old.write_text(command("compose", "--subgraphs", str(subgraphs)).stdout)
    new.write_text(old.read_text().replace("hello: String", "hello: String\n  more: Int"))

    added = command("diff", str(old), str(new))
    removed = command("diff", "--json", str(new), str(old))
    no_supergraph = command("diff", str(old), str(subgraphs))

    assert (added.exit_code, added.stdout.splitlines()[0]) == (0, "safe       FIELD_ADDED  Field Query.more was added.")
    assert removed.exit_code == 1
    assert json.loads(removed.stdout)["changes"][0]["code"] == "FIELD_REMOVED"
    assert (no_supergraph.exit_code, no_supergraph.stdout) == (2, "")
