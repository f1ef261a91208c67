"""The rows of billing: accounts and contracts as crm told of them, what was worked, and a document for each month, numbered and sealed.

Everything is billed up to the month before this one, so that a run has a month of contracts and the work of two to bill.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from deploy.local.scale.bar import Advance
from deploy.local.scale.bulk import Bulk, Row, Table
from deploy.local.scale.customers import REFERENCE, Customer, Line, Rows, agreed, coverage, mode, references
from deploy.local.scale.desk import Worked, covers, invoice_id, invoice_of
from deploy.local.scale.sizes import MONTHS, first_of_month, identity
from deploy.local.scale.words import MACHINES
from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import Invoice, InvoiceLine
from subgraphs.billing.rules import chain, numbering
from subgraphs.billing.rules.accounts import PAYMENT_DAYS, EInvoiceFormat
from subgraphs.billing.rules.invoices import InvoiceKind
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.totals import line_net
from subgraphs.billing.rules.vat import TaxCategory, VatIdStatus
from subgraphs.billing.service import drafts, snapshots

HOURLY = Decimal("120.00")
_TAX = Decimal("19.0000")
_MINUTES = Decimal(60)
_HOURS = Decimal("0.0001")

ACCOUNT = Table(
    "billing_account",
    ("id", "created_at", "customer_id", "number", "name", "address", "language", "invoice_email", "debtor_account", "told_at"),
    {"vat_id_status": "UNCHECKED", "is_business": True, "currency": "EUR", "payment_days": PAYMENT_DAYS, "skonto": [],
     "einvoice_format": EInvoiceFormat.ZUGFERD_EN16931.value, "dunning_block": False},
)  # fmt: skip
CONTRACT = Table(
    "contract",
    ("id", "created_at", "customer_id", "number", "title", "type", "start_date", "end_date", "coverage", "told_at"),
    {"status": "ACTIVE", "billing_interval": "MONTHLY", "bill_in_advance": True, "priority": 10, "asset_ids": [], "overage": "BILL_RATE",
     "pauses": []},
)  # fmt: skip
LINE = Table(
    "contract_line",
    ("id", "created_at", "customer_id", "contract_id", "description", "quantity_mode", "quantity", "unit_price", "valid_from"),
    {"quantity_policy": "PRORATED_CHANGES", "unit_code": "MON", "discount_percent": 0, "tiers": [], "tax_code": "DE19", "prorate": "DAILY",
     "kind": "RECURRING"},
)  # fmt: skip
DEVICE = Table("billed_device", ("id", "created_at", "customer_id", "type_key", "since", "told_at"))
TIME = Table(
    "billable_item",
    ("id", "created_at", "customer_id", "source_id", "contract_id", "ticket_id", "description", "quantity", "unit_price",
     "notional_value", "service_from", "status", "effect", "rule_id", "explanation", "minutes", "invoice_id"),
    {"source": "TIME_ENTRY", "part": 0, "unit_code": "HUR", "discount_percent": 0, "tax_code": "DE19"},
)  # fmt: skip
PERIOD = Table(
    "billable_item",
    ("id", "created_at", "customer_id", "source_id", "contract_id", "period_start", "description", "quantity", "unit_price",
     "service_from", "service_to", "explanation", "invoice_id"),
    {"source": "CONTRACT_LINE", "part": 0, "unit_code": "MON", "discount_percent": 0, "notional_value": 0, "tax_code": "DE19",
     "status": "INVOICED"},
)  # fmt: skip
PAYMENT = Table(
    "payment",
    ("id", "created_at", "customer_id", "amount", "value_date", "bank_reference"),
    {"unallocated": 0, "currency": "EUR", "method": "BANK_TRANSFER"},
)
ALLOCATION = Table(
    "allocation",
    ("id", "created_at", "customer_id", "payment_id", "invoice_id", "amount", "value_date"),
    {"skonto_amount": 0},
)

_HEAD = (
    "kind", "payment_status", "delivery_status", "legal_entity_id", "customer_id", "currency", "issue_date", "service_from",
    "service_to", "due_date", "payment_days", "skonto", "discount_percent", "lines_net", "allowance", "total_net", "total_tax",
    "total_gross", "tax_breakdown", "seller_snapshot", "buyer_snapshot", "paid_amount", "written_off", "open_amount",
    "flat_fee_charged", "disputed",
)  # fmt: skip
INVOICE = Table("invoice", ("id", "created_at", *_HEAD), {"document_status": "DRAFT"})
_LINE = (
    "position", "description", "quantity", "unit_code", "unit_price", "discount_percent", "net_amount", "tax_code", "tax_category",
    "tax_rate", "service_from", "service_to", "billable_item_ids", "contract_id",
)  # fmt: skip
INVOICE_LINE = Table("invoice_line", ("id", "created_at", "invoice_id", "customer_id", *_LINE))
_ISSUE = """
    UPDATE invoice SET document_status = 'ISSUED', number = $5, number_range_id = $2, range_place = $6, prev_hash = $7, content_hash = $8,
           issued_at = created_at, approved_at = created_at, approved_by = $3
     WHERE tenant_id = $1 AND id = $4
