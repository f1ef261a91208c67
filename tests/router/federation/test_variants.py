"""Contract variants: what a circle of clients may see, by tag; hidden is hidden, and what is left is a schema."""

from __future__ import annotations

import pytest
from graphql import GraphQLSchema, build_schema, lexicographic_sort_schema, print_schema

from router.composition.compose import Composed, SubgraphSource, supergraph
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.federation.variants import Contract, InvalidContract, variant

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@tag", "@inaccessible", "@shareable"])\n'


def composed(sdl: str) -> str:
    result = supergraph([SubgraphSource("a", "http://a", LINK + sdl)])
    assert isinstance(result, Composed), result
    return result.supergraph_sdl


def seen(sdl: str, *, include: str = "", exclude: str = "", hide_unreachable: bool = False) -> str:
    """What clients see of one subgraph under a contract."""
    contract = Contract(frozenset(include.split()), frozenset(exclude.split()), hide_unreachable)
    return printed(api_schema(Supergraph.parse(variant(composed(sdl), contract))))


def schema(sdl: str) -> str:
    return printed(build_schema(sdl))


def printed(found: GraphQLSchema) -> str:
    return print_schema(lexicographic_sort_schema(found))


def codes(sdl: str, *, include: str = "", exclude: str = "") -> list[tuple[str, str]]:
    with pytest.raises(InvalidContract) as refusal:
        seen(sdl, include=include, exclude=exclude)
    return [(problem.code, problem.message) for problem in refusal.value.problems]


def test_without_tags_nothing_is_filtered_and_not_a_letter_changes() -> None:
    sdl = composed('type Query { a: Int @tag(name: "x") b: Int }')

    assert variant(sdl, Contract()) == sdl


def test_an_excluded_element_of_any_kind_is_hidden() -> None:
    no = '@tag(name: "no")'
    sdl = f"""
    type Query {{ a(x: Int {no} y: I): Int b: Int {no} s: E u: U }}
    input I {{ p: Int q: Int {no} }}
    enum E {{ A B {no} }}
    union U = One | Two
    type One {{ x: Int }}
    type Two {no} {{ x: Int }}
    scalar S {no}
    """

    assert seen(sdl, exclude="no") == schema(
        "type Query { a(y: I): Int s: E u: U } input I { p: Int } enum E { A } union U = One type One { x: Int }"
    )


def test_with_included_tags_fields_and_unions_need_one_but_enums_inputs_and_scalars_do_not() -> None:
    yes = '@tag(name: "yes")'
    sdl = f"""
    type Query {{ a(x: I y: S): E {yes} b: Int t: T {yes} u: U {yes} }}
    type T {{ x: Int {yes} y: Int }}
    type All {yes} {{ x: Int y: Int }}
    type None {{ x: Int }}
    union U {yes} = T | None
    union V = T
    input I {{ p: Int }}
    enum E {{ A }}
    scalar S
    """

    assert seen(sdl, include="yes") == schema(
        "type Query { a(x: I y: S): E t: T u: U } type T { x: Int } type All { x: Int y: Int } union U = T "
        "input I { p: Int } enum E { A } scalar S"
    )


def test_excluded_wins_over_included() -> None:
    sdl = 'type Query { a: Int @tag(name: "yes") b: Int @tag(name: "yes") @tag(name: "no") }'

    assert seen(sdl, include="yes", exclude="no") == schema("type Query { a: Int }")


def test_a_type_of_which_nothing_is_left_is_hidden_and_so_is_what_is_made_of_it() -> None:
    no = '@tag(name: "no")'
    sdl = f"""
    type Query {{ a: Int }}
    type T {{ x: Int {no} }}
    union U = T
    enum E {{ A {no} }}
    input I {{ x: Int {no} }}
    interface N {{ t: T }}
    """

    assert seen(sdl, exclude="no") == schema("type Query { a: Int }")


