"""The ways into customer management by GraphQL: unpack, begin work, call the service, shape the answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal

import strawberry
from sqlalchemy import false

from subgraphs.crm.models import customers as models
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.customers import ContactRole, CustomerKind, CustomerStatus
from subgraphs.crm.service import custom_fields
from subgraphs.crm.service import customers as service
from subgraphs.crm.service.custom_fields import INSIDERS
from subgraphs.crm.types.customers import READ, Contact, Customer, Site
from subgraphs.crm.types.filters import ContactFilter, CustomerExternalIdInput, CustomerFilter
from subgraphs.crm.types.payloads import ContactPayload, CustomerPayload, SitePayload
from subgraphs.kit import live
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.values import JSON, AddressInput
from subgraphs.kit.work import Work

WRITE = "customers:write"


@strawberry.type
class CustomerQuery:
    """What can be asked about customers."""

    @strawberry.field
    async def customer(self, info: Info, id: strawberry.ID) -> Customer | None:
        """One customer, by its UUID or its number; null when it is not there or not yours."""
        async with info.context.work(READ) as work:
            row = await service.find(work, id)
        return Customer.of(row) if row else None

    @strawberry.field
    async def customers(
        self,
        info: Info,
        search: str | None = None,
        status: CustomerStatus | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Customer]:
        """Customers by name; `search` looks into names and numbers."""
        async with info.context.work(READ) as work:
            rows = await service.listed(
                work, search=search, status=status, limit=bounded(limit), offset=skipped(offset)
            )
        return [Customer.of(row) for row in rows]

    @strawberry.field
    async def customers_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: CustomerFilter | None = None,
        search: str | None = None,
    ) -> Connection[Customer]:
        """Customers page by page, by name; `search` looks into names and numbers."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(wanted=filter, search=search)
        if filter and filter.health_score_at_most is not None and info.context.caller.kind not in INSIDERS:
            query = query.where(false())
        count = counts(info)
        async with info.context.work(READ) as work:
            fields = filter.custom_fields if filter else None
            query = query.where(*await custom_fields.asked(work, CustomEntity.CUSTOMER, models.Customer.custom, fields))
            return await page(work, query, models.Customer, service.BY_NAME, wanted, Customer.of, count=count)

    @strawberry.field
    async def contact(self, info: Info, id: strawberry.ID) -> Contact | None:
        """One person, by UUID; null when they are not there or not yours."""
        row = await info.context.row(models.Contact, id, READ)
        return Contact.of(row) if row else None

    @strawberry.field
    async def contacts_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: ContactFilter | None = None,
        search: str | None = None,
    ) -> Connection[Contact]:
        """People page by page, by last name; `search` looks into names and e-mail addresses."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected_contacts(wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            fields = filter.custom_fields if filter else None
            query = query.where(*await custom_fields.asked(work, CustomEntity.CONTACT, models.Contact.custom, fields))
            return await page(work, query, models.Contact, service.BY_LAST_NAME, wanted, Contact.of, count=count)

    @strawberry.field
    async def site(self, info: Info, id: strawberry.ID) -> Site | None:
        """One site, by UUID; null when it is not there or not yours."""
        row = await info.context.row(models.Site, id, READ)
        return Site.of(row) if row else None


@strawberry.input
class CreateCustomerInput(Command):
    """A new customer."""

    name: str
    """What we call it: one line of at most 200 characters."""
    number: str | None = None
    """The number it has elsewhere; without one it gets the next of ours."""
    legal_name: str | None = None
    """What it is called in its register and on its invoices."""
    kind: CustomerKind | None = None
    """What it is to us; CUSTOMER when absent."""
    parent_id: strawberry.ID | None = None
    """The customer it belongs to."""
    vat_id: str | None = None
    """Its VAT identification number."""
    is_business: bool | None = None
    """Whether it is a business, and no consumer; true when absent."""
    currency: str | None = None
    """The currency it is billed in, as an ISO 4217 code; EUR when absent."""
    language: str | None = None
    """The language it is written to in, as a BCP 47 tag; de-DE when absent."""
    time_zone: str | None = None
    """The time zone it lives in, as a name of the tz database; Europe/Berlin when absent."""
    website: str | None = None
    """The address of its web site, with https:// before it."""
    industry: str | None = None
    """What it makes or does."""
    invoice_email: str | None = None
    """Where its invoices shall be sent."""
    billing_address: AddressInput | None = None
    """The address on its invoices."""
    tags: list[str] | None = None
    """Words to find it by."""
    account_manager_id: strawberry.ID | None = None
    """The user who looks after it."""
    group_id: strawberry.ID | None = None
    """The group in which it is."""
    tax_number: str | None = None
    """Its number at the tax office."""
    leitweg_id: str | None = None
    """Which authority its e-invoices go to: a Leitweg-ID with its check digits."""
    small_business: bool | None = None
    """Whether it charges no VAT itself (§ 19 UStG); false when absent."""
    shipping_address: AddressInput | None = None
    """Where goods are sent, if not to the billing address."""
    employees: int | None = None
    """How many people work there."""
    holiday_region: str | None = None
    """The country, or the part of one, whose holidays it keeps: `DE-BY` (ISO 3166-2)."""
    credit_limit: Decimal | None = None
    """Up to what it may owe us, in its currency."""
    health_score: int | None = None
    """How well it goes with it, from 0 to 100."""
    avv_signed_at: datetime | None = None
    """When the contract on data processing (Article 28 GDPR) was signed."""
    source: str | None = None
    """How it came to us."""
    external_ids: list[CustomerExternalIdInput] | None = None
    """What other systems call it."""
    custom_fields: JSON | None = None
    """Values of your own fields, by key."""


