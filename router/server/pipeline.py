"""The life of a request, one step per line: read `_answer` from top to bottom.

Whatever a step refuses is raised as `Refused` and becomes the answer at one place; whatever nobody foresaw becomes
INTERNAL with a trace id, and the log has the rest.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from graphql import OperationType, get_variable_values
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from router.executor.errors import Masking
from router.executor.execute import Result, execute
from router.executor.fetch import Call, FetchRecord
from router.executor.operation import Operation
from router.planner.query_plan import pretty, to_json
from router.server import response
from router.server.access_log import Facts, facts_of
from router.server.config import RouterConfig
from router.server.metrics import Metrics
from router.server.override_labels import Draw
from router.server.refusals import Refused
from router.server.reload import Graph, Graphs
from router.server.request import (
    JSON,
    ClientGone,
    GraphQLRequest,
    check_content_type,
    check_method,
    graphql_request,
    media_type,
    read_body,
)

if TYPE_CHECKING:  # it brings all of cryptography along, which a router without authentication can do without
    from router.server.authentication import Authenticator, Caller, Minter

Work = Coroutine[Any, Any, Result]

log = structlog.get_logger(__name__)

_EXPOSE_PLAN: Final = "apollo-expose-query-plan"
_MOST_VARIABLE_ERRORS: Final = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """Both sides of identity: who is asking us, and whom we are when we ask others."""

    authenticator: Authenticator
    minter: Minter


class Pipeline:
    """The ASGI application behind `/graphql`."""

    def __init__(
        self,
        config: RouterConfig,
        graphs: Graphs,
        identity: Identity | None,
        metrics: Metrics,
        draw: Draw = random.random,
    ) -> None:
        self._config = config
        self._graphs = graphs
        self._identity = identity
        self._metrics = metrics
        self._draw = draw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; a client that has left gets none."""
        try:
            answer = await self._guarded(scope, receive)
        except ClientGone:
            return
        await answer(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive) -> Response:
        facts, headers = facts_of(scope), Headers(scope=scope)
        wanted = JSON
        try:
            wanted = media_type(headers)
            return await self._answer(scope, receive, headers, facts, wanted)
        except Refused as refused:
            facts.error_codes.append(refused.code.code)
            return response.refusal(refused, wanted)
        except ClientGone:
            raise
        except Exception:
            trace_id = facts.trace.trace_id
            log.exception("request.failed", **{"trace.id": trace_id})
            facts.error_codes.append("INTERNAL")
            return response.refusal(Refused("INTERNAL", "An internal error happened.", traceId=trace_id), wanted)

    async def _answer(self, scope: Scope, receive: Receive, headers: Headers, facts: Facts, wanted: str) -> Response:
        check_method(scope["method"])
        check_content_type(scope["method"], headers)
        async with self._deadline("REQUEST_TIMEOUT", "The request's body did not arrive in time."):
            body = await read_body(receive, headers, self._config.limits.body_bytes)
        async with self._deadline("GATEWAY_TIMEOUT", "Your request has been timed out."):
            caller = await self._identify(headers, facts)
            request = graphql_request(scope["method"], scope["query_string"], body)
            graph = self._graphs.needed()
            labels = graph.labels.active(self._draw)
            operation = await _find(graph, request, labels, facts)
            _check_method_of(operation, scope["method"])
            conditions = _coerced(operation, request)
            extensions = self._plan_shown(operation, headers)
            if extensions and headers[_EXPOSE_PLAN] == "dry-run":
                return response.result(Result(None, []), wanted, extensions)
            call = self._call(request, headers, caller, facts)
            masking = Masking(self._config.mask_internal_errors, facts.trace.trace_id)
            work = execute(operation, graph.services, call, conditions, masking)
            result = await _wait_for(operation, work, receive)
        facts.error_codes.extend(error["extensions"]["code"] for error in result.errors)
        return response.result(result, wanted, extensions)

    @asynccontextmanager
    async def _deadline(self, code: str, message: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._config.request_timeout_seconds):
                yield
        except TimeoutError:
            raise Refused(code, message) from None

    async def _identify(self, headers: Headers, facts: Facts) -> Caller | None:
        if self._identity is None:
            return None
        caller = await self._identity.authenticator.caller(headers.get("authorization"))
        facts.tenant, facts.caller = caller.claims.get("tid"), caller.claims.get("sub")
        return caller

    def _plan_shown(self, operation: Operation, headers: Headers) -> dict[str, Any]:
        allowed = self._config.expose_query_plan
        if allowed is None:
            allowed = self._config.authentication is None
        if not allowed or headers.get(_EXPOSE_PLAN) not in ("true", "dry-run"):
            return {}
        return {"apolloQueryPlan": {"object": to_json(operation.plan), "text": pretty(operation.plan)}}

    def _call(self, request: GraphQLRequest, headers: Headers, caller: Caller | None, facts: Facts) -> Call:
        forwarded = {
            name: headers[name] for name in self._config.subgraphs.forwarded_headers if name in headers
        } | facts.trace.headers()
        identity = self._identity

        def headers_for(service: str) -> Mapping[str, str]:
            if identity is None or caller is None:
                return forwarded
            return {**forwarded, "authorization": f"Bearer {identity.minter.token(caller, service)}"}

        def observe(record: FetchRecord) -> None:
            facts.fetches.append(record)
            self._metrics.fetched(record)

        return Call(request.variables, headers_for, observe)


async def _find(graph: Graph, request: GraphQLRequest, labels: frozenset[str], facts: Facts) -> Operation:
    facts.operation_name = request.operation_name
    operation = await graph.operations.find(request.query, request.operation_name, labels)
    facts.operation_name, facts.operation_type = operation.name, operation.kind
    facts.operation_hash = operation.digest
    return operation


def _check_method_of(operation: Operation, method: str) -> None:
    if method == "GET" and operation.definition.operation is not OperationType.QUERY:
        raise Refused("MUTATION_FORBIDDEN", "Mutations can only be sent over HTTP POST.", headers={"allow": "POST"})


def _coerced(operation: Operation, request: GraphQLRequest) -> Mapping[str, Any]:
    """Check the variables; the subgraphs get what the client sent, the conditions of the plan get these."""
    coerced = get_variable_values(
        operation.schema,
        operation.definition.variable_definitions or (),
        dict(request.variables),
        max_errors=_MOST_VARIABLE_ERRORS,
    )
    if isinstance(coerced, list):
        raise Refused.because("BAD_USER_INPUT", coerced)
    return coerced.coerced


async def _wait_for(operation: Operation, work: Work, receive: Receive) -> Result:
    if operation.definition.operation is OperationType.MUTATION:
        # What was begun is finished: half a mutation helps nobody, whether somebody waits or not.
        return await work
    return await _while_waited_for(receive, work)


async def _while_waited_for(receive: Receive, work: Work) -> Result:
    """Do the work unless the client leaves; then it's cancelled, and the fetches with it."""
    async with asyncio.TaskGroup() as group:
        working = group.create_task(work)
        leaving = group.create_task(_disconnected(receive))
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        left = not working.done()
        (working if left else leaving).cancel()
    if left:
        raise ClientGone
    return working.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
