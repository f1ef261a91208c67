"""The law for answers in parts: put together, in either protocol, they are the monolith's answer; and nothing is lost when services fail."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import delivered
import orjson
import pytest
import queries
from graphql import DocumentNode, OperationDefinitionNode
from world import World

from router.executor.deferred import Deferred, Payload, deferring
from router.executor.fetch import Call
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.federation.api_schema import api_schema
from router.planner.planner import PlanLimits
from router.planner.query_plan import Condition, Defer, Fetch, Flatten, Parallel, PlanNode, Sequence
from router.server.incremental import DRAFT, OLDER
from tests.router.executor.test_law import OPERATIONS, Federated, Lie, only_nulled, spoiled

Parts = list[dict[str, Any]]


class Deferring(Federated):
    """One world whose answers come in parts."""

    def __init__(self, world: World, lie: Lie | None = None) -> None:
        super().__init__(world, lie)
        # However busy the machine is: what these operations are made of, nobody would write.
        self.planner.limits = PlanLimits(timeout_seconds=60)

    def operation(self, document: DocumentNode) -> Operation:
        """Plan what may come later."""
        definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        return Operation.of(self.schema, document, definition, self.planner.plan(document, deferring=True))

    async def parts(self, operation: Operation) -> tuple[Parts, Parts]:
        """Answer, and write each part in both protocols."""
        older: Parts = []
        draft: Parts = []

        def emit(payload: Payload) -> None:
            older.append(orjson.loads(orjson.dumps(OLDER.write(payload, {}))))
            draft.append(orjson.loads(orjson.dumps(DRAFT.write(payload, {}))))

        call = Call(queries.VALUES, lambda _service: {}, lambda _record: None)
        run = Deferred(operation, self.services, call, queries.EFFECTIVE, Masking(), emit)
        await run.run(asyncio.get_running_loop().time() + 30)
        return older, draft

    def deferred_operations(self) -> list[Operation]:
        """Some operations over this world in which something is deferred."""
        schema = api_schema(self.supergraph, with_defer=True)
        documents = [
            queries.operation(schema, self.world.seed * OPERATIONS + number, deferring=0.2)
            for number in range(OPERATIONS)
        ]
        made = [self.operation(document) for document in documents]
        return [operation for operation in made if deferring(operation, queries.EFFECTIVE)]


def fetches(node: PlanNode | None) -> int:
    """How many requests a part makes at most, without those of the parts in it."""
    match node:
        case Fetch():
            return 1
        case Flatten(node=inner) | Defer(primary=inner):
            return fetches(inner)
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            return sum(map(fetches, nodes))
        case Condition(if_clause=first, else_clause=second):
            return fetches(first) + fetches(second)
        case _:
            return 0


def stages(node: PlanNode | None) -> int:
    """How many requests of a part follow each other."""
    match node:
        case Fetch():
            return 1
        case Flatten(node=inner) | Defer(primary=inner):
            return stages(inner)
        case Sequence(nodes=nodes):
            return sum(map(stages, nodes))
        case Parallel(nodes=nodes):
            return max(map(stages, nodes))
        case Condition(if_clause=first, else_clause=second):
            return max(stages(first), stages(second))
        case _:
            return 0


def test_what_comes_later_costs_the_primary_part_nothing() -> None:
    """It has no more fetches than the same operation without all that is deferred, and no more stages."""
    for seed in range(5000, 5010):
        federated = Deferring(World(seed))
        for operation in federated.deferred_operations():
            node = deferring(operation, queries.EFFECTIVE)
            alone = federated.planner.plan(queries.without_later(operation.document)).node

            assert node is not None
            assert fetches(node) <= fetches(alone)
            assert stages(node) <= stages(alone)


@pytest.mark.parametrize("first", range(5000, 5020, 5))
async def test_the_parts_put_together_are_the_monoliths_answer(first: int) -> None:
    for seed in range(first, first + 5):
        federated = Deferring(World(seed))
        for operation in federated.deferred_operations():
            older, draft = await federated.parts(operation)

            expected = federated.world.answer(queries.at_once(operation.document), queries.VALUES)
            assert delivered.older(older) == (expected, [])
            assert delivered.draft(draft) == (expected, [])


@pytest.mark.parametrize("seed", range(6000, 6008))
async def test_a_subgraph_that_is_down_takes_no_part_with_it_that_others_could_answer(seed: int) -> None:
    world = World(seed, graphs=4)
    down = world.graphs[seed % 4]
    federated = Deferring(world, lambda graph, answer: b"" if graph == down else json.dumps(answer).encode())
    for operation in federated.deferred_operations():
        older, draft = await federated.parts(operation)

        expected = world.answer(queries.at_once(operation.document), queries.VALUES)
        data, errors = delivered.draft(draft)
        assert only_nulled_or_missing(data, expected)
        assert {error["extensions"].get("service") for error in errors} <= {down}
        assert errors or data == expected
        assert delivered.older(older)[0] == data


@pytest.mark.parametrize("first", range(7000, 7010, 5))
async def test_subgraphs_that_lie_break_no_protocol(first: int) -> None:
    for seed in range(first, first + 5):
        roll = random.Random(seed)

        def lie(_graph: str, answer: Any, roll: random.Random = roll) -> bytes:
            return b"{}" if roll.random() < 0.05 else json.dumps(spoiled(answer, roll)).encode()

        federated = Deferring(World(seed), lie)
        for operation in federated.deferred_operations():
            older, draft = await federated.parts(operation)

            assert delivered.older(older)[0] == delivered.draft(draft)[0]


def only_nulled_or_missing(got: Any, expected: Any) -> bool:
    """Tell whether `got` is `expected` with some parts replaced by null, or not there at all."""
    if isinstance(got, dict) and isinstance(expected, dict):
        return all(key in expected and only_nulled_or_missing(got[key], expected[key]) for key in got)
    if isinstance(got, list) and isinstance(expected, list):
        return len(got) == len(expected) and all(map(only_nulled_or_missing, got, expected))
    return only_nulled(got, expected)
