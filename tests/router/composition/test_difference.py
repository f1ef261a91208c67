"""What changed between two supergraphs: each change by level, code and place."""

from __future__ import annotations

import pytest

from router.composition.compose import Composed, SubgraphSource, supergraph
from router.composition.difference import Change, Level, as_json, as_text, between, is_breaking
from router.federation.supergraph import Supergraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", '
    '"@requires", "@provides", "@override", "@inaccessible", "@authenticated", "@requiresScopes"])\n'
)


def compose(**sdl: str) -> Supergraph:
    composed = supergraph([SubgraphSource(name, f"http://{name}", LINK + text) for name, text in sdl.items()])
    assert isinstance(composed, Composed), composed
    return Supergraph.parse(composed.supergraph_sdl)


def changed(old: str, new: str) -> set[tuple[str, str, str]]:
    """The changes that clients see between two graphs of one subgraph."""
    rest = "type Query { q: Int }\n"
    changes = between(compose(a=rest + old), compose(a=rest + new))
    return {(c.level.value, c.code, c.coordinate) for c in changes if c.level is not Level.NOTE}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("type T { a: Int }", "", ("breaking", "TYPE_REMOVED", "T")),
        ("", "type T { a: Int }", ("safe", "TYPE_ADDED", "T")),
        ("enum T { A }", "type T { a: Int }", ("breaking", "TYPE_KIND_CHANGED", "T")),
        ("type T { a: Int b: Int }", "type T { a: Int }", ("breaking", "FIELD_REMOVED", "T.b")),
        ("type T { a: Int }", "type T { a: Int b: Int }", ("safe", "FIELD_ADDED", "T.b")),
        ("type T { a: Int }", "type T { a: String }", ("breaking", "FIELD_TYPE_CHANGED", "T.a")),
        ("type T { a: Int! }", "type T { a: Int }", ("breaking", "FIELD_TYPE_CHANGED", "T.a")),
        ("type T { a: Int }", "type T { a: Int! }", ("safe", "FIELD_TYPE_NARROWED", "T.a")),
        ("type T { a: Int }", "type T { a(x: Int!): Int }", ("breaking", "ARG_REQUIRED_ADDED", "T.a(x:)")),
        ("type T { a: Int }", "type T { a(x: Int): Int }", ("dangerous", "ARG_OPTIONAL_ADDED", "T.a(x:)")),
        ("type T { a(x: Int): Int }", "type T { a: Int }", ("breaking", "ARG_REMOVED", "T.a(x:)")),
        ("type T { a(x: Int): Int }", "type T { a(x: Int!): Int }", ("breaking", "ARG_TYPE_CHANGED", "T.a(x:)")),
        ("type T { a(x: Int!): Int }", "type T { a(x: Int): Int }", ("safe", "ARG_TYPE_WIDENED", "T.a(x:)")),
        ("type T { a(x: Int = 1): Int }", "type T { a(x: Int = 2): Int }", ("dangerous", "ARG_DEFAULT_CHANGED", "T.a(x:)")),
        ("type T { a(x: Int): Int }", "type T { a(x: Int = 2): Int }", ("safe", "ARG_DEFAULT_ADDED", "T.a(x:)")),
        ("enum E { A }", "enum E { A B }", ("dangerous", "ENUM_VALUE_ADDED", "E.B")),
        ("enum E { A B }", "enum E { A }", ("breaking", "ENUM_VALUE_REMOVED", "E.B")),
        ("input I { a: Int }", "input I { a: Int b: Int! }", ("breaking", "INPUT_FIELD_REQUIRED_ADDED", "I.b")),
        ("input I { a: Int }", "input I { a: Int b: Int }", ("dangerous", "INPUT_FIELD_OPTIONAL_ADDED", "I.b")),
        ("input I { a: Int = 1 }", "input I { a: Int }", ("dangerous", "INPUT_FIELD_DEFAULT_CHANGED", "I.a")),
        ("input I { a: Int }", "input I { a: Int = 1 }", ("safe", "INPUT_FIELD_DEFAULT_ADDED", "I.a")),
        ("scalar S", '"An S" scalar S', ("safe", "DESCRIPTION_CHANGED", "S")),
        ("type T { a: Int }", "type T { a: Int @inaccessible b: Int }", ("breaking", "FIELD_REMOVED", "T.a")),
        ("type T { a: Int }", 'type T { a: Int @deprecated(reason: "b") }', ("safe", "DEPRECATION_ADDED", "T.a")),
        ("type T { a: Int @deprecated }", "type T { a: Int }", ("safe", "DEPRECATION_REMOVED", "T.a")),
        ("enum E { A }", "enum E { A @deprecated }", ("safe", "DEPRECATION_ADDED", "E.A")),
        ('scalar S @specifiedBy(url: "a")', 'scalar S @specifiedBy(url: "b")', ("dangerous", "SPECIFIED_BY_CHANGED", "S")),
        ("type T { a: Int }", "type T { a: Int @authenticated }", ("dangerous", "ACCESS_REQUIREMENT_CHANGED", "T.a")),
        ("type T @authenticated { a: Int }", "type T { a: Int }", ("safe", "ACCESS_REQUIREMENT_REMOVED", "T")),
    ],
)  # fmt: skip
def test_one_change_has_one_code(old: str, new: str, expected: tuple[str, str, str]) -> None:
    assert expected in changed(old, new)


