"""Time that was worked, and time that is charged: rounding, what lies after hours, and the way of an entry to its invoice.

    minutes that were worked      a fact, never rounded
    minutes that are charged      derived by a rule, and kept with the rule

    17:35          18:00       18:15
      ├── 25 normal ──┼─ 15 after ─┤   40 worked, the quarter begun counts: 45 charged
                                       what rounding adds goes to the cheapest part: 30 normal + 15 after hours

An entry is a `DRAFT` until its writer submits it. Somebody else approves it or sends it back. A billing run locks what it picks; what is
on an invoice never changes again, and is corrected by another entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from subgraphs.kit.errors import Immutable, Invalid
from subgraphs.tickets.errors import TimeEntryWrongStatus
from subgraphs.tickets.rules import calendars
from subgraphs.tickets.rules.calendars import Calendar

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_LONGEST = timedelta(hours=16)
_CENT = Decimal("0.01")


class TimeEntryStatus(Enum):
    """Where a time entry is on its way to the invoice."""

    DRAFT = "DRAFT"
    """Written down; its writer may still change it."""
    SUBMITTED = "SUBMITTED"
    """Waits for approval."""
    APPROVED = "APPROVED"
    """Approved, and ready to be billed."""
    REJECTED = "REJECTED"
    """Sent back with a reason."""
    LOCKED = "LOCKED"
    """Picked by a billing run."""
    BILLED = "BILLED"
    """On an issued invoice."""


class WorkItemType(Enum):
    """What time was worked for."""

    TICKET = "TICKET"
    """A ticket."""
    PROJECT_TASK = "PROJECT_TASK"
    """A task of a project."""
    CUSTOMER = "CUSTOMER"
    """A customer, without a ticket."""
    INTERNAL = "INTERNAL"
    """Ourselves."""


class RoundingMode(Enum):
    """Which way minutes are rounded."""

    UP = "UP"
    """To the next full increment."""
    NEAREST = "NEAREST"
    """To the nearest increment; halves go up."""
    DOWN = "DOWN"
    """To the last full increment."""


class RoundingScope(Enum):
    """What is rounded as one."""

    PER_ENTRY = "PER_ENTRY"
    """Each entry by itself."""
    PER_TICKET_DAY = "PER_TICKET_DAY"
    """All entries of one ticket on one local day together."""


class EntryMove(Enum):
    """What moves a time entry: commands by their GraphQL names, and what billing tells."""

    SUBMIT = "submitTime"
    APPROVE = "approveTime"
    REJECT = "rejectTime"
    REVISE = "updateTime"
    LOCK = "lockTime"
    UNLOCK = "unlockTime"
    BILL = "billTime"
    UNBILL = "unbillTime"


@dataclass(frozen=True, slots=True)
class RoundingRule:
    """How charged minutes follow from worked ones."""

    increment: int = 15
    minimum: int = 15
    mode: RoundingMode = RoundingMode.UP
    grace: int = 0
    """So many minutes into an increment are given away."""
    scope: RoundingScope = RoundingScope.PER_ENTRY


@dataclass(frozen=True, slots=True)
class Segment:
    """Minutes that are charged at one multiple of the rate."""

    minutes: int
    multiplier: Decimal
    after_hours: bool = False


S = TimeEntryStatus

MOVES: Mapping[EntryMove, tuple[frozenset[TimeEntryStatus], TimeEntryStatus]] = MappingProxyType(
    {
        EntryMove.SUBMIT: (frozenset({S.DRAFT}), S.SUBMITTED),
        EntryMove.APPROVE: (frozenset({S.SUBMITTED}), S.APPROVED),
        EntryMove.REJECT: (frozenset({S.SUBMITTED}), S.REJECTED),
        EntryMove.REVISE: (frozenset({S.DRAFT, S.REJECTED}), S.DRAFT),
        EntryMove.LOCK: (frozenset({S.APPROVED}), S.LOCKED),
        EntryMove.UNLOCK: (frozenset({S.LOCKED}), S.APPROVED),
        EntryMove.BILL: (frozenset({S.APPROVED, S.LOCKED}), S.BILLED),
        EntryMove.UNBILL: (frozenset({S.BILLED}), S.APPROVED),
    }
)

FIXED = frozenset({S.LOCKED, S.BILLED})
"""What a billing run has taken: nobody edits it any more."""


def sources(move: EntryMove) -> frozenset[TimeEntryStatus]:
    """The states in which a move begins."""
    return MOVES[move][0]


def moved(move: EntryMove, status: TimeEntryStatus) -> TimeEntryStatus:
    """The status after `move`; raises `Immutable` for what a billing run has taken, and `TimeEntryWrongStatus`."""
    sources, target = MOVES[move]
    if status in sources:
        return target
    if status in FIXED:
        raise Immutable(f"This entry is {status.value}: correct it with another one.", field="id")
    allowed = ", ".join(sorted(source.value for source in sources))
    raise TimeEntryWrongStatus(f"{move.value} works from {allowed}; this entry is {status.value}.", field="id")


def worked(started_at: datetime, ended_at: datetime, *, now: datetime) -> int:
    """The minutes between the two, a begun one counts; raises `Invalid` for what nobody can have worked."""
    # On the wall clock of one zone the night in which it is set back would be an hour too short.
    started_at, ended_at = started_at.astimezone(UTC), ended_at.astimezone(UTC)
    if ended_at <= started_at:
        raise Invalid("The end must be after the beginning.", field="endedAt")
    if ended_at > now:
        raise Invalid("The end must not lie in the future.", field="endedAt")
    if ended_at - started_at > _LONGEST:
        raise Invalid("One entry may have at most 16 hours; write two.", field="endedAt")
    return -((started_at - ended_at) // _MINUTE)


def checked(rule: RoundingRule) -> RoundingRule:
    """The rule, if it can be applied; raises `Invalid` naming the number that makes no sense."""
    for name, value, least in (("incrementMin", rule.increment, 1), ("minimumMin", rule.minimum, 0), ("graceMin", rule.grace, 0)):  # fmt: skip
        if not least <= value <= 24 * 60:
            raise Invalid(f"{name} must be between {least} and 1440 minutes, not {value}.", field=name)
    if rule.grace >= rule.increment:
        raise Invalid("graceMin must be less than the increment.", field="graceMin")
    return rule


def billable(minutes: int, rule: RoundingRule) -> int:
    """The charged minutes for so many worked ones; nothing stays nothing."""
    if minutes <= 0:
        return 0
    over = minutes % rule.increment
    down = minutes - over
    match rule.mode:
        case RoundingMode.DOWN:
            rounded = down
        case RoundingMode.NEAREST:
            rounded = down + (rule.increment if over * 2 >= rule.increment else 0)
        case RoundingMode.UP:
            rounded = down if over <= rule.grace else down + rule.increment
    return max(rule.minimum, rounded)


def billable_of_day(minutes: Sequence[int], rule: RoundingRule) -> tuple[int, ...]:
    """The charged minutes of each entry of one ticket on one day, in their order.

    Rounded together, each entry carries what it adds to the sum: 10, 10 and 10 make 15, 15 and 0.
    """
    if rule.scope is RoundingScope.PER_ENTRY:
        return tuple(billable(one, rule) for one in minutes)
    sums = [sum(minutes[:number]) for number in range(len(minutes) + 1)]
    return tuple(billable(after, rule) - billable(before, rule) for before, after in pairwise(sums))


def local_day(moment: datetime, time_zone: str) -> date:
    """The local day that an entry belongs to, by its beginning."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def moments_around(since: date | None, until: date | None) -> tuple[datetime | None, datetime | None]:
    """Moments between which everything begins that belongs to the local days from `since` until before `until`, wherever that is.

    Local time is at most 14 hours ahead of UTC and 12 behind it; a day on either side is enough.
    """
    first = datetime.combine(since - _DAY, time(), UTC) if since and since > date.min else None
    last = datetime.combine(until + _DAY, time(), UTC) if until and until < date.max else None
    return first, last


