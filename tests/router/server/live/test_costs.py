"""What events of subscriptions cost is counted, and said beside those that cost too much."""

from __future__ import annotations

from typing import Any

import pytest
from graphql_ws import opened


def settings(mode: str, most: int) -> dict[str, Any]:
    estimated = {"max": most, "list_size": 1}
    return {"demand_control": {"enabled": True, "mode": mode, "strategy": {"static_estimated": estimated}}}


@pytest.mark.parametrize("mode", ["measure", "enforce"])
async def test_each_event_is_counted_for_itself(live: Any, mode: str) -> None:
    async with live(**settings(mode, 3)) as psa, opened(psa, init={}) as client:
        await client.subscribe()
        await psa.feed.heard_by(1)
        for title in ("a", "b"):
            psa.feed.emit(title)
            assert "errors" not in (await client.hear())["payload"]
        metrics = (await psa.client.get("/metrics")).text

    assert 'cost_delta_count{cost_result="COST_OK"} 2.0' in metrics


async def test_a_subscription_that_would_cost_too_much_is_never_opened(live: Any) -> None:
    async with live(**settings("enforce", 2)) as psa, opened(psa, init={}) as client:
        await client.subscribe()
        refused = await client.hear()

        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == (
            "error",
            "COST_ESTIMATED_TOO_EXPENSIVE",
        )
        assert psa.feed.seen == []
