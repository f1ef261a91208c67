"""GraphQL over Server-Sent Events, single connection: one event stream for all operations of a client.

For HTTP/1, where a browser opens only six connections to us:

    PUT                                      ──► 201, and a token that reserves the stream
    GET   Accept: text/event-stream, token   ──► the stream: `next` and `complete` with the id of their operation
    POST  token, extensions.operationId      ──► 202; what is answered comes over the stream
    DELETE ?operationId=…, token             ──► 200; the operation is over

The token stands in the header `X-GraphQL-Event-Stream-Token` or, since a browser's EventSource sends no headers, in the query
string as `token`. It opens the stream once; the stream takes the reservation and its operations with it. Who sends an
operation has to be who made the reservation.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from router.server import response, sse
from router.server.access_log import Facts, facts_of
from router.server.head import head_of
from router.server.pipeline import Client, Prepared
from router.server.presence import Parting
from router.server.refusals import Refused
from router.server.request import GraphQLRequest, check_content_type, graphql_request, parameters, read_body
from router.server.subscriptions import TOO_SLOW, End, Subscription, payload_of
from router.server.websocket import Doors

if TYPE_CHECKING:
    from router.server.authentication import Caller

HEADER: Final = "x-graphql-event-stream-token"
_WAITING: Final = 16

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Reservation:
    """One client's stream, and what runs over it."""

    caller: Caller | None
    operations: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    events: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def part(self, _parting: Parting) -> None:
        """End it: the stream breaks off, and the client makes a new reservation if it may."""
        self.over.set()

    async def say(self, kind: str, identity: str, **more: Any) -> None:
        """Write an event for one operation."""
        data = orjson.dumps({"id": identity, **more})
        await self.events.put(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n")


class SingleConnections:
    """Answers what belongs to a reserved stream, and hands everything else on."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._reserved: dict[str, Reservation] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = head_of(scope)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        token = headers.get(HEADER) or query.get("token")
        reserves = scope["method"] == "PUT" and headers.get("content-length", "0") == "0"
        if not self._doors.subscriptions.settings.enabled or not (reserves or token):
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(scope, receive, headers, token, query)
        except Refused as refused:
            facts_of(scope).error_codes.append(refused.code.code)
            answer = response.refusal(refused, "application/json")
        await answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, headers: Headers, token: str | None, query: Mapping[str, str]
    ) -> Response:
        match scope["method"]:
            case "PUT":
                return await self._reserve(headers, facts_of(scope))
            case "GET" if "query" not in query:
                return self._connect(self._found(token))
            case "DELETE":
                reservation = await self._owned(token, headers, facts_of(scope))
                task = reservation.operations.pop(query.get("operationId", ""), None)
                if task is not None:
                    task.cancel()
                return Response(status_code=200)
            case "POST" | "GET":
                reservation = await self._owned(token, headers, facts_of(scope))
                return await self._operate(scope, receive, headers, reservation)
            case _:
                raise Refused("METHOD_NOT_ALLOWED", "Use PUT, GET, POST or DELETE.", headers={"allow": "GET, POST"})

    def _found(self, token: str | None) -> Reservation:
        reservation = self._reserved.get(token or "")
        if reservation is None:
            raise Refused("SUBSCRIPTION_STREAM_NOT_FOUND", "There is no such event stream.")
        return reservation

    async def _owned(self, token: str | None, headers: Headers, facts: Facts) -> Reservation:
        reservation = self._found(token)
        caller = await self._doors.pipeline.identify(headers, facts)
        if (caller and caller.digest) != (reservation.caller and reservation.caller.digest):
            raise Refused("SUBSCRIPTION_STREAM_NOT_FOUND", "There is no such event stream.")
        return reservation

    async def _reserve(self, headers: Headers, facts: Facts) -> Response:
        caller = await self._doors.pipeline.identify(headers, facts)
        if self._doors.presence.is_full:
            raise Refused("SUBSCRIPTION_MAX_LIMIT", "can't open new connection, limit reached")
        token, reservation = secrets.token_urlsafe(24), Reservation(caller)
        self._reserved[token] = reservation
        self._doors.subscriptions.spawn(self._keep(token, reservation), "reserved event stream")
        return PlainTextResponse(token, 201)

    async def _keep(self, token: str, reservation: Reservation) -> None:
        """Hold the reservation until its stream is over, or was never opened; then end what runs over it."""
        try:
            with self._doors.presence.of(reservation.caller, reservation.part):
                async with asyncio.timeout(self._doors.subscriptions.settings.init_seconds):
                    await reservation.connected.wait()
                await reservation.over.wait()
        except (TimeoutError, Refused):
            reservation.over.set()
        finally:
            del self._reserved[token]
            for task in reservation.operations.values():
                task.cancel()

    def _connect(self, reservation: Reservation) -> Response:
        if reservation.connected.is_set():
            raise Refused("SUBSCRIPTION_STREAM_OPEN", "The event stream is open already.")
        reservation.connected.set()
        return sse.stream_of(self._events(reservation))

    async def _events(self, reservation: Reservation) -> AsyncGenerator[bytes, None]:
        patience = self._doors.subscriptions.settings.heartbeat_seconds
        over = asyncio.ensure_future(reservation.over.wait())
        try:
            yield sse.HEARTBEAT
            while not over.done():
                taking = asyncio.ensure_future(reservation.events.get())
                done, _ = await asyncio.wait({taking, over}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if taking in done:
                    yield taking.result()
                    continue
                taking.cancel()
                if not done:
                    yield sse.HEARTBEAT
        finally:
            over.cancel()
            reservation.over.set()

    async def _operate(self, scope: Scope, receive: Receive, headers: Headers, reservation: Reservation) -> Response:
        """Check an operation as any other; what it answers goes over the stream."""
        pipeline, method = self._doors.pipeline, scope["method"]
        check_content_type(method, headers)
        body = await read_body(receive, headers, pipeline.config.limits.body_bytes)
        request = graphql_request(parameters(method, scope["query_string"], body))
        identity = self._new_identity(request, reservation)
        client = Client(headers, facts_of(scope), reservation.caller, may_write=method == "POST")
        with pipeline.admission.place():
            prepared = await pipeline.prepare(request, client)
        work = self._run(identity, prepared, request, client, reservation)
        reservation.operations[identity] = self._doors.subscriptions.spawn(work, f"operation {identity}")
        return Response(status_code=202)

    def _new_identity(self, request: GraphQLRequest, reservation: Reservation) -> str:
        identity = request.extensions.get("operationId")
        if not isinstance(identity, str) or not identity:
            raise Refused("BAD_REQUEST", "The parameter `extensions` needs a string `operationId`.")
        if identity in reservation.operations:
            raise Refused("SUBSCRIPTION_STREAM_OPEN", "An operation with this id is running already.")
        if len(reservation.operations) >= self._doors.subscriptions.settings.max_subscriptions_per_connection:
            raise Refused("SUBSCRIPTION_MAX_LIMIT", "can't open new subscription, limit reached")
        return identity

    async def _run(
        self, identity: str, prepared: Prepared, request: GraphQLRequest, client: Client, reservation: Reservation
    ) -> None:
        hub = self._doors.subscriptions
        try:
            if prepared.is_subscription:
                await _stream(identity, hub.open(prepared, request, client), reservation)
            else:
                seconds = self._doors.pipeline.config.request_timeout_seconds
                with self._doors.pipeline.admission.place():
                    async with asyncio.timeout(seconds):
                        answer = payload_of(await hub.executed(prepared), prepared.extensions)
                await reservation.say("next", identity, payload=orjson.Fragment(answer))
        except Refused as refused:
            await reservation.say("next", identity, payload={"errors": refused.errors})
        except Exception:
            log.exception("operation.failed")
            errors = Refused("INTERNAL", "An internal error happened.").errors
            await reservation.say("next", identity, payload={"errors": errors})
        finally:
            reservation.operations.pop(identity, None)
        await reservation.say("complete", identity)


async def _stream(identity: str, subscription: Subscription, reservation: Reservation) -> None:
    try:
        while not isinstance(answer := await subscription.next(), End):
            if answer is not None:
                await reservation.say("next", identity, payload=orjson.Fragment(answer))
        if answer is TOO_SLOW:
            reservation.over.set()
        elif answer.errors:
            await reservation.say("next", identity, payload={"errors": answer.errors})
    finally:
        subscription.close()
