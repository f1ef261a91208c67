"""SLA clocks: what was promised, how much of it is used up, and when it is broken; all of it derived, nothing shifted.

What happened to a ticket is a list of facts that only grows: when it waited, when it was resolved, when somebody
answered. A clock is a view of that list under the terms of the contract, computed anew each time:

    facts     start ────────── waits ─────────── back ──────────── resolved ──────── reopened ───►
    pieces    │     RUN        │     PAUSE       │       RUN       │ PAUSE (RESOLVED) │    RUN
    business  │ 3 h            │ 8 h             │ 2 h             │ …                │
              └── consumed = Σ RUN = B(start, now) - paused ──┘      paused = Σ PAUSE

    due       the first instant at which Σ RUN reaches the target; none while paused before that
    terms     calendar, target, whether vendors pause. New terms replay *everything* from the start

Because nothing is stored but facts and terms, it does not matter when, how often or in which batches a clock is
computed. Pauses count in the calendar's business time, as the target does: a weekend in which the customer sleeps is no pause.

A breach is judged by the terms of its time. Each period of terms has a deadline; one that lies before the period began
was made late by the change itself (`POLICY_CHANGE`, at the change), one that lies after its end does not count. Terms that come
after a clock has stopped do not touch it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from subgraphs.tickets.rules import calendars
from subgraphs.tickets.rules.calendars import Calendar

_NONE = timedelta(0)


class SlaMetric(Enum):
    """What is promised."""

    FIRST_RESPONSE = "FIRST_RESPONSE"
    """That a person answers publicly for the first time."""
    RESOLUTION = "RESOLUTION"
    """That the ticket is resolved."""
    NEXT_UPDATE = "NEXT_UPDATE"
    """That the customer hears from us again."""


class SlaClockState(Enum):
    """How it stands with a promise."""

    RUNNING = "RUNNING"
    """Time passes."""
    PAUSED = "PAUSED"
    """Somebody else has to act."""
    MET = "MET"
    """Kept."""
    BREACHED = "BREACHED"
    """Broken, and not yet made good."""
    BREACHED_MET = "BREACHED_MET"
    """Made good after it was broken."""
    CANCELLED = "CANCELLED"
    """Nobody waits for it any more."""


class SlaBreachReason(Enum):
    """Why a promise counts as broken."""

    DEADLINE = "DEADLINE"
    """Its deadline passed."""
    POLICY_CHANGE = "POLICY_CHANGE"
    """New terms, or a new priority, put the deadline into the past."""


class SlaIntervalKind(Enum):
    """Whether a clock ran."""

    RUN = "RUN"
    """It ran."""
    PAUSE = "PAUSE"
    """It stood still."""


class Condition(Enum):
    """What the clocks see of a ticket's status."""

    ACTIVE = "ACTIVE"
    """It is our turn."""
    WAITING_CUSTOMER = "WAITING_CUSTOMER"
    """It is the customer's turn."""
    WAITING_VENDOR = "WAITING_VENDOR"
    """It is a vendor's turn; whether that pauses is a term."""
    ON_HOLD = "ON_HOLD"
    """A sub-status that pauses."""
    RESOLVED = "RESOLVED"
    """It is done, unless somebody objects."""
    ENDED = "ENDED"
    """Cancelled, or continued elsewhere."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a ticket: it came into a condition, or somebody of us answered publicly."""

    at: datetime
    condition: Condition | None = None
    """The condition from now on; None is a public answer by a person."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised for one metric, from a moment on."""

    since: datetime
    calendar: Calendar
    target: timedelta
    pause_on_vendor: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of a clock's life; the last one has no end while the clock has not stopped."""

    begins: datetime
    ends: datetime | None
    kind: SlaIntervalKind
    cause: Condition


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise as it stands at one moment."""

    metric: SlaMetric
    ordinal: int
    """1, and counting for the updates after the first answer."""
    state: SlaClockState
    terms: Terms
    started_at: datetime
    due_at: datetime | None
    met_at: datetime | None
    breached_at: datetime | None
    breach_reason: SlaBreachReason | None
    consumed: timedelta
    paused: timedelta
    intervals: tuple[Interval, ...] = field(repr=False)

    @property
    def percent(self) -> int:
        """How much of the target is consumed, in whole percent rounded down."""
        return int(self.consumed * 100 / self.terms.target) if self.terms.target else 100

    @property
    def is_open(self) -> bool:
        """Whether the promise is still to be kept."""
        return self.state in {SlaClockState.RUNNING, SlaClockState.PAUSED, SlaClockState.BREACHED}


def first_response(started_at: datetime, facts: Sequence[Fact], terms: Sequence[Terms], now: datetime) -> Clock:
    """The clock of the first public answer; waiting does not pause it, because nobody was asked anything yet."""
    facts = _until(facts, now)
    answered = next((fact.at for fact in facts if fact.condition is None), None)
    life = _life(started_at, facts, pauses=frozenset({Condition.RESOLVED}), ends=answered, met=answered is not None)
    return _clock(SlaMetric.FIRST_RESPONSE, 1, [(one, life) for one in terms], now)


def resolution(started_at: datetime, facts: Sequence[Fact], terms: Sequence[Terms], now: datetime) -> Clock:
    """The clock of the solution; it stops while somebody else has to act, and while the ticket counts as resolved."""
    facts = _until(facts, now)
    lives = [
        (one, _life(started_at, facts, pauses=_pausing(one), ends=None, met=False, resolving=True)) for one in terms
    ]
    return _clock(SlaMetric.RESOLUTION, 1, lives, now)


def next_updates(facts: Sequence[Fact], terms: Sequence[Terms], now: datetime) -> tuple[Clock, ...]:
    """A clock for each time that the customer began to wait for news: after each answer, and after each reopening."""
    facts = _until(facts, now)
    begins = list(_waits_for_news(facts))
    clocks = []
    for ordinal, (begin, end) in enumerate(pairwise([*begins, None]), 1):
        assert begin is not None  # noqa: S101 - only the last is None, and it is never first of a pair
        lives = [
            (one, _life(begin, facts, pauses=_pausing(one), ends=end, met=end is not None, resolving=True))
            for one in terms
        ]
        clocks.append(_clock(SlaMetric.NEXT_UPDATE, ordinal, lives, now))
    return tuple(clocks)


def reaches(clock: Clock, percent: int) -> datetime | None:
    """When the clock will have consumed so much of its target, or did; None while it is paused before that."""
    return _reached(clock.intervals, clock.terms.calendar, clock.terms.target * percent / 100)


# --- from facts to the life of a clock


@dataclass(frozen=True, slots=True)
class _Life:
    """When a clock ran and paused, and how it ended if it did."""

    intervals: tuple[Interval, ...]
    ended_at: datetime | None
    met: bool


_Lives = Sequence[tuple[Terms, _Life]]
"""The life of a clock under each of its terms: what pauses is one of them, when it ended is not."""


def _until(facts: Sequence[Fact], now: datetime) -> list[Fact]:
    return [fact for fact in sorted(facts, key=lambda fact: fact.at) if fact.at <= now]


def _pausing(terms: Terms) -> frozenset[Condition]:
    always = {Condition.WAITING_CUSTOMER, Condition.ON_HOLD, Condition.RESOLVED}
    return frozenset(always | {Condition.WAITING_VENDOR} if terms.pause_on_vendor else always)


def _waits_for_news(facts: Iterable[Fact]) -> Iterator[datetime]:
    """The moments from which on the customer waits for news."""
    condition, heard = Condition.ACTIVE, False
    for fact in facts:
        if fact.condition is None:
            heard = True
            if condition not in {Condition.RESOLVED, Condition.ENDED}:
                yield fact.at
        else:
            if (
                heard
                and condition is Condition.RESOLVED
                and fact.condition not in {Condition.RESOLVED, Condition.ENDED}
            ):
                yield fact.at
            condition = fact.condition


def _life(
    begins: datetime,
    facts: Sequence[Fact],
    *,
    pauses: frozenset[Condition],
    ends: datetime | None,
    met: bool,
    resolving: bool = False,
) -> _Life:
    """Cut the time since `begins` into stretches; it ends at `ends`, or where the ticket rests for good.

    A resolved ticket that is not reopened ends the clock where it was resolved, and meets it if `resolving`.
    """
    marks = [fact for fact in facts if fact.condition is not None and (ends is None or fact.at < ends)]
    condition = next((fact.condition for fact in reversed(marks) if fact.at <= begins), None) or Condition.ACTIVE
    changes = [
        (begins, condition),
        *((fact.at, fact.condition) for fact in marks if fact.at > begins and fact.condition),
    ]
    last_at, last = changes[-1]
    if last in {Condition.RESOLVED, Condition.ENDED} and (ends is None or resolving):
        ends, met = last_at, resolving and last is Condition.RESOLVED
        changes.pop()
    edges = [*changes, (ends, condition)]
    intervals = (
        Interval(at, until, SlaIntervalKind.PAUSE if cause in pauses else SlaIntervalKind.RUN, cause)
        for (at, cause), (until, _) in pairwise(edges)
        if at is not None and (until is None or at < until)
    )
    return _Life(tuple(_merged(intervals)), ends, met)


def _merged(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Make one of neighbours that say the same."""
    held: Interval | None = None
    for interval in intervals:
        if held and (held.kind, held.cause) == (interval.kind, interval.cause):
            held = Interval(held.begins, interval.ends, held.kind, held.cause)
            continue
        if held:
            yield held
        held = interval
    if held:
        yield held


