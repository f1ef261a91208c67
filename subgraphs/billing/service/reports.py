"""What documents and items say together: what a contract earns, when it is billed next, whether the books are whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select

from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.models.invoices import BillableItem, Invoice, InvoiceLine, NumberRange
from subgraphs.billing.rules import chain, days, numbering
from subgraphs.billing.rules.contracts import ContractStatus
from subgraphs.billing.rules.invoices import InvoiceKind, InvoiceStatus
from subgraphs.billing.rules.items import BillableSource
from subgraphs.billing.rules.money import ZERO, product, ratio, rounded
from subgraphs.billing.rules.periods import anchored, next_due
from subgraphs.billing.rules.rates import MINUTES
from subgraphs.billing.service import snapshots
from subgraphs.kit.filters import among
from subgraphs.kit.work import Work

# --- what a contract earns


@dataclass(frozen=True, slots=True)
class Earned:
    """What a contract brought in a span of time, and what it took."""

    revenue: Decimal
    cost: Decimal
    hours: Decimal
    notional: Decimal
    """What the covered work would have cost by the hour."""

    @property
    def margin(self) -> Decimal:
        """What is left."""
        return self.revenue - self.cost

    @property
    def effective_hourly_rate(self) -> Decimal | None:
        """What an hour of the work that was done for it brought; None without work."""
        return rounded(ratio(self.revenue, self.hours)) if self.hours else None


async def earned(work: Work, contracts: Sequence[UUID], *, start: date, end: date) -> dict[UUID, list[Earned]]:
    """What contracts earned from one day to another, the last included, in lists of one."""
    revenue = await _revenue(work, contracts, start, end)
    found = {}
    costs = await _costs(work, contracts, start, end)
    for contract in contracts:
        cost, minutes, notional = costs.get(contract, (ZERO, 0, ZERO))
        hours = ratio(Decimal(minutes), MINUTES)
        found[contract] = [Earned(revenue.get(contract, ZERO), rounded(cost), hours, notional)]
    return found


async def _revenue(work: Work, contracts: Sequence[UUID], start: date, end: date) -> dict[UUID, Decimal]:
    """The net of the lines on issued documents, cancelled ones and their counter-documents left out."""
    query = (
        select(InvoiceLine.contract_id, Invoice.kind, func.sum(InvoiceLine.net_amount))
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(
            InvoiceLine.contract_id.in_(list(contracts)),
            Invoice.document_status == InvoiceStatus.ISSUED,
            Invoice.kind != InvoiceKind.CANCELLATION,
            Invoice.issue_date >= start,
            Invoice.issue_date <= end,
        )
        .group_by(InvoiceLine.contract_id, Invoice.kind)
    )
    found: dict[UUID, Decimal] = {}
    for contract, kind, amount in await work.session.execute(query):
        assert contract is not None  # noqa: S101 - the query asks for those that have one
        found[contract] = found.get(contract, ZERO) + (-amount if kind is InvoiceKind.CREDIT_NOTE else amount)
    return found


async def _costs(
    work: Work, contracts: Sequence[UUID], start: date, end: date
) -> dict[UUID, tuple[Decimal, int, Decimal]]:
    query = select(
        BillableItem.contract_id,
        BillableItem.source,
        BillableItem.quantity,
        BillableItem.cost,
        BillableItem.minutes,
        BillableItem.notional_value,
    ).where(
        BillableItem.contract_id.in_(list(contracts)),
        BillableItem.service_from >= start,
        BillableItem.service_from <= end,
    )
    found: dict[UUID, tuple[Decimal, int, Decimal]] = {}
    for contract, source, quantity, cost, minutes, notional in await work.session.execute(query):
        assert contract is not None  # noqa: S101 - the query asks for those that have one
        before = found.get(contract, (ZERO, 0, ZERO))
        count = ratio(Decimal(minutes or 0), MINUTES) if source is BillableSource.TIME_ENTRY else quantity
        found[contract] = (
            before[0] + product(count, cost or ZERO),
            before[1] + (minutes or 0),
            before[2] + notional,
        )
    return found


async def revenue_of_customers(
    work: Work, customers: Sequence[UUID], *, start: date, end: date
) -> dict[UUID, list[Decimal]]:
    """The net of what customers were invoiced, in lists of one."""
    query = (
        select(Invoice.customer_id, Invoice.kind, func.sum(Invoice.total_net))
        .where(
            Invoice.customer_id.in_(list(customers)),
            Invoice.document_status == InvoiceStatus.ISSUED,
            Invoice.kind != InvoiceKind.CANCELLATION,
            Invoice.issue_date >= start,
            Invoice.issue_date <= end,
        )
        .group_by(Invoice.customer_id, Invoice.kind)
    )
    found = dict.fromkeys(customers, ZERO)
    for customer, kind, amount in await work.session.execute(query):
        found[customer] += -amount if kind is InvoiceKind.CREDIT_NOTE else amount
    return {customer: [amount] for customer, amount in found.items()}


async def next_billing(work: Work, contracts: Sequence[UUID]) -> dict[UUID, list[date]]:
    """The day on which something of a contract is due next, in lists of one; missing when nothing more will be."""
    today = days.local(work.at)
    found: dict[UUID, list[date]] = {}
    for contract, row in (await work.those(BilledContract, contracts)).items():
        if row.status in {ContractStatus.ACTIVE, ContractStatus.NOTICE_GIVEN}:
            day = next_due(
                anchored(row.start_date, row.anchor_day),
                row.billing_interval,
                after=today,
                in_advance=row.bill_in_advance,
                last_day=row.end_date,
                day_of_month=row.anchor_day,
            )
            if day is not None:
                found[contract] = [day]
    return found


# --- whether the books are whole


@dataclass(frozen=True, slots=True)
class RangeReport:
    """What an auditor asks of a number range."""

    row: NumberRange
    issued: int
    gaps: tuple[str, ...]
    broken: tuple[str, ...]
    """The documents that no longer fit to their hashes."""


async def ranges(work: Work, *, limit: int, verify: bool) -> list[RangeReport]:
    """The number ranges, newest first, with their gaps; with `verify`, the chain of each is computed again."""
    query = select(NumberRange).order_by(NumberRange.year.desc(), NumberRange.prefix, NumberRange.id).limit(limit)
    rows = (await work.session.scalars(query)).all()
    used = await _used(work, [row.id for row in rows])
    return [await _report(work, row, used.get(row.id, _NOTHING_USED), verify=verify) for row in rows]


@dataclass(frozen=True, slots=True)
class _Used:
    """How many documents a range has, and the last place that one of them has."""

    count: int
    last: int

    def is_whole(self, next_place: int) -> bool:
        """Whether no place below the next one can be free: there are as many documents, no two of them on one place."""
        return self.count == self.last == next_place - 1


_NOTHING_USED = _Used(0, 0)


async def _used(work: Work, of: Sequence[UUID]) -> dict[UUID, _Used]:
    """What is used of these ranges, in one statement that reads no document."""
    query = select(Invoice.number_range_id, func.count(), func.max(Invoice.range_place))
    found = await work.session.execute(
        query.where(among(Invoice.number_range_id, of)).group_by(Invoice.number_range_id)
    )
    return {one: _Used(count, last or 0) for one, count, last in found if one is not None}


async def _report(work: Work, row: NumberRange, used: _Used, *, verify: bool) -> RangeReport:
    missing = () if used.is_whole(row.next) else await _missing(work, row)
    return RangeReport(row, used.count, missing, await _broken(work, row) if verify else ())


async def _missing(work: Work, row: NumberRange) -> tuple[str, ...]:
    """The gaps of a range, by the numbers that its documents have."""
    numbers = await work.session.scalars(select(Invoice.number).where(Invoice.number_range_id == row.id))
    series = numbering.Series(row.prefix, row.year, row.padding)
    return numbering.gaps(series, [str(one) for one in numbers], row.next)


async def _broken(work: Work, row: NumberRange) -> tuple[str, ...]:
    query = select(Invoice).where(Invoice.number_range_id == row.id).order_by(Invoice.range_place)
    documents = (await work.session.scalars(query)).all()
    lines: dict[UUID, list[InvoiceLine]] = {}
    of = select(InvoiceLine).where(among(InvoiceLine.invoice_id, [one.id for one in documents]))
    for line in await work.session.scalars(of.order_by(InvoiceLine.position)):
        lines.setdefault(line.invoice_id, []).append(line)
    return chain.broken(_links(documents, lines))


def _links(documents: Iterable[Invoice], lines: dict[UUID, list[InvoiceLine]]) -> Iterable[chain.Link]:
    for one in documents:
        yield chain.Link(str(one.number), snapshots.content(one, lines.get(one.id, [])), str(one.content_hash))
