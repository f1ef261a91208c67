"""What was paid before: bought, used, expired, put right; the ledger is the only truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select

from contracts.events import billing as events
from subgraphs.billing.errors import InsufficientBalance
from subgraphs.billing.models.agreements import BilledContract, ContractLine, PrepaidBalance, PrepaidMovement
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules import days, entered, prepaid
from subgraphs.billing.rules.contracts import LineKind
from subgraphs.billing.rules.items import BillableSource, BillableStatus
from subgraphs.billing.rules.money import ONE, QUANTITY, ZERO, product, rounded
from subgraphs.billing.rules.periods import BillingInterval, anchored, due, next_due
from subgraphs.billing.rules.prepaid import UNITS, Block, MovementKind, PrepaidUnit
from subgraphs.billing.rules.totals import line_net
from subgraphs.billing.service.contracts import paused
from subgraphs.kit import jobs
from subgraphs.kit.errors import Invalid, PreconditionFailed
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

EXPIRE_JOB = "prepaid.expire"
GRANT_JOB = "prepaid.grant"
_BEFORE = "worked before it expired"

# --- reading


async def of_contracts(work: Work, contracts: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[PrepaidBalance]]:
    """The balances of contracts, oldest first."""
    order = (PrepaidBalance.bought_on, PrepaidBalance.id)
    return await work.per_parent(PrepaidBalance, PrepaidBalance.contract_id, contracts, order=order, limit=limit)


async def movements_of(work: Work, balances: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[PrepaidMovement]]:
    """The movements of balances, oldest first."""
    order = (PrepaidMovement.created_at, PrepaidMovement.id)
    return await work.per_parent(PrepaidMovement, PrepaidMovement.balance_id, balances, order=order, limit=limit)


async def remaining(work: Work, balances: Sequence[UUID]) -> dict[UUID, list[Decimal]]:
    """What is left of balances, in lists of one."""
    query = (
        select(PrepaidMovement.balance_id, func.sum(PrepaidMovement.quantity))
        .where(PrepaidMovement.balance_id.in_(list(balances)))
        .group_by(PrepaidMovement.balance_id)
    )
    return {balance: [amount] for balance, amount in await work.session.execute(query)}


async def left_of_contracts(work: Work, contracts: Sequence[UUID]) -> dict[UUID, list[Decimal]]:
    """What is left of all balances of contracts, in lists of one; contracts without a balance are missing."""
    query = (
        select(PrepaidBalance.contract_id, func.sum(PrepaidMovement.quantity))
        .join(PrepaidMovement, PrepaidMovement.balance_id == PrepaidBalance.id)
        .where(PrepaidBalance.contract_id.in_(list(contracts)))
        .group_by(PrepaidBalance.contract_id)
    )
    return {contract: [amount] for contract, amount in await work.session.execute(query)}


async def last_of(work: Work, contract_id: UUID) -> PrepaidBalance | None:
    """The block of a contract that was bought last."""
    query = select(PrepaidBalance).where(PrepaidBalance.contract_id == contract_id)
    order = (PrepaidBalance.bought_on.desc(), PrepaidBalance.id.desc())
    found: PrepaidBalance | None = await work.session.scalar(query.order_by(*order).limit(1))
    return found


async def price_of(work: Work, contract: BilledContract, balance: PrepaidBalance) -> Decimal | None:
    """What a block like this one costs: what it cost itself, else so much money as it holds, or its hours at the contract's rate."""
    query = select(BillableItem).where(
        BillableItem.source == BillableSource.PRODUCT, BillableItem.source_id == balance.id
    )
    sold = await work.session.scalar(query.limit(1))
    if sold is not None:
        return line_net(sold.quantity, sold.unit_price, sold.discount_percent)
    if balance.unit is PrepaidUnit.MONEY:
        return balance.purchased
    is_hours = balance.unit is PrepaidUnit.HOURS and contract.hourly_rate is not None
    return rounded(product(contract.hourly_rate or ZERO, balance.purchased)) if is_hours else None


