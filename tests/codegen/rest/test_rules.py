"""Rules make routes of a graph, directives overrule them, and what is frozen does not move silently."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from codegen.artifact import Artifact
from codegen.rest import artifacts, freeze, openapi, shapes
from codegen.rest.derive import Contradiction, Derived, Rules
from codegen.rest.words import kebab, plural, stripped
from router.composition import compose
from router.federation.subgraph import SubgraphSource
from router.rest.api import Api
from router.rest.routes import Deprecation, Kind, Lock
from router.rest.view import View
from tests.repository import ROOT

pytestmark = pytest.mark.timeout(300)  # the whole of codegen runs in some of these

HEAD = """
schema
  @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@tag", "@composeDirective"])
  @link(url: "https://specs.psa-platform.org/rest/v1.0", import: ["@rest"])
  @composeDirective(name: "@rest") { query: Query mutation: Mutation }
directive @rest(path: String, method: String, ignore: Boolean, version: Int) on FIELD_DEFINITION
"""
SHOP = """
type Query {
  parcel(id: ID!): Parcel @tag(name: "partner")
  parcels(limit: Int! = 50, offset: Int! = 0, colour: String): [Parcel!]! @tag(name: "partner")
  me: Person @tag(name: "partner")
  secrets(limit: Int): [Parcel!]! @tag(name: "internal")
  answer: Int @tag(name: "partner")
}
type Mutation {
  createParcel(input: CreateParcelInput!): ParcelPayload! @tag(name: "partner")
  updateParcel(input: UpdateParcelInput!): ParcelPayload! @tag(name: "partner")
  deleteParcel(input: ParcelInput!): ParcelPayload! @tag(name: "partner")
  sendParcelBack(input: ParcelInput!): ParcelPayload! @tag(name: "partner")
  weighIt(input: ParcelInput!): ParcelPayload! @tag(name: "partner")
  forget(all: Boolean): Boolean @tag(name: "partner")
}
type Parcel @key(fields: "id") @tag(name: "partner") {
  id: ID! version: Int! colour: Colour! owner: Person stamps(limit: Int! = 50): [Stamp!] }
