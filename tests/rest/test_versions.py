"""Two versions of the interface beside each other over one graph, and how what ends says so: a small graph, asked over HTTP.

The shop renames its parcels to packages in version 2; version 1 keeps its addresses, and says until when.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from graphql import build_schema, graphql_sync
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from codegen.rest import artifacts, openapi
from router.composition import compose
from router.federation.subgraph import SubgraphSource
from router.rest.api import Api
from router.rest.routes import Lock
from router.rest.view import View
from router.server.app import build
from router.server.config import RouterConfig

SDL = """
schema
  @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@tag", "@composeDirective"])
  @link(url: "https://specs.psa-platform.org/rest/v1.0", import: ["@rest"])
  @composeDirective(name: "@rest") { query: Query }
directive @rest(path: String, method: String, ignore: Boolean, version: Int) on FIELD_DEFINITION
type Query {
  parcel(id: ID!): Parcel @tag(name: "partner") @rest(version: 2, path: "/packages/{id}")
  parcels(limit: Int! = 50, offset: Int! = 0): [Parcel!]! @tag(name: "partner") @rest(version: 2, path: "/packages")
  oldParcels(limit: Int! = 50): [Parcel!]! @tag(name: "partner") @rest(version: 2, ignore: true)
    @deprecated(reason: "Use parcels; deprecated since 2026-11-01, removed after 2027-05-01.")
}
type Parcel @tag(name: "partner") {
  id: ID!
  colour: String!
  color: String @deprecated(reason: "Use colour; deprecated since 2026-10-01.")
  next: Parcel
}
"""
PARCELS = [{"id": str(number), "colour": "RED", "color": "RED", "next": {"id": "1"}} for number in range(1, 4)]
ROOT = {
    "parcels": lambda _info, limit, offset: PARCELS[offset : offset + limit],
    "oldParcels": lambda _info, limit: PARCELS[:limit],
    "parcel": lambda _info, **given: next((one for one in PARCELS if one["id"] == given["id"]), None),
}


def shop() -> ASGIApp:
    """The module that has the parcels."""
    types = SDL[SDL.index("type Query") :].replace('@tag(name: "partner")', "")
    directive = "directive @rest(path: String, method: String, ignore: Boolean, version: Int) on FIELD_DEFINITION\n"
    schema = build_schema(directive + types)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).json()
        done = graphql_sync(schema, body["query"], ROOT, variable_values=body.get("variables"))
        await JSONResponse(done.formatted)(scope, receive, send)

    return answer


@pytest.fixture(scope="module")
async def shopping(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    tmp_path = tmp_path_factory.mktemp("shop")
    composed = compose.supergraph([SubgraphSource("shop", "http://shop", SDL)])
    assert isinstance(composed, compose.Composed), composed
    folder = tmp_path / "contracts" / "rest"
    folder.mkdir(parents=True)
    for version in (1, 2):
        view = View.of(composed.supergraph_sdl)
        lock = artifacts.derived(view, Lock(version), {}, {})
        (folder / f"v{version}.lock.json").write_text(lock.dumps())
        document = openapi.document(Api(view, lock), {})
        (tmp_path / artifacts.openapi_path(version)).write_text(json.dumps(document))
    file = tmp_path / "supergraph.graphql"
    file.write_text(composed.supergraph_sdl)
    settings = {
        "supergraph_file": file,
        "subgraphs": {"urls": {"shop": "inprocess://shop/graphql"}},
        "rest": {"folder": folder},
        "rate_limit": {"by_address": True},
        "access_log": False,
    }
    app = build(RouterConfig.model_validate(settings), in_process={"shop": shop()})
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client,
    ):
        yield client


async def test_both_versions_are_served_each_at_its_own_addresses(shopping):
    first = await shopping.get("/api/v1/parcels/2")
    second = await shopping.get("/api/v2/packages/2")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == {
        "id": "2",
        "colour": "RED",
        "color": "RED",
        "next": {"id": "1", "href": "/api/v1/parcels/1"},
    }
    assert second.json()["next"] == {"id": "1", "href": "/api/v2/packages/1"}
    strange = await shopping.get("/api/v2/parcels/2")
    assert (strange.status_code, strange.json()["type"]) == (404, "/api/v2/problems/route-not-found")
    assert (await shopping.get("/api/v1/packages/2")).status_code == 404
    assert (await shopping.get("/api/v3/packages/2")).json()["detail"] == "There is no version 3 of this interface."


async def test_each_version_describes_itself(shopping):
    documents = [(await shopping.get(f"/api/v{version}/openapi.json")).json() for version in (1, 2)]

    assert [sorted(one["paths"]) for one in documents] == [
        ["/meta", "/meta/{resource}", "/old-parcels", "/parcels", "/parcels/{id}"],
        ["/meta", "/meta/{resource}", "/packages", "/packages/{id}"],
    ]
    assert [one["servers"][0]["url"] for one in documents] == ["/api/v1", "/api/v2"]
    assert [one["info"]["version"] for one in documents] == ["1.0.0", "2.0.0"]
    assert documents[0]["paths"]["/old-parcels"]["get"]["deprecated"] is True
    problem = documents[1]["components"]["responses"]["Problem404"]["content"]["application/problem+json"]
    assert problem["example"]["type"] == "/api/v2/problems/not-found"


async def test_pages_of_a_version_stay_in_it(shopping):
    page = (await shopping.get("/api/v2/packages?limit=2")).json()

    assert page["links"]["next"].startswith("/api/v2/packages?limit=2&cursor=")
    rest = (await shopping.get(page["links"]["next"])).json()
    assert [one["id"] for one in rest["data"]] == ["3"]


async def test_what_ends_says_since_when_and_until_when(shopping):
    answer = await shopping.get("/api/v1/old-parcels?limit=1")

    assert answer.status_code == 200
    assert answer.headers["deprecation"] == "@1793491200"  # 2026-11-01
    assert answer.headers["sunset"] == "Sat, 01 May 2027 00:00:00 GMT"
    assert '</api/v1/openapi.json>; rel="deprecation"; type="application/json"' in answer.headers["link"]
    assert (await shopping.head("/api/v1/old-parcels")).headers["deprecation"] == "@1793491200"
    assert "deprecation" not in (await shopping.get("/api/v1/parcels")).headers


async def test_a_field_that_ends_says_so_when_it_is_asked_for_by_name(shopping):
    asked = await shopping.get("/api/v1/parcels?fields=colour,color&limit=1")

    assert asked.headers["deprecation"] == "@1790812800"  # 2026-10-01
    assert "sunset" not in asked.headers
    links = asked.headers["link"].split(", ")
    assert [one.split("; ")[1] for one in links] == ['rel="next"', 'rel="deprecation"']
    assert "deprecation" not in (await shopping.get("/api/v1/parcels?fields=colour")).headers


async def test_every_answer_says_how_many_requests_are_left(shopping):
    answers = [
        await shopping.get(path) for path in ("/api/v1/parcels", "/api/v1/parcels/7", "/api/v2/packages?limit=0")
    ]

    assert [one.status_code for one in answers] == [200, 404, 400]
    assert {one.headers["ratelimit-policy"] for one in answers} == {'"default";q=1000;w=60'}
    left = [int(one.headers["ratelimit"].split(";")[1].removeprefix("r=")) for one in answers]
    assert left == [left[0], left[0] - 1, left[0] - 2]


async def test_the_interface_says_what_its_resources_consist_of(shopping):
    index = (await shopping.get("/api/v2/meta")).json()
    told = await shopping.get("/api/v1/meta/parcels")
    strange = await shopping.get("/api/v2/meta/parcels")

    assert index == {
        "data": [{"resource": "packages", "href": "/api/v2/packages", "meta": "/api/v2/meta/packages"}],
    }
    parcels = told.json()
    assert (parcels["type"], parcels["expand"], parcels["commands"]) == ("Parcel", ["next"], [])
    fields = {one["name"]: one for one in parcels["fields"]}
    assert {name: (one["type"], one["nullable"]) for name, one in fields.items()} == {
        "id": ("id", False),
        "colour": ("string", False),
        "color": ("string", True),
        "next": ("object", True),
    }
    assert fields["color"]["deprecated"] == "Use colour; deprecated since 2026-10-01."
    assert (
        await shopping.get("/api/v1/meta/parcels", headers={"if-none-match": told.headers["etag"]})
    ).status_code == 304
    assert (strange.status_code, strange.json()["detail"]) == (404, "There is no such resource; there are packages.")
    assert (await shopping.post("/api/v1/meta")).headers["allow"] == "GET, HEAD, OPTIONS"


async def test_a_path_with_line_breaks_is_refused_as_any_other(shopping):
    for path in ("/api/v1/parcels/%0A/x", "/api/v1/parcels/7%0A", "/api/v1/%0A"):
        answer = await shopping.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