def after_hours(started_at: datetime, ended_at: datetime, calendar: Calendar | None) -> int:
    """The minutes of an entry that lie outside of the calendar; none without a calendar."""
    if calendar is None:
        return 0
    started_at, ended_at = started_at.astimezone(UTC), ended_at.astimezone(UTC)
    return -(-((ended_at - started_at) - calendars.between(calendar, started_at, ended_at)) // _MINUTE)


def segments(
    actual: int, after: int, charged: int, *, multiplier: Decimal, after_hours_multiplier: Decimal
) -> tuple[Segment, ...]:
    """Split charged minutes into what is normal and what is after hours.

    What rounding adds or takes goes to the part with the lowest rate; what that cannot give, the other does.
    """
    minutes = {False: actual - after, True: after}
    rates = {False: multiplier, True: after_hours_multiplier}
    left = charged - actual
    for late in sorted((late for late in minutes if minutes[late] > 0), key=lambda late: rates[late]):
        taken = max(left, -minutes[late])
        minutes[late] += taken
        left -= taken
    return tuple(Segment(minutes[late], rates[late], late) for late in (False, True) if minutes[late] > 0)


def amounts(parts: Iterable[Segment], hourly: Decimal) -> tuple[Decimal, ...]:
    """What each part costs at this rate, to the cent, rounded half up."""
    return tuple((hourly * part.multiplier * part.minutes / 60).quantize(_CENT, ROUND_HALF_UP) for part in parts)


def overlaps(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    """Whether two stretches have time in common."""
    return one[0] < other[1] and other[0] < one[1]
