"""A client of graphql-transport-ws for tests: a socket that speaks JSON."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PROTOCOL = "graphql-transport-ws"
SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { id title customer { name } } }'


class Client:
    """A socket that speaks JSON."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(60):
            return json.loads(await self.socket.recv())

    async def closed(self) -> tuple[int, str]:
        async with asyncio.timeout(60):
            with pytest.raises(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code, self.socket.close_reason

    async def subscribe(self, identity: str = "1", query: str = SUBSCRIPTION, **more: Any) -> None:
        await self.say(type="subscribe", id=identity, payload={"query": query, **more})


@asynccontextmanager
async def opened(psa: Any, path: str = "/graphql", init: Any = None, **more: Any) -> Any:
    url = psa.url.replace("http", "ws") + path
    async with connect(url, **{"subprotocols": [PROTOCOL], "proxy": None, **more}) as socket:
        client = Client(socket)
        if init is not None:
            await client.say(type="connection_init", payload=init)
            assert (await client.hear())["type"] == "connection_ack"
        yield client
