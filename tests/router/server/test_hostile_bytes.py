"""Bytes that no client would send: refused, and the next client doesn't notice."""

from __future__ import annotations

import asyncio
import random
from typing import Any


async def test_bytes_without_sense_get_a_refusal_and_the_next_client_an_answer(platform: Any, served: Any) -> None:
    roll = random.Random(7)
    whole = (
        b"POST /graphql HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n"
        b'content-length: 27\r\nconnection: close\r\n\r\n{"query": "{ __typename }"}'
    )
    async with platform() as psa, served(psa.app) as url:
        port = int(url.rsplit(":", 1)[1])
        for _ in range(60):
            spoiled = bytearray(whole)
            for _ in range(roll.randint(1, 12)):
                spoiled[roll.randrange(len(spoiled))] = roll.randrange(256)
            await shout(port, bytes(spoiled[: roll.randint(1, len(spoiled))]))
        after = await psa.ask("{ __typename }")
        answer = await shout(port, whole, wait=True)

    assert after == {"data": {"__typename": "Query"}}
    assert answer.endswith(b'{"data":{"__typename":"Query"}}')


async def shout(port: int, text: bytes, *, wait: bool = False) -> bytes:
    """Send bytes and take what comes; whoever doesn't wait closes its side at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(text)
        if not wait:
            writer.write_eof()
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
