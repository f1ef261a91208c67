"""The tables of what orders the work of a desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.rules.tickets import QueueVisibility, TicketPriority, TicketStatus


class DeskSettings(tables.Entity, Model):
    """What a tenant decided about its desk; one row for each tenant."""

    __tablename__ = "desk_settings"

    time_zone: Mapped[str]
    priority_matrix: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The priority for each impact and urgency: `{"HIGH/LOW": "P3", …}`."""
    file_secret: Mapped[str]
    """What links to files are signed with."""
    reopen_within_business_days: Mapped[int]
    close_after_business_days: Mapped[int]
    changes_need_approval: Mapped[bool] = mapped_column(default=False)
    """Whether a change waits for an approval also when nobody asked for one."""


class Queue(tables.Entity, Model):
    """A place where tickets wait for somebody."""

    __tablename__ = "queue"

    name: Mapped[str]
    email: Mapped[str | None]
    default_priority: Mapped[TicketPriority] = mapped_column(Enum(TicketPriority, native_enum=False))
    visibility: Mapped[QueueVisibility] = mapped_column(Enum(QueueVisibility, native_enum=False))


class Category(tables.Entity, Model):
    """What a ticket is about, in a tree."""

    __tablename__ = "category"

    name: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    path: Mapped[str]
    """The names from the root: `Hardware / Printers`."""


class SubStatus(tables.Entity, Model):
    """A tenant's own word below a status; the status itself stays."""

    __tablename__ = "sub_status"

    label: Mapped[str]
    status: Mapped[TicketStatus] = mapped_column(Enum(TicketStatus, native_enum=False))
    pauses_sla: Mapped[bool]


class ContactCopy(Model):
    """What the desk needs of a contact of customer management, as its events tell."""

    __tablename__ = "contact_copy"

    contact_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    email: Mapped[str | None]
    is_vip: Mapped[bool] = mapped_column(default=False)
    roles: Mapped[list[str]] = mapped_column(default=list)
    active: Mapped[bool] = mapped_column(default=True)
    """Whether they still work there, and may act for their company."""
    at: Mapped[datetime] = mapped_column(tables.Moment)