# --- from the life of a clock to what it shows


def _clock(metric: SlaMetric, ordinal: int, lives: _Lives, now: datetime) -> Clock:
    stop = lives[0][1].ended_at
    valid = [(one, life) for one, life in lives if stop is None or one.since <= stop] or [lives[0]]
    current, life = valid[-1]
    breached_at, reason = _breach(valid, now)
    state = _state(life, breached_at)
    due = _reached(_as_if_it_ran_on(life), current.calendar, current.target)
    started = life.intervals[0].begins if life.intervals else (stop or now)
    return Clock(
        metric=metric,
        ordinal=ordinal,
        state=state,
        terms=current,
        started_at=started,
        due_at=None if state is SlaClockState.PAUSED else due,
        met_at=stop if life.met else None,
        breached_at=breached_at,
        breach_reason=reason,
        consumed=_passed(life.intervals, SlaIntervalKind.RUN, current.calendar, now),
        paused=_passed(life.intervals, SlaIntervalKind.PAUSE, current.calendar, now),
        intervals=life.intervals,
    )


def _as_if_it_ran_on(life: _Life) -> tuple[Interval, ...]:
    """What has stopped keeps the deadline that it had: the one it would meet if it went on."""
    if life.ended_at is None:
        return life.intervals
    return (*life.intervals, Interval(life.ended_at, None, SlaIntervalKind.RUN, Condition.ACTIVE))