async def _blocks(work: Work, contract_id: UUID) -> tuple[list[PrepaidBalance], list[Block]]:
    """The balances of a contract, locked, and what is left of each."""
    query = select(PrepaidBalance).where(PrepaidBalance.contract_id == contract_id).order_by(PrepaidBalance.id)
    rows = list((await work.session.scalars(query.with_for_update())).all())
    left = await remaining(work, [row.id for row in rows])
    blocks = [Block(row.id, row.bought_on, row.purchased, left.get(row.id, [ZERO])[0], row.expires_on) for row in rows]
    return rows, blocks


# --- buying


async def purchase(
    work: Work,
    *,
    contract_id: UUID,
    quantity: Decimal,
    price: Decimal | None = None,
    bought_on: date | None = None,
    expires_on: date | None = None,
    description: str | None = None,
) -> PrepaidBalance:
    """Sell a block of hours, money or tickets; its price is billed with the next invoice."""
    contract = await work.take(BilledContract, contract_id, field="contractId")
    unit = UNITS.get(contract.type)
    if unit is None:
        raise PreconditionFailed(
            "Only block hours, retainers and packs of tickets are paid before.", field="contractId"
        )
    day = entered.day(bought_on or days.local(work.at), field="boughtOn")
    if expires_on is not None:
        entered.day(expires_on, field="expiresOn")
    if expires_on is not None and expires_on < day:
        raise Invalid("A block can't expire before it is bought.", field="expiresOn")
    balance = PrepaidBalance(
        customer_id=contract.customer_id, contract_id=contract.id, unit=unit, bought_on=day,
        purchased=entered.quantity(quantity, positive=True), expires_on=expires_on,
    )  # fmt: skip
    work.add(balance)
    _move(work, balance, MovementKind.PURCHASE, balance.purchased, day)
    if price is not None:
        _charge(work, contract, balance, entered.price(price, field="price"), description)
    if expires_on is not None:
        at = datetime.combine(expires_on + timedelta(days=1), time(), UTC)
        await jobs.enqueue(work, EXPIRE_JOB, {"contract": str(contract.id)}, at=at)
    return balance


def _charge(
    work: Work, contract: BilledContract, balance: PrepaidBalance, price: Decimal, description: str | None
) -> None:
    what = line(
        description or f"{contract.title}: {balance.purchased.normalize():f} {balance.unit.value}", field="description"
    )
    work.add(
        BillableItem(
            customer_id=contract.customer_id, source=BillableSource.PRODUCT, source_id=balance.id, part=0,
            contract_id=contract.id, description=what, quantity=Decimal(1), unit_code="LS", unit_price=price,
            discount_percent=ZERO, notional_value=ZERO, tax_code="DE19", service_from=balance.bought_on,
            status=BillableStatus.READY, explanation=[f"contract {contract.number}: bought in advance"],
        )
    )  # fmt: skip


def _move(
    work: Work,
    balance: PrepaidBalance,
    kind: MovementKind,
    quantity: Decimal,
    on: date,
    *,
    source: UUID | None = None,
    reason: str | None = None,
) -> PrepaidMovement:
    return work.add(
        PrepaidMovement(
            customer_id=balance.customer_id, balance_id=balance.id, on_date=on, quantity=quantity, kind=kind,
            source_id=source, reason=reason,
        )
    )  # fmt: skip


async def grant(work: Work, contract: BilledContract) -> None:
    """Buy what the lines of a contract say is bought for each period, as soon as a period begins; each is bought once.

    Blocks are never cut down to days: the whole of it is there on the first day. A version that follows another one within a
    period begins with the next period, and nothing is bought for periods that begin while the contract rests.
    """
    unit = UNITS.get(contract.type)
    if unit is None:
        return
    query = select(ContractLine).where(ContractLine.contract_id == contract.id, ContractLine.kind == LineKind.PREPAID)
    rows = (await work.session.scalars(query.order_by(ContractLine.valid_from, ContractLine.id))).all()
    bought = await _bought(work, contract.id)
    today = days.local(work.at)
    for row in rows:
        for day in _days(contract, row, today):
            if (row.id, day) not in bought:
                _buy(work, contract, row, unit, day)
    await _look_again(work, contract, rows, today)


