"""The tables of what is planned and written down for again: templates, recurring tickets, appointments and articles."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.rules.planning import AppointmentKind, AppointmentState, KbVisibility
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import TicketType


class TicketTemplate(tables.Entity, Model):
    """A ticket that comes again and again, without the customer."""

    __tablename__ = "ticket_template"

    name: Mapped[str]
    title: Mapped[str]
    description: Mapped[str | None]
    type: Mapped[TicketType] = mapped_column(Enum(TicketType, native_enum=False))
    impact: Mapped[TicketLevel | None] = mapped_column(Enum(TicketLevel, native_enum=False))
    urgency: Mapped[TicketLevel | None] = mapped_column(Enum(TicketLevel, native_enum=False))
    queue_id: Mapped[UUID | None] = mapped_column(Uuid)
    category_id: Mapped[UUID | None] = mapped_column(Uuid)
    tags: Mapped[list[str]]
    checklist: Mapped[list[Any]] = mapped_column(JSONB)
    """`[{"text": "…", "required": true}, …]`"""


class RecurringTicket(tables.Entity, Model):
    """A template that becomes a ticket by a schedule."""

    __tablename__ = "recurring_ticket"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    template_id: Mapped[UUID] = mapped_column(Uuid)
    rrule: Mapped[str]
    time_zone: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(tables.Moment)
    next_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    last_ticket_id: Mapped[UUID | None] = mapped_column(Uuid)
    is_paused: Mapped[bool]


class Appointment(tables.Entity, Model):
    """When somebody is where, or on the phone."""

    __tablename__ = "appointment"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    ticket_id: Mapped[UUID | None] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    starts_at: Mapped[datetime] = mapped_column(tables.Moment)
    ends_at: Mapped[datetime] = mapped_column(tables.Moment)
    kind: Mapped[AppointmentKind] = mapped_column(Enum(AppointmentKind, native_enum=False))
    state: Mapped[AppointmentState] = mapped_column(Enum(AppointmentState, native_enum=False))
    note: Mapped[str | None]


class KbArticle(tables.Entity, Model):
    """Something that is worth being known."""

    __tablename__ = "kb_article"

    title: Mapped[str]
    body: Mapped[str]
    visibility: Mapped[KbVisibility] = mapped_column(Enum(KbVisibility, native_enum=False))
    customer_ids: Mapped[list[str]]
    tags: Mapped[list[str]]
    review_at: Mapped[date | None]
    published_at: Mapped[datetime | None] = mapped_column(tables.Moment)
