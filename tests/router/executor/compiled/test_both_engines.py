"""The compiled plan and the general executor say the same, whatever the subgraphs say."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import queries
from graphql import DocumentNode, OperationDefinitionNode, parse
from lies import spoiled
from world import World

from router.executor.compiled import typed
from router.executor.compiled.program import Program, program_for
from router.executor.direct import Done, Parcel, Told
from router.executor.execute import Result, Written, begin, execute
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.spending import SpendingLimits
from router.executor.transport import Answer, GraphQLTransport
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

OPERATIONS = 5
GENEROUS = SpendingLimits()


@dataclass
class Answers:
    """The subgraphs of a world; whoever asks the same gets the same, lies included."""

    world: World
    lies: bool = False
    asked: list[bytes] = field(default_factory=list)

    async def exchange(self, _method: str, url: str, *, body: Any, **_rest: Any) -> Answer:
        self.asked.append(body)
        graph, request = url.removeprefix("http:").removeprefix("test:"), json.loads(body)
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


class ShortWay:
    """The short way to the subgraphs of a world: every answer comes in the next turn."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def start(self, parcel: Parcel, _deadline: float, done: Done) -> asyncio.Task[None]:
        async def carry() -> None:
            done(await self._answers.exchange("POST", parcel.url, body=parcel.body))

        return asyncio.get_running_loop().create_task(carry())


class Engines:
    """One world, answered either way."""

    def __init__(
        self, world: World, *, lies: bool = False, batch: int = 3, spending: SpendingLimits = GENEROUS
    ) -> None:
        self.world = world
        self.answers = Answers(world, lies)
        self._supergraph = Supergraph.parse(world.supergraph_sdl())
        self.schema = api_schema(self._supergraph)
        self._planner = Planner(self._supergraph)
        urls = {name: f"test:{endpoint.graph.lower()}" for name, endpoint in self._supergraph.subgraphs.items()}
        types = RuntimeTypes.of(self._supergraph)
        self._services = Services(
            urls, types, GraphQLTransport(self.answers), max_representations=batch, spending=spending
        )

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

    async def directly(self, document: DocumentNode, *, bare: bool = False) -> tuple[Result, list[bytes]] | None:
        """Answer without a task, if that can be; also tell what was asked. If it's `bare`, it may be read into records."""
        definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        operation = Operation.of(self.schema, document, definition, self._planner.plan(document))
        urls = {name: f"http:{url}" for name, url in self._services.urls.items()}
        way: Any = ShortWay(self.answers)
        services = replace(self._services, urls=urls, direct=lambda _service: way)
        told = Told(b"", b"", dict)
        call = Call(queries.VALUES, lambda _: {}, lambda _: None, told=lambda _: told)
        answer: asyncio.Future[Result | Exception] = asyncio.get_running_loop().create_future()
        self.answers.asked = []
        if begin(operation, services, call, queries.EFFECTIVE, Masking(), answer.set_result, bare=bare) is None:
            return None
        result = await answer
        assert isinstance(result, Result)
        sent, self.answers.asked = sorted(self.answers.asked), []
        return result, sent

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


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are read into records from the first time on."""
    monkeypatch.setattr(typed, "FREQUENT", 0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("first", range(5000, 5060, 10))
async def test_without_a_task_the_answer_is_the_same_in_no_more_requests(first: int) -> None:
    answered = read_into_records = 0
    for seed in range(first, first + 5):
        engines = Engines(World(seed), batch=100)
        for document in engines.documents():
            direct = await engines.directly(document)
            if direct is None:
                continue
            _, general, _, _ = await engines.both(document)

            bare = await engines.directly(document, bare=True)
            assert bare is not None
            assert comparable(direct[0]) == comparable(bare[0]) == comparable(general)
            assert bare[1] == direct[1]
            answered += 1
            read_into_records += isinstance(bare[0], Written)

    assert answered >= 8
    assert read_into_records >= 3


@pytest.mark.parametrize("limits", [SpendingLimits(fetches=0), SpendingLimits(answer_bytes=1)])
async def test_without_a_task_one_fetch_or_several_are_held_to_the_same_limits(limits: SpendingLimits) -> None:
    refused = {True: 0, False: 0}
    for seed in range(5000, 5012):
        engines = Engines(World(seed), batch=100, spending=limits)
        for document in engines.documents():
            direct = await engines.directly(document)
            if direct is None:
                continue
            _, general, program, _ = await engines.both(document)

            assert comparable(direct[0]) == comparable(general)
            assert program is not None
            refused[program.is_single] += bool(direct[0].errors)

    assert min(refused.values()) > 0


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("first", range(6000, 6060, 10))
async def test_without_a_task_lies_do_the_same_harm_and_nothing_is_asked_twice(first: int) -> None:
    compared = 0
    for seed in range(first, first + 5):
        engines = Engines(World(seed), lies=True, batch=100)
        for document in engines.documents():
            direct = await engines.directly(document)
            bare = await engines.directly(document, bare=True)
            _, general, _, _ = await engines.both(document)
            if direct is None or bare is None or any(b"_e0" in body for body in direct[1]):
                continue  # what was asked together was lied about together

            assert comparable(direct[0]) == comparable(bare[0]) == comparable(general)
            assert len(direct[1]) == len(set(direct[1]))
            assert bare[1] == direct[1]
            compared += 1

    assert compared >= 5


@pytest.mark.parametrize("first", range(6000, 6060, 10))
async def test_where_subgraphs_lie_they_say_the_same_and_nothing_is_asked_twice(first: int) -> None:
    for seed in range(first, first + 10):
        engines = Engines(World(seed), lies=True)
        for document in engines.documents():
            fast, general, _, more = await engines.both(document)

            assert comparable(fast) == comparable(general)
            assert more == 0
