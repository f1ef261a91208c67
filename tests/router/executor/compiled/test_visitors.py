"""What the fast path must not let pass although its type allows it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from graphql import OperationDefinitionNode, parse

from router.composition import compose
from router.executor.compiled.program import program_for
from router.executor.execute import Result, execute
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import Answer, GraphQLTransport
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

SDL = {"a": "scalar JSON type Query { free: JSON }", "b": "type Query { other: Int }"}


async def answered(said: bytes) -> tuple[Result, int]:
    """Ask for both fields while `a` says this; also tell how often the fast path gave up."""
    composed = compose.supergraph([compose.SubgraphSource(name, f"test:{name}", sdl) for name, sdl in SDL.items()])
    assert isinstance(composed, compose.Composed)
    supergraph = Supergraph.parse(composed.supergraph_sdl)

    class Wire:
        async def exchange(self, _method: str, url: str, **_rest: Any) -> Answer:
            return Answer(200, b'{"data":{"free":' + said + b"}}" if url == "test:a" else b'{"data":{"other":7}}')

    document = parse("{ free other }")
    definition = document.definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    operation = Operation.of(api_schema(supergraph), document, definition, Planner(supergraph).plan(document))
    urls = {name: f"test:{name}" for name in SDL}
    services = Services(urls, RuntimeTypes.of(supergraph), GraphQLTransport(Wire()))
    result = await execute(operation, services, Call({}, lambda _: {}, lambda _: None), {}, Masking())
    program = program_for(operation, services.types, {})
    assert program is not None
    return result, program.unfit


@pytest.mark.parametrize(("levels", "gave_up"), [(40, 0), (100, 1)])
async def test_json_of_any_reasonable_depth_passes(levels: int, gave_up: int) -> None:
    result, unfit = await answered(b"[" * levels + b"]" * levels)

    assert result.errors == []
    assert orjson.dumps(result.data) == b'{"free":' + b"[" * levels + b"]" * levels + b',"other":7}'
    assert unfit == gave_up


async def test_json_that_is_too_deep_to_be_written_costs_its_own_field() -> None:
    result, _ = await answered(b"[" * 400 + b"]" * 400)

    assert orjson.dumps(result.data) == b'{"free":null,"other":7}'
    assert [error["extensions"]["code"] for error in result.errors] == ["UPSTREAM_MALFORMED"]
