"""Who has paid what: payments, credit notes, and the documents that they settle.

An allocation says that so much of a payment, or of a credit note, pays so much of a document. It is never deleted: released, it no
longer counts, and what it held is there again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from contracts.events import billing as events
from subgraphs.billing.errors import WrongInvoiceStatus
from subgraphs.billing.models.invoices import Invoice
from subgraphs.billing.models.receivables import Allocation, Payment
from subgraphs.billing.rules import accounts as account_rules
from subgraphs.billing.rules import days, entered, invoices, payments
from subgraphs.billing.rules.dunning import EURO, Account
from subgraphs.billing.rules.invoices import InvoiceKind, InvoiceMove, InvoiceStatus, PaymentStatus
from subgraphs.billing.rules.money import ONE, ZERO, ratio, rounded
from subgraphs.billing.rules.payments import PaymentMethod, Wanted
from subgraphs.billing.service import accounts
from subgraphs.billing.service.drafts import told
from subgraphs.kit import jobs
from subgraphs.kit.errors import Invalid, InvalidTransition, NotFound
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work

# --- reading


async def payments_of(work: Work, customers: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[Payment]]:
    """The payments of customers, newest first."""
    order = (Payment.value_date.desc(), Payment.id.desc())
    return await work.per_parent(Payment, Payment.customer_id, customers, order=order, limit=limit)


async def allocations_of(work: Work, parents: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[Allocation]]:
    """What payments pay, oldest first; what was released is left out."""
    where = [Allocation.released_at.is_(None)]
    order = (Allocation.created_at, Allocation.id)
    return await work.per_parent(Allocation, Allocation.payment_id, parents, where=where, order=order, limit=limit)


async def balances(work: Work, customers: Sequence[UUID]) -> dict[UUID, list[Decimal]]:
    """What customers owe in euros: open documents, less credit notes and payments that nobody has allocated; in lists of one.

    Another currency counts at the rates with which the documents were issued; money that came in has none of its own, and counts
    at that of the customer's newest document in its currency.
    """
    open_sum = func.sum(Invoice.open_amount / func.coalesce(Invoice.exchange_rate, 1))
    query = (
        select(Invoice.customer_id, Invoice.kind, open_sum)
        .where(*_issued_to(customers))
        .group_by(Invoice.customer_id, Invoice.kind)
    )
    found = dict.fromkeys(customers, ZERO)
    for customer, kind, amount in await work.session.execute(query):
        found[customer] += -amount if kind is InvoiceKind.CREDIT_NOTE else amount
    credit = await _unallocated(work, customers)
    rates = await _newest_rates(work, {customer for customer, currency in credit if currency != EURO})
    for account, amount in credit.items():
        if account[1] == EURO or account in rates:
            found[account[0]] -= ratio(amount, rates.get(account, ONE))
    return {customer: [rounded(amount)] for customer, amount in found.items()}


async def credit_of(work: Work, customers: Sequence[UUID]) -> dict[Account, Decimal]:
    """What customers have with us, in each currency: paid and not allocated, or left of a credit note."""
    found = await _unallocated(work, customers)
    query = (
        select(Invoice.customer_id, Invoice.currency, func.sum(Invoice.open_amount))
        .where(*_issued_to(customers), Invoice.kind == InvoiceKind.CREDIT_NOTE)
        .group_by(Invoice.customer_id, Invoice.currency)
    )
    for customer, currency, amount in await work.session.execute(query):
        found[customer, currency] = found.get((customer, currency), ZERO) + amount
    return found


def _issued_to(customers: Sequence[UUID]) -> list[ColumnElement[bool]]:
    return [Invoice.document_status == InvoiceStatus.ISSUED, Invoice.customer_id.in_(list(customers))]


async def _unallocated(work: Work, customers: Sequence[UUID]) -> dict[Account, Decimal]:
    query = (
        select(Payment.customer_id, Payment.currency, func.sum(Payment.unallocated))
        .where(Payment.customer_id.in_(list(customers)), Payment.reversed_at.is_(None), Payment.unallocated > 0)
        .group_by(Payment.customer_id, Payment.currency)
    )
    return {(row[0], row[1]): row[2] for row in await work.session.execute(query)}


async def _newest_rates(work: Work, customers: Collection[UUID]) -> dict[Account, Decimal]:
    if not customers:
        return {}
    query = (
        select(Invoice.customer_id, Invoice.currency, Invoice.exchange_rate)
        .where(Invoice.customer_id.in_(list(customers)), Invoice.exchange_rate.is_not(None))
        .order_by(Invoice.issued_at)
    )
    return {(row[0], row[1]): row[2] for row in await work.session.execute(query) if row[2] is not None}


# --- money comes in


async def record(
    work: Work,
    *,
    customer_id: UUID,
    amount: Decimal,
    value_date: date,
    currency: str = "EUR",
    method: PaymentMethod = PaymentMethod.BANK_TRANSFER,
    bank_reference: str | None = None,
    allocations: Sequence[Mapping[str, Any]] | None = None,
    allocate_oldest: bool = False,
) -> Payment:
    """Enter money that came in, and what it pays."""
    customer_id = (await accounts.of(work, customer_id)).customer_id
    if value_date > days.local(work.at):
        raise Invalid("Money can't have come in on a day in the future.", field="valueDate")
    cents, currency = entered.money(amount, field="amount"), account_rules.currency(currency)
    payment = work.add(
        Payment(
            customer_id=customer_id, amount=cents, unallocated=cents, currency=currency, value_date=value_date,
            method=method, bank_reference=optional_line(bank_reference, field="bankReference"),
        )
    )  # fmt: skip
    wanted = _wanted(allocations or ())
    if allocate_oldest and not wanted:
        wanted = payments.oldest_first(cents, await _open_documents(work, payment))
    await _allocate(work, payment, wanted)
    happened = events.PaymentReceived(
        id=payment.id,
        customer_id=customer_id,
        invoice_ids=tuple(one.invoice_id for one in wanted),
        amount=told(cents, currency),
        value_date=value_date,
    )
    await work.emit(happened, subject=payment.id, customer=customer_id)
    return payment


async def allocate(
    work: Work, id: UUID, *, allocations: Sequence[Mapping[str, Any]], version: int | None = None
) -> Payment:
    """Say what the rest of a payment pays."""
    payment = await work.take(Payment, id, field="id", version=version)
    if payment.reversed_at is not None:
        raise InvalidTransition("This payment was reversed.", field="id")
    await _allocate(work, payment, _wanted(allocations))
    return payment


def _wanted(allocations: Iterable[Mapping[str, Any]]) -> tuple[Wanted, ...]:
    return tuple(
        Wanted(
            one["invoice_id"],
            entered.money(one["amount"], field="allocations"),
            entered.count(one.get("skonto_amount") or ZERO, field="allocations"),
        )
        for one in allocations
    )


async def _open_documents(work: Work, payment: Payment) -> list[tuple[UUID, Decimal]]:
    query = (
        select(Invoice.id, Invoice.open_amount)
        .where(
            Invoice.customer_id == payment.customer_id,
            Invoice.document_status == InvoiceStatus.ISSUED,
            Invoice.kind.in_(invoices.CLAIMS),
            Invoice.currency == payment.currency,
            Invoice.open_amount > 0,
        )
        .order_by(Invoice.due_date, Invoice.id)
    )
    return [(identity, amount) for identity, amount in await work.session.execute(query)]


async def _allocate(work: Work, payment: Payment, wanted: Sequence[Wanted]) -> None:
    if len({one.invoice_id for one in wanted}) != len(wanted):
        raise Invalid("Each document can be named once.", field="allocations")
    documents = {one: await _payable(work, one, payment) for one in sorted(one.invoice_id for one in wanted)}
    left = payments.check(
        wanted, available=payment.unallocated, open_of={key: row.open_amount for key, row in documents.items()}
    )
    for one in wanted:
        document = documents[one.invoice_id]
        work.add(
            Allocation(
                customer_id=payment.customer_id, payment_id=payment.id, invoice_id=document.id, amount=one.amount,
                skonto_amount=one.skonto, value_date=payment.value_date,
            )
        )  # fmt: skip
        await _paid(work, document, one.amount + one.skonto)
    payment.unallocated = left


async def _payable(work: Work, identity: UUID, payment: Payment) -> Invoice:
    document = await work.take(Invoice, identity, field="allocations")
    if document.customer_id != payment.customer_id:
        raise NotFound("There is no such document of this customer.", field="allocations")
    invoices.moved(InvoiceMove.PAY, document.document_status)
    invoices.check_kind(InvoiceMove.PAY, document.kind)
    if document.currency != payment.currency:
        raise Invalid(f"The document is in {document.currency}.", field="allocations")
    return document


async def _paid(work: Work, document: Invoice, amount: Decimal) -> None:
    """Count so much more of a document as paid, or less, and tell it."""
    document.paid_amount += amount
    before, document.open_amount = document.open_amount, document.open_amount - amount
    status = invoices.payment_status(document.total_gross, document.paid_amount, written_off=document.written_off)
    document.payment_status = status
    if document.open_amount >= before:
        return
    facts = {
        "id": document.id,
        "number": str(document.number),
        "customer_id": document.customer_id,
        "open": told(document.open_amount, document.currency),
    }
    happened = (
        events.InvoicePartiallyPaid(**facts) if status is PaymentStatus.PARTIALLY_PAID else events.InvoicePaid(**facts)
    )
    await work.emit(happened, subject=document.id, customer=document.customer_id)


# --- money does not come in

OVERDUE_JOB = "invoice.overdue"


async def watch(work: Work, document: Invoice) -> None:
    """Look at an issued claim on the day after it had to be paid."""
    if document.due_date is not None and document.kind in invoices.CLAIMS and document.open_amount > 0:
        last = document.in_time_until or document.due_date
        at = datetime.combine(last + timedelta(days=1), time(), UTC)
        await jobs.enqueue(work, OVERDUE_JOB, {"invoice": str(document.id)}, at=at)


async def fell_due(work: Work, invoice_id: UUID) -> None:
    """The day has passed on which a document had to be paid: tell it when something is still open."""
    document = await work.find(Invoice, invoice_id)
    if document is None or document.document_status is not InvoiceStatus.ISSUED or document.due_date is None:
        return
    if not invoices.is_overdue(document.open_amount, document.in_time_until or document.due_date, days.local(work.at)):
        return
    happened = events.InvoiceOverdue(
        id=document.id,
        number=str(document.number),
        customer_id=document.customer_id,
        open=told(document.open_amount, document.currency),
        due_date=document.due_date,
    )
    await work.emit(happened, subject=document.id, customer=document.customer_id)


# --- money goes back


async def reverse(work: Work, id: UUID, *, reason: str, version: int | None = None) -> Payment:
    """Take a payment back, as when a direct debit is returned; what it paid is open again."""
    payment = await work.take(Payment, id, field="id", version=version)
    if payment.reversed_at is not None:
        raise InvalidTransition("This payment was reversed before.", field="id")
    released = await _release(work, [Allocation.payment_id == payment.id])
    payment.reversed_at, payment.reversal_reason = work.at, line(reason, field="reason", longest=500)
    payment.unallocated = ZERO
    happened = events.PaymentReversed(
        id=payment.id,
        customer_id=payment.customer_id,
        invoice_ids=tuple(one.invoice_id for one in released),
        amount=told(payment.amount, payment.currency),
        reason=payment.reversal_reason,
    )
    await work.emit(happened, subject=payment.id, customer=payment.customer_id)
    return payment


async def release(work: Work, document: Invoice) -> None:
    """Give back what a document that is cancelled was paid with: it is the customer's credit now."""
    for one in await _release(work, [Allocation.invoice_id == document.id]):
        await work.session.flush()
        if one.payment_id is not None:
            payment = await work.take(Payment, one.payment_id, field="id")
            payment.unallocated += one.amount
        elif one.credit_note_id is not None:
            note = await work.take(Invoice, one.credit_note_id, field="id")
            note.open_amount += one.amount
            note.paid_amount -= one.amount