async def _look_again(work: Work, contract: BilledContract, rows: Sequence[ContractLine], today: date) -> None:
    """Set the timer for the next day on which something may be bought; one that was set before for another day does nothing."""
    days = [row.valid_from for row in rows if row.valid_from > today]
    if rows:
        start, interval = _rhythm(contract)
        last, day = contract.end_date, contract.anchor_day
        period = next_due(start, interval, after=today, in_advance=True, last_day=last, day_of_month=day)
        days.append(period or date.max)
    upcoming = min((day for day in days if day < date.max), default=None)
    if upcoming == contract.next_grant:
        return
    contract.next_grant = upcoming
    if upcoming is not None:
        payload = {"contract": str(contract.id), "day": upcoming.isoformat()}
        await jobs.enqueue(work, GRANT_JOB, payload, at=datetime.combine(upcoming, time(), UTC))


async def _bought(work: Work, contract_id: UUID) -> set[tuple[UUID, date]]:
    query = select(PrepaidBalance.contract_line_id, PrepaidBalance.period_start).where(
        PrepaidBalance.contract_id == contract_id, PrepaidBalance.contract_line_id.is_not(None)
    )
    return {(line, day) for line, day in await work.session.execute(query) if line and day}


def _rhythm(contract: BilledContract) -> tuple[date, BillingInterval]:
    return anchored(contract.start_date, contract.anchor_day), contract.billing_interval


def _days(contract: BilledContract, row: ContractLine, today: date) -> Sequence[date]:
    """The days until today on which something is bought for a line: once, or at the beginning of every period."""
    last = min((day for day in (row.valid_to, contract.end_date, today) if day is not None), default=today)
    if not contract.billing_interval.months:
        return [row.valid_from] if row.valid_from <= last and row.replaces_id is None else []
    start, interval = _rhythm(contract)
    periods = due(start, interval, until=today, in_advance=True, day_of_month=contract.anchor_day)
    starts = [period.start for period in periods]
    first = [row.valid_from] if row.replaces_id is None and row.valid_from not in starts else []
    return [day for day in (*first, *starts) if row.valid_from <= day <= last and not _rests(contract, day)]


def _rests(contract: BilledContract, day: date) -> bool:
    return any(day in pause for pause in paused(contract))


def _buy(work: Work, contract: BilledContract, row: ContractLine, unit: PrepaidUnit, day: date) -> None:
    each = row.included_hours or ONE
    price = line_net(row.quantity, row.unit_price, row.discount_percent)
    amount = price if unit is PrepaidUnit.MONEY else rounded(product(row.quantity, each), QUANTITY)
    if amount <= 0:
        return
    balance = PrepaidBalance(
        customer_id=contract.customer_id, contract_id=contract.id, unit=unit, bought_on=day, purchased=amount,
        expires_on=None, contract_line_id=row.id, period_start=day,
    )  # fmt: skip
    work.add(balance)
    _move(work, balance, MovementKind.PURCHASE, amount, day)
    work.add(
        BillableItem(
            customer_id=contract.customer_id, source=BillableSource.PRODUCT, source_id=balance.id, part=0,
            contract_id=contract.id, product_id=row.product_id, description=row.description, quantity=row.quantity,
            unit_code=row.unit_code, unit_price=row.unit_price, discount_percent=row.discount_percent,
            notional_value=ZERO, cost=row.cost, tax_code=row.tax_code, service_from=day, status=BillableStatus.READY,
            explanation=[f"contract {contract.number}: {contract.title}", f"bought in advance on {day}"],
        )
    )  # fmt: skip


