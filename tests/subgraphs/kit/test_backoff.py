"""Waiting before trying again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.backoff import Backoff, insist


@given(st.integers(min_value=1, max_value=10_000))
def test_a_wait_is_never_longer_than_the_longest_and_never_nothing(attempt: int) -> None:
    backoff = Backoff(first_seconds=0.1, most_seconds=10)

    ceiling = min(10.0, 0.1 * 2.0 ** min(attempt - 1, 100))
    assert ceiling / 2 <= backoff.seconds(attempt) <= ceiling


async def test_what_fails_is_started_again_until_it_is_cancelled() -> None:
    started, enough = 0, asyncio.Event()

    async def fails() -> None:
        nonlocal started
        started += 1
        if started > 5:
            enough.set()
        raise OSError("away")

    insisting = asyncio.create_task(insist("test", fails, backoff=Backoff(first_seconds=0.001, most_seconds=0.01)))
    async with asyncio.timeout(60):
        await enough.wait()
    insisting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await insisting


async def test_waits_grow_while_nothing_works() -> None:
    moments: list[float] = []

    async def fails() -> None:
        moments.append(asyncio.get_running_loop().time())
        raise OSError("away")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await insist("test", fails, backoff=Backoff(first_seconds=0.02, most_seconds=10))
    assert 1 <= len(moments) <= 9


async def test_a_cancellation_that_a_client_turned_into_a_fault_ends_it_all_the_same() -> None:
    began = asyncio.Event()

    async def swallows() -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError("interrupted") from None

    insisting = asyncio.create_task(insist("test", swallows, backoff=Backoff(first_seconds=0.001, most_seconds=0.01)))
    await began.wait()
    insisting.cancel()
    done, _ = await asyncio.wait({insisting}, timeout=60)

    assert done == {insisting}
    assert insisting.cancelled()
