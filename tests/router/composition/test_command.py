"""The compose command: what it reads, what it writes, and how it exits."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.__main__ import cli
from router.composition.command import run
from router.federation.variants import Contract

SDL = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3")\ntype Query { a: Int }'
FORMS = {
    "list.json": json.dumps([{"name": "a", "url": "http://a", "sdl": SDL}]),
    "object.json": json.dumps({"a": {"url": "http://a", "sdl": SDL}}),
    "supergraph.yaml": "federation_version: =2.3\nsubgraphs:\n  a:\n    routing_url: http://a\n    schema:\n      file: a.graphql\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_the_file_composes_the_same(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text(SDL)
    (tmp_path / name).write_text(FORMS[name])
    out = io.StringIO()

    assert run(subgraphs=tmp_path / name, stdin=io.StringIO(), stdout=out) == 0
    assert 'A @join__graph(name: "a", url: "http://a")' in out.getvalue()


def test_a_refusal_is_one_object_with_all_errors(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text(json.dumps([{"name": "a", "url": None, "sdl": "type T { a: Int }"}]))
    out = io.StringIO()

    assert run(subgraphs=file, stdin=io.StringIO(), stdout=out) == 1
    assert json.loads(out.getvalue()) == {
        "ok": False,
        "errors": [
            {
                "code": "NO_QUERIES",
                "message": "No queries found in any subgraph: a supergraph must have a query root type.",
                "nodes": [],
            }
        ],
        "hints": [],
    }


def test_success_is_wrapped_on_request(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text(FORMS["list.json"])
    out = io.StringIO()

    assert run(subgraphs=file, as_json=True, stdin=io.StringIO(), stdout=out) == 0
    answer = json.loads(out.getvalue())
    assert (answer["ok"], answer["hints"]) == (True, [])
    assert answer["supergraph"].startswith("schema\n")


def test_an_explanation_takes_the_place_of_the_supergraph_or_comes_with_it(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text(FORMS["list.json"])
    text, wrapped = io.StringIO(), io.StringIO()

    assert run(subgraphs=file, explain=True, stdin=io.StringIO(), stdout=text) == 0
    assert run(subgraphs=file, explain=True, as_json=True, stdin=io.StringIO(), stdout=wrapped) == 0
    assert text.getvalue() == "Query.a: Int\n  + a: resolves it alone\n"
    answer = json.loads(wrapped.getvalue())
    assert answer["supergraph"].startswith("schema\n")
    assert [(r["coordinate"], r["parts"][0]["subgraph"]) for r in answer["resolution"]] == [("Query.a", "a")]


def test_the_server_answers_each_line_and_survives_nonsense() -> None:
    lines = [
        json.dumps({"id": 7, "subgraphs": [{"name": "a", "sdl": SDL}]}),
        "nonsense",
        json.dumps({"id": 8, "subgraphs": 3}),
    ]
    out = io.StringIO()

    assert run(server=True, stdin=io.StringIO("\n".join(lines)), stdout=out) == 0
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(answer["id"], answer["ok"]) for answer in answers] == [(7, True), (None, False), (8, False)]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"id": 1, "subgraphs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"id": NaN}',
        b'{"id": 1e999}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"id": 1, "subgraphs": [null]}',
        b'{"id": 1, "subgraphs": [{"name": 3, "sdl": "x"}]}',
        b'{"id": 1, "subgraphs": [{"name": "a", "sdl": null}], "options": 3}',
        b'{"id": 1, "subgraphs": [{"name": "a", "sdl": "' + b"{" * 50_000 + b'"}]}',
        b'{"id": 1, "subgraphs": [{"name": "\\ud800", "sdl": "\\ud800"}]}',
        b'{"id": 1, "subgraphs": [{"name": "a", "sdl": "#' + b"x" * 2_000_000 + b'"}]}',
    ],
)
def test_any_line_of_bytes_is_answered_in_one_line_of_json_and_the_next_one_as_well(line: bytes) -> None:
    after = json.dumps({"id": "after", "subgraphs": [{"name": "a", "sdl": SDL}]}).encode()

    result = CliRunner().invoke(cli, ["compose", "--server"], input=line + b"\n" + after + b"\n")

    refused, composed = (json.loads(text, parse_constant=pytest.fail) for text in result.stdout.splitlines())
    assert (refused["ok"], composed["ok"], composed["id"]) == (False, True, "after")
    assert all(error["code"] and error["message"] for error in refused["errors"])


def test_every_error_says_where_it_is() -> None:
    link = SDL.splitlines()[0].replace(")", ', import: ["@key"])')
    subgraphs = [{"name": "a", "sdl": link + '\ntype Query { t: T }\n  type T @key(fields: "no") { id: ID }'}]
    out = io.StringIO()

    run(server=True, stdin=io.StringIO(json.dumps({"subgraphs": subgraphs})), stdout=out)

    (error,) = json.loads(out.getvalue())["errors"]
    assert error["nodes"] == [
        {"subgraph": "a", "line": 3, "column": 10},
        {"subgraph": "a", "line": 3, "column": 3},
    ]


def test_json_is_read_as_json_and_not_as_yaml(tmp_path: Path) -> None:
    """YAML reads surrogate pairs as two halves of a character, and knows no byte order mark."""
    file = tmp_path / "s.json"
    described = json.dumps([{"name": "a", "sdl": '"\U0001f600" type Query { a: Int }'}])
    file.write_text(f"\ufeff{described}", encoding="utf-8")
    out = io.StringIO()

    assert run(subgraphs=file, stdin=io.StringIO(), stdout=out) == 0
    assert "\U0001f600" in out.getvalue()


def test_a_file_that_is_no_list_of_subgraphs_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    file.write_text("3")
    out = io.StringIO()

    assert run(subgraphs=file, stdin=io.StringIO(), stdout=out) == 1
    assert json.loads(out.getvalue())["errors"][0]["code"] == "INVALID_INPUT"


def test_the_server_looks_for_remedies_when_asked() -> None:
    link = SDL.splitlines()[0].replace(")", ', import: ["@key"])')
    subgraphs = [
        {"name": "a", "sdl": link + 'type Query { t: T } type T @key(fields: "id") { id: ID! }'},
        {"name": "b", "sdl": link + 'type T @key(fields: "id", resolvable: false) { id: ID! x: Int }'},
    ]
    requests = [{"id": 1, "subgraphs": subgraphs}, {"id": 2, "subgraphs": subgraphs, "options": {"suggest": True}}]
    out = io.StringIO()

    run(server=True, stdin=io.StringIO("\n".join(map(json.dumps, requests))), stdout=out)

    without, suggested = (json.loads(line)["errors"][0] for line in out.getvalue().splitlines())
    assert "suggestion" not in without
    assert suggested["suggestion"].startswith("Remove `resolvable: false`")
    assert without["message"] == suggested["message"]


def test_a_contract_filters_the_supergraph_or_is_refused_like_any_other_error() -> None:
    link = SDL.splitlines()[0].replace(")", ', import: ["@tag"])')
    subgraphs = json.dumps({"a": {"sdl": link + 'type Query { a: Int b: Int @tag(name: "no") }'}})
    kept, refused = io.StringIO(), io.StringIO()

    def filtered(contract: Contract, out: io.StringIO) -> int:
        return run(contract=contract, stdin=io.StringIO(subgraphs), stdout=out)

    assert filtered(Contract(exclude=frozenset({"no"})), kept) == 0
    assert filtered(Contract(include=frozenset({"yes"})), refused) == 1
    assert 'b: Int @tag(name: "no") @inaccessible' in kept.getvalue()
    assert [error["code"] for error in json.loads(refused.getvalue())["errors"]] == ["QUERY_ROOT_TYPE_INACCESSIBLE"]


def test_the_server_takes_the_number_of_ways_to_look_at() -> None:
    link = SDL.splitlines()[0].replace(")", ', import: ["@shareable"])')
    subgraphs = [{"name": n, "sdl": link + "type Query { t: T @shareable } type T { x: Int @shareable }"} for n in "ab"]
    requests = [{"subgraphs": subgraphs, "options": {"maxValidationSubgraphPaths": most}} for most in (1, 2)]
    out = io.StringIO()

    run(server=True, stdin=io.StringIO("\n".join(map(json.dumps, requests))), stdout=out)

    few, enough = map(json.loads, out.getvalue().splitlines())
    assert [error["code"] for error in few["errors"]] == ["MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED"]
    assert enough["ok"] is True
