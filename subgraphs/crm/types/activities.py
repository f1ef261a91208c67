"""How activities and consents look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.crm.models import customers as customer_models
from subgraphs.crm.models import relations as models
from subgraphs.crm.models import sales as sales_models
from subgraphs.crm.rules import activities as rules
from subgraphs.crm.rules.activities import ActivityKind
from subgraphs.crm.rules.consents import LegalBasis
from subgraphs.crm.types.customers import READ, READ_OPPORTUNITIES, Contact, Customer
from subgraphs.crm.types.others import User, user
from subgraphs.kit.context import Info
from subgraphs.kit.filters import TimeRange
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError

if TYPE_CHECKING:
    from subgraphs.crm.types.sales import Opportunity

LazyOpportunity = Annotated["Opportunity", strawberry.lazy("subgraphs.crm.types.sales")]

strawberry.enum(LegalBasis)


@entity(keys=["id"])
class Activity:
    """A call, a mail, a meeting, a note or a task; only those who work here see it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer."""
    contact_id: strawberry.ID | None
    """The person with whom."""
    opportunity_id: strawberry.ID | None
    """What it is about to sell."""
    kind: ActivityKind
    """What was done, or is to be done."""
    subject: str
    """What it is about."""
    body: str | None
    """What was said."""
    happened_at: datetime
    """Its place in time: when it happened, or when it is due."""
    due_at: datetime | None
    """Until when it must be done."""
    done_at: datetime | None
    """When it was done."""
    owner_id: strawberry.ID | None
    """The user who did it, or has to."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""

    @strawberry.field
    def owner(self) -> User | None:
        """The user who looks after it."""
        return user(self.owner_id)

    @strawberry.field
    def open(self) -> bool:
        """Whether somebody still has to do it."""
        return rules.is_open(self.kind, due_at=self.due_at, done_at=self.done_at)

    @strawberry.field
    async def customer(self, info: Info) -> Customer | None:
        """The customer."""
        row = await info.context.row(customer_models.Customer, self.customer_id, READ)
        return Customer.of(row) if row else None

    @strawberry.field
    async def contact(self, info: Info) -> Contact | None:
        """The person with whom."""
        row = await info.context.row(customer_models.Contact, self.contact_id, READ)
        return Contact.of(row) if row else None

    @strawberry.field
    async def opportunity(self, info: Info) -> LazyOpportunity | None:
        """What it is about to sell; null for those who may not see opportunities."""
        from subgraphs.crm.types.sales import Opportunity  # noqa: PLC0415 - activities show opportunities, and these activities

        row = await info.context.row(sales_models.Opportunity, self.opportunity_id, READ_OPPORTUNITIES)
        return Opportunity.of(row) if row else None

    @classmethod
    def of(cls, row: models.Activity) -> Self:
        """The activity in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The activity that another module points at."""
        row = await info.context.row(models.Activity, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class ConsentRecord:
    """What somebody allowed us, on what ground, and how we can show it; only those who work here see it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer for whom they work."""
    contact_id: strawberry.ID
    """Who allowed it."""
    purpose: str
    """What for, as a word: NEWSLETTER."""
    basis: LegalBasis
    """On what ground."""
    given_at: datetime
    """When it was given."""
    proof: str | None
    """Where, how and in which words it was given."""
    withdrawn_at: datetime | None
    """When it ended; null as long as it holds."""
    withdrawal_proof: str | None
    """How that was said."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    async def contact(self, info: Info) -> Contact | None:
        """Who allowed it."""
        row = await info.context.row(customer_models.Contact, self.contact_id, READ)
        return Contact.of(row) if row else None

    @classmethod
    def of(cls, row: models.ConsentRecord) -> Self:
        """The record in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The record that another module points at."""
        row = await info.context.row(models.ConsentRecord, id, READ)
        return cls.of(row) if row else None


@strawberry.input
class ActivityFilter:
    """Which activities: all that is given must hold."""

    customer_id: strawberry.ID | None = None
    """With this customer."""
    contact_id: strawberry.ID | None = None
    """With this person."""
    opportunity_id: strawberry.ID | None = None
    """About this opportunity."""
    owner_id: strawberry.ID | None = None
    """Of this user."""
    kind: list[ActivityKind] | None = None
    """Of one of these kinds."""
    open: bool | None = None
    """Those that somebody still has to do, or the others."""
    due_at: TimeRange | None = None
    """Due in this time."""
    happened_at: TimeRange | None = None
    """At this time."""


@strawberry.type
class ActivityPayload:
    """What became of a command on an activity."""

    activity: Activity | None = None
    """The activity as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class ConsentRecordPayload:
    """What became of a command on a consent."""

    consent_record: ConsentRecord | None = None
    """The record as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
