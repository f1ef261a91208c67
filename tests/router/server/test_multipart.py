"""Answers in parts: what stands on the wire, and when."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from router.server.multipart import Heartbeat, MultipartResponse

SCOPE = {"type": "http"}


class Reader:
    """A client that reads what is written, and may leave."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.gone = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


async def two_parts() -> AsyncGenerator[dict[str, Any], None]:
    yield {"data": {"a": 1}, "hasNext": True}
    yield {"hasNext": False}


async def test_each_part_is_written_with_the_delimiter_that_ends_it() -> None:
    reader = Reader()

    await MultipartResponse(two_parts(), "deferSpec=20220824")(SCOPE, reader.receive, reader.send)

    assert [message.get("body") for message in reader.messages] == [
        None,
        b"\r\n---",
        b'\r\ncontent-type: application/json\r\n\r\n{"data":{"a":1},"hasNext":true}\r\n---',
        b'\r\ncontent-type: application/json\r\n\r\n{"hasNext":false}\r\n---',
        b"--\r\n",
    ]
    assert [message.get("more_body") for message in reader.messages] == [None, True, True, True, False]


async def test_the_media_type_names_boundary_and_protocol_and_no_length_is_promised() -> None:
    reader = Reader()

    await MultipartResponse(two_parts(), "subscriptionSpec=1.0", boundary="graphql")(SCOPE, reader.receive, reader.send)

    assert dict(reader.messages[0]["headers"]) == {
        b"content-type": b"multipart/mixed;boundary=graphql;subscriptionSpec=1.0",
        b"cache-control": b"no-store",
    }
    assert reader.body.endswith(b"\r\n--graphql--\r\n")


async def test_a_heartbeat_is_sent_while_nothing_else_is_and_never_after_the_end() -> None:
    reader = Reader()
    beaten = asyncio.Event()

    async def send(message: Any) -> None:
        await reader.send(message)
        if b"{}" in message.get("body", b""):
            beaten.set()

    async def parts() -> AsyncGenerator[dict[str, Any], None]:
        await beaten.wait()
        yield {"data": 1}

    await MultipartResponse(parts(), "subscriptionSpec=1.0", heartbeat=Heartbeat(0.001))(SCOPE, reader.receive, send)

    contents = reader.body.split(b"\r\n\r\n")[1:]
    assert contents[0].startswith(b"{}\r\n---")
    assert contents[-1] == b'{"data":1}\r\n-----\r\n'


async def test_when_the_client_leaves_the_work_behind_the_parts_is_cancelled() -> None:
    reader = Reader()
    closed = asyncio.Event()

    async def parts() -> AsyncGenerator[dict[str, Any], None]:
        try:
            yield {"data": 1}
            reader.gone.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    await MultipartResponse(parts(), "deferSpec=20220824")(SCOPE, reader.receive, reader.send)

    assert closed.is_set()
    assert not reader.body.endswith(b"--\r\n")


async def test_a_client_that_leaves_between_two_parts_closes_the_generator_too() -> None:
    """It may stand at a `yield`, where no cancellation reaches it."""
    reader = Reader()
    closed: list[bool] = []

    async def send(message: Any) -> None:
        await reader.send(message)
        if b"content-type" in message.get("body", b""):
            reader.gone.set()
            await asyncio.Event().wait()

    async def parts() -> AsyncGenerator[dict[str, Any], None]:
        try:
            yield {"data": 1}
        finally:
            closed.append(True)

    await MultipartResponse(parts(), "deferSpec=20220824")(SCOPE, reader.receive, send)

    assert closed == [True]


async def test_what_breaks_behind_the_parts_is_not_taken_for_the_end() -> None:
    reader = Reader()

    async def parts() -> AsyncGenerator[dict[str, Any], None]:
        yield {"data": 1}
        raise RuntimeError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        await MultipartResponse(parts(), "deferSpec=20220824")(SCOPE, reader.receive, reader.send)

    assert [str(error) for error in caught.value.exceptions] == ["broken"]
    assert not reader.body.endswith(b"--\r\n")
