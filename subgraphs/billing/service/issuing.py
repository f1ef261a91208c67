"""From draft to document: approving, issuing under a number, sending, and the counter-document that undoes one.

Issuing is one transaction: the range's row is locked, the number drawn, the snapshots and the hash written. Whoever comes next waits
for the end of it, and if it fails the number was never drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from contracts.events import billing as events
from subgraphs.billing.errors import WrongRunStatus
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import BillableItem, BillingRun, Invoice, InvoiceLine, NumberRange
from subgraphs.billing.rules import chain, days, entered, invoices, numbering, totals
from subgraphs.billing.rules.dunning import EURO
from subgraphs.billing.rules.invoices import DeliveryStatus, InvoiceKind, InvoiceMove, InvoiceStatus, PaymentStatus
from subgraphs.billing.rules.items import BillableSource, BillingRunStatus
from subgraphs.billing.rules.money import CENT, ZERO
from subgraphs.billing.service import (
    accounts,
    archive,
    drafts,
    dunning,
    einvoices,
    finals,
    mandates,
    runs,
    settling,
    snapshots,
)
from subgraphs.kit import separation
from subgraphs.kit.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from subgraphs.kit.ids import uuid7
from subgraphs.kit.shapes import line as one_line
from subgraphs.kit.shapes import optional_line
from subgraphs.kit.work import Work

ISSUE = "invoices:issue"

# --- approving


async def approve(work: Work, id: UUID, version: int | None = None) -> Invoice:
    """Find a draft right; where the legal entity says so it is issued at once, if the caller may."""
    invoice = await work.take(Invoice, id, field="id", version=version)
    await _approve(work, invoice, await _entity(work, invoice))
    await runs.progressed(work, [invoice.billing_run_id])
    return invoice


async def approve_run(work: Work, id: UUID, version: int | None = None) -> BillingRun:
    """Find all drafts of a run right."""
    billing_run = await work.take(BillingRun, id, field="id", version=version)
    runs.check_whole(work)
    if billing_run.status is not BillingRunStatus.REVIEW:
        raise WrongRunStatus(f"approveBillingRun works from REVIEW; this is {billing_run.status.value}.", field="id")
    for invoice in await runs.of_run(work, billing_run.id):
        if invoice.document_status is InvoiceStatus.DRAFT:
            await _approve(work, invoice, await _entity(work, invoice))
    await runs.progressed(work, [billing_run.id])
    return billing_run


async def _approve(work: Work, invoice: Invoice, entity: LegalEntity) -> None:
    invoice.document_status = invoices.moved(InvoiceMove.APPROVE, invoice.document_status)
    if entity.four_eyes:
        _other_eyes(work, invoice)
    invoice.approved_by, invoice.approved_at = work.caller.subject, work.at
    happened = events.InvoiceApproved(id=invoice.id, approved_by=work.caller.subject, at=work.at)
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)
    # A document in another currency waits for whoever knows the rate of the day, and keeps no run waiting with it.
    if entity.approve_issues and ISSUE in work.caller.scopes and invoice.currency == entity.base_currency:
        await _issue(work, invoice, entity)


def _other_eyes(work: Work, invoice: Invoice) -> None:
    """Refuse to those who wrote the draft or changed it last."""
    try:
        separation.four_eyes(work, invoice.created_by, invoice.updated_by, field="id")
    except separation.FourEyes as refusal:
        raise Forbidden(refusal.message, field="id") from None


async def revoke(work: Work, id: UUID, version: int | None = None) -> Invoice:
    """Take an approval back, as long as nothing is issued."""
    invoice = await work.take(Invoice, id, field="id", version=version)
    invoice.document_status = invoices.moved(InvoiceMove.REVOKE, invoice.document_status)
    invoice.approved_by = invoice.approved_at = None
    happened = events.InvoiceUpdated(id=invoice.id, changed=("documentStatus",))
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)
    await runs.progressed(work, [invoice.billing_run_id])
    return invoice


# --- issuing


async def issue(
    work: Work,
    id: UUID,
    *,
    issue_date: date | None = None,
    exchange_rate: Decimal | None = None,
    version: int | None = None,
) -> Invoice:
    """Give an approved draft its number; from then on it can't be changed."""
    invoice = await work.take(Invoice, id, field="id", version=version)
    entity = await _entity(work, invoice)
    invoices.moved(InvoiceMove.ISSUE, invoice.document_status)
    await _issue(work, invoice, entity, issue_date=issue_date, exchange_rate=exchange_rate)
    await runs.progressed(work, [invoice.billing_run_id])
    return invoice


