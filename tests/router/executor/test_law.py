"""The law with the real executor: random worlds, cut into subgraphs that answer over ASGI; the answer is the monolith's.

And the other half of it: when subgraphs lie, only their own fields suffer, and nothing ever breaks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import queries
from graphql import DocumentNode, OperationDefinitionNode, parse
from lies import spoiled
from world import World

from router.executor.execute import Result, execute
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.together import Together
from router.executor.transport import GraphQLTransport, InProcessExchange
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

OPERATIONS = 5
Lie = Callable[[str, Any], bytes]


class Federated:
    """One world behind the router's own executor."""

    def __init__(self, world: World, lie: Lie | None = None) -> None:
        self.world = world
        self.supergraph = Supergraph.parse(world.supergraph_sdl())
        self.schema = api_schema(self.supergraph)
        self.planner = Planner(self.supergraph)
        apps = {graph: self._app(graph, lie) for graph in world.graphs}
        urls = {name: f"inprocess://{endpoint.graph.lower()}" for name, endpoint in self.supergraph.subgraphs.items()}
        transport = Together(GraphQLTransport(InProcessExchange(apps, max_answer_bytes=10_000_000)), 1000)
        self.services = Services(urls, RuntimeTypes.of(self.supergraph), transport, max_representations=3)

    def _app(self, graph: str, lie: Lie | None) -> Any:
        async def app(_scope: Any, receive: Any, send: Any) -> None:
            request = json.loads((await receive())["body"])
            answer = {"data": self.world.ask(graph, parse(request["query"]), request["variables"])}
            body = lie(graph, answer) if lie else json.dumps(answer).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})

        return app

    async def answer(self, document: DocumentNode) -> Result:
        """Plan and execute."""
        definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        operation = Operation.of(self.schema, document, definition, self.planner.plan(document))
        call = Call(queries.VALUES, lambda _service: {}, lambda _record: None)
        return await execute(operation, self.services, call, queries.EFFECTIVE, Masking())

    def operations(self) -> list[DocumentNode]:
        """Some operations over this world."""
        return [queries.operation(self.schema, self.world.seed * OPERATIONS + number) for number in range(OPERATIONS)]


@pytest.mark.parametrize("first", range(1000, 1050, 5))
async def test_the_federated_answer_is_the_monoliths_answer(first: int) -> None:
    for seed in range(first, first + 5):
        federated = Federated(World(seed))
        for document in federated.operations():
            result = await federated.answer(document)

            assert result.errors == []
            assert result.data == federated.world.answer(document, queries.VALUES)


@pytest.mark.parametrize("first", range(2000, 2030, 5))
async def test_subgraphs_that_lie_break_nothing_and_every_null_of_theirs_has_a_reason(first: int) -> None:
    for seed in range(first, first + 5):
        roll = random.Random(seed)

        def lie(_graph: str, answer: Any, roll: random.Random = roll) -> bytes:
            if roll.random() < 0.05:
                return roll.choice([b"", b"null", b"[1]", b"{}", b"\xff\xfe", b'{"data": []}', b'{"errors": 1}'])
            return json.dumps(spoiled(answer, roll)).encode()

        federated = Federated(World(seed), lie)
        for document in federated.operations():
            result = await federated.answer(document)

            assert result.data is not None or result.errors
            assert all(error["extensions"]["code"] for error in result.errors)
            json.dumps(result.data)


@pytest.mark.parametrize("seed", range(3000, 3015))
async def test_a_subgraph_that_is_down_takes_nothing_with_it_that_others_could_answer(seed: int) -> None:
    """Without it, every field has the monolith's value or is null; and each null that is not the monolith's is explained."""
    world = World(seed, graphs=4)
    down = world.graphs[seed % 4]
    federated = Federated(world, lambda graph, answer: b"" if graph == down else json.dumps(answer).encode())
    for document in federated.operations():
        result = await federated.answer(document)
        expected = world.answer(document, queries.VALUES)

        assert only_nulled(result.data, expected)
        if result.data != expected:
            assert {error["extensions"].get("service") for error in result.errors} == {down}
            assert {error["extensions"]["code"] for error in result.errors} == {"UPSTREAM_MALFORMED"}


def only_nulled(got: Any, expected: Any) -> bool:
    """Tell whether `got` is `expected` with some parts replaced by null."""
    if got is None or got == expected:
        return True
    if isinstance(got, dict) and isinstance(expected, dict):
        return list(got) == list(expected) and all(only_nulled(got[key], expected[key]) for key in got)
    if isinstance(got, list) and isinstance(expected, list):
        return len(got) == len(expected) and all(map(only_nulled, got, expected))
    return False
