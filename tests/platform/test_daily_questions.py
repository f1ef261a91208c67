"""The questions of every day take as few fetches as there are borders to cross, however long their lists are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner
from router.planner.query_plan import to_json
from tests.platform import daily_questions as questions

GRAPH = Supergraph.parse((Path(__file__).parents[2] / "contracts/graph/supergraph.graphql").read_text())
PLANNER, API = Planner(GRAPH), api_schema(GRAPH)

EXPECTED = {
    "CUSTOMER": [["crm"], ["assets", "billing", "tickets"]],
    "TICKET": [["tickets"], ["assets", "billing", "billing", "crm", "crm"], ["crm"]],
    "INVOICE": [["billing"], ["crm", "tickets"]],
    "NEXT_QUARTER": [["assets", "crm"], ["crm"]],
}
"""Fetch by fetch: what is in one list is asked for at the same time; the customers of what expires wait for assets alone."""


def steps(node: Any) -> Iterator[list[str]]:
    """The services that are asked, step by step."""
    match node["kind"]:
        case "Fetch":
            yield [node["serviceName"]]
        case "Flatten":
            yield from steps(node["node"])
        case "Sequence":
            for one in node["nodes"]:
                yield from steps(one)
        case "Parallel":
            branches = [list(steps(one)) for one in node["nodes"]]
            for place in range(max(map(len, branches))):
                yield sorted(name for branch in branches if place < len(branch) for name in branch[place])


@pytest.mark.parametrize("name", EXPECTED)
def test_a_question_is_planned_with_one_fetch_for_each_border(name: str) -> None:
    document = parse(getattr(questions, name))
    assert validate(API, document) == []

    assert list(steps(to_json(PLANNER.plan(document))["node"])) == EXPECTED[name]
