"""The door for assistants: tools and a search over the schema through the Model Context Protocol, at `/mcp`.

    request ─ who asks ─► the protocol (the library `mcp`, no sessions, JSON answers) ─► list · call
                                                                                          │
    tools/list   the tools all of whose root fields the caller may ask for  ◄─────────────┤
    tools/call   a registered operation through the pipeline, as from any other door  ◄───┘
                 a write is tried, and done when it comes again confirmed (`router.mcp.confirmation`)

Every request says who asks, so that there is nothing to remember between two of them, and any router may answer.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import orjson
import structlog
from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from contracts.scopes import covers
from router.federation.supergraph import InvalidSupergraph
from router.federation.variants import InvalidContract
from router.mcp.confirmation import Confirmations, idempotency_key
from router.mcp.search import Index
from router.mcp.sight import Sight, seen
from router.mcp.tools import Tool, Toolbox, toolbox
from router.planner.access import Access
from router.rest.description import allowed
from router.rest.view import View
from router.server import limits, manifests, response, rest
from router.server.access_log import facts_of
from router.server.authorization import scopes_of
from router.server.config import RouterConfig
from router.server.head import head_of
from router.server.http import GraphQLOverHTTP
from router.server.lru import Recent
from router.server.pipeline import Client, Pipeline
from router.server.refusals import Refused
from router.server.reload import Graph, Graphs
from router.server.request import JSON, GraphQLRequest

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

log = structlog.get_logger(__name__)

_CLIENT: Final = "psa.mcp.client"
_CONFIRM: Final = "confirm"
_SEARCH, _SHOW = "search_schema", "show_type"
_MOST_FOUND: Final = 50
_KEPT_SIGHTS: Final = 16
_INSTRUCTIONS: Final = (
    "The business platform of a managed service provider. Tools are registered operations of its graph. A tool that changes "
    "something only tries it at first and answers what would happen, with `confirm`; show that to the person whom you work "
    "for, and call it again with the same arguments and `confirm` when they agree."
)
_TRIES: Final = (
    "Leave it out at first: then everything is tried and taken back. What that answers as `confirm` does it."
)


@dataclass(frozen=True, slots=True)
class _Over:
    """What follows from one graph and its registered operations."""

    graph: Graph
    registered: tuple[str, ...]
    toolbox: Toolbox
    view: Any
    access: Access
    needs: Mapping[str, tuple[str, ...]]


class Endpoint:
    """Answers assistants; `running` has to be entered before the first of them comes."""

    def __init__(self, config: RouterConfig, wire: GraphQLOverHTTP, pipeline: Pipeline, graphs: Graphs) -> None:
        self._settings = config.mcp
        self._wire, self._pipeline, self._graphs = wire, pipeline, graphs
        self._own = _own(config)
        self._needs = rest.needs(config.rest)
        key = self._settings.confirmation_key
        signing = key.get_secret_value().encode() if key else os.urandom(32)
        self._confirmations = Confirmations(signing, int(self._settings.confirm_seconds))
        self._over: _Over | None = None
        self._making = asyncio.Lock()
        self._sights: Recent[tuple[int, frozenset[str] | None], tuple[Sight, Index]] = Recent(_KEPT_SIGHTS)
        server: Server[Any] = Server(
            "psa-platform", instructions=_INSTRUCTIONS, on_list_tools=self._list, on_call_tool=self._call
        )
        self._protocol = StreamableHTTPSessionManager(
            server, stateless=True, json_response=True, max_request_body_size=config.limits.body_bytes
        )

    def routes(self) -> list[BaseRoute]:
        """Return the one route."""
        return [Route(self._settings.path, self)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer meanwhile."""
        async with self._protocol.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who asks, and hand over to the protocol."""
        try:
            _check_method(scope["method"])
            limits.check_head(scope, self._pipeline.warden)
            with self._pipeline.admission.place():
                scope[_CLIENT] = await self._identified(scope)
                await self._protocol.handle_request(scope, receive, _plainly(send))
        except Refused as refused:
            facts_of(scope).error_codes.append(refused.code.code)
            await response.refusal(refused, JSON, apollo_status_codes=True)(scope, receive, send)

    async def _identified(self, scope: Scope) -> Client:
        facts, headers = facts_of(scope), head_of(scope)
        caller = await self._pipeline.identify(headers, facts)
        if caller is None and self._pipeline.asks_who:
            raise Refused("UNAUTHENTICATED", "Say who you are.", headers={"www-authenticate": "Bearer"})
        return Client(headers, facts, caller)

    # --- what the protocol asks

    async def _list(
        self, context: ServerRequestContext[Any, Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        client = _client(context)
        await self._counted(client)
        over = await self._current()
        may = _may(over, _held(client))
        own = list(_searching()) if self._settings.search else []
        return types.ListToolsResult(
            tools=[*own, *(_described(tool) for tool in over.toolbox.tools if self._is_for(tool, may))]
        )

    async def _call(
        self, context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        client, given = _client(context), params.arguments or {}
        try:
            async with self._wire.deadline("GATEWAY_TIMEOUT", "Your request has been timed out."):
                if self._settings.search and params.name in (_SEARCH, _SHOW):
                    return await self._look(params.name, given, client)
                return await self._do(params.name, given, client)
        except Refused as refused:
            client.facts.error_codes.append(refused.code.code)
            return _told({"errors": refused.errors}, failed=True)

    async def _counted(self, client: Client) -> None:
        try:
            await self._pipeline.count(client)
        except Refused as refused:
            raise MCPError(code=types.INVALID_REQUEST, message=refused.errors[0]["message"]) from refused

    # --- search

    async def _look(self, name: str, given: Mapping[str, Any], client: Client) -> types.CallToolResult:
        await self._pipeline.count(client)
        over = await self._current()
        sight, index = await self._sight(over, _held(client))
        if name == _SHOW:
            printed = sight.printed(_text(given, "name"))
            if printed is None:
                return _told(
                    {"errors": [_fault("NOT_FOUND", "There is no such type, or it is not for you.")]}, failed=True
                )
            return _told({"sdl": printed})
        most = given.get("limit", 10)
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= _MOST_FOUND:
            raise Refused("BAD_USER_INPUT", f"`limit` must be a number from 1 to {_MOST_FOUND}.")
        return _told({"found": index.find(_text(given, "query"), most)})

    async def _sight(self, over: _Over, held: frozenset[str] | None) -> tuple[Sight, Index]:
        key = (id(over), held)
        known = self._sights.get(key)
        if known is None:
            known = await asyncio.to_thread(_looked, over, held)
            self._sights.put(key, known)
        return known

    # --- operations

    async def _do(self, name: str, given: Mapping[str, Any], client: Client) -> types.CallToolResult:
        over = await self._current()
        tool = over.toolbox.find(name)
        if tool is None or not self._is_for(tool, _may(over, _held(client))):
            await self._counted(client)
            raise MCPError(code=types.INVALID_PARAMS, message=f"There is no tool {name!r}, or it is not for you.")
        variables = {key: value for key, value in given.items() if key != _CONFIRM or not tool.writes}
        unknown = sorted(variables.keys() - tool.arguments["properties"].keys())
        if unknown:
            raise Refused("BAD_USER_INPUT", f"{name} has no argument {unknown[0]!r}.")
        if not tool.writes:
            return _told(await self._run(tool, variables, client))
        return await self._write(tool, variables, given.get(_CONFIRM), client)

    async def _write(
        self, tool: Tool, variables: dict[str, Any], confirmation: Any, client: Client
    ) -> types.CallToolResult:
        who = f"{client.facts.tenant} {client.facts.caller}"
        for one in tool.commands:
            _check_command(variables.get(one), one)
        if confirmation is None:
            tried = await self._run(tool, _each(tool, variables, dryRun=True), client)
            if "errors" in tried or _refusals(tried):
                return _told({"dryRun": True, **tried}, failed=True)
            confirm = self._confirmations.given(who, tool.name, variables, time.time())
            return _told({"dryRun": True, _CONFIRM: confirm, **tried})
        known = isinstance(confirmation, str) and len(confirmation) < 100
        if not known or not self._confirmations.holds(confirmation, who, tool.name, variables, time.time()):
            raise Refused(
                "BAD_USER_INPUT", "`confirm` is not of this write, or too old: leave it out, and try it again."
            )
        keys = {
            one: {**variables[one], "clientMutationId": idempotency_key(confirmation, one)} for one in tool.commands
        }
        return _told({"dryRun": False, **await self._run(tool, {**variables, **keys}, client)})

    async def _run(self, tool: Tool, variables: Mapping[str, Any], client: Client) -> dict[str, Any]:
        request = GraphQLRequest(tool.text, None, variables, {}, registered=True)
        prepared = await self._pipeline.prepare(request, client)
        result = await prepared.execute()
        client.facts.error_codes.extend(error["extensions"]["code"] for error in result.errors)
        told: dict[str, Any] = {"data": result.data}
        return {**told, "errors": list(result.errors)} if result.errors else told

    def _is_for(self, tool: Tool, may: Any) -> bool:
        return (self._settings.writes or not tool.writes) and all(may(*root.split(".")) for root in tool.roots)

    # --- what is worked out once

    async def _current(self) -> _Over:
        graph, registered = self._graphs.needed(), self._pipeline.persisted.registered
        over = self._over
        if over is None or over.graph is not graph or over.registered is not registered:
            async with self._making:
                over = self._over
                if over is None or over.graph is not graph or over.registered is not registered:
                    over = self._over = await asyncio.to_thread(self._made, graph, registered)
                    self._sights = Recent(_KEPT_SIGHTS)
        return over

    def _made(self, graph: Graph, registered: tuple[str, ...]) -> _Over:
        made = toolbox([*self._own, *registered], graph.schema)
        for reason in made.left_out:
            log.warning("mcp.left_out", reason=reason[:500])
        try:
            schema = View.over(graph.supergraph).schema
        except (InvalidContract, InvalidSupergraph):
            schema = graph.schema  # a graph that tells nothing apart for partners
        return _Over(graph, registered, made, schema, Access.of(graph.supergraph), self._needs)


def _own(config: RouterConfig) -> tuple[str, ...]:
    """The operations of the settings, or those that came along; raises `BadManifest`."""
    came_along = Path(str(resources.files("contracts"))) / "operations"
    sources = config.mcp.operations
    if sources is None:
        sources = (came_along,) if came_along.is_dir() else ()
    return manifests.read(sources).everybodys


def _looked(over: _Over, held: frozenset[str] | None) -> tuple[Sight, Index]:
    sight = seen(over.view, _may(over, held))
    return sight, Index(sight)


def _may(over: _Over, held: frozenset[str] | None) -> Any:
    """Whether somebody with these permissions may ask for a field, as far as it can be told before it is asked."""
    by_rest = allowed(held)

    def may(parent: str, name: str) -> bool:
        if held is None:
            return True
        return by_rest(over.needs.get(f"{parent}.{name}", ())) and all(
            _holds(condition, held) for condition in over.access.field(parent, name)
        )

    return may


def _holds(condition: Any, held: frozenset[str]) -> bool:
    clauses = getattr(condition, "any_of", None)
    if clauses is None or type(condition).__name__ == "Policies":
        return True  # somebody is known; what a policy says, it says when it is asked
    return any(all(covers(held, scope) for scope in clause) for clause in clauses)


def _held(client: Client) -> frozenset[str] | None:
    return None if client.caller is None else scopes_of(client.caller.claims)


def _client(context: ServerRequestContext[Any, Any]) -> Client:
    request: Any = context.request
    client: Client = request.scope[_CLIENT]
    return client


def _plainly(send: Send) -> Send:
    """Let the status be a number, as everywhere else: the protocol sends a member of an enumeration."""

    async def sent(message: Message) -> None:
        await send({**message, "status": int(message["status"])} if "status" in message else message)

    return sent


def _check_method(method: str) -> None:
    if method != "POST":
        raise Refused("METHOD_NOT_ALLOWED", "Here one can POST.", headers={"allow": "POST"})


def _check_command(value: Any, name: str) -> None:
    if not isinstance(value, Mapping):
        raise Refused("BAD_USER_INPUT", f"`{name}` must be an object.")
    for hidden in ("dryRun", "clientMutationId"):
        if hidden in value:
            raise Refused("BAD_USER_INPUT", f"`{name}.{hidden}` is said by this endpoint itself.")


def _each(tool: Tool, variables: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {**variables, **{one: {**variables[one], **more} for one in tool.commands}}


def _refusals(told: Mapping[str, Any]) -> bool:
    """Whether a command of the answer was refused."""
    data = told.get("data") or {}
    return any(isinstance(payload, Mapping) and payload.get("errors") for payload in data.values())


def _told(value: dict[str, Any], *, failed: bool | None = None) -> types.CallToolResult:
    wrong = "errors" in value or _refusals(value) if failed is None else failed
    text = types.TextContent(type="text", text=orjson.dumps(value).decode())
    return types.CallToolResult(content=[text], structured_content=value, is_error=wrong)


def _fault(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 400:
        raise Refused("BAD_USER_INPUT", f"`{name}` must be a text of up to 400 characters.")
    return value


def _described(tool: Tool) -> types.Tool:
    schema = tool.arguments
    if tool.writes:
        confirm = {"type": "string", "description": _TRIES}
        schema = {**schema, "properties": {**schema["properties"], _CONFIRM: confirm}}
    hints = types.ToolAnnotations(
        read_only_hint=not tool.writes, destructive_hint=tool.writes, idempotent_hint=True, open_world_hint=False
    )
    return types.Tool(name=tool.name, description=tool.description, input_schema=schema, annotations=hints)


def _searching() -> tuple[types.Tool, types.Tool]:
    hints = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
    text = {"type": "string", "minLength": 1, "maxLength": 400}
    limit = {"type": "integer", "minimum": 1, "maximum": _MOST_FOUND, "default": 10}
    return (
        types.Tool(
            name=_SEARCH,
            description="Find types, fields, inputs and values of the graph by words, as far as you may use them.",
            input_schema={
                "type": "object",
                "properties": {"query": text, "limit": limit},
                "required": ["query"],
                "additionalProperties": False,
            },
            annotations=hints,
        ),
        types.Tool(
            name=_SHOW,
            description="Show a type of the graph in the schema language, with the fields that you may use.",
            input_schema={
                "type": "object",
                "properties": {"name": text},
                "required": ["name"],
                "additionalProperties": False,
            },
            annotations=hints,
        ),
    )
