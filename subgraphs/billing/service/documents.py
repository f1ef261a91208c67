"""Reading documents: one, many, those of customers and of runs, and what is on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import BillingRun, Invoice, InvoiceLine
from subgraphs.billing.rules import days
from subgraphs.billing.rules import invoices as rules
from subgraphs.billing.rules.document import InvoiceDocument
from subgraphs.billing.rules.invoices import CLAIMS
from subgraphs.billing.service import drafts, snapshots
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import Order
from subgraphs.kit.work import Work

NEWEST_FIRST = Order((Invoice.created_at,), descending=True)
_NEWEST = (Invoice.created_at.desc(), Invoice.id.desc())


async def find(work: Work, identity: str) -> Invoice | None:
    """The document with this UUID or number, or None."""
    if (key := parsed(identity)) is not None:
        return await work.find(Invoice, key)
    query = select(Invoice).where(Invoice.number == identity).order_by(*_NEWEST).limit(1)
    found: Invoice | None = await work.session.scalar(query)
    return found


def in_state(word: str | None) -> list[ColumnElement[bool]]:
    """The conditions behind a filter word, as in `rules.status_words`."""
    statuses, is_open = rules.status_words(word)
    where: list[ColumnElement[bool]] = [Invoice.document_status.in_(statuses)]
    if is_open is not None:
        where.append(Invoice.open_amount > 0 if is_open else Invoice.open_amount == 0)
        where.append(Invoice.kind.in_(CLAIMS))
    return where


def late(today: date) -> list[ColumnElement[bool]]:
    """The conditions of what is open after the last day on which a payment is in time."""
    return [Invoice.due_date < today, func.coalesce(Invoice.in_time_until, Invoice.due_date) < today]


def selected(*, wanted: Any = None, search: str | None = None) -> Select[Invoice]:
    """The query for documents of this filter and search."""
    return select(Invoice).where(*conditions(Invoice, wanted), *containing(search, Invoice.number))


async def listed(
    work: Work, *, status: str | None, customer_id: UUID | None, limit: int, offset: int
) -> Sequence[Invoice]:
    """Documents, newest first."""
    where = in_state(status)
    if (status or "").lower() == "overdue":
        where += late(days.local(work.at))
    query = select(Invoice).where(*where).order_by(*_NEWEST).limit(limit).offset(offset)
    if customer_id is not None:
        query = query.where(Invoice.customer_id == customer_id)
    return (await work.session.scalars(query)).all()


async def of_customers(
    work: Work, customers: Sequence[UUID], *, status: str | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[Invoice]]:
    """The documents of each customer, newest first."""
    where = in_state(status)
    if (status or "").lower() == "overdue":
        where += late(days.local(work.at))
    return await work.per_parent(
        Invoice, Invoice.customer_id, customers, where=where, order=_NEWEST, limit=limit, offset=offset
    )


async def of_runs(work: Work, runs: Sequence[UUID], *, limit: int, offset: int) -> Mapping[UUID, Sequence[Invoice]]:
    """The documents of runs."""
    return await work.per_parent(Invoice, Invoice.billing_run_id, runs, order=(Invoice.id,), limit=limit, offset=offset)


async def lines_of(
    work: Work, invoices: Sequence[UUID], *, limit: int, offset: int = 0
) -> Mapping[UUID, Sequence[InvoiceLine]]:
    """The lines of documents in their order."""
    order = (InvoiceLine.position,)
    return await work.per_parent(InvoiceLine, InvoiceLine.invoice_id, invoices, order=order, limit=limit, offset=offset)


async def runs_listed(work: Work, *, limit: int, offset: int) -> Sequence[BillingRun]:
    """Billing runs, newest first."""
    query = select(BillingRun).order_by(BillingRun.created_at.desc(), BillingRun.id.desc())
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def whole(work: Work, invoice: Invoice) -> InvoiceDocument:
    """A document as its writers get it: everything that is printed, sent and kept."""
    lines = await drafts.lines_of(work, invoice.id)
    preceding = await work.find(Invoice, invoice.preceding_id) if invoice.preceding_id else None
    return snapshots.document(
        invoice,
        lines,
        live_seller=await work.find(LegalEntity, invoice.legal_entity_id),
        live_buyer=await work.find(BillingAccount, invoice.customer_id),
        preceding=preceding,
    )
