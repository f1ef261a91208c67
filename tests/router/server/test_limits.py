"""What a request may cost: each limit has its own code, may only measure, and may spare registered operations."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import get_introspection_query, parse

from router.server.config.limits import Limits
from router.server.documents import chosen
from router.server.limits import excesses, measure

GRAPHQL = "application/graphql-response+json"
DEEP_SCHEMA = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
OVER: dict[str, tuple[dict[str, Any], dict[str, Any], str, int]] = {
    "tokens": ({"tokens": 3}, {"query": "{ __typename headers }"}, "MAX_TOKENS_LIMIT", 400),
    "document_bytes": ({"document_bytes": 13}, {"query": "{ __typename }"}, "MAX_DOCUMENT_SIZE_LIMIT", 400),
    "recursion": (
        {"recursion": 2},
        {"query": '{ customer(id: "123") { tickets { id } } }'},
        "MAX_RECURSION_LIMIT",
        400,
    ),
    "depth": ({"depth": 2}, {"query": '{ customer(id: "123") { tickets { id } } }'}, "MAX_DEPTH_LIMIT", 400),
    "height": ({"height": 1}, {"query": "{ __typename ...{ headers } }"}, "MAX_HEIGHT_LIMIT", 400),
    "aliases": ({"aliases": 1}, {"query": "{ a: __typename b: __typename }"}, "MAX_ALIASES_LIMIT", 400),
    "root_fields": ({"root_fields": 1}, {"query": "{ a: __typename b: __typename }"}, "MAX_ROOT_FIELDS_LIMIT", 400),
    "directives": (
        {"directives": 1},
        {"query": "{ ...@skip(if: false) { __typename @skip(if: false) } }"},
        "MAX_DIRECTIVES_LIMIT",
        400,
    ),
    "introspection_depth": ({}, {"query": DEEP_SCHEMA}, "MAX_INTROSPECTION_DEPTH_LIMIT", 400),
    "selections": ({"selections": 1}, {"query": "{ a: __typename b: __typename }"}, "MAX_SELECTIONS_LIMIT", 400),
    "variables_bytes": (
        {"variables_bytes": 9},
        {"query": "{ __typename }", "variables": {"a": "xxxxx"}},
        "MAX_VARIABLES_SIZE_LIMIT",
        413,
    ),
    "variables_depth": (
        {"variables_depth": 2},
        {"query": "{ __typename }", "variables": {"a": [[[]]]}},
        "MAX_VARIABLES_DEPTH_LIMIT",
        400,
    ),
    "body_bytes": ({"body_bytes": 20}, {"query": "{ __typename }"}, "INVALID_GRAPHQL_REQUEST", 413),
    "header_bytes": ({"header_bytes": 20}, {"query": "{ __typename }"}, "REQUEST_HEADER_FIELDS_TOO_LARGE", 431),
    "url_bytes": ({"url_bytes": 7}, {"query": "{ __typename }"}, "URI_TOO_LONG", 414),
}


async def post(psa: Any, body: Any) -> Any:
    return await psa.client.post("/graphql", json=body, headers={"accept": GRAPHQL})


async def counted(psa: Any, limit: str, outcome: str) -> bool:
    figures = (await psa.client.get("/metrics")).text
    return any(
        f'limit="{limit}"' in line and f'outcome="{outcome}"' in line and line.endswith(" 1.0")
        for line in figures.splitlines()
        if line.startswith("psa_router_limits")
    )


@pytest.mark.parametrize("name", list(OVER))
async def test_a_request_beyond_a_limit_is_refused_with_its_code_and_counted(platform: Any, name: str) -> None:
    limits, body, code, status = OVER[name]
    async with platform(limits=limits) as psa:
        response = await post(psa, body)
        asked = [len(module.requests) for module in psa.modules.values()]
        refused = await counted(psa, name, "refused")

    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert "data" not in response.json()
    assert asked == [0, 0, 0]
    assert refused


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("name", list(OVER))
async def test_a_limit_that_only_measures_lets_pass_and_counts(platform: Any, name: str, *, every: bool) -> None:
    limits, body, _code, _status = OVER[name]
    async with platform(limits={**limits, "warn_only": True if every else [name]}) as psa:
        response = await post(psa, body)
        measured = await counted(psa, name, "measured")

    assert response.status_code == 200
    assert "errors" not in response.json()
    assert measured


async def test_a_batch_that_is_only_measured_is_answered(platform: Any) -> None:
    batch = [{"query": "{ __typename }"}] * 2
    async with platform(batching={"enabled": True, "maximum_size": 1}, limits={"warn_only": ["batch"]}) as psa:
        response = await post(psa, batch)
        measured = await counted(psa, "batch", "measured")

    assert response.json() == [{"data": {"__typename": "Query"}}] * 2
    assert measured


async def test_an_operation_from_the_cache_is_counted_again(platform: Any) -> None:
    async with platform(limits={"aliases": 0, "warn_only": True}) as psa:
        for _ in range(3):
            await post(psa, {"query": "{ a: __typename }"})
        figures = (await psa.client.get("/metrics")).text

    lines = [line for line in figures.splitlines() if line.startswith('psa_router_limits_total{limit="aliases"')]
    assert [line.rpartition(" ")[2] for line in lines] == ["3.0"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ a }", {}),
        ("{ a b: a c: a }", {"height": 1, "aliases": 2, "fields": 3}),
        ("{ a { b { c } } ...F } fragment F on Q { d { e } }", {"depth": 3, "height": 5, "fields": 2}),
        ("query @x { a @y @z ...F @w } fragment F on Q @v { b }", {"directives": 4}),
        ("{ __type(name: 1) { fields { name } interfaces { name } } }", {"introspection": 1}),
        ("{ fields { fields { fields { fields } } } }", {"introspection": -1, "lists": 4}),
        ("{ ...A } fragment A on Q { ...B a } fragment B on Q { ...A b }", {"fields": 2}),
    ],
)
def test_an_operation_is_measured_with_its_fragments(query: str, expected: dict[str, int]) -> None:
    document = parse(query)
    size = measure(document, chosen(document, None))

    assert {name: getattr(size, name) for name in expected} == expected


def test_the_usual_introspection_query_exceeds_nothing() -> None:
    document = parse(get_introspection_query(specified_by_url=True, input_value_deprecation=True, one_of=True))

    assert list(excesses(measure(document, chosen(document, None)), Limits())) == []


async def test_introspection_can_be_switched_off_and_nothing_is_guessed_then(platform: Any) -> None:
    async with platform(introspection=False) as psa:
        schema = await post(psa, {"query": "{ __schema { queryType { name } } }"})
        inside = await post(psa, {"query": '{ ...F } fragment F on Query { t: __type(name: "Query") { name } }'})
        typed = await psa.ask("{ __typename }")
        misspelt = await psa.ask("{ custmer }")
        enum = await psa.ask("query($i: ID!) { customer(id: $i) { id } }", variables={"j": 1})

    assert [one.json()["errors"][0]["extensions"]["code"] for one in (schema, inside)] == ["INTROSPECTION_DISABLED"] * 2
    assert schema.status_code == 400
    assert typed == {"data": {"__typename": "Query"}}
    assert "Did you mean" not in str(misspelt)
    assert "Did you mean" not in str(enum)


async def test_suggestions_are_given_and_can_be_withheld_alone(platform: Any) -> None:
    async with platform() as psa:
        open_ = await psa.ask("{ custmer }")
    async with platform(field_suggestions=False) as psa:
        closed = await psa.ask("{ custmer }")

    assert "Did you mean" in str(open_)
    assert "Did you mean" not in str(closed)


async def test_validation_errors_can_be_redacted_to_one_that_says_nothing(platform: Any) -> None:
    async with platform(redact_query_validation_errors=True) as psa:
        response = await post(psa, {"query": "{ custmer headrs }"})

    assert response.status_code == 400
    assert response.json() == {"errors": [{"message": "invalid query", "extensions": {"code": "UNKNOWN_ERROR"}}]}


async def test_a_chain_of_fragments_without_end_is_refused_and_nothing_breaks(platform: Any) -> None:
    chain = "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(2000))
    chain += " fragment F2000 on Query { __typename }"
    async with platform(limits={"tokens": 10**6}) as psa:
        response = await post(psa, {"query": chain})
        after = await psa.ask("{ __typename }")

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "MAX_RECURSION_LIMIT"
    assert after == {"data": {"__typename": "Query"}}