async def _issue(
    work: Work,
    invoice: Invoice,
    entity: LegalEntity,
    *,
    issue_date: date | None = None,
    exchange_rate: Decimal | None = None,
) -> None:
    today = days.local(work.at, entity.time_zone)
    day = issue_date or today
    if day > today:
        raise Invalid("A document can't be dated in the future.", field="issueDate")
    _exchange(invoice, entity, exchange_rate, day)
    lines = await drafts.lines_of(work, invoice.id)
    invoice.seller_snapshot = snapshots.seller(entity)
    invoice.buyer_snapshot = await _buyer(work, invoice) | await _mandate(work, invoice, entity, day)
    snapshots.check(invoice, lines)
    invoice.issue_date, invoice.due_date = day, day + timedelta(days=invoice.payment_days)
    if invoice.kind in invoices.CLAIMS:
        account = await accounts.of(work, invoice.customer_id)
        invoice.in_time_until = await dunning.in_time_until(work, account, invoice.due_date)
    await einvoices.check(work, invoice, lines)
    numbers = await _locked_range(work, entity, invoice.kind, day.year)
    numbering.check_issue_date(day, last=numbers.last_issue_date, closed_until=entity.books_closed_until)
    _number(invoice, numbers, day)
    invoice.issued_at = work.at
    invoice.open_amount = invoice.total_gross if invoice.kind is not InvoiceKind.CANCELLATION else ZERO
    invoice.payment_status = invoices.payment_status(invoice.total_gross, ZERO)
    _seal(invoice, lines, numbers)
    invoice.document_status = InvoiceStatus.ISSUED
    await work.session.flush()
    await _tell_issued(work, invoice)
    await archive.later(work, invoice)
    await settling.watch(work, invoice)
    if invoice.kind is InvoiceKind.CREDIT_NOTE:
        await settling.credit(work, invoice)


async def _buyer(work: Work, invoice: Invoice) -> dict[str, Any]:
    """Who buys, as the customer's account says today; a cancellation names whom the document named that it undoes."""
    if invoice.kind is InvoiceKind.CANCELLATION and invoice.preceding_id is not None:
        undone = await work.find(Invoice, invoice.preceding_id)
        if undone is not None and undone.buyer_snapshot is not None:
            return undone.buyer_snapshot
    return snapshots.buyer(await accounts.of(work, invoice.customer_id))


async def _mandate(work: Work, invoice: Invoice, entity: LegalEntity, day: date) -> dict[str, Any]:
    """The mandate by which a document is collected; naming it tells the customer of the debit before."""
    if not entity.sepa_creditor_id or invoice.currency != EURO or invoice.kind not in invoices.CLAIMS:
        return {}
    found = await mandates.on_document(work, invoice.customer_id, at=day) if invoice.total_gross > 0 else None
    return {"mandate": found} if found else {}


def _exchange(invoice: Invoice, entity: LegalEntity, rate: Decimal | None, day: date) -> None:
    """A document in another currency needs the rate of the day, and says its tax in the seller's currency, too (BR-53)."""
    if invoice.currency == entity.base_currency:
        return
    if rate is None:
        words = f"It is in {invoice.currency}: say how much of it one {entity.base_currency} is worth."
        raise PreconditionFailed(words, field="exchangeRate")
    invoice.exchange_rate, invoice.exchange_rate_date = entered.price(rate, field="exchangeRate"), day
    if not invoice.exchange_rate:
        raise Invalid("A rate of exchange is more than 0.", field="exchangeRate")
    invoice.tax_in_base_currency = totals.in_accounting_currency(invoice.total_tax, invoice.exchange_rate)


