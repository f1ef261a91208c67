"""Who comes often is answered by records; they take nothing that the schema does not allow, and give way where they are too strict."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from graphql import OperationDefinitionNode, parse

from router.composition import compose
from router.executor.compiled.program import Program, program_for
from router.executor.compiled.typed import FREQUENT
from router.executor.direct import Done, Parcel, Told
from router.executor.execute import Result, Written, begin
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import Answer, ByScheme, GraphQLTransport
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

SDL = """
enum Mood { GOOD BAD }
scalar Free
type Query { one: Thing all: [[Thing]] }
type Thing { id: ID! whole: Int part: Float class: String mood: Mood! free: Free below: Thing }
"""
ASKED = "{ one { again: __typename class mood id whole part free below { id } } }"
GIVEN = '{"id":"1","whole":2,"part":1,"class":"x","mood":"GOOD","free":"f","below":{"id":"2"}}'
IN_ORDER = b'{"data":{"one":{"again":"Thing","class":"x","mood":"GOOD","id":"1","whole":2,"part":1,"free":"f","below":{"id":"2"}}}}'


class Shop:
    """One subgraph that says what it's told to, asked the same again and again."""

    def __init__(self, asked: str = ASKED) -> None:
        composed = compose.supergraph([compose.SubgraphSource("a", "http://a", SDL)])
        assert isinstance(composed, compose.Composed)
        supergraph = Supergraph.parse(composed.supergraph_sdl)
        document = parse(asked)
        definition = document.definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        plan = Planner(supergraph).plan(document)
        self.operation = Operation.of(api_schema(supergraph), document, definition, plan)
        way: Any = self
        nobody: Any = None
        self.services = Services(
            {"a": "http://a"},
            RuntimeTypes.of(supergraph),
            GraphQLTransport(ByScheme(nobody, nobody, nobody)),
            direct=lambda _service: way,
        )
        self.says = b""

    def start(self, _parcel: Parcel, _deadline: float, done: Done) -> asyncio.Handle:
        return asyncio.get_running_loop().call_soon(done, Answer(200, self.says))

    @property
    def program(self) -> Program:
        program = program_for(self.operation, self.services.types, {})
        assert program is not None
        return program

    async def answer(self, says: str) -> Result:
        self.says = says.encode()
        answer: asyncio.Future[Result | Exception] = asyncio.get_running_loop().create_future()
        told = Told(b"", b"", dict)
        call = Call({}, lambda _: {}, lambda _: None, told=lambda _: told)
        begun = begin(self.operation, self.services, call, {}, Masking(), answer.set_result, bare=True)
        assert begun is not None
        result = await answer
        assert isinstance(result, Result)
        return result

    async def often(self, says: str) -> None:
        for _ in range(FREQUENT):
            assert not isinstance(await self.answer(says), Written)


async def test_whoever_comes_often_gets_the_same_in_the_same_order_without_a_dictionary() -> None:
    shop = Shop()
    await shop.often('{"data":{"one":' + GIVEN + "}}")

    result = await shop.answer('{"extensions":{"a":1},"data":{"one":' + GIVEN + '},"errors":[]}')

    assert isinstance(result, Written)
    assert result.written == IN_ORDER
    assert result.data == orjson.loads(IN_ORDER)["data"]


@pytest.mark.parametrize(
    ("was", "instead", "then"),
    [
        ('"id":"1"', '"id":1', b'"id":"1"'),
        ('"id":"1"', '"id":null', None),
        ('"id":"1",', "", None),
        ('"whole":2', '"whole":2.0', b'"whole":2'),
        ('"whole":2', '"whole":2147483648', b'"whole":null'),
        ('"whole":2', '"whole":true', b'"whole":null'),
        ('"part":1', '"part":"1"', b'"part":null'),
        ('"class":"x"', '"class":1', b'"class":null'),
        ('"mood":"GOOD"', '"mood":"UGLY"', None),
        ('"free":"f"', '"free":{"a":[1]}', b'"free":{"a":[1]}'),
        ('"below":{"id":"2"}', '"below":[{"id":"2"}]', b'"below":null'),
    ],
)
async def test_what_is_of_another_type_is_judged_by_the_general_executor(
    was: str, instead: str, then: bytes | None
) -> None:
    shop = Shop()
    await shop.often('{"data":{"one":' + GIVEN + "}}")

    result = await shop.answer('{"data":{"one":' + GIVEN.replace(was, instead) + "}}")

    assert not isinstance(result, Written)
    expected = b'{"data":{"one":null}}' if then is None else IN_ORDER.replace(was.encode(), then)
    assert orjson.dumps({"data": result.data}) == expected
    assert await shop.answer('{"data":{"one":' + GIVEN + "}}") == Written(IN_ORDER)


async def test_nothing_that_was_not_asked_for_gets_through() -> None:
    shop = Shop("{ one { id below { id } } }")
    plain = '{"data":{"one":{"id":"1","below":{"id":"2"}}}}'
    await shop.often(plain)

    result = await shop.answer('{"data":{"one":{"id":"1","more":"m","below":{"id":"2"}}}}')

    assert not isinstance(result, Written)
    assert orjson.dumps({"data": result.data}) == plain.encode()


async def test_lists_of_lists_may_have_nulls_where_the_schema_lets_them() -> None:
    shop = Shop("{ all { id } }")
    said = '{"data":{"all":[[{"id":"1"},null],null,[]]}}'
    await shop.often(said)

    result = await shop.answer(said)

    assert isinstance(result, Written)
    assert result.written == said.encode()


async def test_where_records_are_too_strict_for_half_of_the_answers_nobody_tries_any_more() -> None:
    shop = Shop("{ one { id } }")
    await shop.often('{"data":{"one":{"id":1}}}')
    tried = shop.program.typed_now()
    assert tried is not None

    for _ in range(20):
        assert (await shop.answer('{"data":{"one":{"id":1}}}')).data == {"one": {"id": "1"}}

    assert (tried.ran, tried.unfit) == (8, 8)
    assert shop.program.typed_now() is None
    assert shop.program.unfit == 0
