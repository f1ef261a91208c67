"""Every route of the interface, asked on the whole platform: it says what the graph says, in the words of HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from uuid import uuid4

import pytest

from contracts.scopes import PERMISSIONS
from tests.rest.test_same import LOCK, necessary

pytestmark = pytest.mark.timeout(300)

_DEPENDS = ("/me", "/sessions", "/mfa-factors", "/meta", "/meta/{resource}")
"""What needs one permission or another, as it depends on what is asked about."""


async def test_a_page_says_where_the_next_one_is(api, twin):
    first = await api("GET", "/tickets?limit=1&fields=number&count=exact")

    assert first.status_code == 200
    page = first.json()
    assert page["page"]["hasMore"] is True
    assert page["page"]["limit"] == 1
    assert page["page"]["totalCount"] >= 4
    assert first.headers["link"] == f'<{page["links"]["next"]}>; rel="next"'
    second = (await api("GET", page["links"]["next"])).json()
    assert [one["number"] for one in second["data"]] != [one["number"] for one in page["data"]]
    back = (await api("GET", second["links"]["prev"])).json()
    assert back["data"] == page["data"]
    linked = (await api("GET", page["links"]["next"])).headers["link"]
    assert linked.startswith('</api/v1/tickets?limit=1&fields=number&count=exact>; rel="first", ')
    assert linked.endswith(f'<{second["links"]["prev"]}>; rel="prev"')


async def test_a_cursor_is_a_place_in_one_order_of_one_list(api, twin):
    cursor = (await api("GET", "/tickets?limit=1")).json()["page"]["nextCursor"]
    deep = base64.urlsafe_b64encode(b"[" * 2000).decode()

    assert (await api("GET", f"/tickets?limit=1&cursor={cursor}")).status_code == 200
    for elsewhere in (
        f"/tickets?sort=number&cursor={cursor}",
        f"/time-entries?cursor={cursor}",
        f"/tickets?cursor={deep}",
        "/my-timers?cursor=any",
    ):
        answer = await api("GET", elsewhere)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_PARAMETER"), elsewhere
        assert [fault["param"] for fault in answer.json()["errors"]] == ["cursor"], elsewhere


async def test_the_words_of_the_seed_filter_a_list(api, twin):
    customer = twin.x.ids["Customer"]
    listed = await api("GET", f"/tickets?status=open&customerId={customer}&limit=200&fields=id,status")
    asked = await api.graphql(
        'query($c: ID!) { tickets(status: "open", customerId: $c, limit: 200) { id status } }', c=customer
    )

    assert listed.json()["data"] == asked["data"]["tickets"]
    both = await api("GET", f"/tickets?filter[status][in]=RESOLVED,OPEN&filter[customerId]={customer}&fields=status")
    assert {one["status"] for one in both.json()["data"]} <= {"RESOLVED", "OPEN"}


async def test_a_thing_has_the_version_as_its_tag(api, twin):
    path = f"/tickets/{twin.x.ids['Ticket']}"
    first = await api("GET", path)
    ticket = first.json()

    assert first.headers["etag"] == f'"{ticket["version"]}"'
    assert ticket["customer"]["href"] == f"/api/v1/customers/{ticket['customerId']}"
    again = await api("GET", path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    expanded = await api("GET", f"{path}?expand=customer")
    assert expanded.headers["etag"].startswith(f'"{ticket["version"]}-')
    assert expanded.json()["customer"]["name"]


async def test_a_change_is_guarded_by_the_version(api, twin):
    path = f"/tickets/{await opened(api, twin)}"
    stale = await api("PATCH", path, json={"title": "Later"}, headers={"if-match": '"7"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "STALE")
    assert [one["header"] for one in stale.json()["errors"]] == ["If-Match"]
    assert (await api("GET", path)).json()["title"] == "By REST"

    done = await api("PATCH", path, json={"title": "Now"}, headers={"if-match": '"1"', "prefer": "return=minimal"})

    assert (done.status_code, done.content, done.headers["etag"]) == (204, b"", '"2"')
    assert done.headers["preference-applied"] == "return=minimal"
    assert (await api("GET", path)).json()["title"] == "Now"
    weak = await api("PATCH", path, json={"title": "No"}, headers={"if-match": 'W/"2"'})
    assert weak.status_code == 412


async def test_a_change_may_be_guarded_by_several_versions_and_is_still_done_once(api, twin):
    path = f"/tickets/{await opened(api, twin)}"
    guarded = {"if-match": '"7", "1"', "idempotency-key": str(uuid4())}
    neither = await api("PATCH", path, json={"title": "No"}, headers={"if-match": '"7", "8"'})
    done = await api("PATCH", path, json={"title": "Now"}, headers=guarded)
    again = await api("PATCH", path, json={"title": "Now"}, headers=guarded)
    other = await api("PATCH", path, json={"title": "Other"}, headers=guarded)
    whatever = await api("PATCH", path, json={"title": "Later"}, headers={"if-match": "*"})

    assert (neither.status_code, neither.json()["code"]) == (412, "STALE")
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    assert again.json() == done.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (whatever.status_code, whatever.headers["etag"]) == (200, '"3"')
    assert (await api("GET", path, headers={"if-match": '"1", "2"'})).status_code == 412
    assert (await api("GET", path, headers={"if-match": '"1", "3"'})).json()["title"] == "Later"


async def test_what_the_graph_only_lists_has_an_address_too(api):
    made = await api("POST", "/teams", json={"name": f"Team {uuid4()}"})

    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/api/v1/teams/{made.json()['id']}"
    found = await api("GET", made.headers["location"])
    assert found.json() == made.json()
    assert (
        await api("GET", made.headers["location"], headers={"if-none-match": found.headers["etag"]})
    ).status_code == 304
    named = await api("GET", f"{made.headers['location']}?fields=name")
    assert named.json() == {"id": made.json()["id"], "name": made.json()["name"]}
    assert (await api("GET", f"/teams/{uuid4()}")).status_code == 404


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/merge-patch+json", {"description": None, "title": "Patched"}),
        (
            "application/json-patch+json",
            [{"op": "remove", "path": "/description"}, {"op": "replace", "path": "/title", "value": "Patched"}],
        ),
    ],
)
async def test_a_patch_comes_in_either_form(api, twin, media_type, body):
    path = f"/tickets/{await opened(api, twin, description='Long')}"

    done = await api("PATCH", path, content=json.dumps(body), headers={"content-type": media_type})

    assert done.status_code == 200
    assert (done.json()["title"], done.json()["description"]) == ("Patched", None)


async def test_what_is_made_is_found_where_it_says(api, twin):
    given = {"customerId": twin.x.ids["Customer"], "title": "Made"}
    key = {"idempotency-key": str(uuid4())}
    made = await api("POST", "/tickets", json=given, headers=key)
    again = await api("POST", "/tickets", json=given, headers=key)
    other = await api("POST", "/tickets", json={**given, "title": "Other"}, headers=key)

    assert made.status_code == 201
    assert made.headers["location"] == f"/api/v1/tickets/{made.json()['id']}"
    assert (await api("GET", made.headers["location"])).json() == made.json()
    assert again.json() == made.json()
    assert "idempotent-replayed" not in made.headers
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert other.json()["errors"][0]["header"] == "Idempotency-Key"


async def test_fifty_twins_make_one_thing(api, twin):
    before = (await api("GET", "/tickets?count=exact&limit=1")).json()["page"]["totalCount"]
    given, key = {"customerId": twin.x.ids["Customer"], "title": "Twins"}, {"idempotency-key": str(uuid4())}

    made = await asyncio.gather(*(api("POST", "/tickets", json=given, headers=key) for _ in range(50)))

    assert {answer.status_code for answer in made} == {201}
    assert len({answer.text for answer in made}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in made) == 49
    assert (await api("GET", "/tickets?count=exact&limit=1")).json()["page"]["totalCount"] == before + 1


async def test_what_is_tried_dry_changes_nothing(api, twin):
    before = (await api("GET", "/tickets?count=exact&limit=1")).json()["page"]["totalCount"]
    given = {"customerId": twin.x.ids["Customer"], "title": "Tried"}

    tried = await api("POST", "/tickets", json=given, headers={"prefer": "dry-run", "idempotency-key": "tried"})

    assert (tried.status_code, tried.json()["title"]) == (200, "Tried")
    assert tried.headers["preference-applied"] == "dry-run"
    assert "location" not in tried.headers
    assert (await api("GET", f"/tickets/{tried.json()['id']}")).status_code == 404
    assert (await api("GET", "/tickets?count=exact&limit=1")).json()["page"]["totalCount"] == before
    done = await api("POST", "/tickets", json=given, headers={"idempotency-key": "tried"})
    assert done.status_code == 201, "what was only tried has used no key"


async def test_many_at_once_are_answered_one_by_one(api, twin):
    good = {"customerId": twin.x.ids["Customer"], "title": "One"}
    items = [good, {"customerId": str(uuid4()), "title": "Two"}, {"title": 3, "priority": "P9"}]

    answer = await api("POST", "/tickets/bulk?fields=title", json={"items": items})

    assert answer.status_code == 207
    told = answer.json()
    assert (told["succeeded"], told["failed"]) == (1, 2)
    assert [one["status"] for one in told["results"]] == [201, 404, 422]
    assert told["results"][0]["data"]["title"] == "One"
    faults = {fault["pointer"]: fault for fault in told["results"][2]["problem"]["errors"]}
    assert faults["/priority"]["allowed"] == ["P1", "P2", "P3", "P4"]
    assert {"/title", "/customerId"} < faults.keys()


async def test_what_guards_one_thing_guards_no_many(api, twin):
    ticket = await opened(api, twin)
    items = [{"id": ticket, "title": "First", "version": 9}, {"id": ticket, "title": "Second", "version": 1}]

    guarded = await api("PATCH", "/tickets/bulk", json={"items": items}, headers={"if-match": '"1"'})
    assert (guarded.status_code, guarded.json()["code"]) == (412, "STALE")
    assert (await api("GET", f"/tickets/{ticket}")).json()["version"] == 1
    each = (await api("PATCH", "/tickets/bulk?fields=title", json={"items": items})).json()["results"]
    assert [one["status"] for one in each] == [409, 200]
    assert each[0]["problem"]["errors"][0]["pointer"] == "/version"
    assert each[1]["data"]["title"] == "Second"
    wrong = await api("PATCH", "/tickets/bulk", content=b"{}", headers={"content-type": "text/plain"})
    asked = await api("OPTIONS", "/tickets/bulk")
    assert (wrong.status_code, wrong.headers["accept-patch"]) == (415, "application/json")
    assert asked.headers["accept-patch"] == asked.headers["accept-post"] == "application/json"


async def test_a_long_question_comes_as_a_document(api, twin):
    body = {
        "filter": {"createdAt": {"since": "2026-01-01T00:00:00Z"}},
        "limit": 2,
        "fields": ["title"],
        "count": "exact",
    }
    asked = await api("POST", "/tickets/query", json=body)
    listed = await api("GET", "/tickets?filter[createdAt][gte]=2026-01-01T00:00:00Z&limit=2&fields=title&count=exact")

    assert asked.status_code == 200
    assert asked.json()["data"] == listed.json()["data"]
    assert asked.json()["page"] == listed.json()["page"]
    wrong = await api("POST", "/tickets/query", json={"filter": {"status": ["NONE"]}, "limit": 0})
    assert wrong.status_code == 422
    assert [fault["pointer"] for fault in wrong.json()["errors"]] == ["/filter/status/0", "/limit"]


async def test_a_filter_of_several_parameters_is_one_question(api, twin):
    half = await api("GET", "/contacts?filter[customFields.equals]=x")
    whole = await api("GET", "/contacts?filter[customFields.key]=none&filter[customFields.equals]=x")

    assert half.json()["errors"][0]["param"] == "filter[customFields.key]"
    assert whole.json()["errors"][0]["param"] == "customFields", "whole, and of a field that this tenant has not"


async def test_what_is_not_yours_is_not_there(api, stranger):
    for path in (f"/tickets/{stranger.x.ids['Ticket']}", f"/customers/{stranger.x.ids['Customer']}/tickets"):
        foreign, unknown = await api("GET", path), await api("GET", path.replace(path.split("/")[2], str(uuid4())))
        assert foreign.status_code == unknown.status_code == 404
        told = [{k: v for k, v in one.json().items() if k not in ("instance", "traceId")} for one in (foreign, unknown)]
        assert told[0] == told[1]
    command = await api("POST", f"/tickets/{stranger.x.ids['Ticket']}/actions/close", json={})
    assert (command.status_code, command.json()["code"]) == (404, "NOT_FOUND")


async def test_permissions_are_those_of_the_graph(twin, partner):
    reader = partner(twin.staff(scopes=frozenset({"tickets:read", "users:read"})))

    assert (await reader("GET", "/tickets?limit=1")).status_code == 200
    assert (await reader("GET", "/customers")).status_code == 403
    refused = await reader("POST", "/tickets", json={"customerId": twin.x.ids["Customer"], "title": "No"})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    shown = (await reader("GET", "/users?limit=1")).json()
    assert shown["data"][0]["costRate"] is None
    assert {"pointer": "/data", "field": "costRate", "code": "UNAUTHORIZED_FIELD_OR_TYPE"} in [
        {name: value for name, value in one.items() if name != "detail"} for one in shown["warnings"]
    ]
    expanded = (await reader("GET", "/tickets?limit=1&expand=customer")).json()
    assert {one["code"] for one in expanded["warnings"]} == {"FORBIDDEN"}


async def test_nobody_in_particular_is_asked_who_they_are(platform):
    answer = await platform.clients["router"].get("/api/v1/tickets")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "UNAUTHENTICATED"
    assert (await platform.clients["router"].get("/api/v1/openapi.json")).status_code == 401
    bad = await platform.clients["router"].get("/api/v1/tickets", headers={"x-api-key": "psa_nothing"})
    assert bad.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/nowhere", {}, 404, "ROUTE_NOT_FOUND"),
        ("DELETE", "/tickets", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/tickets/query", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/tickets", {"accept": "text/html"}, 406, "NOT_ACCEPTABLE"),
        ("POST", "/tickets", {"content-type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/tickets", {"content-type": "application/json"}, 400, "MALFORMED_BODY"),
        ("GET", "/tickets?limit=201", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/tickets?colour=red", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/tickets?cursor=!", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/tickets?status=nonsense", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/tickets?filter[status]=NONE", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/tickets?fields=colour", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/tickets?expand=customer.sites.customer.sites", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/tickets?fields=", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/assets?filter[warrantyUntil][gt]=9999-12-31", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/appointments?since=0001-01-01T00:00:00%2B14:00", {}, 400, "INVALID_PARAMETER"),
        ("GET", "/contacts?filter[customFields.equals]=x", {}, 400, "INVALID_PARAMETER"),
        ("GET", f"/tickets?q={'x' * 17_000}", {}, 414, "URI_TOO_LONG"),
        ("GET", "/api/v9/tickets", {}, 404, "ROUTE_NOT_FOUND"),
    ],
)
async def test_what_makes_no_sense_is_a_problem(api, method, path, headers, status, code):
    answer = await api(method, path, headers=headers, content=b"{" if method == "POST" else None)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    problem = answer.json()
    assert problem["status"] == status
    assert len(problem["traceId"]) == 32
    assert problem["instance"] == path.partition("?")[0] if path.startswith("/api") else True
    if status == 405:
        assert "OPTIONS" in answer.headers["allow"]
    explained = await api("GET", problem["type"])
    assert explained.json()["code"] == code


async def test_a_body_that_is_too_large_is_told_in_the_words_of_rest(api):
    answer = await api("POST", "/tickets", headers={"content-type": "application/json"}, content=b" " * 2_000_001)

    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
    assert (await api("GET", answer.json()["type"])).json()["status"] == 413


async def test_the_description_shows_what_its_reader_may_do(twin, partner):
    everything = (await partner(twin.staff())("GET", "/openapi.json")).json()
    reader = (await partner(twin.staff(scopes=frozenset({"tickets:read.own"})))("GET", "/openapi.json")).json()

    assert "post" in everything["paths"]["/tickets"]
    assert "costRate" in everything["components"]["schemas"]["User"]["properties"]
    assert "get" in reader["paths"]["/tickets"]
    assert "post" not in reader["paths"]["/tickets"]
    assert "/customers" not in reader["paths"]
    assert "CreateTicketBody" not in reader["components"]["schemas"]
    assert len(json.dumps(reader)) < len(json.dumps(everything)) / 2


async def test_a_narrow_list_is_shown_as_far_as_it_goes(api, twin):
    """`Ticket.messages` has no pages: it's cut, and says that there is more."""
    path = f"/tickets/{twin.x.ids['Ticket']}/messages"
    answer = (await api("GET", f"{path}?limit=1")).json()

    assert len(answer["data"]) == 1
    assert answer["page"] == {"hasMore": True, "nextCursor": None, "limit": 1}


