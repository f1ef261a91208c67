"""What crm tells the others: customers, the people who work there, their sites, and what was agreed with them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.events.envelope import Event, Payload, catalogue
from contracts.events.sales import (
    OpportunityCreated,
    OpportunityLost,
    OpportunityStageChanged,
    OpportunityWon,
    QuoteAccepted,
    QuoteConverted,
    QuoteCreated,
    QuoteExpired,
    QuoteRejected,
    QuoteSent,
    QuoteViewed,
)


class PostalAddress(Payload):
    """Where letters go; all null while nobody has said it."""

    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None
    """Two letters, as `DE`."""


class BilledAt(Payload):
    """What the customer's documents need to know of it."""

    legal_name: str | None = None
    address: PostalAddress
    vat_id: str | None = None
    is_business: bool
    currency: str
    language: str
    invoice_email: str | None = None
    buyer_reference: str | None = None
    """The Leitweg-ID of an authority."""
    tax_number: str | None = None
    small_business: bool = False
    """Whether it charges no VAT itself (§ 19 UStG)."""


class CustomerFact(Event):
    """A customer as it is now."""

    subject_type = "Customer"

    id: UUID
    number: str
    """The number that people use for the customer."""
    name: str
    status: str
    """ACTIVE, ON_HOLD, INACTIVE or BLOCKED; treat what you don't know as INACTIVE."""
    parent_id: UUID | None = None
    """The customer to which it belongs."""
    billed_at: BilledAt | None = None
    """What documents need to know; absent in what was told before it was."""
    group_id: UUID | None = None
    """The group in which it is."""
    holiday_region: str | None = None
    """The country, or the part of one, whose holidays it keeps: `DE-BY`."""
    avv_signed_at: AwareDatetime | None = None
    """When the contract on data processing (Article 28 GDPR) was signed."""
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when the customer is new."""


class CustomerCreated(CustomerFact):
    """A customer was created: whoever keeps a short copy of customers adds it."""

    type = "customer.created"


class CustomerUpdated(CustomerFact):
    """A customer was changed: refresh the short copy."""

    type = "customer.updated"


class CustomerBlocked(Event):
    """A customer was blocked: no new work is taken on for it."""

    type = "customer.blocked"
    subject_type = "Customer"

    id: UUID
    reason: str | None = None


class _ContactFact(Event):
    subject_type = "Contact"

    id: UUID
    customer_id: UUID
    name: str = ""
    """First and last name."""
    email: str | None = None
    is_vip: bool = False
    """Whether they are heard first."""
    roles: tuple[str, ...] | None = None
    """What they may be asked about: DECISION_MAKER, BILLING, TECHNICAL, GDPR; null in what was told before there was this."""
    active: bool = True
    """Whether they still work there, and may act for their company."""
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when the contact is new."""


class ContactCreated(_ContactFact):
    """A contact was created."""

    type = "contact.created"


class ContactUpdated(_ContactFact):
    """A contact was changed."""

    type = "contact.updated"


class ContactDeactivated(Event):
    """A contact left its company, or may no longer act for it."""

    type = "contact.deactivated"
    subject_type = "Contact"

    id: UUID
    customer_id: UUID


