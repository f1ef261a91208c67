"""Carries one request to one subgraph: over HTTP, or straight into an application of the same process.

Two layers, each narrow. An `Exchange` moves bytes within a deadline and a size limit and knows nothing of GraphQL; the
`Transport` on top turns the bytes into a GraphQL response, or raises a `TransportFailure` that says whose fields are lost
and why. Nothing else ever comes out of it: a subgraph may be down, slow, or answer garbage, and the caller handles one
kind of exception.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import orjson
import structlog

from router.executor.uploads import Form
from router.later import later

if TYPE_CHECKING:
    import httpx2
else:
    httpx2 = later("httpx2")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
ASGIApp = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

Content = bytes | AsyncIterable[bytes]
"""A body, whole or piece by piece."""

IN_PROCESS = "inprocess"

log = structlog.get_logger(__name__)


RawHeaders = tuple[tuple[str, str], ...]
"""Headers as they came, one entry for each line; names in lower case."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class EntitiesAsked:
    """The parts of an entity fetch's body, so that nobody who joins it with others has to read it again."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]
    """Without the representations."""
    representations: Sequence[bytes]
    """Each of them as JSON."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class SubgraphRequest:
    """One GraphQL request, ready to be sent: the body is JSON, or a form where files come along.

    What `is_query` may be sent twice, or once for two: it changes nothing, and its body is bytes.
    """

    service: str
    url: str
    body: bytes | Form
    headers: Mapping[str, str] = field(default_factory=dict)
    is_query: bool = False
    siblings: object = None
    """The operation that it is part of, if that may ask the same service for something else at the same time."""
    since: int = 0
    """What was invalidated until now, if the answer is to be kept: one that was asked for before isn't good enough."""
    entities: EntitiesAsked | None = None
    """What the body asks for, if that is known without reading it."""

    def with_headers(self, headers: Mapping[str, str]) -> SubgraphRequest:
        """Return the same with other headers."""
        return SubgraphRequest(
            self.service, self.url, self.body, headers, self.is_query, self.siblings, self.since, self.entities
        )


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class SubgraphResponse:
    """A GraphQL response whose outer shape was checked; what is inside `data` is still only a promise."""

    data: dict[str, Any] | None
    errors: tuple[dict[str, Any], ...] = ()
    headers: RawHeaders = ()
    size: int = 0  # in bytes
    status: int = 200
    extensions: Mapping[str, Any] | None = None


class TransportFailure(Exception):
    """There is no GraphQL response; `code` says why, in the words of the catalogue.

    `may_pass` is a trouble that may be gone a moment later, so that asking again makes sense.
    """

    code = "UPSTREAM_UNAVAILABLE"
    may_pass = False

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class Unavailable(TransportFailure):
    """The service can't be reached, or answered with a server error."""


class ConnectionLost(Unavailable):
    """The connection could not be made, or broke."""

    may_pass = True


class TimedOut(TransportFailure):
    """The deadline passed before the answer was complete."""

    code = "UPSTREAM_TIMEOUT"


class Malformed(TransportFailure):
    """The answer is not a GraphQL response, or larger than allowed."""

    code = "UPSTREAM_MALFORMED"


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Answer:
    """Status, body and headers, as they came."""

    status: int
    body: bytes
    headers: RawHeaders = ()