async def test_head_and_options_come_for_free(api, twin):
    path = f"/tickets/{twin.x.ids['Ticket']}"
    got, head = await api("GET", path), await api("HEAD", path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]
    options = await api("OPTIONS", path)
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")
    assert options.headers["accept-patch"].startswith("application/merge-patch+json")


async def test_the_scopes_in_the_description_are_those_that_are_asked_for(platform, twin, partner):
    """Who holds exactly what a route names gets an answer; who holds everything else is refused."""
    everything = frozenset(PERMISSIONS)
    document = json.loads((await partner(twin.staff())("GET", "/openapi.json")).text)
    keys = {route.path: route.keys.values() for route in LOCK.routes if route.method == "GET"}
    wrong: dict[str, Any] = {}
    for path, item in document["paths"].items():
        if "get" not in item or path in _DEPENDS:
            continue
        scopes = frozenset(item["get"]["x-required-scopes"])
        kind = document["paths"][path]["get"]["x-graphql-field"].split(".")[1]
        identity = twin.x.ids.get(kind[:1].upper() + kind[1:], "none")
        asked = path.replace("{id}", identity)
        needed = necessary(twin, platform.api.query_type.fields[kind], {"id", *keys[path]})
        enough = await partner(twin.staff(scopes=scopes))("GET", asked, params=needed)
        wholes = {scope.partition(".")[0] for scope in scopes}
        without = await partner(twin.staff(scopes=everything - scopes - wholes))("GET", asked, params=needed)
        if enough.status_code == 403 or (scopes and without.status_code != 403):
            wrong[path] = (sorted(scopes), enough.status_code, without.status_code)
    assert wrong == {}


