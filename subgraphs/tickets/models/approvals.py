"""The tables of approvals: who was asked whether a change may be done and what they said, and who belongs to which team."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.rules.approvals import TicketApprovalBy, TicketApprovalStatus


class TicketApproval(tables.Entity, Model):
    """One question to the customer or to a team: may this change be done?"""

    __tablename__ = "ticket_approval"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    by: Mapped[TicketApprovalBy] = mapped_column(Enum(TicketApprovalBy, native_enum=False))
    team_id: Mapped[UUID | None] = mapped_column(Uuid)
    title: Mapped[str]
    """The ticket's title and description as they were when it was asked: what was approved."""
    description: Mapped[str | None]
    question: Mapped[str | None]
    approvers: Mapped[list[str]]
    """Who may decide: contacts of the customer, or users of the team."""
    votes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`[{"approver": "…", "user": "…", "decision": "APPROVE", "comment": null, "at": "…"}, …]`"""
    quorum: Mapped[int]
    status: Mapped[TicketApprovalStatus] = mapped_column(Enum(TicketApprovalStatus, native_enum=False))
    decided_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    ticket_contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    """Whose ticket it is, so that they see what became of it: the contact, and the user who opened it."""
    ticket_opened_by: Mapped[UUID] = mapped_column(Uuid)


class TeamCopy(Model):
    """A team, as identity told of it."""

    __tablename__ = "team_copy"

    team_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str]
    members: Mapped[list[str]]
    dissolved: Mapped[bool]
    at: Mapped[datetime] = mapped_column(tables.Moment)
