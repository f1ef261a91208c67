"""The compose command: what it reads, what it writes, and how it exits."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from router.composition.command import run

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
