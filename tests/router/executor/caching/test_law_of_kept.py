"""The law with what is kept: random worlds answer as the monolith does, cold, warm, and when only a part is still there.

Both ways of executing a plan go by here: the compiled one, and the general one for whatever doesn't compile.
"""

from __future__ import annotations

import random

import pytest
import queries
from graphql import DocumentNode
from world import World

from router.executor.caching.cache_control import Wish
from router.executor.caching.cached import Asker, Cached, Kept, Rule
from router.executor.caching.declared import Declared
from router.executor.caching.memory_store import MemoryStore
from router.executor.compiled import program
from router.executor.execute import Result, execute
from router.executor.fetch import Call, FetchRecord
from router.executor.operation import Operation
from router.executor.redaction import Masking
from tests.router.executor.test_law import Federated


class Keeping(Federated):
    """A world behind the router's executor, where answers are kept."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.store = MemoryStore(10_000_000)
        self.fetched: list[FetchRecord] = []
        self.kept = Kept(self.store, Declared.of(self.supergraph), lambda _: Rule(ttl=60), lambda *_: None)

    async def answer(self, document: DocumentNode) -> Result:
        """Plan and execute, past what is kept."""
        definition = next(node for node in document.definitions if hasattr(node, "operation"))
        operation = Operation.of(self.schema, document, definition, self.planner.plan(document))  # type: ignore[arg-type]
        cached = Cached(self.kept, lambda _: Asker({}), Wish())
        call = Call(queries.VALUES, lambda _: {}, self.fetched.append, cache=cached)
        return await execute(operation, self.services, call, queries.EFFECTIVE, Masking())

    async def lose_some(self, roll: random.Random) -> None:
        """Drop some entries, as if others had needed the room."""
        for key in list(self.store._kept):
            if roll.random() < 0.5:
                self.store._drop(key)


@pytest.mark.parametrize("compiles", [True, False])
@pytest.mark.parametrize("first", range(4000, 4020, 5))
async def test_what_is_kept_changes_no_answer(
    first: int,
    compiles: bool,  # noqa: FBT001 - a case
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not compiles:
        monkeypatch.setattr(program, "compiled", lambda *_: None)
    for seed in range(first, first + 5):
        world, roll = Keeping(World(seed)), random.Random(seed)
        for document in world.operations():
            expected = world.world.answer(document, queries.VALUES)
            assert await world.answer(document) == Result(expected, [])
            assert await world.answer(document) == Result(expected, [])
            await world.lose_some(roll)
            assert await world.answer(document) == Result(expected, [])