type Stamp @tag(name: "partner") { id: ID! cents: Int! }
type Person @key(fields: "id") @tag(name: "partner") { id: ID! name: String }
enum Colour { RED BLUE }
input CreateParcelInput { colour: Colour! dryRun: Boolean! = false }
input UpdateParcelInput { id: ID! colour: Colour version: Int }
input ParcelInput { id: ID! }
type ParcelPayload @tag(name: "partner") { parcel: Parcel errors: [UserError!]! }
type UserError @shareable @tag(name: "partner") { code: String! message: String! field: String }
"""


def view(sdl: str = SHOP) -> View:
    composed = compose.supergraph([SubgraphSource("shop", "http://shop", HEAD + sdl)])
    assert isinstance(composed, compose.Composed), composed
    return View.of(composed.supergraph_sdl)


def derived(sdl: str = SHOP, frozen: Lock | None = None) -> Derived:
    return Rules(view(sdl), frozen or Lock(1), {}, "2026-11-22").apply()


def lock(sdl: str = SHOP, frozen: Lock | None = None) -> Lock:
    return artifacts.derived(view(sdl), frozen or Lock(1), {}, {})


def test_every_field_finds_its_address():
    found = derived()

    assert {route.address: route.coordinate for route in found.routes.values()} == {
        "GET /me": "Query.me",
        "GET /parcels": "Query.parcels",
        "POST /parcels": "Mutation.createParcel",
        "PATCH /parcels/bulk": "Mutation.updateParcel",
        "POST /parcels/bulk": "Mutation.createParcel",
        "GET /parcels/{id}": "Query.parcel",
        "PATCH /parcels/{id}": "Mutation.updateParcel",
        "DELETE /parcels/{id}": "Mutation.deleteParcel",
        "POST /parcels/{id}/actions/send-back": "Mutation.sendParcelBack",
        "POST /parcels/{id}/actions/weigh-it": "Mutation.weighIt",
        "GET /parcels/{id}/stamps": "Query.parcel.stamps",
    }
    assert found.graphql_only == {
        "Mutation.forget": "It is no command with one input, and a payload that says why not.",
        "Query.answer": "It answers no things with fields.",
    }


def test_what_can_be_made_has_an_address_also_where_the_graph_only_lists_it():
    makes = """
      createStamp(input: CreateStampInput!): StampPayload! @tag(name: "partner")
    }
    input CreateStampInput { cents: Int! }
    type StampPayload @tag(name: "partner") { stamp: Stamp errors: [UserError!]! }
    type Parcel"""
    lists = 'stamps(limit: Int! = 50): [Stamp!]! @tag(name: "partner")\n  me: Person'
    found = derived(SHOP.replace("}\ntype Parcel", makes, 1).replace("me: Person", lists, 1))

    assert {route.address: route.kind for route in found.routes.values() if route.path.startswith("/stamps")} == {
        "GET /stamps": Kind.LIST,
        "POST /stamps": Kind.CREATE,
        "POST /stamps/bulk": Kind.BULK_CREATE,
        "GET /stamps/{id}": Kind.LISTED,
    }
    assert found.routes["GET /stamps/{id}"].coordinate == "Query.stamps"


def test_a_directive_overrules_the_rules():
    said = SHOP.replace("me: Person @tag", 'me: Person @rest(path: "/myself") @tag')
    said = said.replace(
        "weighIt(input: ParcelInput!): ParcelPayload! @tag",
        'weighIt(input: ParcelInput!): ParcelPayload! @rest(path: "/scales/{id}", method: "POST") @tag',
    )
    said = said.replace(
        "deleteParcel(input: ParcelInput!): ParcelPayload! @tag",
        "deleteParcel(input: ParcelInput!): ParcelPayload! @rest(ignore: true) @tag",
    )
    found = derived(said)

    assert found.routes["GET /myself"].kind is Kind.SINGLETON
    assert found.routes["POST /scales/{id}"].keys == {"id": "id"}
    assert "DELETE /parcels/{id}" not in found.routes
    assert found.graphql_only["Mutation.deleteParcel"] == "Its module keeps it out."


def test_a_directive_of_another_version_holds_for_that_one_only():
    said = SHOP.replace("me: Person @tag", 'me: Person @rest(path: "/myself", version: 2) @tag')

    assert "GET /me" in derived(said).routes
    assert "GET /myself" in derived(said, Lock(2)).routes


def test_two_fields_at_one_address_are_a_contradiction():
    said = SHOP.replace("me: Person @tag", 'me: Person @rest(path: "/parcels") @tag')

    with pytest.raises(Contradiction, match="GET /parcels is wanted by"):
        derived(said)


def test_a_reason_with_days_is_a_deprecation_and_one_without_keeps_the_day_it_was_seen():
    said = SHOP.replace(
        "me: Person @tag", 'me: Person @deprecated(reason: "Use you; since 2026-05-01, until 2027-05-01.") @tag'
    )
    (me,) = [route for route in derived(said).routes.values() if route.path == "/me"]
    assert me.deprecated == Deprecation("2026-05-01", "2027-05-01", "Use you; since 2026-05-01, until 2027-05-01.")

    plain = SHOP.replace("me: Person @tag", 'me: Person @deprecated(reason: "Use you.") @tag')
    first = lock(plain)
    (me,) = [route for route in first.routes if route.path == "/me"]
    assert me.deprecated is not None
    old = replace(
        first,
        routes=tuple(
            replace(r, deprecated=Deprecation("2020-01-01", None, "Use you.")) if r.path == "/me" else r
            for r in first.routes
        ),
    )
    (again,) = [route for route in derived(plain, old).routes.values() if route.path == "/me"]
    assert again.deprecated == Deprecation("2020-01-01", None, "Use you.")


def test_the_lock_file_reads_what_it_wrote():
    written = lock(SHOP.replace("me: Person @tag", 'me: Person @deprecated(reason: "No. 2026-01-01") @tag'))

    assert Lock.loads(written.dumps()) == written


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "weighIt(",
            "weighThis(",
            "POST /parcels/{id}/actions/weigh-it would disappear: Mutation.weighIt is not there, or not derivable",
        ),
        ("me: Person @tag", 'me: Person @rest(path: "/myself") @tag', "GET /me would move to GET /myself: Query.me"),
        ("colour: String)", "color: String)", "GET /parcels: colour would disappear"),
        ("colour: Colour! dryRun", "colour: Colour! size: Int! dryRun", "POST /parcels: size would have to be given"),
        ("cents: Int!", "euros: Int!", "Stamp: cents would disappear"),
        ("cents: Int!", "cents: String!", "Stamp: cents would be String! and not Int!"),
        ("enum Colour { RED BLUE }", "enum Colour { RED }", "Colour: BLUE would disappear"),
    ],
)
def test_what_breaks_a_client_is_named(old, new, told):
    assert told in tuple(freeze.breaks(lock(), lock(SHOP.replace(old, new))))


def test_what_is_new_breaks_nobody():
    more = SHOP.replace("type Stamp @tag", 'type Label @tag(name: "partner") { id: ID! }\ntype Stamp @tag')
    more = more.replace("cents: Int!", "cents: Int! label: Label").replace(
        "colour: Colour version", "colour: Colour size: Int version"
    )
    more = more.replace("me: Person", 'you: Person @tag(name: "partner")\n  me: Person')

    assert tuple(freeze.breaks(lock(), lock(more))) == ()


def test_a_list_that_gets_cursors_stays_where_it_is():
    paged = SHOP.replace(
        "me: Person @tag",
        'parcelsConnection(first: Int, after: String, colour: String): ParcelConnection! @tag(name: "partner")\n me: Person @tag',
    )
    paged += """
    type ParcelConnection @tag(name: "partner") { nodes: [Parcel!]! pageInfo: PageInfo! }
    type PageInfo @tag(name: "partner") { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
    """

    assert tuple(freeze.breaks(lock(), lock(paged))) == ()
    assert "Query.parcels" in derived(paged).graphql_only


def test_a_moved_address_fails_the_check_and_writes_nothing(tmp_path):
    """`python -m codegen --check`, where the lock file promises something that the graph has not."""
    folder = tmp_path / "contracts" / "rest"
    folder.mkdir(parents=True)
    promised = json.loads((ROOT / "contracts/rest/v1.lock.json").read_text(encoding="utf-8"))
    promised["routes"].append({**promised["routes"][0], "path": "/promised"})
    (folder / "v1.lock.json").write_text(json.dumps(promised), encoding="utf-8")
    supergraph = (ROOT / "contracts/graph/supergraph.graphql").read_text(encoding="utf-8")

    with pytest.raises(freeze.Frozen, match=r"/api/v1 is frozen .*\n  - GET /promised would move to"):
        list(artifacts.artifacts(tmp_path, supergraph, {}))

    assert json.loads((folder / "v1.lock.json").read_text(encoding="utf-8")) == promised
    thawed = list(artifacts.artifacts(tmp_path, supergraph, {}, thaw=True))
    assert "/promised" not in thawed[0].text


def test_two_versions_live_beside_each_other(tmp_path):
    folder = tmp_path / "contracts" / "rest"
    folder.mkdir(parents=True)
    for version in (1, 2):
        (folder / f"v{version}.lock.json").write_text(json.dumps({"version": version}), encoding="utf-8")
    supergraph = (ROOT / "contracts/graph/supergraph.graphql").read_text(encoding="utf-8")

    written: dict[str, Artifact] = {one.path: one for one in artifacts.artifacts(tmp_path, supergraph, {})}

    both = ("v1.lock.json", "v2.lock.json", "openapi.json", "openapi.v2.json", "permissions.json")
    assert set(written) == {f"contracts/rest/{name}" for name in both}
    assert json.loads(written["contracts/rest/openapi.v2.json"].text)["servers"] == [{"url": "/api/v2"}]


def test_the_document_is_valid_and_has_every_route():
    document = json.loads((ROOT / "contracts/rest/openapi.json").read_text(encoding="utf-8"))
    promised = Lock.loads((ROOT / "contracts/rest/v1.lock.json").read_text(encoding="utf-8"))

    OpenAPIV31SpecValidator(document).validate()

    assert document["openapi"] == "3.1.0"
    operations = {
        f"{method.upper()} {path}": one
        for path, item in document["paths"].items()
        for method, one in item.items()
        if method != "parameters"
    }
    own = {"GET /meta", "GET /meta/{resource}"}
    assert set(operations) == {route.address for route in promised.routes} | own
    for address, one in operations.items():
        assert one["operationId"], address
        assert one["security"], address
        assert {"400", "401", "403", "429"} <= one["responses"].keys(), address
        for status, answer in one["responses"].items():
            for media in answer.get("content", {}).values():
                assert "example" in media, (address, status)
    assert "ticket.created" in document["webhooks"]


def test_a_small_document_is_valid_too():
    shop = view()
    made = lock()

    OpenAPIV31SpecValidator(openapi.document(Api(shop, made), {})).validate()
    assert shapes.of(Api(shop, made)) == made.shapes


def test_the_seeds_collections_are_there():
    promised = Lock.loads((ROOT / "contracts/rest/v1.lock.json").read_text(encoding="utf-8"))
    addresses = {route.address for route in promised.routes}

    for name in ("customers", "tickets", "assets", "users"):
        assert {f"GET /{name}", f"POST /{name}", f"GET /{name}/{{id}}", f"PATCH /{name}/{{id}}"} <= addresses
    assert {
        "POST /tickets/{id}/actions/resolve",
        "GET /customers/{id}/tickets",
        "GET /customers/{id}/assets",
    } <= addresses


@pytest.mark.parametrize(
    ("name", "one", "many"),
    [
        ("timeEntry", "time-entry", "timeEntries"),
        ("box", "box", "boxes"),
        ("day", "day", "days"),
        ("apiKey", "api-key", "apiKeys"),
    ],
)
def test_words(name, one, many):
    assert (kebab(name), plural(name)) == (one, many)


@pytest.mark.parametrize(
    ("command", "thing", "verb"),
    [
        ("resolveTicket", "Ticket", "resolve"),
        ("replyToTicket", "Ticket", "reply"),
        ("addNote", "Ticket", "addNote"),
        ("mergeTickets", "Ticket", "merge"),
        ("rotateApiKey", "ApiKey", "rotate"),
        ("sendTicketBack", "Ticket", "sendBack"),
    ],
)
def test_verbs(command, thing, verb):
    assert stripped(command, thing) == verb


def test_the_command_line_says_what_would_break():
    """The option is there, and says what it does."""
    program = [sys.executable, "-m", "codegen", "--help"]
    told = subprocess.run(program, capture_output=True, text=True, check=True, cwd=Path(ROOT)).stdout
    assert "--thaw" in told


def test_every_example_fits_its_schema():
    document = json.loads(
        (ROOT / "contracts/rest/openapi.json").read_text(encoding="utf-8").replace('"#/', '"urn:api#/')
    )
    known = Registry().with_resource("urn:api", Resource(contents=document, specification=DRAFT202012))

    def faults(of: Any) -> Iterator[str]:
        if isinstance(of, dict):
            if {"schema", "example"} <= of.keys():
                seen.append(of["schema"])
                yield from (
                    e.message for e in Draft202012Validator(of["schema"], registry=known).iter_errors(of["example"])
                )
            of = list(of.values())
        for inner in of if isinstance(of, list) else ():
            yield from faults(inner)

    seen: list[Any] = []
    assert list(faults([document["paths"], document["components"]["responses"]])) == []
    assert len(seen) > 700
    assert list(faults({"schema": {"$ref": "urn:api#/components/schemas/Problem"}, "example": {"status": "x"}}))
