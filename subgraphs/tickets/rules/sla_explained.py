"""Why a clock says what it says, in sentences for the people who ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from subgraphs.tickets.rules import calendars
from subgraphs.tickets.rules.sla import (
    Clock,
    Condition,
    Interval,
    SlaBreachReason,
    SlaClockState,
    SlaIntervalKind,
)

_CAUSES = {
    Condition.ACTIVE: "it was our turn",
    Condition.WAITING_CUSTOMER: "the customer had to answer",
    Condition.WAITING_VENDOR: "a vendor had to act",
    Condition.ON_HOLD: "its sub-status pauses",
    Condition.RESOLVED: "it counted as resolved",
    Condition.ENDED: "it had ended",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of a clock's life with the business time in it, and what was consumed at its end."""

    interval: Interval
    business: timedelta
    consumed: timedelta


def steps(clock: Clock, now: datetime) -> tuple[Step, ...]:
    """The stretches of a clock in order, each with what it adds."""
    return tuple(_steps(clock, now))


def _steps(clock: Clock, now: datetime) -> Iterator[Step]:
    consumed = timedelta(0)
    for interval in clock.intervals:
        passed = calendars.between(clock.terms.calendar, interval.begins, interval.ends or now)
        consumed += passed if interval.kind is SlaIntervalKind.RUN else timedelta(0)
        yield Step(interval, passed, consumed)


def sentences(clock: Clock, now: datetime) -> tuple[str, ...]:
    """The story of a clock: its target, its stretches, where it stands."""
    return tuple(_sentences(clock, now))


def _sentences(clock: Clock, now: datetime) -> Iterator[str]:
    zone = ZoneInfo(clock.terms.calendar.time_zone)
    hours = "around the clock" if clock.terms.calendar.always else "of business time"
    yield f"The target is {_span(clock.terms.target)} {hours}, counted from {_at(clock.started_at, zone)}."
    for step in _steps(clock, now):
        until = f"until {_at(step.interval.ends, zone)}" if step.interval.ends else "until now"
        did = "ran" if step.interval.kind is SlaIntervalKind.RUN else "stood still"
        yield (
            f"From {_at(step.interval.begins, zone)} {until} it {did} for {_span(step.business)},"
            f" because {_CAUSES[step.interval.cause]}."
        )
    yield f"So {_span(clock.consumed)} are consumed ({clock.percent} %), and it paused for {_span(clock.paused)}."
    yield _verdict(clock, zone)


def _verdict(clock: Clock, zone: ZoneInfo) -> str:
    late = f"It was broken at {_at(clock.breached_at, zone)}" if clock.breached_at else ""
    if clock.breach_reason is SlaBreachReason.POLICY_CHANGE:
        late += ", when new terms put its deadline into the past"
    match clock.state:
        case SlaClockState.RUNNING:
            return f"It is due {_at(clock.due_at, zone)}."
        case SlaClockState.PAUSED:
            return "It has no deadline while it stands still."
        case SlaClockState.MET:
            return f"It was met at {_at(clock.met_at, zone)}; it was due {_at(clock.due_at, zone)}."
        case SlaClockState.BREACHED:
            return f"{late}."
        case SlaClockState.BREACHED_MET:
            return f"{late}, and made good at {_at(clock.met_at, zone)}."
        case SlaClockState.CANCELLED:
            return "Nobody waits for it any more."


def _at(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}" if moment else "no time"


def _span(duration: timedelta) -> str:
    minutes = int(duration.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