@strawberry.input
class UpdateCustomerInput(Change):
    """Changes to a customer; what is absent stays."""

    id: strawberry.ID
    """The customer."""
    name: str | None = strawberry.UNSET
    """What we call it."""
    legal_name: str | None = strawberry.UNSET
    """What it is called in its register and on its invoices; null removes it."""
    kind: CustomerKind | None = strawberry.UNSET
    """What it is to us."""
    status: CustomerStatus | None = strawberry.UNSET
    """Whether we work for it; BLOCKED has a command of its own."""
    parent_id: strawberry.ID | None = strawberry.UNSET
    """The customer it belongs to; null makes it independent."""
    vat_id: str | None = strawberry.UNSET
    """Its VAT identification number; null removes it."""
    is_business: bool | None = strawberry.UNSET
    """Whether it is a business, and no consumer."""
    currency: str | None = strawberry.UNSET
    """The currency it is billed in, as an ISO 4217 code."""
    language: str | None = strawberry.UNSET
    """The language it is written to in, as a BCP 47 tag."""
    time_zone: str | None = strawberry.UNSET
    """The time zone it lives in, as a name of the tz database."""
    website: str | None = strawberry.UNSET
    """The address of its web site; null removes it."""
    industry: str | None = strawberry.UNSET
    """What it makes or does; null removes it."""
    invoice_email: str | None = strawberry.UNSET
    """Where its invoices shall be sent; null removes it."""
    billing_address: AddressInput | None = strawberry.UNSET
    """The whole address on its invoices; null empties it."""
    tags: list[str] | None = strawberry.UNSET
    """All words to find it by; null removes them."""
    account_manager_id: strawberry.ID | None = strawberry.UNSET
    """The user who looks after it; null leaves it to nobody."""
    group_id: strawberry.ID | None = strawberry.UNSET
    """The group in which it is; null takes it out."""
    tax_number: str | None = strawberry.UNSET
    """Its number at the tax office; null removes it."""
    leitweg_id: str | None = strawberry.UNSET
    """Which authority its e-invoices go to: a Leitweg-ID with its check digits; null removes it."""
    small_business: bool | None = strawberry.UNSET
    """Whether it charges no VAT itself (§ 19 UStG)."""
    shipping_address: AddressInput | None = strawberry.UNSET
    """Where goods are sent, if not to the billing address; null empties it."""
    employees: int | None = strawberry.UNSET
    """How many people work there; null removes it."""
    holiday_region: str | None = strawberry.UNSET
    """The country, or the part of one, whose holidays it keeps: `DE-BY` (ISO 3166-2); null removes it."""
    credit_limit: Decimal | None = strawberry.UNSET
    """Up to what it may owe us, in its currency; null removes it."""
    health_score: int | None = strawberry.UNSET
    """How well it goes with it, from 0 to 100; null removes it."""
    avv_signed_at: datetime | None = strawberry.UNSET
    """When the contract on data processing (Article 28 GDPR) was signed; null removes it."""
    source: str | None = strawberry.UNSET
    """How it came to us; null removes it."""
    external_ids: list[CustomerExternalIdInput] | None = strawberry.UNSET
    """All that other systems call it; null removes them."""
    custom_fields: JSON | None = strawberry.UNSET
    """Values of your own fields, by key; null removes one, what is absent stays."""


@strawberry.input
class BlockCustomerInput(Change):
    """A customer we refuse to work for."""

    id: strawberry.ID
    """The customer."""
    reason: str | None = None
    """Why, in words for those who take on work."""


@strawberry.input
class CreateSiteInput(Command):
    """A new site."""

    customer_id: strawberry.ID
    """The customer who is there."""
    name: str
    """What the place is called."""
    address: AddressInput
    """How to get there: at least a street or a town."""
    time_zone: str | None = None
    """Its time zone, where it is another one than the customer's."""
    is_headquarters: bool = False
    """Whether it is the customer's main place; it takes over from the one that was."""
    access_notes: str | None = None
    """What one must know to get in."""
    custom_fields: JSON | None = None
    """Values of your own fields, by key."""