async def _release(work: Work, where: Sequence[ColumnElement[bool]]) -> Sequence[Allocation]:
    query = select(Allocation).where(*where, Allocation.released_at.is_(None)).order_by(Allocation.invoice_id)
    rows = (await work.session.scalars(query.with_for_update())).all()
    for row in rows:
        row.released_at = work.at
        await work.session.flush()  # taking a row again reads it again
        document = await work.take(Invoice, row.invoice_id, field="id")
        await _paid(work, document, -(row.amount + row.skonto_amount))
    return rows


# --- credit notes, and giving up


async def credit(work: Work, note: Invoice) -> None:
    """Settle with a credit note what is open of the document that it is about; the rest stays the customer's credit."""
    await work.session.flush()
    document = await work.take(Invoice, note.preceding_id, field="id")
    amount = min(note.total_gross, document.open_amount)
    if document.document_status is not InvoiceStatus.ISSUED or amount <= 0:
        return
    work.add(
        Allocation(
            customer_id=note.customer_id, credit_note_id=note.id, invoice_id=document.id, amount=amount,
            skonto_amount=ZERO, value_date=note.issue_date or days.local(work.at),
        )
    )  # fmt: skip
    note.open_amount, note.paid_amount = note.total_gross - amount, amount
    note.payment_status = invoices.payment_status(note.total_gross, amount)
    await _paid(work, document, amount)


