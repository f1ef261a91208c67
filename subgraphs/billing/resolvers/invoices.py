"""Asking and telling about documents: drafts, issued ones, and what undoes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from subgraphs.billing.models import invoices as models
from subgraphs.billing.resolvers.catalogue import entered, lists
from subgraphs.billing.rules.invoices import InvoiceKind, InvoiceStatus, PaymentStatus
from subgraphs.billing.service import documents, drafts, einvoices, issuing, runs, settling
from subgraphs.billing.types.agreements import READ
from subgraphs.billing.types.extensions import StatusWord
from subgraphs.billing.types.invoices import (
    Invoice,
    InvoicePayload,
)
from subgraphs.billing.types.previews import InvoiceFiles
from subgraphs.kit import live
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.filters import DateRange
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.work import Work

WRITE = "invoices:write"
APPROVE = "invoices:approve"
ISSUE = "invoices:issue"
CANCEL = "invoices:cancel"

NOBODY = UUID(int=0)

Until = Annotated[date, strawberry.argument(description="What is due on this day is billed.")]
Verify = Annotated[bool, strawberry.argument(description="Compute the chain of hashes again, document by document.")]


@strawberry.input
class InvoiceFilter:
    """Which documents: all that is given must hold."""

    document_status: list[InvoiceStatus] | None = None
    """In one of these states."""
    payment_status: list[PaymentStatus] | None = None
    """Paid so far."""
    kind: list[InvoiceKind] | None = None
    """Of one of these kinds."""
    customer_id: strawberry.ID | None = None
    """Of this customer."""
    billing_run_id: strawberry.ID | None = None
    """Made by this run."""
    issue_date: DateRange | None = None
    """Dated in this span of days."""
    due_date: DateRange | None = None
    """Due in this span of days."""


@strawberry.type
class InvoiceQuery:
    """What can be asked about what is billed."""

    @strawberry.field
    async def invoice(self, info: Info, id: strawberry.ID) -> Invoice | None:
        """One document, by its UUID or its number; null when it is not there or not yours."""
        async with info.context.work(READ) as work:
            row = await documents.find(work, id)
        return Invoice.of(row) if row else None

    @strawberry.field
    async def invoices(
        self,
        info: Info,
        status: StatusWord = None,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Invoice]:
        """Documents, newest first."""
        wanted = parsed(customer_id) if customer_id else None
        if customer_id and wanted is None:
            return []
        async with info.context.work(READ) as work:
            rows = await documents.listed(
                work, status=status, customer_id=wanted, limit=bounded(limit), offset=skipped(offset)
            )
        return [Invoice.of(row) for row in rows]

    @strawberry.field
    async def invoices_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: InvoiceFilter | None = None,
        search: str | None = None,
    ) -> Connection[Invoice]:
        """Documents page by page, newest first; `search` looks into numbers."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = documents.selected(wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.Invoice, documents.NEWEST_FIRST, wanted, Invoice.of, count=count)

    @strawberry.field(directives=(Rest(path="/invoices/{id}/files"),))  # type: ignore[untyped-decorator]
    async def invoice_files(self, info: Info, id: strawberry.ID) -> InvoiceFiles | None:
        """A document as it is sent: PDF, ZUGFeRD or XRechnung, as its customer wants it; a draft is a page alone."""
        async with info.context.work(READ) as work:
            found = await einvoices.files(work, id)
        return InvoiceFiles.of(found) if found else None


# --- inputs


@strawberry.input
class InvoiceLineInput:
    """A line that somebody writes."""

    description: str | None = None
    """What it is; the product's name unless you say so."""
    product_id: strawberry.ID | None = None
    """The product."""
    quantity: Decimal = Decimal(1)
    """How many."""
    unit_code: str | None = None
    """In what it is counted; the product's unit unless you say so, else C62."""
    unit_price: Decimal | None = None
    """What one costs without VAT; from the price lists unless you say so."""
    discount_percent: Decimal | None = None
    """What is taken off."""
    tax_code: str | None = None
    """The tax code when it is supplied here; what holds follows from buyer and place."""
    supplied_in: str | None = None
    """Where it is supplied, for what the law sees at its place: work at a building, a hotel."""
    service_from: date | None = None
    """The first day of the service; today unless you say so."""
    service_to: date | None = None
    """The last day of the service."""


