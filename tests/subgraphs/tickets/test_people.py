"""Work is given to people who are there, on contracts of the customer for whom it is done."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from contracts.events import auth
from tests.subgraphs.tickets.desk import Desk, at, desk_of


@pytest.fixture
async def desk(start) -> Desk:
    made = await desk_of(await start("tickets"))
    made.it_is("2026-05-04 09:00")
    return made


async def test_nobody_gets_a_ticket_who_is_not_there_or_stands_on_the_other_side(desk: Desk) -> None:
    ticket, worker = await desk.opened(), await desk.hires()
    other, mine = uuid4(), desk.customer
    gone = await desk.hires()
    desk.it_is("2026-05-04 09:01")
    await desk.hear(auth.UserDisabled(user_id=gone, customer_id=None))
    refusals = {
        gone: "NOT_FOUND",
        "rubbish": "NOT_FOUND",
        await desk.hires("CUSTOMER", mine): "VALIDATION",
        await desk.hires("COMANAGED", other): "VALIDATION",
    }
    before = await desk.service.count("outbox")
    for user, code in refusals.items():
        assert await desk.run("assignTicket", "ticket { id }", id=ticket, assigneeId=user) == (
            None,
            [(code, "assigneeId")],
        )
    assert await desk.service.count("outbox") == before

    both = await desk.hires("COMANAGED", other)
    seen = auth.UserAccessChanged(user_id=UUID(both), customer_id=other, customers=(other, mine), denied=())
    await desk.hear(seen)
    for user in (worker, both, await desk.hires("COMANAGED", mine), str(desk.caller.subject)):
        assert (await desk.ticket("assignTicket", id=ticket, assigneeId=user))["status"] == "OPEN"
    foreign = await desk.hires("CUSTOMER", other)
    assert await desk.run("watchTicket", "ticket { id }", id=ticket, userId=foreign) == (
        None,
        [("VALIDATION", "userId")],
    )
    await desk.ticket("watchTicket", id=ticket, userId=await desk.hires("CUSTOMER", mine))


async def test_a_contract_is_the_customers_own_on_tickets_and_on_time(desk: Desk) -> None:
    mine, foreign, other = uuid4(), uuid4(), uuid4()
    await desk.service.knows("Contract", mine, tenant=desk.tenant, customer=desk.customer)
    await desk.service.knows("Contract", foreign, tenant=desk.tenant, customer=other)
    ticket = await desk.opened(contractId=str(mine))
    entry = {
        "note": "x", "ticketId": ticket,
        "startedAt": at("2026-05-04 08:00").isoformat(), "endedAt": at("2026-05-04 08:30").isoformat(),
    }  # fmt: skip
    before = await desk.service.count("outbox")

    refused = (None, [("VALIDATION", "contractId")])
    assert await desk.run("updateTicket", "ticket { id }", id=ticket, contractId=str(foreign)) == refused
    assert await desk.run("bookTime", "timeEntry { id }", **entry, contractId=str(foreign)) == refused
    assert await desk.run("bookTime", "timeEntry { id }", **entry, contractId="rubbish") == (
        None,
        [("NOT_FOUND", "contractId")],
    )
    assert await desk.service.count("outbox") == before
    assert (await desk.do("bookTime", "timeEntry { contractId }", **entry))["contractId"] == str(mine)