async def opened(api: Any, twin: Any, **more: Any) -> str:
    """A ticket that this test may change."""
    given = {"customerId": twin.x.ids["Customer"], "title": "By REST", **more}
    answer = await api("POST", "/tickets", json=given)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


async def test_a_list_is_sorted_as_it_is_asked(api, twin):
    async def numbers(sort: str) -> list[tuple[str, str]]:
        path, found = f"/tickets?sort={sort}&fields=priority,number&limit=2", []
        while path:
            page = (await api("GET", path)).json()
            found += [(one["priority"], one["number"]) for one in page["data"]]
            path = page["links"]["next"]
        return found

    rising = await numbers("priority,-number")

    assert len(rising) > 2
    assert rising == sorted(sorted(rising, key=lambda one: one[1], reverse=True), key=lambda one: one[0])
    assert await numbers("-priority,number") == rising[::-1]
    wrong = await api("GET", "/tickets?sort=colour")
    assert (wrong.status_code, wrong.json()["errors"][0]["param"]) == (400, "sort")
    assert {"number", "-number", "updatedAt"} <= set(wrong.json()["errors"][0]["allowed"])


async def test_every_address_that_meta_gives_is_there(api):
    told = (await api("GET", "/meta")).json()["data"]
    addresses = {one["resource"]: one["href"] for one in told}
    read = {name: (await api("OPTIONS", href)).headers["allow"] for name, href in addresses.items() if href}

    assert (addresses["tickets"], addresses["audit"]) == ("/api/v1/tickets", None)
    assert [name for name, allow in read.items() if "GET" not in allow] == []


async def test_what_the_description_shows_as_a_body_can_be_sent(api):
    """Its ids are nobody's (404), and what it makes may be there already (409); but what it says makes sense."""
    paths = (await api("GET", "/openapi.json")).json()["paths"]
    refused = []
    for path, item in paths.items():
        if "post" not in item or "{" in path or path.endswith("/query"):
            continue
        body = item["post"].get("requestBody", {"content": {"application/json": {"example": {}}}})
        shown = body["content"]["application/json"]["example"]
        answer = await api("POST", path, json=shown, headers={"prefer": "dry-run"})
        if answer.status_code not in (200, 201, 202, 204, 207, 404, 409):
            refused.append((path, answer.json()["detail"]))
        if answer.status_code == 207:
            faults = [one["problem"] for one in answer.json()["results"] if "problem" in one]
            refused += [(path, one["detail"]) for one in faults if one["status"] not in (404, 409)]

    assert refused == []
