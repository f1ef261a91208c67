"""The express lane: how the usual request goes, a POST with one JSON operation whose answer comes at once.

    the wire ── known head? ── known body? ──► identify ─► prepare ─► execute ──► one write
         │             │             │
         └─────────────┴─────────────┴── anything else ──► the ASGI application, which can do everything

What a request may do and how it is answered is decided by the same pipeline as everywhere (`pipeline.py`). What the lane spares
is what stands around it: whatever follows from the request's head alone (its media type, CSRF, CORS, compression) is worked
out once for equal heads and kept, a body without variables is read once, and there is one task, without a scope or messages.
Where something would have to be refused before the pipeline begins, nobody here says so: the application does, in its own words.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from router.executor import clock
from router.executor.clock import Alarm
from router.server import csrf, incremental, response
from router.server.access_log import CLIENT_GONE, Facts, Observer, stamp
from router.server.compression import encoded, preferred
from router.server.cors import Origins
from router.server.head import Head
from router.server.nonstop import Nonstop
from router.server.pipeline import Client, Prepared
from router.server.refusals import Refused
from router.server.request import (
    EVENT_STREAM,
    GraphQLRequest,
    check_content_type,
    graphql_request,
    media_type,
    parameters,
    stream_type,
)
from router.server.sse_single import HEADER as OF_A_RESERVED_STREAM

if TYPE_CHECKING:
    from router.executor.execute import Result
    from router.server.http import GraphQLOverHTTP
    from router.server.http_streams import Streams

RawHeader = tuple[bytes, bytes]
Peer = tuple[str, int] | None

_OF_ONE_REQUEST: Final = frozenset({b"content-length", b"traceparent", b"tracestate", b"x-request-id", b"baggage"})
"""Headers that differ between requests which are otherwise equal, and from which nothing follows here."""
_ANOTHER_LANE: Final = frozenset({"content-encoding", "expect", OF_A_RESERVED_STREAM})
_MOST_HEADS: Final = 2048
_MOST_BODIES: Final = 2048
_LONGEST_BODY: Final = 4096
_LONGEST_HEAD: Final = 4096
_LONGEST_LENGTH: Final = 64
"""A header `content-length` takes no more."""
_LIMITS_TOLD: Final = frozenset({"ratelimit-policy", "ratelimit"})
_BREAKS_OUT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no header may hold: a line would end early."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Known:
    """All that follows from the head of a request."""

    path: str
    head: Head
    media_type: str
    encoding: str | None
    beside: Mapping[str, str]
    """What the head of every answer has: `vary`, and what CORS grants."""
    lines: bytes
    """The lines that the head of every good answer has."""
    size: int
    is_kept: bool = True
    """Whether it's the same for the next request with such a head."""
    away: Reply | None = None
    """What is answered when there's no place, but for the ids of the request."""


@dataclass(slots=True)
class Asked:
    """A request on the lane."""

    known: Known
    request: GraphQLRequest
    peer: Peer
    alarm: Alarm
    """Rings for it when its time is up."""
    may_leave: bool = False
    """Whether its work ends when its client has gone: that of a mutation, once begun, is finished."""
    timed_out: bool = False

    def end(self, task: asyncio.Task[Any] | None) -> None:
        """Its time is up."""
        self.timed_out = True
        if task is not None:
            task.cancel()


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Reply:
    """What is to be written: the lines of the head but the first and those of the connection, and the body."""

    status: int
    lines: bytes
    body: bytes