@strawberry.input
class UpdateSiteInput(Change):
    """Changes to a site; what is absent stays."""

    id: strawberry.ID
    """The site."""
    name: str | None = strawberry.UNSET
    """What the place is called."""
    address: AddressInput | None = strawberry.UNSET
    """How to get there, the whole of it."""
    time_zone: str | None = strawberry.UNSET
    """Its time zone; null when it is the customer's."""
    is_headquarters: bool | None = strawberry.UNSET
    """Whether it is the customer's main place; it takes over from the one that was."""
    access_notes: str | None = strawberry.UNSET
    """What one must know to get in; null removes it."""
    custom_fields: JSON | None = strawberry.UNSET
    """Values of your own fields, by key; null removes one, what is absent stays."""


@strawberry.input
class CreateContactInput(Command):
    """A new contact."""

    customer_id: strawberry.ID
    """The customer whom they work for."""
    last_name: str
    """Their last name."""
    first_name: str | None = None
    """Their first name."""
    salutation: str | None = None
    """How to address them: Frau, Herr, Dr."""
    site_id: strawberry.ID | None = None
    """The site where they work; it must be the customer's."""
    email: str | None = None
    """Their e-mail address."""
    phone: str | None = None
    """Their telephone number."""
    mobile: str | None = None
    """Their mobile number."""
    position: str | None = None
    """What they are there."""
    roles: list[ContactRole] | None = None
    """What they may be asked about."""
    is_primary: bool = False
    """Whether they are the one to call first; they take over from whoever was."""
    is_vip: bool = False
    """Whether they are served before others."""
    custom_fields: JSON | None = None
    """Values of your own fields, by key."""


@strawberry.input
class UpdateContactInput(Change):
    """Changes to a contact; what is absent stays."""

    id: strawberry.ID
    """The person."""
    last_name: str | None = strawberry.UNSET
    """Their last name."""
    first_name: str | None = strawberry.UNSET
    """Their first name; null removes it."""
    salutation: str | None = strawberry.UNSET
    """How to address them; null removes it."""
    site_id: strawberry.ID | None = strawberry.UNSET
    """The site where they work; null when they work at none."""
    email: str | None = strawberry.UNSET
    """Their e-mail address; null removes it."""
    phone: str | None = strawberry.UNSET
    """Their telephone number; null removes it."""
    mobile: str | None = strawberry.UNSET
    """Their mobile number; null removes it."""
    position: str | None = strawberry.UNSET
    """What they are there; null removes it."""
    roles: list[ContactRole] | None = strawberry.UNSET
    """All that they may be asked about; null removes it."""
    is_primary: bool | None = strawberry.UNSET
    """Whether they are the one to call first; they take over from whoever was."""
    is_vip: bool | None = strawberry.UNSET
    """Whether they are served before others."""
    custom_fields: JSON | None = strawberry.UNSET
    """Values of your own fields, by key; null removes one, what is absent stays."""


@strawberry.input
class DeactivateContactInput(Change):
    """Somebody who left, or may no longer act for the customer."""

    id: strawberry.ID
    """The person."""


@strawberry.type
class CustomerMutation:
    """What can be done with customers."""

    @command(WRITE, CustomerPayload)
    async def create_customer(work: Work, input: CreateCustomerInput) -> models.Customer:
        """Write down a customer, under the number it has elsewhere or under our next one."""
        return await service.create_customer(work, **given(input))

    @command(WRITE, CustomerPayload)
    async def update_customer(work: Work, input: UpdateCustomerInput) -> models.Customer:
        """Change what describes a customer, whom it belongs to, or its status."""
        return await service.update_customer(work, **given(input))

    @command(WRITE, CustomerPayload)
    async def block_customer(work: Work, input: BlockCustomerInput) -> models.Customer:
        """Refuse to work for a customer from now on; another status ends that."""
        return await service.block_customer(work, **given(input))

    @command(WRITE, SitePayload)
    async def create_site(work: Work, input: CreateSiteInput) -> models.Site:
        """Write down where a customer is."""
        return await service.create_site(work, **given(input))

    @command(WRITE, SitePayload)
    async def update_site(work: Work, input: UpdateSiteInput) -> models.Site:
        """Change what describes a site."""
        return await service.update_site(work, **given(input))

    @command(WRITE, ContactPayload)
    async def create_contact(work: Work, input: CreateContactInput) -> models.Contact:
        """Write down somebody who works for a customer."""
        return await service.create_contact(work, **given(input))

    @command(WRITE, ContactPayload)
    async def update_contact(work: Work, input: UpdateContactInput) -> models.Contact:
        """Change what describes a person."""
        return await service.update_contact(work, **given(input))

    @command(WRITE, ContactPayload)
    async def deactivate_contact(work: Work, input: DeactivateContactInput) -> models.Contact:
        """Note that somebody left, or may no longer act for the customer; nothing about them is forgotten."""
        return await service.deactivate_contact(work, **given(input))


@strawberry.type
class CustomerSubscription:
    """What can be watched about customers."""

    @strawberry.subscription
    async def customer_updated(self, info: Info, id: strawberry.ID | None = None) -> AsyncGenerator[Customer, None]:
        """A customer, each time when something happened to it: one, or all that you may see."""
        async with aclosing(live.changes(info.context, models.Customer, READ, identity=id)) as rows:
            async for row in rows:
                yield Customer.of(row)
