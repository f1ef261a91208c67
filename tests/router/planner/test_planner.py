"""What holds for plans as such: determinism, bounds, refusals, the three kinds of operation."""

from __future__ import annotations

import math

import pytest
from case import CASES
from graphql import (
    DocumentNode,
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

from router.federation.supergraph import Supergraph
from router.graph.allowance import Allowance, SearchLimitExceeded, SearchLimits
from router.graph.selections import Field
from router.planner.failures import PlanningFailed
from router.planner.fetch_graph import FetchStep
from router.planner.optimize import optimize
from router.planner.planner import PlanLimits, Planner
from router.planner.query_plan import Fetch, Flatten, QueryPlan, Sequence, Subscription

HEAD = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) {
  query: Query subscription: Subscription
}
directive @join__field(graph: join__Graph, requires: String, provides: String, external: Boolean) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT | INTERFACE | UNION
directive @link(url: String, for: String) repeatable on SCHEMA
enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") C @join__graph(name: "c", url: "") }
type Subscription @join__type(graph: A) { changed: N @join__field(graph: A) }
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) {
  n: N @join__field(graph: A) all: [I] @join__field(graph: A)
}
type N @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID! next: N @join__field(graph: A) back: N @join__field(graph: B)
  a: String @join__field(graph: A) b: String @join__field(graph: B) c: String @join__field(graph: C)
}
type Alone @join__type(graph: B) { x: Int }
"""


def _many_types(count: int) -> str:
    types = "\n".join(
        f'type T{number} implements I @join__implements(graph: A, interface: "I") @join__implements(graph: B, interface: "I")'
        '@join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {'
        "id: ID! name: String @join__field(graph: B) more: String @join__field(graph: C) below: [I] @join__field(graph: B) }"
        for number in range(count)
    )
    interface = (
        "interface I @join__type(graph: A) @join__type(graph: B) {"
        "id: ID! name: String @join__field(graph: B) more: String @join__field(graph: A) below: [I] @join__field(graph: B) }"
    )
    return f"{HEAD}\n{types}\n{interface}"


def _plan(sdl: str, query: str) -> QueryPlan:
    return Planner(Supergraph.parse(sdl)).plan(parse(query))


SMALL = _many_types(1)


def test_an_operation_that_needs_no_subgraph_has_an_empty_plan() -> None:
    assert _plan(SMALL, "{ __typename __schema { types { name } } }") == QueryPlan(None)


def test_introspection_beside_data_is_left_to_the_router() -> None:
    plan = _plan(SMALL, '{ __type(name: "N") { name } n { a } __typename }')

    assert plan == QueryPlan(Fetch("a", "{ n { a } }"))


def test_a_subscription_opens_one_stream_and_fetches_the_rest_for_each_event() -> None:
    plan = _plan(SMALL, "subscription S { changed { a b } }")

    match plan.node:
        case Subscription(primary=primary, rest=Flatten(path=path, node=Fetch() as rest)):
            assert primary.operation == "subscription S__a__0 { changed { __typename a id } }"
            assert path == ("changed",)
            assert rest.operation_kind == "query"
            assert rest.service_name == "b"
        case _:
            pytest.fail(str(plan))


def test_a_mutation_asked_for_twice_under_conditions_goes_in_one_request() -> None:
    case = CASES / "010-mutations-in-order-each-once"
    supergraph = Supergraph.parse((case / "supergraph.graphql").read_text())
    query = "mutation($x: Boolean!) { a: addA { id @include(if: $x) } b: addB { id } a: addA @skip(if: $x) { id } }"

    plan = Planner(supergraph).plan(parse(query))

    assert isinstance(plan.node, Sequence)
    assert [node.operation for node in plan.node.nodes if isinstance(node, Fetch)] == [
        "mutation($x: Boolean!) { a: addA { id @include(if: $x) } a: addA @skip(if: $x) { id } }",
        "mutation { b: addB { id } }",
    ]


def test_the_same_operation_has_the_same_plan_each_time() -> None:
    planner = Planner(Supergraph.parse(SMALL))
    document = parse("{ n { a b c next { b c back { a c } } } all { name more } }")

    assert planner.plan(document) == planner.plan(document)
    assert planner.plan(document) == Planner(Supergraph.parse(SMALL)).plan(document)


def test_variables_go_with_their_defaults_to_whom_they_concern() -> None:
    case = CASES / "034-an-enum-and-an-input-in-variables"
    supergraph = Supergraph.parse((case / "supergraph.graphql").read_text())
    query = "query Q($n: Int = 1, $k: Kind = A) { list(n: $n) { more(k: $k) } }"

    fetches = str(Planner(supergraph).plan(parse(query)))

    assert "query Q__a__0($n: Int = 1) { list(n: $n) { __typename id } }" in fetches
    assert "query Q__b__1($representations: [_Any!]!, $k: Kind = A) {" in fetches


def test_an_impossible_query_is_refused_with_the_field_that_no_one_can_answer() -> None:
    sdl = SMALL.replace(
        "n: N @join__field(graph: A) all", "alone: Alone @join__field(graph: A) n: N @join__field(graph: A) all"
    )
    sdl = sdl.replace("type Alone @join__type(graph: B)", "type Alone @join__type(graph: A) @join__type(graph: B)")
    sdl = sdl.replace("{ x: Int }", "{ x: Int @join__field(graph: B) }")

    with pytest.raises(PlanningFailed, match=r'no subgraph that can be reached answers "Alone\.x"') as failure:
        _plan(sdl, "{ alone { x } }")

    assert failure.value.code == "QUERY_PLANNING_FAILED"


def test_an_argument_from_a_context_that_nothing_above_sets_is_refused_with_the_reason() -> None:
    sdl = SMALL.replace("external: Boolean)", "external: Boolean, contextArguments: [String])").replace(
        "c: String @join__field(graph: C)",
        'c: String @join__field(graph: C, contextArguments: [{context: "x", name: "n", type: "Int", selection: "{ id }"}])',
        1,
    )

    with pytest.raises(PlanningFailed, match=r'answers "N\.c" without a context that nothing above sets'):
        _plan(sdl, "{ n { c } }")


def test_a_supergraph_of_join_0_1_says_what_is_provided_without_saying_what_is_external() -> None:
    sdl = """
        schema @core(feature: "https://specs.apollo.dev/core/v0.1") @core(feature: "https://specs.apollo.dev/join/v0.1") {
          query: Query
        }
        directive @core(feature: String!) repeatable on SCHEMA
        directive @join__field(graph: join__Graph, requires: String, provides: String) on FIELD_DEFINITION
        directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT | INTERFACE
        directive @join__owner(graph: join__Graph!) on OBJECT | INTERFACE
        directive @join__graph(name: String!, url: String!) on ENUM_VALUE
        enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") }
        type Query { top: Review @join__field(graph: B) }
        type User @join__owner(graph: A) @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
          id: ID! @join__field(graph: A) name: String @join__field(graph: A) age: Int @join__field(graph: A)
        }
        type Review { author: User @join__field(graph: B, provides: "name") }
    """

    assert _plan(sdl, "{ top { author { name } } }") == QueryPlan(Fetch("b", "{ top { author { name } } }"))
    assert isinstance(_plan(sdl, "{ top { author { name age } } }").node, Sequence)


def test_planning_stops_at_its_limits() -> None:
    planner = Planner(Supergraph.parse(SMALL), PlanLimits(max_paths=3))

    with pytest.raises(PlanningFailed, match="more than 3 paths") as failure:
        planner.plan(parse("{ n { a b c next { b c } } }"))

    assert failure.value.code == "QUERY_PLAN_COMPLEXITY_EXCEEDED"


_DOUBLING = " ".join(
    f"fragment F{n} on N {{ a n{n}: next {{ ...F{n + 1} }} m{n}: next {{ ...F{n + 1} }} }}" for n in range(40)
)


def test_fragments_that_double_forty_times_are_refused_as_soon_as_the_time_is_up() -> None:
    planner = Planner(Supergraph.parse(SMALL), PlanLimits(timeout_seconds=0.05))

    with pytest.raises(PlanningFailed, match="took longer than 0.05 s") as failure:
        planner.plan(parse("{ n { ...F0 } } fragment F40 on N { a } " + _DOUBLING))

    assert failure.value.code == "QUERY_PLAN_COMPLEXITY_EXCEEDED"


def test_what_is_done_with_the_paths_is_within_the_limits_too() -> None:
    """Joining fetches, for one."""
    allowance = Allowance(SearchLimits(timeout_seconds=0))
    steps = tuple(FetchStep(n, "A", ("n",), (), (Field("a", f"a{n}"),), frozenset(), is_entity=True) for n in range(2))

    with pytest.raises(SearchLimitExceeded, match="took longer than 0 s"):
        optimize(steps, allowance)


def test_an_operation_nested_beyond_all_reason_is_refused() -> None:
    document = OperationDefinitionNode(
        operation=OperationType.QUERY,
        selection_set=_nested(["n", *["next"] * 2000, "b"]),
        variable_definitions=(),
        directives=(),
    )

    with pytest.raises(PlanningFailed, match="nested too deeply") as failure:
        Planner(Supergraph.parse(SMALL)).plan(DocumentNode(definitions=(document,)))

    assert failure.value.code == "QUERY_PLAN_COMPLEXITY_EXCEEDED"


def _nested(names: list[str]) -> SelectionSetNode:
    """Build the selection from the inside, since a parser would give up before the planner does."""
    inner: SelectionSetNode | None = None
    for name in reversed(names):
        node = FieldNode(name=NameNode(value=name), arguments=(), directives=(), selection_set=inner)
        inner = SelectionSetNode(selections=(node,))
    assert inner is not None
    return inner


def test_seventy_types_at_three_levels_are_planned_with_few_looks() -> None:
    """A thousand paths: fifteen for each type, and not seventy times seventy."""
    planner = Planner(Supergraph.parse(_many_types(70)), PlanLimits(max_paths=1500, timeout_seconds=math.inf))

    assert planner.plan(parse("{ all { id name more below { name more below { more } } } }")).node is not None


def test_forty_levels_are_planned_with_a_few_looks_at_each() -> None:
    query = "a b c"
    for _ in range(20):
        query = f"a b c next {{ b back {{ a c {query} }} }}"
    planner = Planner(Supergraph.parse(SMALL), PlanLimits(max_paths=700, timeout_seconds=math.inf))

    assert planner.plan(parse(f"{{ n {{ {query} }} }}")).node is not None