def _state(life: _Life, breached_at: datetime | None) -> SlaClockState:
    if life.ended_at is not None:
        if life.met:
            return SlaClockState.BREACHED_MET if breached_at else SlaClockState.MET
        return SlaClockState.BREACHED if breached_at else SlaClockState.CANCELLED
    if breached_at:
        return SlaClockState.BREACHED
    paused = bool(life.intervals) and life.intervals[-1].kind is SlaIntervalKind.PAUSE
    return SlaClockState.PAUSED if paused else SlaClockState.RUNNING


def _breach(lives: _Lives, now: datetime) -> tuple[datetime | None, SlaBreachReason | None]:
    """When and why the promise was broken, by the terms of each time; later terms that leave room acquit it."""
    breached_at: datetime | None = None
    reason: SlaBreachReason | None = None
    ended = lives[0][1].ended_at
    stop = min(ended, now) if ended else now
    for number, (one, life) in enumerate(lives):
        until = lives[number + 1][0].since if number + 1 < len(lives) else stop
        deadline = _reached(life.intervals, one.calendar, one.target)
        if deadline is None or deadline >= until:
            breached_at, reason = None, None
        elif breached_at is None:
            late = number > 0 and deadline < one.since
            breached_at = one.since if late else deadline
            reason = SlaBreachReason.POLICY_CHANGE if late else SlaBreachReason.DEADLINE
    return breached_at, reason


def _reached(intervals: Sequence[Interval], calendar: Calendar, wanted: timedelta) -> datetime | None:
    """The first instant at which the running stretches add up to `wanted`; None if they end or pause before."""
    left = wanted
    for interval in intervals:
        if interval.kind is SlaIntervalKind.PAUSE:
            continue
        if interval.ends is None:
            return calendars.after(calendar, interval.begins, left)
        passed = calendars.between(calendar, interval.begins, interval.ends)
        if left <= passed:
            return calendars.after(calendar, interval.begins, left)
        left -= passed
    return None


def _passed(intervals: Sequence[Interval], kind: SlaIntervalKind, calendar: Calendar, now: datetime) -> timedelta:
    stretches = (calendars.between(calendar, one.begins, one.ends or now) for one in intervals if one.kind is kind)
    return sum(stretches, _NONE)
