"""GraphQL over HTTP: one request in, one answer out, and a client that leaves ends its own work.

Whatever a step refuses is raised as `Refused` and becomes the answer at one place; whatever nobody foresaw becomes
INTERNAL with a trace id, and the log has the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from router.server import batching, csrf, incremental, limits, response, uploads
from router.server.access_log import Facts, facts_of
from router.server.compression import decoded
from router.server.head import head_of
from router.server.http_streams import Streams
from router.server.pipeline import Client, Pipeline, Prepared
from router.server.refusals import Refused
from router.server.request import (
    JSON,
    ClientGone,
    check_content_type,
    check_method,
    graphql_request,
    media_type,
    parameters,
    read_body,
)

T = TypeVar("T")

_LOOKS_AFTER_SECONDS: Final = 0.02

_MEASURED_AT_MOST: Final = 16

log = structlog.get_logger(__name__)


class GraphQLOverHTTP:
    """The ASGI application behind `/graphql`."""

    def __init__(self, pipeline: Pipeline, streams: Streams) -> None:
        self.pipeline = pipeline
        self._streams = streams
        self._config = pipeline.config
        self._warden = pipeline.warden
        self._admission = pipeline.admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; a client that has left gets none."""
        try:
            answer = await self._guarded(scope, receive)
        except ClientGone:
            return
        await answer(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive) -> Response:
        facts, headers = facts_of(scope), head_of(scope)
        wanted = JSON
        try:
            wanted = media_type(headers)
            return await self._answer(scope, receive, headers, facts, wanted)
        except Refused as refused:
            facts.error_codes.append(refused.code.code)
            return response.refusal(refused, wanted, apollo_status_codes=self._config.apollo_status_codes)
        except ClientGone:
            raise
        except Exception:
            trace_id = facts.trace.trace_id
            log.exception("request.failed", **{"trace.id": trace_id})
            facts.error_codes.append("INTERNAL")
            return response.refusal(Refused("INTERNAL", "An internal error happened.", traceId=trace_id), wanted)

    async def _answer(self, scope: Scope, receive: Receive, headers: Headers, facts: Facts, wanted: str) -> Response:
        method = scope["method"]
        self._admission.check()
        check_method(method)
        limits.check_head(scope, self._warden)
        csrf.check(method, headers, self._config.csrf)
        async with AsyncExitStack() as until_answered:
            async with self.deadline("REQUEST_TIMEOUT", "The request's body did not arrive in time."):
                asked = await self._asked(scope, receive, headers, until_answered)
            with self._admission.place():
                return await self._answer_asked(asked, receive, headers, facts, wanted, method)

    async def _answer_asked(
        self, asked: Any, receive: Receive, headers: Headers, facts: Facts, wanted: str, method: str
    ) -> Response:
        async with self.deadline("GATEWAY_TIMEOUT", "Your request has been timed out.") as deadline:
            caller = await self.pipeline.identify(headers, facts)
            client = Client(headers, facts, caller, may_write=method == "POST")
            if isinstance(asked, list):
                return await self._answer_batch(asked, client, receive, wanted)
            return await self._answer_one(asked, client, receive, wanted, deadline)

    async def _asked(self, scope: Scope, receive: Receive, headers: Headers, until_answered: AsyncExitStack) -> Any:
        method = scope["method"]
        if method == "POST" and uploads.is_multipart(headers):
            form = uploads.parameters(receive, headers, self._config.uploads, self._config.limits.body_bytes)
            return await until_answered.enter_async_context(form)
        check_content_type(method, headers)
        return parameters(method, scope["query_string"], await self.body(receive, headers))

    async def body(self, receive: Receive, headers: Headers) -> bytes:
        """Read a body as it was before it was packed; raises `Refused` when it's too large."""
        allowed = self._warden.limits.body_bytes
        # A limit that only measures still can't let a body fill the memory.
        most = allowed * _MEASURED_AT_MOST if self._warden.limits.only_measures("body_bytes") else allowed
        try:
            body = decoded(await read_body(receive, headers, most), headers, most)
        except Refused as refused:
            if refused.code.status == 413:
                self._warden.refused("body_bytes")
            raise
        self._warden.check("body_bytes", len(body), allowed)
        return body

    async def _answer_one(self, asked: Any, client: Client, receive: Receive, wanted: str, deadline: float) -> Response:
        form = incremental.accepted(client.headers) if self._config.defer_support else None
        request = graphql_request(asked)
        prepared = await self.pipeline.prepare(request, replace(client, deferring=form is not None))
        if prepared.is_subscription:
            uploads.check_none(request.variables)
            return self._streams.answer(prepared, request, client)
        if form is not None and prepared.is_deferred:
            stream = incremental.Stream(prepared, form, client.facts, deadline)
            await wait_for(prepared, stream.ready(), receive)
            self._admission.until(stream.work)
            return stream.response()
        result = await wait_for(prepared, prepared.execute(), receive)
        client.facts.error_codes.extend(error["extensions"]["code"] for error in result.errors)
        answer = response.result(result, wanted, prepared.extensions)
        if prepared.cached is not None:
            answer.headers.update(prepared.good_for(result))
        return answer

    async def _answer_batch(self, asked: list[Any], client: Client, receive: Receive, wanted: str) -> Response:
        batching.check(asked, self._config.batching, self._warden)
        members = await batching.prepared(asked, lambda member: self.pipeline.prepare(graphql_request(member), client))
        work = batching.executed(members)
        done = await (work if batching.has_mutation(members) else _while_waited_for(receive, work))
        client.facts.error_codes.extend(
            error["extensions"]["code"] for body in done.bodies for error in body.get("errors", ())
        )
        answer = response.batch(done.bodies, wanted)
        answer.headers.update(done.freshness.headers())
        return answer

    @asynccontextmanager
    async def deadline(self, code: str, message: str) -> AsyncIterator[float]:
        """Refuse with this code when the block takes longer than a request may."""
        deadline = asyncio.get_running_loop().time() + self._config.request_timeout_seconds
        try:
            async with asyncio.timeout_at(deadline):
                yield deadline
        except TimeoutError:
            raise Refused(code, message) from None


async def wait_for(prepared: Prepared, work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Do the work while somebody waits for it."""
    if prepared.is_mutation:
        # What was begun is finished: half a mutation helps nobody, whether somebody waits or not.
        return await work
    return await _while_waited_for(receive, work)


async def _while_waited_for(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do the work unless the client leaves; then it's cancelled, and the fetches with it.

    Looking for one that leaves takes a task of its own, which costs as much as the rest of a small request; so nobody
    looks before an answer has been waited for a moment.
    """
    loop, worker = asyncio.get_running_loop(), asyncio.current_task()
    looking: asyncio.Task[None] | None = None
    left = False

    async def look() -> None:
        nonlocal left
        await _disconnected(receive)
        left = True
        if worker is not None:
            worker.cancel()

    def begin() -> None:
        nonlocal looking
        looking = loop.create_task(look())

    timer = loop.call_later(_LOOKS_AFTER_SECONDS, begin)
    try:
        return await work
    except asyncio.CancelledError:
        if not left or worker is None:
            raise
        worker.uncancel()
        raise ClientGone from None
    finally:
        timer.cancel()
        if looking is not None:
            looking.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
