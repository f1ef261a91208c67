"""Several operations in one request: a list in, a list out in the same order."""

from __future__ import annotations

from typing import Any

ON = {"batching": {"enabled": True}}


def codes(body: Any) -> list[str]:
    return [error["extensions"]["code"] for error in body["errors"]]


async def test_a_batch_is_answered_in_order_and_each_member_for_itself(platform: Any) -> None:
    batch = [
        {"query": '{ customer(id: "123") { name } }'},
        {"query": "{ nothing }"},
        {"query": "query A { __typename } query B { b: __typename }", "operationName": "B"},
        {"query": "query($i: ID!) { customer(id: $i) { id } }", "variables": {"i": "9"}},
        7,
    ]
    async with platform(**ON) as psa:
        response = await psa.client.post("/graphql", json=batch)

    answers = response.json()
    assert response.status_code == 200
    assert answers[0] == {"data": {"customer": {"name": "ACME"}}}
    assert codes(answers[1]) == ["GRAPHQL_VALIDATION_FAILED"]
    assert answers[2:4] == [{"data": {"b": "Query"}}, {"data": {"customer": None}}]
    assert codes(answers[4]) == ["BAD_REQUEST"]


async def test_each_member_meets_the_limits(platform: Any) -> None:
    batch = [{"query": "{ a: __typename }"}, {"query": "{ a: __typename b: __typename }"}]
    async with platform(**ON, limits={"aliases": 1}) as psa:
        answers = (await psa.client.post("/graphql", json=batch)).json()

    assert answers[0] == {"data": {"a": "Query"}}
    assert codes(answers[1]) == ["MAX_ALIASES_LIMIT"]


async def test_a_list_that_is_too_long_is_422_and_nothing_of_it_runs(platform: Any) -> None:
    async with platform(batching={"enabled": True, "maximum_size": 2}) as psa:
        response = await psa.client.post("/graphql", json=[{"query": "{ fails }"}] * 3)
        asked = list(psa.modules["crm"].requests)

    assert (response.status_code, codes(response.json())) == (422, ["BATCH_LIMIT_EXCEEDED"])
    assert asked == []


async def test_an_empty_list_is_no_request(platform: Any) -> None:
    async with platform(**ON) as psa:
        response = await psa.client.post("/graphql", json=[])

    assert (response.status_code, codes(response.json())) == (400, ["BAD_REQUEST"])


async def test_mutations_of_a_batch_run_one_after_the_other(platform: Any) -> None:
    batch = [{"query": f'mutation {{ rename(name: "{name}") {{ name }} }}'} for name in "abc"]
    async with platform(**ON) as psa:
        answers = (await psa.client.post("/graphql", json=batch)).json()

    assert [one["data"]["rename"]["name"] for one in answers] == ["a", "b", "c"]


async def test_a_member_with_deferred_parts_is_answered_whole(platform: Any) -> None:
    batch = [{"query": '{ customer(id: "123") { name ... @defer { tickets { id } } } }'}, {"query": "{ __typename }"}]
    headers = {"accept": "multipart/mixed;deferSpec=20220824, application/json"}
    async with platform(**ON) as psa:
        response = await psa.client.post("/graphql", json=batch, headers=headers)

    assert response.headers["content-type"].startswith("application/json")
    assert response.json() == [
        {"data": {"customer": {"name": "ACME", "tickets": [{"id": "t1"}]}}},
        {"data": {"__typename": "Query"}},
    ]
