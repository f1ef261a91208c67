"""`@defer` in plans: their shape, which is Apollo's, and what they cost, which is never more than Apollo's."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from router.composition import compose
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner import command
from router.planner.failures import PlanningFailed
from router.planner.planner import Planner
from router.planner.query_plan import pretty, to_json

_LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7",
  import: ["@key", "@shareable", "@external", "@requires"])
"""
S1 = """
type Query { t: T ts: [T!] node: I v: V @shareable u: U }
type Mutation { m: T }
type T implements I @key(fields: "id") { id: ID! v0: String v1: String o: O val: W }
type O @key(fields: "id") { id: ID! w0: String t: T }
type P implements I @key(fields: "id") { id: ID! p0: String }
type V @shareable { a: String b: String }
type W { a: String b: String }
interface I { id: ID! }
union U = T | P
"""
S2 = """
type Query { v: V @shareable q2: String }
type T @key(fields: "id") {
  id: ID! v2: String v3: String next: T v0: String @external r: String @requires(fields: "v0")
}
type O @key(fields: "id") { id: ID! w1: String }
type V @shareable { c: String }
"""
S3 = """
type Query { q3: String }
type T @key(fields: "id") { id: ID! v5: String }
type O @key(fields: "id") { id: ID! w2: String }
type P @key(fields: "id") { id: ID! p3: String }
"""
# What Apollo's own planner (@apollo/query-planner 2.14, with defer enabled) needs for the same operations.
OPERATIONS = json.loads((Path(__file__).parent / "deferred_operations.json").read_text())


@cache
def sdl() -> str:
    sources = [compose.SubgraphSource(f"s{n}", f"http://s{n}", _LINK + text) for n, text in enumerate((S1, S2, S3), 1)]
    composed = compose.supergraph(sources)
    assert isinstance(composed, compose.Composed)
    return composed.supergraph_sdl


@cache
def planner() -> Planner:
    return Planner(Supergraph.parse(sdl()))


def plan(query: str) -> dict[str, Any]:
    document = parse(query)
    assert not validate(api_schema(planner().supergraph, with_defer=True), document)
    node: dict[str, Any] = to_json(planner().plan(document, deferring=True))["node"]
    return node


def shown(query: str) -> str:
    return pretty(planner().plan(parse(query), deferring=True))


def costs(node: dict[str, Any] | None) -> tuple[int, int, int]:
    """Fetches and stages of the primary part, and the fetches of all others, for conditions that hold."""
    match node:
        case None:
            return 0, 0, 0
        case {"kind": "Fetch"}:
            return 1, 1, 0
        case {"kind": "Flatten", "node": inner}:
            return costs(inner)
        case {"kind": "Condition"}:
            return costs(node.get("ifClause") or node.get("elseClause"))
        case {"kind": "Defer", "primary": primary, "deferred": deferred}:
            fetches, stages, later = costs(primary.get("node"))
            parts = [costs(part.get("node")) for part in deferred]
            return fetches, stages, later + sum(own + inner for own, _, inner in parts)
        case {"kind": kind, "nodes": nodes}:
            each = [costs(inner) for inner in nodes]
            stages = (sum if kind == "Sequence" else max)(stages for _, stages, _ in each)
            return sum(one for one, _, _ in each), stages, sum(later for _, _, later in each)
    raise AssertionError(node)


@pytest.mark.parametrize("known", OPERATIONS, ids=[one["operation"] for one in OPERATIONS])
def test_no_part_costs_more_than_in_apollos_plan(known: dict[str, Any]) -> None:
    fetches, stages, later = costs(plan(known["operation"]))

    assert fetches <= known["primary"]["fetches"]
    assert stages <= known["primary"]["stages"]
    assert fetches + later <= known["primary"]["fetches"] + known["deferred"]["fetches"]


def test_a_plan_reads_like_apollos() -> None:
    assert shown('{ ts { v0 ... @defer(label: "x") { v2 o { w0 ... @defer { w1 } } } } }') == (
        """\
QueryPlan {
  Defer {
    Primary {
      {
        ts {
          v0
        }
      }:
      Fetch(service: "s1", id: 0) {
        {
          ts {
            __typename
            v0
            id
          }
        }
      },
    }, [
      Deferred(depends: [0], path: "ts", label: "x") {
        Defer {
          Primary {
            {
              v2
              o {
                w0
              }
            }:
            Parallel {
              Flatten(path: "ts.@") {
                Fetch(service: "s2") {
                  {
                    ... on T {
                      __typename
                      id
                    }
                  } =>
                  {
                    ... on T {
                      v2
                    }
                  }
                },
              },
              Flatten(path: "ts.@") {
                Fetch(service: "s1", id: 1) {
                  {
                    ... on T {
                      __typename
                      id
                    }
                  } =>
                  {
                    ... on T {
                      o {
                        __typename
                        w0
                        id
                      }
                    }
                  }
                },
              },
            },
          }, [
            Deferred(depends: [1], path: "ts/o") {
              {
                w1
              }:
              Flatten(path: "ts.@.o") {
                Fetch(service: "s2") {
                  {
                    ... on O {
                      __typename
                      id
                    }
                  } =>
                  {
                    ... on O {
                      w1
                    }
                  }
                },
              },
            },
          ]
        },
      },
    ]
  },
}"""
    )


