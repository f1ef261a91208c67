"""How approvals look in the graph: what was asked, who may decide, and what they said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import LONGEST_PAGE, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.tickets.models.approvals import TicketApproval as Row
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.rules.approvals import TicketApprovalBy, TicketApprovalDecision, TicketApprovalStatus
from subgraphs.tickets.types.pointers import Team

READ = "tickets:read"

if TYPE_CHECKING:
    from subgraphs.tickets.types.others import Contact, User
    from subgraphs.tickets.types.tickets import Ticket

LazyTicket = Annotated["Ticket", strawberry.lazy("subgraphs.tickets.types.tickets")]
LazyContact = Annotated["Contact", strawberry.lazy("subgraphs.tickets.types.others")]
LazyUser = Annotated["User", strawberry.lazy("subgraphs.tickets.types.others")]

for spoken in (TicketApprovalBy, TicketApprovalStatus, TicketApprovalDecision):
    strawberry.enum(spoken)


@strawberry.type
class TicketApprover:
    """Somebody who may decide, and what they said."""

    contact_id: strawberry.ID | None
    """The contact of the customer who they are."""
    user_id: strawberry.ID | None
    """The user of the team who they are; of a contact, the one as whom they decided."""
    decision: TicketApprovalDecision | None
    """What they said; null as long as they said nothing."""
    comment: str | None
    """Why."""
    decided_at: datetime | None
    """When."""

    @strawberry.field
    def contact(self) -> LazyContact | None:
        """The contact of the customer who they are."""
        from subgraphs.tickets.types.others import Contact  # noqa: PLC0415 - contacts show tickets, and these approvals

        return Contact(id=self.contact_id) if self.contact_id else None

    @strawberry.field
    def user(self) -> LazyUser | None:
        """The user who they are."""
        from subgraphs.tickets.types.others import User  # noqa: PLC0415 - users show tickets, and these approvals

        return User(id=self.user_id) if self.user_id else None

    @classmethod
    def of(cls, by: TicketApprovalBy, approver: str, vote: dict[str, Any] | None) -> Self:
        """The approver, and the vote that is theirs."""
        of_customer = by is TicketApprovalBy.CUSTOMER
        said = vote or {}
        user = said.get("user") if of_customer else approver
        return cls(
            contact_id=strawberry.ID(approver) if of_customer else None,
            user_id=strawberry.ID(user) if user else None,
            decision=TicketApprovalDecision(said["decision"]) if said else None,
            comment=said.get("comment"),
            decided_at=datetime.fromisoformat(said["at"]) if said else None,
        )


@entity(keys=["id"])
class TicketApproval:
    """One question to the customer or to a team: may this change be done?"""

    id: strawberry.ID
    """The identifier: a UUID."""
    ticket_id: strawberry.ID
    """The change."""
    by: TicketApprovalBy
    """Who approves."""
    team_id: strawberry.ID | None
    """The team, if it is one."""
    title: str
    """The title of the change as it was when it was asked."""
    description: str | None
    """Its description as it was when it was asked: what is approved."""
    question: str | None
    """What was asked beside it."""
    quorum: int
    """How many have to say yes."""
    status: TicketApprovalStatus
    """Where it is."""
    created_at: datetime
    """When it was asked."""
    created_by: strawberry.ID
    """Who asked: one of us, who does not decide."""
    decided_at: datetime | None
    """When it came to its end."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    asked: strawberry.Private[list[TicketApprover]]

    @strawberry.field
    def approvers(self, limit: Limit = LONGEST_PAGE) -> list[TicketApprover]:
        """Who may decide, and what they said."""
        return self.asked[: bounded(limit)]

    @strawberry.field
    def team(self) -> Team | None:
        """The team, if it is one."""
        return Team(id=self.team_id) if self.team_id else None

    @strawberry.field
    async def ticket(self, info: Info) -> LazyTicket | None:
        """The change."""
        from subgraphs.tickets.types.tickets import Ticket  # noqa: PLC0415 - tickets show these, and these show tickets

        row = await info.context.row(TicketRow, self.ticket_id, READ)
        return Ticket.of(row) if row else None

    @classmethod
    def of(cls, row: Row) -> Self:
        """The approval in this row."""
        votes = {vote["approver"]: vote for vote in row.votes}
        return shape(cls, row, asked=[TicketApprover.of(row.by, one, votes.get(one)) for one in row.approvers])

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The approval that another module points at."""
        row = await info.context.row(Row, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class TicketApprovalPayload:
    """What became of a command on an approval."""

    ticket_approval: TicketApproval | None = None
    """The approval as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
