"""Demand control: what is too expensive is refused before anything is fetched, and what it did cost is said."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from small_graph import Subgraph

from router.server.config import RouterConfig

QUERY = "{ books { title author { name } } }"
TENANT = "0190a000-0000-7000-8000-00000000000f"


def library() -> dict[str, Subgraph]:
    """Books in one subgraph, what readers say of them in another."""
    books = [{"id": str(number), "title": "T", "author": {"name": "A"}} for number in range(3)]
    return {
        "books": Subgraph(
            """type Query { books(first: Int): [Book] shelf(first: Int): [Book] @listSize(slicingArguments: ["first"]) }
            type Book @key(fields: "id") { id: ID title: String author: Author } type Author { name: String }""",
            {"books": lambda **_: books, "shelf": lambda first=None: books[: first or 0]},
            {f"Book:{number}": {} for number in range(3)},
        ),
        "reviews": Subgraph(
            """type Query { unused: Int } type Book @key(fields: "id") { id: ID reviews: [Review] }
            type Review { text: String }""",
            {},
            {f"Book:{number}": {"reviews": [{"text": "good"}]} for number in range(3)},
        ),
    }


def demand(mode: str = "enforce", most: float = 1000, **more: Any) -> dict[str, Any]:
    own = {name: more.pop(name) for name in ("tenants", "subgraph", "actual_cost_mode", "list_size") if name in more}
    return {"enabled": True, "mode": mode, "strategy": {"static_estimated": {"max": most, **own}}, **more}


def codes(body: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors", [])]


async def test_it_is_off_by_default(small: Any) -> None:
    async with small(library()) as psa:
        answer = await psa.post(QUERY)

    assert "extensions" not in answer.json()
    assert not [name for name in answer.headers if name.startswith("x-cost")]


async def test_what_would_cost_too_much_is_refused_before_anything_is_fetched(small: Any) -> None:
    async with small(library(), demand_control=demand(most=19, expose_headers=True)) as psa:
        refused = await psa.post(QUERY, headers={"accept": "application/graphql-response+json"})
        older = await psa.post(QUERY)
        cheap = await psa.post("{ books { title } }")
        metrics = (await psa.client.get("/metrics")).text

    assert refused.status_code == 400
    assert refused.json()["errors"] == [
        {
            "message": "query estimated cost 20 exceeded configured maximum 19",
            "extensions": {"code": "COST_ESTIMATED_TOO_EXPENSIVE", "cost.estimated": 20, "cost.max": 19.0},
        }
    ]
    assert codes(older.json()) == ["COST_ESTIMATED_TOO_EXPENSIVE"]
    assert (refused.headers["x-cost-estimated"], refused.headers["x-cost-max"]) == ("20", "19")
    assert len(cheap.json()["data"]["books"]) == 3
    assert cheap.headers["x-cost-actual"] == "3"
    assert len(psa.subgraphs["books"].asked) == 1
    assert 'cost_result="COST_ESTIMATED_TOO_EXPENSIVE"' in metrics


async def test_measuring_refuses_nobody(small: Any) -> None:
    settings = demand("measure", 19, include_extension_metadata=True)
    async with small(library(), demand_control=settings) as psa:
        body = await psa.ask(QUERY)

    assert len(body["data"]["books"]) == 3
    assert body["extensions"]["cost"] == {
        "estimated": 20,
        "maxCost": 19.0,
        "result": "COST_ESTIMATED_TOO_EXPENSIVE",
        "estimatedCostBySubgraph": {"books": 20},
        "resultBySubgraph": {"books": "COST_OK"},
        "actual": 6,
        "delta": -14,
    }


async def test_a_subgraph_beyond_its_budget_is_not_asked_and_the_others_are(small: Any) -> None:
    budget = {"all": {"max": 100}, "subgraphs": {"reviews": {"max": 5, "list_size": 2}}}
    async with small(library(), demand_control=demand(subgraph=budget)) as psa:
        body = await psa.ask("{ books { title reviews { text } } }")
    budget["subgraphs"]["reviews"]["max"] = 6
    async with small(library(), demand_control=demand(subgraph=budget)) as within:
        good = await within.ask("{ books { title reviews { text } } }")

    assert body["data"]["books"] == [{"title": "T", "reviews": None}] * 3
    assert codes(body) == ["SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE"]
    assert body["errors"][0]["extensions"]["service"] == "reviews"
    assert psa.subgraphs["reviews"].asked == []
    assert good == {"data": {"books": [{"title": "T", "reviews": [{"text": "good"}]}] * 3}}


async def test_a_tenant_can_have_a_maximum_of_its_own(small: Any, issuer: Any) -> None:
    settings = {"demand_control": demand(most=1000, tenants={TENANT: 19}), "authentication": issuer.settings()}
    async with small(library(), **settings) as psa:
        small_one = await psa.ask(QUERY, headers=issuer.bearer(tid=TENANT))
        other = await psa.ask(QUERY, headers=issuer.bearer())

    assert codes(small_one) == ["COST_ESTIMATED_TOO_EXPENSIVE"]
    assert codes(other) == []


@pytest.mark.parametrize(
    ("mode", "actual", "by_subgraph"),
    [("by_response_shape", 3 + 3, None), ("by_subgraph", 3 + 3 * (1 + 1), {"books": 3, "reviews": 6})],
)
async def test_what_came_is_counted_from_the_answer_or_from_all_that_was_fetched(
    small: Any, mode: str, actual: int, by_subgraph: Any
) -> None:
    settings = demand("measure", 10_000, actual_cost_mode=mode, include_extension_metadata=True)
    async with small(library(), demand_control=settings) as psa:
        body = await psa.ask("{ books { reviews { text } } }")

    cost = body["extensions"]["cost"]
    assert (cost["estimated"], cost["result"]) == (10 + 10 * (1 + 10), "COST_OK")
    assert (cost["actual"], cost.get("actualCostBySubgraph")) == (actual, by_subgraph)


async def test_an_answer_that_cost_too_much_comes_with_an_error_beside_it(small: Any) -> None:
    async with small(library(), demand_control=demand(most=5, list_size=1)) as psa:
        body = await psa.ask(QUERY)
    async with small(library(), demand_control=demand("measure", 5, list_size=1)) as psa:
        measured = await psa.ask(QUERY)

    assert len(body["data"]["books"]) == 3
    assert body["errors"] == [
        {
            "message": "query actual cost 6 exceeded configured maximum 5",
            "extensions": {"code": "COST_ACTUAL_TOO_EXPENSIVE", "cost.actual": 6, "cost.max": 5.0},
        }
    ]
    assert codes(measured) == []


async def test_a_size_that_no_argument_says_is_refused_and_one_in_a_variable_counts(small: Any) -> None:
    query = "query($n: Int) { shelf(first: $n) { title } }"
    async with small(library(), demand_control=demand(most=5)) as psa:
        unsaid = await psa.ask(query)
        few = await psa.ask(query, variables={"n": 2})
        many = await psa.ask(query, variables={"n": 2_000_000_000})
    async with small(library(), demand_control=demand("measure")) as psa:
        measured = await psa.ask(query)

    assert codes(unsaid) == ["COST_QUERY_PARSE_FAILURE"]
    assert few == {"data": {"shelf": [{"title": "T"}] * 2}}
    assert codes(many) == ["COST_ESTIMATED_TOO_EXPENSIVE"]
    assert measured == {"data": {"shelf": []}}


async def test_rates_can_be_weighed_by_cost(small: Any, issuer: Any) -> None:
    settings = {"authentication": issuer.settings(), "rate_limit": {"limit": 45, "weigh_by_cost": True}}
    async with small(library(), **settings) as psa:
        heavy = [await psa.post(QUERY, headers=issuer.bearer()) for _ in range(3)]
        light = [await psa.post("{ __typename }", headers=issuer.bearer()) for _ in range(6)]

    assert [one.status_code for one in heavy] == [200, 200, 429]
    assert [one.headers["ratelimit"].split(";")[1] for one in heavy] == ["r=25", "r=5", "r=5"]
    assert [one.status_code for one in light] == [200] * 5 + [429]


@pytest.mark.parametrize("wrong", [{"mode": "guess"}, {"strategy": {"static_estimated": {"max": -1}}}, {"max": 3}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RouterConfig.model_validate({"demand_control": wrong})


def figures(metrics: str, name: str) -> dict[str, float]:
    """Return how many were counted and their sum, over all results."""
    found = {"count": 0.0, "sum": 0.0}
    for line in metrics.splitlines():
        for kind in found:
            if line.startswith(f"{name}_{kind}{{"):
                found[kind] += float(line.rpartition(" ")[2])
    return found


async def test_how_far_an_estimate_was_off_is_counted_below_zero_too(small: Any) -> None:
    async with small(library(), demand_control=demand(include_extension_metadata=True)) as psa:
        body = await psa.ask(QUERY)
        metrics = (await psa.client.get("/metrics")).text

    cost = body["extensions"]["cost"]
    assert (cost["estimated"], cost["actual"], cost["delta"]) == (20, 6, -14)
    assert 'cost_delta_bucket{cost_result="COST_OK",le="-100.0"} 0.0' in metrics
    assert 'cost_delta_bucket{cost_result="COST_OK",le="-10.0"} 1.0' in metrics
    assert figures(metrics, "cost_actual") == {"count": 1, "sum": 6}


@pytest.mark.parametrize("mode", ["by_response_shape", "by_subgraph"])
async def test_parts_that_come_later_cost_what_they_would_cost_at_once(small: Any, mode: str) -> None:
    asked = "{ books { title ... @defer { reviews { text } } } }"
    settings = demand(actual_cost_mode=mode, expose_headers=True)

    async with small(library(), demand_control=settings) as psa:
        at_once = await psa.post(asked.replace("... @defer", "..."))
        first = figures((await psa.client.get("/metrics")).text, "cost_actual")
        parts = await psa.post(asked, headers={"accept": "multipart/mixed;deferSpec=20220824"})
        second = figures((await psa.client.get("/metrics")).text, "cost_actual")

    assert parts.headers["content-type"].startswith("multipart/mixed")
    assert parts.headers["x-cost-estimated"] == at_once.headers["x-cost-estimated"]
    assert (first["count"], second["count"]) == (1, 2)
    assert second["sum"] == 2 * first["sum"] == 2 * int(at_once.headers["x-cost-actual"])


async def test_parts_beyond_a_budget_are_not_fetched_and_come_with_the_reason(small: Any) -> None:
    settings = demand(subgraph={"subgraphs": {"reviews": {"max": 1}}})
    asked = "{ books { title ... @defer { reviews { text } } } }"

    async with small(library(), demand_control=settings) as psa:
        parts = await psa.post(asked, headers={"accept": "multipart/mixed;deferSpec=20220824"})

        assert "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE" in parts.text
        assert psa.subgraphs["reviews"].asked == []
