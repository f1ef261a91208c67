"""Equal queries go once; whatever could change the answer keeps them apart, identity first of all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from wires import OK, Events, Wire, request, soon

from router.executor.dedupe import Deduplicated, key
from router.executor.transport import ConnectionLost, SubgraphRequest, TimedOut

ALICE = {"authorization": "Bearer alice"}


async def both(*requests: SubgraphRequest) -> tuple[Wire, Events]:
    """Send requests at the same time; everybody gets an answer."""
    wire, events = Wire(gate=asyncio.Event()), Events()
    layer = Deduplicated(wire, events)
    sending = [asyncio.ensure_future(layer.carry(one, soon())) for one in requests]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    wire.gate.set()  # type: ignore[union-attr]
    assert await asyncio.gather(*sending) == [OK] * len(requests)
    assert layer._flights == {}
    return wire, events


async def test_equal_queries_at_the_same_time_go_once() -> None:
    wire, events = await both(request(**ALICE), request(**ALICE), request(**ALICE))

    assert len(wire.got) == 1
    assert events.seen == ["shared", "shared"]


async def test_the_names_of_traces_keep_nobody_apart() -> None:
    one = request(traceparent="00-1", x_request_id="a", **ALICE)
    two = request(traceparent="00-2", x_request_id="b", tracestate="t", **ALICE)

    assert len((await both(one, two))[0].got) == 1


@pytest.mark.parametrize(
    "other",
    [
        request(authorization="Bearer bob"),
        request(),
        request(b"{ }", **ALICE),
        request(accept_language="de", **ALICE),
        request(cookie="a=b", **ALICE),
        request(is_query=False, **ALICE),
        replace(request(**ALICE), url="http://crm/graphql?a=c"),
    ],
    ids=["another caller", "nobody", "another body", "a header", "a cookie", "a mutation", "another place"],
)
async def test_whatever_could_change_the_answer_keeps_them_apart(other: SubgraphRequest) -> None:
    wire, events = await both(request(**ALICE), other)

    assert len(wire.got) == 2
    assert events.seen == []


async def test_mutations_are_never_shared() -> None:
    wire, _ = await both(request(is_query=False, **ALICE), request(is_query=False, **ALICE))

    assert len(wire.got) == 2


async def test_one_after_the_other_is_asked_again() -> None:
    wire = Wire()
    layer = Deduplicated(wire, Events())
    await layer.carry(request(), soon())
    await layer.carry(request(), soon())

    assert len(wire.got) == 2


async def test_who_asked_first_may_leave_and_the_next_one_asks_again() -> None:
    wire = Wire(gate=asyncio.Event())
    layer = Deduplicated(wire, Events())
    first = asyncio.ensure_future(layer.carry(request(), soon()))
    second = asyncio.ensure_future(layer.carry(request(), soon()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    still = (wire.at_once, len(wire.got))
    second.cancel()
    await asyncio.wait({first, second})
    await asyncio.sleep(0)

    assert (still, wire.at_once) == ((1, 2), 0)
    assert layer._flights == {}


async def test_a_failure_reaches_all() -> None:
    wire = Wire([ConnectionLost("refused")], gate=asyncio.Event())
    layer = Deduplicated(wire, Events())
    sending = [asyncio.ensure_future(layer.carry(request(), soon())) for _ in range(3)]
    await asyncio.sleep(0)
    wire.gate.set()  # type: ignore[union-attr]
    done = await asyncio.gather(*sending, return_exceptions=True)

    assert [type(one) for one in done] == [ConnectionLost] * 3
    assert len(wire.got) == 1


async def test_the_haste_of_the_first_is_not_the_haste_of_all() -> None:
    wire = Wire([TimedOut("late"), OK], gate=asyncio.Event())
    layer = Deduplicated(wire, Events())
    hasty = asyncio.ensure_future(layer.carry(request(), soon(0.01)))
    patient = asyncio.ensure_future(layer.carry(request(), soon()))
    await asyncio.sleep(0.02)
    wire.gate.set()  # type: ignore[union-attr]
    done = await asyncio.gather(hasty, patient, return_exceptions=True)

    assert [type(done[0]), done[1]] == [TimedOut, OK]


def test_the_key_holds_every_header_but_those_of_traces() -> None:
    assert key(request(Authorization="x", traceparent="t"))[2] == {("authorization", "x")}