class _SiteFact(Event):
    subject_type = "Site"

    id: UUID
    customer_id: UUID
    name: str
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when the site is new."""


class SiteCreated(_SiteFact):
    """A site was created."""

    type = "site.created"


class SiteUpdated(_SiteFact):
    """A site was changed."""

    type = "site.updated"


class ContractTier(Payload):
    """From so many on, each costs this."""

    from_quantity: Decimal
    unit_price: Decimal


class ContractLineTold(Payload):
    """One version of a line of a contract: what holds from a day on."""

    id: UUID
    replaces_id: UUID | None = None
    """The version that it follows; that one ended the day before."""
    product_id: UUID | None = None
    kind: str
    """RECURRING, ONE_TIME, PREPAID or USAGE."""
    description: str
    quantity_mode: str
    """FIXED, ACTIVE_DEVICES, ACTIVE_USERS, LICENSE_COUNT, USAGE or MANUAL."""
    quantity_policy: str
    """SNAPSHOT_START, SNAPSHOT_END, MAX, AVERAGE or PRORATED_CHANGES."""
    quantity: Decimal
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    unit_code: str
    """In what it is counted: a code of UN/ECE recommendation 20."""
    unit_price: Decimal
    """What one costs for one interval, in the currency of the contract."""
    discount_percent: Decimal
    included_hours: Decimal | None = None
    hourly_rate_overage: Decimal | None = None
    tiers: tuple[ContractTier, ...] = ()
    tax_code: str
    prorate: str
    """NONE, DAILY, FULL_FIRST or FREE_FIRST."""
    asset_ids: tuple[UUID, ...] = ()
    valid_from: date
    valid_to: date | None = None
    """The last day on which it holds; the day before `validFrom` when it never did."""


class ContractCoverage(Payload):
    """Which work a contract speaks about, and what it says; an empty dimension means any."""

    effect: str
    """COVERED, BILLABLE, EXCLUDED or COVERED_UNTIL_HOURS."""
    work_types: tuple[str, ...] = ()
    ticket_types: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()
    site_ids: tuple[UUID, ...] = ()
    calendar_part: str
    """BUSINESS, AFTER_HOURS or ANY."""


class ContractFact(Event):
    """A contract, whole, as it is after what happened."""

    subject_type = "Contract"

    id: UUID
    customer_id: UUID
    number: str
    title: str
    contract_type: str = Field(alias="type")
    """TIME_AND_MATERIAL, BLOCK_HOURS, RETAINER, FLAT_RATE, PER_DEVICE, PER_USER, FIXED_PRICE, PER_TICKET or USAGE."""
    status: str
    """DRAFT, PENDING_SIGNATURE, ACTIVE, SUSPENDED, NOTICE_GIVEN, ENDED or CANCELLED."""
    legal_entity_id: UUID | None = None
    start_date: date
    end_date: date | None = None
    """The last day of its term; null when it has none."""
    notice_deadline: date | None = None
    """The last day of notice; null when nothing renews itself, or notice was given."""
    auto_renew: bool
    billing_interval: str
    """ONE_TIME, MONTHLY, QUARTERLY, SEMIANNUAL or ANNUAL."""
    billing_anchor_day: int | None = None
    bill_in_advance: bool
    currency: str
    priority: int
    """The lower comes first."""
    included_hours: Decimal | None = None
    hourly_rate: Decimal | None = None
    overage: str
    """BILL_RATE, BLOCK or AUTO_REPLENISH."""
    sla_policy_id: UUID | None = None
    po_number: str | None = None
    coverage: tuple[ContractCoverage, ...] = ()
    asset_ids: tuple[UUID, ...] = ()
    """The assets that its lines cover."""
    lines: tuple[ContractLineTold, ...] = ()
    """Every version of every line, in their order."""
    effective_date: date | None = None
    """From when on what happened holds; for an end, the last day."""
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when the contract is new."""


class ContractCreated(ContractFact):
    """A contract was drawn up: whoever keeps a copy of contracts adds it."""

    type = "contract.created"


class ContractUpdated(ContractFact):
    """A contract is another one now: refresh the copy. Also told beside each of the following."""

    type = "contract.updated"


class ContractActivated(ContractFact):
    """A contract was put into force."""

    type = "contract.activated"


class ContractAmended(ContractFact):
    """Other lines or conditions hold from `effectiveDate` on."""

    type = "contract.amended"


class ContractSuspended(ContractFact):
    """A contract rests."""

    type = "contract.suspended"


class ContractResumed(ContractFact):
    """A contract that rested holds again."""

    type = "contract.resumed"


class ContractNoticeGiven(ContractFact):
    """One side ended the contract: `effectiveDate` is its last day."""

    type = "contract.notice_given"


class ContractRenewed(ContractFact):
    """The next term begins on `effectiveDate`."""

    type = "contract.renewed"


class ContractEnded(ContractFact):
    """The contract is over: `effectiveDate` was its last day."""

    type = "contract.ended"


class ContractCancelled(ContractFact):
    """A contract that never held was put away."""

    type = "contract.cancelled"


class ContractRenewalDue(Event):
    """The last day of notice comes nearer: told 60, 30 and 7 days before."""

    type = "contract.renewal_due"
    subject_type = "Contract"

    id: UUID
    customer_id: UUID
    number: str
    title: str
    term_end: date | None = None
    notice_deadline: date
    days_left: int


