"""The line in front of a service: how many are let in, how many may wait, and that nobody's place is lost."""

from __future__ import annotations

import asyncio

import pytest
from wires import OK, Events, Wire, request, soon

from router.executor.concurrency import ConcurrencyPolicy, Crowded, Limiter, Queued
from router.executor.transport import Answer, TimedOut


async def test_no_more_than_the_limit_are_at_work_and_the_others_follow_in_order() -> None:
    wire = Wire(gate=asyncio.Event())
    layer = Queued(wire, Limiter(ConcurrencyPolicy(initial=2, most=2)), Events())
    sending = [asyncio.ensure_future(layer.carry(request(str(number).encode()), soon())) for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first = [one.body for one in wire.got]
    wire.gate.set()  # type: ignore[union-attr]
    await asyncio.gather(*sending)

    assert first == [b"0", b"1"]
    assert [one.body for one in wire.got] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    assert wire.most_at_once == 2


async def test_a_line_that_is_too_long_lets_nobody_join() -> None:
    wire, events = Wire(gate=asyncio.Event()), Events()
    layer = Queued(wire, Limiter(ConcurrencyPolicy(initial=1, most=1, waiting=1)), events)
    sending = [asyncio.ensure_future(layer.carry(request(), soon())) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        await layer.carry(request(), soon())
    wire.gate.set()  # type: ignore[union-attr]

    assert await asyncio.gather(*sending) == [OK, OK]
    assert events.seen == ["crowded"]


async def test_who_waits_waits_no_longer_than_the_deadline_and_takes_no_place() -> None:
    wire = Wire(gate=asyncio.Event())
    limiter = Limiter(ConcurrencyPolicy(initial=1, most=1))
    layer = Queued(wire, limiter, Events())
    working = asyncio.ensure_future(layer.carry(request(), soon()))
    await asyncio.sleep(0)
    with pytest.raises(TimedOut):
        await layer.carry(request(), soon(0.02))
    wire.gate.set()  # type: ignore[union-attr]
    await working

    assert await layer.carry(request(), soon()) is OK
    assert limiter.at_work == 0


async def test_a_place_that_came_in_the_moment_of_leaving_goes_to_the_next() -> None:
    limiter = Limiter(ConcurrencyPolicy(initial=1, most=1))
    await limiter.enter()
    leaving = asyncio.ensure_future(limiter.enter())
    staying = asyncio.ensure_future(limiter.enter())
    await asyncio.sleep(0)
    limiter.leave()
    leaving.cancel()
    await asyncio.wait({leaving, staying}, timeout=60)

    assert leaving.cancelled()
    assert staying.done()
    assert limiter.at_work == 1


async def test_the_limit_shrinks_under_overload_and_grows_while_it_is_used() -> None:
    wire = Wire([Answer(503, b""), TimedOut("late"), OK])
    limiter = Limiter(ConcurrencyPolicy(initial=100, least=80, most=200))
    layer = Queued(wire, limiter, Events())
    await layer.carry(request(), soon())
    after_one = limiter.limit
    with pytest.raises(TimedOut):
        await layer.carry(request(), soon())
    after_two = limiter.limit
    for _ in range(10):
        limiter.overloaded()
    least = limiter.limit
    limiter.at_work = 80
    for _ in range(80):
        limiter.answered()
    grown = limiter.limit
    limiter.at_work = 1
    limiter.answered()

    assert (after_one, after_two, least) == (90.0, 81.0, 80.0)
    assert 80.9 < grown < 81.1
    assert limiter.limit == grown
