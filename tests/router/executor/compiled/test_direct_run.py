"""What can travel together does: a fetch for which nobody waits goes with the last one to its service."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from graphql import OperationDefinitionNode, parse

from router.composition import compose
from router.executor.direct import Done, Parcel, Told
from router.executor.execute import Result, begin
from router.executor.fetch import Call, Services
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.transport import Answer, ByScheme, GraphQLTransport
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])\n'
SDL = {
    "shop": LINK + 'type Query { near: Thing far: Box } type Thing @key(fields: "id") { id: ID! }'
    ' type Box @key(fields: "id") { id: ID! }',
    "boxes": LINK + 'type Box @key(fields: "id") { id: ID! thing: Thing } type Thing @key(fields: "id") { id: ID! }',
    "names": LINK + 'type Thing @key(fields: "id") { id: ID! name: String }',
}


class Wire:
    """Says what each service says; nobody answers before the next turn."""

    def __init__(self, said: dict[str, list[bytes]]) -> None:
        self.said = said
        self.asked: list[tuple[str, Any]] = []

    def start(self, parcel: Parcel, _deadline: float, done: Done) -> asyncio.Handle:
        service = parcel.url.removeprefix("http://")
        self.asked.append((service, orjson.loads(parcel.body)["variables"].get("representations")))
        return asyncio.get_running_loop().call_soon(done, Answer(200, self.said[service].pop(0)))


async def answered(wire: Wire) -> Result:
    """Ask for a thing that is near and one that is far."""
    composed = compose.supergraph([compose.SubgraphSource(name, f"http://{name}", sdl) for name, sdl in SDL.items()])
    assert isinstance(composed, compose.Composed)
    supergraph = Supergraph.parse(composed.supergraph_sdl)
    document = parse("{ near { name } far { thing { name } } }")
    definition = document.definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    plan = Planner(supergraph).plan(document)
    operation = Operation.of(api_schema(supergraph), document, definition, plan)
    way: Any = wire
    nobody: Any = None
    transport = GraphQLTransport(ByScheme(nobody, nobody, nobody))
    urls = {name: f"http://{name}" for name in SDL}
    services = Services(urls, RuntimeTypes.of(supergraph), transport, direct=lambda _service: way)
    answer: asyncio.Future[Result | Exception] = asyncio.get_running_loop().create_future()
    call = Call({}, lambda _: {}, lambda _: None, told=lambda _: Told(b"", b"", dict))
    assert begin(operation, services, call, {}, Masking(), answer.set_result) is not None
    result = await answer
    assert isinstance(result, Result)
    return result


SHOP = b'{"data":{"near":{"__typename":"Thing","id":"1"},"far":{"__typename":"Box","id":"b"}}}'


async def test_for_whom_nobody_waits_goes_with_the_last_one() -> None:
    names = b'{"data":{"_entities":[{"name":"one"},{"name":"two"}]}}'
    boxes = b'{"data":{"_entities":[{"thing":{"__typename":"Thing","id":"2"}}]}}'
    wire = Wire({"shop": [SHOP], "boxes": [boxes], "names": [names]})

    result = await answered(wire)

    assert result == Result({"near": {"name": "one"}, "far": {"thing": {"name": "two"}}}, [])
    assert wire.asked == [
        ("shop", None),
        ("boxes", [{"__typename": "Box", "id": "b"}]),
        ("names", [{"__typename": "Thing", "id": "1"}, {"__typename": "Thing", "id": "2"}]),
    ]


async def test_whoever_waited_for_one_that_has_nothing_to_ask_goes_alone() -> None:
    wire = Wire(
        {
            "shop": [SHOP],
            "boxes": [b'{"data":{"_entities":[{"thing":null}]}}'],
            "names": [b'{"data":{"_entities":[{"name":"one"}]}}'],
        }
    )

    result = await answered(wire)

    assert result == Result({"near": {"name": "one"}, "far": {"thing": None}}, [])
    assert wire.asked[-1] == ("names", [{"__typename": "Thing", "id": "1"}])
    assert len(wire.asked) == 3
