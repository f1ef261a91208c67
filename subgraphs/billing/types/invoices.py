"""How what is billed looks in the graph: items, runs, and documents with their lines and taxes."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from strawberry.federation import field as restricted
from strawberry.federation import type as entity

from subgraphs.billing.models import invoices as models
from subgraphs.billing.rules import days
from subgraphs.billing.rules import invoices as rules
from subgraphs.billing.rules.coverage import CoverageEffect
from subgraphs.billing.rules.invoices import DeliveryStatus, InvoiceKind, InvoiceStatus, PaymentStatus
from subgraphs.billing.rules.items import BillableSource, BillableStatus, BillingRunStatus
from subgraphs.billing.rules.vat import TaxCategory
from subgraphs.billing.service import documents
from subgraphs.billing.types.agreements import READ, SkontoTerm, money, skonto
from subgraphs.billing.types.catalogue import COSTS
from subgraphs.billing.types.papers import Papers
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Address, Money, UserError

for spoken in (
    CoverageEffect, DeliveryStatus, InvoiceKind, InvoiceStatus, PaymentStatus, BillableSource, BillableStatus, BillingRunStatus,
):  # fmt: skip
    strawberry.enum(spoken)

if TYPE_CHECKING:
    from subgraphs.billing.types.extensions import Contract, Customer, Ticket, TimeEntry


def stub(kind: str, identity: strawberry.ID | None) -> Any:
    """The entity of another module: the types that extend it know these here, so they are looked up late."""
    extensions = importlib.import_module("subgraphs.billing.types.extensions")
    return getattr(extensions, kind)(id=identity)


@strawberry.type
class TaxBreakdown:
    """What one VAT category of a document comes to."""

    category: TaxCategory
    """The category."""
    rate: Decimal
    """The rate in percent."""
    taxable: Money
    """What is taxed."""
    tax: Money
    """The tax."""
    allowance: Money
    """What was taken off by a discount on the document."""
    exemption_code: str | None
    """Why nothing is taxed, as a code of the standard."""
    exemption_reason: str | None
    """Why nothing is taxed, in words."""


def breakdown(stored: Iterable[Mapping[str, Any]], currency: str) -> list[TaxBreakdown]:
    """The VAT categories of a document."""
    return [
        TaxBreakdown(
            category=TaxCategory(one["category"]),
            rate=Decimal(one["rate"]),
            taxable=money(Decimal(one["taxable"]), currency),
            tax=money(Decimal(one["tax"]), currency),
            allowance=money(Decimal(one["allowance"]), currency),
            exemption_code=one.get("exemption_code"),
            exemption_reason=one.get("exemption_text"),
        )
        for one in stored
    ]


@strawberry.type
class InvoiceLine:
    """A line of a document."""

    id: strawberry.ID
    """The identifier: a UUID."""
    position: int
    """Its place, beginning with 1."""
    product_id: strawberry.ID | None
    """The product."""
    description: str
    """What it is."""
    quantity: Decimal
    """How many; negative on a cancellation."""
    unit_code: str
    """In what it is counted."""
    unit_price: Decimal
    """What one costs."""
    discount_percent: Decimal
    """What is taken off."""
    net_amount: Decimal
    """What it comes to without VAT."""
    tax_code: str
    """The tax code that holds."""
    tax_category: TaxCategory
    """Its VAT category."""
    tax_rate: Decimal
    """Its rate in percent."""
    service_from: date | None
    """The first day of the service."""
    service_to: date | None
    """The last day of the service."""
    billable_item_ids: list[strawberry.ID]
    """What it bills: ask `explainCharge` about one."""
    contract_id: strawberry.ID | None
    """The contract that it comes from."""
    project_id: strawberry.ID | None
    """The project that it comes from."""
    cost_center: str | None
    """The customer's cost centre."""

    @strawberry.field
    async def items(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[BillableItem]:
        """What it bills: the work, the period, the thing that was sold."""
        wanted = self.billable_item_ids[: bounded(limit)]
        rows = await asyncio.gather(*(info.context.row(models.BillableItem, one, READ) for one in wanted))
        return [BillableItem.of(row) for row in rows if row is not None]

    @strawberry.field
    def contract(self) -> Annotated[Contract, strawberry.lazy("subgraphs.billing.types.extensions")] | None:
        """The contract that it comes from."""
        found: Contract | None = stub("Contract", self.contract_id) if self.contract_id else None
        return found


@entity(keys=["id"])
class Invoice(Papers):
    """A document: an invoice, a cancellation or a credit note, from draft to payment."""

    number: str | None
    """Its number; a draft has none."""
    kind: InvoiceKind
    """What kind of document it is."""
    document_status: InvoiceStatus
    """How far it is."""
    payment_status: PaymentStatus
    """How much of it is paid."""
    delivery_status: DeliveryStatus
    """Where it is on its way to the customer."""
    customer_id: strawberry.ID
    """Who has to pay."""
    legal_entity_id: strawberry.ID
    """Who sells."""
    billing_run_id: strawberry.ID | None
    """The run that made it."""
    issue_date: date | None
    """Its date."""
    tax_point_date: date | None
    """When its VAT is due, if that differs."""
    service_from: date | None
    """The first day of what it bills."""
    service_to: date | None
    """The last day of what it bills."""
    due_date: date | None
    """When it has to be paid."""
    in_time_until: date | None
    """Where it is due on a day of rest: the next working day, on which a payment is in time, too (§ 193 BGB)."""
    currency: str
    """Its currency."""
    discount_percent: Decimal
    """What is taken off the whole."""
    exchange_rate: Decimal | None
    """So much of its currency for one of the seller's."""
    exchange_rate_date: date | None
    """The day of that rate."""
    total_net: Money
    """What it comes to without VAT."""
    total_tax: Money
    """The VAT."""
    total_gross: Money
    """What has to be paid."""
    paid_amount: Money
    """What was paid of it."""
    open_amount: Money
    """What is still open."""
    buyer_reference: str | None
    """What the customer wants on it."""
    order_reference: str | None
    """The customer's order number."""
    payment_terms: str | None
    """Terms of payment, in words."""
    notes: str | None
    """What else it says."""
    reason: str | None
    """Why something was cancelled or credited."""
    billing_address_snapshot: Address | None
    """The customer's address as the document says it."""
    dunning_level: int | None
    """The last level at which somebody asked for it."""
    dunning_blocked_until: date | None
    """Until when nobody asks for it."""
    disputed: bool
    """The customer disputes it."""
    content_hash: str | None
    """The hash of what it says, chained to the document before."""
    prev_hash: str | None
    """The hash of the document before."""
    approved_by: strawberry.ID | None
    """Who found it right."""
    approved_at: datetime | None
    """When they did."""
    sent_to: str | None
    """Where it was sent."""
    sent_at: datetime | None
    """When it was sent."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was drafted."""
    created_by: strawberry.ID
    """Who drafted it."""
    preceding_id: strawberry.Private[str | None]
    cancelled_by_id: strawberry.Private[str | None]
    stored_breakdown: strawberry.Private[list[Any]]
    stored_skonto: strawberry.Private[list[Any]]

    @strawberry.field
    def customer(self) -> Annotated[Customer, strawberry.lazy("subgraphs.billing.types.extensions")] | None:
        """Who has to pay."""
        found: Customer = stub("Customer", self.customer_id)
        return found

    @strawberry.field
    def overdue(self, info: Info) -> bool:
        """Whether something is open after its day."""
        today, last = days.local(info.context.clock()), self.in_time_until or self.due_date
        return self.document_status is InvoiceStatus.ISSUED and rules.is_overdue(self.open_amount.amount, last, today)

    @strawberry.field
    def tax_breakdown(self, limit: Limit = DEFAULT_LIMIT) -> list[TaxBreakdown]:
        """What its VAT categories come to."""
        return breakdown(self.stored_breakdown, self.currency)[: bounded(limit)]

    @strawberry.field
    def skonto(self, limit: Limit = DEFAULT_LIMIT) -> list[SkontoTerm]:
        """What may be taken off for paying early."""
        return skonto(self.stored_skonto)[: bounded(limit)]

    @strawberry.field
    async def lines(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[InvoiceLine]:
        """What it bills."""
        rows = await info.context.lists(documents.lines_of, self.id, READ, limit=bounded(limit), offset=skipped(offset))
        return [shape(InvoiceLine, row) for row in rows]

    @strawberry.field
    async def preceding_invoice(self, info: Info) -> Invoice | None:
        """The document that this one undoes or corrects."""
        row = await info.context.row(models.Invoice, self.preceding_id, READ)
        return Invoice.of(row) if row else None

    @strawberry.field
    async def cancelled_by(self, info: Info) -> Invoice | None:
        """The document that undid this one."""
        row = await info.context.row(models.Invoice, self.cancelled_by_id, READ)
        return Invoice.of(row) if row else None

    @classmethod
    def of(cls, row: models.Invoice) -> Self:
        """The document in this row."""
        amounts = ("total_net", "total_tax", "total_gross", "paid_amount", "open_amount")
        address = (row.buyer_snapshot or {}).get("address")
        return shape(
            cls,
            row,
            **{name: money(getattr(row, name), row.currency) for name in amounts},
            billing_address_snapshot=Address(**address) if address is not None else None,
            preceding_id=str(row.preceding_id) if row.preceding_id else None,
            cancelled_by_id=str(row.cancelled_by_id) if row.cancelled_by_id else None,
            stored_breakdown=row.tax_breakdown,
            stored_skonto=row.skonto,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The document that another module points at."""
        row = await info.context.row(models.Invoice, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class CoverageExplanation:
    """Who pays for a piece of work, and why."""

    effect: CoverageEffect
    """What became of it."""
    contract_id: strawberry.ID | None
    """The contract that decided."""
    rule_id: strawberry.ID | None
    """The rule of it that matched."""
    reasons: list[str]
    """What was matched and what was rejected because of what, in order."""

    @strawberry.field
    def contract(self) -> Annotated[Contract, strawberry.lazy("subgraphs.billing.types.extensions")] | None:
        """The contract that decided."""
        found: Contract | None = stub("Contract", self.contract_id) if self.contract_id else None
        return found


@entity(keys=["id"])
class BillableItem:
    """Something that can be billed, or was covered."""

    id: strawberry.ID
    """The identifier: a UUID."""
    source: BillableSource
    """Where it comes from."""
    source_id: strawberry.ID | None
    """The time entry, contract line or balance that it comes from."""
    customer_id: strawberry.ID
    """Whom it is for."""
    contract_id: strawberry.ID | None
    """The contract that pays for it or that it comes from."""
    project_id: strawberry.ID | None
    """The project that it comes from."""
    ticket_id: strawberry.ID | None
    """The ticket that it comes from."""
    product_id: strawberry.ID | None
    """The product."""
    description: str
    """What stands on the document."""
    quantity: Decimal
    """How many."""
    unit_code: str
    """In what it is counted."""
    unit_price: Decimal
    """What one costs."""
    discount_percent: Decimal
    """What is taken off."""
    notional_value: Money
    """What covered work would have cost."""
    tax_code: str
    """Its tax code when it is supplied here."""
    service_from: date
    """The first day of the service."""
    service_to: date | None
    """The last day of the service."""
    status: BillableStatus
    """What has become of it."""
    hold_reason: str | None
    """Why somebody has to decide."""
    explanation: list[str]
    """Why it is what it is, in order."""
    invoice_id: strawberry.ID | None
    """The document on which it stands."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""
    coverage: CoverageExplanation | None
    """Who pays for it, and why; null for what is no work."""

    @strawberry.field
    def time_entry(self) -> Annotated[TimeEntry, strawberry.lazy("subgraphs.billing.types.extensions")] | None:
        """The booked time that it comes from; null for what is no work."""
        is_work = self.source is BillableSource.TIME_ENTRY and self.source_id is not None
        found: TimeEntry | None = stub("TimeEntry", self.source_id) if is_work else None
        return found

    @strawberry.field
    def ticket(self) -> Annotated[Ticket, strawberry.lazy("subgraphs.billing.types.extensions")] | None:
        """The ticket that it comes from."""
        found: Ticket | None = stub("Ticket", self.ticket_id) if self.ticket_id else None
        return found

    @strawberry.field
    def contract(self) -> Annotated[Contract, strawberry.lazy("subgraphs.billing.types.extensions")] | None:
        """The contract that pays for it or that it comes from."""
        found: Contract | None = stub("Contract", self.contract_id) if self.contract_id else None
        return found

    @strawberry.field
    async def invoice(self, info: Info) -> Invoice | None:
        """The document on which it stands."""
        row = await info.context.row(models.Invoice, self.invoice_id, READ)
        return Invoice.of(row) if row else None

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    async def cost(self, info: Info) -> Decimal | None:
        """What one costs us; only for those who may see costs."""
        info.context.caller.require(COSTS)
        row = await info.context.row(models.BillableItem, self.id, READ)
        return row.cost if row else None

    @classmethod
    def of(cls, row: models.BillableItem) -> Self:
        """The item in this row."""
        return shape(
            cls,
            row,
            notional_value=money(row.notional_value, "EUR"),
            coverage=coverage_of(row),
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The item that another module points at."""
        row = await info.context.row(models.BillableItem, id, READ)
        return cls.of(row) if row else None


def coverage_of(row: models.BillableItem) -> CoverageExplanation | None:
    """Who pays for the item in this row, and why; None for what is no work."""
    if row.effect is None:
        return None
    return CoverageExplanation(
        effect=row.effect,
        contract_id=strawberry.ID(str(row.contract_id)) if row.contract_id else None,
        rule_id=strawberry.ID(str(row.rule_id)) if row.rule_id else None,
        reasons=list(row.explanation),
    )


@entity(keys=["id"])
class BillingRun:
    """Drafts for all customers at once."""

    id: strawberry.ID
    """The identifier: a UUID."""
    legal_entity_id: strawberry.ID
    """Who sells."""
    until: date
    """What is due on this day was billed."""
    status: BillingRunStatus
    """How far it is."""
    total_net: Money
    """What its drafts come to."""
    lines: int
    """How many lines its drafts have."""
    warnings: list[str]
    """What somebody has to look at: what was held, and why."""
    approved_by: strawberry.ID | None
    """Who approved or issued its documents last."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was made."""
    created_by: strawberry.ID
    """Who made it."""
    draft_count: int
    """How many drafts it made."""

    @strawberry.field
    async def drafts(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Invoice]:
        """The documents that it made, whatever has become of them."""
        rows = await info.context.lists(documents.of_runs, self.id, READ, limit=bounded(limit), offset=skipped(offset))
        return [Invoice.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.BillingRun) -> Self:
        """The run in this row."""
        return shape(cls, row, total_net=money(row.total_net, row.currency), draft_count=row.drafts)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The run that another module points at."""
        row = await info.context.row(models.BillingRun, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class InvoicePayload:
    """What became of a command on a document."""

    invoice: Invoice | None = None
    """The document as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class BillableItemPayload:
    """What became of a command on something billable."""

    billable_item: BillableItem | None = None
    """The item as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class BillingRunPayload:
    """What became of a command on a billing run."""

    billing_run: BillingRun | None = None
    """The run as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
