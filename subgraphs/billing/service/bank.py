"""Statements of the bank on their way to payments: what names our documents pays them, the rest waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from subgraphs.billing.documents import camt
from subgraphs.billing.documents.camt import Credit
from subgraphs.billing.models.invoices import Invoice, NumberRange
from subgraphs.billing.models.receivables import BankEntry, BankStatement, Payment
from subgraphs.billing.rules import bank as rules
from subgraphs.billing.rules import days, entered, totals
from subgraphs.billing.rules.bank import BankEntryStatus, Match, Open
from subgraphs.billing.rules.invoices import CLAIMS, InvoiceStatus
from subgraphs.billing.rules.numbering import Series
from subgraphs.billing.service import settling
from subgraphs.billing.service.terms import skonto
from subgraphs.kit.errors import InvalidTransition
from subgraphs.kit.work import Work

_LONGEST = 500


async def import_statement(work: Work, *, content: str) -> BankStatement:
    """Read a statement; what was told before, in this file or another, is left as it is."""
    told = [one for one in camt.read(content, field="content") if one.amount > 0]
    keys = select(BankEntry.key).where(BankEntry.key.in_([one.key for one in told]))
    before = set((await work.session.scalars(keys)).all())
    statement = work.add(BankStatement(matched=0, unmatched=0, known=sum(one.key in before for one in told)))
    await work.session.flush()
    new = [one for one in told if one.key not in before]
    waiting = await _waiting(work, new)
    rows = [await _entered(work, statement, one, waiting) for one in new]
    statement.matched = sum(row.status is BankEntryStatus.MATCHED for row in rows)
    statement.unmatched = len(rows) - statement.matched
    return statement


async def _entered(work: Work, statement: BankStatement, credit: Credit, waiting: Sequence[Invoice]) -> BankEntry:
    amount = entered.money(credit.amount, field="content")
    row = work.add(
        BankEntry(
            statement_id=statement.id, key=credit.key, iban=credit.iban, amount=amount, currency=credit.currency,
            value_date=credit.value_date, debtor=credit.debtor, remittance=credit.text[:_LONGEST],
            status=BankEntryStatus.UNMATCHED,
        )
    )  # fmt: skip
    found = rules.match(credit.text, amount, _open(waiting, credit))
    if found.customer_id is None:
        row.reason = found.reason
        return row
    await _pay(work, row, found)
    return row


async def _waiting(work: Work, credits: Sequence[Credit]) -> Sequence[Invoice]:
    """The open documents whose numbers stand anywhere in the statement, read once and locked until all of it is entered."""
    ranges = await work.session.scalars(select(NumberRange))
    known = {(Series(one.prefix, one.year, one.padding), one.next) for one in ranges}
    named = rules.numbers_in((one.text for one in credits), known)
    query = select(Invoice).where(
        Invoice.number.in_(named),
        Invoice.document_status == InvoiceStatus.ISSUED,
        Invoice.kind.in_(CLAIMS),
        Invoice.open_amount > 0,
    )
    rows = await work.session.scalars(query.order_by(Invoice.id).with_for_update())
    return sorted(rows, key=lambda one: (one.due_date or date.max, one.id))


def _open(waiting: Sequence[Invoice], credit: Credit) -> list[Open]:
    """What is named in this currency, with what the payments before have left of it."""
    written = rules.bare(credit.text)
    return [
        Open(row.id, row.customer_id, str(row.number), row.open_amount, _skonto(row, credit))
        for row in waiting
        if row.currency == credit.currency and rules.bare(str(row.number)) in written
    ]


def _skonto(row: Invoice, credit: Credit) -> tuple[Decimal, ...]:
    """What may be taken off for paying on this day, when nothing was paid before."""
    if row.paid_amount or row.issue_date is None:
        return ()
    first = row.issue_date
    return tuple(
        totals.skonto(row.total_gross, term.percent)
        for term in skonto(row.skonto)
        if credit.value_date <= first + timedelta(days=term.days)
    )


async def _pay(work: Work, row: BankEntry, found: Match) -> None:
    assert found.customer_id is not None  # noqa: S101 - whoever has none is not paid
    wanted = [{"invoice_id": one.invoice_id, "amount": one.amount, "skonto_amount": one.skonto} for one in found.wanted]
    payment = await _recorded(work, row, found.customer_id, allocations=wanted)
    row.status, row.payment_id, row.reason = BankEntryStatus.MATCHED, payment.id, None


async def _recorded(work: Work, row: BankEntry, customer_id: UUID, **how: Any) -> Payment:
    return await settling.record(
        work,
        customer_id=customer_id,
        amount=row.amount,
        value_date=min(row.value_date, days.local(work.at)),
        currency=row.currency,
        bank_reference=row.remittance[:200] or None,
        **how,
    )


# --- what somebody decides


async def assign(
    work: Work,
    id: UUID,
    *,
    customer_id: UUID,
    allocations: Sequence[Mapping[str, Any]] | None = None,
    allocate_oldest: bool = False,
    version: int | None = None,
) -> BankEntry:
    """Say whose money it is."""
    row = await _undecided(work, id, version)
    payment = await _recorded(work, row, customer_id, allocations=allocations, allocate_oldest=allocate_oldest)
    row.status, row.payment_id, row.reason = BankEntryStatus.MATCHED, payment.id, None
    return row


async def ignore(work: Work, id: UUID, version: int | None = None) -> BankEntry:
    """Say that it is nothing that a customer owed us."""
    row = await _undecided(work, id, version)
    row.status = BankEntryStatus.IGNORED
    return row


async def _undecided(work: Work, id: UUID, version: int | None) -> BankEntry:
    row = await work.take(BankEntry, id, field="id", version=version)
    if row.status is not BankEntryStatus.UNMATCHED:
        raise InvalidTransition(f"This money is {row.status.value} already.", field="id")
    return row


async def listed(work: Work, *, status: BankEntryStatus | None, limit: int, offset: int) -> Sequence[BankEntry]:
    """What the bank told, the last day first."""
    query = select(BankEntry).order_by(BankEntry.value_date.desc(), BankEntry.id.desc()).limit(limit).offset(offset)
    if status is not None:
        query = query.where(BankEntry.status == status)
    return (await work.session.scalars(query)).all()


async def of_statements(
    work: Work, statements: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[BankEntry]]:
    """What statements told for the first time, in the order of the days."""
    order = (BankEntry.value_date, BankEntry.id)
    return await work.per_parent(BankEntry, BankEntry.statement_id, statements, order=order, limit=limit, offset=offset)
