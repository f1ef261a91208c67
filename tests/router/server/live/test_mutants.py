"""Routers that are broken on purpose: what the tests beside this one look for has to be missing in each."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest

from router.executor.stream_callback import Expected
from router.executor.streams import event_of
from router.server import presence, subscriptions
from router.server.subscriptions import Subscription, Subscriptions

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { id title customer { name } } }'


async def test_a_queue_without_bound_grows_with_every_event_that_nobody_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    def grow(self: Subscription, payload: bytes) -> None:
        self._waiting.append(payload)

    kept, grown = Subscription(3, lambda _: None), Subscription(3, lambda _: None)
    for _ in range(1000):
        kept.offer(b"{}")
        grow(grown, b"{}")

    assert (kept._waiting, kept.overflowed.is_set()) == (deque(), True)
    assert (len(grown._waiting), grown.overflowed.is_set()) == (1000, False)


async def test_a_key_without_the_caller_shares_one_persons_stream_with_another(
    live: Any, issuer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sources() -> int:
        async with live(authentication=issuer.settings()) as psa:
            stream = {"accept": "text/event-stream"}
            one = {**stream, **issuer.bearer()}
            other = {**stream, **issuer.bearer(scope="nothing")}
            async with (
                psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=one),
                psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=other),
            ):
                count: int = psa.subscriptions.sources
            return count

    sound = await sources()
    monkeypatch.setattr(Subscriptions, "_key", lambda _self, prepared, *_: prepared.operation.digest.encode())
    assert (sound, await sources()) == (2, 1)


async def test_a_source_that_nobody_ends_keeps_its_stream_for_ever(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with live() as psa:
        monkeypatch.setattr(subscriptions.Source, "finish", lambda *_: None)
        hub = psa.subscriptions
        prepared, request, client = await psa.prepared(hub._pipeline, SUBSCRIPTION)
        one = hub.open(prepared, request, client)
        (source,) = hub._sources.values()
        await psa.feed.heard_by(1)
        one.close()
        await asyncio.sleep(0.2)
        leaked = len(psa.feed.listening)
        monkeypatch.undo()
        source.finish(subscriptions.COMPLETE)
        await psa.quiet()

    assert leaked == 1


async def test_a_presence_without_a_clock_outlives_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    class Token:
        expires_at = 0.0

    async def parted() -> list[Any]:
        said: list[Any] = []
        with presence.Presence(1).of(Token(), said.append):  # type: ignore[arg-type]
            await asyncio.sleep(0.05)
        return said

    sound = await parted()
    monkeypatch.setattr(presence, "_at_expiry", lambda *_: None)
    assert (sound, await parted()) == ([presence.Parting.EXPIRED], [])


async def test_an_emitter_that_is_not_slowed_down_fills_the_memory() -> None:
    expected = Expected("secret")
    event = event_of({"data": {}})
    first = await expected.next(event)
    second = asyncio.ensure_future(expected.next(event))
    await asyncio.sleep(0.01)
    waits = not second.done()
    expected.close()

    assert (first, waits, await second) == (True, True, False)
