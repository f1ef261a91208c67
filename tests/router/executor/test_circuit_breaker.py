"""The circuit breaker: when it opens, what passes meanwhile, and how it closes again."""

from __future__ import annotations

import pytest
from wires import OK, Clock, Events, Wire, request, soon

from router.executor.circuit_breaker import Breaker, BreakerPolicy, CircuitOpen, Guarded, State
from router.executor.transport import Answer, ConnectionLost, Malformed, TimedOut

POLICY = BreakerPolicy(half_open_attempts=2)


def guarded(wire: Wire, policy: BreakerPolicy = POLICY) -> tuple[Guarded, Breaker, Clock, Events]:
    clock, events = Clock(), Events()
    breaker = Breaker(policy, clock)
    return Guarded(wire, policy, breaker, events), breaker, clock, events


async def send(layer: Guarded, times: int = 1) -> list[object]:
    """Send requests one after the other; return statuses and failures."""
    seen: list[object] = []
    for _ in range(times):
        try:
            seen.append((await layer.carry(request(), soon())).status)
        except (CircuitOpen, TimedOut, ConnectionLost, Malformed) as failure:
            seen.append(type(failure))
    return seen


@pytest.mark.parametrize("trouble", [TimedOut("late"), ConnectionLost("refused"), Answer(500, b""), Answer(503, b"")])
async def test_it_opens_when_half_of_at_least_five_fail_and_then_nothing_is_sent(trouble: object) -> None:
    wire = Wire([trouble])
    layer, breaker, _, events = guarded(wire)

    await send(layer, 4)
    before = breaker.state
    await send(layer)
    rejected = await send(layer, 10)

    assert before is State.CLOSED
    assert breaker.state is State.OPEN
    assert rejected == [CircuitOpen] * 10
    assert len(wire.got) == 5
    assert events.seen == ["open"] + ["rejected"] * 10


async def test_fewer_failures_than_the_threshold_change_nothing() -> None:
    wire = Wire([OK, OK, OK, Answer(500, b"")] * 10 + [OK])
    layer, breaker, _, _ = guarded(wire)

    await send(layer, 40)

    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("answer", [Answer(404, b""), Malformed("garbage"), OK])
async def test_what_the_service_says_is_no_failure(answer: object) -> None:
    layer, breaker, _, _ = guarded(Wire([answer]))

    await send(layer, 20)

    assert breaker.state is State.CLOSED


async def test_after_the_pause_a_few_may_try_and_their_success_closes_it() -> None:
    wire = Wire([TimedOut("late")] * 5 + [OK])
    layer, breaker, clock, events = guarded(wire)

    await send(layer, 5)
    clock.now += 29.9
    early = await send(layer)
    clock.now += 0.2
    tried = await send(layer, 2)

    assert early == [CircuitOpen]
    assert tried == [200, 200]
    assert breaker.state is State.CLOSED
    assert events.seen == ["open", "rejected", "closed"]


async def test_one_failure_while_trying_opens_it_again() -> None:
    wire = Wire([TimedOut("late")] * 5 + [OK, TimedOut("late"), OK])
    layer, breaker, clock, _ = guarded(wire)

    await send(layer, 5)
    clock.now += 31
    tried = await send(layer, 3)

    assert tried == [200, TimedOut, CircuitOpen]
    assert breaker.state is State.OPEN


def test_half_open_no_more_than_so_many_go_at_the_same_time() -> None:
    clock = Clock()
    breaker = Breaker(BreakerPolicy(volume_threshold=1, half_open_attempts=2), clock)
    breaker.admit()
    breaker.failed()
    clock.now += 31

    assert [breaker.admit(), breaker.admit(), breaker.admit()] == [True, True, False]
    breaker.left()
    assert breaker.admit()


async def test_old_failures_are_forgotten() -> None:
    wire = Wire([TimedOut("late")] * 4 + [TimedOut("late")])
    layer, breaker, clock, _ = guarded(wire)

    await send(layer, 4)
    clock.now += 11
    await send(layer, 4)

    assert breaker.state is State.CLOSED
