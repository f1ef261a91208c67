"""Service levels at work: which policy holds for a ticket, what its clocks say, and who is told.

a command changes a ticket ──► a fact or new terms are appended ──► the clocks are derived anew
                                                                      ├─► rows, for lists and timers
                                                                      ├─► events: each threshold once
a timer fires (`sla.check`) ──────────────────────────────────────────┘   └─► the next timer
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select

from contracts.events import tickets as events
from contracts.events.envelope import Event
from subgraphs.kit import jobs
from subgraphs.kit.caller import Caller
from subgraphs.kit.live import News
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import SubStatus
from subgraphs.tickets.models.sla import BusinessCalendar, SlaAssignment, SlaClock, SlaFact, SlaPolicy, SlaTerms
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules import policies, sla
from subgraphs.tickets.rules.calendars import Calendar
from subgraphs.tickets.rules.policies import BREACH, SlaScope
from subgraphs.tickets.rules.sla import Clock, Condition, Fact, SlaClockState, SlaMetric, Terms
from subgraphs.tickets.service import calendars

CHECK_JOB: Final = "sla.check"

_JUST_AFTER = timedelta(seconds=1)
_NEVER_WARNED: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """All that the clocks of one ticket are derived from, and what they are now."""

    ticket: Ticket
    facts: Sequence[Fact]
    terms: Sequence[SlaTerms]
    revisions: Mapping[UUID, Calendar]
    clocks: Sequence[Clock]


@dataclass(frozen=True, slots=True)
class Shown:
    """A clock as people see it: what is kept of it, and how it stands at this moment."""

    row: SlaClock
    clock: Clock
    at: datetime


# --- reading


async def clocks_of(work: Work, tickets: Sequence[UUID]) -> Mapping[UUID, Sequence[Shown]]:
    """The clocks of each ticket as they stand now: first response, resolution, then the updates in order."""
    told = await told_of(work, tickets)
    rows = await work.session.scalars(select(SlaClock).where(SlaClock.ticket_id.in_(tickets)))
    by_key = {(row.ticket_id, row.metric, row.ordinal): row for row in rows}
    return {
        ticket: [
            Shown(row, clock, work.at)
            for clock in story.clocks
            if (row := by_key.get((ticket, clock.metric, clock.ordinal)))
        ]
        for ticket, one in told.items()
        for story in one
    }


async def told_of(work: Work, tickets: Sequence[UUID]) -> Mapping[UUID, Sequence[Story]]:
    """The story of each ticket that is visible, in a list of one."""
    rows = await work.those(Ticket, tickets)
    return {key: [story] for key, story in (await stories(work, list(rows.values()))).items()}


def tells(_caller: Caller, heard: News) -> bool:
    """Whether an event is one of those that somebody should hear at once."""
    return heard.type in {events.SlaWarning.type, events.SlaBreached.type}


async def broken(work: Work, *, limit: int, offset: int) -> Sequence[SlaClock]:
    """The promises of open tickets that are broken or that are due next: what is worst first."""
    states = (SlaClockState.RUNNING, SlaClockState.BREACHED)
    query = select(SlaClock).where(SlaClock.state.in_(states)).order_by(SlaClock.due_at, SlaClock.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


# --- what commands say


async def began(work: Work, ticket: Ticket, at: datetime | None = None) -> None:
    """A ticket was opened: its clocks start, at the moment when we got to know."""
    ticket.sla_started_at = ticket.response_started_at = at or work.at
    terms = await _agreed(work, ticket, since=ticket.sla_started_at, position=0)
    story = _story(ticket, [], [terms], await _known(work, [terms]), work.at)
    _set_due(ticket, story)
    await work.session.flush()  # what follows points at the ticket
    await _keep_terms(work, terms)
    await _publish(work, story)


async def moved(work: Work, ticket: Ticket) -> None:
    """A ticket came into another status or sub-status."""
    if ticket.sla_started_at is None:
        return
    condition = policies.condition(ticket.status, on_hold=await _is_on_hold(work, ticket))
    last = await work.session.scalar(
        select(SlaFact.condition)
        .where(SlaFact.ticket_id == ticket.id, SlaFact.condition.is_not(None))
        .order_by(SlaFact.position.desc())
        .limit(1)
    )
    if condition is not (last or Condition.ACTIVE):
        await _append(work, ticket, condition)
    await refresh(work, ticket)


async def answered(work: Work, ticket: Ticket, at: datetime | None = None) -> None:
    """A person of ours answered publicly, now or in a ticket that went on in this one."""
    if ticket.sla_started_at is not None:
        await _append(work, ticket, None, at)
        await refresh(work, ticket)


async def retermed(work: Work, ticket: Ticket) -> None:
    """The priority, or what decides about the policy, changed: everything is replayed under the new terms."""
    if ticket.sla_started_at is None:
        return
    query = select(SlaTerms).where(SlaTerms.ticket_id == ticket.id).order_by(SlaTerms.position.desc()).limit(1)
    last = await work.session.scalar(query)
    terms = await _agreed(work, ticket, since=work.at, position=last.position + 1 if last else 0)
    if last is None or (last.policy_id, last.terms) != (terms.policy_id, terms.terms):
        await _keep_terms(work, terms)
        await refresh(work, ticket)


async def checked(work: Work, payload: jobs.Payload) -> None:
    """A timer fired: tell what has come due meanwhile, and set the next one."""
    ticket = await work.session.get(
        Ticket, {"tenant_id": work.caller.tenant, "id": UUID(payload["ticket"])}, with_for_update=True
    )
    if ticket is not None:
        await refresh(work, ticket, warns=True)


# --- deriving


async def refresh(work: Work, ticket: Ticket, *, warns: bool = False) -> None:
    """Derive the clocks of a ticket, keep what they say, tell what is new, and set the next timer.

    A command does not warn: whoever gives it looks at the ticket, and may be about to do what the warning is about.
    """
    story = (await stories(work, [ticket]))[ticket.id]
    _set_due(ticket, story)
    await _publish(work, story, warns=warns)


async def _publish(work: Work, story: Story, *, warns: bool = False) -> None:
    rows = await _rows(work, story.ticket)
    kept = {(clock.metric, clock.ordinal) for clock in story.clocks}
    for clock in story.clocks:
        await _keep(work, story.ticket, clock, rows.get((clock.metric, clock.ordinal)), story, warns=warns)
    for key, row in rows.items():
        if key not in kept and row.state is not SlaClockState.CANCELLED:
            row.state, row.due_at = SlaClockState.CANCELLED, None
    await _set_timer(work, story.ticket, story)


def _set_due(ticket: Ticket, story: Story) -> None:
    """A date that a person gave is never moved by a clock."""
    if not ticket.due_at_manual:
        ticket.due_at = next((one.due_at for one in story.clocks if one.metric is SlaMetric.RESOLUTION), None)


async def stories(work: Work, tickets: Sequence[Ticket]) -> dict[UUID, Story]:
    """What the clocks of these tickets are derived from and what they say now, in three statements."""
    ids = [ticket.id for ticket in tickets]
    facts = await work.session.scalars(
        select(SlaFact).where(SlaFact.ticket_id.in_(ids)).order_by(SlaFact.ticket_id, SlaFact.position)
    )
    terms = await work.session.scalars(
        select(SlaTerms).where(SlaTerms.ticket_id.in_(ids)).order_by(SlaTerms.ticket_id, SlaTerms.position)
    )
    facts_of, terms_of = _grouped(facts), _grouped(terms)
    known = await _known(work, [row for rows in terms_of.values() for row in rows])
    return {one.id: _story(one, facts_of.get(one.id, []), terms_of.get(one.id, []), known, work.at) for one in tickets}


async def _known(work: Work, terms: Iterable[SlaTerms]) -> dict[UUID, Calendar]:
    named = (UUID(one["revision"]) for row in terms for one in row.terms["metrics"].values())
    return await calendars.revisions(work, named)


def _story(
    ticket: Ticket, facts: Sequence[SlaFact], terms: Sequence[SlaTerms], known: Mapping[UUID, Calendar], now: datetime
) -> Story:
    happened = [Fact(one.at, one.condition) for one in facts]
    clocks: list[Clock] = []
    started, response = ticket.sla_started_at, ticket.response_started_at
    if started is not None and response is not None:
        if first := _terms(terms, SlaMetric.FIRST_RESPONSE, known):
            clocks.append(sla.first_response(response, happened, first, now))
        if whole := _terms(terms, SlaMetric.RESOLUTION, known):
            clocks.append(sla.resolution(started, happened, whole, now))
        if updates := _terms(terms, SlaMetric.NEXT_UPDATE, known):
            clocks += sla.next_updates(happened, updates, now)
    return Story(ticket, happened, terms, known, clocks)


def _terms(rows: Sequence[SlaTerms], metric: SlaMetric, known: Mapping[UUID, Calendar]) -> list[Terms]:
    """What was promised for one metric over time; nothing when it is no longer promised."""
    if not rows or metric.value not in rows[-1].terms["metrics"]:
        return []
    return [
        Terms(
            row.since,
            known[UUID(one["revision"])],
            timedelta(minutes=one["minutes"]),
            pause_on_vendor=row.terms["pauseOnVendor"],
        )
        for row in rows
        if (one := row.terms["metrics"].get(metric.value))
    ]


async def _keep(work: Work, ticket: Ticket, clock: Clock, row: SlaClock | None, story: Story, *, warns: bool) -> None:
    """Write what a clock says, and tell what is new about it."""
    before = (row.state, row.due_at, row.target_minutes) if row else None
    if row is None:
        row = work.add(
            SlaClock(
                ticket_id=ticket.id,
                customer_id=ticket.customer_id,
                metric=clock.metric,
                ordinal=clock.ordinal,
                told=[],
            )
        )
    row.state, row.target_minutes = clock.state, calendars.minutes(clock.terms.target)
    row.started_at, row.due_at, row.met_at = clock.started_at, clock.due_at, clock.met_at
    row.breached_at, row.breach_reason = clock.breached_at, clock.breach_reason
    fact = _News(ticket, row, clock)
    for happened in _changes(before, fact):
        await work.emit(happened, subject=row.id, customer=ticket.customer_id)
    await _warn(work, fact, story.terms[-1].terms.get("warnAt", _NEVER_WARNED) if warns else _NEVER_WARNED)


@dataclass(frozen=True, slots=True)
class _News:
    """A clock that may have something to tell."""

    ticket: Ticket
    row: SlaClock
    clock: Clock

    def told(self) -> dict[str, Any]:
        """What every event about a clock says."""
        return {
            "ticket_id": self.ticket.id,
            "metric": self.row.metric.value,
            "percent": self.clock.percent,
            "due_at": self.row.due_at,
            "assignee_id": self.ticket.assignee_id,
        }


def _changes(before: tuple[SlaClockState, datetime | None, int] | None, news: _News) -> Iterable[Event]:
    """What became of a clock since it was derived last; that it was broken is told by `_warn`."""
    if before is None:
        yield events.SlaStarted(**news.told())
        if not news.clock.is_open:
            yield from _ended(news)
        return
    state, _, minutes = before
    if minutes != news.row.target_minutes:
        yield events.SlaRecalculated(**news.told())
    if state is not news.row.state:
        if state is SlaClockState.RUNNING and news.row.state is SlaClockState.PAUSED:
            yield events.SlaPaused(**news.told())
        elif state is SlaClockState.PAUSED and news.row.state is SlaClockState.RUNNING:
            yield events.SlaResumed(**news.told())
        else:
            yield from _ended(news)


def _ended(news: _News) -> Iterable[Event]:
    if news.row.state in {SlaClockState.MET, SlaClockState.BREACHED_MET}:
        yield events.SlaMet(**news.told(), late=news.row.state is SlaClockState.BREACHED_MET)


async def _warn(work: Work, news: _News, warn_at: Sequence[int]) -> None:
    """Tell the highest threshold that was reached, if it was not told before."""
    reached = [BREACH] if news.clock.breached_at else []
    if news.clock.state in {SlaClockState.RUNNING, SlaClockState.PAUSED}:
        reached += [percent for percent in warn_at if _has_reached(news.clock, percent, work.at)]
    percent = policies.due_to_tell(reached, news.row.told)
    if percent is None:
        return
    news.row.told = [*news.row.told, percent]
    told = {**news.told(), "percent": percent}
    happened: Event
    if percent == BREACH:
        reason = news.row.breach_reason
        happened = events.SlaBreached(**told, breached_at=news.row.breached_at, reason=reason.value if reason else None)
    else:
        happened = events.SlaWarning(**told)
    await work.emit(happened, subject=news.row.id, customer=news.ticket.customer_id)


def _has_reached(clock: Clock, percent: int, now: datetime) -> bool:
    moment = sla.reaches(clock, percent)
    return moment is not None and moment <= now


async def _set_timer(work: Work, ticket: Ticket, story: Story) -> None:
    """Have the ticket looked at again when the next threshold is reached, if nothing happens before."""
    warn_at = story.terms[-1].terms.get("warnAt", _NEVER_WARNED) if story.terms else _NEVER_WARNED
    moments = [
        moment
        for clock in story.clocks
        if clock.state is SlaClockState.RUNNING
        for percent in (*warn_at, BREACH)
        if (moment := sla.reaches(clock, percent)) is not None and moment + _margin(percent) > work.at
    ]
    if moments:
        at = min(moments) + _JUST_AFTER
        await jobs.enqueue(work, CHECK_JOB, {"ticket": str(ticket.id)}, at=at, key=f"{ticket.id}/{at.isoformat()}")


def _margin(percent: int) -> timedelta:
    """What is done exactly at the deadline is met; only after it is it broken."""
    return _JUST_AFTER if percent == BREACH else timedelta(0)


# --- what is promised


async def choice(work: Work, ticket: Ticket) -> policies.Choice:
    """Which policy holds for a ticket, and why."""
    targets = {
        SlaScope.CONTRACT: ticket.contract_id,
        SlaScope.CUSTOMER: ticket.customer_id,
        SlaScope.QUEUE: ticket.queue_id,
    }
    rows = await work.session.scalars(
        select(SlaAssignment).where(SlaAssignment.target_id.in_([one for one in targets.values() if one]))
    )
    assigned = {row.scope: row.policy_id for row in rows if targets[row.scope] == row.target_id}
    default = await work.session.scalar(select(SlaPolicy.id).where(SlaPolicy.is_default))
    return policies.chosen(ticket.sla_policy_id, assigned, default)


async def _agreed(work: Work, ticket: Ticket, *, since: datetime, position: int) -> SlaTerms:
    """What is promised for a ticket as it is now."""
    chosen = await choice(work, ticket)
    policy = await work.find(SlaPolicy, chosen.policy) if chosen.policy else None
    return SlaTerms(
        ticket_id=ticket.id,
        position=position,
        customer_id=ticket.customer_id,
        since=since,
        policy_id=chosen.policy,
        because=chosen.because,
        terms=await _promised(work, policy, ticket),
    )


async def _keep_terms(work: Work, terms: SlaTerms) -> None:
    """Write terms at once and by themselves: what else the command changes is written once, at its end."""
    values = {column.key: getattr(terms, column.key) for column in SlaTerms.__table__.c}
    await work.session.execute(insert(SlaTerms).values(values | {"tenant_id": work.caller.tenant}))


async def _promised(work: Work, policy: SlaPolicy | None, ticket: Ticket) -> dict[str, Any]:
    if policy is None:
        return {"metrics": {}, "pauseOnVendor": False, "warnAt": [], "priority": ticket.priority.value}
    wanted = {
        metric: {"minutes": one["minutes"], "calendar": one.get("calendarId") or str(policy.calendar_id)}
        for metric in (SlaMetric.FIRST_RESPONSE, SlaMetric.RESOLUTION)
        if (one := policies.target(policy.targets, ticket.priority, metric))
    }
    if policy.update_target_minutes:
        wanted[SlaMetric.NEXT_UPDATE] = {
            "minutes": policy.update_target_minutes, "calendar": str(policy.calendar_id)
        }  # fmt: skip
    rows = await work.those(BusinessCalendar, [UUID(one["calendar"]) for one in wanted.values()])
    metrics = {
        metric.value: {"minutes": one["minutes"], "revision": str(rows[UUID(one["calendar"])].revision_id)}
        for metric, one in wanted.items()
    }
    return {
        "metrics": metrics,
        "pauseOnVendor": policy.pause_on_vendor,
        "warnAt": policy.warn_at,
        "priority": ticket.priority.value,
    }


async def calendar_of(work: Work, ticket: Ticket) -> Calendar | None:
    """The calendar in which a ticket's resolution is promised, or None."""
    story = (await stories(work, [ticket]))[ticket.id]
    return next((one.terms.calendar for one in story.clocks if one.metric is SlaMetric.RESOLUTION), None)


# --- what the above share


async def _append(work: Work, ticket: Ticket, condition: Condition | None, at: datetime | None = None) -> None:
    position = await work.session.scalar(select(func.count()).where(SlaFact.ticket_id == ticket.id))
    values = {
        "tenant_id": work.caller.tenant,
        "ticket_id": ticket.id,
        "position": position,
        "customer_id": ticket.customer_id,
        "at": at or work.at,
        "condition": condition,
    }
    await work.session.execute(insert(SlaFact).values(values))


async def _is_on_hold(work: Work, ticket: Ticket) -> bool:
    sub_status = await work.find(SubStatus, ticket.sub_status_id) if ticket.sub_status_id else None
    return sub_status is not None and sub_status.pauses_sla


async def _rows(work: Work, ticket: Ticket) -> dict[tuple[SlaMetric, int], SlaClock]:
    """The clocks as they were derived last, those of this very command included."""
    found = list(await work.session.scalars(select(SlaClock).where(SlaClock.ticket_id == ticket.id)))
    found += [row for row in work.session.new if isinstance(row, SlaClock) and row.ticket_id == ticket.id]
    return {(row.metric, row.ordinal): row for row in found}


def _grouped(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.ticket_id, []).append(row)
    return found
