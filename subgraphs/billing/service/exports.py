"""Bookings for bookkeeping: issued documents of a period as a DATEV file, with control sums."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from contracts.events import billing as events
from subgraphs.billing.errors import DuplicateExport, NothingToBill
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import Invoice, InvoiceLine
from subgraphs.billing.models.receivables import ExportBatch, ExportFile
from subgraphs.billing.rules import datev, entered, vat
from subgraphs.billing.rules.datev import Batch, Books, Revenue, Voucher
from subgraphs.billing.rules.invoices import InvoiceKind, InvoiceStatus
from subgraphs.billing.rules.money import split
from subgraphs.billing.rules.totals import TaxSubtotal
from subgraphs.billing.rules.vat import TaxCategory
from subgraphs.billing.service import snapshots, taxing
from subgraphs.billing.service.entities import the_one
from subgraphs.billing.service.taxing import Taxes
from subgraphs.kit import audit
from subgraphs.kit.errors import Invalid, PreconditionFailed
from subgraphs.kit.work import Work

_NEGATIVE = frozenset({InvoiceKind.CREDIT_NOTE})
"""What has positive amounts and gives money back all the same."""

_STATED = frozenset({TaxCategory.AE, TaxCategory.K})
"""What the recapitulative statement wants to know of, when the buyer sits in another state of the EU."""


async def export(
    work: Work,
    *,
    period_start: date,
    period_end: date,
    legal_entity_id: UUID | None = None,
    again: bool = False,
) -> ExportBatch:
    """Write the bookings of a period, both days included; exported before, it needs a word that this is meant."""
    entered.day(period_start, field="periodStart")
    entered.day(period_end, field="periodEnd")
    if period_end < period_start:
        raise Invalid("A period can't end before it begins.", field="periodEnd")
    entity = await the_one(work, legal_entity_id)
    if period_end not in datev.fiscal_year(period_start, books_of(entity).fiscal_month):
        raise Invalid("A file holds days of one fiscal year: its rows say day and month only.", field="periodEnd")
    before = await _exported_before(work, entity.id, period_start, period_end)
    if before and not again:
        raise DuplicateExport("This period was exported before.", field="again")
    documents = await _issued(work, entity.id, period_start, period_end)
    if not documents:
        raise NothingToBill("Nothing was issued in this period.", field="periodStart")
    batch = await _written(work, entity, documents, period_start, period_end)
    row = _row(entity, period_start, period_end, documents, batch, duplicate=before)
    work.add(row)
    work.session.add(ExportFile(batch_id=row.id, content=batch.content))
    await audit.note(work, "exportDatev", resource="ExportBatch", resource_id=row.id, details={"rows": batch.rows})
    happened = events.DatevExported(
        id=row.id,
        period_start=period_start,
        period_end=period_end,
        rows=batch.rows,
        sha256=row.sha256,
        duplicate=before,
    )
    await work.emit(happened, subject=row.id)
    return row


def _row(
    entity: LegalEntity, start: date, end: date, documents: Sequence[Invoice], batch: Batch, *, duplicate: bool
) -> ExportBatch:
    mark = "_DUPLIKAT" if duplicate else ""
    return ExportBatch(
        legal_entity_id=entity.id,
        period_start=start,
        period_end=end,
        file_name=f"EXTF_Buchungsstapel_{start:%Y%m%d}_{end:%Y%m%d}{mark}.csv",
        sha256=hashlib.sha256(batch.content).hexdigest(),
        rows=batch.rows,
        debit=batch.debit,
        credit=batch.credit,
        invoice_ids=[str(one.id) for one in documents],
        duplicate=duplicate,
    )


async def _exported_before(work: Work, entity_id: UUID, start: date, end: date) -> bool:
    query = select(ExportBatch.id).where(
        ExportBatch.legal_entity_id == entity_id, ExportBatch.period_start <= end, ExportBatch.period_end >= start
    )
    return (await work.session.scalars(query.limit(1))).first() is not None


async def _issued(work: Work, entity_id: UUID, start: date, end: date) -> Sequence[Invoice]:
    query = select(Invoice).where(
        Invoice.legal_entity_id == entity_id,
        Invoice.document_status.in_([InvoiceStatus.ISSUED, InvoiceStatus.CANCELLED]),
        Invoice.issue_date >= start,
        Invoice.issue_date <= end,
    )
    return (await work.session.scalars(query.order_by(Invoice.issue_date, Invoice.number))).all()


async def _written(work: Work, entity: LegalEntity, documents: Sequence[Invoice], start: date, end: date) -> Batch:
    books = books_of(entity)
    known = await taxing.read(work)
    query = select(InvoiceLine).where(InvoiceLine.invoice_id.in_([one.id for one in documents]))
    lines: dict[UUID, list[InvoiceLine]] = {}
    for line in await work.session.scalars(query.order_by(InvoiceLine.invoice_id, InvoiceLine.position)):
        lines.setdefault(line.invoice_id, []).append(line)
    vouchers = [_voucher(one, lines.get(one.id, []), known, books.chart) for one in documents]
    return datev.batch(books, vouchers, start=start, end=end, made_at=work.at, by="PSA")


def books_of(entity: LegalEntity) -> Books:
    """How a legal entity's books are kept; raises `PreconditionFailed` when nobody has said it."""
    stored: dict[str, Any] = entity.datev
    if not stored.get("consultant") or not stored.get("client"):
        raise PreconditionFailed("The legal entity lacks the numbers of consultant and client.", field="legalEntityId")
    return Books(
        consultant=stored["consultant"],
        client=stored["client"],
        chart=stored.get("chart", "03"),
        account_length=stored.get("account_length", 4),
        locked=bool(stored.get("locked")),
        fiscal_month=stored.get("fiscal_month", 1),
        dictated_by=stored.get("dictated_by", ""),
    )