async def credited(work: Work, invoice_id: UUID) -> Decimal:
    """What was credited of a document so far, drafts included."""
    query = select(func.coalesce(func.sum(Invoice.total_gross), ZERO)).where(
        Invoice.preceding_id == invoice_id, Invoice.kind == InvoiceKind.CREDIT_NOTE
    )
    found: Decimal = (await work.session.execute(query)).scalar_one()
    return found


async def write_off(work: Work, id: UUID, *, reason: str, version: int | None = None) -> Invoice:
    """Give up on what is open of a document."""
    document = await work.take(Invoice, id, field="id", version=version)
    invoices.moved(InvoiceMove.WRITE_OFF, document.document_status)
    invoices.check_kind(InvoiceMove.WRITE_OFF, document.kind)
    if document.open_amount <= 0:
        raise WrongInvoiceStatus("Nothing of this document is open.", field="id")
    reason = line(reason, field="reason", longest=500)
    document.written_off, document.open_amount = document.written_off + document.open_amount, ZERO
    document.payment_status = PaymentStatus.WRITTEN_OFF
    happened = events.InvoiceWrittenOff(
        id=document.id,
        number=str(document.number),
        customer_id=document.customer_id,
        open=told(ZERO, document.currency),
        reason=reason,
    )
    await work.emit(happened, subject=document.id, customer=document.customer_id)
    return document
