"""A query that can't be answered comes with a change that lets it be answered, if a small one does."""

from __future__ import annotations

import io
import json

import pytest

from router.composition import remedies
from router.composition.command import run
from router.composition.compose import Composed, Refused, SubgraphSource, supergraph
from router.federation.codes import CompositionError, Journey, Leg
from tests.router.composition.random_journeys import journeys

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", '
    'import: ["@key", "@shareable", "@external", "@requires", "@provides", "@interfaceObject", "@override"])\n'
)


def refused(**sdl: str) -> tuple[list[SubgraphSource], Refused]:
    sources = [SubgraphSource(name, None, LINK + text) for name, text in sdl.items()]
    result = supergraph(sources)
    assert isinstance(result, Refused)
    return sources, result


QUERY = "type Query { t: T }\n"
CASES = {
    "a key that may not be used": (
        {
            "a": QUERY + 'type T @key(fields: "id") { id: ID! }',
            "b": 'type T @key(fields: "id", resolvable: false) { id: ID! x: Int }',
        },
        'Remove `resolvable: false` from `@key(fields: "id")` of "T" in subgraph "b".',
    ),
    "a key of others": (
        {
            "a": QUERY + 'type T @key(fields: "id") { id: ID! }',
            "b": 'type T @key(fields: "number") { number: ID! id: ID! @shareable x: Int }',
        },
        'Add `@key(fields: "id")` to "T" in subgraph "b".',
    ),
    "a key of others with its field": (
        {
            "a": QUERY + 'type T @key(fields: "id") { id: ID! }',
            "b": 'type T @key(fields: "number") { number: ID! x: Int }',
        },
        'Add `@key(fields: "id")` and the field `id: ID!` to "T" in subgraph "b".',
    ),
    "a key here": (
        {"a": QUERY + "type T { y: Int }", "b": 'type T @key(fields: "id") { id: ID! x: Int }'},
        'Add `@key(fields: "id")` and the field `id: ID!` to "T" in subgraph "a".',
    ),
    "a new key": (
        {
            "a": QUERY + "type T { id: ID! @shareable }",
            "b": "type T { id: ID! @shareable x: Int }",
        },
        'Add `@key(fields: "id")` to "T" in subgraphs "a" and "b".',
    ),
    "a shared value": (
        {
            "a": QUERY + "type T { y: Int @shareable }",
            "b": "type Query { u: T }\ntype T { y: Int @shareable x(n: Int!): Int }",
        },
        'Resolve "T.x" in subgraph "a" too: add `x(n: Int!): Int @shareable` to "T", and mark it @shareable in "b".',
    ),
    "a requirement that has no way back": (
        {
            "a": QUERY + 'type T @key(fields: "id") { id: ID! p: Int }',
            "b": 'type Query { u: T }\ntype T { id: ID! @shareable p: Int @external x: Int @requires(fields: "p") }',
        },
        'Add `@key(fields: "id")` to "T" in subgraph "b".',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_least_change_that_helps_is_suggested_and_does_help(name: str) -> None:
    sdl, expected = CASES[name]
    sources, result = refused(**sdl)

    found = remedies.suggest(sources, result)

    assert {remedy.summary for remedy in found.values()} == {expected}
    assert set(found) == set(result.errors)
    assert isinstance(supergraph(remedies.apply(sources, next(iter(found.values())))), Composed)


@pytest.mark.parametrize("seed", range(24))
def test_a_remedy_heals_its_query_and_hurts_nothing_in_random_graphs(seed: int) -> None:
    sources = journeys(seed)
    result = supergraph(sources)
    before = {identity(error) for error in result.errors} if isinstance(result, Refused) else set()

    for error, remedy in remedies.suggest(sources, result).items() if isinstance(result, Refused) else ():
        after = supergraph(remedies.apply(sources, remedy))
        left = {identity(error) for error in after.errors} if isinstance(after, Refused) else set()
        assert identity(error) not in left
        assert left <= before


def identity(error: CompositionError) -> tuple[str, str]:
    return error.code, error.journey.query if error.journey else error.message


def test_without_imports_directives_are_called_by_their_full_names() -> None:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0")\n'
    sources = [
        SubgraphSource("a", None, link + QUERY + 'type T @federation__key(fields: "id") { id: ID! }'),
        SubgraphSource("b", None, link + "type T { id: ID! @federation__shareable x: Int }"),
    ]
    result = supergraph(sources)
    assert isinstance(result, Refused)

    remedy = next(iter(remedies.suggest(sources, result).values()))

    assert [edit.text for edit in remedy.edits] == ['\nextend type T @federation__key(fields: "id")\n']


def test_nothing_is_suggested_where_no_small_change_helps() -> None:
    sources, result = refused(
        a="type Query { z: Int }\ntype Mutation { m: M @shareable }\ntype M @shareable { a: Int }",
        b="type Mutation { m: M @shareable }\ntype M @shareable { b: Int }",
    )

    assert remedies.suggest(sources, result) == {}


def test_other_errors_need_no_remedy() -> None:
    sources, result = refused(a="type T { a: Int }")

    assert remedies.suggest(sources, result) == {}


def test_the_way_through_the_subgraphs_is_written_down() -> None:
    _, result = refused(
        a=QUERY + 'type T @key(fields: "id") { id: ID! }',
        b='type T @key(fields: "id") { id: ID! u: U }\ntype U { y: Int }',
        c='type U @key(fields: "k") { k: ID! x: Int }',
    )

    assert [error.journey for error in result.errors if error.journey and error.journey.missing == "U.x"] == [
        Journey(
            query="{\n  t {\n    u {\n      x\n    }\n  }\n}",
            legs=(Leg("Query.t", ("a",)), Leg("T.u", ("b",)), Leg("U.x", ())),
            reached=("b",),
            missing="U.x",
        )
    ]


def test_the_command_says_it_to_programs_and_to_people() -> None:
    sdl, expected = CASES["a key that may not be used"]
    subgraphs = [{"name": name, "sdl": LINK + text} for name, text in sdl.items()]
    out, err = io.StringIO(), io.StringIO()

    assert run(stdin=io.StringIO(json.dumps(subgraphs)), stdout=out, stderr=err) == 1

    error = json.loads(out.getvalue())["errors"][0]
    assert error["query"] == "{\n  t {\n    x\n  }\n}"
    assert error["path"] == [{"coordinate": "Query.t", "subgraphs": ["a"]}, {"coordinate": "T.x", "subgraphs": []}]
    assert error["suggestion"] == expected
    start = (LINK + sdl["b"]).index('@key(fields: "id", resolvable: false)')
    assert error["patch"] == [
        {"subgraph": "b", "start": start, "end": start + 37, "text": '@key(fields: "id")'},
    ]
    assert err.getvalue().splitlines()[-2:] == ["path: Query.t (a) -> T.x (nobody)", f"suggestion: {expected}"]
