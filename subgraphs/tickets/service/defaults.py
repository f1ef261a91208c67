"""The first day of a tenant's desk: what `rules.defaults` says becomes rows, once, when they are first needed."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import DeskSettings, Queue
from subgraphs.tickets.models.sla import BusinessCalendar, SlaPolicy
from subgraphs.tickets.models.time_entries import RoundingRule, WorkType
from subgraphs.tickets.rules import defaults, priorities
from subgraphs.tickets.rules.sla import SlaMetric
from subgraphs.tickets.rules.tickets import QueueVisibility, TicketPriority
from subgraphs.tickets.rules.time_entries import RoundingMode, RoundingScope
from subgraphs.tickets.service import calendars

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:name))")


async def settings(work: Work) -> DeskSettings:
    """What the tenant decided about its desk; makes the desk when this is its first day."""
    found = await _found(work)
    if found is not None:
        return found
    await work.session.execute(_LOCK, {"name": f"tickets.defaults.{work.caller.tenant}"})
    return await _found(work) or await _made(work)


async def _found(work: Work) -> DeskSettings | None:
    row: DeskSettings | None = await work.session.scalar(select(DeskSettings))
    return row


async def _made(work: Work) -> DeskSettings:
    row = work.add(
        DeskSettings(
            time_zone=defaults.TIME_ZONE,
            priority_matrix=dict(priorities.MATRIX),
            file_secret=secrets.token_hex(32),
            reopen_within_business_days=defaults.REOPEN_WITHIN_BUSINESS_DAYS,
            close_after_business_days=defaults.CLOSE_AFTER_BUSINESS_DAYS,
        )
    )
    by_name = _calendars(work)
    await work.session.flush()  # the policy points at a calendar
    _policy(work, by_name[defaults.CALENDAR])
    for name, visibility in defaults.QUEUES:
        queue = Queue(name=name, default_priority=TicketPriority.P3, visibility=QueueVisibility(visibility))
        work.add(queue)
    for one in defaults.WORK_TYPES:
        work.add(WorkType(**_work_type(one)))
    work.add(
        RoundingRule(
            name=defaults.ROUNDING,
            increment_min=15,
            minimum_min=15,
            mode=RoundingMode.UP,
            grace_min=0,
            scope=RoundingScope.PER_ENTRY,
            is_default=True,
        )
    )
    await work.session.flush()
    return row


def _calendars(work: Work) -> dict[str, UUID]:
    made: dict[str, BusinessCalendar] = {}
    for name, calendar in defaults.CALENDARS.items():
        made[name] = calendars.drafted(
            work,
            name=name,
            time_zone=calendar.time_zone,
            weekly=calendars.weekly(calendar.windows),
            holiday_region=calendar.region,
            is24x7=calendar.always,
        )
    return {name: row.id for name, row in made.items()}


def _policy(work: Work, calendar: UUID) -> None:
    targets = [
        {"priority": priority, "metric": metric.value, "minutes": minutes, "calendarId": None}
        for priority, both in defaults.TARGETS.items()
        for metric, minutes in zip((SlaMetric.FIRST_RESPONSE, SlaMetric.RESOLUTION), both, strict=True)
    ]
    work.add(
        SlaPolicy(
            name=defaults.POLICY,
            calendar_id=calendar,
            targets=targets,
            update_target_minutes=None,
            pause_on_vendor=False,
            warn_at=list(defaults.WARN_AT),
            is_default=True,
        )
    )


def _work_type(given: Any) -> dict[str, Any]:
    plain = {"default_billable": True, "includes_travel": False, "multiplier": Decimal(1)}
    return {**plain, **given}


async def queue_named(work: Work, name: str) -> Queue | None:
    """The queue of this name, whatever the case."""
    found: Queue | None = await work.session.scalar(
        select(Queue).where(func.lower(Queue.name) == name.lower(), Queue.archived_at.is_(None))
    )
    return found
