"""Retries: who gets one, who does not, and that they never become a storm."""

from __future__ import annotations

import pytest
from wires import OK, Clock, Events, Wire, request, soon

from router.executor.retries import Budget, Retried, RetryPolicy, retry_after
from router.executor.transport import Answer, ConnectionLost, Malformed, TimedOut, Unavailable

LOST = ConnectionLost("ConnectError")


def retried(
    wire: Wire, *, events: Events | None = None, budget: Budget | None = None, **policy: float
) -> tuple[Retried, list[float]]:
    """The layer over a wire, and the pauses that it makes (the whole pause: the dice always show the most)."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    chosen = RetryPolicy(**policy)  # type: ignore[arg-type]
    layer = Retried(wire, chosen, budget or Budget(chosen, Clock()), events or Events(), sleep=sleep, roll=lambda: 1.0)
    return layer, slept


@pytest.mark.parametrize("trouble", [LOST, Answer(503, b""), Answer(502, b""), Answer(504, b""), Answer(429, b"")])
async def test_a_query_is_sent_once_more_when_a_service_was_away_for_a_moment(trouble: object) -> None:
    wire, events = Wire([trouble, OK]), Events()
    layer, slept = retried(wire, events=events)

    assert await layer.carry(request(), soon()) is OK
    assert len(wire.got) == 2
    assert slept == [0.05]
    assert events.seen == ["retried"]


async def test_a_mutation_is_never_sent_twice() -> None:
    wire = Wire([LOST, OK])
    layer, slept = retried(wire)

    with pytest.raises(ConnectionLost):
        await layer.carry(request(is_query=False), soon())

    assert (len(wire.got), slept) == (1, [])


@pytest.mark.parametrize("trouble", [Unavailable("not there"), TimedOut("late"), Malformed("garbage")])
async def test_what_would_fail_again_is_not_sent_again(trouble: Exception) -> None:
    wire = Wire([trouble, OK])
    layer, _ = retried(wire)

    with pytest.raises(type(trouble)):
        await layer.carry(request(), soon())

    assert len(wire.got) == 1


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500, 501])
async def test_an_answer_that_says_something_is_taken(status: int) -> None:
    wire = Wire([Answer(status, b""), OK])
    layer, _ = retried(wire)

    assert (await layer.carry(request(), soon())).status == status
    assert len(wire.got) == 1


async def test_pauses_double_up_to_the_longest() -> None:
    layer, slept = retried(Wire([LOST]), attempts=6, longest_pause_seconds=0.5)

    with pytest.raises(ConnectionLost):
        await layer.carry(request(), soon())

    assert slept == [0.05, 0.1, 0.2, 0.4, 0.5, 0.5]


async def test_a_service_that_says_when_is_believed() -> None:
    layer, slept = retried(Wire([Answer(503, b"", (("retry-after", "2"),)), OK]))

    assert await layer.carry(request(), soon()) is OK
    assert slept == [2.0]


async def test_nothing_is_sent_that_would_come_after_the_deadline() -> None:
    late = Answer(503, b"", (("retry-after", "60"),))
    wire = Wire([late, OK])
    layer, slept = retried(wire)

    assert await layer.carry(request(), soon(30)) is late
    assert (len(wire.got), slept) == (1, [])


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("3", 3.0), ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0), ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0), ("soon", None)],
)
def test_both_forms_of_retry_after_are_read(said: str, seconds: float | None) -> None:
    assert retry_after(Answer(503, b"", (("retry-after", said),)), 10.0) == seconds


async def test_a_service_that_is_down_for_all_gets_no_storm() -> None:
    """Of 100 failing requests, the reserve of 10 and a fifth are retried: 30, not 100."""
    wire, clock = Wire([LOST]), Clock()
    policy = {"min_per_second": 1, "ttl_seconds": 10, "retry_percent": 0.2}
    layer, _ = retried(wire, budget=Budget(RetryPolicy(**policy), clock), **policy)  # type: ignore[arg-type]

    for _ in range(100):
        with pytest.raises(ConnectionLost):
            await layer.carry(request(), soon())

    assert len(wire.got) == 130


def test_the_budget_forgets() -> None:
    clock = Clock()
    budget = Budget(RetryPolicy(min_per_second=0.1, ttl_seconds=10, retry_percent=0), clock)

    first = [budget.take(), budget.take()]
    clock.now += 11
    later = [budget.take(), budget.take()]

    assert first == later == [True, False]
