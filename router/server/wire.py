"""HTTP on the wire, against those who are slow on purpose: bounds that hold before there is a request at all.

    nothing, or a header now and then         header_seconds, then 408 and gone
    headers without end                       what the limits allow, then 431 and gone
    reads nothing of the answer               the kernel gives up after stalled_seconds
    more connections than allowed             503 and gone

A body that drips has its deadline in `http.py`, where it's read.

What is fit for the express lane (`express.py`) takes it from here, without becoming an ASGI request at all. To the server it
looks like one: it counts it, waits for it when it stops, and lets pipelined requests wait behind it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol, cast

import orjson
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from router.executor import clock
from router.executor.clock import Alarm
from router.executor.outbox import Outbox, outbox_of
from router.server.config import RouterConfig
from router.server.config.overload import Overload
from router.server.express import Asked, Express, Known, Reply
from router.server.nonstop import Journey
from router.server.refusals import Refused

_REASONS: Final = {408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Service Unavailable"}
_MEASURED_AT_MOST: Final = 16
_BODY_SECONDS: Final = 0.05
_ROOM: Final = 4096
"""The first line besides its URL, and what separates the headers."""


class Lane(Protocol):
    """The application of the moment: it ends when the last of its requests has."""

    @property
    def express(self) -> Express:
        """Its express lane."""

    def begin(self) -> None:
        """Count a request in."""

    def end(self) -> None:
        """Count it out."""


class Guarded(HttpToolsProtocol):
    """One connection; `guarded` gives it its bounds."""

    overload = Overload()
    most_head_bytes = 0

    lanes: Callable[[], Lane | None] = staticmethod(lambda: None)
    """Gives the application of the moment, and with it the express lane."""

    _timer: asyncio.TimerHandle | None = None
    _between = True
    """Whether the parser stands between two requests."""
    _head: bytes | None = None
    """The head of the request that is being read, if it came in one piece at the beginning."""
    _rest = 0
    """How many bytes came with it."""
    _in_head = True
    _head_bytes = 0
    _lane: Lane | None = None
    _known: Known | None = None
    """What is known of the request that is being read, if it's fit for the express lane."""
    _parts: list[bytes]
    _size = 0
    _alarm: Alarm
    """Rings when the time of the request on the lane is up."""
    _idle: Alarm
    """Rings when the next request doesn't come."""
    _outbox: Outbox
    """Where answers on the lane wait for the end of the turn."""

    def connection_made(self, transport: Any) -> None:
        """Begin; whoever connects and says nothing is not waited for, either."""
        super().connection_made(transport)
        self._outbox = outbox_of(self.loop)
        self._alarm = Alarm(self.loop, self._late)
        self._idle = Alarm(self.loop, self.timeout_keep_alive_handler)
        if len(self.connections) > self.overload.connections:
            retry = {"retry-after": str(self.overload.retry_after_seconds)}
            self._refuse(Refused("REQUEST_CONCURRENCY_LIMITED", "There are too many connections.", headers=retry))
            return
        _give_up_after(transport.get_extra_info("socket"), self.overload.stalled_seconds)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        self._idle.close()
        if self.cycle is None or self.cycle.response_complete:
            self._alarm.close()  # what goes on has its time, too
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as a request's head is allowed to be."""
        if self._between and self._is_again(data):
            return
        self._outbox.flush()  # who sent more than one request without waiting gets the answers in order
        super().data_received(data)
        if self._in_head:
            if self._timer is None:
                self._wait()
            self._head_bytes += len(data)
            if self._head_bytes > self.most_head_bytes:
                message = "The request's URL and headers are too large."
                self._refuse(Refused("REQUEST_HEADER_FIELDS_TOO_LARGE", message))
        elif self._known is not None and self._timer is None:
            # The body comes in another piece, mostly at once; if not, somebody else has the patience for it.
            self._timer = self.loop.call_later(_BODY_SECONDS, self._hand_over)

    def _is_again(self, data: bytes) -> bool:
        """Answer a request whose head came before, letter by letter: nobody has to take it apart again."""
        lane, self._head = self.lanes(), None
        end = data.find(b"\r\n\r\n") + 4
        if lane is None or end < 4 or (self.cycle is not None and not self.cycle.response_complete):
            return False
        self._head, self._rest = data[:end], len(data) - end
        seen = lane.express.seen.get(self._head)
        if seen is None or seen[1] != self._rest:
            return False
        request = lane.express.request(data[end:])
        if request is None:
            return False
        if not lane.express.admission.has_place and self._turned_away(seen[0], lane, keep_alive=True):
            return True
        self._unset_keepalive_if_required()
        self._stop_waiting()
        self._in_head = False
        self._ride(Asked(seen[0], request, self.client, self._alarm), lane, keep_alive=True)
        return True

    def on_message_begin(self) -> None:
        """Begin a request; whatever is needed to run an ASGI application can wait until one has to."""
        self._between = False
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Take the head as complete; what follows has other bounds."""
        self._stop_waiting()
        self._in_head = False
        self._head_bytes = 0
        self._known = self._recognized()
        if self._known is None:
            self._as_usual()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._known is None:
            super().on_body(body)
            return
        self._parts.append(body)
        self._size += len(body)
        if self._size > HIGH_WATER_LIMIT:
            self._hand_over()

    def on_message_complete(self) -> None:
        """Answer, on one way or the other."""
        self._between = True
        if self._known is not None and self._lane is not None:
            self._stop_waiting()
            if self._turned_away(self._known, self._lane, keep_alive=self.parser.should_keep_alive()):
                self._known = None
                return
            body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            request = self._lane.express.request(body)
            if request is not None:
                keep_alive, known = self.parser.should_keep_alive(), self._known
                # What came was this head and this body, and nothing before, between or after.
                if keep_alive and known.is_kept and self._head is not None and self._rest == len(body):
                    self._lane.express.remember(self._head, known, len(body))
                self._ride(Asked(known, request, self.client, self._alarm), self._lane, keep_alive=keep_alive)
                self._known = None
                return
            self._hand_over()
        super().on_message_complete()

    def answered(self) -> None:
        """Expect the next request after one on the lane."""
        if self.pipeline or self.transport.is_closing():
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        self._in_head = True
        self.flow.resume_reading()
        self._idle.set(clock.now() + self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._idle.clear()
        if self.timeout_keep_alive_task is not None:
            super()._unset_keepalive_if_required()

    def _late(self) -> None:
        if isinstance(ride := cast("object", self.cycle), _Ride):
            ride.late()

    def _recognized(self) -> Known | None:
        lane, parser = self.lanes(), self.parser
        waits = self.cycle is not None and not self.cycle.response_complete
        if lane is None or waits or parser.get_method() != b"POST" or parser.should_upgrade():
            return None
        if parser.get_http_version() != "1.1":
            return None
        self._lane, self._parts, self._size = lane, [], 0
        return lane.express.known(self.url, self.headers)

    def _as_usual(self) -> None:
        """Make an ASGI request of what has been read so far."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def _hand_over(self) -> None:
        self._head = None
        self._stop_waiting()
        self._known = None
        self._as_usual()
        if self._parts:
            super().on_body(b"".join(self._parts))

    def _turned_away(self, known: Known, lane: Lane, *, keep_alive: bool) -> bool:
        """Refuse it here and now when there is too much to do; not if nobody reads what we say, which is to be waited for."""
        if self.flow.write_paused:
            return False
        reply = lane.express.turned_away(known, self.client)
        if reply is None:
            return False
        self.send_reply(reply, keep_alive=keep_alive)
        return True

    def send_reply(self, reply: Reply, *, keep_alive: bool) -> None:
        """Write an answer, and expect the next request."""
        ends = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        common = _lines_of(tuple(self.server_state.default_headers))
        whole = b"".join((STATUS_LINE[reply.status], common, reply.lines, ends, reply.body))
        self._outbox.write(self.transport, whole)
        if not keep_alive:
            self._outbox.flush()
            self.transport.close()
        self.answered()

    def _ride(self, asked: Asked, lane: Lane, *, keep_alive: bool) -> None:
        self._head = None
        cycle = _Ride(self, asked, lane, keep_alive=keep_alive)
        self.cycle = cast("RequestResponseCycle", cycle)
        if cycle.begin():
            return
        cycle.task = task = self.loop.create_task(cycle.run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def shutdown(self) -> None:
        """End when the server does: what was answered has been written then."""
        self._outbox.flush()
        super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """End when no other request has come."""
        self._outbox.flush()
        super().timeout_keep_alive_handler()

    def on_response_complete(self) -> None:
        """Expect another head; for how long, the server's own timer says until its first byte."""
        self._in_head = True
        super().on_response_complete()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.overload.header_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._refuse(Refused("REQUEST_TIMEOUT", "The request did not arrive in time."))

    def _refuse(self, refused: Refused) -> None:
        self._stop_waiting()
        self._outbox.flush()
        if not self.transport.is_closing():
            self.transport.write(_response(refused))
            self.transport.close()


@dataclass(slots=True)
class _Ride:
    """One request on the express lane, as the server sees it: what it expects of a request that runs an application."""

    connection: Guarded
    asked: Asked
    lane: Lane
    keep_alive: bool
    task: asyncio.Task[None] | None = None
    journey: Journey | None = None
    disconnected: bool = False
    response_complete: bool = False

    @property
    def message_event(self) -> _Ride:
        """The server sets this when something has happened to the connection."""
        return self

    def set(self) -> None:
        """Whose client has left is done, if it may be."""
        if not self.disconnected or not self.asked.may_leave:
            return
        if self.journey is not None:
            self.asked.may_leave = False
            self.journey.abandon()
            self.lane.end()
        elif self.task is not None:
            self.task.cancel()

    def late(self) -> None:
        """Its time is up."""
        if self.journey is not None:
            self.journey.late()
        else:
            self.asked.end(self.task)

    def begin(self) -> bool:
        """Begin without a task, where that can be."""
        self.lane.begin()
        self.journey = self.lane.express.nonstop.start(self.asked, self._landed)
        if self.journey is None:
            self.lane.end()
            return False
        if self.response_complete:
            self.journey = None
        return True

    def _landed(self, reply: Reply) -> None:
        flow = self.connection.flow
        if flow.write_paused and not self.disconnected:
            self.task = self.connection.loop.create_task(self._drained(reply))
            return
        self._write(reply)
        self.journey = None
        self.lane.end()

    async def _drained(self, reply: Reply) -> None:
        """Write as soon as the client takes more."""
        try:
            await self.connection.flow.drain()
            self._write(reply)
        finally:
            self.lane.end()

    async def run(self) -> None:
        """Answer, and write it."""
        self.lane.begin()
        try:
            reply = await self.lane.express.answer(self.asked)
            flow = self.connection.flow
            if flow.write_paused and not self.disconnected:
                await flow.drain()
            self._write(reply)
        except asyncio.CancelledError:
            if not self.disconnected:
                raise
        finally:
            self.lane.end()

    def _write(self, reply: Reply) -> None:
        self.response_complete = True
        if self.disconnected:
            return
        self.connection.send_reply(reply, keep_alive=self.keep_alive)


def guarded(config: RouterConfig, lanes: Callable[[], Lane | None] = lambda: None) -> type[HttpToolsProtocol]:
    """Return the protocol with these settings; the server makes one for each connection.

    `lanes` gives the application of the moment, if its express lane is to be used.
    """
    limits = config.limits
    measures = limits.only_measures("header_bytes") or limits.only_measures("url_bytes")
    most = (limits.header_bytes + limits.url_bytes) * (_MEASURED_AT_MOST if measures else 1) + _ROOM
    bounds = {"overload": config.overload, "most_head_bytes": most, "lanes": staticmethod(lanes)}
    return type("Guarded", (Guarded,), bounds)


@lru_cache(maxsize=2)
def _lines_of(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Write the server's own headers; they are the same for a second."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def _response(refused: Refused) -> bytes:
    body = orjson.dumps({"errors": refused.errors})
    status = refused.code.status
    headers = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}"]
    lines += [f"{name}: {value}" for name, value in {**headers, **refused.headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _give_up_after(connection: Any, seconds: float) -> None:
    """Let the kernel end a connection whose other side takes nothing, or is gone without a word."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
