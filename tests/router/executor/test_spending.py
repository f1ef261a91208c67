"""What one operation may cost: a subgraph that makes it too much loses its own fields, and no other's."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from router.executor.spending import Demand, SpendingLimits
from router.executor.transport import GraphQLTransport, HttpExchange, Malformed, SubgraphRequest
from router.planner.query_plan import (
    Condition,
    Fetch,
    Flatten,
    Parallel,
    QueryPlan,
    RequiresField,
    RequiresFragment,
    Sequence,
)

KEY = (RequiresFragment("Customer", (RequiresField("__typename"), RequiresField("id"))),)


def entities(service: str, selection: str, *path: str) -> Flatten:
    operation = f"query($representations: [_Any!]!) {{ _entities(representations: $representations) {selection} }}"
    return Flatten(path, Fetch(service, operation, requires=KEY))


PLAN = Sequence(
    (
        Fetch("crm", "{ customers { __typename id name } }"),
        Parallel(
            (
                entities("tickets", "{ ... on Customer { tickets { id } } }", "customers", "@"),
                entities("assets", "{ ... on Customer { assets { __typename id } } }", "customers", "@"),
            )
        ),
    )
)
QUERY = "{ customers { name tickets { id } assets { id } } }"


def customers(count: int) -> dict[str, Any]:
    return {"data": {"customers": [{"__typename": "Customer", "id": str(n), "name": f"C{n}"} for n in range(count)]}}


def tickets(request: dict[str, Any], size: int = 1) -> Any:
    return {"data": {"_entities": [{"tickets": [{"id": "t" * size}]} for _ in request["variables"]["representations"]]}}


def assets(request: dict[str, Any]) -> Any:
    return {
        "data": {
            "_entities": [
                {"assets": [{"__typename": "Server", "id": "a"}]} for _ in request["variables"]["representations"]
            ]
        }
    }


def codes(result: Any) -> list[tuple[str, str]]:
    return [(error["extensions"]["service"], error["extensions"]["code"]) for error in result.errors]


def test_the_demand_of_a_plan_is_all_that_it_may_fetch() -> None:
    assert Demand.of(QueryPlan(Condition("x", PLAN, Fetch("crm", "{ customers { id } }")))) == Demand(4, 3)
    assert Demand.of(QueryPlan(None)) == Demand(0, 0)


async def test_entities_beyond_the_requests_of_an_operation_are_not_asked_for(graph: Any) -> None:
    graph.serves("crm", customers(6))
    asked = graph.serves("tickets", tickets)
    graph.serves("assets", assets)
    graph.max_representations, graph.spending = 2, SpendingLimits(fetches=6)

    result = await graph.run(QUERY, PLAN)

    assert [record.outcome for record in graph.records].count("OK") == 6
    assert {code for _, code in codes(result)} == {"FETCH_LIMIT_EXCEEDED"}
    assert result.data["customers"][0] == {"name": "C0", "tickets": [{"id": "t"}], "assets": [{"id": "a"}]}
    assert result.data["customers"][5]["name"] == "C5"
    assert len(asked.asked) == 3


async def test_a_list_that_is_too_long_takes_no_request_from_the_other_fetches_of_the_plan(graph: Any) -> None:
    graph.serves("crm", customers(100))
    graph.serves("tickets", tickets)
    graph.serves("assets", assets)
    graph.max_representations, graph.spending = 1, SpendingLimits(fetches=10)
    plan = Sequence(
        (*PLAN.nodes[:1], PLAN.nodes[1].nodes[0], Fetch("tickets", '{ ticket(id: "1") { title } }'))  # type: ignore[union-attr]
    )
    answer = {"data": {"ticket": {"title": "Printer"}}}
    graph.serves("tickets", lambda request: tickets(request) if "_entities" in request["query"] else answer)

    result = await graph.run('{ customers { tickets { id } } ticket(id: "1") { title } }', plan)

    assert result.data["ticket"] == {"title": "Printer"}
    assert [customer["tickets"] is not None for customer in result.data["customers"]] == [True] * 8 + [False] * 92
    assert codes(result) == [("tickets", "FETCH_LIMIT_EXCEEDED")]


async def test_a_plan_of_more_fetches_than_allowed_stops_there(graph: Any) -> None:
    graph.serves("crm", customers(1))
    graph.serves("tickets", tickets)
    graph.serves("assets", assets)
    graph.spending = SpendingLimits(fetches=2)

    result = await graph.run(QUERY, PLAN)

    assert result.data == {"customers": [{"name": "C0", "tickets": [{"id": "t"}], "assets": None}]}
    assert codes(result) == [("assets", "FETCH_LIMIT_EXCEEDED")]


async def test_who_answers_too_much_loses_its_own_fields(graph: Any) -> None:
    graph.serves("crm", customers(3))
    graph.serves("tickets", lambda request: tickets(request, 5_000))
    graph.serves("assets", assets)
    graph.spending = SpendingLimits(answer_bytes=10_000)

    result = await graph.run(QUERY, PLAN)

    assert result.data == {"customers": [{"name": f"C{n}", "tickets": None, "assets": [{"id": "a"}]} for n in range(3)]}
    assert codes(result) == [("tickets", "RESPONSE_SIZE_LIMIT_EXCEEDED")]
    assert len(json.dumps(result.data)) < 10_000


async def test_a_body_of_a_gigabyte_is_refused_while_it_comes() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        try:
            while sent < 1_000_000_000:
                writer.write(b" " * 100_000)
                sent += 100_000
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/graphql"
    exchange = HttpExchange(max_answer_bytes=1_000_000)
    async with listening:
        with pytest.raises(Malformed, match="larger than 1000000 bytes"):
            deadline = asyncio.get_running_loop().time() + 15
            await GraphQLTransport(exchange).send(SubgraphRequest("crm", url, b"{}"), deadline)
        await exchange.close()

    assert sent < 50_000_000
