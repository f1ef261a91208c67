"""Each case directory: the plan is the one written down, and running it gives the answer written down."""

from __future__ import annotations

import pytest
from case import ALL, Case
from graphql import validate
from interpreter import Interpreter, project

from router.composition import compose
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner
from router.planner.query_plan import to_json


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.path.name)
def test_the_plan_is_the_one_written_down_and_gives_the_answer(case: Case) -> None:
    api = api_schema(case.supergraph)
    assert validate(api, case.document) == []

    plan = Planner(case.supergraph).plan(case.document, labels=case.labels)

    assert to_json(plan) == case.plan
    data = Interpreter(case.supergraph.schema, case.ask, case.variables).run(plan)
    assert project(api, case.document, data, case.variables) == case.answer


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.path.name)
def test_our_own_supergraph_of_the_same_subgraphs_gives_the_same_plan(case: Case) -> None:
    sources = [
        compose.SubgraphSource(file.stem, f"http://{file.stem}", file.read_text())
        for file in sorted((case.path / "subgraphs").iterdir())
    ]

    composed = compose.supergraph(sources)

    assert isinstance(composed, compose.Composed)
    plan = Planner(Supergraph.parse(composed.supergraph_sdl)).plan(case.document, labels=case.labels)
    assert to_json(plan) == case.plan
