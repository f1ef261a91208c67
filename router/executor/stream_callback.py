"""Streams from subgraphs that call back: HTTP callback protocol 1.0, where each event is a request to us.

    router  ── POST the subscription, with callbackUrl, subscriptionId and verifier ──► subgraph
    router  ◄── check ─────────────────────────────────────────────────────────────── subgraph   we know it: 204
    router  ◄── 200 {"data": null} ─────────────────────────────────────────────────── subgraph   it's open
    router  ◄── check, next, next, check, … complete ───────────────────────────────── whoever emits

The emitter need not be the process that took the subscription, nor keep a connection. So silence says nothing, and it has
to `check` once per heartbeat: when it is told 404 it stops, and when we don't hear of it we give the stream up.

An event is taken when its client side has room for it: until then its request is not answered, and an emitter that waits for
answers is slowed down instead of filling our memory.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from router.executor.handover import Handover
from router.executor.streams import Events, HeartbeatMissing, StreamRefused, StreamRequest, error_of
from router.executor.transport import Answer, Exchange, Malformed, SubgraphResponse, Unavailable

ACCEPT: Final = "application/json;callbackSpec=1.0"
_MISSED_HEARTBEATS: Final = 3


@dataclass(frozen=True, slots=True)
class _Completed:
    """The emitter said that nothing more will come; `errors` say why, when it was no ordinary end."""

    errors: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class Expected:
    """One stream that somebody shall call back for."""

    verifier: str
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    _news: Handover[SubgraphResponse | _Completed] = field(default_factory=Handover)

    def verifies(self, verifier: str) -> bool:
        """Whether a call comes from somebody who was told our secret."""
        return hmac.compare_digest(self.verifier.encode(), verifier.encode())

    async def next(self, event: SubgraphResponse) -> bool:
        """Take one event; waits until the one before was taken, and says whether anybody is left to take it."""
        self.heard.set()
        return await self._news.give(event)

    async def complete(self, errors: Sequence[dict[str, Any]]) -> None:
        """Take note that it's over."""
        self.heard.set()
        await self._news.give(_Completed(tuple(errors)))

    def close(self) -> None:
        """Take nothing more."""
        self._news.leave()

    async def events(self, heartbeat_seconds: float) -> AsyncGenerator[SubgraphResponse, None]:
        """Give what arrives, until the end or until the emitter is silent for too long."""
        patience = heartbeat_seconds * _MISSED_HEARTBEATS or None
        while True:
            match await self._soon(patience):
                case _Completed(errors=()):
                    return
                case _Completed(errors=errors):
                    raise StreamRefused(errors)
                case event:
                    yield event

    async def _soon(self, patience: float | None) -> SubgraphResponse | _Completed:
        while True:
            self.heard.clear()
            try:
                async with asyncio.timeout(patience):
                    return await self._news.take()
            except TimeoutError:
                if not self.heard.is_set():
                    raise HeartbeatMissing("the service was not heard of for too long") from None


class Callbacks:
    """The streams that are called back for, by their ids."""

    def __init__(self) -> None:
        self._expected: dict[str, Expected] = {}

    def get(self, identity: str) -> Expected | None:
        """Return the stream of this id, if it's open."""
        return self._expected.get(identity)

    @property
    def open(self) -> int:
        """How many streams are open."""
        return len(self._expected)

    def expect(self) -> tuple[str, Expected]:
        """Begin to listen for a new stream."""
        identity, expected = secrets.token_hex(16), Expected(secrets.token_urlsafe(32))
        self._expected[identity] = expected
        return identity, expected

    def forget(self, identity: str) -> None:
        """Answer 404 from now on."""
        forgotten = self._expected.pop(identity, None)
        if forgotten is not None:
            forgotten.close()


class CallbackStream:
    """Asks a subgraph to call back at `public_url`/<id>."""

    HEADERS: Mapping[str, str] = {"content-type": "application/json"}

    def __init__(self, exchange: Exchange, callbacks: Callbacks, *, public_url: str, heartbeat_seconds: float) -> None:
        self._exchange = exchange
        self._callbacks = callbacks
        self._public_url = public_url.rstrip("/")
        self._heartbeat = heartbeat_seconds

    @asynccontextmanager
    async def open(self, request: StreamRequest, deadline: float) -> AsyncIterator[Events]:
        """POST the subscription; from then on the events come by themselves."""
        identity, expected = self._callbacks.expect()
        try:
            await self._ask(request, identity, expected.verifier, deadline)
            async with aclosing(expected.events(self._heartbeat)) as events:
                yield events
        finally:
            self._callbacks.forget(identity)

    async def _ask(self, request: StreamRequest, identity: str, verifier: str, deadline: float) -> None:
        body = orjson.loads(request.body)
        body["extensions"] = {**body.get("extensions", {}), "subscription": self._terms(identity, verifier)}
        headers = {**self.HEADERS, **request.headers, "accept": ACCEPT}
        answer = await self._exchange.exchange(
            "POST", request.url, body=orjson.dumps(body), headers=headers, deadline=deadline
        )
        if errors := _errors(answer):
            raise StreamRefused(errors)

    def _terms(self, identity: str, verifier: str) -> Mapping[str, Any]:
        return {
            "callbackUrl": f"{self._public_url}/{identity}",
            "subscriptionId": identity,
            "verifier": verifier,
            "heartbeatIntervalMs": int(self._heartbeat * 1000),
        }


def _errors(answer: Answer) -> list[dict[str, Any]]:
    """Read what a service says to being asked: `{"data": null}` is its yes."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("errors"), list) and body["errors"]:
        return [error_of(error) for error in body["errors"]]
    if answer.status >= 500:
        raise Unavailable("the service did not take the subscription", status=answer.status)
    if answer.status >= 300 or not isinstance(body, dict):
        raise Malformed("the answer is not a GraphQL response", status=answer.status)
    return []
