"""The ways to groups, activities, consents and fields of one's own by GraphQL."""

from __future__ import annotations

from datetime import datetime

import strawberry

from subgraphs.crm.models import customers as customer_models
from subgraphs.crm.models import relations as models
from subgraphs.crm.rules.activities import ActivityKind
from subgraphs.crm.rules.consents import LegalBasis
from subgraphs.crm.rules.custom_fields import CustomEntity, CustomFieldType
from subgraphs.crm.service import activities, consents, custom_fields, groups
from subgraphs.crm.types.activities import (
    Activity,
    ActivityFilter,
    ActivityPayload,
    ConsentRecordPayload,
)
from subgraphs.crm.types.custom_fields import CustomField, CustomFieldPayload
from subgraphs.crm.types.customers import READ, CustomerGroup
from subgraphs.crm.types.payloads import ContactPayload, CustomerGroupPayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

WRITE = "customers:write"
ADMIN = "tenant:admin"


@strawberry.type
class RelationQuery:
    """What can be asked about what we say and know about customers."""

    @strawberry.field
    async def customer_groups(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[CustomerGroup]:
        """The groups of customers, by name."""
        async with info.context.work(READ) as work:
            rows = await groups.groups(work, limit=bounded(limit), offset=skipped(offset))
        return [CustomerGroup.of(row) for row in rows]

    @strawberry.field
    async def activities_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: ActivityFilter | None = None,
    ) -> Connection[Activity]:
        """Activities page by page, the latest first: the timeline of a customer, a contact or an opportunity, or of all."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = activities.selected(filter)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.Activity, activities.NEWEST, wanted, Activity.of, count=count)

    @strawberry.field
    async def custom_fields(
        self, info: Info, entity: CustomEntity | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[CustomField]:
        """The fields of your own, those that are retired, too."""
        async with info.context.work(READ) as work:
            rows = await custom_fields.fields(work, entity)
        begin = skipped(offset)
        return [CustomField.of(row) for row in rows[begin : begin + bounded(limit)]]


@strawberry.input
class CreateCustomerGroupInput(Command):
    """A new group of customers."""

    name: str
    """What it is called."""
    count_users_once_per_group: bool = False
    """Whether a person who works for several of its customers is counted once."""


@strawberry.input
class UpdateCustomerGroupInput(Change):
    """Changes to a group; what is absent stays."""

    id: strawberry.ID
    """The group."""
    name: str | None = strawberry.UNSET
    """What it is called."""
    count_users_once_per_group: bool | None = strawberry.UNSET
    """Whether a person who works for several of its customers is counted once."""


@strawberry.input
class LogActivityInput(Command):
    """Something that was done, or is to be done."""

    customer_id: strawberry.ID
    """The customer."""
    kind: ActivityKind
    """What was done, or is to be done."""
    subject: str
    """What it is about."""
    body: str | None = None
    """What was said."""
    contact_id: strawberry.ID | None = None
    """The person with whom; somebody of the customer."""
    opportunity_id: strawberry.ID | None = None
    """What it is about to sell; an opportunity of the customer."""
    happened_at: datetime | None = None
    """When it happened; when it is due, or now, when absent."""
    due_at: datetime | None = None
    """Until when it must be done."""
    owner_id: strawberry.ID | None = None
    """The user who did it, or has to; you when absent."""


@strawberry.input
class UpdateActivityInput(Change):
    """Changes to an activity; what is absent stays."""

    id: strawberry.ID
    """The activity."""
    subject: str | None = strawberry.UNSET
    """What it is about."""
    body: str | None = strawberry.UNSET
    """What was said; null removes it."""
    contact_id: strawberry.ID | None = strawberry.UNSET
    """The person with whom; null: nobody."""
    opportunity_id: strawberry.ID | None = strawberry.UNSET
    """What it is about to sell; null: nothing."""
    happened_at: datetime | None = strawberry.UNSET
    """When it happened."""
    due_at: datetime | None = strawberry.UNSET
    """Until when it must be done; null: whenever."""
    owner_id: strawberry.ID | None = strawberry.UNSET
    """The user who did it, or has to; null: nobody."""


@strawberry.input
class CompleteActivityInput(Change):
    """Something that is done."""

    id: strawberry.ID
    """The activity."""


@strawberry.input
class ReopenActivityInput(Change):
    """Something that was not done after all."""

    id: strawberry.ID
    """The activity."""


@strawberry.input
class RecordConsentInput(Command):
    """What somebody allowed us."""

    contact_id: strawberry.ID
    """Who allowed it."""
    purpose: str
    """What for, as a word: NEWSLETTER, MARKETING_PHONE."""
    basis: LegalBasis
    """On what ground."""
    given_at: datetime | None = None
    """When it was given; now when absent."""
    proof: str | None = None
    """Where, how and in which words it was given; a consent needs it."""


@strawberry.input
class WithdrawConsentInput(Change):
    """What somebody allows us no more."""

    id: strawberry.ID
    """The record."""
    withdrawn_at: datetime | None = None
    """When; now when absent."""
    proof: str | None = None
    """How that was said."""


@strawberry.input
class EraseContactInput(Change):
    """Somebody who wants to be forgotten."""

    id: strawberry.ID
    """The person."""


@strawberry.input
class CreateCustomFieldInput(Command):
    """A new field of your own."""

    entity: CustomEntity
    """Which things have it."""
    key: str
    """Its name in `customFields`, one word like contractVolume."""
    label: str
    """What people call it."""
    type: CustomFieldType
    """What it holds."""
    options: list[str] | None = None
    """The options of a choice."""
    required: bool = False
    """Whether every thing that is written down from now on must have a value."""
    shared: bool = False
    """Whether the customer's people see it, too."""
    position: int | None = None
    """Its place among the others."""


