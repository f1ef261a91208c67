"""A query that can't be answered is shown, with the reason in each subgraph."""

from __future__ import annotations

from router.composition.compose import Composed, Refused, SubgraphSource, supergraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", '
    'import: ["@key", "@shareable", "@external", "@requires", "@provides", "@interfaceObject", "@override"])\n'
)


def compose(**sdl: str) -> Composed | Refused:
    return supergraph([SubgraphSource(name, None, LINK + text) for name, text in sdl.items()])


def test_a_missing_key_is_named() -> None:
    refused = compose(
        a='type Query { t: T }\ntype T @key(fields: "id") { id: ID! }',
        b='type T @key(fields: "id2") { id2: ID! y(a: Int!): Int }',
    )

    assert isinstance(refused, Refused)
    assert [error.code for error in refused.errors] == ["SATISFIABILITY_ERROR"] * 2
    assert refused.errors[1].message == (
        "The following supergraph API query:\n"
        "{\n  t {\n    y(a: 0)\n  }\n}\n"
        "cannot be satisfied by the subgraphs because:\n"
        '- from subgraph "a":\n'
        '  - cannot find field "T.y".\n'
        '  - cannot move to subgraph "b" using @key(fields: "id2") of "T", the key field(s) cannot be resolved from subgraph "a".'
    )


def test_a_third_subgraph_can_translate_between_keys() -> None:
    composed = compose(
        a='type Query { t: T }\ntype T @key(fields: "id") { id: ID! }',
        b='type T @key(fields: "id2") { id2: ID! y: Int }',
        c='type T @key(fields: "id") @key(fields: "id2") { id: ID! id2: ID! }',
    )

    assert isinstance(composed, Composed)


def test_requirements_that_need_each_other_are_refused() -> None:
    refused = compose(
        a='type Query { t: T }\ntype T @key(fields: "id") { id: ID! x: Int @requires(fields: "y") y: Int @external }',
        b='type T @key(fields: "id") { id: ID! y: Int @requires(fields: "x") x: Int @external }',
    )

    assert isinstance(refused, Refused)
    assert {error.code for error in refused.errors} == {"SATISFIABILITY_ERROR"}


def test_both_sides_of_a_gradual_override_are_walked() -> None:
    refused = compose(
        a='type Query { t: T }\ntype T @key(fields: "id") { id: ID! x: Int @override(from: "b", label: "percent(5)") }',
        b='type T @key(fields: "id", resolvable: false) { id: ID! x: Int }',
    )

    assert isinstance(refused, Refused)
    assert 'because override condition "percent(5)" is false.' in refused.errors[0].message


def test_a_shared_mutation_must_be_answerable_alone() -> None:
    refused = compose(
        a="type Query { z: Int }\ntype Mutation { m: M @shareable }\ntype M @shareable { a: Int }",
        b="type Mutation { m: M @shareable }\ntype M @shareable { b: Int }",
    )

    assert isinstance(refused, Refused)
    assert refused.errors[0].message.startswith(
        'Supergraph API queries using the mutation field "Mutation.m" at top-level'
    )


def test_too_many_open_ways_are_refused_with_that_error_alone() -> None:
    sdl = "type Query { t: T @shareable u: U @shareable }\ntype T @shareable { x: Int }\ntype U @shareable { x: Int }"
    sources = [SubgraphSource(name, None, LINK + sdl) for name in ("a", "b")]

    # Two fields, each open in two subgraphs.
    refused = supergraph(sources, most_subgraph_paths=3)

    assert isinstance(refused, Refused)
    assert [(error.code, error.message) for error in refused.errors] == [
        ("MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED", "Maximum number of validation subgraph paths exceeded: 4")
    ]
    assert isinstance(supergraph(sources, most_subgraph_paths=4), Composed)
