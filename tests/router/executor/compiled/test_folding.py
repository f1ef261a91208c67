"""What stands in an answer several times is read once and written once, and the answer is what it would have been."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, graphql_sync, parse
from hypothesis import given
from hypothesis import strategies as st

from router.composition import compose
from router.executor.compiled import folding
from router.executor.compiled.folding import Folds, Tally
from router.executor.compiled.program import LEARNS, Program, program_for
from router.executor.compiled.typed import FREQUENT
from router.executor.direct import Done, Parcel, Told
from router.executor.execute import Result, Written, begin, execute
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import Answer, GraphQLTransport
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

STAYS = """
type Query { stays: [Stay] }
type Stay { guest: Guest host: Guest! }
type Guest @key(fields: "id") { id: ID! note: String friend: Guest home: Place }
type Place @key(fields: "id") { id: ID! note: String }
"""
NAMES = """
type Guest @key(fields: "id") { id: ID! name: String }
type Place @key(fields: "id") { id: ID! town: String! }
"""
ASKED = """{ stays {
  guest { note name friend { name id note home { town note } friend { name home { town } } } }
  host { name friend { id name } }
} }"""
_FEDERATION = "scalar _Any directive @key(fields: String!) on OBJECT "


class Inn:
    """Two subgraphs; one says where who is staying, the other what they are called."""

    def __init__(self) -> None:
        sources = [compose.SubgraphSource("stays", "http://stays", STAYS)]
        sources.append(compose.SubgraphSource("names", "http://names", NAMES))
        composed = compose.supergraph(sources)
        assert isinstance(composed, compose.Composed)
        supergraph = Supergraph.parse(composed.supergraph_sdl)
        document = parse(ASKED)
        definition = document.definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        self.operation = Operation.of(api_schema(supergraph), document, definition, Planner(supergraph).plan(document))
        way: Any = self
        urls = {"stays": "http://stays", "names": "http://names"}
        self.types = RuntimeTypes.of(supergraph)
        self.services = Services(urls, self.types, GraphQLTransport(way), direct=lambda _service: way)
        self.schemas = {
            "http://stays": build_schema(_FEDERATION + STAYS),
            "http://names": _of_entities(NAMES),
        }
        self.stays: list[Any] = []
        self.known: dict[tuple[str, bytes], bytes] = {}
        self.instead: tuple[bytes, bytes] = b"", b""
        """What is said wrongly, once."""

    def houses(self, stays: list[Any]) -> None:
        """Say from now on that these are staying."""
        self.stays, self.known = stays, {}

    def _answer(self, url: str, body: bytes) -> bytes:
        if (url, body) not in self.known:
            self.known[url, body] = self._found(url, body)
        said = self.known[url, body]
        return said.replace(*self.instead, 1) if self.instead[0] else said

    def _found(self, url: str, body: bytes) -> bytes:
        asked = orjson.loads(body)
        entities = lambda _info, representations: [_entity(each) for each in representations]  # noqa: E731 - a resolver
        root = {"stays": self.stays, "_entities": entities}
        found = graphql_sync(self.schemas[url], asked["query"], root, variable_values=asked["variables"])
        assert not found.errors
        return orjson.dumps({"data": found.data})

    async def exchange(self, _method: str, url: str, *, body: bytes, **_rest: Any) -> Answer:
        return Answer(200, self._answer(url, body))

    def start(self, parcel: Parcel, _deadline: float, done: Done) -> asyncio.Handle:
        return asyncio.get_running_loop().call_soon(done, Answer(200, self._answer(parcel.url, parcel.body)))

    @property
    def program(self) -> Program:
        program = program_for(self.operation, self.types, {})
        assert program is not None
        return program

    @property
    def folds(self) -> Folds:
        assert self.program.typed is not None
        return self.program.typed.folds

    async def directly(self) -> Result:
        answer: asyncio.Future[Result | Exception] = asyncio.get_running_loop().create_future()
        told = Told(b"", b"", dict)
        call = Call({}, lambda _: {}, lambda _: None, told=lambda _: told)
        assert begin(self.operation, self.services, call, {}, Masking(), answer.set_result, bare=True) is not None
        result = await answer
        assert isinstance(result, Result)
        return result

    async def generally(self) -> Result:
        switched = self.operation.projection.switched({})
        compiled, self.operation.programs[switched] = self.operation.programs[switched], None
        result = await execute(self.operation, self.services, Call({}, lambda _: {}, lambda _: None), {}, Masking())
        self.operation.programs[switched] = compiled
        return result

    async def folded(self) -> None:
        """Have so much said so often that everything is folded."""
        self.houses([{"guest": ANNA, "host": ANNA}] * folding.ENOUGH)
        for _ in range(FREQUENT + LEARNS + 1):
            await self.directly()


def _of_entities(sdl: str) -> GraphQLSchema:
    more = "union _Entity = Guest | Place type Query { _entities(representations: [_Any!]!): [_Entity]! }"
    return build_schema(_FEDERATION + sdl + more)


def _entity(representation: Any) -> Any:
    said = f"{representation['id']} by name"
    return {**representation, "name": said, "town": said}


HOME = {"id": "1", "note": "by the sea"}
OTTO: dict[str, Any] = {
    "id": "otto",
    "note": "late",
    "home": HOME,
    "friend": {"id": "anna", "home": None, "friend": None},
}
ANNA: dict[str, Any] = {"id": "anna", "note": "early", "home": None, "friend": OTTO}

_notes = st.sampled_from([None, "", "x", "x" * folding.TOLD])
_places = st.none() | st.fixed_dictionaries({"id": st.sampled_from("12"), "note": _notes})


def _guests(friends: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(["anna", "otto"])
    return st.fixed_dictionaries({"id": keys, "note": _notes, "home": _places, "friend": friends})


_guest = _guests(st.none() | _guests(st.none() | _guests(st.none())))


@pytest.fixture(scope="module")
def folded() -> Inn:
    inn = Inn()
    asyncio.run(inn.folded())
    return inn


@given(pool=st.lists(_guest, min_size=1, max_size=4), picks=st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3))))
def test_whatever_repeats_the_answer_is_what_the_general_executor_says(
    folded: Inn, pool: list[Any], picks: list[tuple[int, int]]
) -> None:
    guests = [(pool[guest % len(pool)] if guest >= 0 else None, pool[host % len(pool)]) for guest, host in picks]
    folded.houses([{"guest": guest, "host": host} for guest, host in guests])
    asyncio.run(_same(folded))


async def _same(inn: Inn) -> None:
    readings = inn.program.typed
    assert readings is not None
    assert readings.folds.places

    fast, general = await inn.directly(), await inn.generally()
    inn.program.typed = readings  # whatever was learned of this one

    assert orjson.dumps(fast.data) == orjson.dumps(general.data)
    assert fast.errors == general.errors
    assert isinstance(fast, Written)


@pytest.mark.parametrize("wrong", [b"7", b'{"id":"anna"}', b"[]", b'"x"'])
async def test_what_is_wrong_in_a_text_is_judged_by_the_general_executor(wrong: bytes) -> None:
    inn = Inn()
    await inn.folded()
    inn.houses([{"guest": ANNA, "host": ANNA}, {"guest": {**ANNA, "friend": None}, "host": ANNA}])
    right = await inn.directly()
    inn.instead = b'"friend":null', b'"friend":' + wrong

    fast, general = await inn.directly(), await inn.generally()

    assert isinstance(right, Written)
    assert not isinstance(fast, Written)
    assert orjson.dumps([fast.data, fast.errors]) == orjson.dumps([general.data, general.errors])


async def test_what_repeats_is_folded_and_what_does_so_no_longer_is_not() -> None:
    inn = Inn()
    inn.houses([{"guest": {**ANNA, "id": str(number)}, "host": OTTO} for number in range(folding.ENOUGH)])
    for _ in range(FREQUENT + LEARNS + 1):
        await inn.directly()
    different, distinct = inn.folds.places, inn.stays
    await inn.folded()
    alike = inn.folds.places
    inn.houses(distinct)
    for _ in range(2 * LEARNS):
        await inn.directly()

    assert different < alike
    assert inn.folds.places == different
    assert inn.folds.unfolded == alike - different


def test_it_is_decided_by_how_often_each_stood_and_only_once_enough_have_been_seen() -> None:
    folds = Folds()
    few, often, rarely = folds.tally(1), folds.tally(2), folds.tally(3)
    few.seen, few.distinct = folding.ENOUGH - 1, 1
    often.seen, often.distinct = folding.ENOUGH, folding.ENOUGH // 2
    rarely.seen, rarely.distinct = folding.ENOUGH, folding.ENOUGH // 2 + 1

    better = folds.better()

    assert better == Folds(frozenset({2}))
    assert (few, often, rarely) == (Tally(folding.ENOUGH - 1, 1), Tally(), Tally())
    assert folds.better() is None
