"""Supergraph SDL of every join version, back into types and joins; and what clients see of it."""

from __future__ import annotations

from textwrap import dedent

import pytest
from case import CASES
from graphql import build_schema, parse, print_schema, print_type

from router.federation.api_schema import api_schema
from router.federation.joins import Key
from router.federation.supergraph import InvalidSupergraph, SubgraphEndpoint, Supergraph
from router.planner.planner import Planner
from router.planner.query_plan import pretty

FEDERATION_1 = """
schema @core(feature: "https://specs.apollo.dev/core/v0.1") @core(feature: "https://specs.apollo.dev/join/v0.1") {
  query: Query
}
directive @core(feature: String!) repeatable on SCHEMA
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet) on FIELD_DEFINITION
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
directive @join__owner(graph: join__Graph!) on OBJECT | INTERFACE
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
scalar join__FieldSet
enum join__Graph {
  STARS @join__graph(name: "stars", url: "http://stars")
  MISSIONS @join__graph(name: "missions", url: "http://missions")
}
type Query { astronaut: Astronaut @join__field(graph: STARS) missions: [Mission] @join__field(graph: MISSIONS) }
type Astronaut @join__owner(graph: STARS) @join__type(graph: STARS, key: "id") @join__type(graph: MISSIONS, key: "id") {
  id: ID! @join__field(graph: STARS)
  name: String @join__field(graph: STARS)
  missions: [Mission] @join__field(graph: MISSIONS, requires: "name")
}
type Mission { id: ID! crew: [Astronaut] place: Place }
type Place { name: String }
"""


def _case(name: str) -> Supergraph:
    return Supergraph.parse((CASES / name / "supergraph.graphql").read_text())


def test_subgraphs_are_known_by_name_with_their_graph_and_address() -> None:
    supergraph = Supergraph.parse(FEDERATION_1)

    assert dict(supergraph.subgraphs) == {
        "missions": SubgraphEndpoint("missions", "MISSIONS", "http://missions"),
        "stars": SubgraphEndpoint("stars", "STARS", "http://stars"),
    }
    assert supergraph.endpoint("STARS").name == "stars"


def test_a_federation_1_supergraph_is_planned() -> None:
    supergraph = Supergraph.parse(FEDERATION_1)

    plan = Planner(supergraph).plan(parse("{ astronaut { missions { place { name } crew { name } } } }"))

    assert [line.strip() for line in pretty(plan).splitlines() if "Fetch" in line or "Flatten" in line] == [
        'Fetch(service: "stars") {',
        'Flatten(path: "astronaut") {',
        'Fetch(service: "missions") {',
        'Flatten(path: "astronaut.missions.@.crew.@") {',
        'Fetch(service: "stars") {',
    ]


def test_keys_and_joins_are_read_with_their_marks() -> None:
    types = _case("033-a-stub-that-no-key-resolves").types
    assert types["Pet"].graphs["A"].keys == (Key("id", resolvable=False),)
    assert types["Pet"].graphs["B"].keys == (Key("id", resolvable=True),)

    media = _case("008-a-field-of-an-interface-object").types["Media"]
    assert {graph: join.is_interface_object for graph, join in media.graphs.items()} == {
        "LIBRARY": False,
        "LIKES": True,
    }


def test_an_override_is_active_with_its_label_and_its_source_without() -> None:
    joins = _case("012-an-override-whose-label-is-off").field_joins("User", "name")

    assert {graph: join.is_resolved(frozenset()) for graph, join in joins.items()} == {"A": True, "B": False}
    assert {graph: join.is_resolved(frozenset({"percent(5)"})) for graph, join in joins.items()} == {
        "A": False,
        "B": True,
    }


def test_clients_see_no_machinery_and_nothing_inaccessible() -> None:
    supergraph = _case("018-inaccessible-but-required")

    assert "rank" in supergraph.schema.type_map["User"].fields  # type: ignore[attr-defined]
    assert (
        print_schema(api_schema(supergraph))
        == "type Query {\n  user: User\n}\n\ntype User {\n  id: ID!\n  badge: String\n}"
    )


def test_what_refers_to_an_inaccessible_type_is_hidden_with_it() -> None:
    sdl = """
    schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
      @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY) { query: Query }
    directive @join__type(graph: join__Graph!) repeatable on OBJECT | INTERFACE | UNION | ENUM
    directive @join__graph(name: String!, url: String!) on ENUM_VALUE
    directive @link(url: String, for: String) repeatable on SCHEMA
    directive @inaccessible on OBJECT | INTERFACE | ENUM_VALUE | ARGUMENT_DEFINITION | FIELD_DEFINITION
    directive @client(why: String) on FIELD
    enum join__Graph { A @join__graph(name: "a", url: "") }
    type Query @join__type(graph: A) { u(x: Int, y: Int @inaccessible): U old: Int @deprecated(reason: "no") k: Kind }
    union U @join__type(graph: A) = Seen | Hidden
    interface Secret @join__type(graph: A) @inaccessible { id: ID }
    type Seen implements Secret @join__type(graph: A) { id: ID hidden: Hidden }
    type Hidden @join__type(graph: A) @inaccessible { id: ID }
    enum Kind @join__type(graph: A) { ONE TWO @inaccessible }
    """

    seen = api_schema(Supergraph.parse(sdl))

    assert set(seen.type_map) - set(build_schema("type Query { s: String }").type_map) == {
        "Int",
        "ID",
        "U",
        "Seen",
        "Kind",
    }
    assert print_type(seen.type_map["Query"]) == dedent(
        """\
        type Query {
          u(x: Int): U
          old: Int @deprecated(reason: "no")
          k: Kind
        }"""
    )
    assert print_type(seen.type_map["U"]) == "union U = Seen"
    assert print_type(seen.type_map["Seen"]) == "type Seen {\n  id: ID\n}"
    assert print_type(seen.type_map["Kind"]) == "enum Kind {\n  ONE\n}"
    assert "client" in {directive.name for directive in seen.directives}
    assert "inaccessible" not in {directive.name for directive in seen.directives}


@pytest.mark.parametrize(
    ("sdl", "code", "message"),
    [
        ("type Query {", "INVALID_FEDERATION_SUPERGRAPH", "not valid GraphQL"),
        ("type Query { a: Int }", "INVALID_FEDERATION_SUPERGRAPH", "links no join specification"),
        (FEDERATION_1.replace("join/v0.1", "join/v0.9"), "INVALID_FEDERATION_SUPERGRAPH", "written in join v0.9"),
        (FEDERATION_1.replace("MISSIONS, key", "MOON, key"), "INVALID_FEDERATION_SUPERGRAPH", '"MOON", which is no'),
        (
            FEDERATION_1.replace(
                '"https://specs.apollo.dev/core/v0.1"', '"https://example.com/odd/v1.0", for: SECURITY'
            ),
            "UNSUPPORTED_LINKED_FEATURE",
            "https://example.com/odd is needed for SECURITY",
        ),
    ],
)
def test_what_is_no_supergraph_is_refused_with_the_reason(sdl: str, code: str, message: str) -> None:
    with pytest.raises(InvalidSupergraph, match=message) as refusal:
        Supergraph.parse(sdl)

    assert refusal.value.code == code
