"""The tables of time that was worked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Enum, Numeric, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.rules.time_entries import RoundingMode, RoundingScope, TimeEntryStatus, WorkItemType


class WorkType(tables.Entity, Model):
    """A kind of work, and at which multiple of the rate it is charged."""

    __tablename__ = "work_type"

    key: Mapped[str]
    name: Mapped[str]
    multiplier: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    default_billable: Mapped[bool]
    includes_travel: Mapped[bool]
    after_hours_calendar_id: Mapped[UUID | None] = mapped_column(Uuid)
    """What lies outside of this calendar is after hours."""
    after_hours_multiplier: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))


class RoundingRule(tables.Entity, Model):
    """How charged minutes follow from worked ones."""

    __tablename__ = "rounding_rule"

    name: Mapped[str]
    increment_min: Mapped[int]
    minimum_min: Mapped[int]
    mode: Mapped[RoundingMode] = mapped_column(Enum(RoundingMode, native_enum=False))
    grace_min: Mapped[int]
    scope: Mapped[RoundingScope] = mapped_column(Enum(RoundingScope, native_enum=False))
    is_default: Mapped[bool]


class TimeEntry(tables.Entity, Model):
    """Time that somebody worked."""

    __tablename__ = "time_entry"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    work_item_type: Mapped[WorkItemType] = mapped_column(Enum(WorkItemType, native_enum=False))
    work_item_id: Mapped[UUID | None] = mapped_column(Uuid)
    ticket_id: Mapped[UUID | None] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    contract_id: Mapped[UUID | None] = mapped_column(Uuid)
    work_type_id: Mapped[UUID] = mapped_column(Uuid)
    started_at: Mapped[datetime] = mapped_column(tables.Moment)
    ended_at: Mapped[datetime] = mapped_column(tables.Moment)
    local_date: Mapped[date]
    actual_minutes: Mapped[int]
    billable_minutes: Mapped[int]
    after_hours_minutes: Mapped[int]
    charged_after_hours_minutes: Mapped[int]
    is_billable: Mapped[bool]
    rounding_rule_id: Mapped[UUID | None] = mapped_column(Uuid)
    travel_km: Mapped[Decimal | None] = mapped_column(Numeric(8, 1))
    note: Mapped[str]
    internal_note: Mapped[str | None]
    status: Mapped[TimeEntryStatus] = mapped_column(Enum(TimeEntryStatus, native_enum=False))
    submitted_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    decided_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    decided_by: Mapped[UUID | None] = mapped_column(Uuid)
    rejection: Mapped[str | None]
    billed_in: Mapped[UUID | None] = mapped_column(Uuid)
    corrects_id: Mapped[UUID | None] = mapped_column(Uuid)


class Timer(tables.Entity, Model):
    """A clock that somebody started while they work on a ticket."""

    __tablename__ = "timer"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    started_at: Mapped[datetime] = mapped_column(tables.Moment)
