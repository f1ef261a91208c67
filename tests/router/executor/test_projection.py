"""The projection against the reference: whatever lies in the data, graphql-core completes it to the same answer."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, execute_sync, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from router.executor.errors import Faults
from router.executor.projection import Projection

SDL = """
type Query { a: A b: B! list: [A!] matrix: [[Int!]]! node: Node nodes: [Node]! either: [Either!] }
type A implements Node { id: ID! name: String color: Color b: B self: A! }
type B implements Node { id: ID! count: Int! ratio: Float flag: Boolean! a: A colors: [Color!] }
interface Node { id: ID! }
union Either = A | B
enum Color { RED GREEN }
"""
SCHEMA = build_schema(SDL)


def project(query: str, data: dict[str, Any], variables: dict[str, Any] | None = None) -> tuple[Any, list[Any]]:
    document = parse(query)
    definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    faults = Faults()
    done = Projection(SCHEMA, document, definition).project(data, variables or {}, faults, {})
    return done, faults.errors


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(strategy, strategy, strategy, strategy, st.none())


colors = st.sampled_from(["RED", "GREEN", "GREEN", "BLUE"])
ids = maybe(st.sampled_from(["1", "2"]))


def kind_a(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"__typename": st.just("A"), "id": ids, "name": maybe(st.just("n")), "color": maybe(colors)},
        optional={"b": inner.filter(is_("B")), "self": inner.filter(is_("A"))},
    )


def kind_b(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {
            "__typename": st.just("B"),
            "id": ids,
            "count": maybe(st.sampled_from([0, 7, 2**31])),
            "ratio": maybe(st.just(1.5)),
            "flag": maybe(st.booleans()),
        },
        optional={"a": inner.filter(is_("A")), "colors": maybe(st.lists(maybe(colors), max_size=2))},
    )


def is_(name: str) -> Any:
    return lambda value: value is None or value["__typename"] == name


objects = st.recursive(
    st.one_of(kind_a(st.none()), kind_b(st.none())),
    lambda inner: st.one_of(kind_a(maybe(inner)), kind_b(maybe(inner))),
    max_leaves=6,
)
nodes = maybe(st.lists(maybe(objects), max_size=3))
roots = st.fixed_dictionaries(
    {
        "a": maybe(objects.filter(is_("A"))),
        "b": maybe(objects.filter(is_("B"))),
        "list": maybe(st.lists(maybe(objects.filter(is_("A"))), max_size=2)),
        "matrix": maybe(st.lists(maybe(st.lists(maybe(st.integers(0, 3)), max_size=2)), max_size=2)),
        "node": maybe(objects),
        "nodes": nodes,
        "either": nodes,
    }
)


# Slow data generation on a busy machine says nothing about the law.
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(query=queries(SDL), data=roots)
def test_nulls_move_up_as_in_the_reference(query: str, data: dict[str, Any]) -> None:
    expected = execute_sync(SCHEMA, parse(query), root_value=data)

    done, errors = project(query, data)

    assert done == expected.data
    assert sorted(map(str, (error["path"] for error in errors))) == sorted(
        str(error.path) for error in expected.errors or ()
    )


B = {"__typename": "B", "id": "1", "count": 1, "flag": True}


@pytest.mark.parametrize(
    ("query", "data", "done", "path"),
    [
        ("{ list { id } }", {"list": {"id": "1"}}, {"list": None}, ["list"]),
        ("{ a { id } }", {"a": [{"id": "1"}]}, {"a": None}, ["a"]),
        ("{ a { name } }", {"a": {"name": 7}}, {"a": {"name": None}}, ["a", "name"]),
        ("{ b { flag } }", {"b": {**B, "flag": "yes"}}, None, ["b", "flag"]),
        ("{ node { id __typename } }", {"node": {"id": "1"}}, {"node": None}, ["node"]),
        ("{ node { id ... on A { name } } }", {"node": {"__typename": "Node", "id": "1"}}, {"node": None}, ["node"]),
        ("{ either { ... on A { id } } }", {"either": [{"id": "1"}]}, {"either": None}, ["either", 0]),
        ("{ node { id } }", {"node": {"__typename": "Query", "id": "1"}}, {"node": None}, ["node"]),
        ("{ node { id } }", {"node": {"__typename": ["A"], "id": "1"}}, {"node": None}, ["node"]),
        ("{ b { count } }", {"b": {**B, "count": True}}, None, ["b", "count"]),
        ("{ matrix }", {"matrix": [[1, "2"]]}, {"matrix": [None]}, ["matrix", 0, 1]),
    ],
)
def test_a_value_of_the_wrong_shape_is_null_with_an_error(query: str, data: Any, done: Any, path: list[Any]) -> None:
    result, errors = project(query, data)

    assert result == done
    assert [(error["path"], error["extensions"]["code"]) for error in errors] == [(path, "INVALID_RESPONSE_VALUE")]


def test_the_answer_has_the_clients_order_and_aliases_and_nothing_else() -> None:
    data = {"b": {"extra": 1, **B, "first": 2}}

    result, errors = project("{ t: __typename b { first: count ...F } } fragment F on Node { id __typename }", data)

    assert errors == []
    assert str(result) == "{'t': 'Query', 'b': {'first': 2, 'id': '1', '__typename': 'B'}}"


@pytest.mark.parametrize(("on", "keys"), [(True, ["id", "count"]), (False, ["flag"])])
def test_switched_fields_follow_the_variables(on: bool, keys: list[str]) -> None:  # noqa: FBT001 - parametrised
    query = """query($on: Boolean!) { b {
      ... @include(if: $on) { id } flag @skip(if: $on) count @include(if: $on) @skip(if: false) ratio @skip(if: true)
    } }"""

    result, _ = project(query, {"b": B}, {"on": on})

    assert list(result["b"]) == keys


def test_an_id_may_come_as_a_number_and_an_int_as_a_whole_float() -> None:
    result, errors = project("{ b { id count } }", {"b": {**B, "id": 7, "count": 3.0}})

    assert errors == []
    assert result == {"b": {"id": "7", "count": 3}}


@pytest.mark.parametrize(
    "query", ["{ node { id } }", "{ node { ... on Node { id } ... { id } ... on A @skip(if: true) { name } } }"]
)
@pytest.mark.parametrize("named", [{}, {"__typename": "Node"}])
def test_an_object_that_only_its_interface_is_known_of_answers_the_interfaces_fields(query: str, named: Any) -> None:
    result, errors = project(query, {"node": {"id": "1", **named}})

    assert errors == []
    assert result == {"node": {"id": "1"}}
