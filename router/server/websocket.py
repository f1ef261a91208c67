"""GraphQL over WebSockets, in the protocol graphql-transport-ws: any number of operations over one connection.

    client ── connection_init {token} ──► router ── connection_ack
    client ── subscribe {id, query} ────► router ── next {id} … next {id} ── complete {id} | error {id}
    client ── complete {id} ────────────► router    stops it
    either ── ping ──► the other ── pong

Queries and mutations go the same way and are answered once. A connection ends with a code that says why:

    4400  a message that the protocol does not know        4408  no connection_init in time
    4401  subscribe before the ack; the token has expired  4409  an id that is in use
    4403  the token is not accepted, or was revoked        4429  a second connection_init
    4406  no subprotocol of ours                           4500  our fault
    1001  the router stops      1012  the router got other settings
    1009  a message is too large      1013  the client is too slow, or there are too many
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from router.server.access_log import Begin, Facts, operation_line
from router.server.access_log import End as Ended
from router.server.client_address import client_address
from router.server.pipeline import Client, Pipeline, Prepared
from router.server.presence import Parting, Presence
from router.server.refusals import Refused
from router.server.request import graphql_request
from router.server.subscriptions import TOO_SLOW, End, Subscription, Subscriptions, payload_of
from router.server.tracing import Trace

if TYPE_CHECKING:
    from router.server.authentication import Caller
    from router.server.config.jwt import Jwt

PROTOCOL: Final = "graphql-transport-ws"
_PARTING_SECONDS: Final = 2.0
_LONGEST_REASON: Final = 120
_PARTINGS: Final[Mapping[Parting, tuple[int, str]]] = {
    Parting.EXPIRED: (4401, "Unauthorized: the token has expired"),
    Parting.REVOKED: (4403, "Forbidden: the token was revoked"),
    Parting.STOPPING: (1001, "The router is being stopped"),
    Parting.RELOADED: (1012, "The router got other settings"),
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """What an operation that came over a connection is answered with."""

    pipeline: Pipeline
    subscriptions: Subscriptions
    presence: Presence
    begin: Begin = Trace.of
    """Begins the trace of an operation, and `end` is told how it ended."""
    end: Ended | None = None


class GraphQLOverWebSocket:
    """The ASGI application behind the WebSocket routes."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection until it ends."""
        socket = WebSocket(scope, receive, send)
        if PROTOCOL not in scope["subprotocols"]:
            # Accepted first: a browser shows no code of a handshake that was refused.
            await socket.accept()
            await socket.close(4406, "Subprotocol not acceptable")
            return
        await socket.accept(PROTOCOL)
        await Connection(socket, self._doors).serve()


