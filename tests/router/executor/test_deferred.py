"""Answers in parts, one at a time: nulls, errors, order, and what is never delivered."""

from __future__ import annotations

import asyncio
from typing import Any

from graphql import OperationDefinitionNode, parse

from router.executor.deferred import Deferred, Payload
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import GraphQLTransport, InProcessExchange
from router.planner.planner import Planner


async def parts(graph: Any, query: str) -> list[dict[str, Any]]:
    """Plan, run, and say of each payload what a client would read of it."""
    document = parse(query)
    definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    plan = Planner(graph.supergraph).plan(document, deferring=True)
    operation = Operation.of(graph.schema, document, definition, plan)
    urls = {endpoint.name: endpoint.url for endpoint in graph.supergraph.subgraphs.values()}
    transport = GraphQLTransport(InProcessExchange(graph.apps, max_answer_bytes=graph.max_answer_bytes))
    found: list[dict[str, Any]] = []

    def emit(payload: Payload) -> None:
        said: dict[str, Any] = {"next": payload.has_next}
        if not payload.pieces:
            said |= {"data": _copy(payload.data), "errors": _codes(payload.errors)}
        for piece in payload.pieces:
            key = (piece.announced.label or "", *piece.announced.path)
            said[".".join(map(str, key))] = (_copy(piece.data), _codes(piece.errors))
        found.append(said)

    call = Call({}, lambda _service: {}, graph.records.append)
    run = Deferred(operation, Services(urls, graph.types, transport), call, {}, Masking(), emit)
    await run.run(asyncio.get_running_loop().time() + 10)
    return found


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy(value) for key, value in data.items()}
    return [_copy(item) for item in data] if isinstance(data, list) else data


def _codes(errors: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(".".join(map(str, error.get("path", ()))), error["extensions"]["code"]) for error in errors]


def customers(*names: str | None) -> dict[str, Any]:
    found = [{"__typename": "Customer", "id": str(number), "name": name} for number, name in enumerate(names)]
    return {"data": {"customers": found}}


async def test_a_null_that_may_not_be_takes_its_part_and_nothing_of_what_was_delivered(graph: Any) -> None:
    graph.serves("crm", customers("a", "b"))
    graph.serves("tickets", {"data": {"_entities": [{"ticketCount": 3}, {"ticketCount": None}]}})

    assert await parts(graph, '{ customers { name ... @defer(label: "n") { ticketCount } } }') == [
        {"next": True, "data": {"customers": [{"name": "a"}, {"name": "b"}]}, "errors": []},
        {
            "next": False,
            "n.customers.0": ({"ticketCount": 3}, []),
            "n.customers.1": (None, [("customers.1.ticketCount", "INVALID_RESPONSE_VALUE")]),
        },
    ]


async def test_below_what_a_null_took_from_the_primary_part_nothing_is_delivered(graph: Any) -> None:
    """`name` may not be null, nor may the list's elements, nor the list."""
    graph.serves("crm", customers("a", None))
    asked = graph.serves("tickets", {"data": {"_entities": [{"ticketCount": 3}, {"ticketCount": 4}]}})

    assert await parts(graph, "{ customers { name ... @defer { ticketCount } } }") == [
        {"next": False, "data": None, "errors": [("customers.1.name", "INVALID_RESPONSE_VALUE")]}
    ]
    assert len(asked.asked) <= 1


async def test_an_error_comes_with_the_part_that_it_is_about_though_it_was_known_before(graph: Any) -> None:
    """The value type's fields come along with the primary part's fetch."""
    graph.serves("tickets", {"data": {"ticket": {"__typename": "Ticket", "id": "1", "title": "x"}}})
    graph.serves(
        "crm",
        {
            "data": {"renameCustomer": {"customer": None, "query": {"customers": []}}},
            "errors": [{"message": "no", "path": ["renameCustomer", "customer"]}],
        },
    )

    assert await parts(
        graph,
        'mutation { renameCustomer(id: "1", name: "x") '
        '{ query { customers { name } } ... @defer(label: "c") { customer { name } } } }',
    ) == [
        {"next": True, "data": {"renameCustomer": {"query": {"customers": []}}}, "errors": []},
        {
            "next": False,
            "c.renameCustomer": ({"customer": None}, [("renameCustomer.customer", "DOWNSTREAM_SERVICE_ERROR")]),
        },
    ]


async def test_a_part_is_never_delivered_before_the_one_that_it_stands_in(graph: Any) -> None:
    """Its fetches are done at once, those of the outer part when the test says so."""
    inner_is_done = asyncio.Event()

    async def slowly(_request: Any) -> dict[str, Any]:
        await inner_is_done.wait()
        return {"data": {"_entities": [{"assets": []}]}}

    def at_once(_request: Any) -> dict[str, Any]:
        asyncio.get_running_loop().call_later(0.02, inner_is_done.set)
        return {"data": {"_entities": [{"ticketCount": 1}]}}

    graph.serves("crm", customers("a"))
    graph.serves("assets", slowly)
    graph.serves("tickets", at_once)

    found = await parts(
        graph,
        '{ customers { name ... @defer(label: "outer") { assets { name } ... @defer(label: "inner") { ticketCount } } } }',
    )

    assert found[1:] == [
        {"next": True, "outer.customers.0": ({"assets": []}, [])},
        {"next": False, "inner.customers.0": ({"ticketCount": 1}, [])},
    ]


async def test_what_is_ready_first_is_delivered_first(graph: Any) -> None:
    tickets_are_there = asyncio.Event()

    async def slowly(_request: Any) -> dict[str, Any]:
        await tickets_are_there.wait()
        return {"data": {"_entities": [{"assets": None}]}}

    def at_once(_request: Any) -> dict[str, Any]:
        asyncio.get_running_loop().call_later(0.02, tickets_are_there.set)
        return {"data": {"_entities": [{"ticketCount": 1}]}}

    graph.serves("crm", customers("a"))
    graph.serves("assets", slowly)
    graph.serves("tickets", at_once)

    found = await parts(
        graph,
        '{ customers { name ... @defer(label: "1") { assets { name } } ... @defer(label: "2") { ticketCount } } }',
    )

    assert [list(part) for part in found[1:]] == [["next", "2.customers.0"], ["next", "1.customers.0"]]


async def test_an_object_of_another_type_has_nothing_to_come(graph: Any) -> None:
    servers = [
        {"__typename": "Server", "id": "1", "name": "s"},
        {"__typename": "Laptop", "id": "2", "name": "l"},
    ]
    graph.serves("crm", customers("a"))
    graph.serves(
        "assets",
        lambda request: {"data": {"_entities": [{"cpus": 4}] if "cpus" in request["query"] else [{"assets": servers}]}},
    )

    found = await parts(graph, "{ customers { assets { name ... on Server @defer { cpus } } } }")

    assert found == [
        {"next": True, "data": {"customers": [{"assets": [{"name": "s"}, {"name": "l"}]}]}, "errors": []},
        {"next": False, ".customers.0.assets.0": ({"cpus": 4}, [])},
    ]


async def test_what_the_primary_part_lost_is_not_asked_for_in_a_later_one(graph: Any) -> None:
    graph.serves("crm", b"not json")
    asked = graph.serves("tickets", {"data": {"_entities": []}})

    found = await parts(graph, '{ customer(id: "1") { name ... @defer { ticketCount } } }')

    assert found == [{"next": False, "data": {"customer": None}, "errors": [("customer", "UPSTREAM_MALFORMED")]}]
    assert asked.asked == []
