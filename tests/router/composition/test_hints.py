"""Each hint that composition can give, from the smallest schema set that provokes it, word for word as Apollo's composer says it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from router.composition.compose import Composed, SubgraphSource, supergraph
from router.federation.codes import HINTS, Level

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@override", '
    '"@requiresScopes", "@context", "@fromContext", "@composeDirective", "@tag"])\n'
)


class Odd(NamedTuple):
    """A hint, and the subgraphs "a" and, if there are two, "b" that provoke it and no other."""

    code: str
    level: Level
    coordinate: str | None
    message: str
    subgraphs: tuple[str, ...]


ODD = (
    Odd(
        "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
        Level.INFO,
        "Query.x",
        'Type of field "Query.x" is inconsistent but compatible across subgraphs: will use type "Int" (from subgraph "a") in supergraph but "Query.x" has subtype "Int!" in subgraph "b".',
        (
            LINK + "type Query { x: Int @shareable }",
            LINK + "type Query { x: Int! @shareable }",
        ),
    ),
    Odd(
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE",
        Level.INFO,
        "Query.x(a:)",
        'Type of argument "Query.x(a:)" is inconsistent but compatible across subgraphs: will use type "Int!" (from subgraph "b") in supergraph but "Query.x(a:)" has supertype "Int" in subgraph "a".',
        (
            LINK + "type Query { x(a: Int): Int @shareable }",
            LINK + "type Query { x(a: Int!): Int @shareable }",
        ),
    ),
    Odd(
        "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
        Level.WARN,
        "Query.x(a:)",
        'Argument "Query.x(a:)" has a default value in only some subgraphs: will not use a default in the supergraph (there is no default in subgraph "b") but "Query.x(a:)" has default value 1 in subgraph "a".',
        (
            LINK + "type Query { x(a: Int = 1): Int @shareable }",
            LINK + "type Query { x(a: Int): Int @shareable }",
        ),
    ),
    Odd(
        "INCONSISTENT_ENTITY",
        Level.INFO,
        "T",
        'Type "T" is declared as an entity (has a @key applied) in some but not all defining subgraphs: it has no @key in subgraph "b" but has some @key in subgraph "a".',
        (
            LINK + 'type Query { t: T } type T @key(fields: "id") { id: ID! }',
            LINK + "type T { id: ID! @shareable }",
        ),
    ),
    Odd(
        "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD",
        Level.DEBUG,
        "T",
        'Field "T.y" of non-entity object type "T" is defined in some but not all subgraphs that define "T": "T.y" is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { a: T } type T @shareable { x: Int y: Int }",
            LINK + "type T @shareable { x: Int }",
        ),
    ),
    Odd(
        "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD",
        Level.DEBUG,
        "I",
        'Field "I.y" of interface type "I" is defined in some but not all subgraphs that define "I": "I.y" is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { a: I } interface I { x: Int y: Int }",
            LINK + "interface I { x: Int }",
        ),
    ),
    Odd(
        "INCONSISTENT_INPUT_OBJECT_FIELD",
        Level.WARN,
        "I.y",
        'Input object field "y" will not be added to "I" in the supergraph as it does not appear in all subgraphs: it is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { a(i: I): Int } input I { x: Int y: Int }",
            LINK + "input I { x: Int }",
        ),
    ),
    Odd(
        "INCONSISTENT_UNION_MEMBER",
        Level.DEBUG,
        "U",
        'Union type "U" includes member type "B" in some but not all defining subgraphs: "B" is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { u: U } union U = A | B type A @shareable { x: Int } type B { x: Int }",
            LINK + "union U = A type A @shareable { x: Int }",
        ),
    ),
    Odd(
        "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
        Level.WARN,
        "E.B",
        'Value "B" of enum type "E" will not be part of the supergraph as it is not defined in all the subgraphs defining "E": "B" is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { a(e: E): Int } enum E { A B }",
            LINK + "enum E { A }",
        ),
    ),
    Odd(
        "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM",
        Level.DEBUG,
        "E.B",
        'Value "B" of enum type "E" has been added to the supergraph but is only defined in a subset of the subgraphs defining "E": "B" is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { e: E } enum E { A B }",
            LINK + "enum E { A }",
        ),
    ),
    Odd(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE",
        Level.WARN,
        "@d",
        'Executable directive "@d" will not be part of the supergraph as it does not appear in all subgraphs: it is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { a: Int } directive @d on FIELD",
            LINK + "type Query { b: Int }",
        ),
    ),
    Odd(
        "NO_EXECUTABLE_DIRECTIVE_INTERSECTION",
        Level.WARN,
        "@d",
        'Executable directive "@d" has no location that is common to all subgraphs: it will not appear in the supergraph as there no intersection between location "FIELD" in subgraph "a" and location "QUERY" in subgraph "b".',
        (
            LINK + "type Query { a: Int } directive @d on FIELD",
            LINK + "type Query { b: Int } directive @d on QUERY",
        ),
    ),
    Odd(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE",
        Level.WARN,
        "@d",
        'Executable directive "@d" will not be marked repeatable in the supergraph as it is inconsistently marked repeatable in subgraphs: it is not repeatable in subgraph "a" but is repeatable in subgraph "b".',
        (
            LINK + "type Query { a: Int } directive @d on FIELD",
            LINK + "type Query { b: Int } directive @d repeatable on FIELD",
        ),
    ),
    Odd(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
        Level.WARN,
        "@d",
        'Executable directive "@d" has inconsistent locations across subgraphs and will use location "FIELD" (intersection of all subgraphs) in the supergraph, but has: location "FIELD" in subgraph "a" and locations "FIELD, QUERY" in subgraph "b".',
        (
            LINK + "type Query { a: Int } directive @d on FIELD",
            LINK + "type Query { b: Int } directive @d on FIELD | QUERY",
        ),
    ),
    Odd(
        "INCONSISTENT_DESCRIPTION",
        Level.WARN,
        "Query.x",
        'Element "Query.x" has inconsistent descriptions across subgraphs. The supergraph will use description (from subgraph "a"):\n  """\n  one\n  """\nIn subgraph "b", the description is:\n  """\n  two\n  """',
        (
            LINK + 'type Query { "one" x: Int @shareable }',
            LINK + 'type Query { "two" x: Int @shareable }',
        ),
    ),
    Odd(
        "INCONSISTENT_ARGUMENT_PRESENCE",
        Level.WARN,
        "Query.x(a:)",
        'Optional argument "Query.x(a:)" will not be included in the supergraph as it does not appear in all subgraphs: it is defined in subgraph "a" but not in subgraph "b".',
        (
            LINK + "type Query { x(a: Int): Int @shareable }",
            LINK + "type Query { x: Int @shareable }",
        ),
    ),
    Odd(
        "FROM_SUBGRAPH_DOES_NOT_EXIST",
        Level.WARN,
        "Query.x",
        'Source subgraph "nobody" for field "Query.x" on subgraph "a" does not exist.',
        (LINK + 'type Query { x: Int @override(from: "nobody") }',),
    ),
    Odd(
        "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
        Level.INFO,
        "Query.x",
        'Field "Query.x" on subgraph "b" is overridden. Consider removing it.',
        (
            LINK + 'type Query { x: Int @override(from: "b") }',
            LINK + "type Query { x: Int }",
        ),
    ),
    Odd(
        "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
        Level.INFO,
        "Query.x",
        'Field "Query.x" on subgraph "a" no longer exists in the from subgraph. The @override directive can be removed.',
        (
            LINK + 'type Query { x: Int @override(from: "b") }',
            LINK + "type Query { y: Int }",
        ),
    ),
    Odd(
        "OVERRIDE_MIGRATION_IN_PROGRESS",
        Level.INFO,
        "Query.x",
        'Field "Query.x" is currently being migrated with progressive @override. Once the migration is complete, remove the field from subgraph "b".',
        (
            LINK + 'type Query { x: Int @override(from: "b", label: "percent(5)") }',
            LINK + "type Query { x: Int }",
        ),
    ),
    Odd(
        "UNUSED_ENUM_TYPE",
        Level.DEBUG,
        "E",
        'Enum type "E" is defined but unused. It will be included in the supergraph with all the values appearing in any subgraph ("as if" it was only used as an output type).',
        (LINK + "type Query { x: Int } enum E { A }",),
    ),
    Odd(
        "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        Level.WARN,
        "Query.x",
        'Non-repeatable directive @deprecated is applied to "Query.x" in multiple subgraphs but with incompatible arguments. The supergraph will use arguments {reason: "one"} (from subgraph "a"), but found arguments {reason: "two"} in subgraph "b".',
        (
            LINK + 'type Query { x: Int @shareable @deprecated(reason: "one") }',
            LINK + 'type Query { x: Int @shareable @deprecated(reason: "two") }',
        ),
    ),
    Odd(
        "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        Level.INFO,
        None,
        'Directive @requiresScopes is applied to "Query.x" in multiple subgraphs with different arguments. Merging strategies used by arguments: { "scopes": DNF_CONJUNCTION }',
        (
            LINK + 'type Query { x: Int @shareable @requiresScopes(scopes: [["one"]]) }',
            LINK + 'type Query { x: Int @shareable @requiresScopes(scopes: [["two"]]) }',
        ),
    ),
    Odd(
        "DIRECTIVE_COMPOSITION_INFO",
        Level.INFO,
        "@tag",
        'Directive "@tag" should not be explicitly manually composed since it is a federation directive composed by default',
        (LINK + 'extend schema @composeDirective(name: "@tag") type Query { x: Int }',),
    ),
    Odd(
        "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
        Level.WARN,
        "Query.i",
        'For the following supergraph API query:\n{\n  i {\n    ...\n  }\n}\nShared field "Query.i" return type "I" has different sets of possible runtime types across subgraphs.\nSince a shared field must be resolved the same way in all subgraphs, make sure that subgraphs "a" and "b" only resolve "Query.i" to objects of type "A". In particular:\n - subgraph "a" should never resolve "Query.i" to an object of type "B".\nOtherwise the @shareable contract will be broken.',
        (
            LINK
            + "type Query { i: I @shareable } interface I { x: Int } type A implements I @shareable { x: Int } type B implements I { x: Int }",
            LINK + "type Query { i: I @shareable } interface I { x: Int } type A implements I @shareable { x: Int }",
        ),
    ),
    Odd(
        "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
        Level.INFO,
        "@link",
        "Subgraph a has been implicitly upgraded from federation v2.4 to v2.5",
        (
            'extend schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/federation/v2.4") @link(url: "https://specs.apollo.dev/authenticated/v0.1") type Query { x: Int }',
        ),
    ),
    Odd(
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
        Level.INFO,
        None,
        'Contextual argument "U.f(a:)" will not be included in the supergraph since it is contextual in at least one subgraph',
        (
            LINK
            + 'type Query { t: T } type T @context(name: "c") { x: Int u: U } type U @key(fields: "id") { id: ID! f(a: Int @fromContext(field: "$c { x }")): Int @shareable }',
            LINK + 'type U @key(fields: "id") { id: ID! f(a: Int): Int @shareable }',
        ),
    ),
    Odd(
        "DIRECTIVE_COMPOSITION_WARN",
        Level.WARN,
        None,
        'Composed directive "@d" is named differently in a subgraph that doesn\'t export it. '
        "Consistent naming will be required to export it.",
        (
            LINK + 'extend schema @link(url: "https://x.dev/d/v1.0", import: ["@d"]) @composeDirective(name: "@d") '
            "directive @d on OBJECT type Query @d { x: Int }",
            LINK + 'extend schema @link(url: "https://x.dev/d/v1.0", import: [{name: "@d", as: "@e"}]) '
            "directive @e on OBJECT type Query @e { y: Int }",
        ),
    ),
)
# Apollo's composer declares these two and nothing in it gives them: differing definitions of a composed directive pass silently.
NEVER = {"INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE", "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS"}


@pytest.mark.parametrize(
    "odd",
    [
        *(pytest.param(odd, id=odd.code) for odd in ODD),
    ],
)
def test_the_smallest_set_gives_the_hint_and_no_other(odd: Odd) -> None:
    result = supergraph(
        [SubgraphSource(name, f"http://{name}", sdl) for name, sdl in zip("ab", odd.subgraphs, strict=False)]
    )

    assert isinstance(result, Composed), result
    assert [(hint.code, hint.level, hint.coordinate, hint.message) for hint in result.hints] == [odd[:4]]


def test_the_table_has_every_hint_that_can_be_given() -> None:
    codes = [odd.code for odd in ODD]

    assert len(codes) == len(set(codes))
    assert set(codes) == HINTS.keys() - NEVER
