"""The tables of what makes work at the desk quicker: macros, and who looks at a ticket at this moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.rules.tickets import TicketPriority


class Macro(tables.Entity, Model):
    """Several things that are done with a ticket by one click."""

    __tablename__ = "macro"

    name: Mapped[str]
    reply: Mapped[str | None]
    note: Mapped[str | None]
    priority: Mapped[TicketPriority | None] = mapped_column(Enum(TicketPriority, native_enum=False))
    queue_id: Mapped[UUID | None] = mapped_column(Uuid)
    assign_to_me: Mapped[bool]
    tags: Mapped[list[str]]
    checklist: Mapped[list[Any]] = mapped_column(JSONB)
    """`[{"text": "…", "required": true}, …]`"""
    resolution: Mapped[str | None]


class TicketPresence(Model):
    """That somebody has a ticket open; who says so no more is gone a few seconds later."""

    __tablename__ = "ticket_presence"

    ticket_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    visit: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    is_editing: Mapped[bool]
    since: Mapped[datetime] = mapped_column(tables.Moment)
    seen_at: Mapped[datetime] = mapped_column(tables.Moment)
