"""How what would be billed looks in the graph, why something is billed, and whether the number ranges are whole."""

from __future__ import annotations

import base64
from datetime import date, datetime
from decimal import Decimal
from typing import Self

import strawberry

from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules.accounts import EInvoiceFormat
from subgraphs.billing.rules.items import BillableSource, BillableStatus
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.totals import TaxSubtotal, line_net
from subgraphs.billing.service.einvoices import Kept
from subgraphs.billing.service.reports import RangeReport
from subgraphs.billing.service.runs import Plan, Proposal
from subgraphs.billing.service.simulating import Simulated, Simulation
from subgraphs.billing.service.taxing import Taxed
from subgraphs.billing.types.agreements import money
from subgraphs.billing.types.extensions import Customer
from subgraphs.billing.types.invoices import CoverageExplanation, TaxBreakdown, coverage_of
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.values import Money


@strawberry.type
class PreviewLine:
    """A line that would be on a draft, or that would be held."""

    source: BillableSource
    """Where it comes from."""
    description: str
    """What it is."""
    quantity: Decimal
    """How many."""
    unit_code: str
    """In what it is counted."""
    unit_price: Decimal
    """What one costs."""
    net_amount: Decimal
    """What it comes to without VAT."""
    tax_code: str | None
    """The tax code that would hold."""
    contract_id: strawberry.ID | None
    """The contract that it comes from."""
    service_from: date
    """The first day of the service."""
    service_to: date | None
    """The last day of the service."""
    explanation: list[str]
    """Why it is what it is."""
    hold_reason: str | None
    """Why it would be held."""

    @classmethod
    def of(cls, one: Taxed) -> Self:
        """The line in this item."""
        item = one.item
        return cls(
            source=item.source,
            description=item.description,
            quantity=item.quantity,
            unit_code=item.unit_code,
            unit_price=item.unit_price,
            net_amount=one.net,
            tax_code=one.rate.key if one.rate else None,
            contract_id=strawberry.ID(str(item.contract_id)) if item.contract_id else None,
            service_from=item.service_from,
            service_to=item.service_to,
            explanation=list(item.explanation),
            hold_reason=one.hold_reason,
        )


@strawberry.type
class PreviewDraft:
    """A draft that a run would write."""

    customer: Customer
    """Who would have to pay."""
    order_reference: str | None
    """The customer's order number."""
    total_net: Money
    """What it would come to without VAT."""
    total_tax: Money
    """The VAT."""
    total_gross: Money
    """What would have to be paid."""
    found: strawberry.Private[Proposal]

    @strawberry.field
    def lines(self, limit: Limit = DEFAULT_LIMIT) -> list[PreviewLine]:
        """What would be on it."""
        return [PreviewLine.of(one) for one in self.found.lines[: bounded(limit)]]

    @strawberry.field
    def tax_breakdown(self, limit: Limit = DEFAULT_LIMIT) -> list[TaxBreakdown]:
        """What its VAT categories would come to."""
        currency = self.found.account.currency
        return [_subtotal(part, currency) for part in self.found.totals.breakdown[: bounded(limit)]]

    @classmethod
    def of(cls, found: Proposal) -> Self:
        """The draft in this proposal."""
        sums, currency = found.totals, found.account.currency
        return cls(
            customer=Customer(id=strawberry.ID(str(found.account.customer_id))),
            order_reference=found.order_reference,
            total_net=money(sums.net, currency),
            total_tax=money(sums.tax, currency),
            total_gross=money(sums.gross, currency),
            found=found,
        )


def _subtotal(part: TaxSubtotal, currency: str) -> TaxBreakdown:
    return TaxBreakdown(
        category=part.category,
        rate=part.rate,
        taxable=money(part.taxable, currency),
        tax=money(part.tax, currency),
        allowance=money(part.allowance, currency),
        exemption_code=part.exemption_code,
        exemption_reason=part.exemption_text,
    )


@strawberry.type
class BillingPreview:
    """What a billing run would do."""

    until: date
    """What is due on this day would be billed."""
    draft_count: int
    """How many drafts it would write."""
    total_net: Decimal
    """What they would come to without VAT."""
    warnings: list[str]
    """What somebody would have to look at."""
    found: strawberry.Private[Plan]

    @strawberry.field
    def drafts(self, limit: Limit = DEFAULT_LIMIT) -> list[PreviewDraft]:
        """The drafts that it would write."""
        return [PreviewDraft.of(one) for one in self.found.proposals[: bounded(limit)]]

    @strawberry.field
    def held(self, limit: Limit = DEFAULT_LIMIT) -> list[PreviewLine]:
        """What would be held, and why."""
        return [PreviewLine.of(one) for one in self.found.held[: bounded(limit)]]

    @classmethod
    def of(cls, found: Plan, until: date) -> Self:
        """The preview in this plan."""
        net = sum((one.totals.net for one in found.proposals), ZERO)
        return cls(until=until, draft_count=len(found.proposals), total_net=net, warnings=found.warnings, found=found)


