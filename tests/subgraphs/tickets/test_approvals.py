"""Changes that wait for the customer and for a team: who is asked, who decides, what happens until then; and the time of a team."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.events import auth, crm
from subgraphs.kit.caller import Caller
from tests.subgraphs.house import staff
from tests.subgraphs.tickets.desk import Desk, desk_of

APPROVAL = "ticketApproval { id status quorum title approvers { contactId userId decision comment } version }"
TICKET = "ticket { id status approvals { by status } }"


@pytest.fixture
async def desk(start) -> Desk:
    made = await desk_of(await start("tickets"))
    made.it_is("2026-05-04 09:00")
    return made


async def contact(desk: Desk, *roles: str) -> tuple[str, Caller]:
    """A contact of the customer, and the caller whom they are in the portal."""
    identity = uuid4()
    told = crm.ContactCreated(id=identity, customer_id=desk.customer, name="Jo", roles=roles)
    await desk.hear(told)
    own = frozenset({"tickets:read.own", "tickets:write.own"})
    theirs = {"customers": frozenset({desk.customer}), "contact": identity, "scopes": own}
    return str(identity), staff(desk.tenant, subject=uuid4(), kind="CUSTOMER", **theirs)


async def team(desk: Desk, *members: UUID) -> str:
    identity = uuid4()
    await desk.hear(auth.TeamUpdated(id=identity, name="CAB", member_ids=members))
    return str(identity)


async def asked(desk: Desk, **given: Any) -> tuple[str, Any]:
    """A change, and the approval that was asked for."""
    ticket = await desk.opened(type="CHANGE", assigneeId=str(desk.caller.subject))
    return ticket, await desk.do("requestTicketApproval", APPROVAL, id=ticket, **given)


async def test_the_customers_decision_makers_decide_and_until_then_nobody_begins(desk: Desk) -> None:
    boss, as_boss = await contact(desk, "DECISION_MAKER")
    _, as_clerk = await contact(desk, "TECHNICAL")
    ticket, approval = await asked(desk, by="CUSTOMER", question="Am Samstag?")

    assert [one["contactId"] for one in approval["approvers"]] == [boss]
    for move, more in (("startTicket", {}), ("resolveTicket", {"resolution": "Done"})):
        assert (await desk.run(move, TICKET, id=ticket, **more))[1] == [("TICKET_NOT_APPROVED", "id")]
    said = {"id": approval["id"], "decision": "APPROVE", "comment": "Gern"}
    # Whoever was not asked: a colleague does not even see it, our own people do and may not decide.
    assert (await desk.run("decideTicketApproval", APPROVAL, as_clerk, **said))[1] == [("NOT_FOUND", "id")]
    assert (await desk.run("decideTicketApproval", APPROVAL, **said))[1] == [("FORBIDDEN", "id")]
    behind = replace(as_boss, impersonator=uuid4())
    assert (await desk.run("decideTicketApproval", APPROVAL, behind, **said))[1] == [("FORBIDDEN", "id")]

    mine = "{ pendingTicketApprovals { id ticket { id title } } }"
    assert [one["ticket"]["id"] for one in (await desk.ask(mine, as_boss))["pendingTicketApprovals"]] == [ticket]
    done = await desk.do("decideTicketApproval", APPROVAL, as_boss, **said)

    assert (done["status"], done["approvers"][0]["comment"]) == ("APPROVED", "Gern")
    assert (await desk.ask(mine, as_boss))["pendingTicketApprovals"] == []
    assert (await desk.run("decideTicketApproval", APPROVAL, as_boss, **said))[1] == [("TICKET_APPROVAL_CLOSED", "id")]
    assert (await desk.do("startTicket", TICKET, id=ticket))["status"] == "IN_PROGRESS"
    told = await desk.events("ticket.approval")
    assert [(kind, data.get("status")) for kind, data in told] == [
        ("ticket.approval_requested", None),
        ("ticket.approval_decided", "APPROVED"),
    ]
    assert (told[0][1]["contactIds"], told[0][1]["approverIds"]) == ([boss], [])


async def test_a_team_decides_with_a_quorum_and_never_who_asked(desk: Desk) -> None:
    one, two, three = (replace(desk.caller, subject=uuid4()) for _ in range(3))
    board = await team(desk, desk.caller.subject, one.subject, two.subject)
    ticket, approval = await asked(desk, by="TEAM", teamId=board, quorum=2)
    assert {each["userId"] for each in approval["approvers"]} == {str(one.subject), str(two.subject)}

    yes, no = ({"id": approval["id"], "decision": word} for word in ("APPROVE", "REJECT"))
    assert (await desk.run("decideTicketApproval", APPROVAL, **yes))[1] == [("FOUR_EYES", "id")]
    assert (await desk.run("decideTicketApproval", APPROVAL, three, **yes))[1] == [("FORBIDDEN", "id")]
    assert (await desk.run("decideTicketApproval", APPROVAL, one, **no))[1] == [("VALIDATION", "comment")]
    assert (await desk.do("decideTicketApproval", APPROVAL, one, **yes))["status"] == "PENDING"
    assert (await desk.run("decideTicketApproval", APPROVAL, one, **yes))[1] == [("TICKET_APPROVAL_GIVEN", "id")]
    refused = await desk.do("decideTicketApproval", APPROVAL, two, **no, comment="Kein Rückweg")
    assert refused["status"] == "REJECTED"

    # A no cannot be taken back by who asked; another question can be asked, and counts from then on.
    assert (await desk.run("withdrawTicketApproval", APPROVAL, id=approval["id"]))[1] == [
        ("TICKET_APPROVAL_CLOSED", "id")
    ]
    again = await desk.do("requestTicketApproval", APPROVAL, id=ticket, by="TEAM", teamId=board)
    twice = await desk.run("requestTicketApproval", APPROVAL, id=ticket, by="TEAM", teamId=board)
    assert twice == (None, [("CONFLICT", "id")])
    await desk.do("withdrawTicketApproval", APPROVAL, id=again["id"])
    assert (await desk.run("startTicket", TICKET, id=ticket))[1] == [("TICKET_NOT_APPROVED", "id")]


async def test_what_was_approved_is_what_is_done(desk: Desk) -> None:
    _, as_boss = await contact(desk, "DECISION_MAKER")
    ticket, approval = await asked(desk, by="CUSTOMER")
    await desk.do("decideTicketApproval", APPROVAL, as_boss, id=approval["id"], decision="APPROVE")
    await desk.do("updateTicket", TICKET, id=ticket, tags=["fw"])
    changed = await desk.do("updateTicket", TICKET, id=ticket, description="Doch die andere Firewall")

    assert changed["approvals"] == [{"by": "CUSTOMER", "status": "LAPSED"}]
    assert (await desk.run("startTicket", TICKET, id=ticket))[1] == [("TICKET_NOT_APPROVED", "id")]
    # Nor does calling it something else help.
    await desk.do("updateTicket", TICKET, id=ticket, type="TASK")
    assert (await desk.run("startTicket", TICKET, id=ticket))[1] == [("TICKET_NOT_APPROVED", "id")]


async def test_who_cannot_be_asked_is_refused_and_nothing_is_told(desk: Desk) -> None:
    stranger = uuid4()
    await desk.hear(crm.ContactCreated(id=stranger, customer_id=uuid4(), name="X", roles=("DECISION_MAKER",)))
    gone, _ = await contact(desk, "DECISION_MAKER")
    await desk.hear(crm.ContactDeactivated(id=UUID(gone), customer_id=desk.customer))
    alone = await team(desk, desk.caller.subject)
    change = await desk.opened(type="CHANGE")
    task = await desk.opened(type="TASK")
    nobody = str(uuid4())

    for given, expected in (
        ({"id": task, "by": "CUSTOMER"}, ("TICKET_NOT_A_CHANGE", "id")),
        ({"id": change, "by": "CUSTOMER"}, ("TICKET_NO_APPROVERS", "id")),
        ({"id": change, "by": "CUSTOMER", "contactIds": [str(stranger)]}, ("NOT_FOUND", "contactIds")),
        ({"id": change, "by": "CUSTOMER", "contactIds": [gone]}, ("NOT_FOUND", "contactIds")),
        ({"id": change, "by": "CUSTOMER", "contactIds": ["rubbish"]}, ("NOT_FOUND", "contactIds")),
        ({"id": change, "by": "CUSTOMER", "teamId": alone}, ("VALIDATION", "teamId")),
        ({"id": change, "by": "TEAM", "teamId": alone, "contactIds": [gone]}, ("VALIDATION", "contactIds")),
        ({"id": change, "by": "TEAM", "teamId": alone}, ("TICKET_NO_APPROVERS", "id")),
        ({"id": change, "by": "TEAM", "teamId": nobody}, ("NOT_FOUND", "teamId")),
        ({"id": change, "by": "TEAM"}, ("NOT_FOUND", "teamId")),
        ({"id": nobody, "by": "CUSTOMER"}, ("NOT_FOUND", "id")),
    ):
        assert await desk.run("requestTicketApproval", APPROVAL, **given) == (None, [expected])
    assert await desk.events("ticket.approval") == []


async def test_a_desk_may_demand_approval_of_every_change_and_a_cancelled_one_needs_none(desk: Desk) -> None:
    await desk.do("updateDeskSettings", "settings { changesNeedApproval }", changesNeedApproval=True)
    _, as_boss = await contact(desk, "DECISION_MAKER")
    ticket = await desk.opened(type="CHANGE", assigneeId=str(desk.caller.subject))
    other = await desk.opened(assigneeId=str(desk.caller.subject))

    assert (await desk.run("startTicket", TICKET, id=ticket))[1] == [("TICKET_NOT_APPROVED", "id")]
    assert (await desk.do("startTicket", TICKET, id=other))["status"] == "IN_PROGRESS"
    approval = await desk.do("requestTicketApproval", APPROVAL, id=ticket, by="CUSTOMER")
    cancelled = await desk.do("cancelTicket", TICKET, id=ticket, reason="Zu teuer")
    assert cancelled["approvals"] == [{"by": "CUSTOMER", "status": "WITHDRAWN"}]
    late = await desk.run("decideTicketApproval", APPROVAL, as_boss, id=approval["id"], decision="APPROVE")
    assert late == (None, [("TICKET_APPROVAL_CLOSED", "id")])


async def test_who_approves_for_a_team_sees_and_approves_the_time_of_that_team_alone(desk: Desk) -> None:
    held = frozenset({"tickets:read", "time:read.team", "time:write.own", "time:approve.team"})
    lead = staff(desk.tenant, subject=uuid4(), scopes=held)
    mate, stranger = (staff(desk.tenant, subject=uuid4()) for _ in range(2))
    await team(desk, lead.subject, mate.subject)
    work = {"startedAt": "2026-05-04T06:00:00Z", "endedAt": "2026-05-04T06:30:00Z", "note": "x", "submit": True}
    entries = {}
    for who in (mate, stranger, lead):
        made = await desk.do(
            "bookTime", "timeEntry { id }", who, **work, workItem={"type": "CUSTOMER", "id": str(desk.customer)}
        )
        entries[who.subject] = made["id"]

    seen = await desk.ask("{ timeEntries { id } }", lead)
    assert {one["id"] for one in seen["timeEntries"]} == {entries[mate.subject], entries[lead.subject]}
    entry = "timeEntry { id status }"
    assert (await desk.do("approveTime", entry, lead, id=entries[mate.subject]))["status"] == "APPROVED"
    assert (await desk.run("approveTime", entry, lead, id=entries[stranger.subject]))[1] == [("NOT_FOUND", "id")]
    assert (await desk.run("approveTime", entry, lead, id=entries[lead.subject]))[1] == [("FOUR_EYES", "id")]
    # To approve is not to write: a teammate's entry stays what its writer said.
    changed = await desk.run("rejectTime", entry, lead, id=entries[stranger.subject], reason="x")
    assert changed[1] == [("NOT_FOUND", "id")]
    whole = replace(lead, scopes=frozenset({"time:read", "time:write", "time:approve.team"}))
    assert (await desk.run("approveTime", entry, whole, id=entries[stranger.subject]))[1] == [("FORBIDDEN", "id")]
