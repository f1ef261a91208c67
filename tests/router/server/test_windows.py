"""Windows that slide: never more than the limit in any of them, here and through a real Redis that may die."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis_server import needs_redis, redis_server, until_it_answers
from wires import Clock

from deploy.local import children, services
from router.server.windows import LocalWindows, SharedWindows, Verdict


@pytest.fixture(scope="module")
async def redis_of_ours(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with services.redis(tmp_path_factory.mktemp("redis"), lambda _: None) as url:
        yield url


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 4)), max_size=60), st.integers(1, 8))
def test_in_no_window_more_passes_than_the_limit_and_whoever_is_refused_would_have_been_too_much(
    steps: list[tuple[int, int]], limit: int
) -> None:
    clock = Clock(1000.0)
    windows = LocalWindows(clock)
    passed: list[tuple[int, int]] = []
    now = 1_000_000
    for pause, weight in steps:
        now += pause
        clock.now = now / 1000
        at = int(clock.now * 1000)
        inside = sum(one for when, one in passed if when > at - 2000)
        verdict = windows.take_now("a", limit, 2.0, weight)
        assert verdict.passes == (inside + weight <= limit)
        if verdict.passes:
            passed.append((at, weight))
        assert verdict.left == limit - sum(one for when, one in passed if when > at - 2000)
        assert 1 <= verdict.seconds <= 2


async def test_whoever_comes_back_after_the_time_that_was_said_passes() -> None:
    clock = Clock(1000.0)
    windows = LocalWindows(clock)
    for _ in range(3):
        assert (await windows.take("a", 3, 60)).passes
        clock.now += 10
    refused = await windows.take("a", 3, 60)
    clock.now += refused.seconds - 1
    early = await windows.take("a", 3, 60)
    clock.now += 1
    later = await windows.take("a", 3, 60)

    assert refused == Verdict(passes=False, left=0, seconds=30)
    assert (early.passes, later.passes) == (False, True)


async def test_what_weighs_more_than_the_limit_never_passes() -> None:
    assert await LocalWindows(Clock()).take("a", 3, 60, 4) == Verdict(passes=False, left=3, seconds=60)


async def test_keys_do_not_know_each_other() -> None:
    windows = LocalWindows(Clock())

    assert [(await windows.take(key, 1, 60)).passes for key in "abab"] == [True, True, False, False]


@needs_redis
async def test_replicas_share_one_window_through_redis(redis_of_ours: str) -> None:
    replicas = [SharedWindows(redis_of_ours, timeout_seconds=5, away_seconds=1) for _ in range(2)]
    verdicts = await asyncio.gather(*(replicas[number % 2].take("shared", 20, 60) for number in range(50)))
    other = await replicas[0].take("another", 20, 60)
    for replica in replicas:
        await replica.close()

    assert sum(verdict.passes for verdict in verdicts) == 20
    assert {verdict.seconds for verdict in verdicts if not verdict.passes} <= {*range(30, 61)}
    assert sorted({verdict.left for verdict in verdicts if verdict.passes}) == list(range(20))
    assert other == Verdict(passes=True, left=19, seconds=60)


@needs_redis
async def test_redis_counts_weights_and_lets_go_what_is_old(redis_of_ours: str) -> None:
    windows = SharedWindows(redis_of_ours, timeout_seconds=5, away_seconds=1)
    first = [await windows.take("heavy", 10, 3.0, weight) for weight in (4, 4, 4, 2)]
    async with Redis.from_url(redis_of_ours) as redis:
        while (
            await redis.exists(*await redis.keys("psa:window:*:at"))
            and not (await windows.take("heavy", 10, 3.0, 10)).passes
        ):
            await asyncio.sleep(0.05)
        lives = [await redis.pttl(key) for key in await redis.keys("psa:window:*")]
    await windows.close()

    assert [(one.passes, one.left) for one in first] == [(True, 6), (True, 2), (False, 2), (True, 0)]
    assert all(life > 0 for life in lives), "nothing stays for ever"


@needs_redis
async def test_when_redis_is_killed_everybody_counts_for_themselves_and_shares_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    port = children.free_port()
    url = f"redis://127.0.0.1:{port}/0"
    clock = Clock()
    windows = SharedWindows(url, timeout_seconds=5, away_seconds=1, clock=clock)
    server = redis_server(port, tmp_path)
    try:
        await until_it_answers(url)
        with_redis = [(await windows.take("a", 5, 60)).passes for _ in range(3)]
        server.send_signal(signal.SIGKILL)
        server.wait()
        without = [(await windows.take("a", 5, 60)).passes for _ in range(4)]
        server = redis_server(port, tmp_path)
        await until_it_answers(url)
        still = (await windows.take("fresh", 1, 60)).passes
        clock.now += 1.1
        again = (await windows.take("fresh", 1, 60)).passes
        async with Redis.from_url(url) as redis:
            kept = len(await redis.keys("psa:window:*:at"))
    finally:
        server.kill()
        server.wait()
        await windows.close()

    assert with_redis == [True, True, True]
    assert without == [True, True, False, False], "what passed through Redis counts here too"
    assert still
    assert again, "Redis began anew, and is asked again"
    assert kept == 1