def test_the_json_has_the_names_that_apollos_tools_read() -> None:
    node = plan('query Q { t { v0 ... @defer(label: "x") { v1 } } }')

    assert {key: value for key, value in node["primary"]["node"].items() if key in ("kind", "id", "serviceName")} == {
        "kind": "Fetch",
        "id": "0",
        "serviceName": "s1",
    }
    assert node["kind"] == "Defer"
    assert node["primary"]["subselection"] == "{ t { v0 } }"
    (part,) = node["deferred"]
    assert part.pop("node")["kind"] == "Flatten"
    assert part == {"depends": [{"id": "0"}], "label": "x", "queryPath": ["t"], "subselection": "{ v1 }"}


def test_what_the_primary_part_asks_for_anyway_is_not_fetched_again() -> None:
    node = plan("{ t { v0 ... @defer { v0 id __typename } } }")

    assert node["deferred"] == [{"depends": [], "queryPath": ["t"], "subselection": "{ v0 id __typename }"}]
    assert node["primary"]["node"]["operation"] == "{ t { __typename v0 id } }"


def test_an_entity_that_both_parts_go_into_is_found_by_its_key_and_not_through_the_object_around_it() -> None:
    (part,) = plan("{ t { o { w0 } ... @defer { o { w0 w1 } } } }")["deferred"]

    assert part["subselection"] == "{ o { w0 w1 } }"
    assert part["node"]["path"] == ["t", "o"]
    assert part["node"]["node"]["serviceName"] == "s2"


def test_a_value_comes_along_with_its_parent_and_is_delivered_apart() -> None:
    node = plan("{ t { val { a ... @defer { b } } } }")

    assert node["primary"]["node"]["operation"] == "{ t { val { a b } } }"
    assert node["deferred"] == [{"depends": [], "queryPath": ["t", "val"], "subselection": "{ b }"}]


def test_a_value_is_fetched_by_a_way_of_its_own_where_the_primary_part_does_not_go() -> None:
    node = plan("{ v { a ... @defer { c } } }")

    assert node["primary"]["node"]["serviceName"] == "s1"
    assert node["deferred"][0]["node"]["serviceName"] == "s2"
    assert node["deferred"][0]["node"]["operation"] == "{ v { c } }"


def test_what_a_deferred_field_requires_is_not_waited_for_by_the_primary_part() -> None:
    node = plan("{ t { v1 ... @defer { r } } }")

    assert "v0" not in node["primary"]["node"]["operation"]
    assert [inner["node"]["serviceName"] for inner in node["deferred"][0]["node"]["nodes"]] == ["s1", "s2"]


def test_a_variable_decides_between_two_plans() -> None:
    node = plan("query ($c: Boolean!) { t { v0 ... @defer(if: $c) { v1 } } }")

    assert (node["kind"], node["condition"], node["ifClause"]["kind"]) == ("Condition", "c", "Defer")
    assert node["elseClause"]["operation"] == "{ t { v0 v1 } }"


def test_an_operation_that_may_not_be_answered_in_parts_is_planned_as_if_nothing_were_deferred() -> None:
    deferred = parse("{ t { v0 ... @defer { v1 o { w0 } } } }")

    assert planner().plan(deferred) == planner().plan(parse("{ t { v0 v1 o { w0 } } }"))


def test_more_variables_than_there_can_be_plans_for_are_refused() -> None:
    variables = ", ".join(f"$c{number}: Boolean!" for number in range(6))
    fragments = " ".join(f"... @defer(if: $c{number}) {{ v1 }}" for number in range(6))

    with pytest.raises(PlanningFailed, match="more than 5 variables decide what is deferred"):
        plan(f"query ({variables}) {{ t {{ {fragments} }} }}")


def test_many_levels_of_deferred_values_are_planned_in_reasonable_time() -> None:
    inner = "a"
    for _ in range(40):
        inner = f"... @defer {{ {inner} }}"

    assert costs(plan(f"{{ v {{ {inner} }} t {{ val {{ {inner} }} }} }}")) == (1, 1, 0)


def test_the_commands_show_what_comes_later() -> None:
    query = '{ t { v0 ... @defer(label: "x") { v1 } } }'

    assert 'Deferred(depends: [0], path: "t", label: "x")' in command.plan(sdl(), query)
    explained = command.explain(sdl(), query)
    assert '... @defer(label: "x") {' in explained
    assert "1: stage 1, deferred, S1 at t after 0" in explained