class CustomerMerged(Event):
    """Two customers were one: whatever points at the source belongs to the target from now on."""

    type = "customer.merged"
    subject_type = "Customer"

    source_id: UUID
    target_id: UUID


class ContactMerged(Event):
    """Two contacts were one person: whatever points at the source belongs to the target from now on."""

    type = "contact.merged"
    subject_type = "Contact"

    source_id: UUID
    target_id: UUID
    customer_id: UUID


class ContactErased(Event):
    """A person wants to be forgotten: put the pseudonym wherever their name, or anything else of them, is kept."""

    type = "contact.erased"
    subject_type = "Contact"

    id: UUID
    customer_id: UUID
    pseudonym: str


class _GroupFact(Event):
    subject_type = "CustomerGroup"

    id: UUID
    name: str
    count_users_once_per_group: bool
    """Whether a person who works for several customers of the group is counted once."""


class CustomerGroupCreated(_GroupFact):
    """A group of customers was made."""

    type = "customer_group.created"


class CustomerGroupUpdated(_GroupFact):
    """A group of customers was changed; who is in it, `customer.updated` tells."""

    type = "customer_group.updated"


class ActivityFact(Event):
    """An activity as it is."""

    subject_type = "Activity"

    id: UUID
    customer_id: UUID
    kind: str
    """CALL, EMAIL, MEETING, NOTE or TASK."""
    subject: str
    contact_id: UUID | None = None
    opportunity_id: UUID | None = None
    owner_id: UUID | None = None
    """The user who did it, or has to."""
    due_at: AwareDatetime | None = None
    done_at: AwareDatetime | None = None
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when it is new."""


class ActivityCreated(ActivityFact):
    """Something was done with a customer, or is to be done."""

    type = "activity.created"


class ActivityUpdated(ActivityFact):
    """An activity was changed, or done."""

    type = "activity.updated"


class ActivityDue(ActivityFact):
    """The moment has come by which an activity should be done, and it is not."""

    type = "activity.due"


class _ConsentFact(Event):
    subject_type = "ConsentRecord"

    id: UUID
    customer_id: UUID
    contact_id: UUID
    purpose: str
    """What for, as a word: NEWSLETTER."""
    basis: str
    """The ground in Article 6 (1) GDPR: CONSENT, CONTRACT, …"""
    given_at: AwareDatetime
    withdrawn_at: AwareDatetime | None = None


class ConsentGiven(_ConsentFact):
    """Somebody allowed us to use their data for a purpose."""

    type = "consent.given"


class ConsentWithdrawn(_ConsentFact):
    """It is allowed no more: stop now."""

    type = "consent.withdrawn"


class CsvImportCompleted(Event):
    """A file was read, and what it says was written down as far as it made sense."""

    type = "csv_import.completed"
    subject_type = "CsvImport"

    id: UUID
    entity: str
    """CUSTOMER, CONTACT or SITE."""
    total: int
    created: int
    updated: int
    unchanged: int
    failed: int


class TenantExportReady(Event):
    """An export of everything can be fetched."""

    type = "tenant_export.ready"
    subject_type = "TenantExport"

    id: UUID
    size_bytes: int
    expires_at: AwareDatetime
    """Until then it is kept."""


CATALOGUE = catalogue(
    CustomerCreated,
    CustomerUpdated,
    CustomerBlocked,
    ContactCreated,
    ContactUpdated,
    ContactDeactivated,
    SiteCreated,
    SiteUpdated,
    ContractCreated,
    ContractUpdated,
    ContractActivated,
    ContractAmended,
    ContractSuspended,
    ContractResumed,
    ContractNoticeGiven,
    ContractRenewed,
    ContractEnded,
    ContractCancelled,
    ContractRenewalDue,
    OpportunityCreated,
    OpportunityStageChanged,
    OpportunityWon,
    OpportunityLost,
    QuoteCreated,
    QuoteSent,
    QuoteViewed,
    QuoteAccepted,
    QuoteRejected,
    QuoteConverted,
    CustomerMerged,
    ContactMerged,
    ContactErased,
    CustomerGroupCreated,
    CustomerGroupUpdated,
    ActivityCreated,
    ActivityUpdated,
    ActivityDue,
    ConsentGiven,
    ConsentWithdrawn,
    CsvImportCompleted,
    TenantExportReady,
    QuoteExpired,
)
"""Every event of crm by its type."""