async def _locked_range(work: Work, entity: LegalEntity, kind: InvoiceKind, year: int) -> NumberRange:
    """The number range of a document, locked until the transaction ends; made when this is the first of its year."""
    prefix = numbering.PREFIXES[kind]
    values = {
        "tenant_id": work.caller.tenant, "id": uuid7(), "legal_entity_id": entity.id, "prefix": prefix, "year": year,
        "next": 1, "padding": numbering.PADDING, "last_hash": chain.GENESIS, "version": 1, "created_at": work.at,
        "created_by": work.caller.subject, "updated_at": work.at, "updated_by": work.caller.subject,
    }  # fmt: skip
    await work.session.execute(insert(NumberRange).values(values).on_conflict_do_nothing())
    query = select(NumberRange).where(
        NumberRange.legal_entity_id == entity.id, NumberRange.prefix == prefix, NumberRange.year == year
    )
    locked = query.with_for_update().execution_options(populate_existing=True)
    return (await work.session.scalars(locked)).one()


def _number(invoice: Invoice, numbers: NumberRange, day: date) -> None:
    series = numbering.Series(numbers.prefix, numbers.year, numbers.padding)
    invoice.number, invoice.number_range_id, invoice.range_place = series.number(numbers.next), numbers.id, numbers.next
    numbers.next, numbers.last_issue_date = numbers.next + 1, day


def _seal(invoice: Invoice, lines: Sequence[InvoiceLine], numbers: NumberRange) -> None:
    """Hang the document onto the chain of its range."""
    invoice.prev_hash = numbers.last_hash
    invoice.content_hash = chain.content_hash(snapshots.content(invoice, lines), numbers.last_hash)
    numbers.last_hash = invoice.content_hash


async def _tell_issued(work: Work, invoice: Invoice) -> None:
    assert invoice.number is not None  # noqa: S101 - it was given above
    assert invoice.issue_date is not None  # noqa: S101
    happened = events.InvoiceIssued(
        id=invoice.id,
        number=invoice.number,
        kind=invoice.kind.value,
        customer_id=invoice.customer_id,
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        totals=drafts.told_totals(invoice),
        format=str((invoice.buyer_snapshot or {}).get("einvoice_format")),
    )
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)
    if ids := await _time_entries(work, invoice.id):
        billed = events.TimeEntryBilled(ids=ids, invoice_id=invoice.id)
        await work.emit(billed, subject=invoice.id, customer=invoice.customer_id)


async def _time_entries(work: Work, invoice_id: UUID) -> tuple[UUID, ...]:
    query = select(BillableItem.source_id).where(
        BillableItem.invoice_id == invoice_id, BillableItem.source == BillableSource.TIME_ENTRY
    )
    return tuple(sorted({one for one in (await work.session.scalars(query)).all() if one is not None}))


async def send(work: Work, id: UUID, *, to: str | None = None, version: int | None = None) -> Invoice:
    """Hand an issued document over for delivery, to the customer's address for invoices unless another is given."""
    invoice = await work.take(Invoice, id, field="id", version=version)
    if invoice.document_status is not InvoiceStatus.CANCELLED:
        invoices.moved(InvoiceMove.SEND, invoice.document_status)
    address = optional_line(to, field="to") or (invoice.buyer_snapshot or {}).get("invoice_email")
    invoice.delivery_status, invoice.sent_to, invoice.sent_at = DeliveryStatus.SENT, address, work.at
    happened = events.InvoiceSent(
        id=invoice.id, number=str(invoice.number), customer_id=invoice.customer_id, to=address
    )
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)
    return invoice