@strawberry.input
class UpdateCustomFieldInput(Change):
    """Changes to a field of your own; what is absent stays."""

    id: strawberry.ID
    """The definition."""
    label: str | None = strawberry.UNSET
    """What people call it."""
    options: list[str] | None = strawberry.UNSET
    """All options of a choice; what is stored stays as it is."""
    required: bool | None = strawberry.UNSET
    """Whether every thing that is written down or changed there from now on must have a value."""
    shared: bool | None = strawberry.UNSET
    """Whether the customer's people see it, too."""
    position: int | None = strawberry.UNSET
    """Its place among the others."""
    retired: bool | None = strawberry.UNSET
    """Whether no new values are taken any more."""


@strawberry.type
class RelationMutation:
    """What can be done with what we say and know about customers."""

    @command(WRITE, CustomerGroupPayload)
    async def create_customer_group(work: Work, input: CreateCustomerGroupInput) -> models.CustomerGroup:
        """Make a group; customers come into it by updateCustomer."""
        return await groups.create_group(work, **given(input))

    @command(WRITE, CustomerGroupPayload)
    async def update_customer_group(work: Work, input: UpdateCustomerGroupInput) -> models.CustomerGroup:
        """Change the name of a group, or how the people of its customers are counted."""
        return await groups.update_group(work, **given(input))

    @command(WRITE, ActivityPayload)
    async def log_activity(work: Work, input: LogActivityInput) -> models.Activity:
        """Write down a call, a mail, a meeting, a note, or a task that is to be done."""
        values = given(input)
        return await activities.log_activity(work, **values | {"owner_id": values["owner_id"] or work.caller.subject})

    @command(WRITE, ActivityPayload)
    async def update_activity(work: Work, input: UpdateActivityInput) -> models.Activity:
        """Change what was written down, or until when it must be done."""
        return await activities.update_activity(work, **given(input))

    @command(WRITE, ActivityPayload)
    async def complete_activity(work: Work, input: CompleteActivityInput) -> models.Activity:
        """Note that it is done."""
        return await activities.complete_activity(work, **given(input))

    @command(WRITE, ActivityPayload)
    async def reopen_activity(work: Work, input: ReopenActivityInput) -> models.Activity:
        """Note that there is something left to do."""
        return await activities.reopen_activity(work, **given(input))

    @command(WRITE, ConsentRecordPayload, rest=Rest(path="/contacts/{id}/actions/record-consent"))
    async def record_consent(work: Work, input: RecordConsentInput) -> models.ConsentRecord:
        """Write down what somebody allowed us, on what ground, and how we can show it."""
        return await consents.record_consent(work, **given(input))

    @command(WRITE, ConsentRecordPayload, rest=Rest(path="/consent-records/{id}/actions/withdraw"))
    async def withdraw_consent(work: Work, input: WithdrawConsentInput) -> models.ConsentRecord:
        """Note that it is allowed no more; the record stays."""
        return await consents.withdraw_consent(work, **given(input))

    @command(WRITE, ContactPayload)
    async def erase_contact(work: Work, input: EraseContactInput) -> customer_models.Contact:
        """Forget who somebody is: a pseudonym stays, here and everywhere else."""
        return await consents.erase_contact(work, **given(input))

    @command(ADMIN, CustomFieldPayload)
    async def create_custom_field(work: Work, input: CreateCustomFieldInput) -> models.CustomField:
        """Give a kind of thing another field."""
        return await custom_fields.create_custom_field(work, **given(input))

    @command(ADMIN, CustomFieldPayload)
    async def update_custom_field(work: Work, input: UpdateCustomFieldInput) -> models.CustomField:
        """Change how a field of your own is called and what it lets through, or retire it."""
        return await custom_fields.update_custom_field(work, **given(input))
