"""The tables of service levels: calendars, policies, and the facts that clocks are derived from."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.rules.policies import SlaScope
from subgraphs.tickets.rules.sla import Condition, SlaBreachReason, SlaClockState, SlaMetric


class BusinessCalendar(tables.Entity, Model):
    """When a desk is at work."""

    __tablename__ = "business_calendar"

    name: Mapped[str]
    time_zone: Mapped[str]
    weekly: Mapped[list[Any]] = mapped_column(JSONB)
    """`[{"weekday": 1, "from": "08:00", "to": "17:00"}, …]`"""
    holidays: Mapped[list[Any]] = mapped_column(JSONB)
    """`[{"date": "2026-05-01", "name": "…"}, …]`, beside those of the region."""
    holiday_region: Mapped[str | None]
    is24x7: Mapped[bool]
    revision_id: Mapped[UUID] = mapped_column(Uuid)


class CalendarRevision(Model):
    """How a calendar was from a moment on; never changed, because clocks of then point at it."""

    __tablename__ = "calendar_revision"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    calendar_id: Mapped[UUID] = mapped_column(Uuid)
    since: Mapped[datetime] = mapped_column(tables.Moment)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)


class SlaPolicy(tables.Entity, Model):
    """What is promised, by priority."""

    __tablename__ = "sla_policy"

    name: Mapped[str]
    calendar_id: Mapped[UUID] = mapped_column(Uuid)
    targets: Mapped[list[Any]] = mapped_column(JSONB)
    """`[{"priority": "P1", "metric": "RESOLUTION", "minutes": 240, "calendarId": null}, …]`"""
    update_target_minutes: Mapped[int | None]
    pause_on_vendor: Mapped[bool]
    warn_at: Mapped[list[Any]] = mapped_column(JSONB)
    is_default: Mapped[bool]


class SlaAssignment(tables.Entity, Model):
    """To whom a policy is promised."""

    __tablename__ = "sla_assignment"

    policy_id: Mapped[UUID] = mapped_column(Uuid)
    scope: Mapped[SlaScope] = mapped_column(Enum(SlaScope, native_enum=False))
    target_id: Mapped[UUID] = mapped_column(Uuid)


class SlaFact(Model):
    """Something that happened to a ticket and that its clocks see; only ever appended."""

    __tablename__ = "sla_fact"

    ticket_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(tables.Moment)
    condition: Mapped[Condition | None] = mapped_column(Enum(Condition, native_enum=False))


class SlaTerms(Model):
    """What was promised for a ticket from a moment on, and why; only ever appended."""

    __tablename__ = "sla_terms"

    ticket_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    since: Mapped[datetime] = mapped_column(tables.Moment)
    policy_id: Mapped[UUID | None] = mapped_column(Uuid)
    because: Mapped[str]
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)


class SlaClock(tables.Entity, Model):
    """A clock as it was derived last: for lists, timers and what was told; what passes by the minute is not here."""

    __tablename__ = "sla_clock"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    metric: Mapped[SlaMetric] = mapped_column(Enum(SlaMetric, native_enum=False))
    ordinal: Mapped[int]
    state: Mapped[SlaClockState] = mapped_column(Enum(SlaClockState, native_enum=False))
    target_minutes: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(tables.Moment)
    due_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    met_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    breached_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    breach_reason: Mapped[SlaBreachReason | None] = mapped_column(Enum(SlaBreachReason, native_enum=False))
    told: Mapped[list[Any]] = mapped_column(JSONB)
    """The percentages that were told: each once."""
