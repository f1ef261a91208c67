"""The mistakes that are easily made here, made on purpose: the tests must notice each of them."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from sqlalchemy import text

from subgraphs.integrations.service import changes, deliveries, dispatch, sending, webhooks
from subgraphs.kit import outside
from subgraphs.kit.outside import Reach
from tests.subgraphs.integrations.conftest import Hub, a_ticket, follow
from tests.subgraphs.integrations.receiver import OK, answers, listening


async def test_numbers_that_do_not_wait_for_each_other_lose_a_change(hub: Hub, monkeypatch) -> None:
    """A sequence instead of the row that is locked: what an identity column would do."""
    numbers = itertools.count(1)

    async def unlocked(_work: object, _series: str) -> int:
        return next(numbers)

    monkeypatch.setattr(changes.numbers, "following", unlocked)
    monkeypatch.setattr(changes, "_HEAD", text("SELECT max(position) FROM change WHERE :series <> ''"))

    assert await follow(hub) == ["second"]


async def test_without_the_lease_two_workers_send_twice(hub: Hub, monkeypatch) -> None:
    arrived = asyncio.Event()

    async def taken(*_: object) -> dispatch.Leased:
        return dispatch.Leased(failing=False)

    async def waits_for_another(request, writer) -> None:
        if len(receiver.requests) == 2:
            arrived.set()
        await asyncio.wait_for(arrived.wait(), 60)
        await OK(request, writer)

    monkeypatch.setattr(dispatch, "_lease", taken)
    async with listening(waits_for_another) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await asyncio.gather(hub.deliver(hook["id"]), hub.deliver(hook["id"]))

    assert len(receiver.requests) == 2


async def test_a_client_that_follows_redirects_goes_where_it_is_sent(hub: Hub, monkeypatch) -> None:
    plain = outside.client

    def follows(reach: Reach, **more: object):
        made = plain(reach, **more)

        class Following:
            async def __aenter__(self) -> object:
                http = await made.__aenter__()
                http.follow_redirects = True
                return http

            async def __aexit__(self, *error: object) -> None:
                await made.__aexit__(*error)

        return Following()

    monkeypatch.setattr(sending.outside, "client", follows)
    async with listening(OK) as inside, listening(answers(307, location=inside.url)) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    assert len(inside.requests) == 1


async def test_without_the_guard_a_webhook_reaches_this_machine(hub: Hub, monkeypatch) -> None:
    monkeypatch.setattr(Reach, "covers", lambda _self, _address: True)
    monkeypatch.setattr(Reach, "plain", lambda _self, _address: True)
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"], begin=hub.begin_with(hub.service.settings))

    assert len(receiver.requests) == 1


async def test_an_event_that_is_told_without_looking_at_permissions_goes_to_everybody(hub: Hub, monkeypatch) -> None:
    monkeypatch.setattr(deliveries.messages, "hears", lambda *_args, **_more: True)
    async with listening(OK) as receiver:
        hook = await hub.subscribe(receiver.url, scopes=["assets:read"])
        await hub.happens(a_ticket())
        await hub.deliver(hook["id"])

    assert len(receiver.requests) == 1


@pytest.mark.parametrize("attempts", [5])
async def test_a_ladder_of_one_pause_more_is_one_call_more(hub: Hub, monkeypatch, attempts) -> None:
    monkeypatch.setattr(webhooks.outcomes, "LADDER", (60, 300, 1800, 1800))
    async with listening(answers(500)) as receiver:
        hook = await hub.subscribe(receiver.url)
        await hub.happens(a_ticket())
        for _ in range(8):
            await hub.deliver(hook["id"])
            hub.passes(hours=1)

    assert len(receiver.requests) == attempts
