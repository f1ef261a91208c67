"""Checks against what clients send, history, rollback: over HTTP and by the command line."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from small_graph import Subgraph
from structlog.testing import capture_logs
from typer.testing import CliRunner

from router.__main__ import cli
from router.registry.registry import Registration
from router.server.app import build
from router.server.config import RouterConfig

TOKEN = {"authorization": "Bearer s3cret"}
FULL = 'type Query { customer: Customer } type Customer @key(fields: "id") { id: ID! name: String phone: String }'
CRM = Subgraph(FULL, {"customer": {"__typename": "Customer", "id": "1", "name": "ACME", "phone": "112"}})


def said(sdl: str, version: str, **more: Any) -> dict[str, Any]:
    text = Subgraph(sdl, {}).text
    return {"url": "inprocess://crm/graphql", "version": version, "sdl": text, **more}


async def announce(router: Any, sdl: str, version: str, path: str = "", **more: Any) -> Any:
    return await router.client.post(f"/registry/subgraphs/crm{path}", json=said(sdl, version, **more), headers=TOKEN)


def settings(mode: str = "enforce", **more: Any) -> dict[str, Any]:
    return {"registry": {"token": "s3cret", "checks": {"mode": mode}, **more}}


WITHOUT_PHONE = FULL.replace(" phone: String", "")
WITHOUT_NAME = FULL.replace(" name: String", "")


async def test_what_clients_send_is_not_taken_from_them(small: Any) -> None:
    async with small({"crm": CRM}, **settings()) as router:
        await router.ask("query Who { customer { name } }", headers={"apollographql-client-name": "web"})
        checked = await announce(router, WITHOUT_NAME, "2", "/check")
        refused = await announce(router, WITHOUT_NAME, "2")
        kept = await router.ask("{ customer { name } }")
        unused = await announce(router, WITHOUT_PHONE, "3")
        forced = await announce(router, WITHOUT_NAME.replace(" phone: String", ""), "4", "?force=true", by="anna")
        gone = await router.ask("{ customer { name } }")
        history = (await router.client.get("/registry/history", headers=TOKEN)).json()

    assert [one.status_code for one in (checked, refused, unused, forced)] == [409, 409, 200, 200]
    [error] = refused.json()["errors"]
    assert error["code"] == "BREAKING_CHANGE"
    assert error["message"].startswith("Field Customer.name was removed. Used by query Who (web; last seen ")
    assert checked.json()["errors"][0]["message"] == error["message"]
    assert [one["code"] for one in checked.json()["changes"]] == ["FIELD_REMOVED"]
    assert kept == {"data": {"customer": {"name": "ACME"}}}
    assert [one["code"] for one in forced.json()["warnings"]] == ["BREAKING_CHANGE"]
    assert gone["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert [(one["number"], one["who"], one["why"], one["subgraphs"]) for one in history["versions"]] == [
        (3, "anna", "crm 3 → 4 (forced)", {"crm": "4"}),
        (2, "crm", "crm 1 → 3", {"crm": "3"}),
        (1, "crm", "crm 1", {"crm": "1"}),
    ]
    assert [one["changed"]["breaking"] for one in history["versions"]] == [1, 1, 0]


async def test_by_default_what_breaks_is_only_told(small: Any) -> None:
    async with small({"crm": CRM}, registry={"token": "s3cret"}) as router:
        await router.ask("{ customer { name } }")
        warned = await announce(router, WITHOUT_NAME, "2")
        operations = (await router.client.get("/registry/operations", headers=TOKEN)).json()["operations"]

    assert warned.status_code == 200
    assert [one["code"] for one in warned.json()["warnings"]] == ["BREAKING_CHANGE"]
    assert [(one["count"], one["type"], list(one["clients"])) for one in operations] == [(1, "query", ["(unnamed)"])]


async def test_nothing_is_noted_where_nobody_can_register(small: Any) -> None:
    async with small({"crm": CRM}) as router:
        await router.ask("{ customer { name } }")

        assert router.app.state.registry.seen is None


async def test_an_unchanged_schema_is_no_version_of_its_own(small: Any) -> None:
    async with small({"crm": CRM}, **settings()) as router:
        before = router.app.state.graphs.current
        again = await announce(router, FULL, "1.0.1")
        after = router.app.state.graphs.current
        versions = (await router.client.get("/registry/history", headers=TOKEN)).json()["versions"]

    assert again.json() == {"state": "active"}
    assert before is after
    assert len(versions) == 1


async def test_a_rollback_holds_until_another_schema_comes_or_it_is_released(small: Any) -> None:
    async with small({"crm": CRM}, **settings()) as router:
        await announce(router, WITHOUT_PHONE, "2")
        diff = (await router.client.get("/registry/diff", headers=TOKEN)).json()
        back = await router.client.post("/registry/rollback", json={"to": 1, "by": "anna"}, headers=TOKEN)
        answer = await router.ask("{ customer { phone } }")
        heartbeat = await announce(router, WITHOUT_PHONE, "2")
        still = await router.ask("{ customer { phone name } }")
        released = await router.client.delete("/registry/rollback", headers=TOKEN)
        other = await announce(router, FULL + " type More { a: Int }", "3")
        unknown = await router.client.post("/registry/rollback", json={"to": "99"}, headers=TOKEN)
        history = (await router.client.get("/registry/history", headers=TOKEN)).json()["versions"]

    assert [(one["code"], one["coordinate"]) for one in diff["changes"]] == [("FIELD_REMOVED", "Customer.phone")]
    assert (diff["from"], diff["to"], back.json()) == (1, 2, {"state": "active"})
    assert answer == {"data": {"customer": {"phone": "112"}}}
    assert (heartbeat.status_code, heartbeat.json()["errors"][0]["code"]) == (409, "ROLLED_BACK")
    assert still == {"data": {"customer": {"phone": "112", "name": "ACME"}}}
    assert released.json() == {"released": ["crm"]}
    assert (other.status_code, unknown.status_code) == (200, 404)
    assert [(one["number"], one["who"], one["why"]) for one in history][1] == (3, "anna", "rollback to version 1")
    assert history[1]["hash"] == history[3]["hash"]


async def test_history_holds_and_what_was_seen_outlive_a_restart(small: Any, tmp_path: Path) -> None:
    kept = settings(state_file=str(tmp_path / "registry.json"))
    async with small({"crm": CRM}, **kept) as router:
        await announce(router, WITHOUT_PHONE, "2")
        await router.client.post("/registry/rollback", json={"to": "1"}, headers=TOKEN)
        await router.ask("query Who { customer { name } }")
    again = build(RouterConfig.model_validate(kept), in_process={"crm": CRM}).state.registry
    refused = await again.register(Registration("crm", "inprocess://crm/graphql", "3", Subgraph(WITHOUT_NAME, {}).text))
    held = await again.register(Registration("crm", "inprocess://crm/graphql", "2", Subgraph(WITHOUT_PHONE, {}).text))

    assert [one.number for one in again.history.versions] == [1, 2, 3]
    assert [one.code for one in refused.errors] == ["BREAKING_CHANGE"]
    assert [one.code for one in held.errors] == ["ROLLED_BACK"]
    assert again.history.find("1").supergraph_sdl == again.history.find("3").supergraph_sdl


@pytest.mark.parametrize("path", ["history", "history/1", "diff", "operations"])
async def test_nothing_of_it_is_shown_without_the_token(small: Any, path: str) -> None:
    async with small({"crm": CRM}, **settings()) as router:
        assert (await router.client.get(f"/registry/{path}")).status_code == 401
        assert (await router.client.post("/registry/rollback", json={"to": "1"})).status_code == 401


async def test_the_command_line_does_the_same(small: Any, served: Any, tmp_path: Path) -> None:
    file = tmp_path / "crm.graphql"
    file.write_text(Subgraph(WITHOUT_NAME, {}).text)

    stack = ExitStack()

    async def run(*arguments: str) -> Any:
        environment = {"PSA_ROUTER_URL": url, "PSA_ROUTER_REGISTRY__TOKEN": "s3cret"}
        return await asyncio.to_thread(CliRunner().invoke, cli, ["registry", *arguments], env=environment)

    async with small({"crm": CRM}, **settings()) as router, served(router.app) as url:
        stack.enter_context(capture_logs())  # what is printed meanwhile is the command's
        await router.ask("{ customer { name } }")
        schema = ("crm", "--sdl", str(file), "--url", "inprocess://crm/graphql", "--version", "2")
        checked = await run("check", *schema)
        published = await run("publish", *schema, "--force", "--by", "anna")
        back = await run("rollback", "1")
        listed = await run("history")
        status = await run("status")
        wrong = await run("history", "--token", "wrong")
        stack.close()

    assert (checked.exit_code, published.exit_code, back.exit_code, status.exit_code) == (1, 0, 0, 0)
    assert [one["who"] for one in json.loads(listed.stdout)["versions"]] == ["somebody", "anna", "crm"]
    assert wrong.exit_code == 2