def test_members_and_implementations_are_told_where_they_appear() -> None:
    objects = "type A { x: Int } type B { x: Int } interface I { x: Int }\n"

    assert changed(objects + "union U = A", objects + "union U = A | B") == {("dangerous", "UNION_MEMBER_ADDED", "U")}
    assert changed(objects + "union U = A | B", objects + "union U = A") == {("breaking", "UNION_MEMBER_REMOVED", "U")}
    assert changed(objects, objects.replace("type A {", "type A implements I {")) == {
        ("dangerous", "INTERFACE_ADDED", "A")
    }
    assert changed(objects.replace("type A {", "type A implements I {"), objects) == {
        ("breaking", "INTERFACE_REMOVED", "A")
    }
    assert changed(objects, objects + "type C implements I { x: Int }") == {
        ("safe", "TYPE_ADDED", "C"),
        ("dangerous", "POSSIBLE_TYPE_ADDED", "I"),
    }


def test_a_root_type_that_goes_breaks_and_one_that_comes_does_not() -> None:
    mutation = "type Mutation { m: Int }"

    assert changed(mutation, "") == {
        ("breaking", "ROOT_TYPE_CHANGED", "mutation"),
        ("breaking", "TYPE_REMOVED", "Mutation"),
    }
    assert changed("", mutation) == {("safe", "ROOT_TYPE_ADDED", "mutation"), ("safe", "TYPE_ADDED", "Mutation")}


def test_the_first_use_of_a_built_in_scalar_is_no_change() -> None:
    assert changed("type T { a: Int }", "type T { a: Int b: Float }") == {("safe", "FIELD_ADDED", "T.b")}
    assert changed("type T { a: Int b: Float }", "type T { a: Int }") == {("breaking", "FIELD_REMOVED", "T.b")}


def test_a_supergraph_does_not_differ_from_itself() -> None:
    same = compose(a='type Query { t: T }\ntype T @key(fields: "id") { id: ID! @deprecated x: Int @authenticated }')

    assert between(same, same) == ()
    assert not is_breaking(())
    assert as_text(()) == "0 breaking, 0 dangerous, 0 safe, 0 note"


def test_a_field_that_moves_to_another_subgraph_is_a_note_and_nothing_else() -> None:
    key = 'type T @key(fields: "id") {'
    old = compose(a=f"type Query {{ t: T }} {key} id: ID! x: Int }}", b=f"{key} id: ID! y: Int }}")
    new = compose(a=f"type Query {{ t: T }} {key} id: ID! }}", b=f"{key} id: ID! y: Int x: Int }}")

    assert between(old, new) == (Change(Level.NOTE, "FIELD_MOVED", "T.x", 'T.x moved from "a" to "b".'),)


def test_keys_addresses_and_resolvers_are_noted() -> None:
    old = compose(
        a='type Query { t: T } type T @key(fields: "id") { id: ID! x: Int @shareable }',
        b='type T @key(fields: "id") { id: ID! x: Int @shareable }',
    )
    new = compose(
        a='type Query { t: T } type T @key(fields: "id") @key(fields: "x") { id: ID! x: Int }',
        c='type T @key(fields: "id") { id: ID! }',
    )

    assert [(c.code, c.message) for c in between(old, new)] == [
        ("KEY_ADDED", 'T can be entered in subgraph "a" by "x".'),
        ("KEY_ADDED", 'T can be entered in subgraph "c" by "id".'),
        ("KEY_REMOVED", 'T can no longer be entered in subgraph "b" by "id".'),
        ("FIELD_RESOLVER_ADDED", 'T.id is now resolved by "c" too.'),
        ("FIELD_RESOLVER_REMOVED", 'T.id is no longer resolved by "b".'),
        ("FIELD_RESOLVER_REMOVED", 'T.x is no longer resolved by "b".'),
        ("SUBGRAPH_REMOVED", 'Subgraph "b" was removed.'),
        ("SUBGRAPH_ADDED", 'Subgraph "c" was added.'),
    ]


def test_what_a_field_requires_is_noted_when_it_changes() -> None:
    def graph(fields: str) -> Supergraph:
        return compose(
            a='type Query { t: T } type T @key(fields: "id") { id: ID! p: Int q: Int }',
            b=f'type T @key(fields: "id") {{ id: ID! p: Int @external q: Int @external r: Int @requires(fields: "{fields}") s: Int @requires(fields: "p q") }}',
        )

    assert [c.message for c in between(graph("p"), graph("p q"))] == [
        'In subgraph "b" T.r requires "p q"; before: "p".'
    ]


def test_the_worst_comes_first_in_text_and_in_json() -> None:
    changes = between(compose(a="type Query { a: Int z: Int }"), compose(a="type Query { b: Int a(x: Int): Int }"))

    assert as_text(changes) == (
        "breaking   FIELD_REMOVED  Field Query.z was removed.\n"
        "dangerous  ARG_OPTIONAL_ADDED  An optional argument Query.a(x:) was added.\n"
        "safe       FIELD_ADDED  Field Query.b was added.\n"
        "1 breaking, 1 dangerous, 1 safe, 0 note"
    )
    assert as_json(changes)["breaking"] is True
    assert as_json(changes)["changes"][0] == {
        "level": "breaking",
        "code": "FIELD_REMOVED",
        "coordinate": "Query.z",
        "message": "Field Query.z was removed.",
    }