@strawberry.type
class SimulatedCharge:
    """A line that a contract would bill."""

    due: date
    """When a run bills it."""
    line: PreviewLine
    """What would be on the document."""
    billed: bool
    """Whether the period was billed in fact."""

    @classmethod
    def of(cls, one: Simulated) -> Self:
        """The charge in this simulated line."""
        return cls(due=one.due, line=PreviewLine.of(Taxed(one.item, None, None)), billed=one.billed)


@strawberry.type
class ContractSimulation:
    """What a contract would bill in a span of time, as if nothing of it had been billed before."""

    since: date
    """The first day of the span."""
    until: date
    """Its last day."""
    total_net: Money
    """What it would bill without VAT."""
    found: strawberry.Private[Simulation]

    @strawberry.field
    def charges(self, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[SimulatedCharge]:
        """What would be billed, in the order of the days."""
        first = skipped(offset)
        return [SimulatedCharge.of(one) for one in self.found.lines[first : first + bounded(limit)]]

    @classmethod
    def of(cls, found: Simulation) -> Self:
        """The simulation that was worked out."""
        return cls(since=found.since, until=found.until, total_net=money(found.net, found.currency), found=found)


@strawberry.type
class ChargeExplanation:
    """Why something is billed, and how its amount came about."""

    source: BillableSource
    """Where it comes from."""
    status: BillableStatus
    """What has become of it."""
    steps: list[str]
    """What was decided, in order; the last step is the amount."""
    net_amount: Decimal
    """What it comes to without VAT."""
    coverage: CoverageExplanation | None
    """Who pays for it, and why; null for what is no work."""
    contract_number: str | None
    """The contract that it comes from."""
    hold_reason: str | None
    """Why somebody has to decide."""

    @classmethod
    def of(cls, item: BillableItem, contract: BilledContract | None) -> Self:
        """The explanation of the item in this row."""
        net = line_net(item.quantity, item.unit_price, item.discount_percent)
        off = f" less {item.discount_percent.normalize():f} %" if item.discount_percent else ""
        amount = f"{item.quantity.normalize():f} {item.unit_code} at {item.unit_price.normalize():f}{off} is {net}"
        return cls(
            source=item.source,
            status=item.status,
            steps=[*item.explanation, amount],
            net_amount=net,
            coverage=coverage_of(item),
            contract_number=contract.number if contract else None,
            hold_reason=item.hold_reason,
        )


@strawberry.type
class InvoiceFiles:
    """A document as it is sent and kept."""

    file_name: str
    """What the files are called, without their endings."""
    format: EInvoiceFormat
    """How the customer wants it."""
    pdf_base64: str
    """The page, in base64; with ZUGFeRD the data is inside of it."""
    xml: str | None
    """The data: UBL or CII."""
    warnings: list[str]
    """What the official rules remark."""
    archived_at: datetime | None
    """When they were laid down, never to be changed; null for a draft, and for a moment after a document was issued."""
    pdf_sha256: str | None
    """The SHA-256 of the page as it was laid down."""
    xml_sha256: str | None
    """The SHA-256 of the data as they were laid down."""

    @classmethod
    def of(cls, kept: Kept) -> Self:
        """The files of a document."""
        invoice, made, archived = kept.invoice, kept.files, kept.archived
        return cls(
            file_name=invoice.number or f"Entwurf-{invoice.id}",
            format=EInvoiceFormat(kept.format.value),
            pdf_base64=base64.b64encode(made.pdf).decode(),
            xml=made.xml.decode() if made.xml is not None else None,
            warnings=[f"{one.rule}: {one.message}" for one in made.findings],
            archived_at=archived.archived_at if archived else None,
            pdf_sha256=archived.pdf_sha256 if archived else None,
            xml_sha256=archived.xml_sha256 if archived else None,
        )


@strawberry.type
class NumberRangeReport:
    """A number range: how many of its numbers are given, which are missing, which documents were tampered with."""

    id: strawberry.ID
    """The identifier: a UUID."""
    legal_entity_id: strawberry.ID
    """Whose documents."""
    prefix: str
    """What its numbers begin with."""
    year: int
    """The year of its documents."""
    next: int
    """The next place."""
    issued: int
    """How many documents it has."""
    gaps: list[str]
    """Numbers below the next one that no document has; there should be none."""
    broken: list[str]
    """Documents that no longer fit to their hashes: the first was changed, the others stand behind it."""

    @classmethod
    def of(cls, report: RangeReport) -> Self:
        """The report of a range."""
        row = report.row
        return cls(
            id=strawberry.ID(str(row.id)),
            legal_entity_id=strawberry.ID(str(row.legal_entity_id)),
            prefix=row.prefix,
            year=row.year,
            next=row.next,
            issued=report.issued,
            gaps=list(report.gaps),
            broken=list(report.broken),
        )
