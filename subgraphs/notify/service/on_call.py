"""Who is on call: schedules, who stands in, and the policies by which people are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select

from subgraphs.kit.errors import Conflict, Invalid, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work
from subgraphs.notify.models.on_call import EscalationPolicy, OnCallOverride, OnCallSchedule
from subgraphs.notify.rules import notices, quiet
from subgraphs.notify.rules import on_call as rules
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.on_call import Override, Rotation, Shift, Step
from subgraphs.notify.service import people

MOST: Final = 100
ZONE: Final = "Europe/Berlin"


def schedules() -> Select[OnCallSchedule]:
    """All schedules that are still there."""
    return select(OnCallSchedule).where(OnCallSchedule.archived_at.is_(None))


def policies() -> Select[EscalationPolicy]:
    """All policies that are still there."""
    return select(EscalationPolicy).where(EscalationPolicy.archived_at.is_(None))


async def create_schedule(
    work: Work,
    *,
    name: str,
    user_ids: Sequence[UUID],
    starts_on: date,
    shift: Shift = Shift.WEEKLY,
    handover: time = time(8),
    time_zone: str = ZONE,
) -> OnCallSchedule:
    """Plan who is on call."""
    await _room(work, schedules())
    zone = quiet.zone(time_zone)
    made = rules.rotation(await _staff(work, user_ids, field="userIds"), shift, handover, starts_on, zone)
    row = OnCallSchedule(name=line(name, field="name"), time_zone=zone, shift=shift, handover=made.handover)
    row.user_ids, row.starts_on = [str(one) for one in made.users], starts_on
    return work.add(row)


async def update_schedule(work: Work, id: UUID, version: int | None = None, **changes: Any) -> OnCallSchedule:
    """Change what is given of a schedule."""
    row = await work.take(OnCallSchedule, id, field="id", version=version)
    if row.archived_at is not None:
        raise NotFound("There is no schedule with this id.", field="id")
    known: dict[str, Any] = {"name": row.name, "time_zone": row.time_zone, "shift": row.shift, "handover": row.handover, "starts_on": row.starts_on}  # fmt: skip
    wanted = known | {name: value for name, value in changes.items() if value is not None}
    users = list(map(UUID, row.user_ids))
    if changes.get("user_ids") is not None:
        users = await _staff(work, wanted.pop("user_ids"), field="userIds")
    zone = quiet.zone(wanted["time_zone"])
    made = rules.rotation(users, wanted["shift"], wanted["handover"], wanted["starts_on"], zone)
    row.name, row.time_zone, row.shift = line(wanted["name"], field="name"), zone, made.shift
    row.handover, row.starts_on, row.user_ids = made.handover, made.starts_on, [str(one) for one in made.users]
    return row


async def archive_schedule(work: Work, id: UUID, version: int | None = None) -> OnCallSchedule:
    """Put a schedule away; refused while a policy calls it."""
    row = await work.take(OnCallSchedule, id, field="id", version=version)
    for policy in await work.session.scalars(policies()):
        if any(step["scheduleId"] == str(row.id) for step in policy.steps):
            raise Conflict(f"The policy {policy.name!r} calls it.", field="id")
    row.archived_at = row.archived_at or work.at
    return row


async def override(
    work: Work, *, schedule_id: UUID, user_id: UUID, starts_at: datetime, ends_at: datetime
) -> OnCallOverride:
    """Say who is on call instead, for a while."""
    row = await work.take(OnCallSchedule, schedule_id, field="scheduleId")
    if row.archived_at is not None:
        raise NotFound("There is no schedule with this id.", field="scheduleId")
    [user] = await _staff(work, [user_id], field="userId")
    made = rules.override(user, starts_at, ends_at, now=work.at)
    return work.add(
        OnCallOverride(schedule_id=row.id, user_id=made.user, starts_at=made.starts_at, ends_at=made.ends_at)
    )


async def withdraw_override(work: Work, id: UUID, version: int | None = None) -> OnCallOverride:
    """Take back that somebody stands in."""
    row = await work.take(OnCallOverride, id, field="id", version=version)
    row.archived_at = row.archived_at or work.at
    return row


async def overrides_of(work: Work, of: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[OnCallOverride]]:
    """Who stands in on each schedule from now on, the next first."""
    where = [OnCallOverride.archived_at.is_(None), OnCallOverride.ends_at > work.at]
    order = (OnCallOverride.starts_at, OnCallOverride.id)
    return await work.per_parent(OnCallOverride, OnCallOverride.schedule_id, of, where=where, order=order, limit=limit)


async def now(work: Work, of: Sequence[UUID], *, at: datetime | None = None) -> Mapping[UUID, Sequence[UUID]]:
    """Who is on call by each schedule, in a list of one; by one that was put away nobody is."""
    moment = at or work.at
    query = select(OnCallOverride).where(OnCallOverride.schedule_id.in_(of), OnCallOverride.archived_at.is_(None))
    within = query.where(OnCallOverride.starts_at <= moment, OnCallOverride.ends_at > moment)
    said: dict[UUID, list[Override]] = defaultdict(list)
    for row in await work.session.scalars(within.order_by(OnCallOverride.created_at, OnCallOverride.id)):
        said[row.schedule_id].append(Override(row.user_id, row.starts_at, row.ends_at))
    rows = await work.session.scalars(schedules().where(OnCallSchedule.id.in_(of)))
    found = {row.id: rules.on_call(_rotation(row), said[row.id], moment) for row in rows}
    return {one: [user] for one, user in found.items() if user is not None}


async def on_call_now(work: Work, users: Sequence[UUID]) -> Mapping[UUID, Sequence[bool]]:
    """Whether each of these users is on call by any schedule, in lists of one."""
    everywhere = (await work.session.scalars(schedules().with_only_columns(OnCallSchedule.id).limit(MOST))).all()
    busy = {user for found in (await now(work, everywhere)).values() for user in found}
    return {one: [one in busy] for one in users}


def _rotation(row: OnCallSchedule) -> Rotation:
    return Rotation(tuple(map(UUID, row.user_ids)), row.shift, row.handover, row.starts_on, row.time_zone)


# --- policies


async def create_policy(
    work: Work, *, name: str, steps: Sequence[Step], event_types: Sequence[str] = ()
) -> EscalationPolicy:
    """Say who is called, and who next."""
    await _room(work, policies())
    row = EscalationPolicy(name=line(name, field="name"), steps=await _steps(work, steps))
    row.event_types = _event_types(event_types)
    return work.add(row)


async def update_policy(work: Work, id: UUID, version: int | None = None, **changes: Any) -> EscalationPolicy:
    """Change what is given of a policy; pages that are on their way go on as they began."""
    row = await work.take(EscalationPolicy, id, field="id", version=version)
    if row.archived_at is not None:
        raise NotFound("There is no policy with this id.", field="id")
    if changes.get("name") is not None:
        row.name = line(changes["name"], field="name")
    if changes.get("steps") is not None:
        row.steps = await _steps(work, changes["steps"])
    if "event_types" in changes:
        row.event_types = _event_types(changes["event_types"] or ())
    return row


async def archive_policy(work: Work, id: UUID, version: int | None = None) -> EscalationPolicy:
    """Put a policy away; pages that are on their way go on."""
    row = await work.take(EscalationPolicy, id, field="id", version=version)
    row.archived_at = row.archived_at or work.at
    return row


async def _steps(work: Work, given: Sequence[Step]) -> list[dict[str, Any]]:
    made = rules.steps(given)
    for one in made:
        if one.user is not None:
            await _staff(work, [one.user], field="userId")
        elif one.schedule is not None:
            row = await work.find(OnCallSchedule, one.schedule)
            if row is None or row.archived_at is not None:
                raise NotFound("There is no schedule with this id.", field="scheduleId")
    return [as_json(one) for one in made]


def as_json(step: Step) -> dict[str, Any]:
    """A step as it lies in a row."""
    return {
        "afterMinutes": step.after_minutes,
        "scheduleId": str(step.schedule) if step.schedule else None,
        "userId": str(step.user) if step.user else None,
        "channels": [one.value for one in step.channels],
    }


def as_step(row: Mapping[str, Any]) -> Step:
    """A step from a row."""
    schedule, user = (UUID(row[name]) if row[name] else None for name in ("scheduleId", "userId"))
    return Step(row["afterMinutes"], schedule, user, tuple(map(ChannelKind, row["channels"])))


def _event_types(given: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(given))
    for one in wanted:
        if one not in notices.NOTICES:
            raise Invalid(f"Nobody is told of {one!r}; there are {', '.join(notices.NOTICES)}.", field="eventTypes")
    return wanted


async def _staff(work: Work, users: Sequence[UUID], *, field: str) -> list[UUID]:
    """These users, each once; raises `NotFound` for one who is none of our people."""
    wanted = list(dict.fromkeys(users))
    there = {one.user_id for one in await people.users(work, wanted) if one.kind == "STAFF"}
    if any(one not in there for one in wanted):
        raise NotFound("There is no user with this id.", field=field)
    return wanted


async def _room(work: Work, query: Select[Any]) -> None:
    if int(await work.session.scalar(query.with_only_columns(func.count())) or 0) >= MOST:
        raise Conflict(f"There may be {MOST} at most.")
