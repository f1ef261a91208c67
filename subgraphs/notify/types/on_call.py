"""How being on call looks: schedules with who is on call now, policies with their steps, and pages."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Self
from uuid import UUID

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.notify.models import on_call as models
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.on_call import PageStatus, Shift
from subgraphs.notify.service import on_call as service
from subgraphs.notify.types.people import ON_CALL, User

PLAN = "oncall:write"


@entity(keys=["id"])
class OnCallOverride:
    """Who is on call instead, for a while."""

    id: strawberry.ID
    """The identifier: a UUID."""
    schedule_id: strawberry.ID
    """The schedule."""
    user_id: strawberry.ID
    """Who stands in."""
    starts_at: datetime
    """From when on."""
    ends_at: datetime
    """Until when."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    def user(self) -> User:
        """Who stands in."""
        return User(id=self.user_id)

    @classmethod
    def of(cls, row: models.OnCallOverride) -> Self:
        """The override in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The override that another module points at."""
        row = await info.context.row(models.OnCallOverride, id, ON_CALL)
        return cls.of(row) if row else None


@entity(keys=["id"])
class OnCallSchedule:
    """Who is on call when: people who follow each other, and who stands in."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    time_zone: str
    """By which clock people hand over."""
    shift: Shift
    """How long one person is on call."""
    handover: time
    """When they hand over."""
    starts_on: date
    """The day of the first handover; for weeks, the weekday of all of them."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    follow: strawberry.Private[list[str]]

    @strawberry.field
    def users(self, limit: Limit = DEFAULT_LIMIT) -> list[User]:
        """Who follows whom."""
        return [User(id=strawberry.ID(one)) for one in self.follow[: bounded(limit)]]

    @strawberry.field
    async def on_call_now(self, info: Info) -> User | None:
        """Who is on call now; null: nobody."""
        found = await info.context.lists(service.now, self.id, ON_CALL)
        return User(id=strawberry.ID(str(found[0]))) if found else None

    @strawberry.field
    async def on_call_at(self, info: Info, at: datetime) -> User | None:
        """Who is on call at a moment, as it is planned now; null: nobody."""
        found = await info.context.lists(service.now, self.id, ON_CALL, at=at)
        return User(id=strawberry.ID(str(found[0]))) if found else None

    @strawberry.field
    async def overrides(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[OnCallOverride]:
        """Who stands in from now on, the next first."""
        rows = await info.context.lists(service.overrides_of, self.id, ON_CALL, limit=bounded(limit))
        return [OnCallOverride.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.OnCallSchedule) -> Self:
        """The schedule in this row."""
        return shape(cls, row, follow=row.user_ids)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The schedule that another module points at."""
        row = await info.context.row(models.OnCallSchedule, id, ON_CALL)
        return cls.of(row) if row else None


@strawberry.type
class EscalationStep:
    """Who is called so many minutes after a page was triggered."""

    after_minutes: int
    """How long after the page was triggered."""
    schedule_id: strawberry.ID | None
    """The schedule whose person is called; null: one person."""
    user_id: strawberry.ID | None
    """The one person; null: whoever is on call."""
    channels: list[ChannelKind]
    """By which ways, beside the app; where none leads to them, by mail."""

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """The step in this entry."""
        step = service.as_step(row)
        return cls(
            after_minutes=step.after_minutes,
            schedule_id=_id(step.schedule),
            user_id=_id(step.user),
            channels=list(step.channels),
        )


@entity(keys=["id"])
class EscalationPolicy:
    """Who is called, and who next when nobody takes over."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    event_types: list[str]
    """The events that trigger a page by themselves: `sla.breached`; of tickets only the most urgent (P1)."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    climb: strawberry.Private[list[dict[str, Any]]]

    @strawberry.field
    def steps(self, limit: Limit = DEFAULT_LIMIT) -> list[EscalationStep]:
        """The steps, in their order."""
        return [EscalationStep.of(one) for one in self.climb[: bounded(limit)]]

    @classmethod
    def of(cls, row: models.EscalationPolicy) -> Self:
        """The policy in this row."""
        return shape(cls, row, climb=row.steps)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The policy that another module points at."""
        row = await info.context.row(models.EscalationPolicy, id, ON_CALL)
        return cls.of(row) if row else None


@strawberry.type
class PageCall:
    """That somebody was called."""

    step: int
    """By which step of the policy, counted from 0."""
    at: datetime
    """When."""
    user: User | None
    """Who; null: nobody was there."""


@entity(keys=["id"])
class Page:
    """Somebody on call is called, and others after them, until one takes over."""

    id: strawberry.ID
    """The identifier: a UUID."""
    policy_id: strawberry.ID
    """The policy by which people are called."""
    title: str
    """What it is about, in one line."""
    incident_ref: str | None
    """The thing that it is about: `Ticket/…`, or whatever the one who triggered it calls it."""
    about_customer: strawberry.ID | None
    """The customer that it is about."""
    status: PageStatus
    """How far it is."""
    step: int
    """The last step that was taken, counted from 0; -1 before the first."""
    acknowledged_at: datetime | None
    """When somebody took over."""
    acknowledged_by: strawberry.ID | None
    """Who took over."""
    resolved_at: datetime | None
    """When it was over."""
    created_at: datetime
    """When it was triggered."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    log: strawberry.Private[list[dict[str, Any]]]

    @strawberry.field
    def calls(self, limit: Limit = DEFAULT_LIMIT) -> list[PageCall]:
        """Who was called, in their order."""
        return [
            PageCall(
                step=one["step"],
                at=datetime.fromisoformat(one["at"]),
                user=User(id=strawberry.ID(one["userId"])) if one["userId"] else None,
            )
            for one in self.log[: bounded(limit)]
        ]

    @classmethod
    def of(cls, row: models.Page) -> Self:
        """The page in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The page that another module points at."""
        row = await info.context.row(models.Page, id, ON_CALL)
        return cls.of(row) if row else None


def _id(identity: UUID | None) -> strawberry.ID | None:
    return None if identity is None else strawberry.ID(str(identity))


@strawberry.type
class OnCallSchedulePayload:
    """What became of a command on a schedule."""

    on_call_schedule: OnCallSchedule | None = None
    """The schedule as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class OnCallOverridePayload:
    """What became of a command on who stands in."""

    on_call_override: OnCallOverride | None = None
    """Who stands in now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class EscalationPolicyPayload:
    """What became of a command on a policy."""

    escalation_policy: EscalationPolicy | None = None
    """The policy as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class PagePayload:
    """What became of a command on a page."""

    page: Page | None = None
    """The page as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
