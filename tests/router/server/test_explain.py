"""What a developer is told of how an operation was answered: the fetches, their entities, and what was spared."""

from __future__ import annotations

from typing import Any

QUERY = '{ customer(id: "123") { name tickets { id } } }'
ASKED = {"psa-expose-trace": "true"}


async def test_the_trace_names_each_fetch_with_its_place_and_entities(platform: Any) -> None:
    async with platform(expose_query_plan=True) as psa:
        answer = await psa.ask(QUERY, headers=ASKED)
        silent = await psa.ask(QUERY)
    fetches = answer["extensions"]["trace"]["fetches"]

    said = [(one["service"], one["path"], one["entities"], one["places"], one["outcome"], one["by"]) for one in fetches]
    assert said == [("crm", "", 0, 1, "OK", "request"), ("tickets", "customer", 1, 1, "OK", "request")]
    assert fetches[0]["startMs"] <= fetches[0]["startMs"] + fetches[0]["durationMs"] <= fetches[1]["startMs"]
    assert all(one["bytes"] > 0 and "{" in one["operation"] for one in fetches)
    assert answer["data"] == silent["data"]
    assert "extensions" not in silent


async def test_a_trace_is_for_those_who_may_see_plans(platform: Any) -> None:
    async with platform(expose_query_plan=False) as psa:
        assert "extensions" not in await psa.ask(QUERY, headers=ASKED)
