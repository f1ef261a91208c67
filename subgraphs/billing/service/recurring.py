"""The recurring lines of contracts, read for many contracts at once: what is due, and what it comes to in a month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import or_, select

from subgraphs.billing.models.agreements import BilledContract, BilledDevice, ContractLine, QuantityChange
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules import days
from subgraphs.billing.rules.contracts import IN_FORCE, ContractStatus, LineKind
from subgraphs.billing.rules.corrections import Before
from subgraphs.billing.rules.items import BillableSource
from subgraphs.billing.rules.money import HUNDRED, ONE, ZERO, product, ratio, rounded
from subgraphs.billing.rules.periods import DAY, Period
from subgraphs.billing.rules.prepaid import UNITS
from subgraphs.billing.rules.proration import tier_price
from subgraphs.billing.rules.quantities import Count, QuantityMode
from subgraphs.billing.rules.recurring import Change, RecurringLine, Schedule, agreed_today
from subgraphs.billing.service.contracts import changes_of, paused
from subgraphs.billing.service.products import tiers
from subgraphs.kit.filters import among
from subgraphs.kit.work import Work


@dataclass(frozen=True, slots=True)
class Recurring:
    """A line with its contract, as it is stored and as the rules see it."""

    contract: BilledContract
    row: ContractLine
    line: RecurringLine
    schedule: Schedule


async def of_contracts(work: Work, contracts: Sequence[BilledContract]) -> list[Recurring]:
    """The lines of these contracts with all that their quantities depend on, in three statements.

    What is bought before it is used, and what is billed by its use, comes to items by other ways.
    """
    by_id = {contract.id: contract for contract in contracts}
    query = select(ContractLine).where(among(ContractLine.contract_id, by_id))
    every = (
        await work.session.scalars(query.order_by(ContractLine.contract_id, ContractLine.valid_from, ContractLine.id))
    ).all()
    began = began_on(every)
    rows = [row for row in every if _recurs(row, by_id[row.contract_id])]
    changes = await changes_of(work, [row.id for row in rows])
    counting = {row.customer_id for row in rows if row.quantity_mode is QuantityMode.ACTIVE_DEVICES}
    devices = await device_counts(work, counting)
    return [
        _recurring(by_id[row.contract_id], row, changes.get(row.id, ()), devices, began=began[row.id]) for row in rows
    ]


def _recurs(row: ContractLine, contract: BilledContract) -> bool:
    return not (row.kind is LineKind.USAGE or (row.kind is LineKind.PREPAID and contract.type in UNITS))


def began_on(rows: Sequence[ContractLine]) -> dict[UUID, date]:
    """On which day the first version of each line began."""
    by_id = {row.id: row for row in rows}

    def first(row: ContractLine) -> date:
        former = by_id.get(row.replaces_id) if row.replaces_id else None
        return min(first(former), row.valid_from) if former else row.valid_from

    return {row.id: first(row) for row in rows}


def _recurring(
    contract: BilledContract,
    row: ContractLine,
    changes: Iterable[QuantityChange],
    devices: Mapping[UUID, tuple[Count, ...]],
    *,
    began: date,
) -> Recurring:
    line = RecurringLine(
        id=row.id,
        quantity=row.quantity,
        unit_price=row.unit_price,
        policy=row.quantity_policy,
        prorate=row.prorate,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        least=row.min_quantity,
        most=row.max_quantity,
        tiers=tuple(tiers(row.tiers)),
        changes=tuple(
            Change(number, change.effective_date, change.delta, change.created_at)
            for number, change in enumerate(changes, start=1)
        ),
        counts=devices.get(row.customer_id, ()) if row.quantity_mode is QuantityMode.ACTIVE_DEVICES else None,
        kind=row.kind,
        follows=began < row.valid_from,
    )
    return Recurring(contract, row, line, schedule_of(contract))


def schedule_of(contract: BilledContract) -> Schedule:
    """When a contract is billed."""
    interval, in_advance = contract.billing_interval, contract.bill_in_advance
    pauses = paused(contract)
    return Schedule(contract.start_date, interval, in_advance, contract.end_date, contract.anchor_day, pauses)


async def device_counts(work: Work, customers: Iterable[UUID]) -> dict[UUID, tuple[Count, ...]]:
    """How many devices customers had, from which day on."""
    wanted = list(customers)
    if not wanted:
        return {}
    query = select(BilledDevice.customer_id, BilledDevice.since, BilledDevice.until)
    steps: dict[UUID, dict[date, int]] = {}
    for customer, since, until in await work.session.execute(query.where(among(BilledDevice.customer_id, wanted))):
        mine = steps.setdefault(customer, {})
        mine[since] = mine.get(since, 0) + 1
        if until is not None:
            mine[until] = mine.get(until, 0) - 1
    return {customer: _summed(mine) for customer, mine in steps.items()}


def _summed(steps: Mapping[date, int]) -> tuple[Count, ...]:
    counts, quantity = [], 0
    for day in sorted(steps):
        quantity += steps[day]
        counts.append(Count(day, Decimal(quantity)))
    return tuple(counts)


async def billed(work: Work, lines: Iterable[UUID]) -> dict[tuple[UUID, date], dict[int, Before]]:
    """What of these lines was billed before: all periods ever, so only what the rules look at is read of each."""
    query = select(
        BillableItem.source_id, BillableItem.period_start, BillableItem.part, BillableItem.created_at, BillableItem.service_from,
        BillableItem.service_to, BillableItem.quantity, BillableItem.unit_price,
    ).where(BillableItem.source == BillableSource.CONTRACT_LINE, among(BillableItem.source_id, lines))  # fmt: skip
    found: dict[tuple[UUID, date], dict[int, Before]] = {}
    for line, period, part, at, since, until, quantity, price in await work.session.execute(query):
        assert line is not None and period is not None  # noqa: S101, PT018 - what recurs has both
        before = Before(at, Period(since, (until or since) + DAY), quantity, price)
        found.setdefault((line, period), {})[part] = before
    return found


async def in_force(
    work: Work, *, legal_entity_id: UUID, customers: Sequence[UUID], only: bool
) -> Sequence[BilledContract]:
    """The contracts that a run has to look at, those that rest too: they held before; `customers` limits it when `only` is set."""
    query = select(BilledContract).where(
        BilledContract.status.in_([*IN_FORCE, ContractStatus.SUSPENDED]),
        or_(BilledContract.legal_entity_id == legal_entity_id, BilledContract.legal_entity_id.is_(None)),
    )
    if only:
        query = query.where(among(BilledContract.customer_id, customers))
    return (await work.session.scalars(query.order_by(BilledContract.customer_id, BilledContract.number))).all()


# --- what it comes to in a month


async def mrr_of_contracts(work: Work, contracts: Sequence[UUID]) -> dict[UUID, list[Decimal]]:
    """The monthly recurring revenue of contracts, in lists of one."""
    rows = await work.those(BilledContract, contracts)
    found = await _monthly(work, list(rows.values()))
    return {contract: [found.get(contract, ZERO)] for contract in rows}


async def mrr_of_customers(work: Work, customers: Sequence[UUID]) -> dict[UUID, list[Decimal]]:
    """The monthly recurring revenue of customers, in lists of one."""
    query = select(BilledContract).where(among(BilledContract.customer_id, customers))
    rows = (await work.session.scalars(query)).all()
    found = await _monthly(work, rows)
    sums = dict.fromkeys(customers, ZERO)
    for row in rows:
        sums[row.customer_id] += found.get(row.id, ZERO)
    return {customer: [value] for customer, value in sums.items()}


async def _monthly(work: Work, contracts: Sequence[BilledContract]) -> dict[UUID, Decimal]:
    today = days.local(work.at)
    active = [
        contract
        for contract in contracts
        if contract.status in {ContractStatus.ACTIVE, ContractStatus.NOTICE_GIVEN}
        and contract.start_date <= today
        and (contract.end_date is None or today <= contract.end_date)
    ]
    found: dict[UUID, Decimal] = {}
    for one in await of_contracts(work, active):
        found[one.contract.id] = found.get(one.contract.id, ZERO) + monthly(one, today)
    return found


def monthly(one: Recurring, today: date) -> Decimal:
    """What a line comes to in a month, to the cent."""
    months = one.schedule.interval.months
    if not months or today < one.line.valid_from or (one.line.valid_to is not None and today > one.line.valid_to):
        return ZERO
    quantity = agreed_today(one.line, today)
    price = tier_price(one.line.tiers, quantity, one.line.unit_price)
    less = ONE - ratio(one.row.discount_percent, HUNDRED)
    return rounded(ratio(product(quantity, price, less), Decimal(months)))
