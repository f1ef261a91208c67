"""A graph that can be made as large as a question needs: items of one subgraph, to which each of the others adds a field."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any, Final

import httptools
import orjson

SUBGRAPHS: Final = 16
TEXT: Final = "what somebody wrote about it, as long as such a thing usually is"

_LINK: Final = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n'


def sdl(number: int) -> str:
    """Return the SDL of a subgraph; number 0 has the items."""
    if number == 0:
        return _LINK + (
            "type Query { items(first: Int!): [Item!]! }\n"
            'type Item @key(fields: "id") { id: ID! name: String text: String price: Int next: Item }\n'
        )
    return _LINK + f'type Item @key(fields: "id") {{ id: ID! field{number}: String }}\n'


def types(count: int) -> str:
    """Return the SDL of a subgraph with so many types, each with ten fields."""
    fields = " ".join(f"field{number}: String" for number in range(9))
    named = "\n".join(f'type T{number} @key(fields: "id") {{ id: ID! {fields} }}' for number in range(count))
    return f"{_LINK}type Query {{ {' '.join(f't{number}: T{number}' for number in range(count))} }}\n{named}\n"


class Subgraph(asyncio.Protocol):
    """Answers what the questions of this room ask, each answer computed once."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._parser: Any = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begin anew."""
        self._body = []

    def on_body(self, part: bytes) -> None:
        """Collect the body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Answer."""
        self._transport.write(_answer(self._number, b"".join(self._body)))


@lru_cache(maxsize=4096)
def _answer(number: int, body: bytes) -> bytes:
    request = orjson.loads(body)
    if number:
        entities = request["variables"]["representations"]
        data: Any = {"_entities": [{f"field{number}": f"{number} of {one['id']}"} for one in entities]}
    else:
        data = {"items": [_item(one) for one in range(int(request["query"].split("first:")[1].split(")")[0]))]}
    text = orjson.dumps({"data": data})
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(text) + text


def _item(number: int) -> dict[str, Any]:
    one = {"__typename": "Item", "id": str(number), "name": f"item {number}", "text": TEXT, "price": number}
    # What is asked for under another name stands there, too.
    return one | {f"a{index}": one["name"] for index in range(8)}
