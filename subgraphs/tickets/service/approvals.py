"""Approvals of changes: asked for, decided by those who were asked, and looked at before anybody begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError

from contracts.events import tickets as events
from subgraphs.kit.errors import Conflict, Forbidden, Invalid, NotFound
from subgraphs.kit.separation import four_eyes
from subgraphs.kit.shapes import prose
from subgraphs.kit.work import Work
from subgraphs.tickets.errors import WrongStatus
from subgraphs.tickets.models.approvals import TicketApproval
from subgraphs.tickets.models.desk import ContactCopy
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules import approvals as rules
from subgraphs.tickets.rules import tickets as ticket_rules
from subgraphs.tickets.rules.approvals import TicketApprovalBy, TicketApprovalDecision, TicketApprovalStatus
from subgraphs.tickets.rules.tickets import Move
from subgraphs.tickets.service import defaults, teams

_DECIDES: Final = "DECISION_MAKER"
"""The role of the contacts who are asked when nobody is named."""
_LONGEST: Final = 4_000

# --- reading


def waiting(work: Work, *, mine: bool) -> Select[TicketApproval]:
    """The query for what has to be decided, by whoever asks or by anybody; what waits longest first."""
    query = select(TicketApproval).where(TicketApproval.status == TicketApprovalStatus.PENDING)
    if mine:
        me = [str(one) for one in (work.caller.subject, work.caller.contact) if one]
        query = query.where(or_(*(TicketApproval.approvers.contains([one]) for one in me)))
        query = query.where(*(~TicketApproval.votes.contains([{"approver": one}]) for one in me))
    return query.order_by(TicketApproval.created_at, TicketApproval.id)


async def of_tickets(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[TicketApproval]]:
    """What was asked about each ticket, in order."""
    order = (TicketApproval.created_at, TicketApproval.id)
    return await work.per_parent(TicketApproval, TicketApproval.ticket_id, tickets, order=order, limit=limit)


# --- asking


async def request(
    work: Work,
    id: UUID,
    by: TicketApprovalBy,
    contact_ids: Sequence[UUID] = (),
    team_id: UUID | None = None,
    quorum: int | None = None,
    question: str | None = None,
    version: int | None = None,
) -> TicketApproval:
    """Ask people of the customer, or a team, whether a change may be done."""
    if work.caller.kind not in ticket_rules.INSIDERS:
        raise Forbidden("Approval is asked for by staff.")
    ticket = await work.take(Ticket, id, field="id", version=version)
    rules.check_asked(ticket.type)
    if ticket.status in ticket_rules.DONE:
        raise WrongStatus(f"Approval is asked for what is not done; this ticket is {ticket.status.value}.", field="id")
    approvers = await _approvers(work, ticket, by, contact_ids, team_id)
    row = work.add(
        TicketApproval(
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            by=by,
            team_id=team_id,
            title=ticket.title,
            description=ticket.description,
            question=prose(question, field="question", longest=_LONGEST),
            approvers=[str(one) for one in approvers],
            votes=[],
            quorum=rules.quorum(quorum, len(approvers)),
            status=TicketApprovalStatus.PENDING,
            ticket_contact_id=ticket.contact_id,
            ticket_opened_by=ticket.created_by,
        )
    )
    await _unless_asked(work)
    await _tell_asked(work, ticket, row, approvers)
    return row


async def _approvers(
    work: Work, ticket: Ticket, by: TicketApprovalBy, contact_ids: Sequence[UUID], team_id: UUID | None
) -> list[UUID]:
    if by is TicketApprovalBy.TEAM:
        if contact_ids:
            raise Invalid("Contacts are named for the customer's approval.", field="contactIds")
        # Whoever asks does not decide; of a team of one there is nobody left.
        asking = {work.caller.subject, work.caller.impersonator}
        return [one for one in await teams.members(work, team_id, field="teamId") if one not in asking]
    if team_id is not None:
        raise Invalid("A team is named for the approval of a team.", field="teamId")
    here = select(ContactCopy).where(ContactCopy.customer_id == ticket.customer_id, ContactCopy.active)
    if not contact_ids:
        deciders = await work.session.scalars(here.where(ContactCopy.roles.contains([_DECIDES])))
        return sorted(row.contact_id for row in deciders)
    named = list(dict.fromkeys(contact_ids))
    found = {row.contact_id for row in await work.session.scalars(here.where(ContactCopy.contact_id.in_(named)))}
    if found != set(named):
        raise NotFound("The customer has no such contact, or they have left.", field="contactIds")
    return named


async def _unless_asked(work: Work) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        if "ticket_approval_once" not in str(error.orig):
            raise
        raise Conflict("They were asked already, and have not decided.", field="id") from error


# --- deciding


async def decide(
    work: Work, id: UUID, decision: TicketApprovalDecision, comment: str | None = None, version: int | None = None
) -> TicketApproval:
    """Say yes or no to a change; whoever says no says why."""
    row = await work.take(TicketApproval, id, field="id", version=version)
    me = await _as_approver(work, row)
    rules.check_deciding(row.status, decided=any(vote["approver"] == me for vote in row.votes))
    said = prose(comment, field="comment", longest=_LONGEST)
    if decision is TicketApprovalDecision.REJECT and said is None:
        raise Invalid("Say why not.", field="comment")
    vote = {"approver": me, "user": str(work.caller.subject), "decision": decision.value, "comment": said}
    row.votes = [*row.votes, {**vote, "at": work.at.isoformat()}]
    votes = [TicketApprovalDecision(one["decision"]) for one in row.votes]
    status = rules.outcome(votes, approvers=len(row.approvers), needed=row.quorum)
    if status is not TicketApprovalStatus.PENDING:
        await _end(work, row, status, comment=said)
    else:
        told = events.TicketUpdated(id=row.ticket_id, changed=("approvals",))
        await work.emit(told, subject=row.ticket_id, customer=row.customer_id)
    return row


async def _as_approver(work: Work, row: TicketApproval) -> str:
    """As whom the caller was asked; refuses whoever was not, and whoever acts in another's name."""
    if work.caller.impersonator is not None:
        raise Forbidden("Nobody decides in another's name.", field="id")
    if row.by is TicketApprovalBy.TEAM:
        four_eyes(work, row.created_by, field="id")
        here = await teams.belongs(work, work.caller.subject, row.team_id)
        me = str(work.caller.subject) if here else None
    else:
        me = str(work.caller.contact) if work.caller.contact and await _is_here(work, row) else None
    if me is None or me not in row.approvers:
        raise Forbidden("You were not asked.", field="id")
    return me