async def adjust(work: Work, *, id: UUID, quantity: Decimal, reason: str) -> PrepaidBalance:
    """Put a balance right, and say why; it can't go below zero."""
    balance = await work.take(PrepaidBalance, id, field="id")
    quantity = entered.quantity(quantity)
    left = (await remaining(work, [balance.id])).get(balance.id, [ZERO])[0]
    if left + quantity < 0:
        raise InsufficientBalance(f"Only {left.normalize():f} is left.", field="quantity")
    why = line(reason, field="reason", longest=500)
    _move(work, balance, MovementKind.ADJUST, quantity, days.local(work.at), reason=why)
    return balance


# --- using


async def left(work: Work, contract: BilledContract, on: date) -> Decimal:
    """What can be taken from the balances of a contract on a day."""
    _rows, blocks = await _blocks(work, contract.id)
    return sum((block.remaining for block in blocks if block.usable_on(on)), ZERO)


async def consume(work: Work, contract: BilledContract, quantity: Decimal, on: date, source: UUID | None) -> Decimal:
    """Take so much from the balances of a contract; what they could not give.

    The day of the work counts, not the day on which somebody approves it: what expired in between comes back for it.
    """
    await expire(work, contract, on=days.local(work.at))
    await work.session.flush()
    rows, left_over = await _blocks(work, contract.id)
    expired = await _expired(work, [row.id for row in rows])
    blocks = [replace(one, remaining=one.remaining + expired.get(one.id, ZERO)) for one in left_over]
    used = prepaid.consume(blocks, quantity, on)
    by_id, there = {row.id: row for row in rows}, {one.id: one.remaining for one in left_over}
    for movement in used.movements:
        if (back := -movement.quantity - there[movement.block]) > 0:
            _move(work, by_id[movement.block], MovementKind.EXPIRE, back, on, source=source, reason=_BEFORE)
        _move(work, by_id[movement.block], movement.kind, movement.quantity, on, source=source)
    if used.exhausted:
        exhausted = events.PrepaidExhausted(
            contract_id=contract.id, customer_id=contract.customer_id, unit=_unit(contract)
        )
        await work.emit(exhausted, subject=contract.id, customer=contract.customer_id)
    elif used.low:
        left = sum((block.remaining for block in blocks if block.usable_on(on)), ZERO) - used.consumed
        low = events.PrepaidLow(
            contract_id=contract.id, customer_id=contract.customer_id, unit=_unit(contract), remaining=left
        )
        await work.emit(low, subject=contract.id, customer=contract.customer_id)
    return used.overage


async def _expired(work: Work, balances: Sequence[UUID]) -> dict[UUID, Decimal]:
    """What was taken out of balances because their time was up."""
    query = select(PrepaidMovement.balance_id, -func.sum(PrepaidMovement.quantity)).where(
        PrepaidMovement.balance_id.in_(balances), PrepaidMovement.kind == MovementKind.EXPIRE
    )
    found = await work.session.execute(query.group_by(PrepaidMovement.balance_id))
    return {row[0]: row[1] for row in found}


def _unit(contract: BilledContract) -> str:
    return UNITS[contract.type].value


async def expire(work: Work, contract: BilledContract, *, on: date) -> Iterable[PrepaidMovement]:
    """Take out what is left of blocks whose last day has passed."""
    rows, blocks = await _blocks(work, contract.id)
    by_id = {row.id: row for row in rows}
    gone = [
        _move(work, by_id[movement.block], movement.kind, movement.quantity, on)
        for movement in prepaid.expired(blocks, on)
    ]
    if gone:
        happened = events.PrepaidExpired(
            contract_id=contract.id, customer_id=contract.customer_id, unit=_unit(contract),
            quantity=-sum((one.quantity for one in gone), ZERO),
        )  # fmt: skip
        await work.emit(happened, subject=contract.id, customer=contract.customer_id)
    return gone
