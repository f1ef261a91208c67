"""How customers, their sites and the people who work there look in the graph."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.crm.models import customers as models
from subgraphs.crm.models import relations
from subgraphs.crm.rules.activities import ActivityKind
from subgraphs.crm.rules.contracts import ContractStatus
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.customers import ContactRole, CustomerKind, CustomerStatus
from subgraphs.crm.rules.quotes import QuoteStatus, StageOutcome
from subgraphs.crm.service import activities, consents, contracts, groups, quotes, sales
from subgraphs.crm.service import customers as service
from subgraphs.crm.service.custom_fields import INSIDERS
from subgraphs.crm.types.custom_fields import shown
from subgraphs.crm.types.others import User, user
from subgraphs.kit.context import Info
from subgraphs.kit.errors import NotFound
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, Address, Money

if TYPE_CHECKING:
    from subgraphs.crm.types.activities import Activity, ConsentRecord
    from subgraphs.crm.types.contracts import Contract
    from subgraphs.crm.types.sales import Opportunity, Quote

READ = "customers:read"
READ_CONTRACTS = "contracts:read"
READ_QUOTES = "quotes:read"
READ_OPPORTUNITIES = "opportunities:read"

LazyContract = Annotated["Contract", strawberry.lazy("subgraphs.crm.types.contracts")]
LazyQuote = Annotated["Quote", strawberry.lazy("subgraphs.crm.types.sales")]
LazyOpportunity = Annotated["Opportunity", strawberry.lazy("subgraphs.crm.types.sales")]
LazyActivity = Annotated["Activity", strawberry.lazy("subgraphs.crm.types.activities")]
LazyConsent = Annotated["ConsentRecord", strawberry.lazy("subgraphs.crm.types.activities")]

for spoken in (CustomerKind, CustomerStatus, ContactRole, ActivityKind):
    strawberry.enum(spoken)

Role = Annotated[ContactRole | None, strawberry.argument(description="Only people with this role.")]
Active = Annotated[bool | None, strawberry.argument(description="Only people who are there, or only those who left.")]


@strawberry.type
class CustomerExternalId:
    """What another system calls a customer."""

    system: str
    """The system, in small letters: `datev`."""
    id: str
    """What it is called there."""


@entity(keys=["id"])
class Customer:
    """A company or a person that we do business with."""

    id: strawberry.ID
    """The identifier: a UUID."""
    number: str
    """The number that people say, and that bookkeepers know: `10000`."""
    name: str
    """What we call it."""
    legal_name: str | None
    """What it is called in its register and on its invoices."""
    kind: CustomerKind
    """What it is to us."""
    status: CustomerStatus
    """Whether we work for it."""
    parent_id: strawberry.Private[strawberry.ID | None]
    group_id: strawberry.Private[strawberry.ID | None]
    merged_into_id: strawberry.Private[strawberry.ID | None]
    custom: strawberry.Private[dict[str, Any]]
    vat_id: str | None
    """Its VAT identification number: `DE123456789`."""
    is_business: bool
    """Whether it is a business, and no consumer."""
    currency: str
    """The currency it is billed in: an ISO 4217 code."""
    language: str
    """The language it is written to in: a BCP 47 tag."""
    time_zone: str
    """The time zone it lives in: a name of the tz database."""
    website: str | None
    """The address of its web site."""
    industry: str | None
    """What it makes or does."""
    invoice_email: str | None
    """Where its invoices are sent."""
    billing_address: Address
    """The address on its invoices; empty as long as nobody has entered one."""
    tags: list[str]
    """Words to find it by."""
    account_manager_id: strawberry.ID | None
    """The user who looks after it."""
    tax_number: str | None
    """Its number at the tax office."""
    leitweg_id: str | None
    """Which authority its e-invoices go to: a Leitweg-ID."""
    small_business: bool
    """Whether it charges no VAT itself (§ 19 UStG)."""
    shipping_address: Address
    """Where goods are sent; empty when that is the billing address."""
    employees: int | None
    """How many people work there."""
    holiday_region: str | None
    """The country, or the part of one, whose holidays it keeps: `DE-BY` (ISO 3166-2)."""
    avv_signed_at: datetime | None
    """When the contract on data processing (Article 28 GDPR) was signed."""
    stored_ids: strawberry.Private[list[CustomerExternalId]]
    stored_health: strawberry.Private[int | None]
    stored_limit: strawberry.Private[Decimal | None]
    stored_source: strawberry.Private[str | None]
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""
    updated_at: datetime
    """When it was last changed."""
    archived_at: datetime | None
    """When it was put away."""

    @strawberry.field
    async def parent(self, info: Info) -> Customer | None:
        """The customer it belongs to: a branch's holding; null when there is none, or none that you may see."""
        row = await info.context.row(models.Customer, self.parent_id, READ)
        return Customer.of(row) if row else None

    @strawberry.field
    def account_manager(self) -> User | None:
        """The user who looks after it."""
        return user(self.account_manager_id)

    @strawberry.field
    def external_ids(self, limit: Limit = DEFAULT_LIMIT) -> list[CustomerExternalId]:
        """What other systems call it, by their names."""
        return self.stored_ids[: bounded(limit)]

    @strawberry.field
    def health_score(self, info: Info) -> int | None:
        """How well it goes with it, from 0 to 100; only for those who work here."""
        return self.stored_health if info.context.caller.kind in INSIDERS else None

    @strawberry.field
    def credit_limit(self, info: Info) -> Money | None:
        """Up to what it may owe us; only for those who work here."""
        if self.stored_limit is None or info.context.caller.kind not in INSIDERS:
            return None
        return Money(amount=self.stored_limit, currency=self.currency)

    @strawberry.field
    def source(self, info: Info) -> str | None:
        """How it came to us; only for those who work here."""
        return self.stored_source if info.context.caller.kind in INSIDERS else None

    @strawberry.field
    async def group(self, info: Info) -> CustomerGroup | None:
        """The group in which it is; only for those who work here."""
        row = await info.context.row(relations.CustomerGroup, self.group_id, READ)
        return CustomerGroup.of(row) if row else None

    @strawberry.field
    async def merged_into(self, info: Info) -> Customer | None:
        """The customer that it turned out to be, when two were one."""
        row = await info.context.row(models.Customer, self.merged_into_id, READ)
        return Customer.of(row) if row else None

    @strawberry.field
    async def custom_fields(self, info: Info) -> JSON:
        """The values of your own fields, by key; outside of the house only of those that are shared."""
        return await shown(info, READ, CustomEntity.CUSTOMER, self.custom)

    @strawberry.field
    async def sites(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Site]:
        """The places where it is: headquarters first, then by name."""
        rows = await info.context.lists(service.sites_of, self.id, READ, limit=bounded(limit), offset=skipped(offset))
        return [Site.of(row) for row in rows]

    @strawberry.field
    async def contacts(
        self,
        info: Info,
        role: Role = None,
        active: Active = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Contact]:
        """The people who work there by last name, those who left at the end."""
        rows = await info.context.lists(
            service.contacts_of,
            self.id,
            READ,
            role=role,
            active=active,
            limit=bounded(limit),
            offset=skipped(offset),
        )
        return [Contact.of(row) for row in rows]

    @strawberry.field
    async def primary_contact(self, info: Info) -> Contact | None:
        """The one person to call first."""
        rows = await info.context.lists(service.primary_contacts_of, self.id, READ)
        return Contact.of(rows[0]) if rows else None

    @strawberry.field
    async def contracts(
        self, info: Info, status: ContractStatus | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[LazyContract] | None:
        """What was agreed with it, the latest first; null for those who may not see contracts."""
        from subgraphs.crm.types.contracts import Contract  # noqa: PLC0415 - customers show contracts, and contracts customers

        rows = await info.context.lists(
            contracts.of_customers, self.id, READ_CONTRACTS, status=status, limit=bounded(limit), offset=skipped(offset)
        )
        return [Contract.of(row) for row in rows]

    @strawberry.field
    async def quotes(
        self, info: Info, status: QuoteStatus | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[LazyQuote] | None:
        """What it was offered, the latest first, every revision; null for those who may not see quotes."""
        from subgraphs.crm.types.sales import Quote  # noqa: PLC0415 - customers show quotes, and quotes customers

        rows = await info.context.lists(
            quotes.quotes_of, self.id, READ_QUOTES, status=status, limit=bounded(limit), offset=skipped(offset)
        )
        return [Quote.of(row) for row in rows]

    @strawberry.field
    async def opportunities(
        self, info: Info, outcome: StageOutcome | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[LazyOpportunity] | None:
        """What it might buy, those that close next first; null for those who may not see opportunities."""
        from subgraphs.crm.types.sales import Opportunity  # noqa: PLC0415 - customers show opportunities, and these customers

        rows = await info.context.lists(
            sales.opportunities_of,
            self.id,
            READ_OPPORTUNITIES,
            outcome=outcome,
            limit=bounded(limit),
            offset=skipped(offset),
        )
        return [Opportunity.of(row) for row in rows]

    @strawberry.field
    async def activities(
        self, info: Info, kind: ActivityKind | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[LazyActivity]:
        """What was done with it, and what is to be done, the latest first; only for those who work here."""
        return await activities_of(info, self.id, whose="customer_id", kind=kind, limit=limit, offset=offset)

    @classmethod
    def of(cls, row: models.Customer) -> Self:
        """The customer in this row."""
        return shape(
            cls,
            row,
            billing_address=Address(**row.billing_address),
            shipping_address=Address(**row.shipping_address),
            stored_ids=[CustomerExternalId(system=one["system"], id=one["id"]) for one in row.external_ids],
            stored_health=row.health_score,
            stored_limit=row.credit_limit,
            stored_source=row.source,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The customer that another module points at."""
        row = await info.context.row(models.Customer, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class Site:
    """A place where a customer is."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer who is there."""
    name: str
    """What the place is called."""
    address: Address
    """How to get there."""
    time_zone: str | None
    """Its time zone, where it is another one than the customer's."""
    is_headquarters: bool
    """Whether it is the customer's main place; there is at most one."""
    access_notes: str | None
    """What one must know to get in."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""
    updated_at: datetime
    """When it was last changed."""
    custom: strawberry.Private[dict[str, Any]]

    @strawberry.field
    async def custom_fields(self, info: Info) -> JSON:
        """The values of your own fields, by key; outside of the house only of those that are shared."""
        return await shown(info, READ, CustomEntity.SITE, self.custom)

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        """The customer who is there."""
        return await _customer(info, self.customer_id)

    @classmethod
    def of(cls, row: models.Site) -> Self:
        """The site in this row."""
        return shape(cls, row, address=Address(**row.address))

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The site that another module points at."""
        row = await info.context.row(models.Site, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class Contact:
    """A person who works for a customer."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer whom they work for."""
    site_id: strawberry.ID | None
    """The site where they work."""
    salutation: str | None
    """How to address them: Frau, Herr, Dr."""
    first_name: str | None
    """Their first name."""
    last_name: str
    """Their last name."""
    email: str | None
    """Their e-mail address."""
    phone: str | None
    """Their telephone number."""
    mobile: str | None
    """Their mobile number."""
    position: str | None
    """What they are there: Managing director."""
    roles: list[ContactRole]
    """What they may be asked about."""
    is_primary: bool
    """Whether they are the one to call first; there is at most one."""
    is_vip: bool
    """Whether they are served before others."""
    active: bool
    """Whether they are still there, and may act for the customer."""
    left_at: datetime | None
    """When they were deactivated."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When they were written down."""
    updated_at: datetime
    """When they were last changed."""
    erased_at: datetime | None
    """When they were forgotten, and only a pseudonym was left."""
    custom: strawberry.Private[dict[str, Any]]
    merged_into_id: strawberry.Private[strawberry.ID | None]

    @strawberry.field
    async def custom_fields(self, info: Info) -> JSON:
        """The values of your own fields, by key; outside of the house only of those that are shared."""
        return await shown(info, READ, CustomEntity.CONTACT, self.custom)

    @strawberry.field
    async def merged_into(self, info: Info) -> Contact | None:
        """The person that they turned out to be, when two were one."""
        row = await info.context.row(models.Contact, self.merged_into_id, READ)
        return Contact.of(row) if row else None

    @strawberry.field
    async def activities(
        self, info: Info, kind: ActivityKind | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[LazyActivity]:
        """What was done with them, and what is to be done, the latest first; only for those who work here."""
        return await activities_of(info, self.id, whose="contact_id", kind=kind, limit=limit, offset=offset)

    @strawberry.field
    async def opt_ins(self, info: Info) -> list[str]:
        """For which purposes they said yes and have not taken it back: NEWSLETTER, MARKETING_PHONE; what proves it are `consents`."""
        return list(await info.context.lists(consents.opted_in, self.id, READ))

    @strawberry.field
    async def consents(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[LazyConsent]:
        """What they allowed us, the latest first, also what they withdrew; only for those who work here."""
        return await consents_of(info, self.id, limit)

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        """The customer whom they work for."""
        return await _customer(info, self.customer_id)

    @strawberry.field
    async def site(self, info: Info) -> Site | None:
        """The site where they work."""
        row = await info.context.row(models.Site, self.site_id, READ)
        return Site.of(row) if row else None

    @classmethod
    def of(cls, row: models.Contact) -> Self:
        """The person in this row."""
        return shape(cls, row, roles=[ContactRole(role) for role in row.roles])

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The person that another module points at."""
        row = await info.context.row(models.Contact, id, READ)
        return cls.of(row) if row else None


async def activities_of(
    info: Info, parent: strawberry.ID, *, whose: str, kind: ActivityKind | None, limit: int, offset: int
) -> list[Activity]:
    """The activities of a customer, a contact or an opportunity; `whose` names the column."""
    from subgraphs.crm.types.activities import Activity  # noqa: PLC0415 - customers show activities, and these customers

    rows = await info.context.lists(
        activities.of, parent, READ, whose=whose, kind=kind, limit=bounded(limit), offset=skipped(offset)
    )
    return [Activity.of(row) for row in rows]


async def consents_of(info: Info, contact: strawberry.ID, limit: int) -> list[ConsentRecord]:
    """What a person allowed us."""
    from subgraphs.crm.types.activities import ConsentRecord  # noqa: PLC0415 - contacts show consents, and these contacts

    rows = await info.context.lists(consents.of_contacts, contact, READ, limit=bounded(limit))
    return [ConsentRecord.of(row) for row in rows]


async def _customer(info: Info, identity: strawberry.ID) -> Customer:
    row = await info.context.row(models.Customer, identity, READ)
    if row is None:
        raise NotFound("There is no customer with this id.")
    return Customer.of(row)


@entity(keys=["id"])
class CustomerGroup:
    """Customers that belong together, other than as holding and branch."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is called."""
    count_users_once_per_group: bool
    """Whether a person who works for several of its customers is counted once."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    async def customers(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Customer]:
        """Who is in it, by name."""
        rows = await info.context.lists(
            groups.customers_of, self.id, READ, limit=bounded(limit), offset=skipped(offset)
        )
        return [Customer.of(row) for row in rows]

    @classmethod
    def of(cls, row: relations.CustomerGroup) -> Self:
        """The group in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The group that another module points at."""
        row = await info.context.row(relations.CustomerGroup, id, READ)
        return cls.of(row) if row else None
