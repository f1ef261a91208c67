"""Supergraphs are swapped under load: no request fails and no event is lost. A hundred are swapped by a command, which measures memory."""

from __future__ import annotations

from tests.router.server.reload_drill import drill


async def test_reloads_cost_no_request_and_no_event() -> None:
    done = await drill(4, measured=False)

    assert (done.reloads, done.failed) == (4, 0)
    assert done.requests >= 16
    assert (done.subscribers, done.events, done.lost, done.told) == (5, 20, 0, 5)