async def _is_here(work: Work, row: TicketApproval) -> bool:
    query = select(ContactCopy.active).where(
        ContactCopy.contact_id == work.caller.contact, ContactCopy.customer_id == row.customer_id
    )
    return bool(await work.session.scalar(query))


async def withdraw(work: Work, id: UUID, version: int | None = None) -> TicketApproval:
    """Take a question back that nobody has to answer any more."""
    row = await work.take(TicketApproval, id, field="id", version=version)
    if work.caller.kind not in ticket_rules.INSIDERS:
        raise Forbidden("Questions are taken back by staff.")
    rules.check_withdrawing(row.status)
    await _end(work, row, TicketApprovalStatus.WITHDRAWN)
    return row


# --- what follows for the ticket


async def check_move(work: Work, ticket: Ticket, move: Move) -> None:
    """Refuse to begin or resolve a change that waits for approval."""
    if move not in rules.HELD:
        return
    demanded = False
    if ticket.type is ticket_rules.TicketType.CHANGE:
        demanded = (await defaults.settings(work)).changes_need_approval
    rules.check_move(
        move, [rules.Asked(one.by, one.team_id, one.status) for one in await _of(work, ticket)], demanded=demanded
    )


async def described_anew(work: Work, ticket: Ticket) -> None:
    """A change was described anew before anybody worked on it: what was approved is not what would be done."""
    if ticket.status in rules.NOT_BEGUN:
        for row in await _of(work, ticket, lock=True):
            status = rules.described_anew(row.status)
            if status is not row.status:
                await _end(work, row, status)


async def ended(work: Work, ticket: Ticket) -> None:
    """A ticket will not be done: nobody has to decide about it any more."""
    for row in await _of(work, ticket, lock=True):
        if row.status is TicketApprovalStatus.PENDING:
            await _end(work, row, TicketApprovalStatus.WITHDRAWN)


async def _of(work: Work, ticket: Ticket, *, lock: bool = False) -> Sequence[TicketApproval]:
    query = select(TicketApproval).where(TicketApproval.ticket_id == ticket.id)
    query = query.order_by(TicketApproval.created_at, TicketApproval.id)
    return (await work.session.scalars(query.with_for_update() if lock else query)).all()


# --- telling


async def _end(work: Work, row: TicketApproval, status: TicketApprovalStatus, comment: str | None = None) -> None:
    row.status, row.decided_at = status, work.at
    ticket = await work.find(Ticket, row.ticket_id)
    told = events.TicketApprovalDecided(
        **_facts(ticket, row),
        status=status.value,
        comment=comment,
        requested_by=row.created_by,
        assignee_id=ticket.assignee_id if ticket else None,
    )
    await work.emit(told, subject=row.ticket_id, customer=row.customer_id)


async def _tell_asked(work: Work, ticket: Ticket, row: TicketApproval, approvers: Sequence[UUID]) -> None:
    of_customer = row.by is TicketApprovalBy.CUSTOMER
    told = events.TicketApprovalRequested(
        **_facts(ticket, row),
        quorum=row.quorum,
        question=row.question,
        contact_ids=tuple(approvers) if of_customer else (),
        approver_ids=() if of_customer else tuple(approvers),
        requested_by=work.caller.subject,
    )
    await work.emit(told, subject=ticket.id, customer=ticket.customer_id)


def _facts(ticket: Ticket | None, row: TicketApproval) -> dict[str, Any]:
    return {
        "id": row.ticket_id,
        "approval_id": row.id,
        "number": ticket.number if ticket else "",
        "title": row.title,
        "by": row.by.value,
        "team_id": row.team_id,
    }
