"""Final invoices: the whole, less what partial invoices have asked for, with their taxes (§ 14 (5) UStG).

    partial    RE-1   5,000.00 + 950.00            final   the whole          12,000.00
    partial    RE-2   3,000.00 + 570.00                    less RE-1          -5,000.00
                                                           less RE-2          -3,000.00 = 4,000.00 + 760.00

Each partial invoice is deducted once, by a line for each of its VAT categories with a negative quantity; a final invoice that is
cancelled gives it free again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from subgraphs.billing.models.invoices import Invoice, InvoiceLine
from subgraphs.billing.rules.invoices import InvoiceKind, InvoiceStatus
from subgraphs.billing.rules.money import ONE, ZERO
from subgraphs.billing.rules.totals import TaxSubtotal
from subgraphs.billing.service import snapshots
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.paper import day
from subgraphs.kit.work import Work

_FIELD = "partialInvoiceIds"
_WORDS = {"de": "abzüglich Abschlagsrechnung {number} vom {day}", "en": "less partial invoice {number} of {day}"}


async def deductions(
    work: Work, final: Invoice, partials: Sequence[UUID], *, first: int, language: str
) -> list[InvoiceLine]:
    """The lines that take partial invoices off a final one, numbered from `first` on."""
    found: list[InvoiceLine] = []
    for identity in dict.fromkeys(partials):
        partial = await _partial(work, final, identity)
        query = select(InvoiceLine).where(InvoiceLine.invoice_id == partial.id).order_by(InvoiceLine.position)
        lines = (await work.session.scalars(query)).all()
        found += _lines(final, partial, lines, first=first + len(found), language=language)
    return found


async def _partial(work: Work, final: Invoice, identity: UUID) -> Invoice:
    partial = await work.take(Invoice, identity, field=_FIELD)
    if (partial.customer_id, partial.legal_entity_id) != (final.customer_id, final.legal_entity_id):
        raise NotFound("There is no such partial invoice of this customer.", field=_FIELD)
    if final.kind is not InvoiceKind.FINAL:
        raise Invalid("Only a final invoice deducts partial ones.", field=_FIELD)
    if partial.kind is not InvoiceKind.PARTIAL or partial.document_status is not InvoiceStatus.ISSUED:
        raise Invalid(f"{partial.number or 'A draft'} is no partial invoice that was issued.", field=_FIELD)
    if partial.currency != final.currency:
        raise Invalid(f"{partial.number} is in {partial.currency}.", field=_FIELD)
    if await is_deducted(work, partial.id):
        raise Invalid(f"{partial.number} was deducted before.", field=_FIELD)
    return partial


async def is_deducted(work: Work, partial_id: UUID) -> bool:
    """Whether a final invoice, or the draft of one, has deducted a partial one."""
    query = (
        select(InvoiceLine.id)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(InvoiceLine.deducts_invoice_id == partial_id, Invoice.document_status != InvoiceStatus.CANCELLED)
    )
    return (await work.session.scalars(query.limit(1))).first() is not None


def _lines(
    final: Invoice, partial: Invoice, lines: Sequence[InvoiceLine], *, first: int, language: str
) -> Iterator[InvoiceLine]:
    for position, part in enumerate(snapshots.breakdown(partial.tax_breakdown), first):
        like = next(one for one in lines if (one.tax_category, one.tax_rate) == (part.category, part.rate))
        yield _line(final, partial, part, like, position, language)


def _line(
    final: Invoice, partial: Invoice, part: TaxSubtotal, like: InvoiceLine, position: int, language: str
) -> InvoiceLine:
    """What one VAT category of a partial invoice came to, taken off."""
    assert partial.issue_date is not None  # noqa: S101 - issued documents have one
    said = _WORDS.get(language, _WORDS["en"])
    return InvoiceLine(
        invoice_id=final.id, customer_id=final.customer_id, position=position, quantity=-ONE, unit_code="LS",
        description=said.format(number=partial.number, day=day(partial.issue_date, language)), unit_price=part.taxable,
        discount_percent=ZERO, net_amount=-part.taxable, tax_code=like.tax_code, tax_category=part.category,
        tax_rate=part.rate, exemption_code=part.exemption_code, exemption_text=part.exemption_text,
        revenue_account=like.revenue_account, service_from=partial.service_from, service_to=partial.service_to,
        billable_item_ids=[], contract_id=like.contract_id, project_id=like.project_id, deducts_invoice_id=partial.id,
    )  # fmt: skip


def check(final: Invoice, lines: Sequence[InvoiceLine]) -> None:
    """Raise `Invalid` where a final invoice would not come to the whole less its partial ones."""
    if final.discount_percent and any(line.deducts_invoice_id for line in lines):
        raise Invalid("It would lower what was paid before, too: give it on the lines.", field="discountPercent")