@strawberry.input
class CreateInvoiceInput(Command):
    """A draft, written by hand."""

    customer_id: strawberry.ID
    """Who has to pay."""
    lines: list[InvoiceLineInput] | None = None
    """What somebody writes on it."""
    billable_item_ids: list[strawberry.ID] | None = None
    """What is READY and goes onto it."""
    legal_entity_id: strawberry.ID | None = None
    """Who sells; the only one unless you say so."""
    kind: InvoiceKind = InvoiceKind.INVOICE
    """INVOICE, PARTIAL or FINAL."""
    partial_invoice_ids: list[strawberry.ID] | None = None
    """Of a final invoice: the partial ones that it deducts, each once."""
    discount_percent: Decimal | None = strawberry.UNSET
    """What is taken off the whole."""
    payment_days: int | None = strawberry.UNSET
    """Within how many days it has to be paid; the account's unless you say so."""
    buyer_reference: str | None = strawberry.UNSET
    """What the customer wants on it; the account's unless you say so."""
    order_reference: str | None = strawberry.UNSET
    """The customer's order number."""
    payment_terms: str | None = strawberry.UNSET
    """Terms of payment, in words."""
    notes: str | None = strawberry.UNSET
    """What else it says."""
    tax_point_date: date | None = strawberry.UNSET
    """When its VAT is due, if that differs."""


@strawberry.input
class GenerateInvoiceInput(Command):
    """A draft of everything that is ready for a customer."""

    customer_id: strawberry.ID
    """Who has to pay."""
    until: date
    """What is due on this day is billed."""
    legal_entity_id: strawberry.ID | None = None
    """Who sells; the only one unless you say so."""


@strawberry.input
class UpdateDraftInvoiceInput(Change):
    """Changes to a draft; what is absent stays."""

    id: strawberry.ID
    """The draft."""
    add_lines: list[InvoiceLineInput] | None = None
    """Lines to write on it."""
    add_billable_item_ids: list[strawberry.ID] | None = None
    """What is READY and goes onto it."""
    remove_line_ids: list[strawberry.ID] | None = None
    """Lines to take off; what they bill can be billed again."""
    discount_percent: Decimal | None = strawberry.UNSET
    """What is taken off the whole."""
    payment_days: int | None = strawberry.UNSET
    """Within how many days it has to be paid."""
    buyer_reference: str | None = strawberry.UNSET
    """What the customer wants on it; null removes it."""
    order_reference: str | None = strawberry.UNSET
    """The customer's order number; null removes it."""
    payment_terms: str | None = strawberry.UNSET
    """Terms of payment, in words; null removes them."""
    notes: str | None = strawberry.UNSET
    """What else it says; null removes it."""
    tax_point_date: date | None = strawberry.UNSET
    """When its VAT is due; null removes it."""


@strawberry.input
class InvoiceMove(Change):
    """The document that a command is about."""

    id: strawberry.ID
    """The document."""


@strawberry.input
class DeleteDraftInvoiceInput(InvoiceMove):
    """The draft to throw away."""


@strawberry.input
class ApproveInvoiceInput(InvoiceMove):
    """The draft that is right."""


@strawberry.input
class RevokeApprovalInput(InvoiceMove):
    """The approved document that is a draft again."""


@strawberry.input
class IssueInvoiceInput(InvoiceMove):
    """The approved document that gets its number."""

    issue_date: date | None = None
    """Its date; today unless you say so, and never before the last one of its range."""
    exchange_rate: Decimal | None = None
    """So much of its currency for one of the seller's; needed when they differ."""


@strawberry.input
class SendInvoiceInput(InvoiceMove):
    """The document to hand over for delivery."""

    to: str | None = None
    """Where it goes; the account's address for invoices unless you say so."""


@strawberry.input
class CancelInvoiceInput(InvoiceMove):
    """The document to undo."""

    reason: str
    """Why: it stands on the counter-document."""


@strawberry.input
class SetDisputedInput(InvoiceMove):
    """Whether a customer disputes a document."""

    disputed: bool
    """Disputed documents are not dunned."""


@strawberry.input
class WriteOffInput(InvoiceMove):
    """The document whose rest nobody expects any more."""

    reason: str
    """Why."""


