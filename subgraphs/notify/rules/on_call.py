"""Who is on call, and who is called next: shifts by the clock on the wall, and steps until somebody takes over.

A rotation is a list of people who follow each other, each for a day or a week, handing over at a time of the day where
the schedule lives. Counted are the handovers on the wall, not hours, so a night of 23 or 25 hours is one night:

    starts Monday 08:00     Mon 08 ──── Tue 08 ──── Wed 08 ──── Thu 08       daily, of three people
                                  Anna        Bert        Cem         Anna …

An override says who it is instead, for a while; of several the one that was made last counts.

A page climbs the steps of its policy, each so many minutes after it was triggered, until somebody acknowledges it:

    TRIGGERED ──► ESCALATED ──► (the last step)          acknowledging ends the climb, resolving ends the page
        └──────────────┴──► ACKNOWLEDGED ──► RESOLVED
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from itertools import pairwise
from types import MappingProxyType
from typing import Final, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from subgraphs.kit.errors import Invalid, InvalidTransition
from subgraphs.notify.rules.channels import ChannelKind

MOST_PEOPLE: Final = 50
MOST_STEPS: Final = 10
LONGEST_MINUTES: Final = 24 * 60
LONGEST_OVERRIDE: Final = timedelta(days=92)


class Shift(Enum):
    """How long one person is on call."""

    DAILY = "DAILY"
    """A day."""
    WEEKLY = "WEEKLY"
    """A week."""


class PageStatus(Enum):
    """How far a page is."""

    TRIGGERED = "TRIGGERED"
    """Whoever is on call was called."""
    ESCALATED = "ESCALATED"
    """Nobody took it over in time: the next ones were called."""
    ACKNOWLEDGED = "ACKNOWLEDGED"
    """Somebody took it over."""
    RESOLVED = "RESOLVED"
    """It is over."""


OPEN: Final = frozenset({PageStatus.TRIGGERED, PageStatus.ESCALATED})
"""Nobody has taken it over yet."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Who follows whom."""

    users: tuple[UUID, ...]
    shift: Shift
    handover: time
    starts_on: date
    zone: str


@dataclass(frozen=True, slots=True)
class Override:
    """Who it is instead, for a while."""

    user: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """Who is called so many minutes after a page was triggered: whoever is on call by a schedule, or one person."""

    after_minutes: int
    schedule: UUID | None
    user: UUID | None
    channels: tuple[ChannelKind, ...]


def on_call(rotation: Rotation, overrides: Sequence[Override], at: datetime) -> UUID | None:
    """Who is on call; None before the first shift. `overrides` in the order in which they were made."""
    for one in reversed(overrides):
        if one.starts_at <= at < one.ends_at:
            return one.user
    try:
        local = at.astimezone(ZoneInfo(rotation.zone))
        day = local.date() if local.time() >= rotation.handover else local.date() - timedelta(days=1)
    except OverflowError:
        return None  # beyond the calendar nobody is on call
    days = (day - rotation.starts_on).days
    if days < 0 or not rotation.users:
        return None
    return rotation.users[days // _days(rotation.shift) % len(rotation.users)]


def _days(shift: Shift) -> int:
    match shift:
        case Shift.DAILY:
            return 1
        case Shift.WEEKLY:
            return 7
        case _:
            assert_never(shift)


def rotation(users: Sequence[UUID], shift: Shift, handover: time, starts_on: date, zone: str) -> Rotation:
    """A rotation that makes sense; raises `Invalid`."""
    if not 1 <= len(users) <= MOST_PEOPLE:
        raise Invalid(f"A rotation has 1 to {MOST_PEOPLE} people.", field="userIds")
    return Rotation(tuple(users), shift, handover.replace(second=0, microsecond=0, tzinfo=None), starts_on, zone)


def override(user: UUID, starts_at: datetime, ends_at: datetime, *, now: datetime) -> Override:
    """An override that makes sense; raises `Invalid`."""
    if ends_at <= starts_at or ends_at <= now:
        raise Invalid("It ends after it begins, and not in the past.", field="endsAt")
    if ends_at - starts_at > LONGEST_OVERRIDE:
        raise Invalid(
            f"Whoever stands in for more than {LONGEST_OVERRIDE.days} days belongs into the rotation.", field="endsAt"
        )
    return Override(user, starts_at, ends_at)


def steps(given: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of a policy, each later than the one before; raises `Invalid`."""
    if not 1 <= len(given) <= MOST_STEPS:
        raise Invalid(f"A policy has 1 to {MOST_STEPS} steps.", field="steps")
    for one in given:
        if not 0 <= one.after_minutes <= LONGEST_MINUTES:
            raise Invalid(f"afterMinutes is 0 to {LONGEST_MINUTES}.", field="afterMinutes")
        if (one.schedule is None) == (one.user is None):
            raise Invalid("A step calls a schedule or one person.", field="scheduleId")
        if ChannelKind.TEAMS in one.channels:
            raise Invalid("Teams tells channels, not people.", field="channels")
    if any(later.after_minutes <= earlier.after_minutes for earlier, later in pairwise(given)):
        raise Invalid("Each step comes later than the one before.", field="afterMinutes")
    return tuple(given)


class PageMove(Enum):
    """What can be done with a page."""

    ESCALATE = "ESCALATE"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    RESOLVE = "RESOLVE"


_MOVES: Final[Mapping[PageMove, tuple[frozenset[PageStatus], PageStatus]]] = MappingProxyType(
    {
        PageMove.ESCALATE: (OPEN, PageStatus.ESCALATED),
        PageMove.ACKNOWLEDGE: (OPEN, PageStatus.ACKNOWLEDGED),
        PageMove.RESOLVE: (OPEN | {PageStatus.ACKNOWLEDGED}, PageStatus.RESOLVED),
    }
)


def moved(move: PageMove, status: PageStatus) -> PageStatus:
    """The status that follows; raises `InvalidTransition`."""
    sources, target = _MOVES[move]
    if status not in sources:
        names = ", ".join(sorted(one.value for one in sources))
        raise InvalidTransition(f"This page is {status.value}; it must be one of {names}.", field="id")
    return target
