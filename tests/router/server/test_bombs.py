"""Thirty requests that cost much more than they look: each is refused with its own code, or its cost is bounded."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import brotli
import pytest

GRAPHQL = "application/graphql-response+json"


@dataclass(frozen=True)
class Bomb:
    """What is sent, and what comes of it: a code, or None where it is simply answered."""

    body: bytes
    code: str | None
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] | None = None


def document(text: str, code: str | None, **more: Any) -> Bomb:
    return Bomb(json.dumps({"query": text, **more}).encode(), code)


def variables(text: str, code: str | None) -> Bomb:
    return Bomb(b'{"query": "query($a: ID!) { customer(id: $a) { id } }", "variables": ' + text.encode() + b"}", code)


def doubled(depth: int, of: str) -> str:
    chain = " ".join(f"fragment F{n} on Query {{ {of} ...F{n + 1} ...F{n + 1} }}" for n in range(depth))
    return f"{{ ...F0 }} {chain} fragment F{depth} on Query {{ __typename }}"


CHAIN = "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(1200))
NESTED_SCHEMA = "fields { type { " * 12 + "name" + " } }" * 12
ZIPPED = {"content-encoding": "gzip"}

BOMBS: dict[str, Bomb] = {
    "fields in fields": document("{ customer(id: 1) { tickets { " + "x { " * 60 + "y" + " }" * 60 + " } } }", "MAX_DEPTH_LIMIT"),
    "brackets without end": document("{ a" * 4000 + " }" * 4000, "MAX_RECURSION_LIMIT"),
    "brackets that never close": document("{ a" * 7000, "MAX_RECURSION_LIMIT"),
    "a list in a list": document("{ f(a: " + "[" * 3000 + "]" * 3000 + ") }", "MAX_RECURSION_LIMIT"),
    "an object in an object": document("{ f(a: " + "{a: " * 2000 + "1" + "}" * 2000 + ") }", "MAX_RECURSION_LIMIT"),
    "types of lists of lists": document("query($a: " + "[" * 900 + "Int" + "]" * 900 + ") { __typename }", "MAX_RECURSION_LIMIT"),
    "10,000 aliases": document("{ " + " ".join(f"a{n}: __typename" for n in range(4900)) + " }", "MAX_ROOT_FIELDS_LIMIT"),
    "aliases below": document('{ customer(id: "1") { ' + " ".join(f"a{n}: name" for n in range(300)) + " } }", "MAX_ALIASES_LIMIT"),
    "one field 14,000 times": document("{ " + "__typename " * 14_000 + "}", "MAX_ROOT_FIELDS_LIMIT"),
    "15,001 tokens": document("{ " + "a " * 15_001 + "}", "MAX_TOKENS_LIMIT"),
    "700,000 tokens": document("{ " + "a " * 700_000 + "}", "MAX_DOCUMENT_SIZE_LIMIT"),
    "fragments that double": document(doubled(40, ""), "MAX_ROOT_FIELDS_LIMIT"),
    "directives that double": document(doubled(12, "... @skip(if: true) { a }"), "MAX_ROOT_FIELDS_LIMIT"),
    "a circle of fragments": document("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "GRAPHQL_VALIDATION_FAILED"),
    "a chain of fragments": document(CHAIN, "MAX_RECURSION_LIMIT"),
    "directives": document("{ __typename " + "@skip(if: false) " * 2000 + "}", "MAX_DIRECTIVES_LIMIT"),
    "unknown directives": document("{ __typename " + "@x " * 5000 + "}", "MAX_DIRECTIVES_LIMIT"),
    "introspection nests": document("{ __schema { types { " + NESTED_SCHEMA + " } } }", "MAX_INTROSPECTION_DEPTH_LIMIT"),
    "errors without end": document("{ " + "customer(id: 1) { x } " * 60 + "}", "GRAPHQL_VALIDATION_FAILED"),
    "fields that do not merge": document("{ " + " ".join(f'a: customer(id: "{n}") {{ id }}' for n in range(90)) + " }", "GRAPHQL_VALIDATION_FAILED"),
    "many operations": document(" ".join(f"query Q{n} {{ __typename }}" for n in range(3000)), "OPERATION_RESOLUTION_FAILURE"),
    "2 MB and a byte": Bomb(b" " * 2_000_001, "INVALID_GRAPHQL_REQUEST"),
    "a gzip bomb": Bomb(gzip.compress(b" " * 100_000_000), "INVALID_GRAPHQL_REQUEST", ZIPPED),
    "a brotli bomb": Bomb(brotli.compress(b" " * 100_000_000, quality=5), "INVALID_GRAPHQL_REQUEST", {"content-encoding": "br"}),
    "a batch of 1000": Bomb(json.dumps([{"query": "{ __typename }"}] * 1000).encode(), "BATCH_LIMIT_EXCEEDED"),
    "deep JSON": Bomb(b"[" * 900_000, "BAD_REQUEST"),
    "deep variables": variables('{"a": ' + "[" * 150 + "]" * 150 + "}", "MAX_VARIABLES_DEPTH_LIMIT"),
    "large variables": variables('{"a": "' + "x" * 1_500_000 + '"}', "MAX_VARIABLES_SIZE_LIMIT"),
    "100,000 variables": document("query(" + " ".join(f"$a{n}: Int" for n in range(3000)) + ") { __typename }", "GRAPHQL_VALIDATION_FAILED"),
    "a long number as variable": variables('{"a": ' + "9" * 300 + "}", None),
    "a number beyond all": variables('{"a": 1e9999}', "BAD_REQUEST"),
    "a long number in a document": document("{ sleeps(seconds: " + "9" * 5000 + "e) }", "GRAPHQL_PARSE_FAILED"),
    "a long integer in a document": document("{ customer(id: " + "9" * 100_000 + ") { id } }", None),
    "a long string": document('{ customer(id: "' + "x" * 1_000_000 + '") { id } }', "MAX_DOCUMENT_SIZE_LIMIT"),
    "a text for slow regular expressions": document("{ " + "\\u0000" * 5000 + " }", "GRAPHQL_PARSE_FAILED"),
    "a million blanks": document("{ __typename" + " ," * 500_000 + "}", "MAX_DOCUMENT_SIZE_LIMIT"),
    "a comment of a megabyte": document("{ __typename } #" + "#" * 1_000_000, "MAX_DOCUMENT_SIZE_LIMIT"),
    "many faulty variables": document(
        "query(" + " ".join(f"$a{n}: Int!" for n in range(900)) + ") { __typename }", "GRAPHQL_VALIDATION_FAILED"
    ),
    "a block string that never ends": document('{ customer(id: """' + "x\\n" * 100_000, "GRAPHQL_PARSE_FAILED"),
    "a long URL": Bomb(b"", "URI_TOO_LONG", query={"query": "{ __typename }" + " " * 20_000}),
    "large headers": Bomb(b"{}", "REQUEST_HEADER_FIELDS_TOO_LARGE", {f"x-{n}": "x" * 1000 for n in range(70)}),
    "a hash of a megabyte": Bomb(
        json.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 1_000_000}}}).encode(), "BAD_REQUEST"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BOMBS))
async def test_a_bomb_is_refused_with_its_code_and_nothing_is_fetched(platform: Any, name: str) -> None:
    bomb = BOMBS[name]
    headers = {"accept": GRAPHQL, "content-type": "application/json", **bomb.headers}
    async with platform(batching={"enabled": True}) as psa:
        if bomb.query:
            response = await psa.client.get("/graphql", params=bomb.query, headers=headers)
        else:
            response = await psa.client.post("/graphql", content=bomb.body, headers=headers)
        asked = sum(len(module.requests) for module in psa.modules.values())
        after = await psa.ask("{ __typename }")

    if bomb.code is None:
        assert response.status_code == 200
        assert "errors" not in response.json()
    else:
        assert response.json()["errors"][0]["extensions"]["code"] == bomb.code
        assert 400 <= response.status_code < 500
        assert asked == 0
        assert len(response.content) < 50_000
    assert after == {"data": {"__typename": "Query"}}
