"""The four subgraphs as one fast process: an answer that was computed once is sent again as it is.

    python -m bench.race.serve PORT

They listen on PORT (accounts) to PORT + 3. The gateways are what is measured, so the subgraphs must not be what
limits them: the data never change, and neither does the answer to a request that was seen before.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import httptools
import orjson
import uvloop

from bench.race.shop import SDL, Subgraph


class _Connection(asyncio.Protocol):
    def __init__(self, subgraph: Subgraph, known: dict[bytes, bytes]) -> None:
        self._subgraph = subgraph
        self._known = known
        self._parser: Any = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = []

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        answer = self._known.get(body)
        if answer is None:
            answer = self._known[body] = self._computed(body)
        self._transport.write(answer)

    def _computed(self, body: bytes) -> bytes:
        request = orjson.loads(body)
        result = self._subgraph.answer(request["query"], request.get("variables") or {})
        text = orjson.dumps(result.formatted)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        return head.encode() + text


async def serve(first_port: int) -> None:
    """Listen until somebody stops us."""
    loop = asyncio.get_running_loop()
    for port, name in enumerate(SDL, first_port):
        subgraph, known = Subgraph(name), dict[bytes, bytes]()
        await loop.create_server(lambda s=subgraph, k=known: _Connection(s, k), "127.0.0.1", port)  # type: ignore[misc]
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
