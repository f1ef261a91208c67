"""Approvals of changes by GraphQL: asked for, decided, taken back."""

from __future__ import annotations

import strawberry

from subgraphs.kit.commands import Change, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work
from subgraphs.tickets.models import approvals as models
from subgraphs.tickets.rules.approvals import TicketApprovalBy, TicketApprovalDecision
from subgraphs.tickets.service import approvals as service
from subgraphs.tickets.types.approvals import READ, TicketApproval, TicketApprovalPayload

WRITE = "tickets:write"


@strawberry.type
class ApprovalQuery:
    """What can be asked about approvals."""

    @strawberry.field(directives=(Rest(path="/change-approvals"),))  # type: ignore[untyped-decorator]
    async def pending_ticket_approvals(
        self,
        info: Info,
        mine: bool = True,  # noqa: FBT001, FBT002 - GraphQL names its arguments
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[TicketApproval]:
        """What waits for a decision, the longest first: for yours, or with `mine: false` for anybody's."""
        async with info.context.work(READ) as work:
            query = service.waiting(work, mine=mine).limit(bounded(limit)).offset(skipped(offset))
            rows = (await work.session.scalars(query)).all()
        return [TicketApproval.of(row) for row in rows]


@strawberry.input
class RequestTicketApprovalInput(Change):
    """A change, and who has to approve it."""

    id: strawberry.ID
    """The ticket; it must be a CHANGE."""
    by: TicketApprovalBy
    """Whether people of the customer approve, or a team of ours."""
    contact_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list,
        description="The contacts of the customer who may decide; all who are DECISION_MAKER when nobody is named.",
    )
    team_id: strawberry.ID | None = None
    """The team whose people may decide, all but yourself."""
    quorum: int | None = None
    """How many have to say yes; one when absent."""
    question: str | None = None
    """What is asked beside what the ticket says."""


@strawberry.input
class DecideTicketApprovalInput(Change):
    """What you say to a change about which you were asked."""

    id: strawberry.ID
    """The approval."""
    decision: TicketApprovalDecision
    """Yes or no."""
    comment: str | None = None
    """Why; a no needs a reason."""


@strawberry.input
class WithdrawTicketApprovalInput(Change):
    """A question that nobody has to answer any more."""

    id: strawberry.ID
    """The approval."""


@strawberry.type
class ApprovalMutation:
    """What can be done about approvals."""

    @command(WRITE, TicketApprovalPayload, rest=Rest(method="POST", path="/tickets/{id}/actions/request-approval"))
    async def request_ticket_approval(work: Work, input: RequestTicketApprovalInput) -> models.TicketApproval:
        """Ask people of the customer, or a team, whether a change may be done; until they said yes, nobody begins it."""
        return await service.request(work, **given(input))

    @command(WRITE, TicketApprovalPayload)
    async def decide_ticket_approval(work: Work, input: DecideTicketApprovalInput) -> models.TicketApproval:
        """Say yes or no to a change; only those do who were asked, each once, and never who asked."""
        return await service.decide(work, **given(input))

    @command(WRITE, TicketApprovalPayload)
    async def withdraw_ticket_approval(work: Work, input: WithdrawTicketApprovalInput) -> models.TicketApproval:
        """Take a question back before it is decided."""
        return await service.withdraw(work, **given(input))
