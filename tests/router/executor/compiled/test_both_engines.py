"""The compiled plan and the general executor say the same, whatever the subgraphs say."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
import queries
from graphql import DocumentNode, OperationDefinitionNode, parse
from lies import spoiled
from world import World

from router.executor.compiled.program import Program, program_for
from router.executor.execute import Result, execute
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import Answer, GraphQLTransport
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

OPERATIONS = 5


@dataclass
class Answers:
    """The subgraphs of a world; whoever asks the same gets the same, lies included."""

    world: World
    lies: bool = False
    asked: list[bytes] = field(default_factory=list)

    async def exchange(self, _method: str, url: str, *, body: Any, **_rest: Any) -> Answer:
        self.asked.append(body)
        graph, request = url.removeprefix("test:"), json.loads(body)
        try:
            answer: Any = {"data": self.world.ask(graph, parse(request["query"]), request["variables"])}
        except AssertionError:  # asked for what a lie told
            return Answer(500, b"")
        if self.lies:
            roll = random.Random(f"{self.world.seed} {graph} {body!r}")
            if roll.random() < 0.6:
                answer = spoiled(answer, roll)
            if roll.random() < 0.05 and isinstance(answer, dict):
                answer["errors"] = [{"message": "No.", "path": ["_entities", 0]}]
        return Answer(200, json.dumps(answer).encode())


class Engines:
    """One world, answered either way."""

    def __init__(self, world: World, *, lies: bool = False, batch: int = 3) -> None:
        self.world = world
        self.answers = Answers(world, lies)
        self._supergraph = Supergraph.parse(world.supergraph_sdl())
        self.schema = api_schema(self._supergraph)
        self._planner = Planner(self._supergraph)
        urls = {name: f"test:{endpoint.graph.lower()}" for name, endpoint in self._supergraph.subgraphs.items()}
        types = RuntimeTypes.of(self._supergraph)
        self._services = Services(urls, types, GraphQLTransport(self.answers), max_representations=batch)

    def documents(self) -> list[DocumentNode]:
        return [queries.operation(self.schema, self.world.seed * OPERATIONS + number) for number in range(OPERATIONS)]

    async def both(self, document: DocumentNode) -> tuple[Result, Result, Program | None, int]:
        """Answer with the compiled plan and without; also tell how many requests the compiled way sent more than needed."""
        definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        operation = Operation.of(self.schema, document, definition, self._planner.plan(document))
        program = program_for(operation, self._services.types, queries.EFFECTIVE)
        compiled = await self._run(operation)
        sent, self.answers.asked = sorted(self.answers.asked), []
        operation.programs[operation.projection.switched(queries.EFFECTIVE)] = None
        general = await self._run(operation)
        more, self.answers.asked = len(sent) - len(self.answers.asked), []
        return compiled, general, program, more

    async def _run(self, operation: Operation) -> Result:
        call = Call(queries.VALUES, lambda _service: {}, lambda _record: None)
        return await execute(operation, self._services, call, queries.EFFECTIVE, Masking())


def comparable(result: Result) -> tuple[str, list[str]]:
    """The answer letter by letter, the order of fields included; errors in any order."""
    return json.dumps(result.data), sorted(json.dumps(error, sort_keys=True) for error in result.errors)


@pytest.mark.parametrize("first", range(5000, 5060, 10))
async def test_where_all_is_well_they_say_the_same_and_the_fast_one_is_used(first: int) -> None:
    compiled = 0
    for seed in range(first, first + 10):
        engines = Engines(World(seed))
        for document in engines.documents():
            fast, general, program, more = await engines.both(document)

            assert comparable(fast) == comparable(general)
            assert more == 0
            compiled += program is not None and program.unfit == 0

    assert compiled >= 20


@pytest.mark.parametrize("first", range(6000, 6060, 10))
async def test_where_subgraphs_lie_they_say_the_same_and_nothing_is_asked_twice(first: int) -> None:
    for seed in range(first, first + 10):
        engines = Engines(World(seed), lies=True)
        for document in engines.documents():
            fast, general, _, more = await engines.both(document)

            assert comparable(fast) == comparable(general)
            assert more == 0
