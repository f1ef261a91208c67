"""Subgraphs made of SDL and a dictionary: they execute what they are asked, and remember it."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from graphql import GraphQLSchema, build_ast_schema, execute_sync, parse
from starlette.datastructures import Headers

LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external",
  "@requires", "@provides", "@interfaceObject", "@authenticated", "@requiresScopes", "@policy", "@cost", "@listSize"])
"""


@dataclass
class Subgraph:
    """One subgraph: `roots` are the root fields' values (or functions of their arguments), `entities` are by `Type:id`."""

    sdl: str
    roots: Mapping[str, Any]
    entities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Headers] = field(default_factory=list)
    answer_headers: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[Subgraph], Awaitable[tuple[int, bytes] | None]] | None = None
    """Runs first; what it returns is the answer."""

    @property
    def text(self) -> str:
        """What it registers."""
        return LINK + self.sdl

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one GraphQL request."""
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.headers.append(Headers(scope=scope))
        body = json.loads(_plain(raw, self.headers[-1].get("content-encoding")))
        self.bodies.append(body)
        self.asked.append(body["query"])
        status, answer = (await self.before(self) if self.before else None) or (200, self.execute(body))
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in self.answer_headers],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    def execute(self, body: dict[str, Any]) -> bytes:
        """Execute an operation."""

        def resolve(source: Any, info: Any, **arguments: Any) -> Any:
            name = info.field_name
            if name == "_entities":
                return [self._entity(one) for one in arguments["representations"]]
            value = (self.roots if source is None else source).get(name)
            return value(**arguments) if callable(value) else value

        result = execute_sync(
            self._schema(),
            parse(body["query"]),
            variable_values=body.get("variables"),
            field_resolver=resolve,
            type_resolver=lambda value, *_: value["__typename"],
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return json.dumps(answer).encode()

    def _entity(self, representation: Mapping[str, Any]) -> Any:
        known = self.entities.get(f"{representation['__typename']}:{representation['id']}")
        return None if known is None else {**representation, **known}

    def _schema(self) -> GraphQLSchema:
        names = sorted({key.split(":")[0] for key in self.entities})
        extra = (
            f"scalar _Any union _Entity = {' | '.join(names)}"
            " extend type Query { _entities(representations: [_Any!]!): [_Entity]! }"
            if names
            else ""
        )
        return build_ast_schema(parse(self.sdl + extra), assume_valid_sdl=True)


def uuid_of(name: str) -> str:
    """The id of somebody, always the same."""
    return str(uuid5(NAMESPACE_DNS, name))


def _plain(raw: bytes, coding: str | None) -> bytes:
    match coding:
        case "gzip":
            return gzip.decompress(raw)
        case "deflate":
            return zlib.decompress(raw)
        case _:
            return raw


def slow(seconds: float) -> Callable[[Subgraph], Awaitable[None]]:
    """Let a subgraph take its time."""

    async def wait(_subgraph: Subgraph) -> None:
        await asyncio.sleep(seconds)

    return wait


def says(status: int, body: bytes = b"", *, times: int = 1_000_000) -> Callable[[Subgraph], Awaitable[Any]]:
    """Let a subgraph answer this so many times, and then the truth."""
    left = [times]

    async def answer(_subgraph: Subgraph) -> tuple[int, bytes] | None:
        if left[0] <= 0:
            return None
        left[0] -= 1
        return status, body

    return answer