def test_an_interface_does_not_promise_what_an_object_hides() -> None:
    sdl = """
    type Query { n: N }
    interface N { x: Int y: Int }
    type A implements N { x: Int y: Int @tag(name: "no") }
    type B implements N { x: Int y: Int }
    """

    assert seen(sdl, exclude="no") == schema(
        "type Query { n: N } interface N { x: Int } type A implements N { x: Int } type B implements N { x: Int y: Int }"
    )


def test_an_object_that_is_excluded_leaves_its_interface_alone() -> None:
    sdl = """
    type Query { n: N }
    interface N { x: Int }
    type A implements N @tag(name: "no") { x: Int }
    type B implements N { x: Int }
    """

    assert seen(sdl, exclude="no") == schema(
        "type Query { n: N } interface N { x: Int } type B implements N { x: Int }"
    )


UNREACHABLE = """
type Query { n: N f(i: I): Int }
interface N { x: Int }
type A implements N { x: Int e: E }
enum E { A }
input I { j: J }
input J { x: Int }
type Far { s: S z: Z }
scalar S
scalar Z @tag(name: "yes")
union W = Far
enum Lost { A }
input Gone { x: Int }
"""


def test_what_no_query_comes_by_is_hidden_on_request() -> None:
    reachable = UNREACHABLE[: UNREACHABLE.index("type Far")]

    assert seen(UNREACHABLE, exclude="none") == schema(UNREACHABLE.replace(' @tag(name: "yes")', ""))
    assert seen(UNREACHABLE, hide_unreachable=True) == schema(reachable)


def test_an_included_tag_keeps_what_can_not_be_reached() -> None:
    sdl = 'type Query { a: Int @tag(name: "yes") } scalar Z @tag(name: "yes") scalar S'

    assert seen(sdl, include="yes", hide_unreachable=True) == schema("type Query { a: Int } scalar Z")


def test_what_is_left_must_be_a_schema() -> None:
    no = '@tag(name: "no")'

    assert codes(f"type Query {{ t: T }} type T {no} {{ x: Int }}", exclude="no") == [
        (
            "REFERENCED_INACCESSIBLE",
            'Type "T" is hidden by the contract but is referenced by "Query.t", which is visible.',
        )
    ]
    assert codes(f"type Query {{ a(x: Int! {no}): Int }}", exclude="no") == [
        ("REQUIRED_INACCESSIBLE", '"Query.a(x:)" is hidden by the contract but must be given to "Query.a".')
    ]
    assert codes("type Query { a: Int }", include="yes") == [
        (
            "QUERY_ROOT_TYPE_INACCESSIBLE",
            'Type "Query" is hidden by the contract but is the root query type, which must be visible.',
        )
    ]
    assert codes("type Query { a: Int }", include="a b", exclude="b") == [
        ("INPUT_VALIDATION", "A contract can't include and exclude the same tag: b.")
    ]


def test_hidden_elements_stay_in_the_supergraph_so_that_keys_can_be_fetched() -> None:
    filtered = variant(
        composed('type Query { t: T } type T @key(fields: "id") { id: ID! @tag(name: "no") x: Int }'),
        Contract(exclude=frozenset({"no"})),
    )

    parsed = Supergraph.parse(filtered)
    assert '  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)\n{' in filtered
    assert '  id: ID! @tag(name: "no") @inaccessible\n' in filtered
    assert filtered.index("directive @inaccessible") < filtered.index("directive @join__")
    assert parsed.types["T"].graphs["A"].keys[0].fields == "id"
    assert variant(filtered, Contract(exclude=frozenset({"no"}))) == filtered


def test_what_was_hidden_before_stays_hidden_and_is_linked_once() -> None:
    filtered = variant(
        composed('type Query { a: Int b: Int @inaccessible c: Int @tag(name: "no") }'),
        Contract(exclude=frozenset({"no"})),
    )

    assert filtered.count("specs.apollo.dev/inaccessible") == 1
    assert filtered.count("@inaccessible on") == 1
    assert printed(api_schema(Supergraph.parse(filtered))) == schema("type Query { a: Int }")
