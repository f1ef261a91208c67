"""The tables of being on call: schedules, who stands in, policies that say who is called next, and pages."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Enum, Time, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.notify.models import Model
from subgraphs.notify.rules.on_call import PageStatus, Shift


class OnCallSchedule(tables.Entity, Model):
    """Who is on call when."""

    __tablename__ = "on_call_schedule"

    name: Mapped[str]
    time_zone: Mapped[str]
    user_ids: Mapped[list[str]]
    shift: Mapped[Shift] = mapped_column(Enum(Shift, native_enum=False))
    handover: Mapped[time] = mapped_column(Time)
    starts_on: Mapped[date] = mapped_column(Date)


class OnCallOverride(tables.Entity, Model):
    """Who it is instead, for a while."""

    __tablename__ = "on_call_override"

    schedule_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class EscalationPolicy(tables.Entity, Model):
    """Who is called, and who when nobody takes over."""

    __tablename__ = "escalation_policy"

    name: Mapped[str]
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`[{"afterMinutes": 5, "scheduleId": "…", "userId": null, "channels": ["SMS"]}, …]`"""
    event_types: Mapped[list[str]]


class Page(tables.Entity, Model):
    """Somebody is called, until somebody takes over."""

    __tablename__ = "page"

    policy_id: Mapped[UUID] = mapped_column(Uuid)
    title: Mapped[str]
    incident_ref: Mapped[str | None]
    about_customer: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[PageStatus] = mapped_column(Enum(PageStatus, native_enum=False))
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """The policy's, as they were when it was triggered."""
    step: Mapped[int]
    """The last step that was taken, counted from 0; -1 before the first."""
    log: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Who was called: `[{"step": 0, "at": "…", "userId": "…"}, …]`; `userId` null where nobody was there."""
    acknowledged_by: Mapped[UUID | None] = mapped_column(Uuid)
    acknowledged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