"""
"""One at a time: of a table that is being filled PostgreSQL knows too little to join it well."""


@dataclass(slots=True)
class _Document:
    """An invoice that is to be written, with its lines."""

    invoice: Invoice
    lines: list[InvoiceLine]


@dataclass(slots=True)
class Books:
    """The books of a tenant while they are written: documents wait until all are there, because numbers follow the days."""

    entity: LegalEntity
    today: date
    documents: dict[date, list[_Document]] = field(default_factory=dict)
    ranges: list[Row] = field(default_factory=list)

    @property
    def last(self) -> date:
        """The day of the last documents."""
        return first_of_month(self.today, 1)

    def rows(self, customers: Sequence[Customer], worked: dict[UUID, list[Worked]]) -> Rows:
        """What billing keeps of these customers, but for the documents."""
        return [
            (REFERENCE, [row for one in customers for row in references(one, "Customer")]),
            (ACCOUNT, [_account_row(one) for one in customers]),
            (CONTRACT, [_contract(one) for one in customers]),
            (LINE, [row for one in customers for row in _lines(one)]),
            (DEVICE, [row for one in customers for row in _devices(one)]),
            *self._items(customers, worked),
        ]

    def _items(self, customers: Sequence[Customer], worked: dict[UUID, list[Worked]]) -> Rows:
        times: list[Row] = []
        periods: list[Row] = []
        for one in customers:
            hours: dict[date, list[Row]] = {}
            for done in worked.get(one.id, ()):
                row = self._time(one, done)
                times.append(row)
                if row[-1] is not None:
                    hours.setdefault(first_of_month(done.day, -1), []).append(row)
            account = _account(one)
            for back in range(MONTHS, 0, -1):
                month = first_of_month(self.today, back)
                charged = list(self._periods(one, month))
                periods += charged
                self._document(one, account, month, charged, hours.get(month, []))
        return [(TIME, times), (PERIOD, periods)]

    def _time(self, one: Customer, done: Worked) -> Row:
        hours = (Decimal(done.minutes) / _MINUTES).quantize(_HOURS)
        contract = one.contract if done.day >= one.contract.start else None
        covered = done.remote and covers(one, done.day)
        worth = (hours * HOURLY).quantize(Decimal("0.01"))
        billed = done.day < self.last and not covered
        return (
            identity("item", done.day, done.id.int & (1 << 38) - 1), datetime.combine(done.day, time(20), tzinfo=UTC), one.id, done.id,
            contract.id if contract else None, done.ticket, f"{done.number} {done.note}", hours, ZERO if covered else HOURLY,
            worth if covered else ZERO, done.day, "COVERED" if covered else "INVOICED" if billed else "READY",
            "COVERED" if covered else "BILLABLE", contract.rule if contract and covered else None,
            json.dumps([f"contract {contract.number}: {contract.plan.title}" if contract else "no contract"]), done.minutes,
            invoice_of(one, done.day) if billed else None,
        )  # fmt: skip

    def _periods(self, one: Customer, month: date) -> Iterator[Row]:
        if month < one.contract.start:
            return
        end = first_of_month(month, -1) - timedelta(days=1)
        made = datetime.combine(month, time(6), tzinfo=UTC)
        for place, line in enumerate(one.contract.lines):
            if line.quantity:
                yield (
                    identity("period", month, one.place * 4 + place), made, one.id, line.id, one.contract.id, month,
                    f"{line.description} ({month:%d.%m.%Y}-{end:%d.%m.%Y})", line.quantity, line.price, month, end,
                    json.dumps([f"contract {one.contract.number}: {one.contract.plan.title}"]), invoice_id(one, month),
                )  # fmt: skip

    def _document(
        self, one: Customer, account: BillingAccount, month: date, periods: Sequence[Row], times: Sequence[Row]
    ) -> None:
        if not periods and not times:
            return
        invoice = drafts.new(self.entity, account)
        invoice.id = invoice_id(one, month)
        invoice.created_at = datetime.combine(month, time(6), tzinfo=UTC)
        lines = [
            _line(invoice, place, PERIOD, row, row[PERIOD.columns.index("quantity")], [row])
            for place, row in enumerate(periods, 1)
        ]
        if times:
            hours = sum((row[TIME.columns.index("quantity")] for row in times), ZERO)
            lines.append(_line(invoice, len(lines) + 1, TIME, times[0], hours, times))
        drafts.add_up(invoice, lines)
        invoice.seller_snapshot, invoice.buyer_snapshot = snapshots.seller(self.entity), snapshots.buyer(account)
        invoice.issue_date, invoice.due_date = month, month + timedelta(days=invoice.payment_days)
        paid = one.place * 7 + month.month
        invoice.open_amount = invoice.total_gross
        if paid % 40 or month < first_of_month(self.today, 12):
            invoice.paid_amount, invoice.open_amount = invoice.total_gross, ZERO
        self.documents.setdefault(month, []).append(_Document(invoice, lines))

    # --- documents

    @property
    def count(self) -> int:
        """How many documents there are."""
        return sum(map(len, self.documents.values()))

    async def write_documents(self, bulk: Bulk, advance: Advance) -> None:
        """Write the documents under their numbers, month by month, with what was paid."""
        ranges: dict[int, _Range] = {}
        for month in sorted(self.documents):
            numbers = ranges.setdefault(month.year, _Range(month.year))
            await self._write(bulk, self.documents[month], numbers)
            advance(len(self.documents[month]))
        rows = [one.row(self.entity.id) for one in ranges.values()]
        await bulk.write(RANGE, rows)

    async def _write(self, bulk: Bulk, documents: Sequence[_Document], numbers: _Range) -> None:
        sealed = [numbers.seal(one) for one in documents]
        await bulk.write(INVOICE, [_row(INVOICE, one.invoice) for one in documents])
        await bulk.write(INVOICE_LINE, [_row(INVOICE_LINE, line) for one in documents for line in one.lines])
        issued = [(bulk.tenant, numbers.id, bulk.author, *one) for one in sealed]
        await bulk.connection.executemany(_ISSUE, issued, timeout=600)
        paid = [one.invoice for one in documents if one.invoice.paid_amount]
        await bulk.write(PAYMENT, [_payment(one) for one in paid])
        await bulk.write(ALLOCATION, [_allocation(one) for one in paid])


RANGE = Table(
    "number_range",
    ("id", "created_at", "legal_entity_id", "year", "next", "last_issue_date", "last_hash"),
    {"prefix": numbering.PREFIXES[InvoiceKind.INVOICE], "padding": numbering.PADDING},
)


@dataclass(slots=True)
class _Range:
    """The numbers of a year, and the chain through them."""

    year: int
    next: int = 1
    last: str = chain.GENESIS
    last_issue: date | None = None

    @property
    def id(self) -> UUID:
        return identity("range", date(self.year, 1, 1), self.year)

    def seal(self, document: _Document) -> tuple[UUID, str, int, str, str]:
        """Give a document its number, and hang it onto the chain."""
        invoice, previous, place = document.invoice, self.last, self.next
        invoice.number = numbering.Series(numbering.PREFIXES[InvoiceKind.INVOICE], self.year).number(place)
        self.last = chain.content_hash(snapshots.content(invoice, document.lines), previous)
        self.next, self.last_issue = place + 1, invoice.issue_date
        return (invoice.id, invoice.number, place, previous, self.last)

    def row(self, entity: UUID) -> Row:
        """The range as it is stored."""
        began = datetime(self.year, 1, 1, tzinfo=UTC)
        return (self.id, began, entity, self.year, self.next, self.last_issue, self.last)


def _row(table: Table, made: Any) -> Row:
    return tuple(_stored(getattr(made, name)) for name in table.columns)


def _stored(value: Any) -> Any:
    match value:
        case dict() | list():
            return json.dumps(value)
        case _ if hasattr(value, "value"):
            return value.value
        case _:
            return value


def _line(
    invoice: Invoice, position: int, table: Table, row: Row, quantity: Decimal, items: Sequence[Row]
) -> InvoiceLine:
    said = dict(zip(table.columns, row, strict=True))
    days = [one[table.columns.index("service_from")] for one in items]
    return InvoiceLine(
        id=identity("entry", invoice.created_at, (invoice.id.int & (1 << 30) - 1) * 8 + position),
        created_at=invoice.created_at,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        position=position,
        description="Arbeitszeit nach Aufwand" if table is TIME else said["description"],
        quantity=quantity,
        unit_code=table.fixed["unit_code"],
        unit_price=said["unit_price"],
        discount_percent=ZERO,
        net_amount=line_net(quantity, said["unit_price"], ZERO),
        tax_code="DE19",
        tax_category=TaxCategory.S,
        tax_rate=_TAX,
        service_from=min(days),
        service_to=said.get("service_to") or max(days),
        billable_item_ids=[str(one[0]) for one in items],
        contract_id=said["contract_id"],
    )


def _payment(invoice: Invoice) -> Row:
    day = invoice.due_date or invoice.created_at.date()
    return (_of(invoice, "payment"), invoice.created_at, invoice.customer_id, invoice.total_gross, day, invoice.number)


def _allocation(invoice: Invoice) -> Row:
    day = invoice.due_date or invoice.created_at.date()
    return (_of(invoice, "allocation"), invoice.created_at, invoice.customer_id, _of(invoice, "payment"), invoice.id, invoice.total_gross, day)  # fmt: skip


def _of(invoice: Invoice, kind: str) -> UUID:
    return identity(kind, invoice.created_at, invoice.id.int & (1 << 30) - 1)


def _account(one: Customer) -> BillingAccount:
    said = dict(zip(ACCOUNT.columns, _account_row(one), strict=True))
    return BillingAccount(
        **said | {"address": one.address, "vat_id_status": VatIdStatus.UNCHECKED, "einvoice_format": EInvoiceFormat.ZUGFERD_EN16931,
                  "is_business": True, "currency": "EUR", "payment_days": PAYMENT_DAYS, "skonto": []}
    )  # fmt: skip


def _account_row(one: Customer) -> Row:
    return (one.id, one.began, one.id, one.number, one.name, json.dumps(one.address), one.language[:2], f"rechnung@{one.domain}",
            str(10_001 + one.place), one.began)  # fmt: skip


def _contract(one: Customer) -> Row:
    contract = one.contract
    signed = datetime.combine(contract.start, time(8), tzinfo=UTC)
    return (contract.id, signed, one.id, contract.number, contract.plan.title, contract.plan.type, contract.start, contract.end,
            coverage(contract, id=str(contract.rule)), signed)  # fmt: skip


def _lines(one: Customer) -> list[Row]:
    start = one.contract.start
    signed = datetime.combine(start, time(8), tzinfo=UTC)

    def row(line: Line) -> Row:
        return (line.id, signed, one.id, one.contract.id, line.description, mode(line), agreed(line), line.price, start)

    return [row(line) for line in one.contract.lines]


def _devices(one: Customer) -> list[Row]:
    return [
        (device.id, one.began, one.id, MACHINES[device.machine]["type"], one.began.date(), one.began)
        for device in one.devices
        if device.counts
    ]


def years(customers: Sequence[Customer]) -> Counter[int]:
    """How many contract numbers each year has used."""
    return Counter(one.contract.start.year for one in customers)
