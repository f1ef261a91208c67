"""What `plan` and `explain` print."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest
from case import CASES

from router.federation.supergraph import Supergraph
from router.graph.build import QueryGraph
from router.graph.draw import mermaid
from router.planner.command import NotPlanned, explain, plan

_CASE = CASES / "002-a-key-from-a-third-subgraph"
_SUPERGRAPH = (_CASE / "supergraph.graphql").read_text()


def test_a_plan_is_printed_as_apollo_prints_it() -> None:
    printed = """
        QueryPlan {
          Fetch(service: "a") {
            {
              product {
                upc
              }
            }
          },
        }
        """

    assert plan(_SUPERGRAPH, "{ product { upc } }") == dedent(printed).strip()


def test_a_plan_is_printed_as_json() -> None:
    assert json.loads(plan(_SUPERGRAPH, "{ product { upc } }", as_json=True)) == {
        "kind": "QueryPlan",
        "node": {
            "kind": "Fetch",
            "serviceName": "a",
            "variableUsages": [],
            "operation": "{ product { upc } }",
            "operationKind": "query",
        },
    }


def test_explain_shows_every_stage_in_order() -> None:
    shown = explain(_SUPERGRAPH, "{ product { price } }")

    titles = [line.split(":")[0] for line in shown.splitlines() if line.startswith("# ")]
    assert titles == ["# operation", "# paths", "# tree", "# fetches", "# plan"]
    assert "* " in shown
    assert "2: stage 2, C at product after 1" in shown


def test_explain_draws_the_fetches() -> None:
    shown = explain(_SUPERGRAPH, "{ product { price } }", form="mermaid")

    assert "flowchart LR" in shown
    assert "  f1 --> f2" in shown


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{ product {", "Syntax Error"),
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'."),
        ("query A { product { upc } } query B { product { upc } }", "exactly one operation"),
    ],
)
def test_what_can_not_be_planned_is_refused_with_the_reason(query: str, reason: str) -> None:
    with pytest.raises(NotPlanned, match=reason):
        plan(_SUPERGRAPH, query)


def test_a_text_that_is_no_supergraph_is_refused() -> None:
    with pytest.raises(NotPlanned, match="links no join specification"):
        plan("type Query { a: Int }", "{ a }")


def test_the_graph_is_drawn_with_its_keys() -> None:
    drawn = mermaid(QueryGraph(Supergraph.parse(_SUPERGRAPH)))

    assert drawn.splitlines()[0] == "flowchart LR"
    assert '  A_Product -. "upc" .-> B_Product' in drawn
    assert '  B_Product -. "sku" .-> C_Product' in drawn
