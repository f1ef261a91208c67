"""The generator misses nothing: every root field, every position, every type of the supergraph."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema, get_named_type, parse, validate

from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from tests.walls.probes import Foreign, Probe, commands, everything, operation, placed, positions, questions, roots
from tests.walls.search import marks, tokens

pytestmark = pytest.mark.timeout(900)  # whoever is first builds the platform

ROOT = Path(__file__).parents[2]
API = api_schema(Supergraph.parse((ROOT / "contracts" / "graph" / "supergraph.graphql").read_text()))
OWN = {name: f"own-{name}" for name, kind in API.type_map.items() if isinstance(kind, GraphQLObjectType)}
FOREIGN = Foreign({"customer": ["foreign-id"]}, {"number": ["foreign-number"], "name": ["foreign-name"]})


NAMELESS = {"markAllRead", "requestTenantExport", "setBaseRate", "setDunningPolicy", "setPreference"}
"""Commands that take neither identifiers nor texts: nothing foreign can be said to them."""


def test_every_probe_is_a_valid_operation():
    probes = [*questions(API, FOREIGN, OWN), *commands(API, FOREIGN, OWN, marks("aa"))]
    texts = {operation(API, probe)[0] for probe in probes}

    assert [error for text in texts for error in validate(API, parse(text))] == []
    assert {probe.field for probe in probes} | NAMELESS == {*roots(API, "query"), *roots(API, "mutation")}


def test_a_foreign_identifier_is_tried_wherever_the_supergraph_takes_one():
    written = (ROOT / "contracts" / "graph" / "supergraph.graphql").read_text()
    tried = {probe.position for probe in questions(API, FOREIGN, OWN) if probe.value in ("foreign-id", ["foreign-id"])}
    commanded = {
        probe.position
        for probe in commands(API, FOREIGN, OWN, marks("aa"))
        if probe.value in ("foreign-id", ["foreign-id"])
    }
    taken = [a.type for kind in ("query", "mutation") for one in roots(API, kind).values() for a in one.args.values()]
    in_inputs = sum(_identifiers_in(get_named_type(given)) for given in taken)
    in_arguments = sum(get_named_type(one).name == "ID" for one in taken)

    assert len(tried) + len(commanded) == in_inputs + in_arguments
    assert len(re.findall(r"^  \w+: \[?ID!?", written, re.MULTILINE)) > 20


def _identifiers_in(kind: object, above: tuple[str, ...] = ()) -> int:
    """How many places for identifiers an input object has, those inside of it included."""
    if not isinstance(kind, GraphQLInputObjectType) or kind.name in above:
        return 0
    inner = [get_named_type(one.type) for one in kind.fields.values()]
    return sum(one.name == "ID" or _identifiers_in(one, (*above, kind.name)) for one in inner)


def test_the_questions_together_select_every_field_of_every_type():
    assert API.subscription_type is not None
    selected = set()
    for one in (
        *roots(API, "query").values(),
        *roots(API, "mutation").values(),
        *API.subscription_type.fields.values(),
    ):
        selected |= set(re.findall(r"\w+", everything(one.type)))
    fields = {
        name
        for kind in API.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        if kind not in (API.query_type, API.mutation_type, API.subscription_type)
        for name in kind.fields
    }

    assert fields - selected == set()


def test_what_can_be_watched_is_what_the_whole_platform_is_asked_for_as_somebody_else():
    """Subscriptions are no probes: `tests/e2e/test_live.py` watches each of them from outside of the walls."""
    watched = (ROOT / "tests" / "e2e" / "test_live.py").read_text()

    assert API.subscription_type is not None
    assert [name for name in API.subscription_type.fields if name not in watched] == []


def test_a_new_field_is_probed_the_day_it_is_born():
    schema = build_schema("""
        type Query { gadgets(near: [Place!]): [Gadget!]! }
        input Place { site: Inner }
        input Inner { gadgetId: ID }
        type Gadget { id: ID! parts: [Part!] }
        type Part { secret: String gadget: Gadget }
    """)
    probes = list(questions(schema, Foreign({"gadget": ["x"]}), {"Gadget": "own"}))

    assert [str(one) for one in positions(schema, "query")] == ["gadgets(near.site.gadgetId)"]
    assert [probe.arguments for probe in probes] == [{}, {"near": {"site": {"gadgetId": "x"}}}]
    assert operation(schema, Probe("query", "gadgets", {}))[0] == (
        "query { gadgets { __typename id parts { __typename secret gadget { __typename id } } } }"
    )


def test_a_value_is_placed_beside_what_is_there():
    assert placed({"a": {"b": 1}, "c": 2}, ("a", "d"), 3) == {"a": {"b": 1, "d": 3}, "c": 2}
    assert placed({}, ("a", "b"), 3) == {"a": {"b": 3}}


def test_tokens_are_found_in_any_case_and_inside_of_cursors():
    cursor = "WyJ6emF4MDAwMTcgTm9yZCIsIjAxOTJmMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDBmZiJd"

    assert tokens(f'{{"cursor":"{cursor}"}}') == {"zzax00017", "0192f000-0000-7000-8000-0000000000ff"}
    assert tokens("DEZZAX00018 https://zzax00019.example") == {"zzax00018", "zzax00019"}
