"""What a stream of events from a subgraph is, whichever wire brings it.

A stream is opened with one GraphQL request and brings one GraphQL response for each event, in order, until one of these
happens:

    it ends             the service says that no event will ever come
    it is refused       the service answers with errors (`StreamRefused`): asking again would change nothing
    it can't be opened  any other `TransportFailure`, as for a fetch
    it breaks           `StreamBroken`: it was open, and opening it again may help; what happened meanwhile is lost

Nobody reads ahead: an event is taken from the wire when somebody asks for it, so that a service that is faster than we are
waits for us and no memory grows. Leaving the block closes the stream, and the service learns of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from router.executor.nesting import too_deep
from router.executor.transport import Malformed, SubgraphResponse, TransportFailure

Events = AsyncIterator[SubgraphResponse]


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """The request that opens a stream: the body is JSON."""

    service: str
    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class StreamRefused(Exception):
    """The service answered with errors where events were expected."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("the service refused the subscription")
        self.errors = tuple(errors)


class StreamBroken(TransportFailure):
    """The stream was open, and ended without the service saying so."""

    def __init__(self, reason: str, *, status: int | None = None, **facts: Any) -> None:
        super().__init__(reason, status=status)
        self.facts = facts


class SocketBroken(StreamBroken):
    """The WebSocket was closed while events could still come."""

    code = "SUBREQUEST_WEBSOCKET_ERROR"


class SocketRefused(TransportFailure):
    """There is no WebSocket to the service."""

    code = "WEBSOCKET_CONNECTION_ERROR"


class HeartbeatMissing(StreamBroken):
    """The service that calls back has not been heard of for too long."""

    code = "SUBSCRIPTION_HEARTBEAT_ERROR"


class Stream(Protocol):
    """Opens streams over one kind of wire."""

    def open(self, request: StreamRequest, deadline: float) -> AbstractAsyncContextManager[Events]:
        """Open a stream before the deadline (in the loop's time); raise as the module says."""


class ByService:
    """Picks the wire for each service; `choose` is asked with the name and address of the service."""

    def __init__(self, choose: Callable[[StreamRequest], Stream]) -> None:
        self._choose = choose

    def open(self, request: StreamRequest, deadline: float) -> AbstractAsyncContextManager[Events]:
        """Open the stream over the wire that this service speaks."""
        return self._choose(request).open(request, deadline)


def event_of(payload: Any) -> SubgraphResponse:
    """Read one event: a GraphQL response whose inside is only a promise yet."""
    if not isinstance(payload, dict) or too_deep(payload):
        raise Malformed("an event is not a GraphQL response")
    data, errors = payload.get("data"), payload.get("errors") or []
    if not isinstance(data, dict | None) or not isinstance(errors, list) or (data is None and not errors):
        raise Malformed("an event has neither data nor errors")
    return SubgraphResponse(data, tuple(map(error_of, errors)))


def error_of(raw: Any) -> dict[str, Any]:
    """Return an error as an object, whatever the service made of it."""
    return raw if isinstance(raw, dict) else {"message": orjson.dumps(raw).decode()}
