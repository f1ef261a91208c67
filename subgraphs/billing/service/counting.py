"""What is counted: devices that come and go, and where a source and a contract disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from contracts.events import billing as events
from subgraphs.billing.errors import WrongItemStatus
from subgraphs.billing.models.agreements import BilledContract, BilledDevice, ContractLine, QuantityVariance
from subgraphs.billing.rules import days, entered
from subgraphs.billing.rules.money import HUNDRED, ONE, ZERO, product, ratio
from subgraphs.billing.rules.proration import tier_price
from subgraphs.billing.rules.quantities import VarianceStatus, variance
from subgraphs.billing.rules.recurring import agreed_today
from subgraphs.billing.service import contracts, merging, recurring
from subgraphs.billing.service.drafts import told
from subgraphs.kit.errors import NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

# --- devices


async def deployed(
    work: Work, asset_id: UUID, *, customer_id: UUID, type_key: str, counts: bool, since: date, at: datetime
) -> None:
    """A device went into use at a customer, on a day that may be long ago when somebody says so."""
    row = await _device(work, asset_id)
    if row is not None and row.told_at >= at:
        return
    customer_id = await merging.survivor(work, customer_id)
    if row is None:
        if counts:
            new = BilledDevice(customer_id=customer_id, type_key=type_key, since=since, told_at=at)
            new.id = asset_id
            work.add(new)
        return
    # It comes back, or goes to somebody else: from now on it counts there.
    row.customer_id, row.type_key, row.told_at = customer_id, type_key, at
    row.since, row.until = (since, None) if counts else (row.since, row.until or days.local(at))


async def withdrawn(work: Work, asset_id: UUID, *, at: datetime) -> None:
    """A device went out of use."""
    row = await _device(work, asset_id)
    if row is None or row.told_at >= at or row.until is not None:
        return
    row.until, row.told_at = days.local(at), at


async def type_of(work: Work, asset_id: UUID) -> str | None:
    """The key of the type of a device that was in use once, or None."""
    row = await work.find(BilledDevice, asset_id)
    return row.type_key if row else None


async def _device(work: Work, asset_id: UUID) -> BilledDevice | None:
    key = {"tenant_id": work.caller.tenant, "id": asset_id}
    found: BilledDevice | None = await work.session.get(BilledDevice, key, with_for_update=True, populate_existing=True)
    return found


# --- reconciliation


async def of_contracts(work: Work, parents: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[QuantityVariance]]:
    """The differences of contracts, newest first."""
    order = (QuantityVariance.created_at.desc(), QuantityVariance.id.desc())
    return await work.per_parent(QuantityVariance, QuantityVariance.contract_id, parents, order=order, limit=limit)


async def listed(work: Work, *, status: VarianceStatus | None, limit: int, offset: int) -> Sequence[QuantityVariance]:
    """The differences that somebody has to look at, the dearest first."""
    query = select(QuantityVariance)
    if status is not None:
        query = query.where(QuantityVariance.status == status)
    order = (QuantityVariance.monthly_impact.desc(), QuantityVariance.id)
    return (await work.session.scalars(query.order_by(*order).limit(limit).offset(offset))).all()


async def reconcile(
    work: Work, *, contract_line_id: UUID, source: str, quantity: Decimal, tolerance: Decimal = ZERO
) -> QuantityVariance:
    """Compare what a source counts with what a line bills; a difference is written down, and changes no invoice."""
    row = await work.take(ContractLine, contract_line_id, field="contractLineId")
    contract = await work.find(BilledContract, row.contract_id)
    if contract is None:
        raise NotFound("There is no such contract line.", field="contractLineId")
    (one,) = [each for each in await recurring.of_contracts(work, [contract]) if each.row.id == row.id]
    billed, counted = agreed_today(one.line, days.local(work.at)), entered.count(quantity)
    price = product(tier_price(one.line.tiers, billed, row.unit_price), ONE - ratio(row.discount_percent, HUNDRED))
    months = max(one.schedule.interval.months, 1)
    found = variance(counted, billed, price, tolerance=entered.count(tolerance, field="tolerance"), months=months)
    mine = await _open(work, row.id, line(source, field="source", longest=60))
    mine.customer_id, mine.contract_id = row.customer_id, contract.id
    mine.source_quantity, mine.billed_quantity = counted, billed
    mine.difference = found.difference if found else ZERO
    mine.monthly_impact = found.monthly_impact if found else ZERO
    mine.status = VarianceStatus.OPEN if found else VarianceStatus.FIXED
    work.add(mine)
    if found:
        happened = events.ContractQuantityVarianceDetected(
            contract_id=contract.id, contract_line_id=row.id, source_quantity=counted, billed_quantity=billed,
            monthly_impact=told(found.monthly_impact, "EUR"),
        )  # fmt: skip
        await work.emit(happened, subject=contract.id, customer=contract.customer_id)
    return mine


async def _open(work: Work, line_id: UUID, source: str) -> QuantityVariance:
    query = select(QuantityVariance).where(
        QuantityVariance.contract_line_id == line_id,
        QuantityVariance.source == source,
        QuantityVariance.status == VarianceStatus.OPEN,
    )
    row = (await work.session.scalars(query.with_for_update())).one_or_none()
    return row or QuantityVariance(contract_line_id=line_id, source=source)


async def accept(work: Work, *, id: UUID, effective_date: date, version: int | None = None) -> QuantityVariance:
    """The source is right: from a day on the line counts what it counts."""
    row = await _undecided(work, id, version)
    await contracts.change_quantity(
        work,
        contract_line_id=row.contract_line_id,
        effective_date=effective_date,
        delta=row.difference,
        reason=f"{row.source} counts {row.source_quantity.normalize():f}",
        source=row.source,
    )
    row.status = VarianceStatus.ACCEPTED
    return row


async def ignore(work: Work, *, id: UUID, version: int | None = None) -> QuantityVariance:
    """The contract is right."""
    row = await _undecided(work, id, version)
    row.status = VarianceStatus.IGNORED
    return row


async def _undecided(work: Work, id: UUID, version: int | None) -> QuantityVariance:
    row = await work.take(QuantityVariance, id, field="id", version=version)
    if row.status is not VarianceStatus.OPEN:
        raise WrongItemStatus(f"Somebody decided before: it is {row.status.value}.", field="id")
    return row
