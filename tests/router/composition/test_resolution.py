"""For each field of a supergraph: who resolves it, who doesn't, and why."""

from __future__ import annotations

import pytest
from case import CASES

from router.composition import resolution
from router.composition.compose import Composed, SubgraphSource, supergraph
from router.composition.resolution import Hop, Part, Resolution
from router.federation.supergraph import Supergraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@shareable", "@external", '
    '"@requires", "@provides", "@override", "@interfaceObject", "@context", "@fromContext"])\n'
)


def explained(**sdl: str) -> dict[str, Resolution]:
    composed = supergraph([SubgraphSource(name, None, LINK + text) for name, text in sdl.items()])
    assert isinstance(composed, Composed), composed
    return {found.coordinate: found for found in resolution.of(Supergraph.parse(composed.supergraph_sdl))}


def lines(found: Resolution) -> list[str]:
    return resolution.as_text((found,)).splitlines()


def test_owners_sharers_and_the_keys_that_reach_them_are_told() -> None:
    found = explained(
        a='type Query { t: T } type T @key(fields: "id") { id: ID! x: Int s: Int @shareable }',
        b='type T @key(fields: "id") { id: ID! s: Int @shareable }',
    )

    assert found["T.x"] == Resolution(
        "T.x", "Int", (Part("a", resolves=True, reasons=("resolves it alone",), hops=(Hop("b", "id"),)),)
    )
    assert lines(found["T.s"]) == [
        "T.s: Int",
        "  + a: resolves it, shared with others",
        '      reached from b by @key(fields: "id")',
        "  + b: resolves it, shared with others",
        '      reached from a by @key(fields: "id")',
    ]
    assert lines(found["Query.t"]) == ["Query.t: T", "  + a: resolves it alone"]


def test_what_is_required_and_provided_says_so_on_both_sides() -> None:
    found = explained(
        a='type Query { t: T } type T @key(fields: "id") { id: ID! p: Int q: Int @shareable }',
        b="""type Query { provided: T @provides(fields: "q") }
             type T @key(fields: "id") { id: ID! p: Int @external q: Int @external r: Int @requires(fields: "p") }""",
    )

    assert lines(found["T.p"])[-1] == "  - b: does not resolve it: @external; required by T.r"
    assert lines(found["T.q"])[-1] == "  - b: does not resolve it: @external; provided by Query.provided"
    assert lines(found["T.r"])[1] == '  + b: resolves it alone; @requires(fields: "p")'
    assert lines(found["Query.provided"])[1] == '  + b: resolves it alone; @provides(fields: "q")'


def test_an_override_names_the_loser_and_a_label_keeps_both() -> None:
    entity = 'type T @key(fields: "id") { id: ID! x: Int'
    plain = explained(a=f'type Query {{ t: T }} {entity} @override(from: "b") }}', b=f"{entity} }}")
    gradual = explained(
        a=f'type Query {{ t: T }} {entity} @override(from: "b", label: "percent(5)") }}', b=f"{entity} }}"
    )

    assert [part.reasons for part in plain["T.x"].parts] == [("resolves it alone", "taken over from b by @override")]
    assert [(part.subgraph, part.label, part.reasons[0]) for part in gradual["T.x"].parts] == [
        ("a", "percent(5)", 'resolves it while the label "percent(5)" is on'),
        ("b", "percent(5)", 'resolves it while the label "percent(5)" is off'),
    ]


def test_a_key_that_a_subgraph_can_not_fill_is_no_way_in() -> None:
    found = explained(
        a='type Query { t: T } type T @key(fields: "id") { id: ID! }',
        b='type T @key(fields: "number") { number: ID! y: Int }',
        c='type T @key(fields: "id") @key(fields: "number") { id: ID! number: ID! }',
    )

    assert found["T.y"].parts[0].hops == (Hop("c", "number"),)


def test_a_field_from_an_interface_object_is_told_at_the_objects() -> None:
    found = explained(
        a='type Query { i: I } interface I @key(fields: "id") { id: ID! } type O implements I @key(fields: "id") { id: ID! }',
        b='type I @key(fields: "id") @interfaceObject { id: ID! stars: Int }',
    )

    assert lines(found["O.stars"]) == [
        "O.stars: Int",
        "  + b: adds it to every I as @interfaceObject",
        '      reached from a by @key(fields: "id")',
    ]
    assert lines(found["I.id"])[:2] == ["I.id: ID!", "  by each object behind the interface: O"]


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir() if path.is_dir()))
def test_every_field_of_an_object_has_somebody_who_resolves_it(case: str) -> None:
    text = (CASES / case / "supergraph.graphql").read_text()
    once, again = (resolution.of(Supergraph.parse(text)) for _ in range(2))

    assert once == again
    assert [found.coordinate for found in once if not found.behind and not any(p.resolves for p in found.parts)] == []
