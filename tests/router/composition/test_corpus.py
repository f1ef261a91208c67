"""Every case of the corpus gets its verdict, whatever the order of its subgraphs."""

from __future__ import annotations

import pytest
from graphql import build_schema

from router.composition.compose import Composed, Refused, supergraph
from router.federation.subgraph import SubgraphSource
from tests.router.composition.corpus_cases import Case, cases

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_schema_set_gets_its_verdict(case: Case) -> None:
    match supergraph(case.subgraphs):
        case Composed(sdl, hints):
            found: tuple[str, ...] = ()
            build_schema(sdl)
            assert all(hint.level for hint in hints)
        case Refused(errors):
            found = tuple(sorted({error.code for error in errors}))

    assert found == case.codes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_order_of_subgraphs_changes_nothing(case: Case) -> None:
    assert supergraph(case.subgraphs[::-1]) == supergraph(case.subgraphs)


def test_two_subgraphs_of_one_name_are_refused() -> None:
    result = supergraph(
        [SubgraphSource("a", None, "type Query { a: Int }"), SubgraphSource("a", None, "type Query { b: Int }")]
    )

    assert isinstance(result, Refused)
    assert [error.code for error in result.errors] == ["INVALID_SUBGRAPH_NAME"]