def _voucher(document: Invoice, lines: Sequence[InvoiceLine], known: Taxes, chart: str) -> Voucher:
    buyer = document.buyer_snapshot or {}
    assert document.issue_date is not None  # noqa: S101 - issued documents have one
    return Voucher(
        number=str(document.number),
        issue_date=document.issue_date,
        debtor_account=str(buyer.get("debtor_account") or ""),
        text=str(buyer.get("name") or ""),
        revenues=tuple(_revenues(document, lines, known, chart)),
        supplied_on=document.service_to,
        tax_point=document.tax_point_date,
        currency=document.currency,
        exchange_rate=document.exchange_rate,
    )


def _revenues(document: Invoice, lines: Sequence[InvoiceLine], known: Taxes, chart: str) -> list[Revenue]:
    """The gross of each tax category, split over the accounts of its lines."""
    sign = -1 if document.kind in _NEGATIVE else 1
    vat_id = str((document.buyer_snapshot or {}).get("vat_id") or "")
    found = []
    parts = snapshots.breakdown(document.tax_breakdown)
    for part in parts:
        mine = [line for line in lines if _is_of(line, part, parts)]
        by_account: dict[tuple[str, str], Decimal] = {}
        for line in mine:
            code = known.code(line.tax_code, line.service_to or line.service_from or document.issue_date)
            account = line.revenue_account or (code.revenue_account(chart) if code else None) or ""
            key = (account, code.tax_key if code else "")
            by_account[key] = by_account.get(key, Decimal(0)) + line.net_amount
        shares = split(part.gross * sign, list(by_account.values()))
        told = vat_id if part.category in _STATED and vat.is_of_another_state(vat_id) else ""
        found += [
            Revenue(account, gross, tax_key, told) for (account, tax_key), gross in zip(by_account, shares, strict=True)
        ]
    return found


def _is_of(line: InvoiceLine, part: TaxSubtotal, parts: Sequence[TaxSubtotal]) -> bool:
    """Whether a line counts in a part; older documents have a part for each reason of one category."""
    alike = [one for one in parts if (one.category, one.rate) == (part.category, part.rate)]
    mine = (line.tax_category, line.tax_rate) == (part.category, part.rate)
    return mine and (len(alike) == 1 or line.exemption_text == part.exemption_text)


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[ExportBatch]:
    """The batches, newest first."""
    query = select(ExportBatch).order_by(ExportBatch.created_at.desc(), ExportBatch.id.desc())
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def content(work: Work, batch_id: UUID) -> bytes | None:
    """The file of a batch."""
    found: bytes | None = await work.session.scalar(select(ExportFile.content).where(ExportFile.batch_id == batch_id))
    return found
