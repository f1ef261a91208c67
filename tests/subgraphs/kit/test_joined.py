"""What is written in one go leaves in one piece, in its order, and nothing is left behind."""

from __future__ import annotations

import asyncio

from subgraphs.kit.joined import Joined


class Wire:
    """Writes down what is handed to the kernel, call by call."""

    def __init__(self) -> None:
        self.calls: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.calls.append(b"".join(pieces))

    def close(self) -> None:
        self.calls.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.calls


async def test_a_head_and_its_body_are_one_piece_and_a_piece_alone_waits_for_nothing_but_the_loop() -> None:
    wire = Wire()
    joined = Joined(wire, asyncio.get_running_loop())

    joined.write(b"head ")
    assert wire.calls == []
    joined.write(b"body")
    assert wire.calls == [b"head body"]

    joined.write(b"event 1")
    await asyncio.sleep(0)
    joined.write(b"event 2")
    await asyncio.sleep(0)
    assert wire.calls == [b"head body", b"event 1", b"event 2"]


async def test_what_is_held_is_sent_before_the_connection_closes() -> None:
    wire = Wire()
    joined = Joined(wire, asyncio.get_running_loop())

    joined.write(b"last words")
    assert not joined.is_closing()
    joined.close()
    await asyncio.sleep(0)

    assert wire.calls == [b"last words", "closed"]
    assert joined.is_closing()