@strawberry.input
class CreditLineInput:
    """So much of a line is given back."""

    line_id: strawberry.ID
    """The line of the document."""
    quantity: Decimal | None = None
    """How many; all of them unless you say so."""
    unit_price: Decimal | None = None
    """How much of the price of each; all of it unless you say so."""


@strawberry.input
class CreateCreditNoteInput(InvoiceMove):
    """A credit note about a part of a document."""

    lines: list[CreditLineInput]
    """What is given back."""
    reason: str
    """Why: it stands on the credit note."""


@strawberry.type
class InvoiceMutation:
    """What can be done with what is billed."""

    @command(WRITE, InvoicePayload)
    async def create_invoice(work: Work, input: CreateInvoiceInput) -> models.Invoice:
        """Write a draft by hand: of lines, of what is ready to be billed, or of both."""
        return await drafts.create(work, **lists(entered(input), "lines", "billable_item_ids", "partial_invoice_ids"))

    @command(WRITE, InvoicePayload)
    async def generate_invoice(work: Work, input: GenerateInvoiceInput) -> models.Invoice:
        """Draft everything that is due and ready for one customer."""
        return await runs.generate(work, **entered(input))

    @command(WRITE, InvoicePayload)
    async def update_draft_invoice(work: Work, input: UpdateDraftInvoiceInput) -> models.Invoice:
        """Change a draft."""
        names = ("add_lines", "add_billable_item_ids", "remove_line_ids")
        return await drafts.change(work, **lists(entered(input), *names))

    @command(WRITE, InvoicePayload)
    async def delete_draft_invoice(work: Work, input: DeleteDraftInvoiceInput) -> models.Invoice:
        """Throw a draft away; what was on it can be billed again."""
        return await drafts.discard(work, **entered(input))

    @command(APPROVE, InvoicePayload)
    async def approve_invoice(work: Work, input: ApproveInvoiceInput) -> models.Invoice:
        """Find a draft right; it is issued at once where the legal entity says so and you may."""
        return await issuing.approve(work, **entered(input))

    @command(APPROVE, InvoicePayload)
    async def revoke_approval(work: Work, input: RevokeApprovalInput) -> models.Invoice:
        """Make an approved document a draft again."""
        return await issuing.revoke(work, **entered(input))

    @command(ISSUE, InvoicePayload)
    async def issue_invoice(work: Work, input: IssueInvoiceInput) -> models.Invoice:
        """Give an approved document its number; from then on it can't be changed."""
        return await issuing.issue(work, **entered(input))

    @command(ISSUE, InvoicePayload)
    async def send_invoice(work: Work, input: SendInvoiceInput) -> models.Invoice:
        """Hand an issued document over for delivery."""
        return await issuing.send(work, **entered(input))

    @command(CANCEL, InvoicePayload)
    async def cancel_invoice(work: Work, input: CancelInvoiceInput) -> models.Invoice:
        """Undo an issued document by a counter-document with a number of its own."""
        return await issuing.cancel(work, **entered(input))

    @command(WRITE, InvoicePayload)
    async def create_credit_note(work: Work, input: CreateCreditNoteInput) -> models.Invoice:
        """Draft a credit note about a part of an issued document."""
        return await issuing.create_credit_note(work, **entered(input))

    @command(WRITE, InvoicePayload)
    async def set_disputed(work: Work, input: SetDisputedInput) -> models.Invoice:
        """Note that a customer disputes a document, or no longer does."""
        return await issuing.dispute(work, **entered(input))

    @command("payments:write", InvoicePayload)
    async def write_off(work: Work, input: WriteOffInput) -> models.Invoice:
        """Give up on what is open of a document."""
        return await settling.write_off(work, **entered(input))


@strawberry.type
class InvoiceSubscription:
    """What can be watched about what is billed."""

    @strawberry.subscription
    async def invoice_updated(
        self, info: Info, customer_id: strawberry.ID | None = None
    ) -> AsyncGenerator[Invoice, None]:
        """Documents, each time when something happened to one: all that you may see, or those of a customer."""
        wanted = parsed(customer_id) or NOBODY if customer_id else None
        rows = live.changes(
            info.context,
            models.Invoice,
            READ,
            where=None if wanted is None else lambda row: row.customer_id == wanted,
        )
        async with aclosing(rows):
            async for row in rows:
                yield Invoice.of(row)