async def dispute(work: Work, id: UUID, *, disputed: bool, version: int | None = None) -> Invoice:
    """Note that a customer disputes a document, or no longer does; disputed documents are not dunned."""
    invoice = await work.take(Invoice, id, field="id", version=version)
    invoices.moved(InvoiceMove.SEND, invoice.document_status)
    invoice.disputed = disputed
    happened = events.InvoiceUpdated(id=invoice.id, changed=("disputed",))
    await work.emit(happened, subject=invoice.id, customer=invoice.customer_id)
    return invoice


# --- undoing


async def cancel(work: Work, id: UUID, reason: str, version: int | None = None) -> Invoice:
    """Undo an issued document by a counter-document with a number of its own; the answer is the original."""
    original = await work.take(Invoice, id, field="id", version=version)
    invoices.moved(InvoiceMove.CANCEL, original.document_status)
    invoices.check_kind(InvoiceMove.CANCEL, original.kind)
    if await settling.credited(work, original.id):
        raise PreconditionFailed("A part of it was credited: credit the rest of it, too.", field="id")
    await _not_deducted(work, original)
    entity = await _entity(work, original)
    reason = one_line(reason, field="reason", longest=500)
    entries = await _time_entries(work, original.id)
    counter = await _counter_document(work, original, reason)
    await _issue(work, counter, entity, exchange_rate=original.exchange_rate)
    counter.payment_status = PaymentStatus.PAID
    await settling.release(work, original)
    original.document_status, original.cancelled_by_id = InvoiceStatus.CANCELLED, counter.id
    original.open_amount, original.paid_amount, original.payment_status = ZERO, ZERO, PaymentStatus.OPEN
    await drafts.release(work, await _items_on(work, original.id), forget=False)
    happened = events.InvoiceCancelled(
        id=original.id,
        number=str(original.number),
        customer_id=original.customer_id,
        cancellation_id=counter.id,
        cancellation_number=str(counter.number),
        reason=reason,
        time_entry_ids=entries,
    )
    await work.emit(happened, subject=original.id, customer=original.customer_id)
    return original


async def _not_deducted(work: Work, original: Invoice) -> None:
    if await finals.is_deducted(work, original.id):
        raise PreconditionFailed("A final invoice deducts it: cancel that one first.", field="id")


async def _items_on(work: Work, invoice_id: UUID) -> Sequence[UUID]:
    query = select(BillableItem.id).where(BillableItem.invoice_id == invoice_id)
    return (await work.session.scalars(query)).all()


_MIRRORED = (
    "product_id", "sku", "description", "unit_code", "unit_price", "discount_percent", "tax_code", "tax_category", "tax_rate",
    "exemption_code", "exemption_text", "revenue_account", "service_from", "service_to", "contract_id", "project_id", "cost_center",
)  # fmt: skip


async def _counter_document(work: Work, original: Invoice, reason: str) -> Invoice:
    """The mirror of a document: the same lines with negative quantities."""
    counter = _follows(original, InvoiceKind.CANCELLATION, reason)
    counter.discount_percent = original.discount_percent
    work.add(counter)
    lines = await drafts.lines_of(work, original.id)
    mirrored = [_mirror(line, counter, position, -line.quantity) for position, line in enumerate(lines, 1)]
    for line in mirrored:
        line.net_amount = totals.line_net(line.quantity, line.unit_price, line.discount_percent)
        work.add(line)
    drafts.add_up(counter, mirrored)
    await work.session.flush()
    counter.document_status = invoices.moved(InvoiceMove.APPROVE, counter.document_status)
    counter.approved_by, counter.approved_at = work.caller.subject, work.at
    return counter


def _follows(original: Invoice, kind: InvoiceKind, reason: str) -> Invoice:
    return Invoice(
        kind=kind, document_status=InvoiceStatus.DRAFT, payment_status=PaymentStatus.OPEN,
        delivery_status=DeliveryStatus.NOT_SENT, legal_entity_id=original.legal_entity_id,
        customer_id=original.customer_id, currency=original.currency, payment_days=0, skonto=[], discount_percent=ZERO,
        preceding_id=original.id, reason=reason, buyer_reference=original.buyer_reference,
        order_reference=original.order_reference, tax_breakdown=[], paid_amount=ZERO, written_off=ZERO,
        open_amount=ZERO, flat_fee_charged=False, disputed=False,
    )  # fmt: skip


