"""The site for readers: pages of what the contracts say, and guides whose links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from codegen.docs import events, graph, guides, rest
from codegen.docs.site import CONTENTS
from codegen.docs.words import plain, table
from router.composition.compose import Composed, SubgraphSource, supergraph
from tests.repository import ROOT


def test_texts_of_others_are_no_markup():
    assert plain("a `b_c` <d> [e]_f | g\n h") == "a `b_c` \\<d\\> \\[e\\]\\_f \\| g h"
    assert plain(None) == ""
    assert plain("a | b") == "a \\| b"
    assert table(("A", "B"), []) == ""
    assert table(("A", "B"), [("1", "2")]) == "| A | B |\n| --- | --- |\n| 1 | 2 |\n"


def test_an_operation_has_its_parameters_its_body_and_its_answers():
    document = {
        "info": {"title": "T"},
        "tags": [{"name": "pens", "description": "What writes."}],
        "paths": {
            "/pens/{id}": {
                "patch": {
                    "operationId": "updatePen",
                    "summary": "Change a pen",
                    "tags": ["pens"],
                    "parameters": [{"$ref": "#/components/parameters/id"}],
                    "requestBody": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/x/PenPatch"}, "example": {"ink": "blue"}}
                        }
                    },
                    "responses": {
                        "200": {
                            "description": "The pen.",
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pen"}}},
                        }
                    },
                }
            }
        },
        "components": {"parameters": {"id": {"name": "id", "in": "path", "schema": {"type": "string"}}}},
    }

    pages = dict(rest.pages(document))

    assert list(pages) == ["rest/pens", "rest/index"]
    assert "## PATCH /pens/&#123;id&#125;" in pages["rest/pens"]
    for line in ("| `id` | path | `string` |  |", "Body, `application/json`: `PenPatch`", "| 200 | The pen. | `Pen` |"):
        assert line in pages["rest/pens"]
    assert '"ink": "blue"' in pages["rest/pens"]


def test_an_event_has_its_data_and_an_example():
    document = {
        "components": {
            "messages": {
                "pen.lost": {
                    "summary": "Gone.",
                    "tags": [{"name": "desk"}],
                    "examples": [{"payload": {"type": "pen.lost"}}],
                }
            },
            "schemas": {
                "pen.lost": {
                    "required": ["id"],
                    "properties": {"id": {"type": "string"}, "ink": {"anyOf": [{"enum": ["RED"]}, {"type": "null"}]}},
                }
            },
        }
    }

    page = dict(events.pages(document))["events/desk"]

    assert "(event-pen-lost)=\n## pen.lost" in page
    assert "| `id` | `string` |  |" in page
    assert "| `ink` *(may be absent)* | `RED` or `null` |  |" in page
    assert '"type": "pen.lost"' in page


def test_a_type_stands_with_the_module_that_is_its_home_and_says_who_adds_to_it():
    head = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@requiresScopes"])'
    desk = 'type Query { "All." pens(first: Int = 5): [Pen!]! } "What writes." type Pen @key(fields: "id") { id: ID! ink: Ink! } enum Ink { RED }'
    shop = 'type Query { shop: Int } type Pen @key(fields: "id") { id: ID! price: Int @requiresScopes(scopes: [["prices:read"]]) }'
    composed = supergraph(
        [SubgraphSource(name, f"http://{name}", head + sdl) for name, sdl in (("desk", desk), ("shop", shop))]
    )
    assert isinstance(composed, Composed)

    permissions = {
        "Query.pens": ("pens:read",),
        "Pen.price": ("prices:read", "shop:read"),
        "Gone.field": ("pens:read",),
    }
    pages = dict(graph.pages(composed.supergraph_sdl, permissions))

    assert list(pages) == ["graph/desk", "graph/shop", "graph/index"]
    assert "| `pens`<br>`first` `Int` = `5` | [`[Pen!]!`](#type-Pen) | All. Needs `pens:read`. |" in pages["graph/desk"]
    assert "An entity, by `id`." in pages["graph/desk"]
    assert "| `price` | `Int` |  Needs `prices:read` and `shop:read`. *(from shop)* |" in pages["graph/desk"]
    assert "## Pen" not in pages["graph/shop"]


def test_the_guides_lead_to_each_other_and_not_into_the_code():
    pages = dict(guides.pages(ROOT))
    listed = {page for pages_of_part in CONTENTS.values() for page in pages_of_part}

    assert listed - {"graph/index", "rest/index", "events/index"} == pages.keys()
    for name, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            assert target.startswith("http") or target.endswith(".md"), (name, target)


@pytest.mark.skipif("PSA_TEST_DOCS" not in os.environ, reason="it takes a minute; set PSA_TEST_DOCS=1")
@pytest.mark.timeout(900)
def test_the_whole_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    program = [sys.executable, "-m", "codegen.docs", "--out", str(tmp_path / "docs")]
    made = subprocess.run(program, capture_output=True, text=True, check=False, cwd=ROOT)

    assert made.returncode == 0, made.stderr
    for page in (tmp_path / "docs").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//', text), page
        assert not re.search(r'<link[^>]+rel="stylesheet"[^>]+href="(?:https?:)?//', text), page
