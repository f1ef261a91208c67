"""What can be asked and said about being on call: schedules, who stands in, policies, and pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work
from subgraphs.notify.models import on_call as models
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.on_call import PageStatus, Shift, Step
from subgraphs.notify.service import on_call, pages
from subgraphs.notify.types.on_call import (
    PLAN,
    EscalationPolicy,
    EscalationPolicyPayload,
    OnCallOverridePayload,
    OnCallSchedule,
    OnCallSchedulePayload,
    Page,
    PagePayload,
)
from subgraphs.notify.types.people import ON_CALL, WRITE


@strawberry.type
class OnCallQuery:
    """What can be asked about being on call."""

    @strawberry.field
    async def on_call_schedules(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[OnCallSchedule]:
        """Who is on call when, by name."""
        query = on_call.schedules().order_by(models.OnCallSchedule.name, models.OnCallSchedule.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(ON_CALL) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [OnCallSchedule.of(row) for row in rows]

    @strawberry.field
    async def escalation_policies(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[EscalationPolicy]:
        """Who is called, and who next, by name."""
        query = on_call.policies().order_by(models.EscalationPolicy.name, models.EscalationPolicy.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(ON_CALL) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [EscalationPolicy.of(row) for row in rows]

    @strawberry.field
    async def pages(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        status: PageStatus | None = None,
    ) -> Connection[Page]:
        """Who was called for what, page by page, the newest first."""
        wanted = cut(first=first, after=after, last=last, before=before)
        count, query = counts(info), pages.selected(status)
        async with info.context.work(ON_CALL) as work:
            return await page(work, query, models.Page, pages.NEWEST_FIRST, wanted, Page.of, count=count)


@strawberry.input
class CreateOnCallScheduleInput(Command):
    """A new schedule."""

    name: str
    """What people will call it."""
    user_ids: list[strawberry.ID]
    """Who follows whom: 1 to 50 users of staff."""
    starts_on: date
    """The day of the first handover; for weeks, the weekday of all of them."""
    shift: Shift = Shift.WEEKLY
    """How long one person is on call."""
    handover: time = time(8)
    """When they hand over."""
    time_zone: str = on_call.ZONE
    """By which clock."""


@strawberry.input
class UpdateOnCallScheduleInput(Change):
    """What is changed of a schedule; what is absent stays."""

    id: strawberry.ID
    """The schedule."""
    name: str | None = strawberry.UNSET
    """What people call it."""
    user_ids: list[strawberry.ID] | None = strawberry.UNSET
    """Who follows whom."""
    starts_on: date | None = strawberry.UNSET
    """The day of the first handover."""
    shift: Shift | None = strawberry.UNSET
    """How long one person is on call."""
    handover: time | None = strawberry.UNSET
    """When they hand over."""
    time_zone: str | None = strawberry.UNSET
    """By which clock."""


@strawberry.input
class ArchiveOnCallScheduleInput(Change):
    """The schedule that is put away."""

    id: strawberry.ID
    """The schedule."""


@strawberry.input
class OverrideOnCallInput(Command):
    """Who is on call instead, for a while."""

    schedule_id: strawberry.ID
    """The schedule."""
    user_id: strawberry.ID
    """Who stands in."""
    starts_at: datetime
    """From when on."""
    ends_at: datetime
    """Until when."""


@strawberry.input
class WithdrawOnCallOverrideInput(Change):
    """Who stands in no more."""

    id: strawberry.ID
    """The override."""


@strawberry.input
class EscalationStepInput:
    """Who is called so many minutes after a page was triggered: by a schedule, or one person."""

    after_minutes: int
    """How long after the page was triggered; the first is usually 0."""
    channels: list[ChannelKind]
    """By which ways, beside the app; where none leads to them, by mail."""
    schedule_id: strawberry.ID | None = None
    """The schedule whose person is called."""
    user_id: strawberry.ID | None = None
    """The one person."""


@strawberry.input
class CreateEscalationPolicyInput(Command):
    """A new policy."""

    name: str
    """What people will call it."""
    steps: list[EscalationStepInput]
    """1 to 10 steps, each later than the one before."""
    event_types: list[str] = strawberry.field(default_factory=list)
    """The events that trigger a page by themselves: `sla.breached`; of tickets only the most urgent (P1)."""


@strawberry.input
class UpdateEscalationPolicyInput(Change):
    """What is changed of a policy; what is absent stays."""

    id: strawberry.ID
    """The policy."""
    name: str | None = strawberry.UNSET
    """What people call it."""
    steps: list[EscalationStepInput] | None = strawberry.UNSET
    """All steps, in the place of those that were there."""
    event_types: list[str] | None = strawberry.UNSET
    """The events that trigger a page by themselves."""


@strawberry.input
class ArchiveEscalationPolicyInput(Change):
    """The policy that is put away."""

    id: strawberry.ID
    """The policy."""


@strawberry.input
class TriggerPageInput(Command):
    """Call whoever is on call."""

    policy_id: strawberry.ID
    """Who is called, and who next."""
    title: str
    """What it is about, in one line."""
    incident_ref: str | None = None
    """What it is about: while a page of this policy and this is not resolved, no second one is made."""
    customer_id: strawberry.ID | None = None
    """The customer that it is about: nobody is called who must not see them."""


@strawberry.input
class PageCommandInput(Change):
    """A page."""

    id: strawberry.ID
    """The page."""


def _steps(entered: Iterable[EscalationStepInput] | None) -> Sequence[Step] | None:
    if entered is None:
        return None
    made: list[Step] = []
    for one in entered:
        values: dict[str, Any] = given(one)
        channels = tuple(dict.fromkeys(values["channels"]))
        made.append(Step(values["after_minutes"], values["schedule_id"], values["user_id"], channels))
    return made


@strawberry.type
class OnCallMutation:
    """What can be said about being on call."""

    @command(PLAN, OnCallSchedulePayload)
    async def create_on_call_schedule(work: Work, input: CreateOnCallScheduleInput) -> models.OnCallSchedule:
        """Plan who is on call."""
        return await on_call.create_schedule(work, **given(input))

    @command(PLAN, OnCallSchedulePayload)
    async def update_on_call_schedule(work: Work, input: UpdateOnCallScheduleInput) -> models.OnCallSchedule:
        """Change a schedule."""
        return await on_call.update_schedule(work, **given(input))

    @command(PLAN, OnCallSchedulePayload)
    async def archive_on_call_schedule(work: Work, input: ArchiveOnCallScheduleInput) -> models.OnCallSchedule:
        """Put a schedule away that no policy calls."""
        return await on_call.archive_schedule(work, **given(input))

    @command(PLAN, OnCallOverridePayload, rest=Rest(path="/on-call-schedules/{scheduleId}/actions/override"))
    async def override_on_call(work: Work, input: OverrideOnCallInput) -> models.OnCallOverride:
        """Say who is on call instead, for a while; what was said last counts."""
        return await on_call.override(work, **given(input))

    @command(PLAN, OnCallOverridePayload, rest=Rest(path="/on-call-overrides/{id}/actions/withdraw"))
    async def withdraw_on_call_override(work: Work, input: WithdrawOnCallOverrideInput) -> models.OnCallOverride:
        """Take back that somebody stands in."""
        return await on_call.withdraw_override(work, **given(input))

    @command(PLAN, EscalationPolicyPayload)
    async def create_escalation_policy(work: Work, input: CreateEscalationPolicyInput) -> models.EscalationPolicy:
        """Say who is called, and who when nobody takes over."""
        return await on_call.create_policy(work, **{**given(input), "steps": _steps(input.steps)})

    @command(PLAN, EscalationPolicyPayload)
    async def update_escalation_policy(work: Work, input: UpdateEscalationPolicyInput) -> models.EscalationPolicy:
        """Change a policy; pages that are on their way go on as they began."""
        changes = given(input)
        if "steps" in changes:
            changes["steps"] = _steps(changes["steps"])
        return await on_call.update_policy(work, **changes)

    @command(PLAN, EscalationPolicyPayload)
    async def archive_escalation_policy(work: Work, input: ArchiveEscalationPolicyInput) -> models.EscalationPolicy:
        """Put a policy away."""
        return await on_call.archive_policy(work, **given(input))

    @command(PLAN, PagePayload)
    async def trigger_page(work: Work, input: TriggerPageInput) -> models.Page:
        """Call whoever is on call."""
        return await pages.trigger(work, **given(input))

    @command(WRITE, PagePayload)
    async def acknowledge_page(work: Work, input: PageCommandInput) -> models.Page:
        """Take over: nobody else is called. For those who were called, and those who plan who is on call."""
        return await pages.acknowledge(work, **given(input))

    @command(WRITE, PagePayload)
    async def resolve_page(work: Work, input: PageCommandInput) -> models.Page:
        """Say that it is over."""
        return await pages.resolve(work, **given(input))
