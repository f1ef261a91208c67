"""What a turn of the event loop writes, and when: at once where nobody else is at work, else together and in order."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from router.executor.outbox import Outbox, outbox_of


class Wire:
    """Takes the place of asyncio's transports: several of them write down in which order they were written to."""

    def __init__(self, name: str, said: list[tuple[str, bytes]]) -> None:
        self.name = name
        self.said = said
        self.closing = False

    def write(self, data: bytes) -> None:
        self.said.append((self.name, data))

    def is_closing(self) -> bool:
        return self.closing


def wires(*names: str) -> tuple[list[tuple[str, bytes]], list[Any]]:
    said: list[tuple[str, bytes]] = []
    return said, [cast("asyncio.Transport", Wire(name, said)) for name in names]


async def test_who_is_alone_writes_at_once() -> None:
    outbox, (said, (one,)) = Outbox(asyncio.get_running_loop()), wires("one")
    outbox.away = 3
    outbox.write(one, b"a")

    assert said == [("one", b"a")]


async def test_in_company_all_is_written_at_the_end_of_the_turn_and_in_order() -> None:
    outbox, (said, (one, two)) = Outbox(asyncio.get_running_loop()), wires("one", "two")
    outbox.away = 4
    outbox.write(one, b"a")
    outbox.write(two, b"b")
    outbox.away = 0
    outbox.write(one, b"c")  # nobody overtakes what waits

    assert said == []

    await asyncio.sleep(0)

    assert said == [("one", b"a"), ("two", b"b"), ("one", b"c")]

    outbox.write(two, b"d")

    assert said[3:] == [("two", b"d")]


async def test_nothing_is_written_to_who_has_gone_and_the_others_get_theirs() -> None:
    outbox, (said, (one, two)) = Outbox(asyncio.get_running_loop()), wires("one", "two")
    outbox.away = 4
    outbox.write(one, b"a")
    outbox.write(two, b"b")
    one.closing = True
    await asyncio.sleep(0)

    assert said == [("two", b"b")]


async def test_who_can_not_wait_has_all_written_once() -> None:
    outbox, (said, (one,)) = Outbox(asyncio.get_running_loop()), wires("one")
    outbox.away = 4
    outbox.write(one, b"a")
    outbox.flush()

    assert said == [("one", b"a")]

    await asyncio.sleep(0)

    assert said == [("one", b"a")]


async def test_a_loop_has_one() -> None:
    loop = asyncio.get_running_loop()

    assert outbox_of(loop) is outbox_of(loop)
