"""Kinds of work, and how their minutes are rounded."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from subgraphs.kit.errors import Conflict, Invalid, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work
from subgraphs.tickets.models.sla import BusinessCalendar
from subgraphs.tickets.models.time_entries import RoundingRule, WorkType
from subgraphs.tickets.rules import time_entries as rules
from subgraphs.tickets.rules.time_entries import RoundingMode, RoundingScope
from subgraphs.tickets.service import defaults

_HIGHEST: Final = Decimal(100)


def work_types() -> Select[WorkType]:
    """The kinds of work that are in use, by name."""
    return select(WorkType).where(WorkType.archived_at.is_(None)).order_by(WorkType.name, WorkType.id)


def rounding_rules() -> Select[RoundingRule]:
    """The rules of rounding, by name."""
    return select(RoundingRule).order_by(RoundingRule.name, RoundingRule.id)


async def create(
    work: Work,
    *,
    name: str,
    key: str | None = None,
    multiplier: Decimal = Decimal(1),
    default_billable: bool = True,
    includes_travel: bool = False,
    after_hours_calendar_id: UUID | None = None,
    after_hours_multiplier: Decimal | None = None,
) -> WorkType:
    """Make a kind of work."""
    await defaults.settings(work)
    row = work.add(
        WorkType(
            key=_key(key or name),
            name=line(name, field="name", longest=100),
            multiplier=_multiplier(multiplier, field="multiplier"),
            default_billable=default_billable,
            includes_travel=includes_travel,
        )
    )
    await _after_hours(work, row, after_hours_calendar_id, after_hours_multiplier)
    await _flush(work)
    return row


async def change(work: Work, id: UUID, version: int | None = None, **changes: Any) -> WorkType:
    """Change a kind of work; entries that were approved keep what they were approved with."""
    row = await work.take(WorkType, id, field="id", version=version)
    if "name" in changes:
        row.name = line(changes["name"], field="name", longest=100)
    if changes.get("multiplier") is not None:
        row.multiplier = _multiplier(changes["multiplier"], field="multiplier")
    for name in ("default_billable", "includes_travel"):
        if changes.get(name) is not None:
            setattr(row, name, changes[name])
    if changes.keys() & {"after_hours_calendar_id", "after_hours_multiplier"}:
        calendar = changes.get("after_hours_calendar_id", row.after_hours_calendar_id)
        await _after_hours(work, row, calendar, changes.get("after_hours_multiplier", row.after_hours_multiplier))
    return row


async def round_by(
    work: Work,
    *,
    name: str,
    increment_min: int = 15,
    minimum_min: int = 15,
    mode: RoundingMode = RoundingMode.UP,
    grace_min: int = 0,
    scope: RoundingScope = RoundingScope.PER_ENTRY,
) -> RoundingRule:
    """Round by this rule from now on; entries keep the rule that they were booked with until they are measured again."""
    await defaults.settings(work)
    rules.checked(rules.RoundingRule(increment_min, minimum_min, mode, grace_min, scope))
    for other in await work.session.scalars(select(RoundingRule).where(RoundingRule.is_default).with_for_update()):
        other.is_default = False
    await work.session.flush()
    return work.add(
        RoundingRule(
            name=line(name, field="name", longest=100),
            increment_min=increment_min,
            minimum_min=minimum_min,
            mode=mode,
            grace_min=grace_min,
            scope=scope,
            is_default=True,
        )
    )


async def _after_hours(work: Work, row: WorkType, calendar_id: UUID | None, multiplier: Decimal | None) -> None:
    if (calendar_id is None) != (multiplier is None):
        raise Invalid("After hours need a calendar and a multiplier, or neither.", field="afterHoursCalendarId")
    if calendar_id is not None and await work.find(BusinessCalendar, calendar_id) is None:
        raise NotFound("There is no calendar with this id.", field="afterHoursCalendarId")
    row.after_hours_calendar_id = calendar_id
    row.after_hours_multiplier = None if multiplier is None else _multiplier(multiplier, field="afterHoursMultiplier")


def _multiplier(multiplier: Decimal, *, field: str) -> Decimal:
    if not 0 <= multiplier <= _HIGHEST:
        raise Invalid(f"{field} must be between 0 and {_HIGHEST}.", field=field)
    return multiplier.quantize(Decimal("0.001"))


def _key(text: str) -> str:
    key = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:50]
    if not key:
        raise Invalid("A key has letters or digits.", field="key")
    return key


async def _flush(work: Work) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise Conflict("There is a kind of work with this key.", field="key") from error
