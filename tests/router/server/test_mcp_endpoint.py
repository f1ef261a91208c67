"""The door for assistants, with the official client: tools by permission, a search, writes that are tried first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from small_graph import Subgraph

from router.server.app import build
from router.server.config import Misconfigured, RouterConfig

OPERATIONS = """
# Find tickets.
query Find($first: Int = 2) { tickets(first: $first) { id title } }
# What lies in the vault.
query Vault { vault { gold } }
# Open a ticket.
mutation Open($input: OpenInput!) { open(input: $input) { ticket { id title } errors { message } } }
mutation Wipe { wipe }
"""


def desk() -> Subgraph:
    """A subgraph that remembers what was done, and takes back what was only tried."""
    done: dict[str, str] = {}

    def opened(input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the argument's name
        if input["title"] == "no":
            return {"ticket": None, "errors": [{"message": "No."}]}
        key = input.get("clientMutationId") or ""
        if not input["dryRun"]:
            done.setdefault(key, input["title"])
        return {"ticket": {"id": str(len(done)), "title": input["title"]}, "errors": []}

    return Subgraph(
        """
        type Query { tickets(first: Int): [Ticket!]! vault: Vault @requiresScopes(scopes: [["bank:read"]]) count: Int }
        type Mutation { open(input: OpenInput!): Opened! @requiresScopes(scopes: [["tickets:write"]]) wipe: Int }
        type Ticket { id: ID! title: String! }
        type Vault { gold: Int }
        type Opened { ticket: Ticket errors: [Fault!]! }
        type Fault { message: String! }
        input OpenInput { title: String! dryRun: Boolean! = false clientMutationId: String }
        """,
        {
            "tickets": lambda first: [{"id": str(one), "title": f"T{one}"} for one in range(first)],
            "vault": {"gold": 7},
            "open": opened,
            "wipe": 1,
            "count": lambda: len(done),
        },
    )


@pytest.fixture
def asking(small: Any, issuer: Any, tmp_path: Path) -> Any:
    """Return what starts a router with the door open."""
    file = tmp_path / "operations.graphql"
    file.write_text(OPERATIONS)

    def start(**settings: Any) -> Any:
        mcp = {"enabled": True, "operations": [str(file)], **settings.pop("mcp", {})}
        more = {"authentication": issuer.settings(), "rest": {"enabled": False}, **settings}
        return small({"desk": desk()}, mcp=mcp, **more)

    return start


@asynccontextmanager
async def assistant(psa: Any, bearer: dict[str, str], mode: str = "auto") -> AsyncIterator[Client]:
    psa.client.headers.update(bearer)
    async with Client(streamable_http_client("http://router/mcp", http_client=psa.client), mode=mode) as client:
        yield client


async def called(client: Client, tool: str, /, **arguments: Any) -> tuple[bool, Any]:
    told = await client.call_tool(tool, arguments)
    return told.is_error, told.structured_content


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_assistants_see_the_tools_that_their_caller_may_use(asking: Any, issuer: Any, mode: str) -> None:
    async with asking() as psa:
        async with assistant(psa, issuer.bearer(scope="tickets:read"), mode) as client:
            few = await client.list_tools()
            found = await called(client, "Find")
            with pytest.raises(MCPError, match="There is no tool 'Vault', or it is not for you."):
                await client.call_tool("Vault", {})
            searched = await called(client, "search_schema", query="vault gold open")
            hidden = await called(client, "show_type", name="Vault")
        async with assistant(psa, issuer.bearer(scope="bank:read tickets:write"), mode) as client:
            more = await client.list_tools()
            vault = await called(client, "Vault")
            shown = await called(client, "show_type", name="Vault")

    assert [one.name for one in few.tools] == ["search_schema", "show_type", "Find"]
    assert found == (False, {"data": {"tickets": [{"id": "0", "title": "T0"}, {"id": "1", "title": "T1"}]}})
    assert searched == (False, {"found": []})
    assert hidden[0]
    assert [one.name for one in more.tools] == ["search_schema", "show_type", "Find", "Vault", "Open"]
    assert [one.annotations.read_only_hint for one in more.tools if one.annotations] == [True, True, True, True, False]
    assert vault == (False, {"data": {"vault": {"gold": 7}}})
    assert shown == (False, {"sdl": "type Vault {\n  gold: Int\n}"})


async def test_a_write_is_tried_first_and_done_once_when_it_is_confirmed(asking: Any, issuer: Any) -> None:
    async with asking() as psa, assistant(psa, issuer.bearer(scope="tickets:write")) as client:
        wanted = {"title": "Printer"}
        tried = await called(client, "Open", input=wanted)
        after_trial = (await psa.ask("{ count }"))["data"]["count"]
        confirm = tried[1].pop("confirm")
        other = await called(client, "Open", input={"title": "Server"}, confirm=confirm)
        rubbish = await called(client, "Open", input=wanted, confirm=7)
        after_refusals = (await psa.ask("{ count }"))["data"]["count"]
        done = await called(client, "Open", input=wanted, confirm=confirm)
        again = await called(client, "Open", input=wanted, confirm=confirm)
        at_the_end = (await psa.ask("{ count }"))["data"]["count"]
        refused = await called(client, "Open", input={"title": "no"})
        smuggled = await called(client, "Open", input={"title": "X", "dryRun": False})
        unknown = await called(client, "Find", last=1)
        wrong = await called(client, "Open", input={"title": 1})

    payload = {"ticket": {"id": "0", "title": "Printer"}, "errors": []}
    assert tried == (False, {"dryRun": True, "data": {"open": payload}})
    assert (after_trial, after_refusals, at_the_end) == (0, 0, 1)
    assert (other[0], rubbish[0]) == (True, True)
    assert (
        done
        == again
        == (False, {"dryRun": False, "data": {"open": {"ticket": {"id": "1", "title": "Printer"}, "errors": []}}})
    )
    assert (refused[0], "confirm" in refused[1]) == (True, False)
    assert smuggled[1]["errors"][0]["message"] == "`input.dryRun` is said by this endpoint itself."
    assert unknown[1]["errors"][0]["message"] == "Find has no argument 'last'."
    assert wrong[0]
    assert wrong[1]["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_writes_and_the_search_can_be_left_out(asking: Any, issuer: Any) -> None:
    bearer = issuer.bearer(scope="bank:read tickets:write")
    async with asking(mcp={"writes": False, "search": False}) as psa, assistant(psa, bearer) as client:
        tools = await client.list_tools()
        with pytest.raises(MCPError, match="There is no tool 'Open'"):
            await client.call_tool("Open", {"input": {"title": "T"}})

    assert [one.name for one in tools.tools] == ["Find", "Vault"]


async def test_persisted_operations_are_tools_too(asking: Any, issuer: Any, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"1": "query Persisted { count }"}')
    persisted = {"enabled": True, "local_manifests": [str(manifest)]}
    settings = {"mcp": {"operations": []}, "persisted_queries": persisted}
    async with asking(**settings) as psa, assistant(psa, issuer.bearer(scope="")) as client:
        tools = await client.list_tools()
        counted = await called(client, "Persisted")

    assert [one.name for one in tools.tools][2:] == ["Persisted"]
    assert counted == (False, {"data": {"count": 0}})


async def test_nobody_gets_in_without_a_name_or_by_another_method(asking: Any, small: Any, issuer: Any) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with asking() as psa:
        nobody = await psa.client.post("/mcp", json=hello)
        got = await psa.client.get("/mcp", headers=issuer.bearer())
        rubbish = await psa.client.post(
            "/mcp", content=b"{", headers={**issuer.bearer(), "content-type": "application/json", "accept": "*/*"}
        )
    async with small({"desk": desk()}) as closed:
        absent = await closed.client.post("/mcp", json=hello)

    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert rubbish.status_code == 400
    assert absent.status_code == 404


def test_a_manifest_that_can_t_be_read_is_told_at_the_start(tmp_path: Path) -> None:
    settings = {"mcp": {"enabled": True, "operations": [str(tmp_path / "gone.json")]}}

    with pytest.raises(Misconfigured, match="mcp.operations: .*gone.json can't be read"):
        build(RouterConfig.model_validate(settings))
