"""Stores, here and in Redis: exactly what has a tag goes, and nothing comes that was fetched before it went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wires import Clock

from router.executor.caching.entries import EVERYTHING, Entry, Store, StoreAway
from router.executor.caching.memory_store import MemoryStore
from router.executor.caching.redis_store import RedisStore


def entry(*tags: str, seconds: float = 60, data: bytes = b"{}", made_at: float | None = None) -> Entry:
    return Entry(
        data, time.time() if made_at is None else made_at, seconds, private=False, tags=frozenset((EVERYTHING, *tags))
    )


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made: Store = MemoryStore(1_000_000)
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        made = RedisStore(url, timeout_seconds=5, retry_seconds=1, namespace=f"test-{token_hex(6)}")
    yield made
    await made.invalidate([EVERYTHING])
    await made.close()


async def _put(store: Store, **entries: Entry) -> int:
    mark = (await store.look(())).mark
    assert mark is not None
    return await store.put(mark, entries)


async def _kept(store: Store, *keys: str) -> set[str]:
    return set((await store.look(keys)).found)


async def test_exactly_what_has_one_of_the_tags_goes(store: Store) -> None:
    assert await _put(store, a=entry("x"), b=entry("y"), c=entry("x", "y"), d=entry("z")) == 4
    assert await _kept(store, "a", "b", "c", "d", "e") == {"a", "b", "c", "d"}

    assert await store.invalidate(["x", "nobody has it"]) == 2
    assert await _kept(store, "a", "b", "c", "d") == {"b", "d"}
    assert await store.invalidate(["x"]) == 0
    assert await store.invalidate([EVERYTHING]) == 2
    assert await _kept(store, "a", "b", "c", "d") == set()


async def test_what_was_fetched_before_its_tag_was_invalidated_does_not_come_back(store: Store) -> None:
    before = (await store.look(["a"])).mark
    assert before is not None
    await store.invalidate(["x"])
    assert await store.put(before, {"a": entry("x"), "b": entry("y")}) == 1
    assert await _kept(store, "a", "b") == {"b"}

    assert await _put(store, a=entry("x")) == 1, "what is fetched afterwards is kept"
    await store.invalidate([EVERYTHING])
    assert await store.put(before, {"c": entry("z")}) == 0
    assert await _kept(store, "a", "b", "c") == set()


async def test_marks_differ_only_where_something_was_invalidated(store: Store) -> None:
    first, second = (await store.look(["a"])).mark, (await store.look(["b"])).mark
    await store.invalidate(["x"])

    assert first == second
    assert (await store.look(())).mark != first


async def test_an_entry_comes_back_as_it_was_and_ends_with_its_time(store: Store) -> None:
    now = time.time()
    await _put(store, a=entry("x", data='{"ä": 1}'.encode(), made_at=now - 10), b=entry("x", made_at=now - 60))
    found = (await store.look(["a", "b"])).found

    assert set(found) == {"a"}
    assert (found["a"].data.decode(), round(found["a"].made_at - now), found["a"].seconds) == ('{"ä": 1}', -10, 60)
    await _put(store, c=entry("x", seconds=0.05))
    await asyncio.sleep(0.06)
    assert await _kept(store, "c") == set()
    assert await store.invalidate(["x"]) == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("xyz")), st.integers(0, 3000)), max_size=40)
)
async def test_memory_holds_no_more_than_it_may_and_drops_what_was_not_used(
    steps: list[tuple[str, set[str], int]],
) -> None:
    gone: list[int] = []
    store = MemoryStore(5000, evicted=gone.append)
    for key, tags, size in steps:
        await _put(store, **{key: entry(*tags, data=b"x" * size)})
        assert store.bytes <= 5000
        assert key in await _kept(store, key), "what came last stays"
    await store.invalidate([EVERYTHING])
    assert (len(store), store.bytes) == (0, 0)


async def test_what_is_used_stays_longer() -> None:
    store = MemoryStore(4000)
    await _put(store, a=entry(data=b"x" * 1000), b=entry(data=b"x" * 1000))
    await _kept(store, "a")
    await _put(store, c=entry(data=b"x" * 1000))

    assert await _kept(store, "a", "b", "c") == {"a", "c"}
    assert await _put(store, d=entry(data=b"x" * 4000)) == 0, (
        "what is larger than all there is takes nothing from others"
    )
    assert await _kept(store, "a", "c") == {"a", "c"}


async def test_when_it_is_no_longer_known_what_was_invalidated_all_that_is_older_counts_as_if_it_were() -> None:
    store = MemoryStore(100_000)
    before = (await store.look(())).mark or 0
    for number in range(0, 120_000, 1000):
        await store.invalidate([f"tag-{one}" for one in range(number, number + 1000)])

    assert await store.put(before, {"a": entry("tag-0")}) == 0
    assert await store.put(before, {"a": entry("never invalidated")}) == 0


async def test_time_passes_for_what_is_kept() -> None:
    clock = Clock(1000.0)
    store = MemoryStore(100_000, clock)
    await _put(store, a=entry(made_at=1000.0, seconds=60))
    clock.now = 1059.0
    assert await _kept(store, "a") == {"a"}
    clock.now = 1060.0
    assert await _kept(store, "a") == set()
    assert store.bytes == 0


async def test_what_could_not_be_invalidated_while_redis_was_away_is_before_anything_is_read(redis_url: str) -> None:
    space = f"test-{token_hex(6)}"
    one, other = (RedisStore(redis_url, timeout_seconds=5, retry_seconds=0, namespace=space) for _ in range(2))
    await _put(one, a=entry("x"), b=entry("y"))
    before = (await one.look(())).mark
    one._timeout = 0
    with pytest.raises(StoreAway):
        await one.invalidate(["x"])
    away = await one.look(["a", "b"])
    assert (away.found, away.mark) == ({}, None)
    assert await one.put(before or 0, {"c": entry("z")}) == 0

    one._timeout = 5
    assert await _kept(one, "a", "b", "c") == {"b"}
    assert await _kept(other, "a", "b", "c") == {"b"}
    assert await one.put(before or 0, {"a": entry("x")}) == 0
    for store in (one, other):
        await store.invalidate([EVERYTHING])
        await store.close()
