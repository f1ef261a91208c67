"""Whatever was told to stop ends, also when it lost the cancellation, and also when it cannot hear one."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from subgraphs.kit import ending
from subgraphs.kit.backoff import Backoff, insist


async def test_a_cancellation_that_gets_lost_is_repeated():
    """The way in which a task group loses one: a child fails in the moment in which the group is cancelled."""
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
            if attempts < 3:
                raise ConnectionError("the broker is gone") from None
            raise

    running = asyncio.ensure_future(insist("test", attempt, backoff=Backoff(0.0, 0.0)))
    await asyncio.sleep(0)

    await ending.cancelled(running, again_seconds=0.01)

    assert running.cancelled()
    assert attempts == 3


async def test_what_has_ended_already_keeps_how_it_ended():
    async def fail() -> None:
        raise ValueError("before")

    failed = asyncio.ensure_future(fail())
    await asyncio.wait([failed])

    await ending.cancelled(failed)

    with pytest.raises(ValueError, match="before"):
        failed.result()


DEAF = """
import asyncio
from subgraphs.kit import ending

async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue

async def main():
    running = asyncio.ensure_future(deaf())
    await asyncio.sleep(0)
    ending.certain(0.2)
    await ending.cancelled(running)

asyncio.run(main())
"""
BLOCKED = """
import asyncio, threading
from subgraphs.kit import ending

async def main():
    ending.certain(0.2)
    threading.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(("program", "told"), [(DEAF, "in deaf"), (BLOCKED, "in main")], ids=["deaf", "blocked"])
def test_a_process_that_cannot_end_is_ended_and_says_what_it_hung_on(program: str, told: str):
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert "told to stop 0.2 s ago" in ended.stderr
    assert told in ended.stderr
