"""`@defer` as a client meets it over HTTP: who gets parts, how they are written, and what ends them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from small_graph import Subgraph
from starlette.datastructures import Headers

from router.server.incremental import DRAFT, OLDER, accepted

APOLLO_3 = "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9"
APOLLO_4 = "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)
QUERY = '{ customer(id: "123") { name ... @defer(label: "later") { tickets { title } assets { name } } } }'
WHOLE = {"customer": {"name": "ACME", "tickets": [{"title": "Printer"}], "assets": [{"name": "srv-1"}]}}
LATER = {"tickets": [{"title": "Printer"}], "assets": [{"name": "srv-1"}]}


def accepting(value: str) -> Headers:
    return Headers({"accept": value})


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (APOLLO_3, OLDER),
        (APOLLO_4, DRAFT),
        (URQL, OLDER),
        ("multipart/mixed", OLDER),
        ('multipart/mixed; boundary="-"; deferSpec=20220824, application/json', OLDER),
        ('Multipart/Mixed;boundary="a,b;c";INCREMENTALSPEC="v0.2"', DRAFT),
        ("multipart/mixed;deferSpec=20220824;q=0.5, multipart/mixed;incrementalSpec=v0.2", DRAFT),
        ("multipart/mixed;deferSpec=20220824, multipart/mixed;incrementalSpec=v0.2", OLDER),
        ("multipart/mixed;deferSpec=20220824;q=0", None),
        ("multipart/mixed;deferSpec=20991231", None),
        ("multipart/mixed;subscriptionSpec=1.0", None),
        ("*/*", None),
        ("application/json", None),
        ("", None),
    ],
)
def test_a_client_gets_the_protocol_that_it_says_it_can_read(accept: str, expected: Any) -> None:
    assert accepted(accepting(accept)) is expected


def read(response: Any) -> list[dict[str, Any]]:
    """The parts of an answer, as strictly as the media type says."""
    assert response.status_code == 200
    opening, *parts, closing = response.content.split(b"\r\n---")
    assert (opening, closing) == (b"", b"--\r\n")
    heads, bodies = zip(*(part.split(b"\r\n\r\n") for part in parts), strict=True)
    assert set(heads) == {b"\r\ncontent-type: application/json"}
    return [json.loads(body) for body in bodies]


async def post(platform: Any, query: str, accept: str | None = None, **more: Any) -> Any:
    headers = {"accept": accept} if accept else {}
    return await platform.client.post(
        "/graphql", json={"query": query, **more.pop("body", {})}, headers={**headers, **more}
    )


async def test_the_parts_of_apollos_protocol(platform: Any) -> None:
    async with platform() as running:
        response = await post(running, QUERY, APOLLO_3)

        assert response.headers["content-type"] == 'multipart/mixed;boundary="-";deferSpec=20220824'
        assert read(response) == [
            {"data": {"customer": {"name": "ACME"}}, "hasNext": True},
            {"incremental": [{"data": LATER, "path": ["customer"], "label": "later"}], "hasNext": False},
        ]


async def test_the_parts_of_the_specifications_draft(platform: Any) -> None:
    async with platform() as running:
        response = await post(running, QUERY, APOLLO_4)

        assert response.headers["content-type"] == 'multipart/mixed;boundary="-";incrementalSpec=v0.2'
        assert read(response) == [
            {
                "data": {"customer": {"name": "ACME"}},
                "pending": [{"id": "0", "path": ["customer"], "label": "later"}],
                "hasNext": True,
            },
            {"incremental": [{"id": "0", "data": LATER}], "completed": [{"id": "0"}], "hasNext": False},
        ]


async def test_what_a_fragment_repeats_comes_twice_in_one_protocol_and_once_in_the_other(platform: Any) -> None:
    query = '{ customer(id: "123") { name assets { name } ... @defer { name assets { type } } } }'
    async with platform() as running:
        older = read(await post(running, query, APOLLO_3))
        draft = read(await post(running, query, APOLLO_4))

        assert older[1]["incremental"] == [
            {"data": {"name": "ACME", "assets": [{"type": "SERVER"}]}, "path": ["customer"]}
        ]
        assert draft[1]["incremental"] == [{"id": "0", "subPath": ["assets", 0], "data": {"type": "SERVER"}}]


@pytest.mark.parametrize("accept", [None, "application/json", "*/*", "multipart/mixed;subscriptionSpec=1.0, */*"])
async def test_a_client_that_can_read_no_parts_is_answered_as_if_nothing_were_deferred(
    platform: Any, accept: str | None
) -> None:
    async with platform() as running:
        response = await post(running, QUERY, accept)

        assert response.headers["content-type"].startswith("application/json")
        assert response.json() == {"data": WHOLE}
        assert len(running.modules["crm"].requests) == 1


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('{ customer(id: "123") { name } }', {}),
        ('query ($later: Boolean!) { customer(id: "123") { ... @defer(if: $later) { name } } }', {"later": False}),
        ('{ customer(id: "123") { ... @defer(if: false) { name } } }', {}),
    ],
)
async def test_an_answer_in_which_nothing_is_deferred_has_no_parts(
    platform: Any, query: str, variables: dict[str, Any]
) -> None:
    async with platform() as running:
        response = await post(running, query, APOLLO_3, body={"variables": variables})

        assert response.headers["content-type"].startswith("application/graphql-response+json")
        assert response.json() == {"data": {"customer": {"name": "ACME"}}}


@pytest.mark.parametrize("variables", [{"later": True}, {}])
async def test_a_variable_decides_whether_a_fragment_is_deferred(platform: Any, variables: dict[str, Any]) -> None:
    query = 'query ($later: Boolean = true) { customer(id: "123") { name ... @defer(if: $later) { assets { name } } } }'
    async with platform() as running:
        assert len(read(await post(running, query, APOLLO_3, body={"variables": variables}))) == 2


async def test_below_an_object_that_is_null_there_is_nothing_to_come(platform: Any) -> None:
    async with platform() as running:
        response = await post(running, QUERY.replace("123", "9"), APOLLO_4)

        assert read(response) == [{"data": {"customer": None}, "hasNext": False}]


async def test_a_service_that_is_down_fails_in_the_part_that_needs_it(platform: Any) -> None:
    async with platform() as running:
        del running.running["assets"]
        first, later = read(await post(running, QUERY, APOLLO_3))

        assert first == {"data": {"customer": {"name": "ACME"}}, "hasNext": True}
        (piece,) = later["incremental"]
        assert piece["data"] == {**LATER, "assets": None}
        assert [(error["path"], error["extensions"]["code"]) for error in piece["errors"]] == [
            (["customer", "assets"], "UPSTREAM_UNAVAILABLE")
        ]


async def test_clients_see_the_directive_unless_it_is_switched_off(platform: Any) -> None:
    asked = "{ __schema { directives { name locations args { name defaultValue } } } }"
    async with platform() as running:
        directives = (await running.ask(asked))["data"]["__schema"]["directives"]

        assert {
            "name": "defer",
            "locations": ["FRAGMENT_SPREAD", "INLINE_FRAGMENT"],
            "args": [{"name": "if", "defaultValue": "true"}, {"name": "label", "defaultValue": None}],
        } in directives
    async with platform(defer_support=False) as running:
        directives = (await running.ask(asked))["data"]["__schema"]["directives"]
        refused = await running.ask(QUERY)

        assert "defer" not in {directive["name"] for directive in directives}
        assert refused["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert refused["errors"][0]["message"].startswith("Unknown directive '@defer'.")


@pytest.mark.parametrize(
    "query",
    [
        'mutation { ... @defer { rename(name: "x") { name } } }',
        '{ customer(id: "123") { ... @defer(label: "a") { name } ... @defer(label: "a") { id } } }',
        'query ($l: String) { customer(id: "123") { ... @defer(label: $l) { name } } }',
        '{ customer(id: "123") @defer { name } }',
    ],
)
async def test_a_directive_where_it_may_not_stand_is_refused(platform: Any, query: str) -> None:
    async with platform() as running:
        response = await post(running, query, APOLLO_3)

        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert running.modules["crm"].requests == []


async def test_what_is_deferred_in_a_mutations_answer_comes_later(platform: Any) -> None:
    query = 'mutation { rename(name: "New") { name ... @defer { tickets { title } } } }'
    async with platform() as running:
        assert read(await post(running, query, APOLLO_3)) == [
            {"data": {"rename": {"name": "New"}}, "hasNext": True},
            {"incremental": [{"data": {"tickets": [{"title": "Printer"}]}, "path": ["rename"]}], "hasNext": False},
        ]


async def test_the_plan_is_shown_with_its_parts_in_the_first_one(platform: Any) -> None:
    async with platform() as running:
        first, later = read(await post(running, QUERY, APOLLO_3, **{"apollo-expose-query-plan": "true"}))
        plan = first["extensions"]["apolloQueryPlan"]

        assert plan["object"]["node"]["kind"] == "Defer"
        assert plan["object"]["node"]["deferred"][0]["label"] == "later"
        assert 'Deferred(depends: [0], path: "customer", label: "later")' in plan["text"]
        assert "extensions" not in later


@pytest.mark.parametrize("accept", [APOLLO_3, APOLLO_4])
async def test_the_trace_in_the_last_part_has_the_fetches_of_all_parts(platform: Any, accept: str) -> None:
    async with platform() as running:
        first, *between, last = read(await post(running, QUERY, accept, **{"psa-expose-trace": "true"}))

        assert [one["service"] for one in first["extensions"]["trace"]["fetches"]] == ["crm"]
        assert between == []
        told = last["extensions"]["trace"]["fetches"]
        assert sorted((one["service"], one["outcome"]) for one in told) == [
            ("assets", "OK"),
            ("crm", "OK"),
            ("tickets", "OK"),
        ]
        assert list(last["extensions"]) == ["trace"]


async def test_what_is_at_hand_in_the_router_itself_can_be_deferred_too(platform: Any) -> None:
    query = "{ __typename ... @defer { __schema { queryType { ... @defer { name } } } } }"
    async with platform() as running:
        assert read(await post(running, query, APOLLO_3)) == [
            {"data": {"__typename": "Query"}, "hasNext": True},
            {"incremental": [{"data": {"__schema": {"queryType": {"name": "Query"}}}, "path": []}], "hasNext": False},
        ]


async def test_each_part_comes_when_it_is_ready(platform: Any, served: Any) -> None:
    query = (
        '{ ... @defer(label: "slow") { sleeps(seconds: 0.2) } ... @defer(label: "quick") { fast: sleeps(seconds: 0) }'
        ' customer(id: "123") { name } }'
    )
    async with platform() as running:
        _first, *later = read(await post(running, query, APOLLO_3))

        assert [part["incremental"][0]["label"] for part in later] == ["quick", "slow"]


async def test_a_part_can_be_read_before_the_next_one_is_there(platform: Any, served: Any) -> None:
    query = '{ customer(id: "123") { name } ... @defer { sleeps(seconds: 0.3) } }'
    async with platform() as running, served(running.app) as url, httpx2.AsyncClient(timeout=60) as client:
        request = client.build_request("POST", f"{url}/graphql", json={"query": query}, headers={"accept": APOLLO_3})
        response = await client.send(request, stream=True)
        beginning = b""
        async for chunk in chunks(response):
            beginning += chunk
            if beginning.count(b"\r\n---") == 2:
                break

        assert beginning.endswith(b'"hasNext":true}\r\n---')
        await response.aclose()


async def chunks(response: Any) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_raw():
        yield chunk


async def test_when_the_time_is_over_what_was_announced_comes_as_failed(platform: Any) -> None:
    query = '{ customer(id: "123") { name } ... @defer(label: "slow") { sleeps(seconds: 30) } }'
    async with platform(request_timeout_seconds=2) as running:
        first, last = read(await post(running, query, APOLLO_4))

        assert first["data"] == {"customer": {"name": "ACME"}}
        assert last == {
            "completed": [
                {
                    "id": "0",
                    "errors": [
                        {
                            "message": "Your request has been timed out.",
                            "path": [],
                            "extensions": {"code": "GATEWAY_TIMEOUT"},
                        }
                    ],
                }
            ],
            "hasNext": False,
        }


async def test_when_the_primary_part_is_late_the_answer_is_refused_like_any_other(platform: Any) -> None:
    query = '{ sleeps(seconds: 5) ... @defer { customer(id: "123") { name } } }'
    async with platform(request_timeout_seconds=0.3) as running:
        response = await post(running, query, APOLLO_3)

        assert response.status_code == 504
        assert response.json()["errors"][0]["extensions"]["code"] == "GATEWAY_TIMEOUT"


async def test_when_the_client_leaves_what_is_still_fetched_for_it_ends(platform: Any, served: Any) -> None:
    query = '{ customer(id: "123") { name } ... @defer { sleeps(seconds: 3600) } }'
    async with platform() as running:
        crm, asleep, ended = running.running["crm"], asyncio.Event(), asyncio.Event()

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            # The fetch for the later part may begin when the first part has been read by the client, who must not
            # leave before: what never began can't be seen to end.
            message = await receive()
            waits, unread = b"sleeps" in message["body"], [message]

            async def given() -> Any:
                if waits:
                    asleep.set()
                return unread.pop() if unread else await receive()

            try:
                await crm(scope, given, send)
            except asyncio.CancelledError:
                assert waits, "the first part was complete"
                ended.set()
                raise

        running.running["crm"] = watched
        async with served(running.app) as url, httpx2.AsyncClient(timeout=None) as client:
            asked = {"json": {"query": query}, "headers": {"accept": APOLLO_3}}
            async with client.stream("POST", f"{url}/graphql", **asked) as response:
                beginning = b""
                async for chunk in response.aiter_raw():
                    beginning += chunk
                    if b'"hasNext":true' in beginning:
                        break
                await asleep.wait()
            await ended.wait()


async def test_a_batch_is_answered_without_parts(platform: Any) -> None:
    async with platform(batching={"enabled": True, "mode": "batch_http_link"}) as running:
        response = await running.client.post("/graphql", json=[{"query": QUERY}], headers={"accept": APOLLO_3})

        assert response.json() == [{"data": WHOLE}]


async def test_what_an_operation_did_cost_is_counted_when_its_last_part_is_there(platform: Any) -> None:
    costs = {"enabled": True, "strategy": {"static_estimated": {"max": 1000, "actual_cost_mode": "by_response_shape"}}}
    async with platform(demand_control=costs) as running:
        read(await post(running, QUERY, APOLLO_3))
        counted = (await running.client.get("/metrics")).text

        # The customer, one ticket, one asset.
        assert [line.split()[-1] for line in counted.splitlines() if re.match("cost_actual.*_sum", line)] == ["3.0"]


async def test_what_the_caller_may_not_see_is_null_in_the_part_in_which_it_was_asked_for(small: Any) -> None:
    crm = Subgraph(
        """
        type Query { customers: [Customer!]! }
        type Customer @key(fields: "id") { id: ID! name: String phone: String @authenticated vat: String! @authenticated }
        """,
        {"customers": [{"id": "1", "name": "A"}, {"id": "2", "name": "B"}]},
        {"Customer:1": {"name": "A", "phone": "110"}, "Customer:2": {"name": "B", "phone": "112"}},
    )
    query = """{ customers { id
      ... @defer(label: "null") { name phone }
      ... on Customer @defer(label: "none") { name vat }
    } }"""
    async with small({"crm": crm}, authorization={"require_authentication": False}) as psa:
        first, *later = read(await psa.post(query, headers={"accept": APOLLO_3}))
        pieces = {(one["label"], one["path"][1]): one for part in later for one in part["incremental"]}

        assert first == {"data": {"customers": [{"id": "1"}, {"id": "2"}]}, "hasNext": True}
        assert {key: one["data"] for key, one in pieces.items()} == {
            ("null", 0): {"name": "A", "phone": None},
            ("null", 1): {"name": "B", "phone": None},
            ("none", 0): None,
            ("none", 1): None,
        }
        errors = [error for one in pieces.values() for error in one.get("errors", ())]
        assert {error["extensions"]["code"] for error in errors} == {"UNAUTHORIZED_FIELD_OR_TYPE"}
        assert {tuple(error["path"]) for error in errors} >= {("customers", "@", "phone"), ("customers", "@", "vat")}
        assert not any("phone" in asked or "vat" in asked for asked in crm.asked)