def _mirror(line: InvoiceLine, onto: Invoice, position: int, quantity: Decimal) -> InvoiceLine:
    return InvoiceLine(
        invoice_id=onto.id,
        customer_id=onto.customer_id,
        position=position,
        quantity=quantity,
        billable_item_ids=[],
        **{name: getattr(line, name) for name in _MIRRORED},
    )


async def create_credit_note(
    work: Work, id: UUID, *, lines: Sequence[Mapping[str, Any]], reason: str, version: int | None = None
) -> Invoice:
    """Draft a credit note about a part of an issued document: so much of its lines, with positive amounts and its taxes."""
    original = await work.take(Invoice, id, field="id", version=version)
    invoices.moved(InvoiceMove.CREDIT, original.document_status)
    invoices.check_kind(InvoiceMove.CREDIT, original.kind)
    await _not_deducted(work, original)
    note = work.add(_follows(original, InvoiceKind.CREDIT_NOTE, one_line(reason, field="reason", longest=500)))
    note.discount_percent = original.discount_percent
    by_id = {line.id: line for line in await drafts.lines_of(work, original.id)}
    left = await _left_of(work, by_id)
    credited = [_credited(by_id, left, note, place, wanted) for place, wanted in enumerate(lines, 1)]
    if not credited:
        raise Invalid("Say which lines are credited.", field="lines")
    for line in credited:
        work.add(line)
    drafts.add_up(note, credited)
    # Each part rounds its tax for itself, so all of them together may be a cent more for each category.
    rounding = CENT * len(original.tax_breakdown)
    if note.total_gross > original.total_gross - await settling.credited(work, original.id) + rounding:
        raise Invalid("More would be credited than was invoiced.", field="lines")
    await drafts.generated(work, note)
    return note


async def _left_of(work: Work, lines: Mapping[UUID, InvoiceLine]) -> dict[UUID, Decimal]:
    """What no credit note has given back of each line yet, drafts included."""
    query = select(InvoiceLine.credits_line_id, func.sum(InvoiceLine.net_amount)).where(
        InvoiceLine.credits_line_id.in_(list(lines))
    )
    found = await work.session.execute(query.group_by(InvoiceLine.credits_line_id))
    given = {row[0]: row[1] for row in found}
    return {key: line.net_amount - given.get(key, ZERO) for key, line in lines.items()}


def _credited(
    by_id: Mapping[UUID, InvoiceLine],
    left: dict[UUID, Decimal],
    note: Invoice,
    position: int,
    wanted: Mapping[str, Any],
) -> InvoiceLine:
    of = by_id.get(wanted["line_id"])
    if of is None:
        raise NotFound("There is no such line on this document.", field="lines")
    quantity = entered.quantity(wanted.get("quantity") or of.quantity, field="lines", positive=True)
    if quantity > of.quantity:
        raise Invalid(f"Only {of.quantity.normalize():f} were invoiced.", field="lines")
    line = _mirror(of, note, position, quantity)
    if wanted.get("unit_price") is not None:
        line.unit_price = min(entered.price(wanted["unit_price"], field="lines"), of.unit_price)
    line.net_amount, line.credits_line_id = (
        totals.line_net(line.quantity, line.unit_price, line.discount_percent),
        of.id,
    )
    if line.net_amount > left[of.id]:
        raise Invalid(f"Only {left[of.id]} of {of.description} is left to credit.", field="lines")
    left[of.id] -= line.net_amount
    return line


async def _entity(work: Work, invoice: Invoice) -> LegalEntity:
    found = await work.find(LegalEntity, invoice.legal_entity_id)
    assert found is not None  # noqa: S101 - drafts name one that is there, and none is ever deleted
    return found