class Express:
    """Answers requests of which nothing special is to be expected."""

    def __init__(self, door: GraphQLOverHTTP, observer: Observer, streams: Streams) -> None:
        self.pipeline = door.pipeline
        self.admission = door.pipeline.admission
        self.observer = observer
        self.streams = streams
        config = self._config = door.pipeline.config
        self.seconds = config.request_timeout_seconds
        self.nonstop = Nonstop(self)
        self._most_head = config.limits.header_bytes - _LONGEST_LENGTH
        self._most_body = config.limits.body_bytes
        self._origins = Origins(config.cors)
        own = config.listen.path
        names = {"/graphql", "/graphql/stream", *((own,) if ":" not in own and "*" not in own else ())}
        self._paths = {name.encode(): name for name in names if len(name) <= config.limits.url_bytes}
        self._heads: dict[tuple[str, tuple[RawHeader, ...]], Known | None] = {}
        self._bodies: dict[bytes, GraphQLRequest] = {}
        self.seen: dict[bytes, tuple[Known, int]] = {}
        """Heads as they came, what is known of them, and how long the body is that follows."""

    def known(self, url: bytes, headers: Sequence[RawHeader]) -> Known | None:
        """Return what follows from the head of a POST; None where it needs somebody who can do more."""
        path = self._paths.get(url)
        if path is None:
            return None
        constant = tuple([header for header in headers if header[0] not in _OF_ONE_REQUEST])
        key = path, constant
        try:
            known = self._heads[key]
        except KeyError:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            known = self._heads[key] = self._learned(path, constant)
        if known is None or len(headers) == len(constant):
            return known
        own = [header for header in headers if header[0] in _OF_ONE_REQUEST]
        # How long a body is says nothing else of it; a body in pieces has no length, and may have a name all the same.
        if len(own) == 1 and own[0][0] == b"content-length":
            return known
        return self._with_its_own(known, own)

    def _learned(self, path: str, headers: tuple[RawHeader, ...]) -> Known | None:
        head, config = Head(list(headers)), self._config
        try:
            wanted = media_type(head)
            csrf.check("POST", head, config.csrf)
            check_content_type("POST", head)
        except Refused:
            return None
        goes_on = wanted == EVENT_STREAM or stream_type(head) is not None or incremental.accepted(head) is not None
        size = sum(len(name) + len(value) + 4 for name, value in headers)
        if goes_on or size > self._most_head or any(name in head for name in _ANOTHER_LANE):
            return None
        encoding, vary = None, "origin"
        if config.compression.enabled:
            encoding = preferred(head.get("accept-encoding", ""), config.compression.encodings)
            vary = "accept-encoding, origin"
        rule = self._origins.rule(head.get("origin", ""))
        beside = {"vary": vary, **(rule.granted(head["origin"]) if rule else {})}
        lines = {"content-type": f"{wanted}; charset=utf-8", "cache-control": "no-store", **beside}
        return Known(path, head, wanted, encoding, beside, _lines(lines.items()), size)

    def _with_its_own(self, known: Known, own: list[RawHeader]) -> Known | None:
        size = known.size + sum(len(name) + len(value) + 4 for name, value in own)
        if size > self._most_head:
            return None
        return replace(known, head=known.head.beside(own), size=size, is_kept=False)

    def remember(self, head: bytes, known: Known, length: int) -> None:
        """Keep what was found out about a head: the next request that begins with the same letters needs no parser."""
        if len(head) > _LONGEST_HEAD:
            return
        if len(self.seen) >= _MOST_HEADS:
            self.seen.clear()
        self.seen[head] = known, length

    def turned_away(self, known: Known, peer: Peer) -> Reply | None:
        """Refuse what there's no place for before anything is done for it; None where there is one.

        When more is asked than can be done, a refusal has to cost next to nothing, or the refusals are what there's no
        time for: this takes no task, and its lines are written once for all equal heads.
        """
        if self.admission.has_place:
            return None
        started = time.perf_counter()
        refused = self.admission.refusal()
        away = known.away or self._away(known, refused)
        scope = {"method": "POST", "path": known.path, "client": peer, "psa.head": known.head}
        facts = self.observer.began(scope)
        facts.error_codes.append(refused.code.code)
        own = "".join([f"{name}: {value}\r\n" for name, value in facts.headers.items()])
        lines = b"%bx-request-id: %b\r\n%b" % (away.lines, facts.trace.request_id.encode(), own.encode())
        self.observer.ended(scope, facts, away.status, time.perf_counter() - started)
        return Reply(away.status, lines, away.body)

    def _away(self, known: Known, refused: Refused) -> Reply:
        answer = response.refusal(refused, known.media_type, apollo_status_codes=self._config.apollo_status_codes)
        headers = MutableHeaders(raw=list(answer.raw_headers))
        headers.update(known.beside)
        known.away = Reply(answer.status_code, _lines(headers.items()), bytes(answer.body))
        return known.away

    def request(self, body: bytes) -> GraphQLRequest | None:
        """Read the body; None where it is none, or more than one operation."""
        known = self._bodies.get(body)
        if known is not None:
            return known
        if len(body) > self._most_body:
            return None
        try:
            asked = parameters("POST", b"", body)
            request = graphql_request(asked) if isinstance(asked, dict) else None
        except Refused:
            return None
        if request is not None and not request.variables and not request.extensions and len(body) <= _LONGEST_BODY:
            if len(self._bodies) >= _MOST_BODIES:
                self._bodies.clear()
            self._bodies[body] = request
        return request

    async def answer(self, asked: Asked) -> Reply:
        """Answer one request; being cancelled without `timed_out` means that nobody waits for the answer any more."""
        started = time.perf_counter()
        known, observer, status = asked.known, self.observer, CLIENT_GONE
        scope = {"method": "POST", "path": known.path, "client": asked.peer, "psa.head": known.head}
        facts = observer.began(scope)
        try:
            reply = await self._answered(asked, facts)
            status = reply.status
            return reply
        finally:
            observer.ended(scope, facts, status, time.perf_counter() - started)

    async def _answered(self, asked: Asked, facts: Facts) -> Reply:
        try:
            self.admission.enter()
            try:
                prepared, done = await self._executed(asked, facts)
            finally:
                self.admission.leave()
            return await self.good(prepared, done, asked.known, facts)
        except Refused as refused:
            return await self.refusal(refused, asked.known, facts)
        except Exception:
            trace_id = facts.trace.trace_id
            log.exception("request.failed", **{"trace.id": trace_id})
            fault = Refused("INTERNAL", "An internal error happened.", traceId=trace_id)
            return await self.refusal(fault, asked.known, facts)

    async def _executed(self, asked: Asked, facts: Facts) -> tuple[Prepared, Result]:
        pipeline, head = self.pipeline, asked.known.head
        asked.alarm.set(clock.now() + self.seconds)
        try:
            caller = await pipeline.identify(head, facts)
            client = Client(head, facts, caller)
            prepared = await pipeline.prepare(asked.request, client)
            if prepared.is_subscription:
                self.streams.answer(prepared, asked.request, client)  # refuses: nobody comes here who takes a stream
            asked.may_leave = not prepared.is_mutation
            return prepared, await prepared.execute()
        except asyncio.CancelledError:
            if not asked.timed_out or (task := asyncio.current_task()) is None:
                raise
            task.uncancel()
            raise Refused("GATEWAY_TIMEOUT", "Your request has been timed out.") from None
        finally:
            asked.may_leave = False
            asked.alarm.clear()

    async def good(self, prepared: Prepared, done: Result, known: Known, facts: Facts) -> Reply:
        """Write an answer."""
        reply = self.good_now(prepared, done, known, facts)
        if reply is not None:
            return reply
        answer = response.written(_written(prepared, done), 200, known.media_type)
        if prepared.cached is not None:
            answer.headers.update(prepared.good_for(done))
        return await self._in_full(answer, known, facts)

    def good_now(self, prepared: Prepared, done: Result, known: Known, facts: Facts) -> Reply | None:
        """Write an answer whose head is the usual one; None where more is to be said."""
        body = _written(prepared, done)
        if done.errors and not facts.error_codes:
            facts.error_codes.extend(error["extensions"]["code"] for error in done.errors)
        said = prepared.cached is not None or (
            facts.returned and any(True for lines in facts.returned for _ in lines())
        )
        if said or not facts.headers.keys() <= _LIMITS_TOLD or self._gets_smaller(known, body):
            return None
        own = "".join([f"{name}: {value}\r\n" for name, value in facts.headers.items()])
        ends = f"{own}content-length: {len(body)}\r\nx-request-id: {facts.trace.request_id}\r\n"
        return Reply(200, known.lines + ends.encode(), body)

    async def refusal(self, refused: Refused, known: Known, facts: Facts) -> Reply:
        """Write a refusal."""
        facts.error_codes.append(refused.code.code)
        apollo = self._config.apollo_status_codes
        return await self._in_full(
            response.refusal(refused, known.media_type, apollo_status_codes=apollo), known, facts
        )

    def _gets_smaller(self, known: Known, body: bytes) -> bool:
        return known.encoding is not None and len(body) >= self._config.compression.minimum_bytes

    async def _in_full(self, answer: Response, known: Known, facts: Facts) -> Reply:
        """Write a head of which more is to be said: headers that others set may stand for ours."""
        body = bytes(answer.body)
        headers = MutableHeaders(raw=list(answer.raw_headers))
        headers.update(known.beside)
        if known.encoding is not None and self._gets_smaller(known, body):
            body = await encoded(body, known.encoding)
            headers["content-encoding"], headers["content-length"] = known.encoding, str(len(body))
        stamp(headers, facts)
        return Reply(answer.status_code, _lines(headers.items()), body)


def _written(prepared: Prepared, done: Result) -> bytes:
    """Return the body; of an answer that several get it's written once."""
    if done.written is None:
        done.written = orjson.dumps(response.body(done, prepared.extensions))
    return done.written


def _lines(headers: Iterable[tuple[str, str]]) -> bytes:
    fit = ((name, value) for name, value in headers if not _BREAKS_OUT.search(name + value))
    return "".join(f"{name}: {value}\r\n" for name, value in fit).encode("latin-1")