class Exchange(Protocol):
    """Moves a request's bytes to a URL and brings the answer back before the deadline (in the loop's time)."""

    async def exchange(
        self, method: str, url: str, *, body: Content, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        """Raise a `TransportFailure` when there is no complete answer."""


class Transport(Protocol):
    """Sends one GraphQL request to one subgraph."""

    async def send(self, request: SubgraphRequest, deadline: float) -> SubgraphResponse:
        """Raise a `TransportFailure` when there is no GraphQL response."""


class HttpExchange:
    """Over HTTP, with connections kept alive between requests."""

    def __init__(
        self,
        *,
        max_answer_bytes: int,
        max_connections: int = 200,
        ca_file: Path | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self._max = max_answer_bytes
        self._connections = max_connections
        # What is named must be there, which is better found now; what the system trusts can wait until it's needed.
        self._tls = _tls(ca_file, certificate) if ca_file or certificate else None

    @cached_property
    def _client(self) -> httpx2.AsyncClient:
        # Idle connections are given up before a usual server does (5 s): a request then never meets a closing one.
        limits = httpx2.Limits(max_connections=self._connections, max_keepalive_connections=100, keepalive_expiry=4.0)
        # The deadline below is the only clock; proxies of the environment are not for neighbours.
        tls = self._tls or ssl.create_default_context()
        client = httpx2.AsyncClient(limits=limits, timeout=None, trust_env=False, verify=tls)
        # One client carries everybody's requests: a cookie that it kept would be one person's, sent with another's.
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return client

    async def exchange(
        self, method: str, url: str, *, body: Content, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        """Stream the answer, so that one beyond the limit is dropped and not collected."""
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._client.stream(method, url, content=body or None, headers=dict(headers)) as response,
            ):
                raw = tuple((name.lower(), value) for name, value in response.headers.multi_items())
                return Answer(response.status_code, await self._read(response), raw)
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None
        except httpx2.DecodingError as fault:
            raise Malformed("the answer's encoding is broken") from fault
        except httpx2.TransportError as fault:
            raise ConnectionLost(type(fault).__name__) from fault
        except httpx2.InvalidURL as fault:
            raise Unavailable(type(fault).__name__) from fault

    async def _read(self, response: httpx2.Response) -> bytes:
        parts = bytearray()
        async for chunk in response.aiter_bytes():
            parts += chunk
            if len(parts) > self._max:
                raise Malformed(f"the answer is larger than {self._max} bytes", status=response.status_code)
        return bytes(parts)

    async def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            await self._client.aclose()


def _tls(ca_file: Path | None, certificate: tuple[Path, Path] | None) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=ca_file)
    if certificate is not None:
        # Who we are: a chain and its key.
        tls.load_cert_chain(*certificate)
    return tls


class InProcessExchange:
    """Calls ASGI applications directly: `inprocess://tickets/graphql` is the application named `tickets`.

    The mapping is read at every request, so that an application can be taken out and put back while we run.
    """

    def __init__(self, apps: Mapping[str, ASGIApp], *, max_answer_bytes: int) -> None:
        self.apps = apps
        self._max = max_answer_bytes

    async def exchange(
        self, method: str, url: str, *, body: Content, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        """Run the application for one request; what it raises is its own fault, as behind a socket."""
        parts = urlsplit(url)
        app = self.apps.get(parts.netloc)
        if app is None:
            raise Unavailable("the service is not running in this process")
        call = _Call(body, self._max)
        scope = asgi_scope(method, parts.netloc, parts.path or "/graphql", parts.query, headers)
        try:
            async with asyncio.timeout_at(deadline):
                await self._run(app, scope, call)
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None
        return call.answer()

    async def _run(self, app: ASGIApp, scope: Scope, call: _Call) -> None:
        try:
            await app(scope, call.receive, call.send)
        except Exception:
            if not call.too_large:
                log.warning("subgraph.raised", service=scope["server"][0], exc_info=True)
                call.status = 500


class _Call:
    """The two channels of one ASGI call, and what came out of them."""

    def __init__(self, body: Content, max_bytes: int) -> None:
        self._request: AsyncIterator[Message] | None = _messages(body)
        self._max = max_bytes
        self._done = asyncio.Event()
        self._parts = bytearray()
        self._headers: RawHeaders = ()
        self.too_large = False
        self.status = 500

    async def receive(self) -> Message:
        """Give the body once; after that, block until the answer is complete (nobody disconnects)."""
        if self._request is not None:
            message = await anext(self._request, None)
            if message is not None:
                return message
            self._request = None
        await self._done.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Collect status, headers and body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            self._headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
        elif message["type"] == "http.response.body":
            self._parts += message.get("body", b"")
            if len(self._parts) > self._max:
                self.too_large = True
                raise ConnectionResetError("the answer is too large")
            if not message.get("more_body", False):
                self._done.set()

    def answer(self) -> Answer:
        """Return what was collected, within the limit."""
        if self.too_large:
            raise Malformed(f"the answer is larger than {self._max} bytes", status=self.status)
        return Answer(self.status, bytes(self._parts), self._headers)


async def _messages(body: Content) -> AsyncIterator[Message]:
    if isinstance(body, bytes):
        yield {"type": "http.request", "body": body, "more_body": False}
        return
    async for piece in body:
        yield {"type": "http.request", "body": piece, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}


def asgi_scope(method: str, host: str, path: str, query: str, headers: Mapping[str, str]) -> Scope:
    """Describe a request to an application of this process."""
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", host.encode()), *raw],
        "client": ("127.0.0.1", 0),
        "server": (host, 0),
    }


class ByScheme:
    """Picks the way by the URL: `inprocess://` stays inside, everything else goes over HTTP.

    `plain` carries what needs neither TLS nor a stream, where there is one.
    """

    def __init__(self, http: Exchange, in_process: Exchange, plain: Exchange | None = None) -> None:
        self._http = http
        self._in_process = in_process
        self.plain = plain or http

    def exchange(
        self, method: str, url: str, *, body: Content, headers: Mapping[str, str], deadline: float
    ) -> Coroutine[Any, Any, Answer]:
        """Hand over to the one that knows the scheme."""
        if url.startswith("http:") and body.__class__ is bytes:
            way = self.plain
        else:
            way = self._in_process if url.startswith(f"{IN_PROCESS}:") else self._http
        return way.exchange(method, url, body=body, headers=headers, deadline=deadline)


class Carrier(Protocol):
    """Carries a GraphQL request to its service: what the layers of `router.executor.shaping` have in common.

    A layer that only changes what is sent returns what the next one returns, instead of waiting for it itself.
    """

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Raise a `TransportFailure` when there is no complete answer."""


class Post:
    """The last layer: a POST over any exchange of bytes."""

    HEADERS: Mapping[str, str] = {
        "content-type": "application/json",
        "accept": "application/json, application/graphql-response+json",
    }

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def carry(self, request: SubgraphRequest, deadline: float) -> Coroutine[Any, Any, Answer]:
        """POST the body as it is."""
        headers = {**self.HEADERS, **request.headers}
        if isinstance(request.body, Form):
            headers |= request.body.headers
        return self._exchange.exchange("POST", request.url, body=request.body, headers=headers, deadline=deadline)


class GraphQLTransport:
    """GraphQL over any exchange of bytes, with nothing in between."""

    def __init__(self, exchange: Exchange) -> None:
        self._post = Post(exchange)

    async def send(self, request: SubgraphRequest, deadline: float) -> SubgraphResponse:
        """POST the request; read the answer as a GraphQL response whatever its status is."""
        return graphql_response(await self._post.carry(request, deadline))


def graphql_response(answer: Answer) -> SubgraphResponse:
    """Read a GraphQL response; a status of 4xx or 5xx may carry one too (GraphQL over HTTP, section 6.4)."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise _not_graphql(answer, "the answer is not JSON") from None
    if body.__class__ is not dict:
        raise _not_graphql(answer, "the answer is not a JSON object")
    data, errors = body.get("data"), body.get("errors") or []
    if (data is not None and data.__class__ is not dict) or errors.__class__ is not list:
        raise _not_graphql(answer, "`data` or `errors` has the wrong type")
    if data is None and not errors:
        raise _not_graphql(answer, "the answer has neither data nor errors")
    found = tuple(map(_error, errors)) if errors else ()
    said = body.get("extensions")
    extensions = said if isinstance(said, dict) else None
    return SubgraphResponse(data, found, answer.headers, len(answer.body), answer.status, extensions)


def _error(raw: Any) -> dict[str, Any]:
    if isinstance(raw, dict):
        return raw
    return {"message": orjson.dumps(raw).decode()}


def _not_graphql(answer: Answer, reason: str) -> TransportFailure:
    kind = Unavailable if answer.status >= 500 else Malformed
    return kind(reason, status=answer.status)
