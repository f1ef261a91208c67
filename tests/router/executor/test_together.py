"""Entity fetches that start together and go to one service are one request, and each gets what is its own."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse

from router.executor.spending import Demand
from router.planner.planner import Planner
from router.planner.query_plan import PlanNode

BOTH = "query Q { first: ticket(id: 1) { owner { name } } second: ticket(id: 2) { owner { name tier } } }"
SAME = "{ first: ticket(id: 1) { owner { name } } second: ticket(id: 2) { owner { name } } third: ticket(id: 3) { owner { name } } }"
NAMES = {"c1": {"name": "ACME", "tier": "GOLD"}, "c2": {"name": "Hansen", "tier": "BASIC"}}


def planned(graph: Any, query: str) -> PlanNode | None:
    return Planner(graph.supergraph).plan(parse(query)).node


def owners(*ids: str) -> Any:
    keys = ("first", "second", "third")
    owned = [{"owner": {"__typename": "Customer", "id": name}} for name in ids]
    return {"data": dict(zip(keys, owned, strict=False))}


def crm(request: dict[str, Any]) -> Any:
    """Answer for every list of representations under the key that it was asked for."""
    lists = {name: value for name, value in request["variables"].items() if isinstance(value, list)}
    return {
        "data": {
            "_entities" if name == "representations" else name: [dict(NAMES[one["id"]]) for one in value]
            for name, value in lists.items()
        }
    }


async def test_two_fetches_for_different_things_are_one_request_with_two_lists(graph: Any) -> None:
    graph.serves("tickets", owners("c1", "c2"))
    service = graph.serves("crm", crm)

    result = await graph.run(BOTH, planned(graph, BOTH))

    assert result.data == {
        "first": {"owner": {"name": "ACME"}},
        "second": {"owner": {"name": "Hansen", "tier": "BASIC"}},
    }
    assert result.errors == []
    assert service.asked == [
        {
            "query": "query Q__crm__1($_e0:[_Any!]!$_e1:[_Any!]!)"
            "{_e0:_entities(representations:$_e0){...on Customer{name}}"
            "_e1:_entities(representations:$_e1){...on Customer{name tier}}}",
            "variables": {
                "_e0": [{"__typename": "Customer", "id": "c1"}],
                "_e1": [{"__typename": "Customer", "id": "c2"}],
            },
            "operationName": "Q__crm__1",
        }
    ]


async def test_fetches_for_the_same_are_one_list_with_each_entity_once(graph: Any) -> None:
    graph.serves("tickets", owners("c1", "c2", "c1"))
    service = graph.serves("crm", crm)

    result = await graph.run(SAME, planned(graph, SAME))

    assert [result.data[key]["owner"]["name"] for key in ("first", "second", "third")] == ["ACME", "Hansen", "ACME"]
    assert [one["variables"] for one in service.asked] == [
        {"representations": [{"__typename": "Customer", "id": "c1"}, {"__typename": "Customer", "id": "c2"}]}
    ]


async def test_an_error_goes_to_every_place_that_it_is_about_and_to_no_other(graph: Any) -> None:
    graph.serves("tickets", owners("c1", "c2", "c1"))
    graph.serves(
        "crm",
        {
            "data": {"_entities": [None, {"name": "Hansen"}]},
            "errors": [{"message": "gone", "path": ["_entities", 0, "name"]}],
        },
    )

    result = await graph.run(SAME, planned(graph, SAME))

    assert result.data == {"first": {"owner": None}, "second": {"owner": {"name": "Hansen"}}, "third": {"owner": None}}
    assert [error["path"] for error in result.errors] == [["first", "owner", "name"], ["third", "owner", "name"]]


async def test_an_error_below_one_of_two_lists_is_about_that_one(graph: Any) -> None:
    graph.serves("tickets", owners("c1", "c2"))
    error = {"message": "gone", "path": ["_e1", 0, "tier"]}
    graph.serves(
        "crm", {"data": {"_e0": [{"name": "ACME"}], "_e1": [{"name": "Hansen", "tier": None}]}, "errors": [error]}
    )

    result = await graph.run(BOTH, planned(graph, BOTH))

    assert result.data == {"first": {"owner": {"name": "ACME"}}, "second": {"owner": {"name": "Hansen", "tier": None}}}
    assert [error["path"] for error in result.errors] == [["second", "owner", "tier"]]


@pytest.mark.parametrize(
    "path",
    [
        ["_e1", 7, "tier"],
        ["_e1", -1],
        ["_e7", 0],
        ["_entities", 0, "tier"],
        ["_e1", True],
        ["elsewhere"],
        [],
        "_e1",
        None,
    ],
)
async def test_an_error_about_no_place_at_all_is_said_once_without_one(graph: Any, path: Any) -> None:
    graph.serves("tickets", owners("c1", "c2"))
    error = {"message": "gone", "path": path, "extensions": {"code": "GONE"}}
    graph.serves(
        "crm", {"data": {"_e0": [{"name": "ACME"}], "_e1": [{"name": "Hansen", "tier": "BASIC"}]}, "errors": [error]}
    )

    result = await graph.run(BOTH, planned(graph, BOTH))

    assert result.data["second"] == {"owner": {"name": "Hansen", "tier": "BASIC"}}
    assert [(one["message"], "path" in one) for one in result.errors] == [("gone", False)]


@pytest.mark.parametrize(
    ("path", "led"),
    [
        (["first", "owner"], ["first", "owner"]),
        (["first", "owner", "id", "deep", 5], ["first", "owner", "id"]),
        (["first", "nobody", "asked"], ["first"]),
        (["first", 3, "owner"], ["first"]),
        (["_entities", 99, "name"], None),
        (["elsewhere", {"a": 1}], None),
        ([1e99], None),
    ],
)
async def test_the_path_of_an_error_leads_as_far_as_there_is_something(graph: Any, path: Any, led: Any) -> None:
    said = {"message": "odd", "path": path, "extensions": {"code": "ODD"}}
    graph.serves("tickets", {**owners("c1", "c2"), "errors": [said]})
    graph.serves("crm", crm)

    result = await graph.run(BOTH, planned(graph, BOTH))

    assert result.data["first"] == {"owner": {"name": "ACME"}}
    assert [one.get("path") for one in result.errors] == [led]


@pytest.mark.parametrize("answer", [b"", {"data": {"_e0": [{"name": "ACME"}]}}])
async def test_a_failure_takes_only_what_was_asked_for_there(graph: Any, answer: Any) -> None:
    graph.serves("tickets", owners("c1", "c2"))
    graph.serves("crm", answer)

    result = await graph.run(BOTH, planned(graph, BOTH))

    assert result.data["second"] == {"owner": None}
    assert {error["extensions"]["code"] for error in result.errors} == {"UPSTREAM_MALFORMED"}


async def test_more_entities_than_one_request_may_have_go_apart(graph: Any) -> None:
    graph.serves("tickets", owners("c1", "c2"))
    service = graph.serves("crm", crm)
    graph.max_representations = 1

    result = await graph.run(BOTH, planned(graph, BOTH))

    assert result.data["second"] == {"owner": {"name": "Hansen", "tier": "BASIC"}}
    assert [list(one["variables"]) for one in service.asked] == [["representations"], ["representations"]]


def test_only_services_that_are_asked_for_entities_twice_are_waited_for(graph: Any) -> None:
    def crowded(query: str) -> frozenset[str]:
        return Demand.of(Planner(graph.supergraph).plan(parse(query))).crowded

    assert crowded(BOTH) == {"crm"}
    assert crowded("{ first: ticket(id: 1) { owner { name } } }") == frozenset()
