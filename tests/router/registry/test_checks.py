"""What a new supergraph breaks of what clients really send."""

from __future__ import annotations

import pytest

from router.composition import compose
from router.registry.checks import check
from router.registry.usage import Seen

BEFORE = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { customer(id: ID, active: Boolean): Customer find(where: Where): [Customer] state: State }
type Customer @key(fields: "id") { id: ID! name: String old: String }
input Where { name: String state: State }
enum State { OPEN CLOSED }
"""


def supergraph(sdl: str) -> str:
    composed = compose.supergraph([compose.SubgraphSource(name="crm", url="http://crm", sdl=sdl)])
    assert isinstance(composed, compose.Composed), composed
    return composed.supergraph_sdl


def broken(old: str, new: str, *texts: str) -> list[tuple[str, str, int]]:
    """Return code, coordinate and number of operations of each change that hurts."""
    seen = [Seen(str(number), None, "query", text) for number, text in enumerate(texts)]
    changed = BEFORE.replace(old, new)
    assert changed != BEFORE
    found = check(supergraph(BEFORE), supergraph(changed), seen)
    return [(one.change.code, one.change.coordinate, len(one.operations)) for one in found.broken]


@pytest.mark.parametrize(
    ("old", "new", "text", "expected"),
    [
        (" old: String", "", "{ customer { old } }", [("FIELD_REMOVED", "Customer.old", 1)]),
        (" old: String", "", "{ customer { name } }", []),
        ("name: String old", "name: Int old", "{ find { n: name } }", [("FIELD_TYPE_CHANGED", "Customer.name", 1)]),
        (", active: Boolean", "", "{ customer(active: true) { id } }", [("ARG_REMOVED", "Query.customer(active:)", 1)]),
        (", active: Boolean", "", "{ customer { id } }", []),
        (
            "active: Boolean",
            "active: Boolean!",
            "{ customer(active: true) { id } }",
            [("ARG_TYPE_CHANGED", "Query.customer(active:)", 1)],
        ),
        (
            "active: Boolean",
            "active: Boolean, by: ID!",
            "{ customer { id } }",
            [("ARG_REQUIRED_ADDED", "Query.customer(by:)", 1)],
        ),
        (
            "{ name: String state",
            "{ state",
            "query($w: Where) { find(where: $w) { id } }",
            [("FIELD_REMOVED", "Where.name", 1)],
        ),
        ("{ name: String state", "{ state", "{ find { id } }", []),
        (" CLOSED", "", "query($w: Where) { find(where: $w) { id } }", [("ENUM_VALUE_REMOVED", "State.CLOSED", 1)]),
        (" CLOSED", "", "{ state }", []),
    ],
)
def test_a_change_hurts_whoever_uses_what_it_is_about(
    old: str, new: str, text: str, expected: list[tuple[str, str, int]]
) -> None:
    assert broken(old, new, text) == expected


def test_what_was_never_valid_is_broken_by_nobody() -> None:
    assert broken(" old: String", "", "{ customer { nothing old } }", "{ customer {") == []


def test_a_change_names_the_operations_and_their_clients() -> None:
    seen = Seen("d1", "Old", "query", "query Old { customer { old } }")
    seen.sent_by("web", 0.0)

    found = check(supergraph(BEFORE), supergraph(BEFORE.replace(" old: String", "")), [seen])

    assert [one.message for one in found.broken] == [
        "Field Customer.old was removed. Used by query Old (web; last seen 1970-01-01T00:00:00+00:00)."
    ]