@dataclass(slots=True, eq=False)
class Connection:
    """One client and its operations."""

    socket: WebSocket
    doors: Doors
    headers: Headers = field(init=False)
    caller: Caller | None = None
    acknowledged: bool = False
    _initialised: bool = False
    _operations: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _over: asyncio.Future[tuple[int, str] | None] = field(init=False)
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.headers = self.socket.headers
        self._over = asyncio.get_running_loop().create_future()

    def shut(self, code: int | None = None, reason: str = "") -> None:
        """End the connection; without a code because the client is gone."""
        if not self._over.done():
            self._over.set_result(None if code is None else (code, reason))

    async def serve(self) -> None:
        """Answer messages until the connection is over, then leave nothing behind."""
        patience = self.doors.subscriptions.settings.init_seconds
        too_late = asyncio.get_running_loop().call_later(patience, self._too_late)
        async with self._group:
            reading = self._group.create_task(self._read())
            try:
                over = await self._over
            finally:
                too_late.cancel()
                for task in (reading, *self._operations.values()):
                    task.cancel()
            try:
                if over is not None:
                    await self._close(*over)
            finally:
                self._closed.set()

    def _too_late(self) -> None:
        if not self._initialised:
            self.shut(4408, "Connection initialisation timeout")

    async def _close(self, code: int, reason: str) -> None:
        # A client that does not read can't be told; the server that runs us then drops the connection.
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            async with asyncio.timeout(_PARTING_SECONDS):
                await self.socket.close(code, reason[:_LONGEST_REASON])

    async def _read(self) -> None:
        try:
            await self._read_on()
        except WebSocketDisconnect:
            self.shut()
        except Exception:
            log.exception("websocket.failed")
            self.shut(4500, "Internal server error")

    async def _read_on(self) -> None:
        most = self.doors.pipeline.config.limits.body_bytes
        while True:
            received = await self.socket.receive()
            if received["type"] == "websocket.disconnect":
                self.shut()
                return
            text = received.get("text") or ""
            if len(text) > most:
                self.shut(1009, "The message is too large")
                return
            message = _message(text)
            if message is None:
                self.shut(4400, "Invalid message received")
                return
            await self._take(message)

    async def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "connection_init"}:
                await self._initialise(message.get("payload"))
            case {"type": "ping"}:
                await self._send({"type": "pong", **_payload(message)})
            case {"type": "pong"}:
                pass
            case {"type": "subscribe", "id": str(identity), "payload": dict(payload)} if identity:
                self._subscribe(identity, payload)
            case {"type": "complete", "id": str(identity)}:
                self._stop(identity)
            case _:
                self.shut(4400, "Invalid message received")

    async def _initialise(self, payload: Any) -> None:
        if self._initialised:
            self.shut(4429, "Too many initialisation requests")
            return
        self._initialised = True
        if not isinstance(payload, dict | None):
            self.shut(4400, "Invalid message received")
            return
        self.headers = with_token(self.socket.headers, payload or {}, self.doors.pipeline.config.jwt)
        try:
            self.caller = await self.doors.pipeline.identify(self.headers, self._facts())
        except Refused as refused:
            log.info("websocket.forbidden", reason=str(refused))
            self.shut(4403, "Forbidden")
            return
        self._group.create_task(self._stay(), name="presence of a WebSocket")

    async def _stay(self) -> None:
        """Be present until the connection is over."""
        try:
            with self.doors.presence.of(self.caller, lambda parting: self.shut(*_PARTINGS[parting])):
                self.acknowledged = True
                await self._send({"type": "connection_ack"})
                # Until the client was told: who stops the server waits for that.
                await self._closed.wait()
        except Refused as refused:
            self.shut(1013, str(refused))
        except WebSocketDisconnect:
            self.shut()

    def _subscribe(self, identity: str, payload: dict[str, Any]) -> None:
        if not self.acknowledged:
            self.shut(4401, "Unauthorized")
        elif not isinstance(payload.get("query", ""), str):
            self.shut(4400, "Invalid message received")
        elif identity in self._operations:
            self.shut(4409, f"Subscriber for {identity} already exists")
        else:
            most = self.doors.subscriptions.settings.max_subscriptions_per_connection
            work = self._operation(identity, payload) if len(self._operations) < most else self._no_room(identity, most)
            self._operations[identity] = self._group.create_task(work, name=f"operation {identity}")

    def _stop(self, identity: str) -> None:
        task = self._operations.pop(identity, None)
        if task is not None:
            task.cancel()

    async def _no_room(self, identity: str, most: int) -> None:
        refused = Refused("SUBSCRIPTION_MAX_LIMIT", f"A connection may have {most} operations at once.")
        self._operations.pop(identity, None)
        with suppress(WebSocketDisconnect):
            await self._send({"id": identity, "type": "error", "payload": refused.errors})

    async def _operation(self, identity: str, payload: dict[str, Any]) -> None:
        """Answer one operation; an id is free again before its last message is sent."""
        last: dict[str, Any] = {"id": identity, "type": "complete"}
        try:
            errors = await self._answered(identity, payload)
            if errors:
                last = {"id": identity, "type": "error", "payload": errors}
            self._operations.pop(identity, None)
            await self._send(last)
        except WebSocketDisconnect:
            self.shut()
        except Exception:
            log.exception("websocket.failed")
            self.shut(4500, "Internal server error")

    async def _answered(self, identity: str, payload: dict[str, Any]) -> Any:
        """Send all answers of an operation; returns the errors that it ends with, if it ends with any."""
        facts, began = self._facts(self.doors.begin), time.perf_counter()
        if self.caller is not None:
            facts.tenant, facts.caller = self.caller.tenant, self.caller.subject
        try:
            return await self._answers(identity, payload, facts)
        finally:
            if self.doors.end is not None:
                self.doors.end("GET", self.socket.scope["path"], facts, 200)
            if self.doors.pipeline.config.access_log:
                log.info("operation", **operation_line(self.socket.scope, facts, time.perf_counter() - began))

    async def _answers(self, identity: str, payload: dict[str, Any], facts: Facts) -> Any:
        try:
            request = graphql_request(payload)
            client = Client(self.headers, facts, self.caller)
            with self.doors.pipeline.admission.place():
                async with asyncio.timeout(self.doors.pipeline.config.request_timeout_seconds):
                    prepared = await self.doors.pipeline.prepare(request, client)
                    answer = None if prepared.is_subscription else await self._result(prepared, facts)
            if answer is None:
                return await self._streamed(identity, self.doors.subscriptions.open(prepared, request, client))
            await self._next(identity, answer)
        except Refused as refused:
            facts.error_codes.append(refused.code.code)
            return refused.errors
        except TimeoutError:
            facts.error_codes.append("GATEWAY_TIMEOUT")
            return Refused("GATEWAY_TIMEOUT", "Your request has been timed out.").errors
        return None

    async def _result(self, prepared: Prepared, facts: Facts) -> bytes:
        result = await self.doors.subscriptions.executed(prepared)
        facts.error_codes.extend(error["extensions"]["code"] for error in result.errors)
        return payload_of(result, prepared.extensions)

    async def _streamed(self, identity: str, subscription: Subscription) -> Any:
        overflowing = self._group.create_task(self._watch(subscription))
        try:
            while not isinstance(answer := await subscription.next(), End):
                if answer is not None:
                    await self._next(identity, answer)
            return answer.errors
        finally:
            overflowing.cancel()
            subscription.close()

    async def _watch(self, subscription: Subscription) -> None:
        """Part with a client that is too slow, even while it takes nothing at all."""
        await subscription.overflowed.wait()
        self.shut(1013, TOO_SLOW.errors[0]["message"])

    async def _next(self, identity: str, answer: bytes) -> None:
        await self._send({"id": identity, "type": "next", "payload": orjson.Fragment(answer)})

    async def _send(self, message: Mapping[str, Any]) -> None:
        try:
            await self.socket.send_text(orjson.dumps(message).decode())
        except RuntimeError as fault:
            # The server has closed the connection, as the client wished or for its mistake, and says so in this way.
            raise WebSocketDisconnect(1006) from fault

    def _facts(self, begin: Begin = Trace.of) -> Facts:
        trusted = self.doors.pipeline.config.listen.trusted_proxies
        return Facts(begin(self.headers), address=client_address(self.socket.scope, trusted) or "")


def with_token(headers: Headers, payload: Mapping[str, Any], jwt: Jwt | None = None) -> Headers:
    """Add the token that came with `connection_init`, where browsers have to put it; it wins over the handshake's.

    Clients spell it in their ways: `Authorization`, `authorization`, `authToken`, or `headers: {Authorization}`. Where the
    settings look for it in another header, it comes under that header's name.
    """
    inner = payload.get("headers")
    given = {**(inner if isinstance(inner, dict) else {}), **payload}
    spelled = {name.lower(): value for name, value in given.items() if isinstance(value, str)}
    target, prefix = (jwt.header_name.lower(), jwt.header_value_prefix) if jwt else ("authorization", "Bearer")
    token = spelled.get(target) or spelled.get("authorization") or spelled.get("authtoken")
    if not token:
        return headers
    if prefix and " " not in token.strip():
        token = f"{prefix} {token.strip()}"
    others = [(name, value) for name, value in headers.raw if name != target.encode()]
    return Headers(raw=[*others, (target.encode(), token.encode("utf-8", "replace"))])


def _message(text: str) -> dict[str, Any] | None:
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def _payload(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"payload": message["payload"]} if "payload" in message else {}
