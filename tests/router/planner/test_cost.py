"""What operations cost: the published examples of the model, and each of its rules alone."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse
from small_graph import LINK

from router.composition import compose
from router.federation.subgraph import SubgraphSource
from router.federation.supergraph import Supergraph
from router.planner.cost import CostModel, CostPlan, InvalidSlicing, ListSizes
from router.planner.planner import Planner

WEIGHED = """
type Query {
  fieldWithCost: Int @cost(weight: 5)
  argWithCost(arg: Int @cost(weight: 10)): Int
  enumWithCost: AorB
  inputWithCost(someInput: InputTypeWithCost): Int
  inputsWithCost(some: [InputTypeWithCost!]): Int
  scalarWithCost: ExpensiveInt
  objectWithCost: ExpensiveObject
  fieldWithListSize: [String!] @listSize(assumedSize: 2000, requireOneSlicingArgument: false)
  fieldWithDynamicListSize(first: Int!): SizedField
    @listSize(slicingArguments: ["first"], sizedFields: ["items"], requireOneSlicingArgument: true)
  plain: [A]
  weighedList: [A] @cost(weight: 3)
  assumed: [A] @listSize(assumedSize: 7)
  either(first: Int, last: Int): [A] @listSize(slicingArguments: ["first", "last"], assumedSize: 4)
  largest(first: Int = 2, last: Int): [A]
    @listSize(slicingArguments: ["first", "last"], assumedSize: 4, requireOneSlicingArgument: false)
  dotted(input: Search): [A]
  byIds(ids: [ID!]!): [A]
  nested: [Outer]
  node: Node
}
type Mutation { change: A count: Int }
interface Node { id: ID }
input Search { page: Page }
input Page { first: Int }
input InputTypeWithCost { somethingWithCost: Int @cost(weight: 20) inner: InputTypeWithCost }
enum AorB @cost(weight: 15) { A B }
scalar ExpensiveInt @cost(weight: 30)
type ExpensiveObject @cost(weight: 40) { id: ID }
type SizedField { items: [A] }
type A implements Node { id: ID heavy: Int @cost(weight: 2) }
type B implements Node { id: ID heavier: Int @cost(weight: 5) }
type Outer { many: [A] one: A }
"""


def supergraph(**subgraphs: str) -> Supergraph:
    sources = [SubgraphSource(name, f"http://{name}", LINK + sdl) for name, sdl in subgraphs.items()]
    composed = compose.supergraph(sources)
    assert isinstance(composed, compose.Composed), composed
    return Supergraph.parse(_more_sizes(composed.supergraph_sdl))


def _more_sizes(sdl: str) -> str:
    """Add what other composers let through: a way into an input object, and a list whose length is the size."""
    for field, argument in (("dotted(input: Search): [A]", "input.page.first"), ("byIds(ids: [ID!]!): [A]", "ids")):
        sdl = sdl.replace(field, f'{field} @listSize(slicingArguments: ["{argument}"])')
    return sdl


def cost_plan(graph: Supergraph, query: str, sizes: ListSizes = ListSizes(10)) -> CostPlan:  # noqa: B008 - it is frozen
    document = parse(query)
    definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return CostModel(graph, sizes).plan(document, definition, Planner(graph).plan(document))


@pytest.fixture(scope="module")
def weighed() -> Supergraph:
    return supergraph(one=WEIGHED)


def test_the_books_of_the_manual_cost_40(books: Supergraph) -> None:
    query = "{ books { title author { name } publisher { name address { zipCode } } } }"

    assert cost_plan(books, query).estimate({}).total == 40


@pytest.fixture(scope="module")
def books() -> Supergraph:
    return supergraph(
        one="""
        type Query { books: [Book] }
        type Book { title: String author: Author publisher: Publisher }
        type Author { name: String }
        type Publisher { name: String address: Address }
        type Address { zipCode: Int! }
        """
    )


def test_all_kinds_of_weights_together(weighed: Supergraph) -> None:
    """5 + 10 + 15 + (1 + 20) + 30 + 40 + 0 + (1 + 5 * 1)."""
    query = """{
      fieldWithCost argWithCost(arg: 3) enumWithCost inputWithCost(someInput: { somethingWithCost: 10 })
      scalarWithCost objectWithCost { id } fieldWithListSize fieldWithDynamicListSize(first: 5) { items { id } }
    }"""

    assert cost_plan(weighed, query).estimate({}).total == 127


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ fieldWithCost }", {}, 5),
        ("{ a: fieldWithCost b: fieldWithCost }", {}, 10),
        ("{ argWithCost }", {}, 0),
        ("query($n: Int) { argWithCost(arg: $n) }", {"n": 1}, 10),
        ("query($n: Int) { argWithCost(arg: $n) }", {}, 0),
        ("{ plain { id } }", {}, 10),
        ("{ plain { heavy } }", {}, 30),
        ("{ weighedList { id } }", {}, 30),
        ("{ assumed { id } }", {}, 7),
        ("{ nested { many { id } one { id } } }", {}, 10 * (1 + 10 + 1)),
        ("{ either(first: 3) { id } }", {}, 3),
        ("{ either(last: 2) { id } }", {}, 2),
        ("query($n: Int = 6) { either(first: $n) { id } }", {"n": 6}, 6),
        ("{ largest { id } }", {}, 2),
        ("{ largest(first: 3, last: 9) { id } }", {}, 9),
        ("query($n: Int) { largest(first: $n, last: 1) { id } }", {}, 1),
        ("{ largest(first: -5) { id } }", {}, 0),
        ("{ dotted(input: {page: {first: 8}}) { id } }", {}, 1 + 1 + 8),
        ("query($i: Search) { dotted(input: $i) { id } }", {"i": {"page": {"first": 9}}}, 1 + 1 + 9),
        ("{ byIds(ids: [1, 2, 3]) { id } }", {}, 3),
        ("query($ids: [ID!]!) { byIds(ids: $ids) { id } }", {"ids": ["a", "b"]}, 2),
        ("query($i: InputTypeWithCost) { inputWithCost(someInput: $i) }", {"i": {"somethingWithCost": 1}}, 21),
        ("{ inputWithCost(someInput: {inner: {somethingWithCost: 1}}) }", {}, 22),
        ("{ inputsWithCost(some: [{somethingWithCost: 1}, {}]) }", {}, 22),
        ("{ inputWithCost(someInput: null) }", {}, 0),
        ("{ node { ... on A { heavy } ... on B { heavier } } }", {}, 1 + 2 + 5),
        ("{ node { __typename id } }", {}, 1),
        ("query($y: Boolean!) { fieldWithCost @include(if: $y) plain @skip(if: $y) { id } }", {"y": True}, 5),
        ("query($y: Boolean!) { fieldWithCost @include(if: $y) plain @skip(if: $y) { id } }", {"y": False}, 10),
        ("{ fieldWithCost @skip(if: true) scalarWithCost }", {}, 30),
        ("{ ...F } fragment F on Query { plain { ...G } } fragment G on A { heavy }", {}, 30),
        ("mutation { count }", {}, 10),
        ("mutation { change { heavy } }", {}, 13),
        ("{ __typename }", {}, 0),
    ],
)
def test_each_rule_alone(weighed: Supergraph, query: str, variables: dict[str, object], cost: int) -> None:

    assert cost_plan(weighed, query).estimate(variables).total == cost


@pytest.mark.parametrize("query", ["{ either { id } }", "{ either(first: 1, last: 2) { id } }"])
def test_exactly_one_argument_has_to_say_the_size_unless_the_schema_says_otherwise(
    weighed: Supergraph, query: str
) -> None:
    with pytest.raises(InvalidSlicing, match="exactly one slicing argument"):
        cost_plan(weighed, query).estimate({})


def test_a_federated_operation_costs_what_its_requests_cost() -> None:
    graph = supergraph(
        crm='type Query { customers: [Customer] } type Customer @key(fields: "id") { id: ID name: String }',
        tickets="""type Query { unused: Int } type Customer @key(fields: "id") { id: ID tickets: [Ticket] }
          type Ticket { title: String }""",
    )
    plan = cost_plan(graph, "{ customers { name tickets { title } } }", ListSizes(5, {"tickets": 3}))

    estimate = plan.estimate({})

    assert estimate.by_subgraph == {"crm": 5, "tickets": 3 * (1 + 3)}
    assert estimate.total == 17


def test_an_event_of_a_subscription_costs_what_is_fetched_for_it_too() -> None:
    graph = supergraph(
        crm="""type Query { unused: Int } type Subscription { changed: Customer }
          type Customer @key(fields: "id") { id: ID }""",
        tickets="""type Customer @key(fields: "id") { id: ID tickets: [Ticket] } type Ticket { title: String }""",
    )
    plan = cost_plan(graph, "subscription { changed { tickets { title } } }", ListSizes(5, {}))

    assert plan.estimate({}).by_subgraph == {"crm": 1, "tickets": 5 * (1 + 5)}


def test_the_answer_costs_what_is_in_it(weighed: Supergraph) -> None:
    query = (
        "{ plain { heavy } again: plain { id } nested { many { heavy } one { id } } enumWithCost argWithCost(arg: 1) }"
    )
    plan = cost_plan(weighed, query)
    data = {
        "plain": [{"heavy": 1}, {"heavy": None}, None],
        "again": [],
        "nested": [{"many": [{"heavy": 1}], "one": {"id": "1"}}, {"many": None, "one": None}],
        "enumWithCost": "A",
        "argWithCost": 7,
    }

    assert plan.of_answer(data, {}) == (1 + 2) + 1 + (1 + (1 + 2) + 1) + 1 + 15 + 10
    assert plan.of_answer(None, {}) == 0
    assert cost_plan(weighed, "mutation { count }").of_answer({"count": 1}, {}) == 10


def test_an_answer_is_counted_once_however_often_it_is_selected(weighed: Supergraph) -> None:
    query = "{ plain { heavy } ...F ...F } fragment F on Query { plain { heavy id } }"

    assert cost_plan(weighed, query).of_answer({"plain": [{"heavy": 1, "id": "1"}]}, {}) == 3


def test_of_fragments_the_type_that_came_counts(weighed: Supergraph) -> None:
    plan = cost_plan(weighed, "{ node { __typename ... on A { x: heavy } ... on B { x: heavier } } }")

    assert plan.of_answer({"node": {"__typename": "B", "x": 1}}, {}) == 6
    assert plan.of_answer({"node": {"__typename": "A", "x": 1}}, {}) == 3
