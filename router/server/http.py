"""GraphQL over HTTP: one request in, one answer out, and a client that leaves ends its own work.

Whatever a step refuses is raised as `Refused` and becomes the answer at one place; whatever nobody foresaw becomes
INTERNAL with a trace id, and the log has the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from router.executor.execute import Result
from router.server import response
from router.server.access_log import Facts, facts_of
from router.server.pipeline import Client, Pipeline, Prepared
from router.server.refusals import Refused
from router.server.request import (
    JSON,
    ClientGone,
    check_content_type,
    check_method,
    graphql_request,
    media_type,
    read_body,
)

Work = Coroutine[Any, Any, Result]

log = structlog.get_logger(__name__)


class GraphQLOverHTTP:
    """The ASGI application behind `/graphql`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._config = pipeline.config

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
        method = scope["method"]
        check_method(method)
        check_content_type(method, headers)
        async with self._deadline("REQUEST_TIMEOUT", "The request's body did not arrive in time."):
            body = await read_body(receive, headers, self._config.limits.body_bytes)
        async with self._deadline("GATEWAY_TIMEOUT", "Your request has been timed out."):
            caller = await self._pipeline.identify(headers, facts)
            request = graphql_request(method, scope["query_string"], body)
            client = Client(headers, facts, caller, may_write=method == "POST")
            prepared = await self._pipeline.prepare(request, client)
            result = await _wait_for(prepared, receive)
        facts.error_codes.extend(error["extensions"]["code"] for error in result.errors)
        return response.result(result, wanted, prepared.extensions)

    @asynccontextmanager
    async def _deadline(self, code: str, message: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._config.request_timeout_seconds):
                yield
        except TimeoutError:
            raise Refused(code, message) from None


async def _wait_for(prepared: Prepared, receive: Receive) -> Result:
    if prepared.is_mutation:
        # What was begun is finished: half a mutation helps nobody, whether somebody waits or not.
        return await prepared.execute()
    return await _while_waited_for(receive, prepared.execute())


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
